"""What `lfp check` says of each format that the commands write."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

sys.path.append(str(Path(__file__).parent.parent / "faults"))
import fault_samples as samples

Findings = dict[str, tuple[str, str]]


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A sound file of each format."""
    folder = tmp_path_factory.mktemp("sound")
    recording = samples.recording(folder / "recording.h5")
    samples.sweep(folder, recording)
    return {
        "recording": recording,
        "templates": samples.templates(folder, recording),
        "kernels": samples.kernels(folder),
        "leads": samples.lead_grids(folder),
        "trains": samples.trains(folder),
        "sweep": folder / "sweep",
    }


@pytest.fixture
def findings(lfp: Callable[..., Any]) -> Callable[..., Findings]:
    """State and text by subject, of the worst finding each."""

    def of(path: Path, code: int = 0) -> Findings:
        (facts,) = json.loads(lfp("check", path, "--json", code=code).out)
        worst: Findings = {}
        for state in ("ok", "warning", "error"):
            for each in facts["findings"]:
                if each["state"] == state:
                    worst[each["subject"]] = (state, f"{each['text']} [{each['source']}]")
        return worst

    return of


@pytest.mark.parametrize(
    ("name", "subjects"),
    [
        ("templates", {"format", "checksums", "provenance", "templates", "waveforms"}),
        ("kernels", {"format", "checksums", "provenance", "kernels"}),
        ("leads", {"format", "checksums", "provenance", "lead fields"}),
        ("trains", {"format", "checksums", "provenance"}),
    ],
)
def test_each_format_is_looked_at(
    findings: Callable[..., Findings], sound: dict[str, Path], name: str, subjects: set[str]
) -> None:
    said = findings(sound[name])
    assert subjects <= set(said)
    assert all(state != "error" for state, _ in said.values())


@pytest.mark.parametrize(
    ("name", "path", "value", "subject", "text"),
    [
        ("templates", "rotations", np.zeros((6, 3)), "templates", "has shape"),
        ("templates", "contact_names", np.array(["a"], object), "templates", "holds 1 names"),
        ("templates", "positions", np.full((6, 3), np.nan), "templates", "NaN"),
        ("kernels", "kernels/shank/positions", np.zeros((1, 3)), "kernels", "do not fit"),
        ("kernels", "kernels/shank/names", np.array(["a"], object), "kernels", "do not fit"),
        ("kernels", "kernels/shank/values/0", np.zeros((3, 2)), "kernels", "differ in shape"),
        ("leads", "fields/0/sigma", np.zeros(3), "lead fields", "sigma is not"),
        ("leads", "fields/0/coarse/x", np.zeros(3), "lead fields", "do not ascend"),
        ("leads", "names", np.array(["a", "b"], object), "lead fields", "there are 2 names"),
    ],
)
def test_what_does_not_go_together(
    findings: Callable[..., Findings],
    sound: dict[str, Path],
    tmp_path: Path,
    name: str,
    path: str,
    value: np.ndarray,
    subject: str,
    text: str,
) -> None:
    copy = shutil.copy(sound[name], tmp_path / "copy.h5")
    with h5py.File(copy, "r+") as file:
        attributes = dict(file[path].attrs)
        del file[path]
        file.create_dataset(
            path, data=value, dtype=h5py.string_dtype() if value.dtype == object else None
        )
        file[path].attrs.update(attributes)
    state, told = findings(copy, code=1)[subject]
    assert state == "error" and text in told


def test_windows_that_cut_a_spike(
    findings: Callable[..., Findings], sound: dict[str, Path], tmp_path: Path
) -> None:
    for name, path in (("templates", "templates"), ("kernels", "kernels/shank/values/1")):
        copy = shutil.copy(sound[name], tmp_path / f"{name}.h5")
        with h5py.File(copy, "r+") as file:
            values = file[path][()]
            # at rest but for the last sample
            values[...] *= 1e-3
            values[..., -1 if name == "templates" else 0] *= 1e-3
            if name == "kernels":
                values[-1] = 1.0
            else:
                values[:, :, -1] = 1.0
            file[path][...] = values
        state, text = findings(copy)["waveforms" if name == "templates" else "kernels"]
        assert state == "warning" and ("at rest" in text or "died away" in text)


def test_lead_fields_that_are_not_exact(
    findings: Callable[..., Findings], sound: dict[str, Path], tmp_path: Path
) -> None:
    copy = shutil.copy(sound["leads"], tmp_path / "copy.h5")
    with h5py.File(copy, "r+") as file:
        file["fields/0"].attrs["error"] = 0.3
    assert findings(copy)["lead fields"][0] == "warning"


def test_networks(
    shell: Callable[..., Any], findings: Callable[..., Findings], tmp_path: Path
) -> None:
    (tmp_path / "cell.swc").write_bytes(
        (samples.SHARE / "morphologies" / "ball_and_stick.swc").read_bytes()
    )
    connection = b"""
[[connection]]
pre = "E"
post = "E"
rule = {indegree = 1}
synapse = { type = "ExpSyn", tau = 2.0 }
weight = 0.001
delay = 1.0
"""
    (tmp_path / "m.toml").write_bytes(samples.SMALL + connection)
    network = tmp_path / "net.h5"
    shell("sim", tmp_path / "m.toml", "-o", tmp_path / "a.h5", "--save-network", network, "-q")
    state, text = findings(network)["network"]
    assert state == "ok" and "E 2" in text
    for path, value, words in (
        ("target_node_id", 7, "names nodes"),
        ("0/delay", np.nan, "NaN"),
    ):
        copy = shutil.copy(network, tmp_path / "copy.h5")
        with h5py.File(copy, "r+") as file:
            file[f"edges/E_to_E/{path}"][0] = value
        state, text = findings(copy, code=1)["network"]
        assert state == "error" and words in text
    assert findings(tmp_path / "m.toml")["format"] == ("ok", "model of E []")


def test_sweeps(
    lfp: Callable[..., Any],
    findings: Callable[..., Findings],
    sound: dict[str, Path],
    tmp_path: Path,
) -> None:
    folder = shutil.copytree(sound["sweep"], tmp_path / "sweep")
    said = findings(folder)
    assert said["runs"][0] == "warning" and "1 of 2 runs are not there" in said["runs"][1]
    with h5py.File(folder / "0000.h5", "r+") as file:
        file["signals/shank/data"][3, 1] = np.nan
    state, text = findings(folder, code=1)["values"]
    assert state == "error" and "0000.h5/signals/shank/data" in text
    (folder / "sweep.json").write_text("{}")
    assert findings(folder, code=1)["format"][0] == "error"
    assert lfp("check", folder, "-q", code=1).out == f"{folder}: not sound\n"


def test_inputs_that_have_changed(
    lfp: Callable[..., Any],
    findings: Callable[..., Findings],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    out = tmp_path / "a.h5"
    monkeypatch.chdir(_rates(tmp_path).parent)
    lfp("spikes", "--rates", "rates.csv", "--duration", "0.1", "--seed", "1", "-o", out)
    state, text = findings(out)["provenance"]
    assert state == "ok" and "1 of them here and the same" in text
    (tmp_path / "rates.csv").write_text("time,rate\n0,1\n")
    state, text = findings(out)["provenance"]
    assert state == "warning" and "rates.csv" in text


def _rates(folder: Path) -> Path:
    (folder / "rates.csv").write_bytes(samples.RATES)
    return folder / "rates.csv"


@pytest.mark.parametrize("name", ["nowhere.toml", "broken.toml", "other.json"])
def test_models_that_are_none(findings: Callable[..., Findings], tmp_path: Path, name: str) -> None:
    text = {"nowhere.toml": '[cell.c]\nmorphology = "none.swc"\n', "broken.toml": "[run\n"}
    (tmp_path / name).write_text(text.get(name, "[1, 2]\n"))
    assert findings(tmp_path / name, code=1)["format"][0] == "error"

"""What `lfp check` says of sound, damaged and doubtful files."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from lfpcli.geometry import Geometry
from lfpcli.io.recording import Report, Sampled, Signal
from lfpcli.io.writer import RecordingWriter

COUNT, STEPS = 11, 50


@pytest.fixture
def recording(tmp_path: Path) -> Path:
    """A straight cell, its currents, its dipole, and a probe near and far."""
    rng = np.random.default_rng(5)
    start = np.arange(COUNT)[:, None] * np.array([0.0, 0.0, 10.0])
    geometry = Geometry(
        start=start,
        end=start + np.array([0.0, 0.0, 10.0]),
        diam=np.full(COUNT, 2.0),
        parent=np.arange(COUNT) - 1,
    )
    currents = rng.normal(size=(STEPS, COUNT))
    currents -= currents.mean(axis=1, keepdims=True)
    middles = 0.5 * (geometry.start + geometry.end)
    moment = currents @ middles
    centre = np.array([0.0, 0.0, 55.0])
    far = centre + np.array([[0.0, 0.0, 3000.0], [0.0, 2000.0, 2000.0]])
    arms = far - centre
    distance = np.linalg.norm(arms, axis=1)[:, None]
    potentials = moment @ (arms / (4 * np.pi * 0.3 * distance**3)).T
    report = Report(
        currents,
        "nA",
        0.1,
        node_ids=np.arange(1),
        pointers=np.array([0, COUNT]),
        element_ids=np.zeros(COUNT, np.int64),
        element_pos=np.full(COUNT, 0.5),
    )
    path = tmp_path / "a.h5"
    facts = {"program": "lfp", "command": ["lfp", "sim"], "inputs": {"m.toml": "0" * 64}}
    with RecordingWriter(path, facts) as writer:
        writer.geometry("E", geometry)
        writer.report("imem", "E", report)
        writer.dipole("total", Sampled(moment, "nA um", 0.1, share="total"))
        signal = Signal(potentials, "mV", 0.1, positions=far, parameters={"sigma": 0.3})
        writer.signal("far", signal)
        near = Signal(potentials, "mV", 0.1, positions=centre + np.array([[30.0, 0, 0]] * 2))
        writer.signal("near", near)
        writer.spikes("E", np.array([1.0]), np.zeros(1, np.int64))
    return path


def findings(lfp: Callable[..., Any], path: Path, code: int = 0) -> dict[str, tuple[str, str]]:
    """State and text by subject, of the last finding each."""
    (facts,) = json.loads(lfp("check", path, "--json", code=code).out)
    assert facts["sound"] == (code == 0) and facts["file"] == str(path)
    return {f["subject"]: (f["state"], f["text"]) for f in facts["findings"]}


def test_a_sound_recording(lfp: Callable[..., Any], recording: Path) -> None:
    said = findings(lfp, recording)
    assert {state for state, _ in said.values()} == {"ok"}
    assert {"format", "checksums", "provenance", "charge balance", "contacts", "far field"} <= set(
        said
    )
    assert "1 inputs with digests" in said["provenance"][1]
    text = lfp("check", recording).out
    assert text.startswith(f"{recording}: sound\n") and "charge balance" in text
    assert lfp("check", recording, "-q").out == f"{recording}: sound\n"


@pytest.mark.parametrize(
    ("path", "index", "value", "subject", "state"),
    [
        ("reports/imem/E/data", (3, 4), 9.0, "charge balance", "warning"),
        ("signals/far/data", (3, 1), 9.0, "far field", "warning"),
        ("signals/near/positions", (1, 0), 0.5, "contacts", "warning"),
        ("geometry/E/area", 3, 0.0, "geometry", "warning"),
        ("signals/far/data", (3, 1), np.nan, "values", "error"),
        ("geometry/E/area", 3, -1.0, "geometry", "error"),
        ("reports/imem/E/mapping/node_ids", 0, 2**62, "geometry", "ok"),
        ("spikes/E/node_ids", 0, 7, "spikes", "warning"),
        ("spikes/E/timestamps", 0, -3.0, "spikes", "warning"),
    ],
)
def test_doubtful_values(
    lfp: Callable[..., Any],
    recording: Path,
    path: str,
    index: Any,
    value: float,
    subject: str,
    state: str,
) -> None:
    with h5py.File(recording, "r+") as file:
        file[path][index] = value
    said = findings(lfp, recording, code=int(state == "error"))
    assert said.get(subject, ("ok", ""))[0] == state


def test_damage(lfp: Callable[..., Any], recording: Path, tmp_path: Path) -> None:
    with h5py.File(recording) as file:
        offset = file["signals/far/data"].id.get_chunk_info(0).byte_offset
    content = bytearray(recording.read_bytes())
    content[offset + 9] ^= 1
    other = tmp_path / "b.h5"
    other.write_bytes(content)
    assert findings(lfp, other, code=1)["checksums"][0] == "error"
    other.write_bytes(content[:-500])
    assert findings(lfp, other, code=1)["format"][0] == "error"
    out = lfp("check", recording, other, "-q", code=1).out
    assert out == f"{recording}: sound\n{other}: not sound\n"
    assert findings(lfp, tmp_path / "none.h5", code=1)["format"] == ("error", "no such file")


def test_units(lfp: Callable[..., Any], recording: Path) -> None:
    with h5py.File(recording, "r+") as file:
        file["reports/imem/E/data"].attrs["units"] = "pA"
    said = findings(lfp, recording, code=1)
    assert any("'pA', expected nA" in text for state, text in said.values() if state == "error")


def test_other_files(lfp: Callable[..., Any], share: Path, tmp_path: Path) -> None:
    cell = share / "morphologies" / "stick.swc"
    assert "morphology of" in findings(lfp, cell)["format"][1]
    np.save(tmp_path / "a.npy", np.array([1.0, np.nan]))
    assert findings(lfp, tmp_path / "a.npy", code=1)["values"][0] == "error"
    with h5py.File(tmp_path / "b.h5", "w") as file:
        file["x"] = np.zeros(3)
    assert findings(lfp, tmp_path / "b.h5")["checksums"][0] == "warning"
    shutil.copy(cell, tmp_path / "c.swc")
    (tmp_path / "c.swc").write_text("1 1 0 0 zero 5 -1\n")
    assert findings(lfp, tmp_path / "c.swc", code=1)["format"][0] == "error"

"""Options of lfp convert that would change nothing are refused, and nothing is written."""

from __future__ import annotations

import json

import h5py
import numpy as np
import pytest


@pytest.fixture
def spikes(tmp_path):
    path = tmp_path / "s.gdf"
    path.write_text("0 1.0\n3 2.5\n", encoding="utf-8")
    return path


OPTIONS = {
    "--signal": "LFP",
    "--time": "0,5",
    "--channels": "0:1",
    "--resample": "0.125",
    "--units": "uV",
    "--dtype": "float32",
    "--dt": "0.1",
    "--cell-type": "L5",
}


# packages of suffixes, which are asked for before options are looked at
PACKAGES = {"fif": "mne", "dip": "mne", "stc": "mne", "nwb": "pynwb", "zarr": "zarr", "nix": "neo"}


def need_package(name: str) -> None:
    """Skip where the package of a suffix is not installed."""
    package = PACKAGES.get(name.rpartition(".")[2])
    if package is not None:
        pytest.importorskip(package)


@pytest.mark.parametrize("name", ["npz", "npy", "csv", "mat", "nwb", "zarr", "nc", "h5", "fif"])
@pytest.mark.parametrize("option", ["--dt", "--cell-type"])
def test_options_of_other_files(lfp, recording, tmp_path, name, option):
    need_package(name)
    target = tmp_path / f"o.{name}"
    said = lfp("convert", recording, target, option, OPTIONS[option], code=2)
    assert option in said.err
    assert not target.exists()


@pytest.mark.parametrize(
    "target", ["o.edf", "o.bdf", "o.nix", "o.gdf", "x-dip.dip", "o-vl.stc", "sonata"]
)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_types_that_a_format_fixes(lfp, recording, tmp_path, target, dtype):
    need_package(target)
    to = ("--to", "sonata") if target == "sonata" else ()
    said = lfp("convert", recording, tmp_path / target, *to, "--dtype", dtype, code=2)
    assert "whose type of numbers is fixed" in said.err
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("option", ["--channels", "--resample", "--units", "--dtype"])
@pytest.mark.parametrize("target", ["o.h5", "o.npz", "o.csv", "o.mat"])
def test_samples_of_spikes_alone(lfp, spikes, tmp_path, option, target):
    said = lfp("convert", spikes, tmp_path / target, option, OPTIONS[option], code=2)
    assert f"{option} does not go with spikes alone" in said.err
    assert not (tmp_path / target).exists()


@pytest.mark.parametrize("option", [o for o in OPTIONS if o != "--cell-type"])
def test_templates(lfp, tmp_path, option):
    source = tmp_path / "t.h5"
    with h5py.File(source, "w") as file:
        file.attrs["format"] = "lfp-templates"
    target = tmp_path / "m.h5"
    said = lfp("convert", source, target, "--to", "mearec", option, OPTIONS[option], code=2)
    assert f"{option} does not go with templates" in said.err


@pytest.mark.parametrize("option", [o for o in OPTIONS if o not in ("--signal", "--channels")])
def test_weights(lfp, recording, tmp_path, option):
    target = tmp_path / "w.h5"
    to = ("--to", "bluerecording")
    said = lfp("convert", recording, target, *to, option, OPTIONS[option], code=2)
    assert f"{option} does not go with weights" in said.err


@pytest.mark.parametrize("option", list(OPTIONS))
def test_circuits(lfp, tmp_path, option):
    source = tmp_path / "model.toml"
    source.write_text("[run]\ntstop = 1.0\n", encoding="utf-8")
    to = ("--to", "sonata", option, OPTIONS[option])
    said = lfp("convert", source, tmp_path / "circuit", *to, code=2)
    assert f"{option} does not go with circuits" in said.err


@pytest.mark.parametrize("option", [*OPTIONS, "--to", "--from"])
def test_tables_of_sweeps(lfp, tmp_path, option):
    folder = tmp_path / "sweep"
    folder.mkdir()
    (folder / "sweep.json").write_text(json.dumps({}), encoding="utf-8")
    value = OPTIONS.get(option, "npz")
    said = lfp("convert", folder, tmp_path / "t.csv", option, value, code=2)
    assert f"{option} does not go with the table of a sweep" in said.err


def test_json_is_for_the_list(lfp, recording, tmp_path):
    said = lfp("convert", recording, tmp_path / "o.npz", "--json", code=2)
    assert "--json goes with --list" in said.err


def test_units_of_other_quantities_name_the_signal(lfp, recording, tmp_path):
    said = lfp("convert", recording, tmp_path / "o.npz", "--units", "uV", code=2)
    assert "dipole/total: 'nA um' cannot be turned into 'uV'" in said.err
    assert "--signal" in said.err


def test_units_of_current_densities(lfp, tmp_path):
    from lfpcli.io.recording import Signal
    from lfpcli.io.writer import RecordingWriter

    with RecordingWriter(tmp_path / "csd.h5", {}) as writer:
        writer.signal("CSD", Signal(data=np.array([[2e-6]]), units="nA/um3", dt=0.1))
    lfp("convert", "-q", tmp_path / "csd.h5", tmp_path / "o.npy", "--units", "uA/mm3")
    # 1 nA/um3 = 1e9 A/m3, 1 uA/mm3 = 1e3 A/m3
    np.testing.assert_allclose(np.load(tmp_path / "o.npy"), [[2.0]])

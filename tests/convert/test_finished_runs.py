"""Runs of bmtk and neurodamus as recordings, which every forward model serves."""

from __future__ import annotations

import itertools
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import h5py
import numpy as np
import pytest

from lfpcli.io.recording import open_recording

sys.path.insert(0, str(Path(__file__).parents[1] / "circuits"))

from circuits import configuration, run_bmtk, write_circuit

CONTACTS = [[30.0, 0.0, 0.0], [60.0, 20.0, 100.0]]


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a circuit that bmtk ran, with its currents and potentials."""
    bmtk = pytest.importorskip("bmtk")
    mods = Path(bmtk.__file__).parent / "utils/scripts/bionet/mechanisms/modfiles"
    folder = tmp_path_factory.mktemp("bmtk")
    write_circuit(folder)
    tree = configuration()
    tree["run"]["tstop"] = 30.0
    every = {"cells": [0, 1, 2], "module": "membrane_report"}
    tree["reports"]["currents"] = every | {"variable_name": "i_membrane_", "sections": "all"}
    tree["reports"]["coarse"] = every | {"variable_name": "v", "sections": "all", "dt": 0.5}
    (folder / "config.json").write_text(json.dumps(tree))
    library = subprocess.run(
        [sys.executable, "-m", "lfpcli", "mechs", str(mods / "vecevent.mod")],
        capture_output=True,
        check=True,
        text=True,
    ).stdout.split()[-1]
    run_bmtk(folder, library)
    return folder


def _contacts(folder: Path) -> Path:
    path = folder / "contacts.csv"
    lines = [",".join(map(str, place)) for place in CONTACTS]
    path.write_text("\n".join(["x,y,z", *lines]) + "\n")
    return path


def test_potentials_of_a_run_are_those_of_bmtk(ran, shell, tmp_path):
    shell("convert", ran / "config.json", tmp_path / "run.h5")
    shell("probe", tmp_path / "run.h5", "--array", _contacts(tmp_path), "-o", tmp_path / "out.h5")
    with (
        h5py.File(ran / "output" / "ecp.h5") as theirs,
        open_recording(tmp_path / "out.h5") as recording,
    ):
        expected = theirs["ecp/data"][:]
        signal = recording.signal("LFP")
        assert signal.t_start == pytest.approx(0.1)
        peak = np.abs(expected).max()
        assert peak > 1e-4
        np.testing.assert_allclose(signal.data[:], expected, rtol=0, atol=1e-6 * peak)
        # the potentials of the run itself, with its contacts
        stored = recording.signal("ecp")
        assert np.array_equal(stored.data[:], expected)
        assert stored.positions.tolist() == CONTACTS
        assert stored.t_start == pytest.approx(0.1)


def test_a_report_with_its_circuit_has_its_cells(ran, shell, tmp_path):
    target = tmp_path / "one.h5"
    shell(
        *("convert", ran / "output" / "currents.h5", target),
        *("--circuit", ran / "config.json"),
    )
    with open_recording(target) as recording, h5py.File(ran / "output" / "currents.h5") as theirs:
        report, geometry = recording.report("imem", "v1"), recording.geometry("v1")
        assert report.data.shape == (300, len(geometry))
        assert np.array_equal(report.element_ids, geometry.section)
        assert report.node_ids.tolist() == [0, 1, 2]
        data = theirs["report/v1/data"][:]
        # bmtk's cells come in any order
        order = theirs["report/v1/mapping/node_ids"][:]
        pointers = theirs["report/v1/mapping/index_pointer"][:].astype(int)
        columns = [np.arange(pointers[k], pointers[k + 1]) for k in np.argsort(order)]
        assert np.array_equal(report.data[:], data[:, np.concatenate(columns)])
    shell("plot", target, "-o", tmp_path / "one.pdf")


def test_densities_of_bmtk_are_multiplied_by_areas(ran, shell, tmp_path):
    source = tmp_path / "density.h5"
    shutil.copy(ran / "output" / "currents.h5", source)
    with h5py.File(source, "r+") as file:
        # NEURON's variable of the mechanism extracellular, mA/cm2
        file["report/v1/data"].attrs["variable"] = "i_membrane"
    config = ("--circuit", ran / "config.json")
    shell("convert", source, tmp_path / "density_rec.h5", *config)
    shell("convert", ran / "output" / "currents.h5", tmp_path / "current_rec.h5", *config)
    with (
        open_recording(tmp_path / "density_rec.h5") as density,
        open_recording(tmp_path / "current_rec.h5") as current,
    ):
        area = density.geometry("v1").area
        report = density.report("imem", "v1")
        assert report.units == "nA"
        expected = 1e-2 * area * current.report("imem", "v1").data[:]
        np.testing.assert_allclose(report.data[:], expected, rtol=1e-14)


def test_reports_of_all_kinds_come_in_one_recording(ran, shell, tmp_path):
    shell("convert", ran / "config.json", tmp_path / "run.h5")
    with open_recording(tmp_path / "run.h5") as recording:
        somata, coarse = recording.report("vmem", "v1"), recording.report("coarse", "v1")
        assert somata.data.shape == (300, 3)
        assert somata.units == "mV"
        assert (coarse.dt, coarse.t_start) == (0.5, pytest.approx(0.1))
        assert np.array_equal(coarse.data[:, 0], somata.data[::5, 0][: len(coarse.data)])
        times, gids = recording.spikes("v1")
        with h5py.File(ran / "output" / "spikes.h5") as theirs:
            assert len(times) == len(theirs["spikes/v1/timestamps"])
        assert set(gids.tolist()) <= {0, 1, 2, 3}


def test_eeg_of_a_run(ran, shell, tmp_path):
    shell("convert", ran / "config.json", tmp_path / "run.h5")
    place = ("--position", "0,0,78000")
    shell("eeg", tmp_path / "run.h5", "--montage", "10-20", *place, "-o", tmp_path / "eeg.h5")
    with open_recording(tmp_path / "eeg.h5") as recording:
        assert np.abs(recording.signal("eeg").data[:]).max() > 0


def test_another_discretisation_is_told(ran, shell, tmp_path):
    tree = json.loads((ran / "config.json").read_text())
    tree["run"]["dL"] = 200.0
    other = ran / "other.json"
    other.write_text(json.dumps(tree))
    said = shell(
        *("convert", ran / "output" / "currents.h5", tmp_path / "x.h5"),
        *("--circuit", other),
        code=3,
    )
    assert "several columns lie in" in said.err
    assert "run.dL" in said.err
    assert not (tmp_path / "x.h5").exists()


def write_report(path: Path, **parts: np.ndarray) -> None:
    """Write a report as neurodamus does: no places along sections, pointers in the plural."""
    with h5py.File(path, "w") as file:
        group = file.create_group("report/v1")
        group["data"] = parts["data"].astype("f4")
        group["data"].attrs["units"] = "nA"
        mapping = group.create_group("mapping")
        mapping["node_ids"] = parts["node_ids"].astype("u8")
        mapping["index_pointers"] = parts["pointers"].astype("u8")
        mapping["element_ids"] = parts["element_ids"].astype("u4")
        mapping["time"] = [0.0, 1.0, 0.1]
        mapping["time"].attrs["units"] = "ms"


def test_currents_of_neurodamus(ran, shell, tmp_path):
    shell("convert", ran / "config.json", tmp_path / "run.h5")
    with open_recording(tmp_path / "run.h5") as recording:
        geometry = recording.geometry("v1")
    rng = np.random.default_rng(3)
    inside = geometry.gid == 2
    sections = geometry.section[inside]
    data = rng.normal(size=(10, len(sections)))
    source = tmp_path / "i.h5"
    # an axon was cut after sections were counted: ids have a gap
    ids = np.where(sections > 0, sections + 4, 0)
    write_report(
        source,
        data=data,
        node_ids=np.array([2]),
        pointers=np.array([0, len(sections)]),
        element_ids=ids,
    )
    shell("convert", source, tmp_path / "i_rec.h5", "--circuit", ran / "config.json")
    with open_recording(tmp_path / "i_rec.h5") as recording:
        report = recording.report("imem", "v1")
        assert report.node_ids.tolist() == [2]
        assert (report.t_start, report.units) == (0.0, "nA")
        assert np.array_equal(report.data[:], data.astype("f4").astype(float))
        assert np.array_equal(recording.geometry("v1").start, geometry.start[inside])


def test_lfp_reports_of_neurodamus(ran, shell, tmp_path):
    tree = json.loads((ran / "config.json").read_text())
    tree["reports"] = {"contacts": {"type": "lfp", "cells": "all", "file_name": "contacts"}}
    tree["output"]["output_dir"] = str(tmp_path)
    config = ran / "lfp.json"
    config.write_text(json.dumps(tree))
    data = np.arange(60, dtype=float).reshape(10, 6)
    write_report(
        tmp_path / "contacts.h5",
        data=data,
        node_ids=np.array([0, 2]),
        pointers=np.array([0, 3, 6]),
        element_ids=np.array([0, 1, 2, 0, 1, 2]),
    )
    said = shell("convert", config, tmp_path / "out.h5")
    assert "spikes.h5" in said.err
    with open_recording(tmp_path / "out.h5") as recording:
        signal = recording.signal("contacts")
        assert np.array_equal(signal.data[:], data[:, :3] + data[:, 3:])
        assert np.array_equal(signal.groups["2"][:], data[:, 3:])


def test_contacts_of_lfp_reports_are_where_their_weights_say(ran, shell, tmp_path):
    table = {"name": "LFP", "contacts": CONTACTS, "sigma": 0.277, "method": "point"}
    text = [f"{key} = {json.dumps(value)}" for key, value in table.items()]
    model = tmp_path / "model.toml"
    model.write_text(
        "\n".join([f'[circuit]\nconfig = "{ran / "config.json"}"', "[[probe]]", *text])
    )
    weights = tmp_path / "weights.h5"
    shell("convert", model, weights, "--to", "bluerecording")
    tree = json.loads((ran / "config.json").read_text())
    report = {"type": "lfp", "cells": "all", "electrodes_file": str(weights)}
    tree["reports"] = {"LFP": report | {"file_name": "lfp"}}
    tree["output"]["output_dir"] = str(tmp_path)
    config = ran / "weights.json"
    config.write_text(json.dumps(tree))
    # what neurodamus makes of the weights: rows of a cell, times its currents
    shell("convert", ran / "output" / "currents.h5", tmp_path / "i.h5", "--circuit", config)
    with open_recording(tmp_path / "i.h5") as recording, h5py.File(weights) as file:
        currents = recording.report("imem", "v1")
        factors = file["electrodes/v1/scaling_factors"][:]
        assert np.all(factors[:, -1] == 1.0)
        offsets = file["v1/offsets"][:].astype(int)
        assert offsets.tolist() == currents.pointers.tolist()
        assert file["v1/node_ids"][:].tolist() == [0, 1, 2]
        samples = currents.data[:]
    cells = [slice(*pair) for pair in itertools.pairwise(offsets)]
    parts = [samples[:, cell] @ factors[cell, :2] for cell in cells]
    write_report(
        tmp_path / "lfp.h5",
        data=np.concatenate(parts, axis=1),
        node_ids=np.array([0, 1, 2]),
        pointers=np.array([0, 2, 4, 6]),
        element_ids=np.array([0, 1, 0, 1, 0, 1]),
    )
    shell("convert", config, tmp_path / "lfp_rec.h5")
    shell(
        *("probe", tmp_path / "i.h5", "--array", _contacts(tmp_path), "--sigma", 0.277),
        *("--method", "point", "-o", tmp_path / "ours.h5"),
    )
    with (
        open_recording(tmp_path / "lfp_rec.h5") as theirs,
        open_recording(tmp_path / "ours.h5") as ours,
    ):
        signal, expected = theirs.signal("LFP"), ours.signal("LFP").data[:]
        assert signal.positions.tolist() == CONTACTS
        peak = np.abs(expected).max()
        np.testing.assert_allclose(signal.data[:], expected, rtol=0, atol=1e-5 * peak)


def test_a_circuit_without_outputs_is_told(shell, tmp_path):
    write_circuit(tmp_path)
    said = shell("convert", tmp_path / "config.json", tmp_path / "x.h5", code=3)
    assert "none of the outputs" in said.err


def test_reports_of_the_published_circuit(shell, tmp_path):
    folder = os.environ.get("LFP_TEST_CIRCUITS", "")
    circuit = Path(folder, "sonata", "5_cells_iclamp")
    if not folder or not circuit.exists():
        pytest.skip("LFP_TEST_CIRCUITS names no folder with the examples of AllenInstitute/sonata")
    shell("convert", circuit / "simulation_config.json", tmp_path / "five.h5")
    with open_recording(tmp_path / "five.h5") as recording:
        assert recording.report("vmem", "biophysical").data.shape == (40000, 5)
        assert recording.report("cai", "biophysical").units == "mM"
        assert len(recording.spikes("biophysical")[0]) == 124

"""Nodes and edges of single files in a model, and shares and reports of parts of its cells."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lfpcli.io.recording import Recording, open_recording

sys.path.insert(0, str(Path(__file__).parents[1] / "network"))
sys.path.insert(0, str(Path(__file__).parent))

from circuits import write_circuit
from network_models import MPIRUN, needs_mpi

STICK = "1 1 0 0 0 6 -1\n2 1 0 0 8 6 1\n3 3 0 0 60 1 2\n4 3 0 0 160 1 3\n"
EXP = {"type": "Exp2Syn", "tau1": 0.5, "tau2": 3.0}
INHIBITION = {"type": "Exp2Syn", "tau1": 1.0, "tau2": 8.0, "e": -80.0}


def model() -> dict[str, Any]:
    """Two kinds of cells that stand as nodes say, joined by the edges of files."""
    passive = [{"name": "pas", "g": 5e-5, "e": -70.0}]
    kinds = {
        "e": {"morphology": "components/cell.swc", "mechanism": passive},
        "i": {"morphology": "stick.swc", "mechanism": [*passive, {"name": "hh"}]},
    }
    probe = {"contacts": [[30.0, 0.0, 0.0], [0.0, 20.0, 80.0]]}
    nodes = {"file": "v1_nodes.h5", "types": "v1_node_types.csv", "kinds": "ei"}
    synapses = {"weight": {"column": "syn_weight"}, "delay": {"column": "delay"}}
    types = {"types": "edge_types.csv"}
    return {
        "run": {"tstop": 30.0, "dt": 0.1, "seed": 3, "v_init": -70.0},
        "cell": kinds,
        "population": {
            "v1": {
                "cell": ["e", "i"],
                "nodes": nodes | {"select": {"model_type": "biophysical"}},
            },
            "drawn": {"cell": {"e": 0.5, "i": 0.5}, "size": 6},
            "lgn": {"spikes": "lgn_spikes.h5", "size": 3},
        },
        "connection": [
            {
                "pre": "lgn",
                "post": "v1",
                "rule": {"edges": {"file": "lgn_v1_edges.h5"} | types},
                "synapse": EXP,
                "record": ["g"],
                **synapses,
            },
            {
                "pre": "v1",
                "post": "v1",
                "rule": {"edges": {"file": "v1_v1_edges.h5"} | types},
                "synapse": INHIBITION,
                "location": "all",
                "self": True,
                "record": ["g"],
                "record_synapses": [0, 1],
                **synapses,
            },
        ],
        "input": [
            {
                "population": "v1",
                "synapse": EXP,
                "weight": 0.01,
                "location": "soma",
                "source": {"times": [5.0, 5.05, 9.95]},
            }
        ],
        "group": {
            "low": {"populations": ["v1"], "z_max": 0.0},
            "high": {"populations": ["v1"], "z_min": 0.0},
            "second": {"populations": ["v1"], "cells": [1], "sections": ["dend", "soma"]},
            "deep somata": {"populations": ["v1"], "z_max": 0.0, "depth": "somata"},
        },
        "probe": [
            {**probe, "name": "cells", "per": "cell"},
            {**probe, "name": "groups", "per": "group"},
            {**probe, "name": "currents", "per": "current"},
            {**probe, "name": "projections", "per": "projection"},
        ],
        "record": {
            "vmem": "all",
            "imem": True,
            "report": [
                {"variable": "v", "population": "v1", "cells": [0, 2], "location": "dend"},
                {"name": "at", "variable": "imem", "population": "v1", "location": "soma(0.5)"},
                {"variable": "m_hh", "location": {"each": ["dend"]}},
            ],
        },
    }


def run(folder: Path, *, ranks: int = 1) -> Path:
    """Run the model; returns its recording."""
    out = folder / f"out{ranks}.h5"
    launcher = [str(MPIRUN), "--oversubscribe", "-n", str(ranks)] if ranks > 1 else []
    command = [*launcher, sys.executable, "-m", "lfpcli", "sim", "model.json", "-o", str(out)]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    for name in ("OMPI_ALLOW_RUN_AS_ROOT", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM"):
        environment[name] = "1"
    done = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return out


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("single")
    write_circuit(folder)
    (folder / "stick.swc").write_text(STICK)
    (folder / "model.json").write_text(json.dumps(model()))
    run(folder)
    return folder


@pytest.fixture
def recording(folder: Path) -> Any:
    with open_recording(folder / "out1.h5") as recording:
        yield recording


def test_cells_are_of_their_kinds_and_stand_as_their_nodes(recording: Recording) -> None:
    geometry = recording.geometry("v1")
    sections = {gid: set(geometry.section[geometry.gid == gid].tolist()) for gid in (0, 1, 2)}
    # the stick has two sections, the other cell as many as its branches
    assert len(sections[2]) == 2
    assert sections[0] == sections[1]
    assert len(sections[0]) > 2
    vmem = recording.report("vmem", "v1")
    places = [(0.0, 0.0, 0.0), (50.0, 10.0, 5.0), (-40.0, 20.0, -30.0)]
    for gid, place in enumerate(places):
        soma = np.flatnonzero((geometry.gid == gid) & (geometry.section == 0))
        assert np.allclose(geometry.middle[soma].mean(axis=0), place, atol=1e-3)
    assert vmem.data.shape[1] == len(geometry)


def test_drawn_kinds_are_both_there(recording: Recording) -> None:
    geometry = recording.geometry("drawn")
    counts = [len(np.unique(geometry.section[geometry.gid == gid])) for gid in range(3, 9)]
    assert set(counts) == {2, max(counts)}


def test_edges_place_their_synapses(recording: Recording) -> None:
    report = recording.report("g_connection0", "v1")
    assert report.node_ids.tolist() == [0, 1, 2]
    assert np.diff(report.pointers).tolist() == [2, 1, 1]
    # the places are counted in each cell, the columns by the geometry
    cells = np.repeat(report.node_ids, np.diff(report.pointers))
    sections = recording.geometry("v1").sections_in_cells(cells, report.element_ids)
    assert sections.tolist() == [1, 2, 3, 1]
    expected = np.array([0.5, 0.9, 0.97, 0.02])
    # in the middle of the segment that holds the place
    assert np.all(np.abs(report.element_pos - expected) < 0.5)
    # nsyns of the edges say 5 onto cell 0, 6 onto cell 1 and 3 onto cell 2, of which two are kept
    chosen = recording.report("g_connection1", "v1")
    assert np.diff(chosen.pointers).tolist() == [2, 2, 2]


def test_groups_are_parts_of_the_signal(recording: Recording) -> None:
    shares = recording.signal("groups").groups
    cells = recording.signal("cells").groups
    of_v1 = sum(cells[str(gid)][:] for gid in range(3))
    scale = np.abs(of_v1).max()
    assert np.allclose(shares["low"][:] + shares["high"][:], of_v1, rtol=0, atol=1e-12 * scale)
    assert np.array_equal(shares["deep somata"][:], cells["2"][:])
    assert 0 < np.abs(shares["second"][:]).max() <= np.abs(cells["1"][:]).max() * 2


def test_projections_are_the_currents_of_their_synapses(recording: Recording) -> None:
    shares = recording.signal("projections").groups
    assert set(shares) == {"lgn_v1", "v1_v1", "input0"}
    currents = recording.signal("currents").groups
    synaptic = currents["isyn_e"][:] + currents["isyn_i"][:]
    whole = sum(share[:] for share in shares.values())
    assert np.abs(shares["lgn_v1"][:]).max() > 0
    assert np.allclose(whole, synaptic, rtol=0, atol=1e-10 * np.abs(synaptic).max())


def test_chosen_cells_and_segments_are_kept(recording: Recording) -> None:
    vmem, chosen = recording.report("vmem", "v1"), recording.report("v_report0", "v1")
    geometry = recording.geometry("v1")
    names = np.array([name.rpartition(".")[2] for name in geometry.section_names])
    in_dendrites = np.char.startswith(names[geometry.section].astype(str), "dend")
    columns = np.flatnonzero(in_dendrites & np.isin(geometry.gid, [0, 2]))
    assert np.array_equal(chosen.data[:], vmem.data[:][:, columns])
    somata = recording.report("at", "v1")
    imem = recording.report("imem", "v1").data[:]
    is_soma = geometry.section == 0
    assert somata.data.shape[1] == 3
    assert np.isin(somata.data[100], imem[100][is_soma]).all()
    assert "drawn" not in recording.reports["at"]


@needs_mpi
def test_two_processes_write_the_same(folder: Path) -> None:
    first, second = folder / "out1.h5", run(folder, ranks=2)
    done = subprocess.run(
        [sys.executable, "-m", "lfpcli", "diff", "--exact", first, second],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout

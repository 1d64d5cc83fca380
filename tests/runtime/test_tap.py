"""The tap in CoreNEURON: the bits of recorded vectors, in one run, at any length of chunks."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from sources import program


def cells_of(morphology, count):
    from lfpcli import Cell, StimIntElectrode, Synapse

    cells = []
    for gid in range(count):
        cell = Cell(
            morphology,
            passive=True,
            gid=gid,
            custom_fun=[lambda c: c.insert("hh", ["soma"])],
        )
        StimIntElectrode(cell, 0, "IClamp", amp=1.0 + gid, delay=1.0, dur=3.0)
        Synapse(cell, 5, "ExpSyn", weight=0.004, tau=2.0).set_spike_times([3.0, 6.5 + gid])
        cells.append(cell)
    return cells


def tapped(cells, **options):
    """Samples by recorder of a run in CoreNEURON, and its chunks."""
    from lfpcli.runtime.engine import run as loop
    from lfpcli.runtime.engine.record import membrane_currents, potentials
    from lfpcli.runtime.engine.settings import RunSettings

    settings = RunSettings(**{"tstop": 12.0, "dt": 0.05, "engine": "coreneuron", **options})
    recorders = {
        "soma": potentials(cells, "soma"),
        "imem": membrane_currents(cells),
        "vmem": potentials(cells),
    }
    chunks = []
    loop.run(cells, settings, recorders, chunks.append)
    first = [chunk.first for chunk in chunks]
    assert first == np.cumsum([0, *(chunk.samples for chunk in chunks)])[:-1].tolist()
    blocks = {name: [chunk.blocks[name] for chunk in chunks] for name in recorders}
    return {name: np.concatenate(parts) for name, parts in blocks.items()}, chunks


def recorded(cells, **options):
    """The same by vectors that NEURON records, with the tap switched off."""
    from lfpcli.runtime.engine import run as loop

    load, loop.load_tap = loop.load_tap, lambda library: "switched off"
    try:
        return tapped(cells, **options)
    finally:
        loop.load_tap = load


@pytest.mark.parametrize("tstart", [0.0, -2.0])
def test_bits_are_those_of_recorded_vectors(neuron_process, share: Path, tstart: float) -> None:
    def model(results, morphology, count, tstart) -> None:
        from lfpcli.runtime.engine import spans

        cells = cells_of(morphology, count)
        spans.CHUNK_SAMPLES = 70
        samples, chunks = tapped(cells, tstart=tstart)
        results["settled"] = [chunk.settled for chunk in chunks]
        results["samples"] = [chunk.samples for chunk in chunks]
        again, _ = tapped(cells, tstart=tstart)
        usual, _ = recorded(cells, tstart=tstart)
        for name in usual:
            results[f"same {name}"] = np.array_equal(samples[name], usual[name])
            results[f"again {name}"] = np.array_equal(samples[name], again[name])
        results["peak"] = usual["soma"].max()
        results["shape"] = np.array(usual["imem"].shape)

    found = neuron_process(
        model,
        morphology=str(share / "morphologies/ball_and_sticks.swc"),
        count=3,
        tstart=tstart,
    )
    assert found["peak"] > 0.0
    assert found["shape"][0] == 241
    for name, value in found.items():
        if name.startswith(("same", "again")):
            assert value, name
    # one run of the simulator, which hands on full chunks while it computes
    assert found["settled"].tolist() == [False] * (len(found["settled"]) - 1) + [True]
    assert found["samples"].tolist() == [70, 70, 70, 31]


def add_points(cell):
    """Synapses of one type on one node, and on one that sections share, with others between."""
    from lfpcli.runtime.neuron import nrn

    h = nrn()
    soma, dend = cell.sections[0], cell.sections[1]
    sites = (
        ("ExpSyn", dend(0.5)),
        ("Exp2Syn", dend(0.5)),
        ("ExpSyn", dend(0.5)),
        ("ExpSyn", soma(1.0)),
        ("ExpSyn", dend(0.0)),
        ("Exp2Syn", dend(0.5)),
        ("ExpSyn", dend(1.0)),
        ("ExpSyn", soma(0.5)),
    )
    points, netcons = [], []
    for number, (mechanism, segment) in enumerate(sites):
        point = getattr(h, mechanism)(segment)
        point.e = -10.0 * number
        points.append((mechanism, point))
    for number, (_, point) in enumerate(points):
        train = h.NetStim()
        train.start, train.number, train.interval = 1.0 + 0.3 * number, 3, 2.0
        netcon = h.NetCon(train, point)
        netcon.delay, netcon.weight[0] = 1.5, 1e-3
        netcons += [train, netcon]
    return points, netcons


def test_variables_of_mechanisms_have_the_bits_of_vectors(neuron_process, share: Path) -> None:
    def model(results, morphology, count) -> None:
        from lfpcli.runtime.engine import collectors
        from lfpcli.runtime.engine import run as loop
        from lfpcli.runtime.engine.electrodes import electrode_currents
        from lfpcli.runtime.engine.record import (
            membrane_currents,
            point_variable,
            potentials,
            variable,
        )
        from lfpcli.runtime.engine.settings import RunSettings

        cells = cells_of(morphology, count)
        points, netcons = add_points(cells[1])

        def everything(load_tap):
            names = ("m_hh", "mtau_hh", "gna_hh", "il_hh", "ina", "ik", "ena", "dina_dv_", "i_pas")
            recorders = {name: variable(cells, name) for name in (*names, "i_cap")}
            recorders["vmem"] = potentials(cells)
            recorders["electrodes"] = electrode_currents(cells)
            variables = (("ExpSyn", "i"), ("ExpSyn", "g"), ("Exp2Syn", "A"), ("Exp2Syn", "i"))
            for mechanism, name in variables:
                chosen = [point for known, point in points if known == mechanism]
                first = np.zeros(len(chosen), np.int64)
                recorders[f"{mechanism} {name}"] = point_variable(
                    len(cells), first, first, chosen, name
                )
            recorders["imem"] = membrane_currents(cells)
            load, loop.load_tap = loop.load_tap, load_tap
            chunks = []
            try:
                assert collectors.vector_columns(recorders) == 0
                settings = RunSettings(tstop=12.0, dt=0.05, engine="coreneuron")
                loop.run(cells, settings, recorders, chunks.append)
            finally:
                loop.load_tap = load
            return {name: np.concatenate([c.blocks[name] for c in chunks]) for name in recorders}

        usual = everything(lambda library: "off")
        through_tap = everything(loop.load_tap)
        results["names"] = list(usual)
        for name, block in usual.items():
            results[f"{name} same"] = np.array_equal(block, through_tap[name])
            results[f"{name} moves"] = bool(np.ptp(block, axis=0).max() > 0) or name in ("ena",)
        del netcons

    found = neuron_process(
        model,
        morphology=str(share / "morphologies/ball_and_sticks.swc"),
        count=3,
    )
    for name in found["names"].tolist():
        assert found[f"{name} same"], name
        assert found[f"{name} moves"], name


def test_recording_looks_each_variable_up_once(neuron_process, share: Path) -> None:
    def model(results, morphology, count) -> None:
        from lfpcli.runtime.engine import collectors, tap
        from lfpcli.runtime.engine import run as loop
        from lfpcli.runtime.engine.record import membrane_currents, variable
        from lfpcli.runtime.engine.settings import RunSettings

        cells = cells_of(morphology, count)
        vectors_made, looked_up = [], []
        make, look = collectors._recording, tap.locations_of

        def counted(references, *more):
            vectors_made.append(len(references))
            return make(references, *more)

        def looked(recorders):
            table = look(recorders)
            looked_up.append(len(table.nodes))
            return table

        collectors._recording, tap.locations_of = counted, looked
        for number in (1, 3, 9):
            recorders = {name: variable(cells[:number], name) for name in ("i_pas", "cm", "m_hh")}
            recorders["imem"] = membrane_currents(cells[:number])
            settings = RunSettings(tstop=20.0, dt=0.05, engine="coreneuron")
            loop.run(cells, settings, recorders, lambda chunk: None)
            results[f"columns {number}"] = sum(map(len, recorders.values()))
            # one is made before the run begins, without columns
            results[f"looked up {number}"] = sum(looked_up)
            results[f"vectors {number}"] = sum(vectors_made)
            looked_up.clear()

    found = neuron_process(
        model,
        morphology=str(share / "morphologies/ball_and_sticks.swc"),
        count=9,
    )
    for number in (1, 3, 9):
        assert found[f"columns {number}"] == number * found["columns 1"]
        assert found[f"looked up {number}"] == found[f"columns {number}"]
        assert found[f"vectors {number}"] == 0


def test_vectors_and_checkpoints_end_chunks_together(neuron_process, share: Path) -> None:
    def model(results, morphology, count) -> None:
        from lfpcli.runtime.engine import run as loop
        from lfpcli.runtime.engine import spans
        from lfpcli.runtime.engine.record import membrane_currents, variable
        from lfpcli.runtime.engine.settings import RunSettings

        cells = cells_of(morphology, count)
        spans.CORE_CHUNK_VALUES = 1
        settings = RunSettings(tstop=40.0, dt=0.05, engine="coreneuron")
        runs = {}
        for kind, frame in (("m", None), ("frame", spans.Frame(period=130))):
            recorders = {"imem": membrane_currents(cells)}
            if kind == "m":
                recorders["m"] = variable(cells, "m_hh")
                # as of an array, which goes to vectors of NEURON
                recorders["m"].owners = []
            chunks = []
            loop.run(cells, settings, recorders, chunks.append, frame=frame)
            runs[kind] = np.concatenate([chunk.blocks["imem"] for chunk in chunks])
            results[f"{kind} settled"] = all(chunk.settled for chunk in chunks)
            results[f"{kind} ends"] = np.cumsum([chunk.samples for chunk in chunks])
            if kind == "m":
                results["m"] = np.concatenate([chunk.blocks["m"] for chunk in chunks])
        whole, _ = tapped(cells, tstop=40.0)
        results["off"] = max(np.abs(run - whole["imem"]).max() for run in runs.values())
        results["peak"] = np.abs(whole["imem"]).max()

    found = neuron_process(
        model,
        morphology=str(share / "morphologies/ball_and_sticks.swc"),
        count=2,
    )
    assert found["m settled"] and found["frame settled"]
    # sample 0 is the state before the first step
    assert found["frame ends"].tolist() == [1, 131, 261, 391, 521, 651, 781, 801]
    assert len(found["m ends"]) > 1 and found["m"].shape[0] == 801
    # a run of several calls of CoreNEURON rounds its time elsewhere
    assert found["off"] < 1e-9 * found["peak"]


def test_what_takes_chunks_may_end_the_run(neuron_process, share: Path) -> None:
    def model(results, morphology, count) -> None:
        import signal
        import time

        from lfpcli.runtime.engine import run as loop
        from lfpcli.runtime.engine import spans
        from lfpcli.runtime.engine.record import membrane_currents
        from lfpcli.runtime.engine.settings import RunSettings

        cells = cells_of(morphology, count)
        spans.CHUNK_SAMPLES = 64
        settings = RunSettings(tstop=1e6, dt=0.05, engine="coreneuron")
        recorders = {"imem": membrane_currents(cells)}
        seen = []

        def refuse(chunk):
            seen.append(chunk.first)
            if len(seen) == 3:
                raise ValueError("disk full")

        begin = time.perf_counter()
        try:
            loop.run(cells, settings, recorders, refuse)
        except ValueError as error:
            results["error"] = str(error)
        results["seen"] = seen
        # a signal is heard although no chunk is full
        spans.CHUNK_SAMPLES = 1 << 40
        spans.CHUNK_VALUES = 1 << 22

        def interrupt(number, frame):
            raise KeyboardInterrupt

        signal.signal(signal.SIGALRM, interrupt)
        signal.setitimer(signal.ITIMER_REAL, 0.5)
        try:
            loop.run(cells, settings, recorders, lambda chunk: None)
        except KeyboardInterrupt:
            results["interrupted"] = True
        results["seconds"] = time.perf_counter() - begin
        # and the next run is whole
        samples, _ = tapped(cells)
        usual, _ = recorded(cells)
        results["same"] = np.array_equal(samples["imem"], usual["imem"])

    found = neuron_process(
        model,
        morphology=str(share / "morphologies/ball_and_sticks.swc"),
        count=1,
    )
    assert str(found["error"]) == "disk full"
    assert found["seen"].tolist() == [0, 64, 128]
    assert found["interrupted"]
    assert found["same"]


def test_without_a_compiler_it_is_said_and_vectors_serve(
    neuron_process, share: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LFP_MECH_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("CXX", "no-such-compiler")

    def model(results, morphology, count) -> None:
        import warnings

        from lfpcli.runtime.engine import run as loop

        cells = cells_of(morphology, count)
        loop.FEW = 3
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            usual, _ = tapped(cells)
        results["said"] = [str(w.message) for w in caught]
        results["spikes"] = usual["soma"].max()

    found = neuron_process(
        model,
        morphology=str(share / "morphologies/ball_and_sticks.swc"),
        count=1,
    )
    assert found["spikes"] > 0.0
    (said,) = found["said"].tolist()
    assert "no-such-compiler" in said


def compile_tap() -> None:
    from lfpcli.runtime.engine import coreneuron, tap

    print(tap.load_tap(coreneuron._internal()))


def test_processes_compile_it_once(tmp_path: Path) -> None:
    environment = {**os.environ, "LFP_MECH_CACHE": str(tmp_path)}
    command = [sys.executable, "-c", program(compile_tap)]
    processes = [
        subprocess.Popen(command, stdout=subprocess.PIPE, env=environment) for _ in range(3)
    ]
    assert {p.communicate(timeout=200)[0].strip() for p in processes} == {b"None"}
    folders = [path for path in tmp_path.iterdir() if path.is_dir()]
    assert len(folders) == 1 and folders[0].name.startswith("tap-")


def test_the_tap_is_no_mechanism_of_anybody(shell, tmp_path: Path) -> None:
    environment = {**os.environ, "LFP_MECH_CACHE": str(tmp_path)}
    folder = tmp_path / "tap-0123"
    folder.mkdir()
    (folder / "liblfptap.so").touch()
    assert "tap" not in shell("mechs", "--list", env=environment).out
    shell("mechs", "--clean", env=environment)
    assert not folder.exists()

"""Cells of one process in several threads of CoreNEURON: the same bytes as in one."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest
from network_models import needs_mpi, network, ranks, write
from sources import program


def in_threads() -> None:
    """Run a command whose cells, however few, are in threads, and hand samples on seldom enough."""
    import sys

    from lfpcli.cli.main import console_main
    from lfpcli.runtime.engine import spans, threads

    threads.SEGMENTS, threads.FEWEST = 16, 2
    # several runs of the simulator, each of several chunks
    spans.CHUNK_SAMPLES, spans.SHORTEST_CHUNK, spans.QUEUED_EVENTS = 70, 20, 100
    divided = threads._divided

    def told(count: int) -> bool:
        sys.stderr.write(f"{count} threads\n")
        return divided(count)

    threads._divided = told
    console_main()


def threaded(*arguments: object, code: int = 0, **environment: str) -> str:
    """Standard error of a command in threads."""
    done = subprocess.run(
        [sys.executable, "-c", program(in_threads), *map(str, arguments)],
        capture_output=True,
        check=False,
        timeout=600,
        env={**os.environ, **environment},
    )
    assert done.returncode == code, done.stderr.decode()
    return done.stderr.decode()


def everything(folder: Path) -> dict[str, Any]:
    """Trains, a warm-up, electrodes, played currents, and all that is recorded of them."""
    tree = network()
    tree["run"] |= {"engine": "coreneuron", "tstart": -10.0}
    tree["probe"] = [
        {**tree["probe"][0], "name": per, "per": per} for per in ("cell", "current", "total")
    ]
    tree["input"][1]["record"] = ["i", "g"]
    series = folder / "current.csv"
    series.write_text("time,value\n0,0\n5,0.3\n9,-0.1\n20,0.25\n40,0\n")
    pulse = {"population": "E", "type": "IClamp", "record": ["i"]}
    tree["stimulus"] = [
        {**pulse, "cells": [0, 2, 5], "delay": 5.0, "dur": 9.0, "amp": 0.2},
        {**pulse, "cells": [1, 3, 6], "delay": 0.0, "dur": 100.0, "series": str(series)},
    ]
    tree["record"] |= {"dipole": "cell", "balance": True, "every": 3}
    return tree


def test_the_same_bytes_as_in_one_thread(shell: Callable[..., Any], tmp_path: Path) -> None:
    path = write(tmp_path, everything(tmp_path))
    one, several = tmp_path / "one.h5", tmp_path / "several.h5"
    shell("sim", path, "-o", one, "-q")
    # threads never run at once, whatever OpenMP is told
    said = threaded("sim", path, "-o", several, "-q", OMP_NUM_THREADS="3")
    assert said == "10 threads\n"
    assert several.read_bytes() == one.read_bytes()


@needs_mpi
@pytest.mark.slow
def test_the_same_bytes_on_ranks(shell: Callable[..., Any], tmp_path: Path) -> None:
    path = write(tmp_path, everything(tmp_path))
    shell("sim", path, "-o", tmp_path / "one.h5", "-q")
    for count in (2, 3):
        out = tmp_path / f"{count}.h5"
        done = ranks(count, "sim", path, "-o", out, "-q", program=program(in_threads))
        assert done.stderr.count(" threads\n") == count
        assert out.read_bytes() == (tmp_path / "one.h5").read_bytes()


def cells_of(morphology: str) -> list[Any]:
    """Two cells with synapses, each of which hears the other one."""
    from lfpcli import Cell
    from lfpcli.runtime.neuron import context, nrn
    from lfpcli.runtime.synapses.bulk import detect_spikes

    cells = [Cell(morphology, passive=True, gid=gid) for gid in range(2)]
    for cell in cells:
        detect_spikes(cell, 0.0)
    for gid, cell in enumerate(cells):
        cell.point = nrn().ExpSyn(cell.segments[0])
        cell.heard = context().gid_connect(1 - gid, cell.point)
        cell.heard.delay = 1.0
    return cells


def test_one_thread_where_several_might_change_numbers(
    neuron_process: Callable[..., Any], share: Path
) -> None:
    def model(results: dict[str, Any], morphology: str) -> None:
        import os

        from lfpcli.runtime.engine import threads
        from lfpcli.runtime.engine.settings import RunSettings
        from lfpcli.runtime.neuron import context, nrn

        os.environ["OMP_NUM_THREADS"] = "3"
        cells = cells_of(morphology)
        segments = sum(len(cell.segments) for cell in cells)
        threads.SEGMENTS, threads.FEWEST = segments // 2, 2

        def asked(name: str, rows: int = 64, **options: Any) -> None:
            settings = RunSettings(tstop=5.0, dt=0.1, engine="coreneuron", **options)
            with threads.threaded(cells, settings, rows) as steps:
                told = steps, context().nthread(), int(os.environ["OMP_NUM_THREADS"])
            results[name] = np.array(
                [*told, context().nthread(), int(os.environ["OMP_NUM_THREADS"])]
            )

        asked("two")
        asked("some rows", rows=16)
        asked("few rows", rows=5)
        asked("own procedures", own_procedures=("advance",))
        threads.FEWEST = 3
        asked("few segments")
        threads.FEWEST = 2
        cells[0].heard.delay = 0.24
        asked("short delay")
        cells[0].heard.delay = 0.3
        asked("long enough")
        artificial = nrn().IntFire1()
        asked("artificial")
        del artificial

    told = neuron_process(model, morphology=str(share / "morphologies/ball_and_sticks.swc"))
    assert told["two"].tolist() == [10, 2, 1, 1, 3]
    assert told["some rows"].tolist() == [8, 2, 1, 1, 3]
    assert told["long enough"].tolist() == [3, 2, 1, 1, 3]
    for name in ("few rows", "own procedures", "few segments", "short delay", "artificial"):
        assert told[name].tolist() == [1, 1, 3, 1, 3], name


def test_a_mechanism_that_is_not_for_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    from lfpcli.runtime.engine import threads

    class Context:
        """NEURON as it refuses the mechanism."""

        asked: ClassVar[list[tuple[int, ...]]] = []

        def nthread(self, *arguments: int) -> None:
            self.asked.append(arguments)

        def get_partition(self, number: int) -> None:
            raise RuntimeError("is not thread safe")

    monkeypatch.setattr(threads, "context", Context)
    assert not threads._divided(5)
    assert Context.asked == [(5, 0), (1,)]


def test_a_library_without_openmp(monkeypatch: pytest.MonkeyPatch) -> None:
    from lfpcli.runtime.engine import coreneuron, threads

    monkeypatch.setattr(coreneuron, "core_library", lambda: "libm.so.6")
    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    with threads._one_at_a_time():
        assert os.environ["OMP_NUM_THREADS"] == "3"

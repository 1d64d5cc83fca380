"""Several ranks: the same bits, one voice, one end."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from network_models import needs_mpi, network, ranks, write
from sources import program

pytestmark = needs_mpi


def failing(folder: Path, body: str) -> Path:
    """A model whose cells run Python code on rank 1 alone."""
    lines = [
        "import os",
        "RANK = os.environ.get('OMPI_COMM_WORLD_RANK', os.environ.get('PMI_RANK'))",
        "def hook(cell):",
        "    if RANK == '1':",
        f"        {body}",
    ]
    (folder / "hooks.py").write_text("\n".join(lines))
    tree = network()
    tree["cell"]["stick"]["code"] = [str(folder / "hooks.py") + ":hook"]
    tree["run"]["tstop"] = 100.0
    return write(folder, tree)


@pytest.mark.parametrize(
    ("engine", "counts"),
    [
        ("neuron", (2, 3)),
        pytest.param("neuron", (4, 5), marks=pytest.mark.slow),
        pytest.param("coreneuron", (2, 3, 4), marks=pytest.mark.slow),
    ],
)
def test_the_same_file_on_any_number_of_ranks(
    shell: Callable[..., Any], tmp_path: Path, engine: str, counts: tuple[int, ...]
) -> None:
    tree = network()
    tree["run"]["engine"] = engine
    tree["run"]["tstart"] = -10.0
    path = write(tmp_path, tree)
    shell("sim", path, "-o", tmp_path / "1.h5", "-q")
    for count in counts:
        done = ranks(count, "sim", path, "-o", tmp_path / f"{count}.h5")
        assert done.stderr.count("engine") == 1 and done.stdout == b""
        shell("diff", "--exact", tmp_path / "1.h5", tmp_path / f"{count}.h5")


def test_an_extracellular_field_on_two_ranks(shell: Callable[..., Any], tmp_path: Path) -> None:
    """The solver of the extracellular mechanism takes the cells of a process together."""
    tree = network()
    tree["field"] = [
        {"uniform": [0.0, 0.0, 20.0], "current": {"amp": 1.0, "dur": 5.0, "delay": 2.0}}
    ]
    path = write(tmp_path, tree)
    shell("sim", path, "-o", tmp_path / "1.h5", "-q")
    ranks(2, "sim", path, "-o", tmp_path / "2.h5", "-q")
    with h5py.File(tmp_path / "1.h5") as one, h5py.File(tmp_path / "2.h5") as two:
        for name in ("signals/LFP/data", "reports/imem/E/data"):
            apart = np.abs(one[name][:] - two[name][:]).max()
            assert apart < 1e-11 * np.abs(one[name][:]).max()
        assert np.array_equal(one["spikes/E/node_ids"][:], two["spikes/E/node_ids"][:])


def with_threads() -> None:
    """Run a command whose processes have a core for their second thread each."""
    from lfpcli.cli.main import console_main
    from lfpcli.tasks.simulate import simulation

    simulation.has_spare_core = lambda team: True
    console_main()


@pytest.mark.parametrize("engine", ["neuron", "coreneuron"])
def test_work_beside_the_run_changes_nothing(
    shell: Callable[..., Any], tmp_path: Path, engine: str
) -> None:
    tree = network()
    tree["run"] |= {"engine": engine, "tstop": 60.0}
    # signals are written in the background, reports in the thread of the run
    tree["record"] = {"dipole": "population", "vmem": "none"}
    path = write(tmp_path, tree)
    for record in ({}, {"--set": "record.imem=true"}):
        options = [text for pair in record.items() for text in pair]
        one, two = tmp_path / "one.h5", tmp_path / "two.h5"
        shell("sim", path, "-o", one, "-q", "-f", *options)
        ranks(2, "sim", path, "-o", two, "-q", "-f", *options, program=program(with_threads))
        assert one.read_bytes() == two.read_bytes()


@pytest.mark.parametrize(
    "counts", [(3,), pytest.param((2, 4, 12), marks=pytest.mark.slow)], ids=["few", "many"]
)
def test_shares_of_cells_and_of_currents_on_any_number_of_ranks(
    shell: Callable[..., Any], tmp_path: Path, counts: tuple[int, ...]
) -> None:
    tree = network()
    # more samples than a chunk of the file has
    tree["run"]["tstop"] = 150.0
    tree["probe"] = [
        {**tree["probe"][0], "name": per, "per": per} for per in ("cell", "current", "total")
    ]
    tree["input"][1]["record"] = ["i", "g"]
    tree["stimulus"] = [
        {
            "population": "E",
            "cells": [2],
            "type": "IClamp",
            "delay": 5.0,
            "dur": 9.0,
            "amp": 0.2,
            "record": ["i"],
        }
    ]
    tree["record"] |= {"dipole": "cell", "balance": True, "every": 3}
    path = write(tmp_path, tree)
    shell("sim", path, "-o", tmp_path / "1.h5", "-q")
    for count in counts:
        ranks(count, "sim", path, "-o", tmp_path / f"{count}.h5", "-q")
        assert (tmp_path / f"{count}.h5").read_bytes() == (tmp_path / "1.h5").read_bytes()


def test_ranks_without_cells(shell: Callable[..., Any], tmp_path: Path) -> None:
    tree = network()
    tree["population"] = {"E": {"cell": "stick", "size": 1}}
    tree["connection"], tree["input"] = [], tree["input"][:1]
    path = write(tmp_path, tree)
    shell("sim", path, "-o", tmp_path / "1.h5", "-q")
    ranks(3, "sim", path, "-o", tmp_path / "3.h5", "-q")
    shell("diff", "--exact", tmp_path / "1.h5", tmp_path / "3.h5")


# a launcher may not tell that the input has ended, which takes seconds to find out
@pytest.mark.parametrize("source", ["model.json", pytest.param("-", marks=pytest.mark.slow)])
def test_standard_input_and_output(shell: Callable[..., Any], tmp_path: Path, source: str) -> None:
    path = write(tmp_path, network())
    shell("sim", path, "-o", tmp_path / "1.h5", "-q")
    done = ranks(2, "sim", source, "-o", "-", "-q", input=path.read_bytes(), cwd=tmp_path)
    (tmp_path / "2.h5").write_bytes(done.stdout)
    shell("diff", "--exact", tmp_path / "1.h5", tmp_path / "2.h5")


@pytest.mark.parametrize(
    ("body", "code", "what"),
    [
        ("raise KeyError('only here')", 5, "only here"),
        pytest.param("from neuron import h; h.nonsense(3)", 5, "nonsense", marks=pytest.mark.slow),
        (
            "from neuron import h; cell.end = h.FInitializeHandler("
            "lambda: h.CVode().event(50.0, lambda: 1 / 0))",
            5,
            "ZeroDivisionError",
        ),
    ],
    ids=["python", "hoc", "late"],
)
def test_an_error_on_one_rank_ends_all(tmp_path: Path, body: str, code: int, what: str) -> None:
    path = failing(tmp_path, body)
    begin = time.monotonic()
    done = ranks(2, "sim", path, "-o", tmp_path / "out.h5", "-q", code=code)
    # the other rank would wait for ever
    assert time.monotonic() - begin < 60
    errors = [line for line in done.stderr.splitlines() if line.startswith("lfp sim: error:")]
    assert len(errors) == 1 and what in errors[0]
    assert nothing_left(tmp_path)


def test_a_killed_rank_ends_all(tmp_path: Path) -> None:
    body = (
        "from neuron import h; cell.end = h.FInitializeHandler("
        "lambda: h.CVode().event(50.0, lambda: os.kill(os.getpid(), 9)))"
    )
    ranks(2, "sim", failing(tmp_path, body), "-o", tmp_path / "out.h5", "-q", code=137)
    assert nothing_left(tmp_path)


def test_a_stopped_rank_is_named_and_ends_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    body = (
        "from neuron import h; cell.end = h.FInitializeHandler("
        "lambda: h.CVode().event(50.0, lambda: os.kill(os.getpid(), 19)))"
    )
    monkeypatch.setenv("LFP_MPI_PATIENCE", "2")
    done = ranks(2, "sim", failing(tmp_path, body), "-o", tmp_path / "out.h5", "-q", code=137)
    errors = [line for line in done.stderr.splitlines() if "error:" in line]
    assert len(errors) == 1 and "process 1 of the job has been stopped for 2 s" in errors[0]
    assert "LFP_MPI_PATIENCE" in errors[0] and nothing_left(tmp_path)
    monkeypatch.setenv("LFP_MPI_PATIENCE", "soon")
    done = ranks(2, "sim", tmp_path / "model.json", "-o", tmp_path / "out.h5", "-q", code=2)
    assert "LFP_MPI_PATIENCE is 'soon'" in done.stderr and "Traceback" not in done.stderr


def test_a_signal_to_one_rank_inside_coreneuron_ends_all(tmp_path: Path) -> None:
    # by far longer than the test has time
    body = "import subprocess; subprocess.Popen(['sh', '-c', f'sleep 5; kill -USR1 {os.getpid()}'])"
    path = failing(tmp_path, body)
    words = ["--set", "run.tstop=1e7", "--set", "run.engine=coreneuron", "-q"]
    # the other rank waits for spikes of this one
    done = ranks(2, "sim", path, *words, "-o", tmp_path / "out.h5", code=138)
    assert "Traceback" not in done.stderr and nothing_left(tmp_path)


def nothing_left(folder: Path) -> bool:
    """Whether neither the output nor a part of it is there, once the watcher had its second."""
    for _ in range(20):
        if not list(folder.glob("*out.h5*")) + list(folder.glob(".*out.h5*")):
            return True
        time.sleep(0.1)
    return False


def test_an_error_of_all_is_told_once(tmp_path: Path) -> None:
    done = ranks(3, "sim", tmp_path / "missing.toml", "-o", tmp_path / "out.h5", code=3)
    assert done.stderr.count("error: no such file") == 1


def test_processes_that_mpi_does_not_join(shell: Callable[..., Any], tmp_path: Path) -> None:
    imported = subprocess.run(
        [sys.executable, "-c", "import mpi4py.MPI"], capture_output=True, check=False
    )
    if imported.returncode:
        # a launcher may name the folder of its library to those that it starts alone
        pytest.skip("without a launcher mpi4py has no libmpi here")
    path = write(tmp_path, network())
    for size, rank, launcher in (
        ("PMI_SIZE", "PMI_RANK", "MPICH or its kin"),
        ("SLURM_STEP_NUM_TASKS", "SLURM_PROCID", "srun"),
    ):
        alone = {**os.environ, size: "2", rank: "0"}
        said = shell("sim", path, "-o", tmp_path / "o.h5", code=5, env=alone).err
        text = f"the launcher ({launcher}) started 2 processes but NEURON sees 1"
        assert text in said and "MPI4PY_LIBMPI" in said and "Open MPI" in said
        # MPI itself may have something to say beside
        ours = [line for line in said.splitlines() if line.startswith("lfp sim: error: ")]
        assert len(ours) == 1 and not (tmp_path / "o.h5").exists()


def test_launchers_are_known_by_what_they_set(monkeypatch: pytest.MonkeyPatch) -> None:
    from lfpcli.runtime.mpi import job

    for name in list(os.environ):
        if name.startswith(("OMPI_", "PMI", "SLURM_", "FLUX_", "JSM_", "MV2_")):
            monkeypatch.delenv(name)
    # a batch script runs once, however many tasks its job may start
    monkeypatch.setenv("SLURM_NTASKS", "128")
    monkeypatch.setenv("SLURM_PROCID", "0")
    assert job.launched() == (1, 0) and job.launcher_name() == ""
    for prefix in ("PMI_", "OMPI_COMM_WORLD_", "MV2_COMM_WORLD_", "JSM_NAMESPACE_"):
        with monkeypatch.context() as patch:
            patch.setenv(f"{prefix}SIZE", "4")
            assert job.launched() == (1, 0)
            patch.setenv(f"{prefix}RANK", "3")
            assert job.launched() == (4, 3) and job.launcher_name()

"""`lfp sim --ranks` starts the launcher itself: how many processes, with which flags, same bits."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from network_models import needs_mpi, network, ranks, write

from lfpcli.errors import MissingDependencyError, UsageError
from lfpcli.model import load_model
from lfpcli.runtime.mpi import launch as launching
from lfpcli.tasks.simulate.ranks import Ranks, cell_count, chosen_ranks, ranks_notes, start_of


@pytest.fixture(autouse=True)
def alone(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("OMPI_COMM_WORLD_SIZE", "PMI_SIZE", "SLURM_STEP_NUM_TASKS", launching.REASON):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def launcher(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[[str], None]:
    """Put a launcher that tells its version beside Python."""

    def put(version: str) -> None:
        program = tmp_path / "mpirun"
        program.write_text(f"#!/bin/sh\necho '{version}'\n")
        program.chmod(0o755)
        monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))

    return put


def test_processes_are_as_many_as_cores_or_cells(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lfpcli.tasks.simulate.ranks.cores", lambda: 8)
    assert chosen_ranks(3, 100) == Ranks(3, "as asked for")
    assert chosen_ranks("auto", 100) == Ranks(8, "one for each core")
    assert chosen_ranks("auto", None).count == 8
    assert chosen_ranks("auto", 2) == Ranks(2, "one for each cell, of 8 cores")
    assert chosen_ranks("auto", 0).count == 1


def test_cores_count_once_whatever_their_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    if not hasattr(os, "sched_getaffinity"):
        pytest.skip("no affinity here")
    assert 1 <= launching.cores() <= len(os.sched_getaffinity(0))
    monkeypatch.setattr(launching, "_TOPOLOGY", Path("/nowhere"))
    assert launching.cores() == len(os.sched_getaffinity(0))


def test_cells_of_a_model_are_counted_without_reading_other_files() -> None:
    assert cell_count(load_model(network())) == 10
    tree = network()
    tree["population"]["E"] = {"cell": "stick", "place": {"positions": "file.npy"}}
    assert cell_count(load_model(tree)) is None


@pytest.mark.parametrize(
    ("option", "cores", "bound"),
    # with twice as many cores a second thread of each process has its own
    [(["--ranks", "2"], 3, "core"), (["--ranks=2"], 8, "none")],
)
def test_processes_get_the_arguments_without_the_option(
    launcher: Callable[[str], None],
    monkeypatch: pytest.MonkeyPatch,
    option: list[str],
    cores: int,
    bound: str,
) -> None:
    launcher("mpirun (Open MPI) 5.0.3")
    monkeypatch.setattr(launching, "cores", lambda: cores)
    start = start_of(Ranks(2, "as asked for"), ["sim", "m.toml", *option, "-o", "o.h5"])
    assert start is not None
    assert start.command[1:5] == ["-n", "2", "--bind-to", bound]
    assert start.command[-6:] == ["-m", "lfpcli", "sim", "m.toml", "-o", "o.h5"]
    assert start.environment["OMP_NUM_THREADS"] == "1"


def test_more_processes_than_cores_are_told(
    launcher: Callable[[str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    launcher("mpirun (Open MPI) 5.0.3")
    monkeypatch.setattr(launching, "cores", lambda: 1)
    start = launching.launch(3, ["sim"], "as asked for")
    assert "--oversubscribe" in start.command and "none" in start.command
    assert "3 processes share 1 cores" in start.notes


def test_root_is_allowed_with_a_word(
    launcher: Callable[[str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    launcher("mpirun (Open MPI) 5.0.3")
    for user, allowed in ((0, True), (1000, False)):
        monkeypatch.setattr(os, "geteuid", lambda user=user: user)
        monkeypatch.delenv("OMPI_ALLOW_RUN_AS_ROOT", raising=False)
        start = launching.launch(2, ["sim"], "as asked for")
        assert ("OMPI_ALLOW_RUN_AS_ROOT" in start.environment) == allowed
        assert any("root" in note for note in start.notes) == allowed


def test_other_launchers_get_no_flags_of_open_mpi(launcher: Callable[[str], None]) -> None:
    launcher("HYDRA build details: Version: 4.2")
    start = launching.launch(2, ["sim"], "as asked for")
    assert start.command[1:4] == ["-n", "2", str(Path(sys.executable))]


def test_without_a_launcher(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(MissingDependencyError, match="no mpirun") as caught:
        launching.launch(2, ["sim"], "as asked for")
    assert "pip install" in str(caught.value.remedy)


def test_one_process_needs_no_launcher(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(launching.REASON, "")
    assert start_of(Ranks(1, "one for each core"), ["sim"]) is None
    assert ranks_notes(1) == ["ranks 1: one for each core"]
    monkeypatch.delenv(launching.REASON)
    assert ranks_notes(1) == []


def test_under_a_launcher_there_are_as_many_as_it_started(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PMI_SIZE", "2")
    monkeypatch.setenv("PMI_RANK", "0")
    assert start_of(Ranks(2, "as asked for"), ["sim"]) is None
    with pytest.raises(UsageError, match="has started 2 processes, --ranks asks for 4"):
        start_of(Ranks(4, "as asked for"), ["sim"])


@needs_mpi
def test_the_same_bits_without_mpirun(shell: Callable[..., Any], tmp_path: Path) -> None:
    path = write(tmp_path, network())
    shell("sim", path, "-o", tmp_path / "1.h5", "-q")
    said = shell("sim", path, "--ranks", 2, "-o", tmp_path / "2.h5").err
    assert said.count("ranks 2: as asked for") == 1 and said.count("engine neuron") == 1
    shell("diff", "--exact", tmp_path / "1.h5", tmp_path / "2.h5")
    assert shell("sim", tmp_path / "no.toml", "--ranks", 2, "-o", tmp_path / "3.h5", code=3)


@needs_mpi
def test_standard_output_passes_through_the_launcher(
    shell: Callable[..., Any], tmp_path: Path
) -> None:
    tree = network()
    tree["run"]["tstop"] = 2.0
    path = write(tmp_path, tree)
    shell("sim", path, "-o", tmp_path / "1.h5", "-q")
    done = shell("sim", path, "--ranks", 2, "-o", "-", "-q")
    (tmp_path / "2.h5").write_bytes(done.out.encode("latin-1"))
    shell("diff", "--exact", tmp_path / "1.h5", tmp_path / "2.h5")


@needs_mpi
def test_two_numbers_of_processes(tmp_path: Path) -> None:
    path = write(tmp_path, network())
    done = ranks(2, "sim", path, "--ranks", 3, "-o", tmp_path / "o.h5", code=2)
    assert done.stderr.count("--ranks asks for 3") == 1

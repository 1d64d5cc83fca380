"""Runs that are interrupted and go on: the same bits as unbroken ones."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from network_models import needs_mpi, network, ranks, simulated, write
from sources import program

from lfpcli.io import checkpoint as room
from lfpcli.io.writer import RecordingWriter
from lfpcli.runtime.engine.state import RunState


def run_until(count: int) -> None:
    """Run a command that ends as by SIGTERM after so many checkpoints."""
    from lfpcli.cli.main import Terminated, console_main
    from lfpcli.tasks.simulate.checkpoint import Checkpoints

    written, write = [], Checkpoints.write

    def stop(self, *arguments):
        write(self, *arguments)
        written.append(arguments)
        if len(written) == count:
            raise Terminated

    Checkpoints.write = stop
    console_main()


def stopped(count: int, path: Path, out: Path, every: float, *more: str) -> None:
    """Run until so many checkpoints were written."""
    arguments = ["sim", str(path), "-o", str(out), "-q", "--checkpoint", str(every), *more]
    command = [sys.executable, "-c", program(run_until, count), *arguments]
    done = subprocess.run(command, capture_output=True, check=False, timeout=1200)
    assert done.returncode == 143, done.stderr.decode()
    assert not out.exists() and checkpoint(out).exists()


def checkpoint(out: Path) -> Path:
    return out.with_name(out.name + ".checkpoint")


@pytest.fixture(scope="module")
def unbroken(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A model and the recording of a run of it."""
    folder = tmp_path_factory.mktemp("unbroken")
    tree = network()
    # cells that are above their threshold for long
    tree["population"]["E"]["threshold"] = -40.0
    tree["probe"][0]["per"] = "current"
    tree["record"]["dipole"] = "cell"
    # more samples than a chunk of the file has
    tree["run"]["tstop"] = 100.0
    path, out = write(folder, tree), folder / "whole.h5"
    simulated(path, out)
    return path, out


def test_a_resumed_run_has_the_same_bits(
    shell: Callable[..., Any], tmp_path: Path, unbroken: tuple[Path, Path]
) -> None:
    path, whole = unbroken
    out = tmp_path / "out.h5"
    for count, every in ((1, 0.0625), (23, 0.6875), (41, 2.1875)):
        stopped(count, path, out, every)
        shell("sim", path, "-o", out, "-q", "--resume")
        assert out.read_bytes() == whole.read_bytes()
        assert not checkpoint(out).exists()
        out.unlink()


def changed(path: Path, part: str) -> None:
    """Change one number of a checkpoint, with checksums that fit."""
    with h5py.File(path, "r+") as file:
        data = file[part]
        if data.dtype.kind in "SO":
            data[0] = data[0].replace(b'"seed"', b'"sead"')
        elif data.ndim == 2:
            data[-1, 0] += 1e-9
        else:
            # also where it is as large as NEURON's time before any event
            data[-1] = 2 * data[-1] + 1


def cut(path: Path) -> None:
    """Take the last sample of all signals away."""
    with h5py.File(path, "r+") as file:
        names: list[str] = []
        file.visititems(lambda name, node: names.append(name) if name.endswith("data") else None)
        for name in names:
            rows = file[name][:-1]
            del file[name]
            file[name] = rows


def test_changed_checkpoints_are_refused(
    shell: Callable[..., Any], tmp_path: Path, unbroken: tuple[Path, Path]
) -> None:
    path, _ = unbroken
    out = tmp_path / "out.h5"
    stopped(9, path, out, 0.6875)
    whole = checkpoint(out).read_bytes()
    with h5py.File(checkpoint(out)) as file:
        parts = [f"checkpoint/{name}" for name in ("state", "spike_times", "gid", "facts")]
        parts.append(next(f"signals/{name}/data" for name in file["signals"]))
    for part in parts:
        checkpoint(out).write_bytes(whole)
        changed(checkpoint(out), part)
        said = shell("sim", path, "-o", out, "-q", "--resume", code=3).err
        assert "was changed after it was written" in said and "start anew" in said
        assert not out.exists() and checkpoint(out).exists()
    checkpoint(out).write_bytes(whole)
    cut(checkpoint(out))
    assert "changed" in shell("sim", path, "-o", out, "-q", "--resume", code=3).err
    checkpoint(out).write_bytes(whole[:-1000])
    assert "truncated" in shell("sim", path, "-o", out, "-q", "--resume", code=3).err
    assert not out.exists()


@pytest.mark.slow
def test_stopped_twice(
    shell: Callable[..., Any], tmp_path: Path, unbroken: tuple[Path, Path]
) -> None:
    path, whole = unbroken
    out = tmp_path / "out.h5"
    stopped(2, path, out, 5.0)
    stopped(3, path, out, 5.0, "--resume")
    shell("sim", path, "-o", out, "-q", "--resume")
    shell("diff", "--exact", whole, out)


@needs_mpi
def test_resumed_on_another_number_of_ranks(
    shell: Callable[..., Any], tmp_path: Path, unbroken: tuple[Path, Path]
) -> None:
    path, whole = unbroken
    out = tmp_path / "out.h5"
    stopped(18, path, out, 5.0)
    ranks(3, "sim", path, "-o", out, "-q", "--resume")
    assert out.read_bytes() == whole.read_bytes()


def test_coreneuron_goes_on_too(shell: Callable[..., Any], tmp_path: Path) -> None:
    tree = network()
    tree["run"]["engine"] = "coreneuron"
    tree["record"] = {"vmem": "soma"}
    path, out = write(tmp_path, tree), tmp_path / "out.h5"
    shell("sim", path, "-o", tmp_path / "whole.h5", "-q")
    stopped(2, path, out, 10.0)
    shell("sim", path, "-o", out, "-q", "--resume")
    shell("diff", tmp_path / "whole.h5", out, "--rtol", "1e-9", "--atol", "1e-9")


@pytest.mark.parametrize(
    "number", [signal.SIGTERM, pytest.param(signal.SIGUSR1, marks=pytest.mark.slow)]
)
def test_signals_write_a_checkpoint(
    shell: Callable[..., Any], tmp_path: Path, number: signal.Signals
) -> None:
    tree = network()
    tree["run"]["tstop"] = 1e5
    tree["record"] = {"vmem": "none"}
    path, out = write(tmp_path, tree), tmp_path / "out.h5"
    command = [sys.executable, "-m", "lfpcli", "sim", str(path), "-o", str(out)]
    with subprocess.Popen([*command, "--checkpoint", "1e4"], stderr=subprocess.PIPE) as process:
        while process.poll() is None and not list(tmp_path.glob(".lfp-out*")):
            time.sleep(0.05)
        # what was computed until then is computed twice more below
        time.sleep(1.0)
        process.send_signal(number)
        said = process.communicate(timeout=300)[1].decode()
    assert process.returncode == 128 + number
    assert "--resume" in said and "error" not in said
    assert checkpoint(out).exists() and not out.exists()
    end = float(said.rpartition("t = ")[2].partition(" ")[0])
    tree["run"]["tstop"] = end + 20.0
    path = write(tmp_path, tree, "short.json")
    shell("sim", path, "-o", out, "-q", "--resume")
    shell("sim", path, "-o", tmp_path / "whole.h5", "-q")
    shell("diff", "--exact", tmp_path / "whole.h5", out)


def test_refusals(shell: Callable[..., Any], tmp_path: Path) -> None:
    path, out = write(tmp_path, network()), tmp_path / "out.h5"
    stopped(1, path, out, 5.0)
    said = shell("sim", path, "-o", out, "--resume", "--seed", "5", code=3).err
    assert "another seed" in said or "another model" in said
    assert "standard output" in shell("sim", path, "-o", "-", "--checkpoint", "5", code=2).err
    assert (
        "nearer" in shell("sim", path, "-o", tmp_path / "x.h5", "--checkpoint", "0.01", code=2).err
    )
    checkpoint(out).write_bytes(b"no checkpoint")
    assert "checkpoint" in shell("sim", path, "-o", out, "--resume", code=3).err
    tree = network()
    tree["cell"]["stick"]["extracellular"] = True
    said = shell(
        "sim", write(tmp_path, tree), "-o", tmp_path / "y.h5", "--checkpoint", "5", code=5
    ).err
    assert "cannot be resumed" in said and "extracellular" in said


def test_without_a_checkpoint_a_run_begins_anew(shell: Callable[..., Any], tmp_path: Path) -> None:
    path = write(tmp_path, network())
    shell("sim", path, "-o", tmp_path / "a.h5", "-q", "--resume", "--checkpoint", "10")
    shell("sim", path, "-o", tmp_path / "b.h5", "-q")
    shell("diff", "--exact", tmp_path / "a.h5", tmp_path / "b.h5")


def test_states_are_written_and_read_some_cells_at_a_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rng = np.random.default_rng(3)
    states = {gid: rng.normal(size=size) for gid, size in ((3, 40), (5, 0), (8, 900), (9, 40))}
    # what C code has left in a variable may be no number
    states[9][7] = np.nan
    sizes = np.array([len(values) for values in states.values()])
    asked = []

    def between(first: int, last: int) -> np.ndarray:
        asked.append(int(sizes[first:last].sum()))
        return np.concatenate(list(states.values())[first:last])

    monkeypatch.setattr(room, "_BLOCK_VALUES", 100)
    cells = room.CellStates(gids=np.array(list(states)), sizes=sizes, between=between)
    run = RunState(sample=7, time=0.7, times=np.zeros(2), gids=np.array([3, 9]))
    path = tmp_path / "out.h5.checkpoint"
    with RecordingWriter(tmp_path / "out.h5", {"program": "lfp", "command": ["lfp"]}) as writer:
        room.write_checkpoint(path, writer, run, {"seed": 1}, cells=cells)
        # a cell that is larger than a block comes alone
        assert asked == [40, 900, 40]
        with room.open_checkpoint_file(path) as found:
            some = found.state([9, 5, 8]).cells
        written = path.read_bytes()
        run.cells = states
        room.write_checkpoint(path, writer, run, {"seed": 1})
    assert path.read_bytes() == written
    assert list(some) == [9, 5, 8]
    assert all(np.array_equal(some[gid], states[gid], equal_nan=True) for gid in some)

"""How far the time step of a run leads its signals astray: a run at half the step beside it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from lfpcli.errors import InputError, SimulatorError, UsageError
from lfpcli.io.recording import Recording, Sampled, open_recording
from lfpcli.io.temporary import temporary_folder
from lfpcli.model import Model
from lfpcli.model.tables import Table
from lfpcli.runtime.mpi.team import Team
from lfpcli.vocabulary import INTEGRATORS, STDIN

# what the difference of runs at dt and dt/2 is multiplied by for the error at dt, by the order of
# the method: x(dt) - x(0) = a dt^p leaves x(dt) - x(dt/2) = a dt^p (1 - 2^-p)
_FACTORS = (2.0, 4.0 / 3.0)


@dataclass(frozen=True, kw_only=True)
class StepError:
    """Error of one signal that the time step makes.

    Attributes
    ----------
    name : str
        The signal, or ``dipole``.
    largest : float
        Largest error of a sample, as a share of the largest absolute sample.
    size : float
        Error of the peak-to-peak amplitude, of the channel where that is largest, as a share of it.
    """

    name: str
    largest: float
    size: float


def check_step_errors_possible(model: Model, output: str | os.PathLike[str]) -> None:
    """Raise a UsageError where a run cannot be checked, before it is made."""
    if model.run.is_adaptive:
        raise UsageError("--check-dt needs a fixed time step", remedy="give dt in ms")
    if Team().size > 1:
        raise UsageError("--check-dt works on one process", remedy="run it without mpirun")
    if str(output) == STDIN:
        raise UsageError("--check-dt needs a file to compare with", remedy="give -o FILE")


def step_errors(
    model: Model, recording: str | os.PathLike[str], seed: int
) -> tuple[float, list[StepError]]:
    """Run a model again at half the step, and compare the signals.

    Parameters
    ----------
    model : Model
        The model.
    recording : path-like
        What a run of it has written.
    seed : int
        The seed of that run.

    Returns
    -------
    dt : float
        The time step of the run, ms.
    errors : list of StepError
        Of each signal and of the dipole, in the order of the file; the error is that at `dt` if
        the method has the order that it should.

    Raises
    ------
    InputError
        Where the recording holds no signals.
    SimulatorError
        Where the run at half the step fails.
    """
    with (
        open_recording(recording) as coarse,
        temporary_folder(Path(tempfile.gettempdir()), "run") as folder,
    ):
        # what the cells' own files set is in the recording's model
        run = coarse.provenance["model"]["run"]
        dt = float(run["dt"])
        path = folder / "half.h5"
        run_apart(_halved(model, dt, seed), path, "the run at half the time step")
        factor = _FACTORS[INTEGRATORS.index(run["method"])]
        with open_recording(path) as fine:
            errors = []
            for name, sampled, other in _pairs(coarse, fine):
                errors.append(_compared(name, sampled, other, factor))
    if not errors:
        raise InputError(
            "holds no signals to check the time step by",
            source=os.fspath(recording),
            remedy="give the model a [[probe]], or record.dipole",
        )
    return dt, errors


def _halved(model: Model, dt: float, seed: int) -> Model:
    run = replace(model.run, dt=0.5 * dt, seed=seed, stated=model.run.stated | {"dt", "seed"})
    # thinned signals are resampled to the same interval; the filter of that would ring where an
    # electrode's current jumps, so that signals of every step stay as they are
    every = 1 if model.record.every == 1 else 2 * model.record.every
    record = replace(model.record, every=every, variables=(), imem=False)
    return replace(model, run=run, record=record)


def _as_stated(model: Model) -> dict[str, Any]:
    """The model without defaults where what the cells' own files say holds instead of them."""
    tree = model.to_dict()
    tree["run"] = _stated(tree["run"], model.run)
    for name, spec in model.cells.items():
        tree["cell"][name] = _stated(tree["cell"][name], spec)
    return tree


def _stated(values: dict[str, Any], table: Table) -> dict[str, Any]:
    return {name: value for name, value in values.items() if name in table.stated}


def run_apart(model: Model, path: Path, name: str) -> None:
    """Run a model in a process of its own, as NEURON holds one model at a time.

    Parameters
    ----------
    model : Model
        The model.
    path : Path
        Recording to write.
    name : str
        What to call the run in messages.

    Raises
    ------
    SimulatorError
        Where it fails.
    """
    command = [sys.executable, "-m", "lfpcli", "sim", STDIN, "-o", str(path), "-q"]
    with subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        # a model on standard input has its files here
        cwd=model.folder,
    ) as process:
        try:
            _, said = process.communicate(json.dumps(_as_stated(model)).encode())
        except BaseException:
            # it removes what it has begun
            process.terminate()
            raise
    if process.returncode != 0:
        lines = said.decode(errors="replace").strip().splitlines()
        raise SimulatorError(
            f"{name} failed: {lines[-1] if lines else process.returncode}",
            remedy="run the model as it is to see more",
        )


def _pairs(coarse: Recording, fine: Recording) -> Iterator[tuple[str, Sampled, Sampled]]:
    for name in coarse.signals:
        yield name, coarse.signal(name), fine.signal(name)
    if "total" in coarse.dipole_groups:
        yield "dipole", coarse.dipole("total"), fine.dipole("total")


def _compared(name: str, coarse: Sampled, fine: Sampled, factor: float) -> StepError:
    """Errors of a signal, channel by channel."""
    apart = peak = 0.0
    extents = np.zeros((2, coarse.data.shape[1]))
    times, fine_times = coarse.times, fine.times
    for channel in range(coarse.data.shape[1]):
        samples = np.asarray(coarse.data[:, channel], dtype=float)
        # with the second order the samples of currents lie in the middle of steps
        other = np.interp(times, fine_times, np.asarray(fine.data[:, channel], dtype=float))
        apart = max(apart, float(np.abs(samples - other).max()))
        peak = max(peak, float(np.abs(other).max()))
        extents[:, channel] = np.ptp(samples), np.ptp(other)
    if peak == 0.0:
        return StepError(name=name, largest=0.0, size=0.0)
    largest = int(np.argmax(extents[1]))
    size = extents[0, largest] / extents[1, largest] - 1.0 if extents[1, largest] else 0.0
    return StepError(name=name, largest=factor * apart / peak, size=factor * size)

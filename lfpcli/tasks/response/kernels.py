"""Files of kernels: what one spike of a population adds to the signals of a network."""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from lfpcli.io import stream
from lfpcli.io.atomic import atomic_output, check_recording_output
from lfpcli.io.kernels import KernelWriter
from lfpcli.io.provenance import digest, provenance
from lfpcli.io.recording import open_recording
from lfpcli.io.temporary import temporary_folder
from lfpcli.model import Model
from lfpcli.runtime.mpi.team import Team
from lfpcli.tasks.measure.solved_media import solve_media
from lfpcli.tasks.response.comparison import Agreement, agreements
from lfpcli.tasks.response.linear_response import Response, Scope
from lfpcli.tasks.response.working_point import WorkingPoint, working_point
from lfpcli.tasks.simulate.engine import load_mechanisms
from lfpcli.tasks.simulate.layout import lay_out
from lfpcli.tasks.simulate.plan import drawn_seed
from lfpcli.tasks.simulate.step_errors import run_apart
from lfpcli.tasks.simulate.used import used_points


@dataclass(frozen=True, kw_only=True)
class Facts:
    """What a computation of kernels tells.

    Attributes
    ----------
    point : WorkingPoint
        Where the response was taken.
    pairs : list of (str, str)
        Pairs of populations that have kernels.
    notes : list of str
        What the user should know.
    explained : dict of str to Agreement
        How far kernels and spikes explain the signals of the run.
    """

    point: WorkingPoint
    pairs: list[tuple[str, str]]
    notes: list[str] = field(default_factory=list)
    explained: dict[str, Agreement] = field(default_factory=dict)


def write_kernels(
    model: Model,
    output: str | os.PathLike[str],
    scope: Scope,
    stated: WorkingPoint,
    *,
    run: str | os.PathLike[str] | None = None,
    check: bool = False,
    force: bool = False,
    command: Sequence[str] = ("lfp", "kernel"),
    progress: Callable[[float], None] = lambda share: None,
) -> Facts:
    """Compute the kernels of a network and write them.

    Parameters
    ----------
    model : Model
        The network.
    output : path-like
        File of kernels to write, or ``-``.
    scope : Scope
        Which kernels.
    stated : WorkingPoint
        Rates and potentials that are stated.
    run : path-like, optional
        A recording of the network, for those that are not.
    check : bool
        Whether the network is simulated for that, and compared with.
    force : bool
        Whether an existing file is replaced.
    command : sequence of str
        The command line, for the provenance.
    progress : callable
        Told which share of the work is done.

    Raises
    ------
    InputError, UsageError, SimulatorError
        Where the model has no such populations or signals, or is not linear in its synapses.
    """
    check_recording_output(output, force=force, noun="a file of kernels")
    load_mechanisms(model, used=used_points(model))
    seed = drawn_seed(model, Team())
    layout = lay_out(model, seed)
    media = solve_media(model.probes, Team())
    inputs: dict[str, str] = {}
    with contextlib.ExitStack() as stack:
        recording = None
        if check:
            folder = stack.enter_context(temporary_folder(Path(tempfile.gettempdir()), "run"))
            run = folder / "full.h5"
            run_apart(_recorded(model, seed), run, "the simulation of the network")
            recording = stack.enter_context(open_recording(run))
        elif run is not None:
            path, name = stack.enter_context(stream.local_file(run))
            recording = stack.enter_context(open_recording(path, name))
            inputs[name] = digest(path)
        point = working_point(model, layout, stated, recording)
        response = Response(model, layout, scope=scope, point=point, seed=seed)
        kernels = response.kernels(progress)
        record = provenance(command, inputs=inputs, seed=seed, model=model.to_dict())
        with (
            atomic_output(output, force=force) as target,
            KernelWriter(target, record) as writer,
        ):
            for each in kernels:
                writer.kernels(each)
        return Facts(
            point=point,
            pairs=response.pairs,
            notes=[*media, *response.notes],
            explained={} if recording is None else agreements(kernels, recording),
        )


def _recorded(model: Model, seed: int) -> Model:
    """The model that keeps what kernels are compared with, and nothing large."""
    record = replace(
        model.record,
        spikes=True,
        imem=False,
        variables=(),
        vmem="soma",
        dipole="total" if model.record.dipole == "none" else model.record.dipole,
    )
    run = replace(model.run, seed=seed, stated=model.run.stated | {"seed"})
    return replace(model, run=run, record=record)

"""What a run will take: memory of its processes, size of its file, and time.

The numbers were fitted to the table that ``benchmarks/scale.py`` prints, which holds each
prediction beside what it took. How quick a machine is, and what its mechanisms cost, is tried.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from lfpcli.io.storage import chunk_rows
from lfpcli.model import Model
from lfpcli.runtime.engine.spans import QUEUED_EVENTS, chunk_samples
from lfpcli.runtime.engine.trial import Stretch, peak_memory
from lfpcli.tasks.simulate.estimate import POINT_WORK, Sizes
from lfpcli.tasks.simulate.instruments import instruments_of
from lfpcli.tasks.simulate.layout import Layout, assign
from lfpcli.tasks.simulate.results import BLOCK_SEGMENTS

# bytes that each of these takes in a process: the program, what writes a recording, and MPI;
# NEURON's objects and those of Python for them, geometry included
_PROGRAM, _WRITER, _MPI_MEMORY = 7.6e7, 5e6, 1.2e7
_MEMORY = {"cells": 1.2e4, "segments": 1.73e3, "points": 9.5e2, "synapses": 4.2e2}
# and CoreNEURON's copies of them
_CORE_PROGRAM = 4e6
_CORE_MEMORY = {"segments": 4e2, "points": 1.7e2}
# growth of a process by which its memory can be told: what a program takes once is less
_LEAST_GROWTH = 2e7
# a place of a soma and a rank, which all processes have of all cells
_CELL_ANYWHERE = 40.0
# one more recorded variable of a segment
_COLUMN = 200.0
# a spike of a train on its way to a synapse, in the queue of the engine and before
_QUEUED = {"neuron": 300.0, "coreneuron": 200.0}
# start, end, diameter, area, place, gid, section and parent of a segment in the file
_GEOMETRY_BYTES = 96
_SPIKE_BYTES = 16

# s that the program takes until cells are made, and beside all that grows with the model
_START = {"neuron": 0.7, "coreneuron": 0.7}
_BESIDE = 0.09
_MPI_START = 0.2
# s for each of these: to make it, from there to the first step, and beside the run until the end
_BUILD = {"cells": 4.5e-4, "segments": 9.2e-6, "synapses": 6e-6}
_BEGIN = {"segments": 2.8e-6, "points": 1.5e-6}
_END = {"segments": 3.0e-6, "synapses": 1.05e-6}
# s of a dataset of the recording, of a byte in it, and of a spike of a population without cells
_DATASET = 9e-4
_BYTE = 5e-9
_TRAIN_SPIKE = 1.1e-6
# s of a step: of a segment, of a point process, and of a channel of a segment
_STEP = {"neuron": (5.7e-8, 1.3e-7), "coreneuron": (4.3e-8, 1.8e-7)}
_CHANNEL_STEP = 4e-10
# s of a spike that a train brings to a synapse
_EVENT = 3.2e-6
_ANY_STEP = 2.6e-5


@dataclass(frozen=True, kw_only=True)
class Share:
    """What one process has of a model.

    Attributes
    ----------
    cells, segments, points, synapses : float
        How many, expected ones where they are drawn.
    """

    cells: float
    segments: float
    points: float
    synapses: float


@dataclass(frozen=True, kw_only=True)
class Trial:
    """What was measured while a model was built for its plan, on one process.

    Attributes
    ----------
    start, reading, build : float
        Seconds of the processor until cells were made, that the first one of each kind took, and
        that all others did.
    built : Share
        What was made.
    stretch : Stretch
        Seconds of its first steps.
    engine : {'neuron', 'coreneuron'}
        What took them.
    program, memory : float
        Bytes of the process before, and that all of it took without matrices of instruments; the
        latter is NaN where it is too little to tell.
    """

    start: float
    reading: float
    build: float
    built: Share
    stretch: Stretch
    engine: str
    program: float = math.nan
    memory: float = math.nan


def grown_memory(before: float) -> float:
    """Bytes by which this process has grown since it had some; NaN where that tells little."""
    grown = peak_memory() - before
    return grown if grown >= _LEAST_GROWTH else math.nan


def shares_of(sizes: Sizes, layout: Layout, ranks: int, *, lead: float = 0.0) -> list[Share]:
    """Deal the cells of a model out to processes as a run does, and return what each gets.

    Parameters
    ----------
    sizes : Sizes
        Sizes of the model.
    layout : Layout
        Its populations.
    ranks : int
        Number of processes.
    lead : float
        What rank 0 has to do beside its cells, see `lead_work`.
    """
    costs = {
        name: (size.segments + POINT_WORK * size.points) / max(size.cells, 1)
        for name, size in sizes.populations.items()
    }
    dealt = assign(costs, layout.cells, ranks, {}, lead=lead)
    totals = np.zeros((ranks, 4))
    for name, size in sizes.populations.items():
        of_cell = np.array([size.cells, size.segments, size.points, size.synapses], float)
        cells = np.bincount(dealt[name], minlength=ranks)
        totals += np.outer(cells, of_cell / max(size.cells, 1))
    return [Share(cells=c, segments=s, points=p, synapses=y) for c, s, p, y in totals.tolist()]


def signal_columns(model: Model, sizes: Sizes) -> list[tuple[int, str]]:
    """Columns of the datasets of all signals and dipoles, each with whose share it is."""
    shares = {"total": 0, "population": len(sizes.populations), "cell": sizes.cells, "current": 8}
    shares |= {"group": len(model.groups), "projection": 0}
    columns = []
    for instrument in instruments_of(model):
        columns.append((instrument.channels, "total"))
        columns += [(instrument.channels, instrument.per)] * shares[instrument.per]
    return columns


def report_columns(model: Model, sizes: Sizes) -> list[int]:
    """Columns of the datasets of all reports; variables are taken to be on all segments."""
    table = model.record
    columns = []
    for size in sizes.populations.values():
        columns += [size.segments] * (table.imem + len(table.variables))
        columns += {"all": [size.segments], "soma": [size.cells], "none": []}[table.vmem]
    return columns


def file_bytes(model: Model, sizes: Sizes, samples: int, *, float32: bool = False) -> int:
    """Size of the recording, spikes of cells aside."""
    rows = -(-samples // model.record.every)
    width = 4 if float32 else 8
    total = _GEOMETRY_BYTES * sizes.segments + 65536
    reports = [(columns, "") for columns in report_columns(model, sizes)]
    for columns, whose in (*signal_columns(model, sizes), *reports):
        block = chunk_rows(columns, width, share=whose)
        total += -(-rows // block) * block * columns * width
    if model.record.spikes:
        total += round(_SPIKE_BYTES * _train_spikes(model))
    return total


def _train_spikes(model: Model) -> float:
    """Expected spikes of populations without cells, whose rate is known."""
    spikes = 0.0
    for population in model.populations.values():
        if population.rate is not None and population.rate.poisson is not None:
            spikes += 1e-3 * population.rate.poisson * model.run.tstop * (population.size or 0)
    return spikes


def memory_bytes(
    model: Model,
    sizes: Sizes,
    share: Share,
    *,
    ranks: int,
    engine: str,
    leads: bool,
    trial: Trial | None = None,
) -> int:
    """Most memory that one process takes.

    Parameters
    ----------
    model : Model
        The model.
    sizes : Sizes
        Its sizes.
    share : Share
        What the process has of it.
    ranks : int
        Number of processes.
    engine : {'neuron', 'coreneuron'}
        What advances the equations.
    leads : bool
        Whether it is the one that gathers and writes.
    trial : Trial, optional
        What some of it took; cells of few mechanisms where left out.
    """
    program, built = _PROGRAM, _built_memory(share, engine)
    if trial is not None:
        program = trial.program if math.isfinite(trial.program) else program
        built *= _quotient(trial.memory, _built_memory(trial.built, trial.engine), 1.0)
    program += _WRITER + (_MPI_MEMORY if ranks > 1 else 0.0)
    program += _CORE_PROGRAM if engine == "coreneuron" else 0.0
    anywhere = _CELL_ANYWHERE * sizes.cells
    queued = _QUEUED[engine] * min(_queued(model, share, sizes, engine), QUEUED_EVENTS)
    samples = _recorded_bytes(model, sizes, share, leads=leads and ranks > 1)
    matrices = matrix_bytes(model, share.segments)
    return round(program + built + anywhere + queued + samples + matrices)


def matrix_bytes(model: Model, segments: float) -> float:
    """Bytes of the matrices of all instruments, for so many segments."""
    return 8.0 * segments * sum(instrument.channels for instrument in instruments_of(model))


def _built_memory(share: Share, engine: str) -> float:
    """Bytes of a model in NEURON, and of CoreNEURON's copy of it."""
    copy = _weighed(_CORE_MEMORY, share) if engine == "coreneuron" else 0.0
    return _weighed(_MEMORY, share) + copy


def _queued(model: Model, share: Share, sizes: Sizes, engine: str) -> float:
    """Expected events of inputs that a process hands over at once."""
    stretch = model.run.tstop
    if engine == "neuron":
        # those of a chunk, where CoreNEURON gets those of the whole run
        rows = chunk_samples(_recorded(model, sizes), engine)
        stretch = min(rows * model.run.interval, stretch)
    return _events(model, share, sizes) * stretch / model.run.tstop


def _recorded(model: Model, sizes: Sizes) -> int:
    """Columns of all recorders of all processes."""
    stored = sum(report_columns(model, sizes))
    if model.record.imem or not model.needs_currents:
        return stored
    return stored + sizes.segments


def _recorded_bytes(model: Model, sizes: Sizes, share: Share, *, leads: bool) -> float:
    """Bytes of chunks of recorders, signals and reports: those of a process, and what it gets."""
    stored, recorded = sum(report_columns(model, sizes)), _recorded(model, sizes)
    samples = math.ceil(model.run.tstop / model.run.interval) + 1
    rows = min(chunk_samples(recorded, "neuron"), samples)
    # the recorders fill one chunk while the one before is contracted
    chunks = 8.0 * min(2 * rows, samples) * recorded
    chunks += _COLUMN * stored
    chunks *= share.segments / max(sizes.segments, 1)
    return chunks + _gathered(model, sizes, share, rows=rows, samples=samples, leads=leads)


def _gathered(
    model: Model, sizes: Sizes, share: Share, *, rows: int, samples: int, leads: bool
) -> float:
    """Bytes of a chunk of signals and reports: what stays in a process, and what comes to it."""
    stored = sum(report_columns(model, sizes))
    # two exact parts of each sum, and the sums
    total = 3.0 * 8 * rows * sum(c for c, whose in signal_columns(model, sizes) if whose != "cell")
    for instrument in instruments_of(model):
        if instrument.per == "cell":
            # those of the cells of the process, and what waits for its chunk of the file to fill
            waiting = min(chunk_rows(instrument.channels, 8, share="cell"), samples)
            total += 8 * share.cells * instrument.channels * (4 * rows + waiting)
    total += 8 * rows * stored * share.segments / max(sizes.segments, 1)
    if not leads:
        return total
    # what comes for a chunk of the file, and the same in the order of the cells; the geometry, a
    # block at a time
    reports = 2 * max([0, *(8 * columns for columns in report_columns(model, sizes))])
    return total + reports + 2 * _GEOMETRY_BYTES * min(sizes.segments, BLOCK_SEGMENTS)


def seconds(
    model: Model,
    sizes: Sizes,
    share: Share,
    *,
    steps: int,
    ranks: int,
    engine: str,
    trial: Trial | None = None,
) -> float:
    """Time from start to end of the process that has most.

    Parameters
    ----------
    model : Model
        The model.
    sizes : Sizes
        Its sizes.
    share : Share
        What the process has of it.
    steps : int
        Time steps.
    ranks : int
        Number of processes.
    engine : {'neuron', 'coreneuron'}
        What advances the equations.
    trial : Trial, optional
        What this machine took for some of it; a processor of 2023 where left out.
    """
    channels = sum(instrument.channels for instrument in instruments_of(model))
    contracting = _CHANNEL_STEP * channels * share.segments
    # what no trial tells, in the time of a processor of 2023
    writing = _DATASET * len(signal_columns(model, sizes))
    writing += _BYTE * file_bytes(model, sizes, steps + 1)
    writing += _TRAIN_SPIKE * _train_spikes(model) / ranks
    rest = _BESIDE + _weighed(_END, share) + writing + steps * contracting
    rest += _EVENT * _events(model, share, sizes)
    building, beginning = _weighed(_BUILD, share), _weighed(_BEGIN, share)
    start, step = _START[engine], _solving(share, engine)
    if trial is not None:
        stretch, built = trial.stretch, trial.built
        speed = trial.start / start
        start, rest = trial.start + trial.reading, speed * rest
        building *= _quotient(trial.build, _weighed(_BUILD, built), speed)
        beginning *= _quotient(stretch.begin, _weighed(_BEGIN, built), speed)
        step *= _quotient(stretch.step, _solving(built, trial.engine), speed)
    start += _MPI_START if ranks > 1 else 0.0
    return start + building + beginning + steps * step + rest


def _quotient(measured: float, expected: float, otherwise: float) -> float:
    """How much longer something took than expected; another number where it was not measured."""
    return otherwise if math.isnan(measured) else measured / expected


def _weighed(weights: Mapping[str, float], share: Share) -> float:
    return sum(weight * float(getattr(share, name)) for name, weight in weights.items())


def _solving(share: Share, engine: str) -> float:
    """Seconds of a step."""
    segment, point = _STEP[engine]
    return segment * share.segments + point * share.points + _ANY_STEP


def _events(model: Model, share: Share, sizes: Sizes) -> float:
    """Expected spikes that the synapses of inputs get in one process, where a rate tells."""
    events = 0.0
    for table in model.inputs:
        rate = table.source.poisson or table.source.regular or table.source.gamma or 0.0
        names = sizes.populations if table.population is None else [table.population]
        cells = sum(sizes.populations[name].cells for name in names)
        if table.cells is not None:
            cells = len(table.cells)
        events += 1e-3 * rate * model.run.tstop * table.count.mean_count * cells
    return events * share.cells / max(sizes.cells, 1)


def batch_line(ranks: int, memory: int, seconds: float) -> str:
    """Options of a batch job under Slurm, with room for what the estimates leave out."""
    megabytes = 100 * math.ceil(1.25 * memory / 1e8)
    minutes = math.ceil((2.0 * seconds + 60.0) / 60.0)
    time = f"{minutes // 60}:{minutes % 60:02}:00"
    return f"#SBATCH --ntasks={ranks} --cpus-per-task=1 --mem-per-cpu={megabytes}M --time={time}"

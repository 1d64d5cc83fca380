"""Extracellular stimulation of a circuit, as potentials of the segments of this process."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from lfpcli.errors import located
from lfpcli.model.run import Run
from lfpcli.runtime.engine.field import Steps
from lfpcli.tasks.circuits.extracellular import FieldInput
from lfpcli.tasks.measure.streams import Member
from lfpcli.tasks.simulate.layout import Layout


def field_steps(
    inputs: Sequence[FieldInput],
    members: Sequence[Member],
    *,
    layout: Layout,
    run: Run,
) -> list[Steps]:
    """What the extracellular inputs of a circuit do to the cells of this process.

    Parameters
    ----------
    inputs : sequence of FieldInput
        The inputs; their potentials add.
    members : sequence of Member
        The cells of this process.
    layout : Layout
        The populations.
    run : Run
        Step and end of the run.

    Returns
    -------
    list of Steps
        One an input, of all segments in the order of the cells.
    """
    return [_steps(entry, members, layout=layout, run=run) for entry in inputs]


def _steps(entry: FieldInput, members: Sequence[Member], *, layout: Layout, run: Run) -> Steps:
    count = math.ceil(run.tstop / run.interval)
    # the potential is set behind a step for the next one; in the first there is none
    numbers = np.arange(1, count + 1)
    amplitudes = entry.source.amplitudes(numbers - entry.source.lag, run.interval)
    changed = np.ones(count, bool)
    changed[1:] = np.any(amplitudes[1:] != amplitudes[:-1], axis=1)
    times, amplitudes = numbers[changed] * run.interval, amplitudes[changed]
    factors = [np.zeros((0, amplitudes.shape[1]))]
    for member in members:
        with located(f"inputs.{entry.name}"):
            factors.append(_factors(entry, member, layout, amplitudes.shape[1]))
    matrix = np.concatenate(factors)
    return Steps(times, lambda k: matrix @ amplitudes[k])


def _factors(entry: FieldInput, member: Member, layout: Layout, columns: int) -> np.ndarray:
    index = member.gid - layout.cells[member.population].start
    chosen = entry.nodes.get(member.population)
    if chosen is None or index not in chosen:
        return np.zeros((len(member.geometry), columns))
    return entry.source.factors(member.geometry.middle)

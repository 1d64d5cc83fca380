"""Extracellular stimulation of a circuit, as potentials of the segments of this process."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from lfpcli.errors import located
from lfpcli.geometry import Geometry
from lfpcli.model.run import Run
from lfpcli.runtime.cell.shape import lines
from lfpcli.runtime.engine.field import Steps
from lfpcli.tasks.circuits.extracellular import FieldInput
from lfpcli.tasks.measure.streams import Member
from lfpcli.tasks.simulate.layout import Layout


def field_steps(
    inputs: Sequence[FieldInput],
    members: Sequence[Member],
    *,
    centres: Sequence[np.ndarray],
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
    centres : sequence of ndarray, shape (N, 3)
        Centres of the segments of each, um, see `segment_centres`.
    layout : Layout
        The populations.
    run : Run
        Step and end of the run.

    Returns
    -------
    list of Steps
        One an input, of all segments in the order of the cells.
    """
    cells = list(zip(members, centres, strict=True))
    return [_steps(entry, cells, layout=layout, run=run) for entry in inputs]


def segment_centres(
    sections: Sequence[Any], geometry: Geometry, rotation: np.ndarray | None
) -> np.ndarray:
    """Where the centres of the segments of a cell lie along its sections.

    A segment that bends has its centre beside the middle between its ends; bmtk takes the potential
    of stimulation there.

    Parameters
    ----------
    sections : sequence of nrn.Section
        The sections of the cell, as they were loaded.
    geometry : Geometry
        Its segments (N), as the cell stands.
    rotation : ndarray, shape (3, 3), optional
        How it was turned.

    Returns
    -------
    ndarray, shape (N, 3)
        um.
    """
    parts = [np.zeros((0, 3))]
    for section, line in zip(sections, lines(sections), strict=True):
        edges = np.linspace(0.0, 1.0, section.nseg + 1)
        ends = line.at(edges)
        parts.append(line.at((edges[:-1] + edges[1:]) / 2) - (ends[:-1] + ends[1:]) / 2)
    beside = np.concatenate(parts)
    if rotation is not None:
        beside = beside @ rotation.T
    return np.asarray(geometry.middle + beside)


def _steps(
    entry: FieldInput, cells: Sequence[tuple[Member, np.ndarray]], *, layout: Layout, run: Run
) -> Steps:
    count = math.ceil(run.tstop / run.interval)
    # the potential is set behind a step for the next one; in the first there is none
    numbers = np.arange(1, count + 1)
    amplitudes = entry.source.amplitudes(numbers - entry.source.lag, run.interval)
    changed = np.ones(count, bool)
    changed[1:] = np.any(amplitudes[1:] != amplitudes[:-1], axis=1)
    times, amplitudes = numbers[changed] * run.interval, amplitudes[changed]
    factors = [np.zeros((0, amplitudes.shape[1]))]
    for member, centres in cells:
        index = member.gid - layout.cells[member.population].start
        chosen = entry.nodes.get(member.population)
        if chosen is None or index not in chosen:
            factors.append(np.zeros((len(member.geometry), amplitudes.shape[1])))
            continue
        with located(f"inputs.{entry.name}"):
            factors.append(entry.source.factors(centres))
    matrix = np.concatenate(factors)
    return Steps(times, lambda k: matrix @ amplitudes[k])

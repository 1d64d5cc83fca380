"""Sections moved to where NEURON lays them out: each begins where its parent says."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from lfpcli.morphology.section import Section


def parents_first(sections: Sequence[Section]) -> list[int]:
    """Indices of the sections, each after its parent."""
    order: list[int] = []
    visited = [False] * len(sections)
    for index in range(len(sections)):
        chain = []
        while index >= 0 and not visited[index]:
            visited[index] = True
            chain.append(index)
            index = sections[index].parent
        order.extend(reversed(chain))
    return order


def laid_out(sections: Sequence[Section]) -> list[Section]:
    """Move sections that do not begin on their parent, with all that hangs on them.

    NEURON's ``define_shape`` does so. It takes the place at x on the parent between the parent's
    first and last point, however the parent runs between them, and computes in single precision.

    Parameters
    ----------
    sections : sequence of Section
        The sections of a cell.

    Returns
    -------
    list of Section
        In the same order; those that stay are the same objects.
    """
    moved = list(sections)
    for index in parents_first(moved):
        section = moved[index]
        if section.parent >= 0:
            shift = _shift(section, moved[section.parent])
            if np.any(shift != 0):
                moved[index] = _shifted(section, shift)
    return moved


def _shift(section: Section, parent: Section) -> np.ndarray:
    """How far a section is from its parent, shape (3,), um, in single precision."""
    first, last = parent.points[[0, -1], :3].astype(np.float32).astype(float)
    target = last * section.parent_x + first * (1 - section.parent_x)
    begin = section.points[0 if section.child_x == 0 else -1, :3]
    if section.wire is not None:
        begin = np.array(section.wire)
    return np.array(target.astype(np.float32) - begin.astype(np.float32))


def _shifted(section: Section, shift: np.ndarray) -> Section:
    points = section.points.copy()
    points[:, :3] = points[:, :3].astype(np.float32) + shift
    wire = section.wire
    if wire is not None:
        x, y, z = (np.array(wire).astype(np.float32) + shift).astype(float).tolist()
        wire = (x, y, z)
    return replace(section, points=points, wire=wire)

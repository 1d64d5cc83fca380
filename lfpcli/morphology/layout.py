"""Sections moved to where NEURON lays them out: each begins where its parent says."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

from lfpcli.morphology.section import SOMA, Section


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
    return _moved(sections, _on_chord)


def laid_on_path(sections: Sequence[Section]) -> list[Section]:
    """Move sections onto the path of their parent, with all that hangs on them.

    Where a parent bends, `laid_out` leaves what hangs on its middle beside it. A file of points has
    only cable to bridge that, save for the wires of a soma, whose children stay where they are.

    Parameters
    ----------
    sections : sequence of Section
        The sections of a cell.

    Returns
    -------
    list of Section
        In the same order; those that stay are the same objects.
    """
    return _moved(sections, _on_path)


def _moved(
    sections: Sequence[Section], point_at: Callable[[Section, float], np.ndarray]
) -> list[Section]:
    moved = list(sections)
    for index in parents_first(moved):
        section = moved[index]
        if section.parent >= 0:
            target = point_at(moved[section.parent], section.parent_x)
            begin = section.points[0 if section.child_x == 0 else -1, :3]
            if section.wire is not None:
                begin = np.array(section.wire)
            shift = np.array(target.astype(np.float32) - begin.astype(np.float32))
            if np.any(shift != 0):
                moved[index] = _shifted(section, shift)
    return moved


def _on_chord(parent: Section, x: float) -> np.ndarray:
    """Place at x between the first and the last point of a section, shape (3,), um."""
    first, last = parent.points[[0, -1], :3].astype(np.float32).astype(float)
    return np.array(last * x + first * (1 - x))


def _on_path(parent: Section, x: float) -> np.ndarray:
    """Place at x of the way along the points of a section, shape (3,), um."""
    steps = np.linalg.norm(np.diff(parent.points[:, :3], axis=0), axis=1)
    if parent.type == SOMA or x in (0.0, 1.0) or not steps.any():
        return _on_chord(parent, x)
    along = np.concatenate([[0.0], np.cumsum(steps)]) / steps.sum()
    return np.array([np.interp(x, along, parent.points[:, axis]) for axis in range(3)])


def _shifted(section: Section, shift: np.ndarray) -> Section:
    points = section.points.copy()
    points[:, :3] = points[:, :3].astype(np.float32) + shift
    wire = section.wire
    if wire is not None:
        x, y, z = (np.array(wire).astype(np.float32) + shift).astype(float).tolist()
        wire = (x, y, z)
    return replace(section, points=points, wire=wire)

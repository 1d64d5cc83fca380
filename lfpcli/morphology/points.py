"""Points of a traced cell: what each hangs on, and which values can be."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from lfpcli.errors import InputError

# a metre, and a centimetre: beyond them a file is in other units or broken
LARGEST_COORDINATE = 1e6
LARGEST_RADIUS = 1e4
# type codes fit into 31 bits, as in all formats
LARGEST_TYPE = 2**31 - 1
# a picometre: thinner ones vanish in single precision sooner or later
SMALLEST_RADIUS = 1e-6


@dataclass(frozen=True, kw_only=True)
class TracedPoints:
    """Points of a traced cell, each after its parent.

    Attributes
    ----------
    types : ndarray of int, shape (N,)
        Type codes of SWC.
    points : ndarray, shape (N, 4)
        x, y, z and diameter, um.
    parents : ndarray of int, shape (N,)
        Index of each point's parent, -1 for a root.
    name : str
        What to call the cell in messages: the file's name.
    lines : ndarray of int, shape (N,), or empty
        Line of the file that each point was read from.
    """

    types: np.ndarray
    points: np.ndarray
    parents: np.ndarray
    name: str = "morphology"
    lines: np.ndarray = field(default_factory=lambda: np.empty(0, np.int64))

    def __len__(self) -> int:
        return len(self.points)

    def source_of(self, point: int) -> str:
        """``file:line`` of a point, for messages."""
        return f"{self.name}:{self.lines[point]}" if len(self.lines) else self.name


def depth_first(parents: np.ndarray, order: np.ndarray) -> np.ndarray:
    """Return the points that hang on roots, each branch to its end before the next.

    Parameters
    ----------
    parents : ndarray of int, shape (n,)
        Index of each point's parent, -1 for roots.
    order : ndarray of int, shape (n,)
        In which order roots and siblings are taken.

    Returns
    -------
    ndarray of int, shape (m,)
        Indices; points on loops are left out.
    """
    children: dict[int, list[int]] = {}
    for point in order.tolist():
        children.setdefault(int(parents[point]), []).append(point)
    stack = children.get(-1, [])[::-1]
    visited = []
    while stack:
        point = stack.pop()
        visited.append(point)
        stack.extend(reversed(children.get(point, ())))
    return np.array(visited, dtype=np.int64)


def on_parent(points: np.ndarray, parents: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return which points lie on their parent, and which of these repeat a junction on purpose.

    A junction is repeated where a branch begins with a diameter of its own, or where two points
    on one parent keep a branch apart that continues it; see `lfpcli.morphology.tracing`.

    Parameters
    ----------
    points : ndarray, shape (N, 4)
        x, y, z and diameter or radius, um.
    parents : ndarray of int, shape (N,)
        Index of each point's parent, -1 for roots.

    Returns
    -------
    coincident, deliberate : ndarray of bool, shape (N,)
    """
    coincident = (parents >= 0) & np.all(points[:, :3] == points[parents, :3], axis=1)
    differing = coincident & (points[:, 3] != points[parents, 3])
    count = np.bincount(parents[coincident], minlength=len(points))
    differs = np.bincount(parents[differing], minlength=len(points)) > 0
    return coincident, coincident & (differs[parents] | (count[parents] > 1))


def rank_of(order: np.ndarray) -> np.ndarray:
    """Position of each item in an order, shape (n,)."""
    rank = np.empty(len(order), np.int64)
    rank[order] = np.arange(len(order))
    return rank


def value_faults(values: np.ndarray) -> list[tuple[int, str]]:
    """Return the points whose coordinates or radius cannot be, and what is wrong with each.

    Parameters
    ----------
    values : ndarray, shape (n, 4)
        x, y, z and radius, um.
    """
    finite = np.isfinite(values)
    checks = (
        (~finite[:, :3].all(axis=1), "coordinate is not finite"),
        (~finite[:, 3], "radius is not finite"),
        ((np.abs(values[:, :3]) > LARGEST_COORDINATE).any(axis=1), "coordinate is beyond 1 m"),
        (values[:, 3] > LARGEST_RADIUS, "radius is beyond 1 cm"),
        (values[:, 3] < 0, "radius is negative"),
        (values[:, 3] == 0, "radius is zero"),
        ((values[:, 3] > 0) & (values[:, 3] < SMALLEST_RADIUS), "radius is below 1 pm"),
    )
    faults = []
    for wrong, message in checks:
        faults += [(row, message) for row in np.flatnonzero(wrong).tolist()]
    return faults


def check_values(
    values: np.ndarray, source_of: Callable[[int], str], *, remedy: str | None = None
) -> None:
    """Raise `InputError` for the first point whose coordinates or radius cannot be.

    Parameters
    ----------
    values : ndarray, shape (n, 4)
        x, y, z and radius, um.
    source_of : callable
        Says where the point of a row was read.
    remedy : str, optional
        What the user can do about it.
    """
    for row, message in value_faults(values):
        raise InputError(message, source=source_of(row), remedy=remedy)

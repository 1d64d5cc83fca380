"""Where in the head the dipoles are, and which way their cells point."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np

from lfpcli.errors import InputError, UsageError
from lfpcli.forward.arrays import directions, points
from lfpcli.forward.orientation import rotations_onto
from lfpcli.io.table import read_columns, vectors

Normals = Callable[[np.ndarray], np.ndarray]


@dataclass
class Places:
    """Places and rotations of P dipoles or cells.

    Attributes
    ----------
    positions : ndarray, shape (P, 3)
        In the head, um.
    rotations : ndarray, shape (P, 3, 3)
        From the axes of the cells to those of the head.
    rows : mapping of int to int
        Row of each gid; empty where all cells are at one place.
    """

    positions: np.ndarray
    rotations: np.ndarray
    rows: Mapping[int, int] = field(default_factory=dict)

    @property
    def by_cell(self) -> bool:
        """Whether each cell has a place of its own."""
        return bool(self.rows)

    def of(self, gids: np.ndarray) -> np.ndarray:
        """Rows of cells, shape as `gids`."""
        if not self.rows:
            return np.zeros(len(gids), dtype=np.int64)
        for gid in np.unique(gids):
            if int(gid) not in self.rows:
                raise InputError(
                    f"cell {gid} has no placement",
                    remedy="give each cell of the recording a line in the file of placements",
                )
        return np.array([self.rows[int(gid)] for gid in gids], dtype=np.int64)


def one_place(
    position: np.ndarray, direction: np.ndarray | None, normals: Normals | None
) -> Places:
    """All dipoles at one place.

    Parameters
    ----------
    position : ndarray, shape (3,)
        In the head, um.
    direction : ndarray, shape (3,), or None
        Where the z axis of the cells points to.
    normals : callable or None
        Gives the normals of the cortex at places, where the z axis goes onto them.
    """
    where = points(position, "position")
    if direction is not None:
        turns = rotations_onto(direction)
    elif normals is not None:
        turns = rotations_onto(normals(where))
    else:
        turns = np.eye(3)[None]
    return Places(where, turns)


def read_placements(source: str | os.PathLike[str], normals: Normals | None) -> Places:
    """Places of cells from a table.

    Parameters
    ----------
    source : path-like
        CSV with the columns gid, x, y, z (um) and, where wanted, nx, ny, nz (where the cell's z
        axis points to).
    normals : callable or None
        Gives directions where the table has none; None leaves the cells as they are.

    Raises
    ------
    InputError
        Where the file is no such table.
    """
    axes = ("nx", "ny", "nz")
    table = read_columns(source, ("gid", "x", "y", "z"), optional=axes)
    gids = np.array(table["gid"])
    if np.any(gids != np.round(gids)) or np.any(gids < 0):
        raise InputError("a gid is no whole number >= 0", source=source)
    if len(np.unique(gids)) != len(gids):
        values, counts = np.unique(gids, return_counts=True)
        raise InputError(f"gid {values[counts > 1][0]:g} has two lines", source=source)
    given = [name for name in axes if name in table]
    if given and len(given) < 3:
        raise InputError("a direction needs the columns nx, ny and nz", source=source)
    where = vectors(table, ("x", "y", "z"))
    if given:
        turns = rotations_onto(directions(vectors(table, axes), f"{source}: directions"))
    elif normals is not None:
        turns = rotations_onto(normals(where))
    else:
        turns = np.tile(np.eye(3), (len(where), 1, 1))
    return Places(where, turns, {int(gid): row for row, gid in enumerate(gids)})


def radial(where: np.ndarray) -> np.ndarray:
    """Outward normals of a sphere about the origin at places, shape (P, 3)."""
    if np.any(~where.any(axis=1)):
        raise UsageError(
            "the centre of the head has no normal", remedy="give --direction, or another position"
        )
    return directions(where, "positions")

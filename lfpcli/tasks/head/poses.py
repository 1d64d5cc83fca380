"""Where in the head the cells are, and which way they point."""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np

from lfpcli.errors import InputError, LfpWarning, UsageError
from lfpcli.forward.arrays import directions, points
from lfpcli.forward.orientation import rotations_onto
from lfpcli.forward.spheres import NEAR_CENTRE, near_centre
from lfpcli.io.head_model import place_of
from lfpcli.io.table import read_columns, vectors
from lfpcli.model.head import InHead
from lfpcli.tasks.head.sensor_array import SensorArray

# normals of the cortex (P, 3) at positions (P, 3)
Normals = Callable[[np.ndarray], np.ndarray]


@dataclass(frozen=True, kw_only=True)
class Poses:
    """Positions and rotations of P dipoles or cells.

    Attributes
    ----------
    positions : ndarray, shape (P, 3)
        In the head, um.
    rotations : ndarray, shape (P, 3, 3)
        From the axes of the cells to those of the head.
    rows : mapping of int to int
        Row of each gid; empty where all cells have the one pose.
    """

    positions: np.ndarray
    rotations: np.ndarray
    rows: Mapping[int, int] = field(default_factory=dict)

    @property
    def by_cell(self) -> bool:
        """Whether each cell has a pose of its own."""
        return bool(self.rows)

    def rows_of(self, gids: np.ndarray) -> np.ndarray:
        """Rows of cells, shape as `gids`."""
        if not self.rows:
            return np.zeros(len(gids), dtype=np.int64)
        unique, inverse = np.unique(gids, return_inverse=True)
        for gid in unique.tolist():
            if gid not in self.rows:
                raise InputError(
                    f"cell {gid} has no placement",
                    remedy="give each cell of the recording a line in the file of placements",
                )
        rows = np.array([self.rows[gid] for gid in unique.tolist()], dtype=np.int64)
        return np.asarray(rows[inverse])


def poses_of(table: InHead, array: SensorArray) -> Poses:
    """Positions and rotations of the cells in the axes of a head.

    Parameters
    ----------
    table : InHead
        Where the cells are to be.
    array : SensorArray
        The sensors; their head model may have normals and named sites.

    Raises
    ------
    UsageError
        Where options do not go together, or no such site is there.
    InputError
        Where the table of placements is not what it should be.
    """
    if table.normal and table.direction is not None:
        raise UsageError("give a direction or the normal, not both")
    if table.normal and array.normals is None:
        raise UsageError(
            "this model has no normals to turn the cells onto", remedy="give --direction X,Y,Z"
        )
    normals = array.normals if table.normal else None
    if table.placements is not None:
        if table.position is not None or table.direction is not None:
            raise UsageError("placements hold the positions and directions; give them alone")
        poses = read_poses(table.placements, normals)
    elif table.position is None:
        raise UsageError(
            "no position of the dipole in the head",
            remedy="give --position X,Y,Z in um, or --placements FILE",
        )
    else:
        position = points(place_of(table.position, array.sites), "position")
        direction = None if table.direction is None else np.asarray(table.direction, dtype=float)
        rotations = _rotations(position, direction, normals)
        poses = Poses(positions=position, rotations=rotations)
    if array.centre is not None:
        warn_of_centre(poses.positions - array.centre, "a dipole")
    return poses


def read_poses(source: str | os.PathLike[str], normals: Normals | None) -> Poses:
    """Positions and rotations of cells from a table.

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
        raise InputError(
            "a gid is no whole number >= 0", source=source, remedy="write the number of a cell"
        )
    if len(np.unique(gids)) != len(gids):
        values, counts = np.unique(gids, return_counts=True)
        raise InputError(
            f"gid {values[counts > 1][0]:g} has two lines",
            source=source,
            remedy="leave one of them out",
        )
    present = [name for name in axes if name in table]
    if present and len(present) < len(axes):
        raise InputError(
            "a direction needs the columns nx, ny and nz",
            source=source,
            remedy="add the columns, or leave out all three",
        )
    positions = vectors(table, ("x", "y", "z"))
    pointing = directions(vectors(table, axes), f"{source}: directions") if present else None
    return Poses(
        positions=positions,
        rotations=_rotations(positions, pointing, normals),
        rows={int(gid): row for row, gid in enumerate(gids)},
    )


def _rotations(
    positions: np.ndarray, pointing: np.ndarray | None, normals: Normals | None
) -> np.ndarray:
    """Rotations that turn z onto directions, else onto the normals, else none."""
    if pointing is not None:
        return rotations_onto(pointing)
    if normals is not None:
        return rotations_onto(normals(positions))
    return np.tile(np.eye(3), (len(positions), 1, 1))


def warn_of_centre(about_centre: np.ndarray, noun: str) -> None:
    """Warn of what lies where it cannot: a position in mm passes for one in um there.

    Parameters
    ----------
    about_centre : ndarray, shape (n, 3)
        Places from the centre of the head, um.
    noun : str
        What they are, in the singular, with its article.
    """
    near = np.flatnonzero(near_centre(about_centre))
    if len(near):
        first = ", ".join(f"{value:g}" for value in about_centre[near[0]])
        number = noun
        if len(about_centre) > 1:
            number = f"{len(near)} of {len(about_centre)} {noun.partition(' ')[2]}s"
        warnings.warn(
            f"{number} within {NEAR_CENTRE / 1000:g} mm of the centre of the head, at {first} um;"
            " positions are in um, not mm",
            LfpWarning,
            stacklevel=2,
        )

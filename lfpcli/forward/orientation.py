"""Turning cells into the head: their z axis onto the normal of the cortex."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from lfpcli.forward.arrays import directions


def rotations_onto(normals: ArrayLike) -> np.ndarray:
    """Shortest rotations that turn the z axis onto given directions.

    Onto -z the shortest rotation is not unique; the half turn about the x axis is taken. All
    are proper rotations, so that a cell never becomes its mirror image.

    Parameters
    ----------
    normals : array_like, shape (n, 3)
        Directions, of any length but zero.

    Returns
    -------
    ndarray, shape (n, 3, 3)
        R, so that v' = R v.

    Raises
    ------
    InputError
        Where a direction is the zero vector or not finite.
    """
    x, y, z = directions(normals, "normals").T
    sine = np.hypot(x, y)
    upright = sine == 0
    safe = np.where(upright, 1.0, sine)
    # direction of the tilt; any would do for z itself, -z takes the turn about x
    cx, cy = np.where(upright, 0.0, x / safe), np.where(upright, 1.0, y / safe)
    turn = np.empty((len(x), 3, 3))
    turn[:, 0, 0] = 1 - (1 - z) * cx**2
    turn[:, 1, 1] = 1 - (1 - z) * cy**2
    turn[:, 0, 1] = turn[:, 1, 0] = -(1 - z) * cx * cy
    turn[:, 0, 2], turn[:, 1, 2], turn[:, 2, 2] = x, y, z
    turn[:, 2, 0], turn[:, 2, 1] = -x, -y
    return turn


def turned(moments: np.ndarray, rotations: np.ndarray) -> np.ndarray:
    """Dipole moments in the axes of the head.

    Parameters
    ----------
    moments : ndarray, shape (T, D, 3)
        In the axes of the cells, nA um.
    rotations : ndarray, shape (D, 3, 3)
        Of each dipole.

    Returns
    -------
    ndarray, shape (T, D, 3)
    """
    return np.asarray(np.einsum("dij,tdj->tdi", rotations, moments))

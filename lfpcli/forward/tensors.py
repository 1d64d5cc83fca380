"""Conductivities by their components: three along x, y and z, or six with those off the diagonal.

Media whose axes are x, y and z need three numbers for each cell of a grid, others six.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

# rows and columns of the components xx, yy, zz, xy, xz, yz
_ROWS, _COLUMNS = (0, 1, 2, 0, 0, 1), (0, 1, 2, 1, 2, 2)
TURNED = 6
"""Number of components where some are off the diagonal."""


def matrices(sigma: np.ndarray) -> np.ndarray:
    """Tensors of components.

    Parameters
    ----------
    sigma : ndarray, shape (..., 3) or (..., 6)
        S/m.

    Returns
    -------
    ndarray, shape (..., 3, 3)
        S/m.
    """
    sigma = np.asarray(sigma, dtype=float)
    result = np.zeros((*sigma.shape[:-1], 3, 3))
    for number in range(sigma.shape[-1]):
        row, column = _ROWS[number], _COLUMNS[number]
        result[..., row, column] = result[..., column, row] = sigma[..., number]
    return result


def components(tensors: np.ndarray) -> np.ndarray:
    """Components (..., 6), S/m, of symmetric tensors (..., 3, 3)."""
    return np.asarray(tensors[..., _ROWS, _COLUMNS])


def widened(sigma: Sequence[float], count: int) -> np.ndarray:
    """Components (count,), S/m, of three or six; off the diagonal 0 where they are not there."""
    result = np.zeros(count)
    result[: len(sigma)] = sigma
    return result


def inverse(sigma: np.ndarray) -> np.ndarray:
    """Components of the inverse tensors; of metal, which resists nothing, they are 0.

    Parameters
    ----------
    sigma : ndarray, shape (n, 3) or (n, 6)
        Positive, S/m.

    Returns
    -------
    ndarray
        Of the same shape, ohm m.
    """
    if sigma.shape[-1] != TURNED:
        return np.asarray(1.0 / sigma)
    result = np.zeros_like(sigma)
    finite = np.isfinite(sigma[..., 0])
    result[finite] = components(np.linalg.inv(matrices(sigma[finite])))
    return result


def squared_distances(offsets: np.ndarray, sigma: np.ndarray) -> np.ndarray:
    """Squares of distances as a medium has them: potentials of a point source are equal on them.

    Parameters
    ----------
    offsets : ndarray, shape (..., 3)
        um.
    sigma : ndarray, shape (3,) or (6,)
        S/m.

    Returns
    -------
    ndarray, shape (...)
        Offset times inverse tensor times offset, um2 m/S.
    """
    if len(sigma) != TURNED:
        return np.asarray(np.sum(offsets**2 / sigma, axis=-1))
    return np.asarray(np.sum(offsets * weighted(offsets, sigma), axis=-1))


def weighted(offsets: np.ndarray, sigma: np.ndarray) -> np.ndarray:
    """Inverse tensor times offsets (..., 3), um, for components (3,) or (6,), S/m; (..., 3)."""
    if len(sigma) != TURNED:
        return np.asarray(offsets / sigma)
    resistivity = np.linalg.inv(matrices(sigma))
    # sums of three by name, whose bits do not depend on how many offsets there are
    columns = [offsets[..., k, None] * resistivity[k] for k in range(3)]
    return np.asarray(columns[0] + columns[1] + columns[2])


def determinant(sigma: np.ndarray) -> float:
    """Determinant of the tensor of components (3,) or (6,), S/m; in their cube."""
    if len(sigma) != TURNED:
        return float(np.prod(sigma))
    return float(np.linalg.det(matrices(sigma)))


def point_potentials(offsets: np.ndarray, sigma: np.ndarray) -> np.ndarray:
    """Potentials of a current at the origin of an infinite medium.

    Parameters
    ----------
    offsets : ndarray, shape (..., 3)
        Places, um.
    sigma : ndarray, shape (3,) or (6,)
        Conductivity, S/m.

    Returns
    -------
    ndarray, shape (...)
        mV per nA.
    """
    square = squared_distances(offsets, sigma)
    return np.asarray(1.0 / (4.0 * np.pi * np.sqrt(determinant(sigma) * square)))

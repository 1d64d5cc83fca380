"""What lies between the electrodes of a head: splines on the sphere that invent no hills."""

from __future__ import annotations

import numpy as np

# Perrin et al. 1989; the ridge is that of MNE's interpolation of channels
_ORDER = 4
_DEGREES = 50
_RIDGE = 1e-5


def spline(values: np.ndarray, unit: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    """Regularised spherical spline of values at directions, at other directions.

    Perrin et al. 1989 (Electroencephalogr Clin Neurophysiol 72:184, eqs. 1 to 3), order 4, 50
    degrees. A ridge of 1e-5 damps what few channels cannot tell, so that the spline passes near
    the values, not through them.

    Parameters
    ----------
    values : ndarray, shape (C,)
        What the channels measure.
    unit : ndarray, shape (C, 3)
        Their directions, unit vectors.
    wanted : ndarray, shape (n, 3)
        Directions of the result, unit vectors.

    Returns
    -------
    ndarray, shape (n,)
        In the unit of `values`.
    """
    count = len(values)
    # the last row and column keep the weights from adding to a constant, which has its own term
    system = np.ones((count + 1, count + 1))
    system[:count, :count] = _kernel(unit @ unit.T) + _RIDGE * np.eye(count)
    system[count, count] = 0.0
    # the minimum-norm solution: two channels at one place make the system singular
    weights = np.linalg.lstsq(system, np.append(values, 0.0), rcond=None)[0]
    # not by BLAS, whose sums differ in the last bit with the number of threads
    angles = np.einsum("na,ca->nc", wanted, unit)
    return np.asarray(np.einsum("nc,c->n", _kernel(angles), weights[:count]) + weights[count])


def _kernel(cosine: np.ndarray) -> np.ndarray:
    """Sum over n of ``(2 n + 1) / (n (n + 1))^4 P_n`` over 4 pi."""
    degree = np.arange(1, _DEGREES + 1)
    series = np.append(0.0, (2 * degree + 1) / (degree * (degree + 1.0)) ** _ORDER)
    return np.asarray(
        np.polynomial.legendre.legval(np.clip(cosine, -1.0, 1.0), series) / (4 * np.pi)
    )


def supported(picture: np.ndarray, inside: np.ndarray, pixels: np.ndarray) -> np.ndarray:
    """A picture whose hills and hollows all have a channel on them.

    A hill without one is cut down to the pass that leads from it to a channel, a hollow filled
    alike: morphological reconstruction from the channels (Vincent 1993, IEEE Trans Image Process
    2:176). Contours then close around channels alone.

    Parameters
    ----------
    picture : ndarray, shape (n, n)
        The map.
    inside : ndarray of bool, shape (n, n)
        Where it is shown.
    pixels : ndarray of int, shape (C, 2)
        Row and column of each channel, inside.

    Returns
    -------
    ndarray, shape (n, n)
        As `picture` at the channels and outside.
    """
    cut = _reached(picture, inside, pixels)
    filled = -_reached(-cut, inside, pixels)
    return np.where(inside, filled, picture)


def _reached(picture: np.ndarray, inside: np.ndarray, pixels: np.ndarray) -> np.ndarray:
    """Highest level at which each pixel is reached from a channel without going below it."""
    rows, columns = pixels.T
    ceiling = np.where(inside, picture, -np.inf)
    reached = np.full_like(picture, -np.inf)
    reached[rows, columns] = ceiling[rows, columns]
    while True:
        # a channel's level spreads to the eight neighbours, no higher than the picture there
        padded = np.pad(reached, 1, constant_values=-np.inf)
        across = np.maximum(np.maximum(padded[:, :-2], padded[:, 1:-1]), padded[:, 2:])
        spread = np.maximum(np.maximum(across[:-2], across[1:-1]), across[2:])
        spread = np.minimum(spread, ceiling)
        if np.array_equal(spread, reached):
            return reached
        reached = spread

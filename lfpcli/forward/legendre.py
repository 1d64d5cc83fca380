"""Sums over Legendre polynomials for many electrodes and dipoles at once."""

from __future__ import annotations

import numpy as np

from lfpcli.forward.spheres import unit

# pairs of electrode and dipole that are summed together; their arrays stay in the cache
BLOCK = 8192


def terms_needed(ratio: np.ndarray | float, tolerance: float) -> np.ndarray:
    """Number of terms after which ``n^2 ratio^n`` stays below a tolerance.

    Parameters
    ----------
    ratio : array_like
        Ratio of successive powers, 0 <= ratio < 1.
    tolerance : float
        The tolerance, between 0 and 1.

    Returns
    -------
    ndarray of int
        At least 1.
    """
    decay = -np.log(np.clip(ratio, 1e-300, 1 - 1e-15))
    count = np.asarray(-np.log(tolerance) / decay)
    # fixed point of count = (2 log count - log tolerance) / decay; eight steps are ample
    for _ in range(8):
        count = (2 * np.log(np.maximum(count, 1.0)) - np.log(tolerance)) / decay
    return np.asarray(np.ceil(np.maximum(count, 1.0)), dtype=np.int64)


def dipole_series(
    electrodes: np.ndarray,
    sources: np.ndarray,
    *,
    ratio: np.ndarray,
    weights: np.ndarray,
    tolerance: float,
) -> np.ndarray:
    """Series of unit dipoles over the degrees of the Legendre polynomials.

    The sum over n >= 1 of ``w_n k^(n-1) [n P_n(x) s + P_n'(x) (e - x s)]``, with unit vectors e to
    the electrode and s to the dipole and x their scalar product: the gradient with respect to the
    source of ``sum w_n k^n P_n(x)``, free of angles, so that nothing is singular on the axis or
    with a dipole at the centre.

    Parameters
    ----------
    electrodes : ndarray, shape (E, 3)
        Places of the electrodes, um.
    sources : ndarray, shape (D, 3)
        Places of the dipoles, um.
    ratio : ndarray, shape (E, D)
        k, below 1.
    weights : ndarray, shape (E, N)
        w_n of each electrode.
    tolerance : float
        Terms are left out once ``n^2 k^n`` is below it.

    Returns
    -------
    ndarray, shape (E, D, 3)
    """
    e = unit(electrodes, np.linalg.norm(electrodes, axis=1, keepdims=True))
    s = unit(sources, np.linalg.norm(sources, axis=1, keepdims=True))
    field = np.empty((len(e), len(s), 3))
    columns = np.ascontiguousarray(weights.T)
    step = max(1, BLOCK // len(e))
    # dipoles of like ratio need like numbers of terms
    order = np.argsort(ratio.max(axis=0))
    for begin in range(0, len(s), step):
        block = order[begin : begin + step]
        k = ratio[:, block]
        count = min(int(terms_needed(k.max(), tolerance)), len(columns))
        cosine = np.clip(e @ s[block].T, -1.0, 1.0)
        radial, tangential = _sums(cosine, k, columns[:count])
        across = e[:, None] - cosine[..., None] * s[block]
        field[:, block] = radial[..., None] * s[block] + tangential[..., None] * across
    return field


def _sums(cosine: np.ndarray, k: np.ndarray, columns: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Sums over n of ``w_n n Q_n`` and ``w_n R_n``, where columns[n - 1] is w_n.

    ``Q_n = k^(n-1) P_n`` and ``R_n = k^(n-1) P_n'`` take the powers of k along, so that nothing
    overflows: ``n Q_n = (2n-1) k x Q_(n-1) - (n-1) k^2 Q_(n-2)`` and
    ``R_n = k x R_(n-1) + n k Q_(n-1)``.
    """
    kx, k2 = k * cosine, k * k
    before, value, slope = np.zeros_like(k), cosine.copy(), np.ones_like(k)
    radial = columns[0][:, None] * value
    tangential = columns[0][:, None] * slope
    scratch = np.empty_like(k)
    for n in range(2, len(columns) + 1):
        np.multiply(k, value, out=scratch)
        scratch *= n
        slope *= kx
        slope += scratch
        # P_0 would need a negative power of k, so the second step starts from P_2 itself
        if n == 2:
            before[...] = 0.5 * (3 * kx * cosine - k)
        else:
            before *= k2
            before *= (1 - n) / n
            np.multiply(kx, value, out=scratch)
            scratch *= (2 * n - 1) / n
            before += scratch
        before, value = value, before
        weight = columns[n - 1][:, None]
        np.multiply(weight * n, value, out=scratch)
        radial += scratch
        np.multiply(weight, slope, out=scratch)
        tangential += scratch
    return radial, tangential

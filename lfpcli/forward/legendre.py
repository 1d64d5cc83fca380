"""Sums over Legendre polynomials for many electrodes and dipoles at once."""

from __future__ import annotations

import numpy as np

from lfpcli.forward.arrays import dots
from lfpcli.forward.spheres import unit

# pairs of electrode and dipole that are summed together; their arrays stay in the cache
BLOCK = 8192


def terms_needed(ratio: np.ndarray | float, tolerance: float) -> np.ndarray:
    """Number of terms after which ``n^2 ratio^n`` stays below a tolerance.

    Parameters
    ----------
    ratio : array_like, any shape
        Ratio of successive powers, 0 <= ratio < 1.
    tolerance : float
        The tolerance, between 0 and 1.

    Returns
    -------
    ndarray of int, shape of `ratio`
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
    # each dipole has its own number of terms, so that its field is the same bits in any company;
    # those of like numbers are summed together
    needed = np.minimum(terms_needed(ratio.max(axis=0), tolerance), len(columns))
    order = np.argsort(needed, kind="stable")
    for begin in range(0, len(s), step):
        block = order[begin : begin + step]
        cosine = np.clip(dots(s[block][:, None], e[None]), -1.0, 1.0)
        ratios = np.ascontiguousarray(ratio[:, block].T)
        radial, tangential = _sums(cosine, ratios, columns, needed[block])
        across = e[None] - cosine[..., None] * s[block][:, None]
        summed = radial[..., None] * s[block][:, None] + tangential[..., None] * across
        field[:, block] = summed.transpose(1, 0, 2)
    return field


def _sums(
    cosine: np.ndarray, k: np.ndarray, columns: np.ndarray, needed: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Sums over n of ``w_n n Q_n`` and ``w_n R_n``, where columns[n - 1] is w_n.

    ``Q_n = k^(n-1) P_n`` and ``R_n = k^(n-1) P_n'`` take the powers of k along, so that nothing
    overflows: ``n Q_n = (2n-1) k x Q_(n-1) - (n-1) k^2 Q_(n-2)`` and
    ``R_n = k x R_(n-1) + n k Q_(n-1)``.

    Arrays are (D, E): dipoles by electrodes; `needed` (D,) rises, and dipoles drop out in front.
    """
    kx, k2 = k * cosine, k * k
    before, value, slope = np.zeros_like(k), cosine.copy(), np.ones_like(k)
    radial = columns[0] * value
    tangential = columns[0] * slope
    scratch = np.empty_like(k)
    for n in range(2, int(needed[-1]) + 1):
        on = slice(int(np.searchsorted(needed, n)), None)
        spare = scratch[on]
        np.multiply(k[on], value[on], out=spare)
        spare *= n
        slope[on] *= kx[on]
        slope[on] += spare
        # P_0 would need a negative power of k, so the second step starts from P_2 itself
        if n == 2:
            before[on] = 0.5 * (3 * kx[on] * cosine[on] - k[on])
        else:
            before[on] *= k2[on]
            before[on] *= (1 - n) / n
            np.multiply(kx[on], value[on], out=spare)
            spare *= (2 * n - 1) / n
            before[on] += spare
        before, value = value, before
        weight = columns[n - 1]
        np.multiply(weight * n, value[on], out=spare)
        radial[on] += spare
        np.multiply(weight, slope[on], out=spare)
        tangential[on] += spare
    return radial, tangential

"""Checks of the arrays that the models of heads and sensors take."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from lfpcli.errors import InputError


def points(value: ArrayLike, label: str) -> np.ndarray:
    """Places or directions as floats, one or many.

    Parameters
    ----------
    value : array_like, shape (3,) or (n, 3)
        The vectors.
    label : str
        What they are, for messages.

    Returns
    -------
    ndarray, shape (n, 3)

    Raises
    ------
    InputError
        Where the shape is another or a value is not finite.
    """
    try:
        array = np.asarray(value, dtype=float)
    except (TypeError, ValueError) as error:
        raise InputError(f"{label}: not numbers") from error
    array = np.ascontiguousarray(array[None] if array.ndim == 1 else array)
    if array.ndim != 2 or array.shape[1] != 3 or len(array) == 0:
        raise InputError(f"{label}: shape {np.shape(value)}, expected (n, 3)")
    bad = np.flatnonzero(~np.isfinite(array).all(axis=1))
    if len(bad):
        raise InputError(f"{label}: number {bad[0]} is not finite")
    return array


def directions(value: ArrayLike, label: str) -> np.ndarray:
    """Vectors scaled to unit length; as `points`, and an `InputError` for a zero vector."""
    array = points(value, label)
    largest = np.abs(array).max(axis=1, keepdims=True)
    if np.any(largest == 0):
        raise InputError(f"{label}: number {int(np.flatnonzero(largest == 0)[0])} has no direction")
    array = array / largest
    return np.asarray(array / np.linalg.norm(array, axis=1, keepdims=True))


def moment(value: ArrayLike) -> np.ndarray:
    """A current dipole moment over time, shape (3, T), nA um; one (3,) is a single sample."""
    array = np.asarray(value, dtype=float)
    array = array[:, None] if array.ndim == 1 else array
    if array.ndim != 2 or array.shape[0] != 3:
        raise InputError(f"dipole moment: shape {np.shape(value)}, expected (3, T)")
    if not np.all(np.isfinite(array)):
        raise InputError("dipole moment: holds NaN or infinity")
    return array


def conductivity(value: float, label: str = "conductivity") -> float:
    """A conductivity above zero, S/m."""
    sigma = float(value)
    if not (np.isfinite(sigma) and sigma > 0):
        raise InputError(
            f"{label} is {sigma:g} S/m, not positive",
            remedy="give one above zero, for an insulator a small one such as 1e-6",
        )
    return sigma


def apart(targets: np.ndarray, sources: np.ndarray, label: str) -> np.ndarray:
    """Vectors from each source to each target, none of them zero.

    Parameters
    ----------
    targets : ndarray, shape (E, 3)
        Electrodes or sensors, um.
    sources : ndarray, shape (D, 3)
        Dipoles, um.
    label : str
        What the targets are, for messages.

    Returns
    -------
    ndarray, shape (E, D, 3)

    Raises
    ------
    InputError
        Where a target and a source are at one place; the field is infinite there.
    """
    gap = targets[:, None] - sources[None]
    touching = np.argwhere(~gap.any(axis=2))
    if len(touching):
        target, source = touching[0]
        raise InputError(
            f"{label} {target} lies on dipole {source} at {_place(sources[source])} um",
            remedy="move one of them; the field of a point dipole is infinite there",
        )
    return np.asarray(gap)


def dots(u: np.ndarray, v: np.ndarray) -> np.ndarray:
    """Scalar products of vectors along the last axis, (..., 3) and (..., 3) to (...).

    Three products and two sums for each pair, the same bits whatever the number of pairs; those of
    a matrix product depend on how it is cut into blocks.
    """
    return np.asarray(u[..., 0] * v[..., 0] + u[..., 1] * v[..., 1] + u[..., 2] * v[..., 2])


def _place(vector: np.ndarray) -> str:
    return ", ".join(f"{value:g}" for value in vector)

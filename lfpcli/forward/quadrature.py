"""Fixed quadrature over the faces of contacts: the same points in every run."""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np

from lfpcli.errors import UsageError
from lfpcli.forward.contacts import Contacts

DEFAULT_POINTS = 64
MOST_POINTS = 100_000


def check_points(count: int | None) -> int:
    """Return the number of quadrature points to use, `DEFAULT_POINTS` where none is given.

    Raises
    ------
    UsageError
        Where it is no integer from 1 to `MOST_POINTS`.
    """
    if count is None:
        return DEFAULT_POINTS
    if isinstance(count, bool) or int(count) != count or not 1 <= count <= MOST_POINTS:
        raise UsageError(f"quadrature is {count}, expected an integer from 1 to {MOST_POINTS}")
    return int(count)


@lru_cache(maxsize=32)
def disc(count: int) -> tuple[np.ndarray, np.ndarray]:
    """Points and weights on the unit disc.

    Gauss points in the radius squared times equal steps in angle, four times as many as rings,
    so that polynomials up to degree 4 rings - 1 are exact; the last points are left out
    where `count` is no multiple.

    Parameters
    ----------
    count : int
        The most points to use; 1 is the centre.

    Returns
    -------
    points : ndarray, shape (Q, 2)
    weights : ndarray, shape (Q,)
        They sum to 1.
    """
    if count == 1:
        return np.zeros((1, 2)), np.ones(1)
    # four times as many spokes as rings make points of about equal distances
    rings = max(1, math.isqrt(count // 4))
    spokes = count // rings
    node, weight = np.polynomial.legendre.leggauss(rings)
    # Gauss in the square of the radius, by which the area of a disc is even
    radius = np.sqrt(0.5 * (node + 1.0))
    # every other ring is turned by half a step
    turn = 0.5 * (np.arange(rings) % 2)
    angle = 2.0 * np.pi * (np.arange(spokes) + turn[:, None]) / spokes
    points = radius[:, None, None] * np.stack([np.cos(angle), np.sin(angle)], axis=-1)
    weights = np.repeat(0.5 * weight / spokes, spokes)
    return points.reshape(-1, 2), weights


@lru_cache(maxsize=32)
def rectangle(count: int) -> tuple[np.ndarray, np.ndarray]:
    """Points and weights on the square with sides from -1 to 1: a product of Gauss rules.

    Parameters
    ----------
    count : int
        The most points to use.

    Returns
    -------
    points : ndarray, shape (Q, 2)
    weights : ndarray, shape (Q,)
        They sum to 1.
    """
    node, weight = np.polynomial.legendre.leggauss(max(1, math.isqrt(count)))
    first, second = np.meshgrid(node, node, indexing="ij")
    points = np.column_stack([first.ravel(), second.ravel()])
    return points, 0.25 * np.outer(weight, weight).ravel()


def face_points(contacts: Contacts, count: int | None = None) -> tuple[np.ndarray, np.ndarray]:
    """Points to average over, for each contact.

    Parameters
    ----------
    contacts : Contacts
        Points, or faces with normals.
    count : int, optional
        The most points per face; left out, 64. With 1 a face is its centre.

    Returns
    -------
    points : ndarray, shape (C, Q, 3)
        um.
    weights : ndarray, shape (Q,)
        They sum to 1.

    Raises
    ------
    InputError
        Where there are faces without normals.
    UsageError
        Where `count` is out of range.
    """
    count = check_points(count)
    if not contacts.has_face or count == 1:
        return contacts.positions[:, None, :], np.ones(1)
    plane, weights = disc(count) if contacts.shape == "circle" else rectangle(count)
    first, second = contacts.frames()
    size = np.array(contacts.face_half_sides)
    offsets = np.einsum("qa,acx->cqx", plane * size, np.stack([first, second]))
    return contacts.positions[:, None, :] + offsets, weights

"""Changes of place and shape of cells: rotation, shift, mirror, distortion.

Each acts on a `Geometry` and returns a copy; arrays of contacts are turned by
`Contacts.moved`. The rotations and the text forms of `rotations` are reachable here too.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import ArrayLike

from lfpcli.errors import UsageError
from lfpcli.forward.rotations import (
    AXES,
    RotationSpec,
    axis_rotation,
    finite_number,
    finite_vector,
    parse_pairs,
    parse_rotation,
    parse_vector,
    random_rotation,
    rotation_matrix,
    tilt_rotation,
)
from lfpcli.geometry import Geometry

__all__ = [
    "RotationSpec",
    "axis_rotation",
    "distort",
    "mirror",
    "move",
    "parse_distortion",
    "parse_rotation",
    "parse_vector",
    "place",
    "random_rotation",
    "rotate",
    "rotation_matrix",
    "soma_places",
    "tilt_rotation",
]


def soma_places(geometry: Geometry) -> np.ndarray:
    """Place of the soma of the cell that each segment belongs to.

    The place is the mean of the midpoints of the soma's segments; the first segment stands in
    where a cell has no soma.

    Parameters
    ----------
    geometry : Geometry
        Segments of one or many cells.

    Returns
    -------
    ndarray, shape (N, 3)
        um.
    """
    soma = geometry.is_soma
    # one cell, the usual case, needs no sorting of gids
    if len(geometry) and np.all(geometry.gid == geometry.gid[0]):
        return np.broadcast_to(geometry.middle[soma].mean(axis=0), (len(geometry), 3))
    gids, cell = np.unique(geometry.gid, return_inverse=True)
    sums = np.zeros((len(gids), 3))
    np.add.at(sums, cell[soma], geometry.middle[soma])
    return (sums / np.bincount(cell[soma], minlength=len(gids))[:, None])[cell]


def rotate(geometry: Geometry, matrix: np.ndarray, about: ArrayLike | None = None) -> Geometry:
    """Turn cells, each about its own soma, or all about one point.

    Parameters
    ----------
    geometry : Geometry
        Segments of one or many cells.
    matrix : ndarray, shape (3, 3)
        Rotation matrix.
    about : array_like, shape (3,), optional
        Fixed point, um; the soma of each cell where left out.

    Returns
    -------
    Geometry
        A copy with other end points.
    """
    centre = soma_places(geometry) if about is None else finite_vector(about, "fixed point")
    return _mapped(geometry, matrix, centre)


def move(geometry: Geometry, shift: ArrayLike) -> Geometry:
    """Return a copy of `geometry` that is shifted by a vector of shape (3,), um."""
    vector = finite_vector(shift, "shift")
    return replace(geometry, start=geometry.start + vector, end=geometry.end + vector)


def place(geometry: Geometry, position: ArrayLike) -> Geometry:
    """Return a copy of a cell with its soma at `position`, shape (3,), um."""
    offset = finite_vector(position, "position") - soma_places(geometry)
    return replace(geometry, start=geometry.start + offset, end=geometry.end + offset)


def mirror(geometry: Geometry, axis: str) -> Geometry:
    """Mirror cells along an axis, each about its own soma.

    Parameters
    ----------
    geometry : Geometry
        Segments of one or many cells.
    axis : {'x', 'y', 'z'}
        The coordinate that changes its sign.

    Returns
    -------
    Geometry
    """
    scale = np.ones(3)
    scale[_axis_index(axis)] = -1.0
    return _mapped(geometry, np.diag(scale), soma_places(geometry))


def distort(geometry: Geometry, factor: float, axis: str = "z", nu: float = 0.0) -> Geometry:
    """Squeeze cells along an axis, each about its own soma.

    Coordinates along `axis` are multiplied by 1 - factor and those across it by 1 + nu factor,
    as in a slice that is pressed flat (Ness et al. 2015, Neuroinformatics 13:403). Diameters and
    membrane areas stay as they are.

    Parameters
    ----------
    geometry : Geometry
        Segments of one or many cells.
    factor : float
        Share of the extent that is lost, between -1 and 1; negative stretches.
    axis : {'x', 'y', 'z'}
        Direction of the squeeze.
    nu : float
        Poisson's ratio, 0 to 0.5 (0: no widening; 0.5: a small squeeze keeps the volume).

    Returns
    -------
    Geometry

    Raises
    ------
    UsageError
        Where `factor` or `nu` is out of its range.
    """
    if not abs(finite_number(factor, "distortion factor")) < 1:
        raise UsageError(f"distortion factor is {factor:g}, expected more than -1 and less than 1")
    if not 0 <= finite_number(nu, "Poisson's ratio") <= 0.5:
        raise UsageError(f"Poisson's ratio is {nu:g}, expected 0 to 0.5")
    scale = np.full(3, 1.0 + nu * factor)
    scale[_axis_index(axis)] = 1.0 - factor
    return _mapped(geometry, np.diag(scale), soma_places(geometry))


def parse_distortion(text: str) -> dict[str, object]:
    """Read the text form of a distortion: ``z=0.2`` or ``z=0.2,nu=0.3``.

    Parameters
    ----------
    text : str
        The text.

    Returns
    -------
    dict
        Keyword arguments of `distort`: factor, axis and nu.

    Raises
    ------
    UsageError
        Where the text is no distortion.
    """
    pairs = parse_pairs(text, "distortion", "z=0.2,nu=0.3")
    axes = [key for key, _ in pairs if key in AXES]
    unknown = [key for key, _ in pairs if key not in (*AXES, "nu")]
    if unknown or len(axes) != 1:
        raise UsageError(
            f"distortion '{text}' does not name one axis and, if at all, nu",
            remedy="write it as z=0.2,nu=0.3",
        )
    numbers = {key: finite_number(value, f"distortion '{key}'") for key, value in pairs}
    return {"factor": numbers[axes[0]], "axis": axes[0], "nu": numbers.get("nu", 0.0)}


def _mapped(geometry: Geometry, matrix: np.ndarray, centre: np.ndarray) -> Geometry:
    start = (geometry.start - centre) @ matrix.T + centre
    end = (geometry.end - centre) @ matrix.T + centre
    return replace(geometry, start=start, end=end)


def _axis_index(axis: str) -> int:
    if axis not in tuple(AXES):
        raise UsageError(f"axis '{axis}' is none of x, y and z")
    return AXES.index(axis)

"""Mean potentials of line and point sources over flat faces, by adaptive cubature.

Near a source the potential changes within the source's own radius, where no fixed rule for a whole
face follows; see faces.h.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from lfpcli.errors import UsageError
from lfpcli.kernels import _faces
from lfpcli.kernels.potentials import FOUR_PI
from lfpcli.kernels.threads import threads_for

# evaluations that a pair takes, roughly, in pairs of contact and segment of the other kernels
PAIR_COST = 4096
SHAPES = {"circle": 0, "square": 1, "rect": 1}


@dataclass(frozen=True, kw_only=True)
class Faces:
    """Flat faces of one shape.

    Attributes
    ----------
    centre : ndarray, shape (F, 3)
        um.
    first, second : ndarray, shape (F, 3)
        From the centre to the rim, along the two perpendicular axes of a face, um.
    shape : {'circle', 'square', 'rect'}
        Shape of all of them.
    """

    centre: np.ndarray
    first: np.ndarray
    second: np.ndarray
    shape: str


def face_means(
    start: np.ndarray,
    end: np.ndarray,
    radius: np.ndarray,
    faces: Faces,
    rows: np.ndarray,
    columns: np.ndarray,
    *,
    stretch: ArrayLike = (1.0, 1.0, 1.0),
) -> np.ndarray:
    """Mean potential over one face of one source, for some pairs, per unit of current.

    Parameters
    ----------
    start, end : ndarray, shape (N, 3)
        End points of the sources, um; where they coincide it is a point.
    radius : ndarray, shape (N,)
        Least distances, um, > 0.
    faces : Faces
        F faces.
    rows, columns : ndarray of int, shape (K,)
        Face and source of each pair.
    stretch : array_like, shape (3,)
        Factors of the coordinates along x, y and z in which the potential is 1 / (4 pi r); the
        least distance holds in true space.

    Returns
    -------
    ndarray, shape (K,)
        1/um, within 1e-4; over a conductivity in S/m this is mV/nA.

    Raises
    ------
    UsageError
        Where the shapes do not fit together, or a pair is none of theirs.
    """
    count, faces_count = len(radius), len(faces.centre)
    row = np.ascontiguousarray(rows, dtype=np.intp)
    column = np.ascontiguousarray(columns, dtype=np.intp)
    least = np.ascontiguousarray(radius, dtype=np.float64)
    factors = np.array(stretch, dtype=np.float64)
    if row.shape != column.shape or row.ndim != 1 or factors.shape != (3,):
        raise UsageError(f"pairs have shapes {row.shape} and {column.shape}, expected two of (K,)")
    for index, most in ((row, faces_count), (column, count)):
        if index.size and (index.min() < 0 or index.max() >= most):
            raise UsageError(f"a pair lies beyond the {most} there are")
    out = np.empty(len(row))
    if out.size:
        _faces.means(
            _matrix(start, count, "ends"),
            _matrix(end, count, "ends"),
            least,
            _matrix(faces.centre, faces_count, "faces"),
            _matrix(faces.first, faces_count, "faces"),
            _matrix(faces.second, faces_count, "faces"),
            factors,
            SHAPES[faces.shape],
            row,
            column,
            out,
            threads_for(PAIR_COST * len(row)),
        )
    return out / FOUR_PI


def _matrix(value: np.ndarray, count: int, label: str) -> np.ndarray:
    matrix = np.ascontiguousarray(value, dtype=np.float64)
    if matrix.shape != (count, 3):
        raise UsageError(f"{label} have shape {matrix.shape}, expected {(count, 3)}")
    return matrix

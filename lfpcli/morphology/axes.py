"""Principal axes of the outline of a soma, rounded as NEURON rounds them.

Outlines drawn by hand are symmetric: whole edges of them lie equally far along the longest axis,
and which of their points counts as the end is decided by the last bit. So that a soma has the same
area here and in NEURON, the axes of a symmetric matrix are found by the operations that NEURON 9
uses: reduction to Hessenberg form by a Householder reflection, then one rotation (routines orthes
and hqr2 of EISPACK, as the library Eigen has them). Where these would have to iterate the outline
is bent in space, the last bit decides nothing, and LAPACK takes over.
"""

from __future__ import annotations

import math

import numpy as np

_EPSILON = float(np.finfo(float).eps)
_TINY = float(np.finfo(float).tiny)


def principal_axes(matrix: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return eigenvalues and unit eigenvectors of a symmetric matrix.

    Parameters
    ----------
    matrix : ndarray, shape (3, 3)
        The matrix.

    Returns
    -------
    values : ndarray, shape (3,)
        In no particular order.
    vectors : ndarray, shape (3, 3)
        Column k belongs to value k.

    References
    ----------
    Smith et al. (1976), Matrix Eigensystem Routines: EISPACK Guide.
    """
    scale = float(np.abs(matrix).max())
    if scale < _TINY:
        return np.zeros(3), np.eye(3)
    upper, basis = _hessenberg(matrix / scale)
    if not _triangular(upper, basis):
        values, vectors = np.linalg.eigh(matrix)
        return np.array(values), np.array(vectors)
    upper *= scale
    return np.diag(upper).copy(), _vectors(upper, basis)


def _hessenberg(matrix: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Reflect the matrix so that its lower left corner is zero; return it and the reflection."""
    upper, basis = matrix.copy(), np.eye(3)
    head, tail = float(upper[1, 0]), float(upper[2, 0])
    if tail * tail <= _TINY:
        upper[2, 0] = 0.0
        return upper, basis
    length = math.sqrt(head * head + tail * tail)
    if head >= 0:
        length = -length
    ratio = tail / (head - length)
    weight = (length - head) / length
    upper[1, 0], upper[2, 0] = length, 0.0
    _reflect(upper[1:, 1:], ratio, weight)
    _reflect(upper[:, 1:].T, ratio, weight)
    _reflect(basis[1:, 1:], ratio, weight)
    return upper, basis


def _reflect(rows: np.ndarray, ratio: float, weight: float) -> None:
    """Apply the reflection of weight about (1, ratio) to two rows, in place."""
    projected = ratio * rows[1] + rows[0]
    rows[0] -= weight * projected
    rows[1] -= (weight * ratio) * projected


def _triangular(upper: np.ndarray, basis: np.ndarray) -> bool:
    """Make a Hessenberg matrix triangular, in place; False where one rotation is not enough."""
    last = 2
    while last > 0:
        if _is_small(upper, last):
            upper[last, last - 1] = 0.0
            last -= 1
        elif last == 1 or _is_small(upper, last - 1):
            _rotate(upper, basis, last)
            last -= 2
        else:
            return False
    return True


def _is_small(upper: np.ndarray, row: int) -> bool:
    """Whether the entry left of the diagonal counts as zero."""
    size = abs(upper[row - 1, row - 1]) + abs(upper[row, row])
    norm = float(np.abs(upper).sum())
    return bool(abs(upper[row, row - 1]) <= max(size * _EPSILON, norm * _EPSILON**2, _TINY))


def _rotate(upper: np.ndarray, basis: np.ndarray, row: int) -> None:
    """Rotate two rows and columns so that the entry below their diagonal is zero."""
    half = 0.5 * float(upper[row - 1, row - 1] - upper[row, row])
    root = math.sqrt(abs(half * half + float(upper[row, row - 1] * upper[row - 1, row])))
    cosine, sine = _givens(half + root if half >= 0 else half - root, float(upper[row, row - 1]))
    above, below = upper[row - 1].copy(), upper[row].copy()
    upper[row - 1], upper[row] = cosine * above - sine * below, sine * above + cosine * below
    for matrix in (upper[: row + 1], basis):
        left, right = matrix[:, row - 1].copy(), matrix[:, row].copy()
        matrix[:, row - 1] = cosine * left - sine * right
        matrix[:, row] = sine * left + cosine * right
    upper[row, row - 1] = 0.0
    if row > 1:
        upper[row - 1, row - 2] = 0.0


def _givens(along: float, across: float) -> tuple[float, float]:
    """Cosine and sine of the rotation that turns (along, across) to the first axis."""
    if across == 0:
        return (-1.0 if along < 0 else 1.0), 0.0
    if abs(along) > abs(across):
        ratio = across / along
        cosine = math.copysign(1.0, along) / math.sqrt(1 + ratio * ratio)
        return cosine, -ratio * cosine
    ratio = along / across
    sine = -math.copysign(1.0, across) / math.sqrt(1 + ratio * ratio)
    return -ratio * sine, sine


def _vectors(upper: np.ndarray, basis: np.ndarray) -> np.ndarray:
    """Unit eigenvectors of a triangular matrix, seen from outside of the basis."""
    values, norm = np.diag(upper).copy(), float(np.abs(upper).sum())
    solved = np.triu(upper)
    for column in (2, 1, 0):
        solved[column, column] = 1.0
        for row in range(column - 1, -1, -1):
            gap = values[row] - values[column]
            rest = 0.0
            for between in range(row + 1, column + 1):
                rest += solved[row, between] * solved[between, column]
            solved[row, column] = -rest / (gap if gap != 0 else _EPSILON * norm)
    vectors = np.empty((3, 3))
    for column in range(3):
        vector = np.zeros(3)
        for row in range(column + 1):
            vector = vector + basis[:, row] * solved[row, column]
        x, y, z = vector.tolist()
        length = math.sqrt(x * x + y * y + z * z)
        # a quotient of complex numbers, in which Eigen holds vectors, rounds so
        vectors[:, column] = vector * length / (length * length)
    return vectors

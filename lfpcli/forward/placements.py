"""One cell at many places: its signals at an array, without simulating it again.

A cell that is turned and shifted sees the contacts turned and shifted the other way. So the
table of its segments is made once, and each placement is another set of contacts.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from lfpcli.errors import InputError
from lfpcli.forward.contacts import Contacts
from lfpcli.forward.media import Medium, Slice, as_medium
from lfpcli.forward.potentials import (
    check_method,
    check_sigma,
    source_ends,
    transfer_matrix,
    weighted_points,
)
from lfpcli.forward.sources import as_geometry
from lfpcli.forward.transforms import soma_places
from lfpcli.geometry import Geometry
from lfpcli.kernels import potentials as kernel

BLOCK_ENTRIES = 1_000_000
NOT_GIVEN = np.empty(0)


def _not_given() -> np.ndarray:
    return NOT_GIVEN


@dataclass
class Placements:
    """Places and turns of one cell.

    Attributes
    ----------
    positions : ndarray, shape (P, 3)
        Where the soma goes, um.
    rotations : ndarray, shape (P, 3, 3)
        Rotation matrices about the soma; left out, none is turned.

    Raises
    ------
    InputError
        Where shapes do not fit, or a matrix is no rotation.
    """

    positions: np.ndarray
    rotations: np.ndarray = field(default_factory=_not_given)

    def __post_init__(self) -> None:
        self.positions = np.atleast_2d(np.asarray(self.positions, dtype=float))
        if self.positions.ndim != 2 or self.positions.shape[1] != 3:
            raise InputError(f"positions have shape {self.positions.shape}, expected (P, 3)")
        if not np.all(np.isfinite(self.positions)):
            raise InputError("positions of placements are not finite")
        count = len(self.positions)
        if self.rotations is NOT_GIVEN:
            self.rotations = np.broadcast_to(np.eye(3), (count, 3, 3))
        self.rotations = np.asarray(self.rotations, dtype=float)
        if self.rotations.shape != (count, 3, 3):
            raise InputError(
                f"rotations have shape {self.rotations.shape}, expected {(count, 3, 3)}"
            )
        square = self.rotations @ np.swapaxes(self.rotations, 1, 2)
        if not np.allclose(square, np.eye(3), atol=1e-9) or np.any(
            np.linalg.det(self.rotations) < 0
        ):
            raise InputError("a matrix of the placements is no rotation")

    def __len__(self) -> int:
        return len(self.positions)


def matrix_blocks(
    geometry: Any,
    contacts: Contacts | ArrayLike,
    placements: Placements,
    *,
    method: str = "line",
    sigma: float | ArrayLike = 0.3,
    medium: Medium | Mapping[str, object] | str | None = None,
    quadrature: int | None = None,
    dtype: type = np.float64,
) -> Iterator[tuple[int, np.ndarray]]:
    """Transfer matrices of a cell at many places, some at a time.

    Parameters
    ----------
    geometry : Geometry or geometry-like
        N segments of one cell, um.
    contacts : Contacts or array_like, shape (C, 3)
        um.
    placements : Placements
        P places and turns.
    method, sigma, medium, quadrature, dtype
        As in `potentials.transfer_matrix`.

    Yields
    ------
    first : int
        Index of the first placement in the block.
    matrices : ndarray, shape (B, C, N)
        mV/nA. The next block overwrites it.
    """
    segments, medium = as_geometry(geometry), as_medium(medium)
    conductivity, kind = check_sigma(sigma), check_method(method)
    points, weights = weighted_points(contacts, conductivity, medium, quadrature)
    shape = (len(points), len(segments))
    block = int(np.clip(BLOCK_ENTRIES // max(1, shape[0] * shape[1]), 1, max(1, len(placements))))
    out: np.ndarray = np.empty((block, *shape), dtype=dtype)
    start, end = source_ends(segments, kind)
    table = kernel.source_table(start, end, segments.diam / 2, kind == "point")
    table[-1] /= conductivity if conductivity.ndim == 0 else 1.0
    soma = _soma(segments)
    rigid = conductivity.ndim == 0 and not (isinstance(medium, Slice) and medium.squeeze)
    for first in range(0, len(placements), block):
        part = slice(first, first + block)
        part_of_out = out[: len(placements.positions[part])]
        for position, turn, matrix in zip(
            placements.positions[part], placements.rotations[part], part_of_out, strict=True
        ):
            moved = _moved(segments, soma, position, turn)
            if not rigid:
                matrix[...] = transfer_matrix(
                    moved, contacts, method=kind, sigma=sigma, medium=medium, quadrature=quadrature
                )
                continue
            if medium is not None:
                medium.prepare(moved)
            kernel.potential(table, (points - position) @ turn + soma, weights, out=matrix)
        yield first, part_of_out


def signal_blocks(
    geometry: Any,
    contacts: Contacts | ArrayLike,
    currents: ArrayLike,
    placements: Placements,
    *,
    dtype: type = np.float64,
    **model: Any,
) -> Iterator[tuple[int, np.ndarray]]:
    """Signals of a cell at many places, some at a time.

    Parameters
    ----------
    geometry, contacts, placements
        As in `matrix_blocks`.
    currents : array_like, shape (N, T)
        Membrane currents, nA.
    dtype : numpy.float64 or numpy.float32
        Type of the matrices, the products and the result.
    **model
        method, sigma, medium, quadrature; as in `matrix_blocks`.

    Yields
    ------
    first : int
        Index of the first placement in the block.
    signals : ndarray, shape (B, C, T)
        mV.
    """
    current: np.ndarray = np.ascontiguousarray(currents, dtype=dtype)
    count = len(as_geometry(geometry))
    if current.ndim != 2 or len(current) != count:
        raise InputError(f"currents have shape {current.shape}, expected ({count}, T)")
    if not np.all(np.isfinite(current)):
        raise InputError("currents are not finite")
    blocks = matrix_blocks(geometry, contacts, placements, dtype=dtype, **model)
    for first, matrices in blocks:
        flat = matrices.reshape(-1, count) @ current
        yield first, flat.reshape(*matrices.shape[:2], -1)


def signals(
    geometry: Any,
    contacts: Contacts | ArrayLike,
    currents: ArrayLike,
    placements: Placements,
    **options: Any,
) -> np.ndarray:
    """Signals of a cell at many places, shape (P, C, T), mV; arguments as in `signal_blocks`."""
    blocks = [
        part for _, part in signal_blocks(geometry, contacts, currents, placements, **options)
    ]
    if not blocks:
        raise InputError("there are no placements")
    return np.concatenate(blocks)


def _soma(geometry: Geometry) -> np.ndarray:
    """Place of the one soma, shape (3,)."""
    places = soma_places(geometry)
    if not len(places) or np.any(places != places[0]):
        raise InputError("placements are of one cell; the geometry holds none or several")
    return places[0]


def _moved(
    geometry: Geometry, soma: np.ndarray, position: np.ndarray, turn: np.ndarray
) -> Geometry:
    start, end = ((ends - soma) @ turn.T + position for ends in (geometry.start, geometry.end))
    return replace(geometry, start=start, end=end)

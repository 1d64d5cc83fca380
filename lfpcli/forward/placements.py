"""One cell at many places: its signals at an array, without simulating it again.

A cell that is turned and shifted sees the contacts turned and shifted the other way. So the
table of its segments is made once, and each placement is another set of contacts.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from lfpcli.errors import InputError, UsageError
from lfpcli.forward import near_faces
from lfpcli.forward.contacts import Contacts
from lfpcli.forward.grid_medium import GridMedium
from lfpcli.forward.media import Slice
from lfpcli.forward.potentials import PotentialModel, as_contacts, source_ends
from lfpcli.forward.sources import as_geometry
from lfpcli.forward.transforms import soma_places
from lfpcli.geometry import Geometry
from lfpcli.kernels import potentials as kernel
from lfpcli.kernels.faces import Faces

# matrix entries at a time: few enough for memory, enough to make starting threads worth it
BLOCK_ENTRIES = 4_000_000
NOT_GIVEN = np.empty(0)
INFINITE_LINES = PotentialModel()


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


Fill = Callable[[Placements, np.ndarray], None]


def matrix_blocks(
    geometry: Any,
    contacts: Contacts | ArrayLike,
    placements: Placements,
    *,
    model: PotentialModel = INFINITE_LINES,
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
    model : PotentialModel
        How currents make potentials.
    dtype : numpy.float64 or numpy.float32
        Type of the matrices.

    Yields
    ------
    first : int
        Index of the first placement in the block.
    matrices : ndarray, shape (B, C, N)
        mV/nA. The next block overwrites it.
    """
    cell = _MovedCell(as_geometry(geometry), model)
    # images of a face are refined one face at a time, where they are
    faces_in_medium = model.medium is not None and model.refines(as_contacts(contacts))
    shifts = cell.rigid and not faces_in_medium
    fill = cell.shifted_contacts(contacts) if shifts else cell.moved_cells(contacts)
    rows, count = len(as_contacts(contacts)), len(cell.segments)
    block = int(np.clip(BLOCK_ENTRIES // max(1, rows * count), 1, max(1, len(placements))))
    out: np.ndarray = np.empty((block, rows, count), dtype=dtype)
    for first in range(0, len(placements), block):
        part = slice(first, first + block)
        some = Placements(placements.positions[part], placements.rotations[part])
        matrices = out[: len(some)]
        fill(some, matrices)
        yield first, matrices


def signal_blocks(
    geometry: Any,
    contacts: Contacts | ArrayLike,
    currents: ArrayLike,
    placements: Placements,
    *,
    model: PotentialModel = INFINITE_LINES,
    compress: float = 0.0,
    dtype: type = np.float64,
) -> Iterator[tuple[int, np.ndarray]]:
    """Signals of a cell at many places, some at a time.

    Parameters
    ----------
    geometry, contacts, placements
        As in `matrix_blocks`.
    currents : array_like, shape (N, T)
        Membrane currents, nA.
    model : PotentialModel
        How currents make potentials.
    compress : float
        Leave out the singular vectors of the currents below this fraction of the largest: a
        spike is smooth, and 1e-9 saves most of the work. 0 leaves out none.
    dtype : numpy.float64 or numpy.float32
        Type of the matrices, the products and the result.

    Yields
    ------
    first : int
        Index of the first placement in the block.
    signals : ndarray, shape (B, C, T)
        mV.
    """
    current: np.ndarray = np.asarray(currents, dtype=float)
    count = len(as_geometry(geometry))
    if current.ndim != 2 or len(current) != count:
        raise InputError(f"currents have shape {current.shape}, expected ({count}, T)")
    if not np.all(np.isfinite(current)):
        raise InputError("currents are not finite")
    factors: list[np.ndarray] = [
        np.ascontiguousarray(f, dtype=dtype) for f in _factors(current, compress)
    ]
    blocks = matrix_blocks(geometry, contacts, placements, model=model, dtype=dtype)
    for first, matrices in blocks:
        flat = matrices.reshape(-1, count)
        for factor in factors:
            flat = flat @ factor
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


def _factors(currents: np.ndarray, compress: float) -> list[np.ndarray]:
    """Matrices (N, R) and (R, T) whose product is the currents, or the currents as they are."""
    if not 0.0 <= compress < 1.0:
        raise UsageError(f"compress is {compress!r}, expected a number from 0 to below 1")
    if compress == 0.0 or not currents.size:
        return [currents]
    left, values, right = np.linalg.svd(currents, full_matrices=False)
    # currents of a spike are few patterns in time, whose number the singular values tell
    rank = max(1, int(np.count_nonzero(values > compress * values[0])))
    if rank * sum(currents.shape) >= currents.size:
        return [currents]
    return [left[:, :rank] * values[:rank], right[:rank]]


class _MovedCell:
    """A cell that goes to many places, and how its potentials are computed."""

    def __init__(self, segments: Geometry, model: PotentialModel) -> None:
        self.segments = segments
        self.model = model
        self.soma = _soma(segments)
        squeezed = isinstance(model.medium, Slice) and bool(
            model.medium.squeeze or model.medium.fit
        )
        # whether moving the contacts the other way is the same as moving the cell
        by_grid = isinstance(model.medium, GridMedium)
        # an anisotropic medium, a squeeze and a grid have axes of their own
        self.rigid = model.conductivity.ndim == 0 and not squeezed and not by_grid

    def shifted_contacts(self, contacts: Contacts | ArrayLike) -> Fill:
        """Fill matrices by moving the contacts, and their images, about the cell."""
        points, weights = self.model.weighted_points(contacts)
        start, end = source_ends(self.segments, self.model.method)
        radius = self.segments.diam / 2
        table = kernel.source_table(start, end, radius, self.model.method == "point")
        # once, not for each of the placements
        weights = weights / self.model.conductivity
        refines = self.model.refines(as_contacts(contacts))
        size = near_faces.face_size(as_contacts(contacts))
        sources = near_faces.Sources(start=start, end=end, radius=radius)

        def fill(places: Placements, matrices: np.ndarray) -> None:
            if self.model.medium is not None:
                for moved in self._moved(places):
                    self.model.medium.prepare(moved)
            seen = points - places.positions[:, None, None]
            seen = np.einsum("pcqx,pxy->pcqy", seen, places.rotations) + self.soma
            every = np.concatenate([weights] * len(places))
            flat = matrices.reshape(-1, len(self.segments))
            kernel.potential(table, seen.reshape(-1, *points.shape[1:]), every, out=flat)
            if refines:
                faces = _seen_faces(as_contacts(contacts), places, self.soma)
                scale = 1.0 / float(self.model.conductivity)
                near_faces.refine(flat, sources, faces, size, scale=scale)

        return fill

    def moved_cells(self, contacts: Contacts | ArrayLike) -> Fill:
        """Fill matrices by moving the cell."""

        def fill(places: Placements, matrices: np.ndarray) -> None:
            for moved, matrix in zip(self._moved(places), matrices, strict=True):
                self.model.matrix(moved, contacts, out=matrix)

        return fill

    def _moved(self, places: Placements) -> Iterator[Geometry]:
        ends = (self.segments.start - self.soma, self.segments.end - self.soma)
        for position, turn in zip(places.positions, places.rotations, strict=True):
            start, end = (end @ turn.T + position for end in ends)
            yield replace(self.segments, start=start, end=end)


def _seen_faces(contacts: Contacts, places: Placements, soma: np.ndarray) -> Faces:
    """Faces as the cell sees them from each of its places, those of one place together."""
    faces = near_faces.flat_faces(contacts)
    offset = faces.centre - places.positions[:, None]
    centre, first, second = (
        np.einsum("pcx,pxy->pcy", np.broadcast_to(vector, offset.shape), places.rotations)
        for vector in (offset, faces.first, faces.second)
    )
    flat = (-1, 3)
    return Faces(
        centre=(centre + soma).reshape(flat),
        first=first.reshape(flat),
        second=second.reshape(flat),
        shape=faces.shape,
    )


def _soma(geometry: Geometry) -> np.ndarray:
    """Place of the one soma, shape (3,)."""
    places = soma_places(geometry)
    if not len(places) or np.any(places != places[0]):
        raise InputError("placements are of one cell; the geometry holds none or several")
    return np.asarray(places[0])

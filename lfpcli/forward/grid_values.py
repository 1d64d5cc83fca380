"""A contact's potential between the middles of a grid's cells.

A potential bends at a face between media and nowhere else. Along each axis up to four cells of the
medium that a point lies in are taken, nearest first, and a polynomial through them. In cells that
a curved surface cuts, or where a layer is one cell thick, values are linear from the middle of a
cell to its faces, where both sides carry the same current.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from lfpcli.errors import InputError
from lfpcli.forward import tensors
from lfpcli.forward.grid import Grid

_NODES = 4
# points that are interpolated at once
_BLOCK = 4096
# by which the components of a cell's conductivity become one number
_CODE = np.array([1.0, np.pi, np.e, np.sqrt(2.0), np.sqrt(3.0), np.sqrt(5.0)])


@dataclass(frozen=True, kw_only=True, eq=False)
class GridValues:
    """What a medium adds to the potential of a point source at a contact.

    Attributes
    ----------
    grid : Grid
        The cells.
    conductivities : ndarray, shape (K, 3) or (K, 6)
        Those that cells have, see `lfpcli.forward.tensors`, S/m.
    media : ndarray of int, shape (nx, ny, nz)
        Which of them each cell has.
    remainder : ndarray, shape (nx, ny, nz)
        mV per nA, of `GridField.remainder`.
    contact, sigma : ndarray, shape (3,) each, or (6,)
        As `GridField.remainder` got them, um and S/m; of metal, whose remainder is all there is,
        the conductivity is infinite.
    """

    grid: Grid
    conductivities: np.ndarray
    media: np.ndarray
    remainder: np.ndarray
    contact: np.ndarray
    sigma: np.ndarray

    @classmethod
    def of(
        cls,
        grid: Grid,
        cells: np.ndarray,
        remainder: np.ndarray,
        *,
        contact: np.ndarray,
        sigma: np.ndarray,
    ) -> GridValues:
        """Values with little memory, from the conductivities of all cells.

        Parameters
        ----------
        grid : Grid
            The cells.
        cells : ndarray, shape (nx, ny, nz, 3) or (nx, ny, nz, 6)
            Their conductivities, S/m.
        remainder, contact, sigma
            The attributes.
        """
        codes, first, media = np.unique(
            cells @ _CODE[: cells.shape[-1]], return_index=True, return_inverse=True
        )
        small = np.uint16 if len(codes) < 2**16 else np.uint32
        return cls(
            grid=grid,
            conductivities=cells.reshape(-1, cells.shape[-1])[first],
            media=media.reshape(grid.shape).astype(small),
            remainder=remainder.astype(np.float32),
            contact=contact,
            sigma=sigma,
        )

    @property
    def size(self) -> int:
        """Bytes of memory."""
        return int(self.media.nbytes + self.remainder.nbytes)

    def at(self, points: np.ndarray) -> np.ndarray:
        """The remainder at points.

        Parameters
        ----------
        points : ndarray, shape (M, 3)
            Inside the grid, um.

        Returns
        -------
        ndarray, shape (M,)
            mV per nA.

        Raises
        ------
        InputError
            Where a point is outside the grid or in what does not conduct.
        """
        values = np.empty(len(points))
        for first in range(0, len(points), _BLOCK):
            block = self._moved(np.asarray(points[first : first + _BLOCK], dtype=float))
            cells = self._indices(block)
            smooth, in_one_medium = self._cubic(block, cells)
            rest = np.flatnonzero(~in_one_medium)
            if len(rest):
                some = cells[0][rest], cells[1][rest], cells[2][rest]
                smooth[rest] = self._linear(block[rest], some)
            values[first : first + _BLOCK] = smooth
        return values

    def conducts(self, points: np.ndarray) -> np.ndarray:
        """Whether points (M, 3), um, lie in cells that conduct."""
        cells = self._indices(points)
        return np.asarray(self.conductivities.max(axis=1)[self.media[cells]] > 0)

    def _moved(self, points: np.ndarray) -> np.ndarray:
        """Points (M, 3), those in cells that conduct nothing moved to the next that does.

        A curved insulator takes whole cells that it fills nearly.
        """
        for axis, faces in enumerate(self.grid.faces):
            outside = (points[:, axis] < faces[0]) | (points[:, axis] > faces[-1])
            if outside.any():
                place = points[np.flatnonzero(outside)[0]]
                raise InputError(
                    f"{place.round(1).tolist()} um lies outside the grid",
                    remedy="give the medium a larger 'reach'",
                )
        silent = np.flatnonzero(~self.conducts(points))
        moved: np.ndarray = points.copy()
        for number in silent:
            moved[number] = self._next_cell(points[number])
        return moved

    def _next_cell(self, point: np.ndarray) -> np.ndarray:
        """The nearest place to a point in a neighbouring cell that conducts."""
        index = [int(i[0]) for i in self._indices(point[None])]
        places: list[np.ndarray] = []
        for axis, faces in enumerate(self.grid.faces):
            inside = 1e-6 * (faces[index[axis] + 1] - faces[index[axis]])
            for edge in (faces[index[axis]] - inside, faces[index[axis] + 1] + inside):
                place: np.ndarray = point.copy()
                place[axis] = edge
                places.append(place)
        places.sort(key=lambda place: float(np.abs(place - point).sum()))
        for place in places:
            if self.conducts(place[None])[0]:
                return place
        raise InputError(
            f"{point.round(1).tolist()} um lies in what does not conduct",
            remedy="shift the cell or the region",
        )

    def _indices(self, points: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        indices = []
        for axis, faces in enumerate(self.grid.faces):
            index = np.searchsorted(faces, points[:, axis], side="right") - 1
            indices.append(np.clip(index, 0, len(faces) - 2))
        return indices[0], indices[1], indices[2]

    def _cubic(
        self, points: np.ndarray, cells: tuple[np.ndarray, np.ndarray, np.ndarray]
    ) -> tuple[np.ndarray, np.ndarray]:
        """Values at points (M, 3), and at which of them all cells used are of one medium."""
        centres = self.grid.centres
        numbers, weights = [], []
        for axis in range(3):
            ahead = points[:, axis] >= centres[axis][cells[axis]]
            number = self._stencil(cells, axis, ahead)
            numbers.append(number)
            weights.append(_lagrange(centres[axis], number, points[:, axis]))
        i, j, k = numbers
        index = i[:, :, None, None], j[:, None, :, None], k[:, None, None, :]
        # sums of four by name, whose bits do not depend on how many points there are
        values = self.remainder[index].astype(float)
        for weight in reversed(weights):
            shape = (len(points),) + (1,) * (values.ndim - 2) + (_NODES,)
            terms = values * weight.reshape(shape)
            values = terms[..., 0] + terms[..., 1] + terms[..., 2] + terms[..., 3]
        medium = self.media[cells]
        good = (self.media[index] == medium[:, None, None, None]).all(axis=(1, 2, 3))
        # a layer of one cell has no slope of its own
        for number in numbers:
            good &= number[:, 0] < number[:, 1]
        return values, good

    def _stencil(self, cells: tuple[np.ndarray, ...], axis: int, ahead: np.ndarray) -> np.ndarray:
        """Numbers (M, 4) of cells of one medium along an axis; where few, the last repeats."""
        number = cells[axis]
        low = number - self._run(cells, axis, -1)
        high = number + self._run(cells, axis, 1)
        first = np.maximum(number - 2 + ahead, low)
        last = np.minimum(first + _NODES - 1, high)
        first = np.maximum(last - _NODES + 1, low)
        return np.asarray(np.minimum(first[:, None] + np.arange(_NODES), last[:, None]))

    def _run(self, cells: tuple[np.ndarray, ...], axis: int, step: int) -> np.ndarray:
        """How many cells on, up to three, are of the medium of `cells`, shape (M,)."""
        medium = self.media[cells]
        goes_on = np.ones(len(medium), bool)
        count = np.zeros(len(medium), np.int64)
        most = self.grid.shape[axis]
        for far in range(1, _NODES):
            other = [*cells]
            beyond = cells[axis] + step * far
            other[axis] = np.clip(beyond, 0, most - 1)
            goes_on &= (other[axis] == beyond) & (self.media[tuple(other)] == medium)
            count += goes_on
        return count

    def _linear(
        self, points: np.ndarray, cells: tuple[np.ndarray, np.ndarray, np.ndarray]
    ) -> np.ndarray:
        """Values at points (M, 3), linear from the middle of a cell to its faces.

        The value at a face is that at which both cells carry the same current, so that the kink
        there is none of interpolation.
        """
        remainder = self.remainder
        values = remainder[cells].astype(float)
        total = values.copy()
        slopes = self._known_slopes(points)
        for axis in range(3):
            width = self.grid.widths[axis]
            number = cells[axis]
            offset = points[:, axis] - self.grid.centres[axis][number]
            sign = np.where(offset >= 0, 1, -1)
            other = np.clip(number + sign, 0, len(width) - 1)
            beyond = [*cells]
            beyond[axis] = other
            near, far = width[number] / 2.0, width[other] / 2.0
            here = self.conductivities[self.media[cells], axis]
            there = self.conductivities[self.media[tuple(beyond)], axis]
            metal = np.isinf(there)
            there = np.where(metal, here, there)
            # sum of both half cells' conductances times their values, and what the known part's
            # slope carries more on one side than on the other
            pull = here / near * values + there / far * remainder[tuple(beyond)]
            pull += sign * self._carried(cells, tuple(beyond), slopes, axis)
            edge = pull / (here / near + there / far)
            edge = np.where(other == number, values, edge)
            if metal.any():
                at_face = self._at_metal(points[metal], [b[metal] for b in beyond], axis)
                edge[metal] = at_face
            total += (edge - values) * np.abs(offset) / near
        return np.asarray(total)

    def _at_metal(self, points: np.ndarray, cells: Sequence[np.ndarray], axis: int) -> np.ndarray:
        """Remainder on the face of metal cells towards points (M, 3), whose potential is one."""
        middles = np.stack([c[k] for c, k in zip(self.grid.centres, cells, strict=True)], axis=1)
        faces, number = self.grid.faces[axis], cells[axis]
        at_face = points.copy()
        at_face[:, axis] = np.where(
            points[:, axis] < faces[number], faces[number], faces[number + 1]
        )
        whole = self.remainder[tuple(cells)] + self._known(middles)
        return np.asarray(whole - self._known(at_face))

    def _known(self, points: np.ndarray) -> np.ndarray:
        """The known part at points (M, 3), mV per nA; that of metal is none."""
        if np.isinf(self.sigma[0]):
            return np.zeros(len(points))
        return tensors.point_potentials(points - self.contact, self.sigma)

    def _known_slopes(self, points: np.ndarray) -> np.ndarray:
        """Gradient (M, 3) of the known part, mV per nA per um."""
        away = points - self.contact
        if np.isinf(self.sigma[0]):
            return np.zeros_like(away)
        square = tensors.squared_distances(away, self.sigma)[:, None]
        known = self._known(points)[:, None]
        return np.asarray(-known * tensors.weighted(away, self.sigma) / square)

    def _carried(
        self,
        cells: tuple[np.ndarray, ...],
        beyond: tuple[np.ndarray, ...],
        slopes: np.ndarray,
        axis: int,
    ) -> np.ndarray:
        """What the known part, of slopes (M, 3), carries more beyond a face than before it."""
        here = self.conductivities[self.media[cells]]
        there = self.conductivities[self.media[beyond]]
        metal = np.isinf(there[:, :1])
        more = tensors.matrices(np.where(metal, here, there) - here)[:, axis]
        return np.asarray(
            more[:, 0] * slopes[:, 0] + more[:, 1] * slopes[:, 1] + more[:, 2] * slopes[:, 2]
        )


def _lagrange(centres: np.ndarray, number: np.ndarray, position: np.ndarray) -> np.ndarray:
    """Weights (M, 4) of the polynomial through the middles of cells."""
    nodes = centres[number]
    # repeated cells take no part
    used = np.ones(number.shape, bool)
    used[:, 1:] = np.diff(number, axis=1) > 0
    weights = used.astype(float)
    for node in range(_NODES):
        for other in range(_NODES):
            if node == other:
                continue
            both = used[:, node] & used[:, other]
            gap = np.where(both, nodes[:, node] - nodes[:, other], 1.0)
            weights[:, node] *= np.where(both, (position - nodes[:, other]) / gap, 1.0)
    return weights

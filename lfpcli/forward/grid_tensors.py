"""Conductivities with components off the diagonal, on the cells of a grid.

Between cells whose axes are x, y and z a current is driven by the difference of two potentials.
Where the axes are others, slopes along a face drive it too. About each corner of cells, eight
octants have a slope each, from the middle of their cell to the middles of three faces; the current
through each quarter of a face is the same on both sides, which tells the potentials on the faces
(multipoint flux, Aavatsmark 2002, Comput Geosci 6:405; on bricks its matrix is symmetric and
positive definite, as it is the least energy over those potentials). Where no component is off the
diagonal this is the harmonic mean of two cells.
"""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

import numpy as np
from scipy import sparse

from lfpcli.errors import InputError
from lfpcli.forward import tensors

if TYPE_CHECKING:
    from lfpcli.forward.grid import Grid

# the cells about a corner by whether they are beyond it along x, y and z
_OCTANTS: tuple[tuple[int, int, int], ...] = tuple(
    (x, y, z) for x, y, z in itertools.product((0, 1), repeat=3)
)
# corners that are worked on at once
_BLOCK = 20_000
# points of a face, in its half widths, at which slopes along it are taken
_GAUSS = 1.0 / np.sqrt(3.0)


def _face(octant: tuple[int, int, int], axis: int) -> int:
    """Number, of twelve about a corner, of the quarter face across an axis that an octant has."""
    first, second = (bit for k, bit in enumerate(octant) if k != axis)
    return 4 * axis + 2 * first + second


class TurnedCorners:
    """Corners of cells about which a conductivity has components off the diagonal.

    Those on the outer boundary, where a contact's potential is small, are left out.

    Parameters
    ----------
    sigma : ndarray, shape (nx, ny, nz, 6)
        Conductivity of the cells, S/m.
    grid : Grid
        The cells.

    Raises
    ------
    InputError
        Where metal lies in such a medium.
    """

    def __init__(self, sigma: np.ndarray, grid: Grid) -> None:
        self._sigma, self._grid = sigma, grid
        off = np.any(sigma[..., 3:] != 0, axis=-1)
        near = np.zeros([n - 1 for n in grid.shape], bool)
        metal = np.zeros_like(near)
        for octant in _OCTANTS:
            part = tuple(slice(bit, n - 1 + bit) for bit, n in zip(octant, grid.shape, strict=True))
            near |= off[part]
            metal |= np.isinf(sigma[..., 0][part])
        if np.any(near & metal):
            raise InputError(
                "metal lies in tissue whose axes are not x, y and z, which the grid cannot carry",
                remedy="give the tissue about the metal a diagonal tensor, or leave the metal out",
            )
        self._near = near
        self._index = np.stack(np.nonzero(near), axis=-1)
        self._diagonals: dict[int, np.ndarray] = {}
        # where all octants are of one medium, what the known part carries needs no change
        self._mixed: list[np.ndarray] = []
        self._answers: list[np.ndarray] = []
        for first in range(0, len(self._index), _BLOCK):
            self._eliminate(self._index[first : first + _BLOCK])

    def two_point(self, axis: int) -> np.ndarray:
        """Share of the faces between cells, across an axis, that two cells alone tell; no unit.

        Returns
        -------
        ndarray, shape (nx, ny, nz) with one less along the axis
        """
        corners = self._near.astype(float)
        for other in range(3):
            if other == axis:
                continue
            pad = [(0, 0)] * 3
            pad[other] = (1, 1)
            padded = np.pad(corners, pad)
            corners = np.delete(padded, 0, other) + np.delete(padded, -1, other)
        return np.asarray(1.0 - corners / 4.0)

    @property
    def couplings(self) -> sparse.csr_array:
        """What the corners add to the conductances between cells, S/m um."""
        size = int(np.prod(self._grid.shape))
        offsets = sorted(self._diagonals)
        if not offsets:
            return sparse.csr_array((size, size))
        # scipy has diagonals by columns
        data = [np.roll(self._diagonals[offset], offset) for offset in offsets]
        return sparse.csr_array(sparse.dia_array((np.array(data), offsets), shape=(size, size)))

    def _cells(self, corners: np.ndarray) -> np.ndarray:
        """Flat numbers of the eight cells about corners (n, 3), shape (n, 8)."""
        cells = [
            np.ravel_multi_index((corners + octant).T, self._grid.shape) for octant in _OCTANTS
        ]
        return np.stack(cells, axis=1)

    def _eliminate(self, corners: np.ndarray) -> None:
        """Take the potentials on faces out of the energy about some corners (n, 3)."""
        cells = self._cells(corners)
        sigma = self._sigma.reshape(-1, tensors.TURNED)[cells]
        count = len(corners)
        faces = np.zeros((count, 12, 12))
        mixed = np.zeros((count, 12, 8))
        held = np.zeros((count, 8))
        for number, octant in enumerate(_OCTANTS):
            energy = self._energy(corners + octant, sigma[:, number], octant)
            places = [_face(octant, axis) for axis in range(3)]
            for row, column in itertools.product(range(3), repeat=2):
                faces[:, places[row], places[column]] += energy[:, row, column]
            mixed[:, places, number] -= energy.sum(axis=2)
            held[:, number] += energy.sum(axis=(1, 2))
        diagonal = np.einsum("nff->nf", faces)
        # faces between cells that conduct nothing
        diagonal[diagonal == 0] = 1.0
        answers = np.linalg.solve(faces, mixed)
        coupling = -np.einsum("nfo,nfp->nop", mixed, answers)
        coupling[:, range(8), range(8)] += held
        self._add(cells, coupling)
        several = np.any(sigma != sigma[:, :1], axis=(1, 2))
        self._mixed.append(corners[several])
        self._answers.append(answers[several])

    def _energy(
        self, cells: np.ndarray, sigma: np.ndarray, octant: tuple[int, int, int]
    ) -> np.ndarray:
        """Energy (n, 3, 3) of an octant in the differences to its three faces, S/m um."""
        widths = [w[cells[:, k]] for k, w in enumerate(self._grid.widths)]
        signs = np.array([1.0 - 2.0 * bit for bit in octant])
        slopes = signs / np.stack(widths, axis=1)
        volume = widths[0] * widths[1] * widths[2]
        result = tensors.matrices(sigma) * slopes[:, :, None] * slopes[:, None, :]
        return np.asarray(result * (volume / 2.0)[:, None, None])

    def _add(self, cells: np.ndarray, coupling: np.ndarray) -> None:
        """Add couplings (n, 8, 8) of cells (n, 8), by the difference of their flat numbers."""
        steps = np.array([int(np.ravel_multi_index(o, self._grid.shape)) for o in _OCTANTS])
        size = int(np.prod(self._grid.shape))
        for row, column in itertools.product(range(8), repeat=2):
            offset = int(steps[column] - steps[row])
            if offset not in self._diagonals:
                self._diagonals[offset] = np.zeros(size)
            # each corner has another cell in this octant
            self._diagonals[offset][cells[:, row]] += coupling[:, row, column]

    def changes(self, near: list[np.ndarray], far: list[np.ndarray]) -> np.ndarray:
        """What differences of a known current between the sides of faces leave over in cells.

        Parameters
        ----------
        near, far : list of three ndarray
            By axis, current through the faces between cells as the cell below and above has it,
            nA per nA.

        Returns
        -------
        ndarray, shape (nx, ny, nz)
            nA per nA.
        """
        total = np.zeros(int(np.prod(self._grid.shape)))
        jumps = [(n - f) / 4.0 for n, f in zip(near, far, strict=True)]
        for corners, answers in zip(self._mixed, self._answers, strict=True):
            if not len(corners):
                continue
            onto_faces = np.zeros((len(corners), 12))
            for axis, first, second in itertools.product(range(3), (0, 1), (0, 1)):
                others = [k for k in range(3) if k != axis]
                index = corners.copy()
                index[:, others] += (first, second)
                onto_faces[:, 4 * axis + 2 * first + second] = -jumps[axis][tuple(index.T)]
            left = -np.einsum("nfo,nf->no", answers, onto_faces)
            np.add.at(total, self._cells(corners), left)
        return total.reshape(self._grid.shape)


class TurnedSource:
    """A point source in a medium with components off the diagonal, on a grid.

    Parameters
    ----------
    grid : Grid
        The cells.
    sigma : ndarray, shape (nx, ny, nz, 6)
        Their conductivity, S/m.
    contact : ndarray, shape (3,)
        Where the source is, um.
    about : ndarray, shape (6,)
        Conductivity of its medium, S/m.
    """

    def __init__(
        self, grid: Grid, sigma: np.ndarray, *, contact: np.ndarray, about: np.ndarray
    ) -> None:
        self._grid, self._sigma, self._contact, self._about = grid, sigma, contact, about
        self._resistivity = np.linalg.inv(tensors.matrices(about))
        self._angles = self._solid_angles()

    def sides(self, axis: int) -> tuple[np.ndarray, np.ndarray]:
        """Current across an axis through all faces but the last, and all but the first, of cells.

        Returns
        -------
        upper, lower : ndarray, shape (nx, ny, nz)
            Through the upper and the lower face of each cell, as its conductivity has it, nA per
            nA along the axis.
        """
        # conductivity times resistivity of the source's medium, which is one where they are equal
        row = np.zeros((*self._grid.shape, 3))
        for column in range(3):
            number = [(0, 3, 4), (3, 1, 5), (4, 5, 2)][axis][column]
            row += self._sigma[..., number, None] * self._resistivity[column]
        same = (self._sigma == self._about).all(axis=-1)
        row[same] = np.eye(3)[axis]
        flow = self._flow(axis)
        upper = np.einsum("...k,k...->...", row, np.delete(flow, 0, axis + 1))
        lower = np.einsum("...k,k...->...", row, np.delete(flow, -1, axis + 1))
        return upper, lower

    def boundary(self) -> np.ndarray:
        """Conductance of cells (nx, ny, nz) to infinity through the outer faces, S/m um."""
        leak = np.zeros(self._grid.shape)
        centres, widths = self._grid.centres, self._grid.widths
        offsets = [along - x for along, x in zip(centres, self._contact, strict=True)]
        for axis, side in itertools.product(range(3), (0, -1)):
            first, second = (k for k in range(3) if k != axis)
            away = np.zeros((len(offsets[first]), len(offsets[second]), 3))
            away[..., axis] = self._grid.faces[axis][side] - self._contact[axis]
            away[..., first], away[..., second] = offsets[first][:, None], offsets[second]
            sigma = self._sigma.take(side, axis=axis)
            pull = np.einsum("abij,jk,abk->abi", tensors.matrices(sigma), self._resistivity, away)
            outward = pull[..., axis] * (1.0 if side else -1.0)
            fall = np.maximum(outward, 0.0) / tensors.squared_distances(away, self._about)
            half = widths[axis][side] / 2.0
            area = np.multiply.outer(widths[first], widths[second])
            piece: list[slice | int] = [slice(None)] * 3
            piece[axis] = side
            along = sigma[..., axis]
            leak[tuple(piece)] += (
                area * along * fall / (half * fall + np.where(along > 0, along, 1))
            )
        return leak

    def _flow(self, axis: int) -> np.ndarray:
        """Current density of the source in its own medium over faces, (3, faces ...), nA per nA."""
        faces, widths = self._grid.faces, self._grid.widths
        places = [*self._grid.centres]
        places[axis] = faces[axis]
        halves = [np.zeros(n) for n in map(len, places)]
        area = np.ones((1, 1, 1))
        for other in range(3):
            if other != axis:
                halves[other] = widths[other] / 2.0
                area = area * widths[other].reshape(np.roll((-1, 1, 1), other))
        total = np.zeros((3, *map(len, places)))
        for first, second in itertools.product((-_GAUSS, _GAUSS), repeat=2):
            shares = [first, second]
            shares.insert(axis, 0.0)
            points = [
                p + share * half - c
                for p, share, half, c in zip(places, shares, halves, self._contact, strict=True)
            ]
            away = np.stack(np.meshgrid(*points, indexing="ij"), axis=-1)
            square = np.maximum(tensors.squared_distances(away, self._about), 1e-300)
            size = area / (16.0 * np.pi * np.sqrt(tensors.determinant(self._about))) / square**1.5
            total -= np.moveaxis(away, -1, 0) * size
        # across the face it is its solid angle, which is exact near the source too
        total[axis] = -self._angles[axis] / (4.0 * np.pi)
        return total

    def _solid_angles(self) -> list[np.ndarray]:
        """Solid angles of all faces from the contact, signed along the axes, by axis.

        Lengths are those in which the source's medium is equal in all directions, where a face is
        two triangles (Van Oosterom and Strackee 1983, IEEE Trans Biomed Eng 30:125).
        """
        places = [f - c for f, c in zip(self._grid.faces, self._contact, strict=True)]
        root = np.linalg.cholesky(tensors.matrices(self._about))
        corners = np.stack(np.meshgrid(*places, indexing="ij"), axis=-1)
        corners = corners @ np.linalg.inv(root).T
        angles = []
        for axis in range(3):
            first, second = (k for k in range(3) if k != axis)
            quads = []
            for one, other in ((-1, -1), (0, -1), (0, 0), (-1, 0)):
                quads.append(np.delete(np.delete(corners, one, first), other, second))
            angle = _triangle(quads[0], quads[1], quads[2])
            angle = angle + _triangle(quads[0], quads[2], quads[3])
            # seen edge on, a face has none
            edge_on = (places[axis] == 0).reshape(np.roll((-1, 1, 1), axis))
            angle = np.where(edge_on, 0.0, angle)
            # x to y and y to z turn one way about z and x, x to z the other about y
            angles.append(-angle if axis == 1 else angle)
        return angles


def _triangle(one: np.ndarray, two: np.ndarray, three: np.ndarray) -> np.ndarray:
    """Signed solid angles of triangles from the origin."""
    a, b, c = (np.linalg.norm(corner, axis=-1) for corner in (one, two, three))
    volume = np.einsum("...k,...k->...", one, np.cross(two, three))
    below = a * b * c
    below += np.einsum("...k,...k->...", one, two) * c
    below += np.einsum("...k,...k->...", one, three) * b
    below += np.einsum("...k,...k->...", two, three) * a
    return np.asarray(2.0 * np.arctan2(volume, below))

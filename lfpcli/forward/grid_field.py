"""Potentials in media of any conductivity, by finite volumes on a graded grid.

The potential at a contact of a current at a point is that at the point of the same current at the
contact (reciprocity, Helmholtz 1853): one solution per contact serves all sources. It is split
into the potential of a point source in a medium like that about the contact, which is singular and
known, and a remainder, which is smooth where the contact is and is solved for. What the known part
carries through a face of the grid is the solid angle of the face, so that it is exact; faces
between cells of different conductivity take the harmonic mean. At the outer boundary the potential
falls as that of a point source (Robin). The equations are solved by conjugate gradients,
preconditioned with the inverse of a layered medium, which separates into three small eigenproblems
(fast diagonalisation, Lynch, Rice and Thomas 1964, Numer Math 6:185).
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy import linalg, sparse

from lfpcli.errors import InputError
from lfpcli.forward import tensors
from lfpcli.forward.grid import Grid
from lfpcli.forward.grid_metals import Metals
from lfpcli.forward.grid_tensors import TurnedCorners, TurnedSource
from lfpcli.forward.regions import SURFACE, Medium

# rounds of conjugate gradients before the solution is given up, and the residual wanted
_ROUNDS, _RESIDUAL = 2000, 1e-9
LARGEST, LARGEST_TURNED = 4_000_000, 1_000_000
"""Cells of a grid, of which each takes about 200 bytes, 1,000 where the medium is turned."""


class GridField:
    """A medium on a grid, ready to be solved for contacts.

    Parameters
    ----------
    medium : Medium
        Conductivities.
    grid : Grid
        The cells.

    Raises
    ------
    InputError
        Where the grid has too many cells.
    """

    def __init__(self, medium: Medium, grid: Grid) -> None:
        self.medium, self.grid = medium, grid
        count, most = int(np.prod(grid.shape)), largest_grid(medium)
        if count > most:
            raise InputError(
                f"the grid has {count:,} cells, at most {most:,}",
                remedy="raise the tolerance, or bring the contacts and cells nearer together",
            )
        self.sigma = medium.on_grid(grid.faces)
        centres = np.stack(np.meshgrid(*grid.centres, indexing="ij"), axis=-1)
        self._metals = Metals(medium, self.sigma, centres)
        self._corners = TurnedCorners(self.sigma, grid) if medium.turned else None
        self._links = [self._link(axis) for axis in range(3)]
        self._active = self.sigma.max(axis=-1) > 0
        self._couplings = self._coupling_matrix()
        finite = np.where(self._metals.cells[..., None], 0.0, self.sigma)
        along = np.where(self._metals.cells[..., None], finite.max(axis=(0, 1, 2)), finite)
        self._inverse = _LayeredInverse(along[..., :3], grid)
        # what metal has is told by its neighbours, never by a flux inside it
        self._tissue = finite

    def _link(self, axis: int) -> tuple[np.ndarray, np.ndarray]:
        """Conductances along an axis and conductivities of faces, as `_link`; of metal, 0."""
        conductance, face = _link(self.sigma[..., axis], self.grid, axis)
        if self._corners is not None:
            conductance = conductance * self._corners.two_point(axis)
        metal = self._metals.cells
        if not self._metals.any:
            return conductance, face
        self._metals.check_apart(axis)
        near, far = np.delete(metal, -1, axis=axis), np.delete(metal, 0, axis=axis)
        # cells of one piece have one potential, whatever flows between them
        conductance = np.where(near & far, 0.0, conductance)
        return conductance, np.where(near | far, 0.0, face)

    def _coupling_matrix(self) -> sparse.csr_array:
        """Conductances between neighbours, without what leaves through the boundary."""
        shape = self.grid.shape
        numbers = np.arange(int(np.prod(shape))).reshape(shape)
        rows, columns, values = [], [], []
        diagonal = np.zeros(shape)
        for axis, (conductance, _) in enumerate(self._links):
            near = np.delete(numbers, -1, axis=axis)
            far = np.delete(numbers, 0, axis=axis)
            rows += [near.ravel(), far.ravel()]
            columns += [far.ravel(), near.ravel()]
            values += [-conductance.ravel()] * 2
            pad = [(0, 0)] * 3
            pad[axis] = (0, 1)
            diagonal += np.pad(conductance, pad)
            pad[axis] = (1, 0)
            diagonal += np.pad(conductance, pad)
        # cells that conduct nothing are not part of the problem
        diagonal[~self._active] = 1.0
        rows.append(numbers.ravel())
        columns.append(numbers.ravel())
        values.append(diagonal.ravel())
        entries = np.concatenate(values), (np.concatenate(rows), np.concatenate(columns))
        size = numbers.size
        couplings = sparse.csr_array(entries, shape=(size, size))
        if self._corners is None:
            return couplings
        return sparse.csr_array(couplings + self._corners.couplings)

    def remainder(self, contact: np.ndarray, sigma: np.ndarray) -> np.ndarray:
        """What is to be added to the potential of a point source, in all cells.

        Parameters
        ----------
        contact : ndarray, shape (3,)
            Place of the contact, um.
        sigma : ndarray, shape (3,) or (6,)
            Conductivity of the point source's medium, S/m; infinite where the contact is of metal,
            which has no point source.

        Returns
        -------
        ndarray, shape (nx, ny, nz)
            mV per nA; 0 in cells that conduct nothing.

        Raises
        ------
        InputError
            Where the equations are not solved.
        """
        if np.isinf(sigma[0]):
            return self._of_metal(contact)
        source, boundary = self._source_and_boundary(contact, sigma)
        known = np.zeros(self.grid.shape)
        if self._metals.any:
            known = self._known(contact, sigma)
            source += self._into_metal(known)
        solution = self._solve(source.ravel(), boundary.ravel()).reshape(self.grid.shape)
        # in metal it is the potential as a whole that is solved for
        solution = np.where(self._metals.cells, solution - known, solution)
        return np.where(self._active, solution, 0.0)

    def _of_metal(self, contact: np.ndarray) -> np.ndarray:
        """Potential of a current from a piece of metal, of which no part is known."""
        piece = self.medium.metal_about(contact, SURFACE)
        members = self._metals.labels == piece
        if not members.any():
            raise InputError(
                "metal is thinner than the cells of a grid", remedy="make the region thicker"
            )
        source = np.where(members, 1.0 / members.sum(), 0.0)
        background = tensors.widened(self.medium.background, self.sigma.shape[-1])
        if self._corners is None:
            boundary = self._boundary(contact, background)
        else:
            boundary = self._turned_source(contact, background).boundary()
        return self._solve(source.ravel(), boundary.ravel()).reshape(self.grid.shape)

    def _known(self, contact: np.ndarray, sigma: np.ndarray) -> np.ndarray:
        """Potential of the point source in the middles of all cells, mV per nA."""
        centres = np.stack(np.meshgrid(*self.grid.centres, indexing="ij"), axis=-1)
        return tensors.point_potentials(centres - contact, sigma)

    def _into_metal(self, known: np.ndarray) -> np.ndarray:
        """Current that the known part sends from cells next to metal into it."""
        total = np.zeros(self.grid.shape)
        metal = self._metals.cells
        for axis, (conductance, _) in enumerate(self._links):
            for here, there, side in ((-1, 0, 0), (0, -1, 1)):
                beside = np.delete(metal, there, axis=axis) & ~np.delete(metal, here, axis=axis)
                current = np.where(beside, conductance * np.delete(known, here, axis=axis), 0.0)
                pad = [(0, 0)] * 3
                pad[axis] = (side, 1 - side)
                total -= np.pad(current, pad)
                pad[axis] = (1 - side, side)
                total += np.pad(current, pad)
        return total

    def _source_and_boundary(
        self, contact: np.ndarray, sigma: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """What the known part leaves over in cells, and their conductance to infinity."""
        if self._corners is None:
            return self._source(contact, sigma), self._boundary(contact, sigma)
        known = self._turned_source(contact, sigma)
        return self._left_over(known, contact), known.boundary()

    def _turned_source(self, contact: np.ndarray, sigma: np.ndarray) -> TurnedSource:
        return TurnedSource(self.grid, self._tissue, contact=contact, about=sigma)

    def _left_over(self, known: TurnedSource, contact: np.ndarray) -> np.ndarray:
        """Current, nA per nA, that the known part leaves over in each cell of a turned medium."""
        assert self._corners is not None
        total, leaving = np.zeros((2, *self.grid.shape))
        below, above = [], []
        for axis in range(3):
            upper, lower = known.sides(axis)
            near, far = np.delete(upper, -1, axis), np.delete(lower, 0, axis)
            below.append(near)
            above.append(far)
            leaving += upper - lower
            # between two cells alone, the current is that at which both have one potential
            half = (self.grid.widths[axis] / 2.0).reshape(np.roll((-1, 1, 1), axis))
            pull = self._tissue[..., axis] / half
            one, other = np.delete(pull, -1, axis), np.delete(pull, 0, axis)
            both = np.where(one + other > 0, one + other, 1.0)
            common = (other * near + one * far) / both
            share = self._corners.two_point(axis)
            pad = [(0, 0)] * 3
            pad[axis] = (0, 1)
            total += np.pad(share * (common - near), pad)
            pad[axis] = (1, 0)
            total -= np.pad(share * (common - far), pad)
        total += leaving + self._corners.changes(below, above)
        touched = self._touched(contact)
        # there the current comes from
        total[touched] -= leaving[touched]
        total[~self._active] = 0.0
        return total

    def _source(self, contact: np.ndarray, sigma: np.ndarray) -> np.ndarray:
        """Current, nA per nA, that the known part leaves over in each cell."""
        angles = _solid_angles(self.grid, contact, sigma)
        touched = self._touched(contact)
        total = np.zeros(self.grid.shape)
        tissue = np.zeros(self.grid.shape)
        for axis, angle in enumerate(angles):
            cell = self._tissue[..., axis] / sigma[axis]
            face = self._links[axis][1] / sigma[axis]
            # beyond the boundary the medium is that of the last cell
            first, last = cell.take([0], axis=axis), cell.take([-1], axis=axis)
            conductivity = np.concatenate([first, face, last], axis=axis)
            total -= np.diff(conductivity * angle, axis=axis)
            tissue += cell * np.diff(angle, axis=axis)
        total[touched] += tissue[touched]
        total[~self._active] = 0.0
        return total / (4.0 * np.pi)

    def _touched(self, contact: np.ndarray) -> tuple[np.ndarray, ...]:
        """Indices of the cells that the contact lies in or on."""
        ranges = []
        for faces, place in zip(self.grid.faces, contact, strict=True):
            tight = 1e-9 * (faces[-1] - faces[0])
            inside = (faces[:-1] <= place + tight) & (faces[1:] >= place - tight)
            ranges.append(np.flatnonzero(inside))
        return np.ix_(*ranges)

    def _boundary(self, contact: np.ndarray, sigma: np.ndarray) -> np.ndarray:
        """Conductance of each cell to infinity through the outer faces."""
        leak = np.zeros(self.grid.shape)
        centres, widths = self.grid.centres, self.grid.widths
        offsets = [c - place for c, place in zip(centres, contact, strict=True)]
        for axis in range(3):
            others = [k for k in range(3) if k != axis]
            area = np.multiply.outer(widths[others[0]], widths[others[1]])
            square = np.add.outer(
                offsets[others[0]] ** 2 / sigma[others[0]],
                offsets[others[1]] ** 2 / sigma[others[1]],
            )
            for side, end in ((0, 0), (-1, -1)):
                away = self.grid.faces[axis][end] - contact[axis]
                fall = np.abs(away) / sigma[axis] / (away**2 / sigma[axis] + square)
                conductivity = self._tissue[..., axis].take(side, axis=axis)
                resistance = widths[axis][side] / 2.0 + 1.0 / fall
                piece = [slice(None)] * 3
                piece[axis] = side  # type: ignore[call-overload]
                leak[tuple(piece)] += conductivity * area / resistance
        leak[~self._active] = 0.0
        return leak

    def _solve(self, source: np.ndarray, boundary: np.ndarray) -> np.ndarray:
        """Conjugate gradients with the layered medium's inverse as preconditioner."""
        matrix = self._couplings + sparse.dia_array(
            (boundary[None, :], [0]), shape=self._couplings.shape
        )
        if not self._metals.any:
            return self._conjugate_gradients(matrix, source, self._approximate)
        metals = self._metals
        solution = self._conjugate_gradients(
            metals.merged(matrix.tocsr()),
            metals.summed(source),
            lambda residual: metals.averaged(self._approximate(metals.shared(residual))),
        )
        return metals.spread(solution)

    def _approximate(self, residual: np.ndarray) -> np.ndarray:
        """What the layered medium answers to a residual, in the cells that conduct."""
        return np.asarray(self._inverse(residual) * self._active.ravel())

    @staticmethod
    def _conjugate_gradients(
        matrix: sparse.csr_array,
        source: np.ndarray,
        approximate: Callable[[np.ndarray], np.ndarray],
    ) -> np.ndarray:
        """Solve by conjugate gradients with an approximate inverse."""
        solution = np.zeros_like(source)
        residual = source.copy()
        size = np.linalg.norm(source)
        if size == 0:
            return solution
        step = moved = approximate(residual)
        product = float(residual @ moved)
        for _ in range(_ROUNDS):
            image = matrix @ step
            length = product / float(step @ image)
            solution += length * step
            residual -= length * image
            if np.linalg.norm(residual) <= _RESIDUAL * size:
                return solution
            moved = approximate(residual)
            following = float(residual @ moved)
            step = moved + following / product * step
            product = following
        raise InputError(
            "the potential of a contact does not converge on the grid",
            remedy="use regions whose conductivities are less far apart",
        )


def largest_grid(medium: Medium) -> int:
    """Cells that a grid of a medium may have."""
    return LARGEST_TURNED if medium.turned else LARGEST


def _link(sigma: np.ndarray, grid: Grid, axis: int) -> tuple[np.ndarray, np.ndarray]:
    """Conductance between neighbours along an axis (S/m um), and conductivity of their faces."""
    widths = grid.widths
    shape = [1, 1, 1]
    shape[axis] = -1
    half = (widths[axis] / 2.0).reshape(shape)
    with np.errstate(divide="ignore"):
        # that of metal is none
        resistance = np.where(sigma > 0, half / np.where(sigma > 0, sigma, 1.0), np.inf)
    near, far = np.delete(resistance, -1, axis=axis), np.delete(resistance, 0, axis=axis)
    distance = np.delete(half, -1, axis=axis) + np.delete(half, 0, axis=axis)
    others = [k for k in range(3) if k != axis]
    area = np.ones((1, 1, 1))
    for other in others:
        across = [1, 1, 1]
        across[other] = -1
        area = area * widths[other].reshape(across)
    with np.errstate(divide="ignore"):
        per_area = 1.0 / (near + far)
    return per_area * area, per_area * distance


def _solid_angles(grid: Grid, contact: np.ndarray, sigma: np.ndarray) -> list[np.ndarray]:
    """Solid angles of all faces seen from a contact, signed along the axes, by axis.

    In a medium of three conductivities lengths are divided by their roots, which makes it equal in
    all directions.
    """
    scaled = [
        (faces - place) / np.sqrt(along)
        for faces, place, along in zip(grid.faces, contact, sigma, strict=True)
    ]
    x, y, z = np.meshgrid(*scaled, indexing="ij", sparse=True)
    r = np.sqrt(x**2 + y**2 + z**2)
    angles = []
    for axis, (d, u, v) in enumerate(((x, y, z), (y, x, z), (z, x, y))):
        with np.errstate(divide="ignore", invalid="ignore"):
            corner = np.arctan(u * v / (d * r))
        # seen edge on, a face has none
        corner = np.where(np.broadcast_to(d == 0, corner.shape), 0.0, corner)
        for other in range(3):
            if other != axis:
                corner = np.diff(corner, axis=other)
        angles.append(corner)
    return angles


class _LayeredInverse:
    """Inverse of the operator of a layered medium, by fast diagonalisation."""

    def __init__(self, sigma: np.ndarray, grid: Grid) -> None:
        self._shape = grid.shape
        # layers lie across the axis along which conductivity varies most
        spreads = [float(np.std(sigma.mean(axis=(*_others(k), 3)))) for k in range(3)]
        self._axis = int(np.argmax(spreads))
        profile = sigma.mean(axis=_others(self._axis))
        floor = 1e-6 * profile.max()
        profile = np.maximum(profile, floor)
        modes, rates = [], []
        for axis in range(3):
            width = grid.widths[axis]
            along = np.ones(len(width))
            mass = width.copy()
            if axis == self._axis:
                along, mass = profile[:, axis], width * profile[:, _others(axis)[0]]
            values, vectors = _modes(grid.faces[axis], along, mass)
            modes.append(vectors)
            rates.append(values)
        others = _others(self._axis)
        # conductivities across the layers' axis differ by a factor at most
        second = float(np.mean(profile[:, others[1]]) / np.mean(profile[:, others[0]]))
        factors = [1.0, 1.0, 1.0]
        factors[others[1]] = second
        grid_rates = np.zeros(self._shape)
        for axis in range(3):
            shape = [1, 1, 1]
            shape[axis] = -1
            grid_rates = grid_rates + factors[axis] * rates[axis].reshape(shape)
        self._modes, self._rates = modes, grid_rates

    def __call__(self, values: np.ndarray) -> np.ndarray:
        array = values.reshape(self._shape)
        for axis in range(3):
            array = _along(self._modes[axis].T, array, axis)
        array = array / self._rates
        for axis in range(3):
            array = _along(self._modes[axis], array, axis)
        return np.asarray(array.ravel())


def _others(axis: int) -> tuple[int, int]:
    first, second = (k for k in range(3) if k != axis)
    return first, second


def _modes(faces: np.ndarray, sigma: np.ndarray, mass: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Generalised eigenvalues and vectors of conduction along an axis against mass."""
    width = np.diff(faces)
    half = width / 2.0 / sigma
    links = 1.0 / (half[1:] + half[:-1])
    stiffness = np.zeros((len(width), len(width)))
    inner = np.arange(len(width) - 1)
    stiffness[inner, inner] += links
    stiffness[inner + 1, inner + 1] += links
    stiffness[inner, inner + 1] -= links
    stiffness[inner + 1, inner] -= links
    reach = (faces[-1] - faces[0]) / 2.0
    for end in (0, -1):
        stiffness[end, end] += 1.0 / (half[end] + reach / sigma[end])
    root = 1.0 / np.sqrt(mass)
    values, vectors = linalg.eigh(root[:, None] * stiffness * root[None, :])
    return values, root[:, None] * vectors


def _along(matrix: np.ndarray, array: np.ndarray, axis: int) -> np.ndarray:
    return np.moveaxis(np.tensordot(matrix, array, axes=(1, axis)), 0, axis)

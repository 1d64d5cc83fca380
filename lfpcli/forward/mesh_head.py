"""A head as a mesh of tetrahedra: lead fields of electrodes by finite elements.

The potential at an electrode of a dipole is the gradient, at the dipole, of the potential of a
current that enters at the electrode and leaves evenly through the outer surface (reciprocity):
one solution per electrode serves all sources, and potentials are against the mean of the surface,
as in models of spheres. Elements are quadratic (P2), since linear ones are off by percents.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from scipy import sparse
from scipy.sparse.csgraph import connected_components
from scipy.sparse.linalg import LinearOperator, cg, splu
from scipy.spatial import cKDTree

from lfpcli.errors import InputError, MissingDependencyError

# the four faces of a tetrahedron, by its corners
_FACES = ((1, 2, 3), (0, 2, 3), (0, 1, 3), (0, 1, 2))
# corners of boundary triangles near a place that are looked at
_NEAREST = 24
# rounding up to which a point lies in an element
_INSIDE = 1e-9
FACTORED = 120_000
"""Unknowns up to which the equations are factored; more are solved by iteration."""


@dataclass(frozen=True, kw_only=True)
class MeshHead:
    """Tetrahedra with a conductivity each.

    Attributes
    ----------
    points : ndarray, shape (P, 3)
        Corners, um.
    elements : ndarray of int, shape (M, 4)
        Corners of each tetrahedron.
    sigma : ndarray, shape (M,) or (M, 3, 3)
        Conductivity, S/m.

    Raises
    ------
    InputError
        Where elements are inverted or without volume, the mesh has several parts or a cavity, or
        a conductivity is not positive.
    """

    points: np.ndarray
    elements: np.ndarray
    sigma: np.ndarray

    def __post_init__(self) -> None:
        if not len(self.elements):
            raise InputError("the mesh has no tetrahedra", remedy="mesh the volume")
        self._check_sigma()
        self._check_volumes()
        self._check_parts()

    def _check_sigma(self) -> None:
        tensors = self.tensors
        if not np.all(np.isfinite(tensors)) or np.linalg.eigvalsh(tensors).min() <= 0:
            raise InputError(
                "a conductivity of the mesh is not positive", remedy="give sigma above 0 (S/m)"
            )

    def _check_volumes(self) -> None:
        """Refuse elements that are turned inside out, or flat."""
        volumes = self.volumes
        most = np.abs(volumes).max()
        flat = np.flatnonzero(np.abs(volumes) <= 1e-12 * most)
        if len(flat):
            raise InputError(
                f"{len(flat)} elements have no volume, the first is number {flat[0]}",
                remedy="repair the mesh",
            )
        inverted = np.flatnonzero(volumes < 0)
        if len(inverted):
            raise InputError(
                f"{len(inverted)} of {len(volumes)} elements are inverted, the first is number "
                f"{inverted[0]}",
                remedy="orient all elements alike",
            )

    def _check_parts(self) -> None:
        """Refuse meshes in several parts, and with cavities."""
        neighbours, _ = self._faces
        count = len(self.elements)
        links = sparse.coo_array(
            (np.ones(len(neighbours)), (neighbours[:, 0], neighbours[:, 1])), shape=(count, count)
        )
        parts, _ = connected_components(links, directed=False)
        if parts > 1:
            raise InputError(
                f"the mesh is in {parts} parts that share no faces",
                remedy="merge duplicate points, or mesh one volume",
            )
        triangles = self.boundary
        corners, index = np.unique(triangles, return_inverse=True)
        index = index.reshape(triangles.shape)
        ends = np.concatenate([index[:, [0, 1]], index[:, [1, 2]]])
        edges = sparse.coo_array(
            (np.ones(len(ends)), (ends[:, 0], ends[:, 1])), shape=(len(corners), len(corners))
        )
        surfaces, _ = connected_components(edges, directed=False)
        if surfaces > 1:
            raise InputError(
                "the mesh has holes, or nodes that hang on faces: its boundary is "
                f"{surfaces} surfaces",
                remedy="mesh the cavities too, air with a small sigma",
            )

    @cached_property
    def tensors(self) -> np.ndarray:
        """Conductivity tensors of the elements, shape (M, 3, 3), S/m."""
        if self.sigma.ndim == 3:
            return self.sigma
        return self.sigma[:, None, None] * np.eye(3)

    @cached_property
    def volumes(self) -> np.ndarray:
        """Volumes of the elements, shape (M,), um3; negative where they are inverted."""
        corners = self.points[self.elements]
        edges = corners[:, 1:] - corners[:, :1]
        return np.asarray(np.linalg.det(edges) / 6.0)

    @cached_property
    def _faces(self) -> tuple[np.ndarray, np.ndarray]:
        """Pairs of elements that share a face, (K, 2), and the triangles (B, 3) of one alone."""
        count = len(self.elements)
        faces = np.concatenate([self.elements[:, face] for face in _FACES])
        owner = np.tile(np.arange(count), 4)
        key = np.sort(faces, axis=1)
        order = np.lexsort(key.T)
        same = (key[order][1:] == key[order][:-1]).all(axis=1)
        first, second = order[:-1][same], order[1:][same]
        shared = np.zeros(len(faces), bool)
        shared[first] = shared[second] = True
        return np.stack([owner[first], owner[second]], axis=1), faces[~shared]

    @property
    def boundary(self) -> np.ndarray:
        """Numbers (no unit) of the corners of the triangles of the surface, shape (B, 3)."""
        return self._faces[1]

    def on_surface(self, places: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The nearest points of the surface.

        Parameters
        ----------
        places : ndarray, shape (E, 3)
            um.

        Returns
        -------
        points : ndarray, shape (E, 3)
            um.
        distances : ndarray, shape (E,)
            um.
        """
        corners = self.points[self.boundary]
        tree = cKDTree(corners.mean(axis=1))
        near = tree.query(places, k=min(_NEAREST, len(corners)))[1].reshape(len(places), -1)
        nearest, distances = np.empty_like(places), np.empty(len(places))
        for number, (place, candidates) in enumerate(zip(places, near, strict=True)):
            seen = _on_triangles(place, corners[candidates])
            gaps = np.linalg.norm(seen - place, axis=1)
            nearest[number], distances[number] = seen[np.argmin(gaps)], gaps.min()
        return nearest, distances

    def elements_at(self, places: np.ndarray) -> np.ndarray:
        """Elements that places (S, 3), um, lie in, shape (S,); -1 outside the mesh."""
        tree = cKDTree(self.points[self.elements].mean(axis=1))
        count = min(4 * _NEAREST, len(self.elements))
        near = tree.query(places, k=count)[1].reshape(len(places), -1)
        chosen = np.full(len(places), -1)
        for column in near.T:
            lost = np.flatnonzero(chosen < 0)
            if not len(lost):
                break
            weights = self.barycentric(column[lost], places[lost])
            inside = weights.min(axis=1) >= -_INSIDE
            chosen[lost[inside]] = column[lost[inside]]
        return chosen

    def barycentric(self, elements: np.ndarray, places: np.ndarray) -> np.ndarray:
        """Weights (n, 4) of the corners of elements (n,) at places (n, 3), um."""
        corners = self.points[self.elements[elements]]
        edges = (corners[:, 1:] - corners[:, :1]).transpose(0, 2, 1)
        inner = np.linalg.solve(edges, (places - corners[:, 0])[..., None])[..., 0]
        return np.concatenate([1.0 - inner.sum(axis=1, keepdims=True), inner], axis=1)


def lead_fields(
    head: MeshHead, electrodes: np.ndarray, names: Sequence[str], sources: np.ndarray
) -> np.ndarray:
    """Potentials of unit dipoles at electrodes on the surface.

    Parameters
    ----------
    head : MeshHead
        The mesh.
    electrodes : ndarray, shape (E, 3)
        On the surface, see `MeshHead.on_surface`, um.
    names : sequence of str
        Names of the electrodes, for messages.
    sources : ndarray, shape (S, 3)
        Places of dipoles in the mesh, um.

    Returns
    -------
    ndarray, shape (S, 3, E)
        mV per nA um, against the mean of the surface.

    Raises
    ------
    InputError
        Where a source lies outside the mesh, or the equations are not solved.
    MissingDependencyError
        Where scikit-fem is not installed.
    """
    chosen = head.elements_at(sources)
    lost = np.flatnonzero(chosen < 0)
    if len(lost):
        raise InputError(
            f"{len(lost)} sources lie outside the mesh, the first at "
            f"{sources[lost[0]].round(1).tolist()} um",
            remedy="move them into a tissue",
        )
    equations = _Equations(head)
    result = np.empty((len(sources), 3, len(electrodes)))
    places = equations.gradient_matrix(chosen, sources)
    for number, place in enumerate(electrodes):
        potential = equations.solve(equations.entering(place), names[number])
        result[:, :, number] = (places @ potential).reshape(-1, 3)
    return result


class _Equations:
    """The finite elements of a head, assembled and factored once."""

    def __init__(self, head: MeshHead) -> None:
        skfem = _scikit_fem()
        self._head = head
        mesh = skfem.MeshTet(head.points.T.copy(), head.elements.T.copy(), sort_t=False)
        self._basis = skfem.CellBasis(mesh, skfem.ElementTetP2(), intorder=2)
        surface = skfem.FacetBasis(mesh, skfem.ElementTetP2(), intorder=2)
        tensors = np.moveaxis(head.tensors, 0, -1)

        @skfem.BilinearForm  # type: ignore[untyped-decorator]
        def conduction(u: Any, v: Any, w: Any) -> Any:
            return np.einsum("ijk,jkq,ikq->kq", tensors, u.grad, v.grad)

        @skfem.LinearForm  # type: ignore[untyped-decorator]
        def evenly(v: Any, w: Any) -> Any:
            return v

        self._matrix = sparse.csc_array(conduction.assemble(self._basis))
        leaving = evenly.assemble(surface)
        self._leaving = leaving / leaving.sum()
        # potentials are known but for a constant: the first unknown is held
        reduced = self._matrix[1:, 1:]
        self._factor: Any = None
        self._reduced = reduced
        if reduced.shape[0] <= FACTORED:
            self._factor = splu(reduced.tocsc())

    def entering(self, place: np.ndarray) -> np.ndarray:
        """A current of 1 nA that enters at a place (3,) and leaves evenly, shape (unknowns,)."""
        element = int(_nearest_element(self._head, place))
        values = self._shape(np.array([element]), place[None])[0]
        current = -self._leaving.copy()
        current[self._basis.element_dofs[:, element]] += values
        return np.asarray(current)

    def solve(self, current: np.ndarray, name: str) -> np.ndarray:
        """Potential of a current that adds up to zero, mV, against the mean of the surface."""
        potential = np.zeros(len(current))
        if self._factor is not None:
            potential[1:] = self._factor.solve(current[1:])
        else:
            potential[1:] = self._iterated(current[1:], name)
        return potential - float(self._leaving @ potential)

    def _iterated(self, current: np.ndarray, name: str) -> np.ndarray:
        matrix = self._reduced.tocsr()
        solution, info = cg(matrix, current, rtol=1e-9, maxiter=5000, M=_preconditioner(matrix))
        if info:
            raise InputError(
                f"the potential of electrode {name} does not converge on the mesh",
                remedy="use a mesh whose elements have better shapes",
            )
        return np.asarray(solution)

    def gradient_matrix(self, elements: np.ndarray, places: np.ndarray) -> sparse.csr_array:
        """Matrix (3 S, unknowns) from potentials of unknowns to their gradients at places."""
        weights, slopes = self._weights(elements, places)
        gradients = np.einsum("spi,sic->scp", _shape_slopes(weights), slopes)
        dofs = self._basis.element_dofs[:, elements].T
        rows = np.broadcast_to(
            np.arange(3 * len(places)).reshape(-1, 3)[:, :, None], gradients.shape
        )
        columns = np.broadcast_to(dofs[:, None, :], gradients.shape)
        entries = gradients.ravel(), (rows.ravel(), columns.ravel())
        return sparse.csr_array(entries, shape=(3 * len(places), self._basis.N))

    def _shape(self, elements: np.ndarray, places: np.ndarray) -> np.ndarray:
        weights, _ = self._weights(elements, places)
        return _shape_values(weights)

    def _weights(self, elements: np.ndarray, places: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Barycentric weights (n, 4) of places in elements, and their slopes (n, 4, 3), 1/um."""
        corners = self._head.points[self._head.elements[elements]]
        inverse = np.linalg.inv(corners[:, 1:] - corners[:, :1]).transpose(0, 2, 1)
        weights = self._head.barycentric(elements, places)
        slopes = np.concatenate([-inverse.sum(axis=1, keepdims=True), inverse], axis=1)
        return weights, slopes


# pairs of corners whose middles are nodes, in the order of scikit-fem's ElementTetP2
_EDGES = ((0, 1), (1, 2), (0, 2), (0, 3), (1, 3), (2, 3))


def _shape_values(weights: np.ndarray) -> np.ndarray:
    """Quadratic functions of the ten nodes at barycentric weights (n, 4), shape (n, 10)."""
    corner = weights * (2.0 * weights - 1.0)
    middles = [4.0 * weights[:, a] * weights[:, b] for a, b in _EDGES]
    return np.concatenate([corner, np.stack(middles, axis=1)], axis=1)


def _shape_slopes(weights: np.ndarray) -> np.ndarray:
    """Derivatives of the ten functions by the four weights, shape (n, 10, 4)."""
    slopes = np.zeros((len(weights), 10, 4))
    for corner in range(4):
        slopes[:, corner, corner] = 4.0 * weights[:, corner] - 1.0
    for number, (a, b) in enumerate(_EDGES):
        slopes[:, 4 + number, a] = 4.0 * weights[:, b]
        slopes[:, 4 + number, b] = 4.0 * weights[:, a]
    return slopes


def _nearest_element(head: MeshHead, place: np.ndarray) -> int:
    """The element that a place (3,) on the surface belongs to."""
    tree = cKDTree(head.points[head.elements].mean(axis=1))
    near = tree.query(place, k=min(4 * _NEAREST, len(head.elements)))[1]
    weights = head.barycentric(near, np.broadcast_to(place, (len(near), 3)))
    return int(near[np.argmax(weights.min(axis=1))])


def _on_triangles(place: np.ndarray, corners: np.ndarray) -> np.ndarray:
    """Points of triangles (n, 3, 3) that are nearest to a place (3,), shape (n, 3)."""
    origin, first, second = corners[:, 0], corners[:, 1], corners[:, 2]
    edges = np.stack([first - origin, second - origin], axis=2)
    inner = np.linalg.pinv(edges) @ (place - origin)[..., None]
    u, v = inner[:, 0, 0], inner[:, 1, 0]
    inside = (u >= 0) & (v >= 0) & (u + v <= 1)
    result = origin + u[:, None] * (first - origin) + v[:, None] * (second - origin)
    # beyond an edge, the nearest point lies on one of the three
    on_edges = []
    for a, b in ((origin, first), (first, second), (second, origin)):
        along = b - a
        share = np.sum((place - a) * along, axis=1) / np.sum(along**2, axis=1)
        on_edges.append(a + np.clip(share, 0.0, 1.0)[:, None] * along)
    candidates = np.stack(on_edges)
    best = np.argmin(np.linalg.norm(candidates - place, axis=2), axis=0)
    result[~inside] = candidates[best, np.arange(len(corners))][~inside]
    return np.asarray(result)


def _preconditioner(matrix: sparse.csr_array) -> Any:
    """Algebraic multigrid where pyamg is installed, else the diagonal."""
    try:
        import pyamg
    except ImportError:
        diagonal = matrix.diagonal()
        return LinearOperator(matrix.shape, lambda values: values / diagonal)
    return pyamg.smoothed_aggregation_solver(matrix).aspreconditioner()


def _scikit_fem() -> Any:
    try:
        import skfem
    except ImportError as error:
        raise MissingDependencyError(
            "meshes need scikit-fem, which is not installed",
            remedy="pip install 'lfpcli[fem]'",
        ) from error
    return skfem

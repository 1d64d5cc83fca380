"""Faces of contacts near sources: what the fixed points of a face are too few for.

The rule of `quadrature.DEFAULT_POINTS` converges with the distance over the size of the face. Pairs
within `NEAR` sizes are averaged by adaptive cubature instead (`kernels.faces`). In a medium with
boundaries the face itself is, and so are the other images where one is near to it: those by
a rule of many points, since the image of a flat face in a sphere is none.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lfpcli.forward import anisotropic
from lfpcli.forward.contacts import Contacts
from lfpcli.forward.media import Medium
from lfpcli.forward.quadrature import DEFAULT_POINTS, disc, rectangle
from lfpcli.kernels import potentials as kernel
from lfpcli.kernels.faces import Faces, face_means

NEAR = 1.6
"""Distance of a source from the centre of a face, in radii or half diagonals, below which the
default rule may be wrong by 4e-5."""
FINE_POINTS = 2500
SAME_PLACE = 1e-9


@dataclass(frozen=True, kw_only=True)
class Sources:
    """Segments as sources.

    Attributes
    ----------
    start, end : ndarray, shape (N, 3)
        End points, um; those of points coincide.
    radius : ndarray, shape (N,)
        Least distances, um.
    """

    start: np.ndarray
    end: np.ndarray
    radius: np.ndarray

    def some(self, columns: np.ndarray) -> Sources:
        """Return some of the sources, by their indices (K,)."""
        return Sources(
            start=self.start[columns], end=self.end[columns], radius=self.radius[columns]
        )

    def table(self) -> kernel.Table:
        """Return the sources as the kernels take them."""
        return kernel.source_table(self.start, self.end, self.radius, False)


def flat_faces(contacts: Contacts) -> Faces:
    """Return the faces of contacts, with axes as long as half their sides.

    Parameters
    ----------
    contacts : Contacts
        C faces with normals.

    Returns
    -------
    Faces
        C of them, um.
    """
    first, second = contacts.frames()
    along, across = contacts.face_half_sides
    return Faces(
        centre=contacts.positions,
        first=along * first,
        second=across * second,
        shape=contacts.shape,
    )


def face_size(contacts: Contacts) -> float:
    """Radius of a circle, half the diagonal of a rectangle, um."""
    if contacts.shape == "circle":
        return contacts.radius
    return float(np.hypot(*contacts.face_half_sides))


def near_pairs(sources: Sources, centre: np.ndarray, reach: float) -> tuple[np.ndarray, np.ndarray]:
    """Pairs of a face and a source that is nearer to its centre than `reach`, um.

    Parameters
    ----------
    sources : Sources
        N sources.
    centre : ndarray, shape (F, 3)
        Centres of faces, um.
    reach : float
        um.

    Returns
    -------
    rows, columns : ndarray of int, shape (K,)
        In order of faces, then of sources.
    """
    radius = np.full(len(sources.radius), reach)
    rows, columns, _ = kernel.near_pairs(sources.start, sources.end, radius, centre)
    order = np.lexsort((columns, rows))
    return rows[order], columns[order]


def refine(
    out: np.ndarray,
    sources: Sources,
    faces: Faces,
    size: float,
    *,
    scale: float = 1.0,
    stretch: np.ndarray | None = None,
) -> None:
    """Put the potentials of near pairs right, in an infinite medium.

    Parameters
    ----------
    out : ndarray, shape (F, N)
        mV/nA; near entries are replaced.
    sources : Sources
        N sources.
    faces : Faces
        F faces.
    size : float
        Of a face, um; see `face_size`.
    scale : float
        mV/nA for a potential of 1/um: one over the conductivity, S/m.
    stretch : ndarray, shape (3,), optional
        Of the coordinates, where the medium is anisotropic; `scale` is 1 then.
    """
    factors = np.ones(3) if stretch is None else stretch
    # distances shrink by stretching as much as the axes differ
    reach = NEAR * size * float(factors.max() / factors.min())
    rows, columns = near_pairs(sources, faces.centre, reach)
    if len(rows):
        means = face_means(
            sources.start, sources.end, sources.radius, faces, rows, columns, stretch=factors
        )
        out[rows, columns] = scale * means


def refine_in_medium(
    out: np.ndarray,
    sources: Sources,
    contacts: Contacts,
    medium: Medium,
    *,
    sigma: float | np.ndarray,
    tolerance: float,
) -> None:
    """Put the potentials of near pairs right, in a medium with boundaries.

    Parameters
    ----------
    out : ndarray, shape (C, N)
        mV/nA, of the default rule; near entries are changed.
    sources : Sources
        N sources.
    contacts : Contacts
        C faces.
    medium : Medium
        Makes the images.
    sigma : float or ndarray, shape (3,)
        Conductivity of the tissue, S/m; along x, y and z where it is anisotropic.
    tolerance : float
        Of the images.
    """
    size = face_size(contacts)
    faces = flat_faces(contacts)
    stretch = np.ones(3) if np.ndim(sigma) == 0 else anisotropic.stretches(np.asarray(sigma))
    scale = 1.0 / float(sigma) if np.ndim(sigma) == 0 else 1.0
    reach = NEAR * size * float(stretch.max() / stretch.min())
    rows, columns = near_pairs(sources, faces.centre, reach)
    for row in np.unique(rows):
        near = columns[rows == row]
        some = sources.some(near)
        coarse = _Images(contacts, int(row), medium, sigma=sigma, tolerance=tolerance)
        value = out[row, near].astype(float)
        if coarse.direct:
            one = Faces(
                centre=faces.centre[row : row + 1],
                first=faces.first[row : row + 1],
                second=faces.second[row : row + 1],
                shape=faces.shape,
            )
            pairs = np.arange(len(near))
            exact = face_means(
                some.start,
                some.end,
                some.radius,
                one,
                np.zeros_like(pairs),
                pairs,
                stretch=stretch,
            )
            # the cubature's share of the face itself, for that of the fixed points
            value += coarse.direct * scale * exact - coarse.of_itself(some)
        if coarse.others_are_near(reach):
            fine = _Images(
                contacts, int(row), medium, sigma=sigma, tolerance=tolerance, count=FINE_POINTS
            )
            value += fine.of_others(some) - coarse.of_others(some)
        out[row, near] = value


class _Images:
    """Images of the points of one face, told apart in those that are the face and all others."""

    def __init__(
        self,
        contacts: Contacts,
        row: int,
        medium: Medium,
        *,
        sigma: float | np.ndarray,
        tolerance: float,
        count: int | None = None,
    ) -> None:
        faces, size = flat_faces(contacts), np.array(contacts.face_half_sides)
        self.sigma = sigma
        self.centre = faces.centre[row]
        self.size = face_size(contacts)
        plane, share = _rule(contacts.shape, count)
        axes = np.stack([faces.first[row], faces.second[row]])
        points = self.centre + plane @ axes
        self.images, factors = medium.images(points[None], sigma, tolerance)
        self.images, factors = self.images[0], factors[0]
        self.weights = share[:, None] * factors
        offset = np.abs(self.images - points[:, None]).max(axis=(0, 2))
        # only what is the same all over the face can be taken out of the mean
        constant = np.ptp(factors, axis=0) == 0.0
        self.is_itself = (offset <= SAME_PLACE * size.max()) & constant
        self.direct = float(np.sum(factors[0, self.is_itself]))

    def of_itself(self, sources: Sources) -> np.ndarray:
        """Potentials of the images that are the face, shape (K,), mV/nA."""
        return self._potentials(sources, self.is_itself)

    def of_others(self, sources: Sources) -> np.ndarray:
        """Potentials of all other images, shape (K,), mV/nA."""
        return self._potentials(sources, ~self.is_itself)

    def others_are_near(self, reach: float) -> bool:
        """Whether an image other than the face may be near to a source that the face is near to."""
        used = ~self.is_itself & np.any(self.weights != 0, axis=0)
        distance = np.linalg.norm(self.images[:, used] - self.centre, axis=2)
        return bool(np.any(distance < 2.0 * reach + self.size))

    def _potentials(self, sources: Sources, which: np.ndarray) -> np.ndarray:
        points = self.images[:, which].reshape(1, -1, 3)
        weights = self.weights[:, which].reshape(1, -1)
        if np.ndim(self.sigma):
            ends = (sources.start, sources.end, sources.radius, False)
            along = np.asarray(self.sigma)
            return np.asarray(anisotropic.matrix(ends, points, weights, along)[0])
        weights = weights / self.sigma
        return np.asarray(kernel.potential(sources.table(), points, weights)[0])


def _rule(shape: str, count: int | None) -> tuple[np.ndarray, np.ndarray]:
    rule = disc if shape == "circle" else rectangle
    return rule(count or DEFAULT_POINTS)

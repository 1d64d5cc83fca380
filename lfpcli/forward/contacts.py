"""Contacts of an electrode array: where they are, which way they face, how large they are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike

from lfpcli.errors import InputError, nearest
from lfpcli.vocabulary import SHAPES


@dataclass
class Contacts:
    """Contacts of one array, as points or as flat faces of one size and shape.

    Attributes
    ----------
    positions : ndarray, shape (C, 3)
        Centres, um.
    normals : ndarray, shape (C, 3), or None
        Directions the faces look in; stored with unit length. One vector serves
        for all contacts. Faces that are averaged over need them.
    radius : float
        Size of a face, um: the radius of a circle, half the side of a square.
        0 makes the contacts points.
    shape : {'circle', 'square', 'rect'}
        Shape of the faces.
    half_sides : tuple of two floats, or None
        Half the sides of a ``rect`` along `frames`' first and second axis, um.
    tangents : ndarray, shape (C, 3), or None
        Directions of the first side in the face; see `frames`.
    name : str
        Name of the array.
    ids : sequence of str
        Names of the contacts; ``"0"``, ``"1"`` ... where none are given.

    Raises
    ------
    InputError
        Where a value is not finite or has the wrong shape, size or sign.
    """

    positions: np.ndarray
    normals: np.ndarray | None = None
    radius: float = 0.0
    shape: str = "circle"
    half_sides: tuple[float, float] | None = None
    tangents: np.ndarray | None = None
    name: str = ""
    ids: Sequence[str] = ()

    def __post_init__(self) -> None:
        self.positions = _vectors(self.positions, "positions")
        if self.normals is not None:
            self.normals = self._directions(self.normals, "normals")
        if self.tangents is not None:
            self.tangents = self._checked_tangents(self.tangents)
        self._check_face()
        self._check_ids()

    def __len__(self) -> int:
        return len(self.positions)

    def __repr__(self) -> str:
        face = f"{self.shape} faces" if self.has_face else "points"
        return f"Contacts({self.name + ': ' if self.name else ''}{len(self)} {face})"

    @property
    def has_face(self) -> bool:
        """Whether the contacts are faces to average over, not points."""
        return self.radius > 0 or self.half_sides is not None

    @property
    def face_half_sides(self) -> tuple[float, float]:
        """Half extents of a face along its two axes, um; (0, 0) for points."""
        return self.half_sides if self.half_sides is not None else (self.radius, self.radius)

    def frames(self) -> tuple[np.ndarray, np.ndarray]:
        """Two unit vectors in the plane of each face.

        The first is the tangent where given, else the horizontal direction
        z x normal, or x for a face that looks along z. The second is
        normal x first.

        Returns
        -------
        first, second : ndarray, shape (C, 3)

        Raises
        ------
        InputError
            Where the contacts have no normals.
        """
        if self.normals is None:
            raise InputError(
                f"contacts{f' of {self.name}' if self.name else ''} have a face but no normal",
                remedy="give the normals, or radius 0 for points",
            )
        if self.tangents is not None:
            first = self.tangents
        else:
            first = np.cross([0.0, 0.0, 1.0], self.normals)
            size = np.linalg.norm(first, axis=1, keepdims=True)
            # faces that look along z have no horizontal direction of their own
            along_z = size[:, 0] < 1e-9
            first = np.where(
                along_z[:, None], [1.0, 0.0, 0.0], first / np.where(size == 0, 1, size)
            )
            first -= np.sum(first * self.normals, axis=1, keepdims=True) * self.normals
            first /= np.linalg.norm(first, axis=1, keepdims=True)
        return first, np.cross(self.normals, first)

    def some(self, rows: np.ndarray) -> Contacts:
        """Return some of the contacts, by their numbers (K,)."""
        return replace(
            self,
            positions=self.positions[rows],
            normals=None if self.normals is None else self.normals[rows],
            tangents=None if self.tangents is None else self.tangents[rows],
            ids=[self.ids[row] for row in rows],
        )

    def moved(
        self,
        shift: ArrayLike = (0.0, 0.0, 0.0),
        rotation: ArrayLike | None = None,
        about: ArrayLike = (0.0, 0.0, 0.0),
    ) -> Contacts:
        """Return the contacts after a rotation about a point and then a shift.

        Parameters
        ----------
        shift : array_like, shape (3,)
            Shift, um.
        rotation : array_like, shape (3, 3), optional
            Rotation matrix R; a position r becomes about + R (r - about) + shift.
        about : array_like, shape (3,)
            Fixed point of the rotation, um.

        Returns
        -------
        Contacts
            A copy; normals and faces turn with the array.
        """
        if rotation is None:
            return replace(self, positions=self.positions + np.asarray(shift, dtype=float))
        turn = np.asarray(rotation, dtype=float)
        if turn.shape != (3, 3) or not np.allclose(turn @ turn.T, np.eye(3), atol=1e-9):
            raise InputError("rotation of contacts is not a rotation matrix, shape (3, 3)")
        centre = np.asarray(about, dtype=float)
        positions = (self.positions - centre) @ turn.T + centre + np.asarray(shift, dtype=float)
        if self.normals is None:
            return replace(self, positions=positions)
        # fixed before the turn, since the rule for them refers to the z axis of space
        tangents = self.frames()[0] @ turn.T
        return replace(self, positions=positions, normals=self.normals @ turn.T, tangents=tangents)

    def _directions(self, value: np.ndarray, label: str) -> np.ndarray:
        vectors = np.asarray(value, dtype=float)
        if vectors.ndim == 1:
            vectors = np.broadcast_to(vectors, (len(self), len(vectors)))
        vectors = _vectors(vectors, label)
        if len(vectors) != len(self):
            raise InputError(f"contacts: {len(vectors)} {label} for {len(self)} positions")
        largest = np.abs(vectors).max(axis=1, keepdims=True, initial=0.0)
        if np.any(largest == 0):
            raise InputError(f"contacts: zero vector among the {label}")
        # squares of very large or small components would overflow or vanish
        vectors = vectors / largest
        return np.asarray(vectors / np.linalg.norm(vectors, axis=1, keepdims=True))

    def _checked_tangents(self, value: np.ndarray) -> np.ndarray:
        if self.normals is None:
            raise InputError("contacts: tangents without normals")
        tangents = self._directions(value, "tangents")
        if np.any(np.abs(np.sum(tangents * self.normals, axis=1)) > 1e-6):
            raise InputError("contacts: a tangent is not perpendicular to its normal")
        return tangents

    def _check_face(self) -> None:
        if self.shape not in SHAPES:
            raise InputError(
                f"contacts: unknown shape '{self.shape}'",
                remedy=nearest(str(self.shape), SHAPES, "shape"),
            )
        self.radius = _size(self.radius, "radius")
        if self.half_sides is not None:
            sides = tuple(_size(s, "half side") for s in np.ravel(self.half_sides))
            if self.shape != "rect" or len(sides) != 2 or min(sides) == 0:
                raise InputError("contacts: half_sides are two positive lengths of a 'rect'")
            self.half_sides = (sides[0], sides[1])

    def _check_ids(self) -> None:
        self.ids = [str(i) for i in self.ids] or [str(i) for i in range(len(self))]
        if len(self.ids) != len(self):
            raise InputError(f"contacts: {len(self.ids)} ids for {len(self)} positions")


def _vectors(value: ArrayLike, label: str) -> np.ndarray:
    try:
        vectors = np.array(value, dtype=float, order="C")
    except (TypeError, ValueError) as error:
        raise InputError(f"contacts: {label} are not numbers") from error
    if vectors.ndim != 2 or vectors.shape[1] != 3:
        raise InputError(f"contacts: {label} have shape {vectors.shape}, expected (C, 3)")
    if not np.all(np.isfinite(vectors)):
        row = int(np.flatnonzero(~np.isfinite(vectors).all(axis=1))[0])
        raise InputError(f"contacts: {label} of contact {row} are not finite")
    return vectors


def _size(value: object, label: str) -> float:
    try:
        size = float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError) as error:
        raise InputError(f"contacts: {label} {value!r} is not a number") from error
    if not np.isfinite(size) or size < 0:
        raise InputError(f"contacts: {label} is {size:g} um, expected a finite length >= 0")
    return size

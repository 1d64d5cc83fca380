"""Where a cell of templates goes: random places or those of a file, and paths that begin there."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from lfpcli.errors import InputError, UsageError
from lfpcli.forward.contacts import Contacts
from lfpcli.forward.placements import Placements
from lfpcli.forward.placing import Accept, box_about, near_soma, random_placements
from lfpcli.geometry import Geometry
from lfpcli.io.placements import read_placements
from lfpcli.seeds import generator

# ends of a path that are drawn before one must fit
_DRAWS = 1000


@dataclass(frozen=True, kw_only=True)
class Path:
    """A straight way that a cell drifts.

    Attributes
    ----------
    steps : int
        Number of places on it, both ends included, at least 2.
    vector : sequence of float, shape (3,), or None
        From its begin to its end, um, the same for all cells.
    box : sequence of float, shape (3, 2), or None
        Instead: where its end is drawn, from its begin: bounds along x, y and z, um.
    lengths : (float, float)
        Shortest and longest path that is drawn, um.
    """

    steps: int
    vector: Sequence[float] | None = None
    box: Sequence[Sequence[float]] | None = None
    lengths: tuple[float, float] = (0.0, np.inf)

    def along(self, begins: Placements, seed: int, number: int = 0) -> Placements:
        """All places on the paths that begin at placements, path by path.

        Parameters
        ----------
        begins : Placements
            Where they begin.
        seed, number : int
            Seed of drawn ends, and the number of the cell.

        Raises
        ------
        UsageError
            Where no end of such a length is in the box.
        """
        shares = np.linspace(0.0, 1.0, self.steps)
        moves = shares[:, None] * self._vectors(len(begins), seed, number)[:, None, :]
        positions = begins.positions[:, None, :] + moves
        return Placements(positions.reshape(-1, 3), np.repeat(begins.rotations, self.steps, axis=0))

    def _vectors(self, count: int, seed: int, number: int) -> np.ndarray:
        """From begin to end of each path, (count, 3), um."""
        if self.box is None:
            return np.tile(np.asarray(self.vector, float), (count, 1))
        vectors = np.empty((count, 3))
        low, high = self.lengths
        ends = np.asarray(self.box, float)
        for unit in range(count):
            stream = generator(seed, "path", unit, number)
            drawn = stream.uniform(ends[:, 0], ends[:, 1], (_DRAWS, 3))
            length = np.linalg.norm(drawn, axis=1)
            fitting = np.flatnonzero((length >= low) & (length <= high))
            if not len(fitting):
                raise UsageError(
                    f"no path in the box is {low:g} to {high:g} um long",
                    remedy="widen --path-box or --path-length",
                )
            vectors[unit] = drawn[fitting[0]]
        return vectors


@dataclass(frozen=True)
class Places:
    """Where the cell goes.

    Attributes
    ----------
    source : int or path-like
        Number of random placements, or a file of placements.
    box : sequence of float, shape (3, 2), optional
        Where random somata go: lower and upper end along x, y and z, um; the extent of the
        contacts with 50 um about it where left out.
    turn : str
        How random placements are turned, see `lfpcli.forward.placing.random_placements`.
    beta : (float, float), optional
        Parameters of the distribution of their x.
    min_distance : float, optional
        Least distance of the contacts from the surface of the soma, um.
    seed : int
        Seed of the random placements.
    path : Path, optional
        Where each placement goes from there, for cells that drift.
    """

    source: int | str | os.PathLike[str]
    box: Sequence[Sequence[float]] | None = None
    turn: str = "any"
    beta: tuple[float, float] | None = None
    min_distance: float | None = None
    seed: int = 0
    path: Path | None = None


def placements_of(
    places: Places,
    cell: Geometry,
    contacts: Contacts,
    fit: Accept | None = None,
    *,
    number: int = 0,
) -> Placements:
    """Draw or read placements that `fit` takes, shape (P,) bool of P placements; see `Places`.

    The number of the cell keys what is drawn for it.
    """
    least = places.min_distance
    if not isinstance(places.source, int):
        chosen = read_placements(places.source)
        if least is not None:
            _refuse_near(near_soma(cell, contacts, chosen, least), least, places.source)
        if fit is not None:
            _refuse_unfit(fit(chosen), places.source)
        return chosen

    def accept(some: Placements) -> np.ndarray:
        kept = np.ones(len(some), dtype=bool)
        if least is not None:
            kept &= ~near_soma(cell, contacts, some, least)
        # templates are made of those alone that are far enough
        if fit is not None and kept.any():
            kept[kept] = fit(Placements(some.positions[kept], some.rotations[kept]))
        return kept

    return random_placements(
        places.source,
        box_about(contacts) if places.box is None else np.asarray(places.box),
        places.seed,
        turn=places.turn,
        beta=places.beta,
        accept=None if least is None and fit is None else accept,
        number=number,
    )


def _refuse_unfit(fits: np.ndarray, source: str | os.PathLike[str]) -> None:
    if not fits.all():
        raise InputError(
            f"{np.count_nonzero(~fits)} of {len(fits)} placements have templates of another"
            f" amplitude or shape, the first is {np.argmin(fits)}",
            source=source,
            remedy="leave them out of the file, or relax --amplitude and --check-shape",
        )


def _refuse_near(near: np.ndarray, least: float, source: str | os.PathLike[str]) -> None:
    if near.any():
        raise InputError(
            f"{np.count_nonzero(near)} of {len(near)} placements have a contact nearer than "
            f"{least:g} um to the soma, the first is {np.argmax(near)}",
            source=source,
            remedy="move the placements away from the contacts",
        )

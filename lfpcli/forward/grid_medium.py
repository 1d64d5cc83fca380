"""A medium of any conductivity, solved on a grid about each contact.

The potential at a contact is that of the sources in a medium like that about the contact, whose
kernels are those of the infinite medium, and a remainder that the grid has. Each contact has grids
of its own, which depend on nothing but it and the medium: bits do not depend on what else is
measured, nor on how cells are shared out.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from lfpcli.errors import InputError, UsageError
from lfpcli.forward.contacts import Contacts
from lfpcli.forward.media import check_inside
from lfpcli.forward.regions import Medium
from lfpcli.geometry import Geometry
from lfpcli.kernels.threads import threads_for

if TYPE_CHECKING:
    from lfpcli.forward.contact_field import ContactField

TOLERANCE = 1e-3
"""Median error of potentials about a contact."""
REACH = 20_000.0
"""How far a grid goes from its contact, um."""
MEMORY = 2_000_000_000
"""Bytes that the fields of contacts may take."""
# a line is averaged over pairs of Gauss points, one pair for each so many um
_PAIR = 20.0
_GAUSS = 0.5 / np.sqrt(3.0)
# threads that solve, and bytes that they may take together
_MOST_THREADS, _WORKING_MEMORY = 4, 4_000_000_000
# contacts by whose grids the memory of all is estimated
_LOOKED_AT = 8


@dataclass(frozen=True, kw_only=True, eq=False)
class GridMedium:
    """A medium of regions and its solutions for contacts.

    Attributes
    ----------
    conductor : Medium
        Background and regions.
    tolerance : float
        Median error of the potential 20 to 500 um about a contact, relative to the potential at
        the same place.
    reach : float
        How far from a contact sources may be, um.
    """

    conductor: Medium
    tolerance: float = TOLERANCE
    reach: float = REACH
    _fields: dict[bytes, ContactField] = field(default_factory=dict, init=False, repr=False)

    def __post_init__(self) -> None:
        if not 0 < self.tolerance < 1:
            raise UsageError(f"tolerance is {self.tolerance!r}, expected a number from 0 to 1")
        if not self.reach >= 1000:
            raise UsageError(f"reach is {self.reach!r} um, expected at least 1000")

    def prepare(self, geometry: Geometry) -> Geometry:
        """Return the segments, after checking that they are where something conducts."""
        outside, in_metal = np.zeros((2, len(geometry)), bool)
        for ends in (geometry.start, geometry.end):
            sigma = self.conductor.at(ends).max(axis=1)
            outside |= sigma == 0
            in_metal |= np.isinf(sigma)
        check_inside(geometry, outside, "what conducts; coordinates in")
        check_inside(geometry, in_metal, "the tissue, into metal; coordinates in")
        return geometry

    def keep(self, contacts: Contacts, fields: Sequence[ContactField]) -> None:
        """Take solutions for contacts that are known, one for each."""
        for position, one in zip(contacts.positions, fields, strict=True):
            self._fields[position.tobytes()] = one

    def solve(self, contacts: Contacts) -> list[ContactField]:
        """Solutions for contacts, those known already as they are.

        Parameters
        ----------
        contacts : Contacts
            C contacts; of faces, their centres.

        Returns
        -------
        list of ContactField
            C of them.

        Raises
        ------
        InputError
            Where a contact is in what does not conduct, the tolerance cannot be held, or the
            fields take too much memory.
        """
        # its solver takes scipy, which is long to import and few media need
        from lfpcli.forward.contact_field import contact_field

        keys = [position.tobytes() for position in contacts.positions]
        lacking = {key: k for k, key in enumerate(keys) if key not in self._fields}
        if not lacking:
            return [self._fields[key] for key in keys]
        threads = self._threads(contacts.positions[list(lacking.values())])

        def solved(number: int) -> ContactField:
            return contact_field(
                self.conductor,
                contacts.positions[number],
                str(contacts.ids[number]),
                tolerance=self.tolerance,
                reach=self.reach,
            )

        with ThreadPoolExecutor(max_workers=threads) as pool:
            for key, result in zip(lacking, pool.map(solved, lacking.values()), strict=True):
                self._fields[key] = result
                size = sum(one.size for one in self._fields.values())
                if size > MEMORY:
                    pool.shutdown(wait=False, cancel_futures=True)
                    raise _too_much(len(lacking), "more than", MEMORY)
        return [self._fields[key] for key in keys]

    def check_memory(self, contacts: Contacts) -> None:
        """Raise `InputError` where the fields of contacts will take too much memory."""
        self._threads(contacts.positions)

    def _threads(self, places: np.ndarray) -> int:
        """How many contacts at places (C, 3), um, are solved at once, see `check_memory`."""
        from lfpcli.forward.contact_field import (
            STORED,
            WORKING,
            WORKING_TURNED,
            least_cells,
        )

        # places spread over all tell of all, and no grid of thousands is made to be counted
        chosen = np.unique(np.linspace(0, len(places) - 1, _LOOKED_AT).astype(int))
        cells = [least_cells(self.conductor, places[k], self.reach) for k in chosen]
        size = len(places) * STORED * float(np.mean([kept for kept, _ in cells]))
        if size > MEMORY:
            raise _too_much(len(places), "an estimated", round(size))
        each = WORKING_TURNED if self.conductor.turned else WORKING
        working = each * max(finer for _, finer in cells)
        return max(1, min(_MOST_THREADS, threads_for(2**62), _WORKING_MEMORY // working))

    def remainders(self, contacts: Contacts, start: np.ndarray, end: np.ndarray) -> np.ndarray:
        """What the medium adds to the potentials of sources in a medium like the contact's.

        Parameters
        ----------
        contacts : Contacts
            C contacts; of faces, the centre stands for all.
        start, end : ndarray, shape (N, 3)
            End points of line sources, um; those of points coincide.

        Returns
        -------
        ndarray, shape (C, N)
            mV per nA.
        """
        points, first = gauss_points(start, end)
        counts = np.diff([*first, len(points)])
        result = np.empty((len(contacts), len(start)))
        for row, one in zip(result, self.solve(contacts), strict=True):
            row[:] = np.add.reduceat(one.at(points), first) / counts
        return result


def _too_much(contacts: int, amount: str, size: int) -> InputError:
    return InputError(
        f"the fields of {contacts} contacts take {amount} {size / 1e6:,.0f} MB, at most "
        f"{MEMORY / 1e6:,.0f}",
        remedy="raise the medium's tolerance, or measure some contacts at a time",
    )


def gauss_points(start: np.ndarray, end: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Points of equal weight that a line's potential is the mean of.

    Parameters
    ----------
    start, end : ndarray, shape (N, 3)
        um.

    Returns
    -------
    points : ndarray, shape (M, 3)
        um; two for each 20 um begun, one for a line without length.
    first : ndarray of int, shape (N,)
        Number of the first point of each line.
    """
    length = np.linalg.norm(end - start, axis=1)
    pairs = np.ceil(length / _PAIR).astype(np.int64)
    counts = np.where(pairs > 0, 2 * pairs, 1)
    first = np.cumsum(counts) - counts
    source = np.repeat(np.arange(len(start)), counts)
    number = np.arange(len(source)) - first[source]
    side = np.where(number % 2 == 0, -_GAUSS, _GAUSS)
    share = np.where(pairs[source] > 0, number // 2 + 0.5 + side, 0.0)
    share = share / np.maximum(pairs[source], 1)
    return start[source] + share[:, None] * (end - start)[source], first

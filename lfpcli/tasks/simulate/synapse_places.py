"""Where on cells the tables of a model put synapses."""

from __future__ import annotations

import numpy as np

from lfpcli.errors import InputError, located
from lfpcli.model import Candidates, Location, resolve
from lfpcli.model.distribution import LARGEST_COUNT
from lfpcli.model.location import parse_location
from lfpcli.tasks.measure.streams import Member
from lfpcli.tasks.simulate.layout import Layout


class SynapsePlaces:
    """Where on cells one table puts synapses; what does not depend on where a cell stands is
    looked up once.
    """

    def __init__(self, location: Location, layout: Layout) -> None:
        self._location, self._layout = location, layout
        # depth and height depend on how a cell stands, distances along it do not
        keys = (location.depth, location.z_min, location.z_max, location.nearest)
        self._same_everywhere = all(key is None for key in keys)
        self._candidates: dict[str, Candidates] = {}

    def of(self, member: Member) -> Candidates:
        """Segments of a cell among which places are drawn."""
        if not self._same_everywhere:
            return resolve(self._location, member.geometry)
        name = self._layout.kind(member.population, member.gid)
        if name not in self._candidates:
            self._candidates[name] = resolve(self._location, member.geometry)
        return self._candidates[name]


def told_segments(texts: np.ndarray, member: Member, location: Location) -> np.ndarray:
    """Segments of a cell that a table names: indices, or places such as apic[3](0.5).

    Parameters
    ----------
    texts : ndarray of str, shape (n,)
        Indices of segments or places, an entry of the table each.
    member : Member
        The cell.
    location : Location
        The place that names the column, for messages.

    Returns
    -------
    ndarray of int, shape (n,)
        Segments.

    Raises
    ------
    InputError
        Where a text is neither, or the cell has no such segment.
    """
    segments = []
    for text in texts.tolist():
        with located(location.source_line):
            parsed = parse_location(f"#{text}" if text.isdigit() else text)
        segments.append(int(resolve(parsed, member.geometry, location.source_line).indices[0]))
    return np.array(segments, np.int64)


def density_count(expected: float, rng: np.random.Generator, source_line: str) -> int:
    """Number of synapses of a cell, a whole one next to the expected one, whose mean that is.

    Raises
    ------
    InputError
        Where they are more than a table may count.
    """
    if expected > LARGEST_COUNT:
        raise InputError(
            f"the density makes {expected:.3g} synapses of one cell, more than {LARGEST_COUNT:,}",
            source=source_line or None,
            remedy="lower it; it is per um2",
        )
    return int(np.floor(expected + rng.random()))

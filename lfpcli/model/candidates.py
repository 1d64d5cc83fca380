"""The segments that a place on a cell stands for."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from lfpcli.errors import InputError
from lfpcli.geometry import Geometry, select_sections
from lfpcli.model.location import Location


@dataclass(frozen=True)
class Candidates:
    """Segments among which a place is drawn.

    Attributes
    ----------
    indices : ndarray of int, shape (M,)
        Segments, in order.
    probabilities : ndarray, shape (M,)
        Chance of each; they add to 1.
    area : float
        Membrane area of all of them, um2.
    """

    indices: np.ndarray
    probabilities: np.ndarray
    area: float = 0.0

    def draw(self, rng: np.random.Generator, n: int) -> np.ndarray:
        """Draw segments with replacement.

        Parameters
        ----------
        rng : numpy.random.Generator
            Source of randomness; unused where there is one candidate.
        n : int
            How many.

        Returns
        -------
        ndarray of int, shape (n,)
        """
        if len(self.indices) == 1:
            return np.full(n, self.indices[0])
        edges = np.cumsum(self.probabilities)
        return self.indices[np.searchsorted(edges / edges[-1], rng.random(n), side="right")]


def resolve(location: Location, geometry: Geometry, source_line: str | None = None) -> Candidates:
    """Find the segments that a place on a cell stands for.

    Parameters
    ----------
    location : Location
        The place.
    geometry : Geometry
        One cell, where and how it stands in the model.
    source_line : str, optional
        Where the place is written, for messages; the location's own by default.

    Returns
    -------
    Candidates
        One segment for a section and x, an index, or a nearest point; else all segments in the
        named sections and depths, with chances by membrane area times the sum of the weighted
        densities of depth at the segments' middles.

    Raises
    ------
    InputError
        Where no section or segment fits.
    """
    source_line = source_line or location.source_line or None
    if location.form == "section":
        return _single(_at_x(location, geometry, source_line))
    if location.form in ("each", "column"):
        raise InputError(
            f"'{location.form}' is no single place", source=source_line, remedy="name a section"
        )
    if location.form == "index":
        return _single(_at_index(int(location.index or 0), geometry, source_line))
    allowed = section_mask(geometry, location.sections or ("all",), source_line)
    if location.nearest is not None:
        indices = np.flatnonzero(allowed)
        away = np.linalg.norm(geometry.middle[indices] - np.array(location.nearest), axis=1)
        return _single(int(indices[np.argmin(away)]))
    return _by_area(location, geometry, allowed, source_line)


def middles(
    patterns: Sequence[str], geometry: Geometry, source_line: str | None = None
) -> np.ndarray:
    """The segment in the middle of each of some sections, in the order of the cell.

    Parameters
    ----------
    patterns : sequence of str
        See `lfpcli.geometry.select_sections`.
    geometry : Geometry
        The cell.
    source_line : str, optional
        Where the patterns are written, for messages.

    Returns
    -------
    ndarray of int, shape (M,)
        Segments.

    Raises
    ------
    InputError
        Where a pattern names no section.
    """
    sections = _selected(tuple(geometry.section_names), tuple(patterns), source_line)
    segments = []
    for section in np.unique(sections).tolist():
        inside = np.flatnonzero(geometry.section == section)
        if len(inside):
            along = inside[np.argsort(geometry.x[inside], kind="stable")]
            segments.append(int(along[len(along) // 2]))
    return np.array(segments, np.int64)


def section_mask(
    geometry: Geometry, patterns: Sequence[str], source_line: str | None = None
) -> np.ndarray:
    """Segments in the sections that any of the patterns names.

    Parameters
    ----------
    geometry : Geometry
        The cell.
    patterns : sequence of str
        See `lfpcli.geometry.select_sections`.
    source_line : str, optional
        Where the patterns are written, for messages.

    Returns
    -------
    ndarray of bool, shape (N,)
        Which segments are in them, an identity of the segments' order.

    Raises
    ------
    InputError
        Where a pattern names no section.
    """
    mask = np.zeros(len(geometry.section_names), dtype=bool)
    mask[_selected(tuple(geometry.section_names), tuple(patterns), source_line)] = True
    segments: np.ndarray = mask[geometry.section]
    return segments


@functools.lru_cache(maxsize=256)
def _selected(
    names: tuple[str, ...], patterns: tuple[str, ...], source_line: str | None
) -> np.ndarray:
    """Indices of sections; a network asks the same of each of its many equal cells."""
    try:
        return select_sections(names, patterns)
    except InputError as error:
        raise InputError(error.message, source=source_line, remedy=error.remedy) from error


def _single(index: int) -> Candidates:
    return Candidates(np.array([index], dtype=np.int64), np.ones(1))


def _at_index(index: int, geometry: Geometry, source_line: str | None) -> int:
    if not 0 <= index < len(geometry):
        raise InputError(
            f"there is no segment {index}",
            source=source_line,
            remedy=f"the cell has {len(geometry)} segments, 0 to {len(geometry) - 1}",
        )
    return index


def _at_x(location: Location, geometry: Geometry, source_line: str | None) -> int:
    """Segment that holds x of a section; of several somata the first one's."""
    name = str(location.section)
    names = tuple(geometry.section_names)
    if name.isascii() and name.isdigit() and name not in names:
        sections = np.array([_checked_number(int(name), len(names), source_line)])
    else:
        sections = _selected(names, (name,), source_line)
    # "dend" names a family, unless a section has just this name
    whole = [k for k in sections if names[k] == name or names[k].endswith(f".{name}")]
    if whole:
        sections = np.array(whole)
    if len(sections) > 1 and name != "soma":
        first = names[sections[0]].rsplit(".", 1)[-1]
        raise InputError(
            f"'{name}' names {len(sections)} sections",
            source=source_line,
            remedy=f'name one, such as {first}, or draw among them with sections = ["{name}"]',
        )
    segments = np.flatnonzero(geometry.section == sections[0])
    if not len(segments):
        raise InputError(
            f"section '{name}' has no segments", source=source_line, remedy="name another section"
        )
    # segments of foreign cells need not be numbered along their section
    along = segments[np.argsort(geometry.x[segments], kind="stable")]
    x = 0.5 if location.x is None else location.x
    return int(along[min(int(x * len(along)), len(along) - 1)])


def _checked_number(number: int, sections: int, source_line: str | None) -> int:
    if number >= sections:
        raise InputError(
            f"there is no section {number}",
            source=source_line,
            remedy=f"the cell has {sections} sections, 0 to {sections - 1}",
        )
    return number


def _by_area(
    location: Location, geometry: Geometry, allowed: np.ndarray, source_line: str | None
) -> Candidates:
    z = geometry.middle[:, 2]
    if location.z_min is not None:
        allowed = allowed & (z >= location.z_min)
    if location.z_max is not None:
        allowed = allowed & (z <= location.z_max)
    indices = np.flatnonzero(allowed)
    if not len(indices):
        raise InputError(
            "no segment of the named sections lies in z_min to z_max",
            source=source_line,
            remedy=f"the cell's segments lie from {z.min(initial=0):g} to {z.max(initial=0):g} um",
        )
    weights = geometry.area[indices].astype(float)
    if location.depth is not None:
        weights = weights * sum(t.weight * t.density(z[indices]) for t in location.depth)
    if not (weights.sum() > 0 and np.isfinite(weights.sum())):
        raise InputError(
            "no segment has a chance: area times the depth profile is 0 everywhere",
            source=source_line,
            remedy=f"the segments lie from {z[indices].min():g} to {z[indices].max():g} um",
        )
    area = float(geometry.area[indices].sum())
    return Candidates(indices, weights / weights.sum(), area)

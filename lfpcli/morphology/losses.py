"""What a file of points cannot say of the sections of a cell."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from lfpcli.morphology.layout import laid_on_path, laid_out
from lfpcli.morphology.measures import NEURON_CM, NEURON_RA, section_area
from lfpcli.morphology.section import Section
from lfpcli.morphology.splitting import split
from lfpcli.morphology.tree import Morphology

# names that a message lists
MOST_NAMES = 3
# area that single precision and eight digits may change, share
SAME_AREA = 1e-4
# nearer than this a section is where it was, um; NEURON's points have single precision
SAME_PLACE = 0.01


def losses(morphology: Morphology) -> list[str]:
    """Return what changes when a cell is written as points, one line for each kind of change.

    Parameters
    ----------
    morphology : Morphology
        The cell; without sections of its own nothing is lost.
    """
    if morphology.drawn is None:
        return []
    written = split(morphology)
    lines = _other_sections(morphology.drawn, written)
    shifted = _shifted(morphology.drawn)
    if shifted:
        lines.append(f"moved to touch what they hang on: {_some(shifted)}")
    before = sum(section_area(section) for section in morphology.drawn)
    after = sum(section_area(section) for section in written)
    if not np.isclose(before, after, rtol=SAME_AREA):
        lines.append(f"area changes from {before:.1f} to {after:.1f} um2")
    return lines


def has_cable_of_its_own(morphology: Morphology) -> bool:
    """Whether sections have another axial resistivity or capacitance than NEURON gives them."""
    usual = {(NEURON_RA, NEURON_CM), (None, None)}
    return any((section.Ra, section.cm) not in usual for section in morphology.drawn or ())


def _other_sections(drawn: Sequence[Section], written: Sequence[Section]) -> list[str]:
    """What becomes of the names and the number of sections."""
    by_start = {section.start: section.name for section in written}
    changes = {}
    joined = []
    for section in drawn:
        name = by_start.pop(section.start, None)
        if name is None:
            joined.append(section.name)
        elif _indexed(section.name) != name:
            changes[section.name] = name
    lines = []
    if changes:
        listed = [f"{before} becomes {after}" for before, after in changes.items()]
        lines.append(f"names change: {_some(listed)}")
    if joined:
        lines.append(f"sections joined to the one they continue: {_some(joined)}")
    # no section of the cell begins there
    if by_start:
        lines.append(f"sections cut where another one begins: {len(by_start)} more")
    return lines


def _shifted(drawn: Sequence[Section]) -> list[str]:
    """Sections that NEURON's layout leaves beside a bent parent, and how far they move to it."""
    moves = []
    for before, after in zip(laid_out(drawn), laid_on_path(drawn), strict=True):
        distance = np.linalg.norm(after.points[0, :3] - before.points[0, :3])
        if distance > SAME_PLACE:
            moves.append(f"{before.name} by {distance:.1f} um")
    return moves


def _indexed(name: str) -> str:
    """Name of a section as NEURON gives it to sections of a file: ``soma[0]`` for ``soma``."""
    return name if name.endswith("]") else f"{name}[0]"


def _some(names: list[str]) -> str:
    more = ", ..." if len(names) > MOST_NAMES else ""
    return ", ".join(names[:MOST_NAMES]) + more

"""What a file of points cannot say of the sections of a cell."""

from __future__ import annotations

import numpy as np

from lfpcli.morphology.measures import section_area
from lfpcli.morphology.splitting import split
from lfpcli.morphology.tree import Morphology

# names that a message lists
MOST_NAMES = 3
# area that single precision and eight digits may change, share
SAME_AREA = 1e-4


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
    by_start = {section.start: section.name for section in written}
    changes = {}
    joined = []
    for section in morphology.drawn:
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
    if by_start:
        lines.append(f"sections cut where another one begins: {len(by_start)} more")
    before = sum(section_area(section) for section in morphology.drawn)
    after = sum(section_area(section) for section in written)
    if not np.isclose(before, after, rtol=SAME_AREA):
        lines.append(f"area changes from {before:.1f} to {after:.1f} um2")
    return lines


def _indexed(name: str) -> str:
    """Name of a section as NEURON gives it to sections of a file: ``soma[0]`` for ``soma``."""
    return name if name.endswith("]") else f"{name}[0]"


def _some(names: list[str]) -> str:
    more = ", ..." if len(names) > MOST_NAMES else ""
    return ", ".join(names[:MOST_NAMES]) + more

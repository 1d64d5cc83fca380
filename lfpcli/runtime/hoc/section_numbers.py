"""Numbers of sections in circuits of the Blue Brain Project, which count those of cut axons too."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

# types of sections in the order in which their numbers follow one another
_TYPES = ("soma", "axon", "dend", "apic")
# where along a section templates leave its number
_MARK = 0.0001


def section_numbers(sections: Sequence[Any], names: Sequence[str], owner: Any) -> dict[int, int]:
    """Index of each section by its number in files of edges.

    Templates leave the number in the potential of each section, before they cut the axon; until a
    run begins it stands there. Of those that do not, sections count as in the morphology: soma,
    axon before it was cut, basal and apical dendrites.

    Parameters
    ----------
    sections : sequence of nrn.Section
        The sections of a cell.
    names : sequence of str
        Their names, such as ``dend[3]``.
    owner : object
        The template's object.
    """
    marks = [section(_MARK).v for section in sections]
    marked = {int(mark): index for index, mark in enumerate(marks) if mark >= 0}
    if marked:
        return marked
    counts = dict.fromkeys(_TYPES, 0)
    for name in names:
        section_type = name.partition("[")[0]
        if section_type in counts:
            counts[section_type] += 1
    # not all templates tell how many the axon had
    counts["axon"] = int(getattr(owner, "nSecAxonalOrig", counts["axon"]))
    first = dict(zip(_TYPES, _begins(counts.values()), strict=True))
    numbers: dict[int, int] = {}
    for index, name in enumerate(names):
        section_type, _, number = name.partition("[")
        if section_type in first and number.endswith("]"):
            numbers[first[section_type] + int(number[:-1])] = index
    return numbers


def _begins(counts: Any) -> list[int]:
    begins = [0]
    for count in counts:
        begins.append(begins[-1] + count)
    return begins[:-1]

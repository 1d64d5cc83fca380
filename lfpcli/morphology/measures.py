"""Lengths, areas, segments and branching of a morphology, without NEURON."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from lfpcli.morphology.layout import parents_first
from lfpcli.morphology.section import SOMA, Section
from lfpcli.morphology.tree import Morphology

# more segments than any section may have
_MANY = 10**9
# what NEURON gives sections, ohm cm and uF/cm2
NEURON_RA = 35.4
NEURON_CM = 1.0


@dataclass(frozen=True)
class Segmentation:
    """The rule that gives a section its number of segments, and what it depends on.

    Attributes
    ----------
    d_lambda : float
        Largest length of a segment in units of the length constant at `frequency`.
    frequency : float
        Hz.
    Ra : float, optional
        Axial resistivity, ohm cm. Left out: as the section's file has it, else NEURON's.
    cm : float, optional
        Membrane capacitance, uF/cm2. Left out: as the section's file has it, else NEURON's.
    max_length : float, optional
        Instead: the largest length of a segment, um.
    """

    d_lambda: float = 0.1
    frequency: float = 100.0
    Ra: float | None = None
    cm: float | None = None
    max_length: float | None = None


def cable(section: Section, rule: Segmentation) -> tuple[float, float]:
    """Axial resistivity, ohm cm, and capacitance, uF/cm2, by which a section is cut."""
    Ra = next((value for value in (rule.Ra, section.Ra) if value is not None), NEURON_RA)
    cm = next((value for value in (rule.cm, section.cm) if value is not None), NEURON_CM)
    return Ra, cm


def section_lengths(section: Section) -> np.ndarray:
    """Distances between successive 3-d points, shape (n - 1,), um, in single precision."""
    # NEURON holds 3-d points so
    position = section.points[:, :3].astype(np.float32).astype(float)
    return np.array(np.linalg.norm(np.diff(position, axis=0), axis=1))


def section_length(section: Section) -> float:
    """Length of a section along its points, um."""
    return float(section_lengths(section).sum())


def section_area(section: Section) -> float:
    """Area of a section's frusta, or of its cylinders, without their ends, um2."""
    if len(section.cylinders):
        return float(np.pi * section.cylinders.mean() * section_length(section))
    d = section.points[:, 3]
    slant = np.hypot(section_lengths(section), np.diff(d) / 2)
    return float((np.pi * (d[:-1] + d[1:]) / 2 * slant).sum())


def segment_count(section: Section, rule: Segmentation) -> int:
    """Number of segments of a section.

    With the d_lambda rule nseg = 2 int((L / (d_lambda lambda_f) + 0.9) / 2) + 1 (Hines and
    Carnevale 2001, Neuroscientist 7:123). L / lambda_f is summed over the 3-d points: the
    length constant of a piece is 1e5 sqrt(d / (4 pi f Ra cm)), d the mean of its diameters.

    Parameters
    ----------
    section : Section
        The section.
    rule : Segmentation
        The rule.
    """
    lengths = section_lengths(section)
    if rule.max_length is not None:
        return whole(float(lengths.sum()) / rule.max_length) + 1
    d = section.points[:, 3].astype(np.float32).astype(float)
    Ra, cm = cable(section, rule)
    per_root = 1e-5 * math.sqrt(4 * math.pi * rule.frequency * Ra * cm)
    if len(section.cylinders):
        # NEURON's lambda_f knows the diameter in the middle only
        middle = section.cylinders[len(section.cylinders) // 2]
        electrotonic = float(lengths.sum()) / math.sqrt(middle) * per_root
    else:
        electrotonic = float((lengths / np.sqrt((d[:-1] + d[1:]) / 2)).sum()) * per_root
    return whole((electrotonic / rule.d_lambda + 0.9) / 2) * 2 + 1


def whole(ratio: float) -> int:
    """A number of segments from a ratio, which is NaN or infinite for cables of no matter."""
    return int(min(ratio, _MANY)) if ratio >= 0 else _MANY


def branch_orders(sections: Sequence[Section]) -> np.ndarray:
    """How many branchings lie between the soma and each section, shape (n,).

    Stems, and the soma itself, have order 0. A section that alone continues its parent keeps
    the parent's order.
    """
    children = child_counts(sections)
    orders = np.zeros(len(sections), np.int64)
    for index in parents_first(sections):
        parent = sections[index].parent
        if parent >= 0 and sections[parent].type != SOMA:
            orders[index] = orders[parent] + (children[parent] > 1)
    return orders


def child_counts(sections: Sequence[Section]) -> np.ndarray:
    """How many sections hang on each section, shape (n,)."""
    parents = [section.parent for section in sections if section.parent >= 0]
    return np.bincount(np.array(parents, np.int64), minlength=len(sections))


def bifurcation_count(sections: Sequence[Section], section_type: int | None = None) -> int:
    """Number of places off the soma where a neurite splits.

    Parameters
    ----------
    sections : sequence of Section
        All sections of a cell.
    section_type : int, optional
        Only neurites of this type.
    """
    branchings: dict[tuple[int, float], int] = {}
    for section in sections:
        if section.parent >= 0 and sections[section.parent].type != SOMA:
            key = (section.parent, section.parent_x)
            branchings[key] = branchings.get(key, 0) + 1
    return sum(
        # at the 0 end the parent itself is one of the branches
        count + (x == 0.0) > 1
        for (parent, x), count in branchings.items()
        if section_type is None or sections[parent].type == section_type
    )


def path_distances(sections: Sequence[Section]) -> np.ndarray:
    """Distance along the cable from the soma to the end of each section, shape (n,), um.

    The soma itself counts nothing; without one the distance is from the root.
    """
    lengths = [0.0 if s.type == SOMA else section_length(s) for s in sections]
    reach = np.zeros(len(sections))
    for index in parents_first(sections):
        parent, x = sections[index].parent, sections[index].parent_x
        before = 0.0 if parent < 0 else reach[parent] - (1 - x) * lengths[parent]
        reach[index] = before + lengths[index]
    return reach


def soma_diameter(morphology: Morphology) -> float | None:
    """Diameter of the sphere with the area of the soma, um; None without a soma."""
    area = sum(section_area(s) for s in morphology.sections if s.type == SOMA)
    return math.sqrt(area / math.pi) if area > 0 else None

# SPDX-License-Identifier: GPL-3.0-or-later
"""Measures of morphologies, and the README that lists them."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from lfpcli.morphology import measures as m
from lfpcli.morphology.section import APICAL, AXON, DENDRITE, SOMA, Section
from lfpcli.morphology.tree import Morphology
from lfpcli.runtime.morphology.reading import read_morphology

Row = tuple[str, str, dict[str, float]]

UNITS = {
    "soma diameter": "um",
    "dendritic length": "um",
    "basal length": "um",
    "bifurcations": "",
    "basal stems": "",
    "basal reach": "um",
    "apical height": "um",
    "main bifurcation": "um",
    "trunk diameter": "um",
    "mean diameter": "um",
    "contraction": "",
}
MEANING = """\
Bifurcations are those of dendrites. Basal reach: largest distance of a (basal) dendrite from the
middle of the soma; apical height: that of an apical one along z. Main bifurcation: height at which
the tuft begins. Trunk diameter: of the apical dendrite 30 um above the middle of the soma. Mean
diameter: membrane area / (pi length) of the dendrites. Contraction: distance / path between the
ends of terminal dendrites, mean."""

INTRODUCTION = """\
# Morphologies

Written for this program by `tools/grow_morphologies.py`, licensed with it (GPL-3.0-or-later).
They are grown from a seed, not traced from cells; running the script again gives the same bytes.
The apical axis is +z, the soma lies at the origin, and axons are stubs of 60 um. A soma is one
point, which NEURON draws as a cylinder along x that is as long as it is wide; the stick is a soma
all along, so that positions refer to its middle.

    lfp morph share/morphologies/l5_pyramidal.swc
"""

SOURCES = """\
## Where the shapes come from

- Intermediate branches are short and terminal ones long; basal dendrites form a skirt, obliques
  leave the proximal half of the trunk: Larkman 1991, J Comp Neurol 306:307 (pyramidal cells of
  layers 2/3 and 5, rat visual cortex).
- The layer 5 cell: its trunk, tuft and basal dendrites after Romand et al. 2011, Front Neuroanat
  5:5, Hay et al. 2011, PLoS Comput Biol 7:e1002107, and Ramaswamy and Markram 2015, Front Cell
  Neurosci 9:233 (thick-tufted cells, rat somatosensory cortex).
- The layer 2/3 cell: after Larkman 1991 and Feldmeyer, Luebke and Sakmann 2006, J Physiol 575:583.
- The basket cell: few, long, beaded dendrites in all directions after Wang et al. 2002, Cereb
  Cortex 12:395; cross-sections add up at branchings, after Kubota et al. 2011, Sci Rep 1:89.
- Taper: diameters to a power add up at branchings, 1.5 in a tree that Rall 1959, Exp Neurol
  1:491, calls matched; here 1.8 for basal and 2 for apical dendrites, as trunks with many thin
  obliques are thinner than matched ones.

The target ranges are wide ones chosen for this project, not quoted from a table of one of those
papers. The three reconstructions below, as `lfp morph` measures them, were the yardstick for the
layer 5 and the basket cell; no traced cell of layer 2/3 was at hand. The two Pvalb cells are of
mice and cut by the slice; the basket cell here is larger and thicker. The script stops where a
cell leaves its ranges.

| reconstruction | dendritic length, um | bifurcations | soma, um | mean diameter, um |
|---|---|---|---|---|
| layer 5, C231296A-P3 (Markram et al. 2015, Cell 163:456) | 12,397 | 98 | 20.7 | 0.85 |
| Pvalb, 469628681 (Allen Cell Types Database) | 1,498 | 18 | 10.4 | 0.49 |
| Pvalb, 470522102 (Allen Cell Types Database) | 2,332 | 16 | 11.8 | 0.36 |
"""


def measures(path: Path) -> dict[str, float]:
    """Return the measures of a cell, by name; those that need an apical dendrite only with one."""
    cell = read_morphology(path)
    sections = cell.sections
    neurites = [s for s in sections if s.type not in (SOMA, AXON)]
    basal = [s for s in sections if s.type == DENDRITE]
    length = sum(m.section_length(s) for s in neurites)
    found = {
        "soma diameter": m.soma_diameter(cell) or 0.0,
        "dendritic length": length,
        "basal length": sum(m.section_length(s) for s in basal),
        "bifurcations": float(sum(m.bifurcation_count(sections, k) for k in (DENDRITE, APICAL))),
        "basal stems": float(sum(sections[s.parent].type == SOMA for s in basal)),
    }
    if neurites:
        found["mean diameter"] = sum(m.section_area(s) for s in neurites) / (np.pi * length)
        found["contraction"] = contraction(sections)
        found["basal reach"] = reach(cell, basal)
        found |= apical(sections)
    return found


def contraction(sections: list[Section]) -> float:
    """Mean of distance / path between the ends of terminal dendrites."""
    ends = m.child_counts(sections) == 0
    tips = [s for s, end in zip(sections, ends, strict=True) if end and s.type not in (SOMA, AXON)]
    return float(
        np.mean(
            [np.linalg.norm(s.points[-1, :3] - s.points[0, :3]) / m.section_length(s) for s in tips]
        )
    )


def reach(cell: Morphology, chosen: list[Section]) -> float:
    """Largest distance from the middle of the soma, um."""
    place = np.vstack([s.points[:, :3] for s in chosen])
    return float(np.linalg.norm(place - cell.middle_of_soma, axis=1).max())


def apical(sections: list[Section]) -> dict[str, float]:
    """Measures of the apical dendrite: height, where its tuft begins, and its diameter."""
    branches = [k for k, s in enumerate(sections) if s.type == APICAL]
    if not branches:
        return {}
    above = [s.points[s.points[:, 2] >= 30.0] for s in sections if s.type == APICAL]
    ends = m.child_counts(sections) == 0
    tips = ends.astype(int)
    for k in reversed(m.parents_first(sections)):
        if sections[k].parent >= 0:
            tips[sections[k].parent] += tips[k]
    # the tuft begins where each of two daughters bears a fifth of the tips
    enough = tips[branches].max() / 5
    forks = [
        float(sections[k].points[-1, 2])
        for k in branches
        if sum(tips[c] >= enough for c in branches if sections[c].parent == k) > 1
    ]
    return {
        "apical height": max(float(s.points[:, 2].max()) for s in sections if s.type == APICAL),
        "main bifurcation": min(forks, default=float("nan")),
        "trunk diameter": float(next(p for p in above if len(p))[0, 3]),
    }


def readme(rows: list[Row], targets: dict[str, dict[str, tuple[float, float]]]) -> str:
    """Return the README of the folder."""
    names = [name for name, _, _ in rows]
    text = [INTRODUCTION, "| file | what it is |", "|---|---|"]
    text += [f"| {name}.swc | {title} |" for name, title, _ in rows]
    text += ["", "## Measures", "", "Target ranges in brackets.", ""]
    text += ["| | " + " | ".join(names) + " |", "|---" * (len(names) + 1) + "|"]
    for measure, unit in UNITS.items():
        cells = [_cell(measure, found, targets.get(name, {})) for name, _, found in rows]
        text.append(f"| {measure}{', ' + unit if unit else ''} | " + " | ".join(cells) + " |")
    return "\n".join([*text, "", MEANING, "", SOURCES])


def _cell(measure: str, found: dict[str, float], targets: dict[str, tuple[float, float]]) -> str:
    if measure not in found:
        return ""
    value = found[measure]
    text = f"{value:.2f}" if value < 10 and value % 1 else f"{value:,.0f}"
    if measure in targets:
        low, high = targets[measure]
        text += f" ({low:g} to {high:g})"
    return text

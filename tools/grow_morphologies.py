#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Write the morphologies that ship with the program, and their README.

    python tools/grow_morphologies.py [FOLDER]

The seed is part of each plan: the same bytes come out each time.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import morphology_report as report
import numpy as np
from growth import (
    APICAL,
    AXON,
    BASAL,
    SOMA,
    Draws,
    Style,
    Taper,
    Tree,
    arbor,
    below_pia,
    diameters,
    fork,
    outward,
    run,
    spherical,
    stem,
    swc,
    upright,
)

from lfpcli.seeds import generator

LICENCE = [
    "Copyright the lfp authors; SPDX-License-Identifier: GPL-3.0-or-later",
    "Written by tools/grow_morphologies.py; no tracing of a real cell.",
]
COLUMNS = "id type x y z radius parent; um; type 1 soma, 2 axon, 3 (basal) dendrite, 4 apical"


@dataclass(frozen=True)
class Pyramid:
    """A pyramidal cell.

    Attributes
    ----------
    soma : float
        Diameter, um.
    basal : tuple of int
        Tips of each basal dendrite.
    basal_style, oblique_style, tuft_style : Style
        How these run.
    trunk : float
        Length of the apical trunk up to the tuft, um.
    obliques : tuple of (float, int)
        Where on the trunk an oblique dendrite leaves, as a share of it, and its tips.
    tuft : int
        Tips of the tuft.
    """

    soma: float
    basal: tuple[int, ...]
    basal_style: Style
    trunk: float
    trunk_style: Style
    obliques: tuple[tuple[float, int], ...]
    oblique_style: Style
    tuft: int
    tuft_style: Style
    axon: float = 60.0


AXON_STYLE = Style(AXON, (0, 0), (0, 0), 0, (0, 0), 0.04, outward(0.0, -0.06), 5.0)

L5 = Pyramid(
    soma=20.0,
    basal=(6, 5, 7, 4, 6, 5),
    basal_style=Style(BASAL, (24, 11), (185, 24), 60, (58, 13), 0.13, outward(0.08, -0.006)),
    trunk=690.0,
    trunk_style=Style(APICAL, (0, 0), (0, 0), 0, (0, 0), 0.025, upright(0.08)),
    obliques=(
        (0.06, 2),
        (0.09, 3),
        (0.14, 2),
        (0.18, 3),
        (0.23, 1),
        (0.27, 3),
        (0.33, 2),
        (0.41, 1),
        (0.50, 2),
        (0.64, 1),
    ),
    oblique_style=Style(APICAL, (32, 14), (175, 30), 50, (55, 13), 0.13, outward(0.02, 0.004)),
    tuft=17,
    tuft_style=Style(APICAL, (55, 20), (425, 50), 70, (66, 13), 0.11, below_pia(1150, 0.035, 0.03)),
)

L23 = Pyramid(
    soma=15.0,
    basal=(5, 6, 4, 6, 5),
    basal_style=Style(BASAL, (19, 8), (128, 18), 45, (58, 13), 0.14, outward(0.07, 0.0)),
    trunk=120.0,
    trunk_style=Style(APICAL, (0, 0), (0, 0), 0, (0, 0), 0.04, upright(0.10)),
    obliques=((0.22, 2), (0.38, 3), (0.55, 2), (0.8, 2)),
    oblique_style=Style(APICAL, (24, 10), (120, 22), 40, (55, 13), 0.14, outward(0.03, 0.008)),
    tuft=11,
    tuft_style=Style(APICAL, (34, 13), (215, 30), 50, (70, 13), 0.12, below_pia(300, 0.03, 0.012)),
)

PYRAMID_TAPERS = {
    BASAL: Taper(tip=(0.4, 0.7), slope=0.0012, power=1.8, flare=0.45),
    APICAL: Taper(tip=(0.35, 0.65), slope=0.0008, power=2.0, flare=0.25),
    AXON: Taper(tip=(0.9, 1.0), slope=0.008, flare=0.8),
}


def grow_pyramid(plan: Pyramid, draws: Draws) -> tuple[Tree, np.ndarray]:
    """Grow a pyramidal cell with its apical dendrite along +z."""
    tree = Tree(draws, plan.soma / 2)
    azimuth = draws.uniform(0, 360)
    for number, tips in enumerate(plan.basal):
        turn = azimuth + 360.0 * number / len(plan.basal) + draws.normal(0, 12)
        # a skirt from the level of the soma down, one stem pointing to the white matter
        polar = 158.0 if number == 2 else draws.uniform(82, 128)
        direction = spherical(polar, turn)
        arbor(tree, stem(tree, BASAL, direction), direction, tips, plan.basal_style)
    grow_apical(tree, plan)
    down = spherical(172.0, draws.uniform(0, 360))
    run(tree, stem(tree, AXON, down), down, plan.axon, AXON_STYLE)
    return tree, diameters(tree, PYRAMID_TAPERS)


def grow_apical(tree: Tree, plan: Pyramid) -> None:
    """Grow the trunk with its obliques, and the tuft."""
    draws = tree.draws
    direction = spherical(3.0, draws.uniform(0, 360))
    point, done = stem(tree, APICAL, direction), 0.0
    azimuth = draws.uniform(0, 360)
    for share, tips in plan.obliques:
        point, direction = run(tree, point, direction, plan.trunk * share - done, plan.trunk_style)
        done = plan.trunk * share
        azimuth += 137.5 + draws.normal(0, 25)
        side = spherical(draws.normal(68, 10), azimuth)
        arbor(tree, point, side, tips, plan.oblique_style)
    point, direction = run(tree, point, direction, plan.trunk - done, plan.trunk_style)
    larger = (plan.tuft + 1) // 2
    sides = fork(tree, np.array([0.0, 0.0, 1.0]), larger, plan.tuft - larger, plan.tuft_style)
    for side, tips in zip(sides, (larger, plan.tuft - larger), strict=True):
        arbor(tree, point, side, tips, plan.tuft_style)


BASKET_STYLE = Style(BASAL, (42, 22), (205, 45), 50, (76, 16), 0.17, outward(0.05), 4.0)
BASKET_TIPS = (5, 3, 4, 2, 4, 3)
BASKET_POLES = (18, 160, 65, 105, 125, 50)
BASKET_TAPERS = {
    BASAL: Taper(tip=(0.35, 0.55), slope=0.0009, power=2.0, flare=0.5, beads=0.9),
    AXON: Taper(tip=(0.7, 0.8), slope=0.006, flare=0.6),
}


def grow_basket(draws: Draws) -> tuple[Tree, np.ndarray]:
    """Grow a multipolar cell with sparse, beaded dendrites, longer along z than across."""
    tree = Tree(draws, 7.0)
    azimuth = draws.uniform(0, 360)
    for number, (tips, polar) in enumerate(zip(BASKET_TIPS, BASKET_POLES, strict=True)):
        turn = azimuth + 137.5 * number + draws.normal(0, 15)
        direction = spherical(polar, turn)
        arbor(tree, stem(tree, BASAL, direction), direction, tips, BASKET_STYLE)
    up = spherical(40.0, draws.uniform(0, 360))
    run(tree, stem(tree, AXON, up), up, 60.0, AXON_STYLE)
    return tree, diameters(tree, BASKET_TAPERS)


def table(rows: list[tuple[int, float, float, float, float, int]], title: str) -> str:
    """Return SWC of rows (type, x, y, z, diameter, parent from 1)."""
    lines = [f"# {line}" for line in [title, *LICENCE, COLUMNS]]
    for number, (kind, x, y, z, diameter, parent) in enumerate(rows, start=1):
        lines.append(f"{number} {kind} {x:g} {y:g} {z:g} {diameter / 2:g} {parent}")
    return "\n".join(lines) + "\n"


def stick(name: str, title: str) -> str:
    """A straight cylinder along z, 1000 um long and 2 um thick, its middle at the origin."""
    rows = [(SOMA, 0.0, 0.0, -500.0 + 100.0 * k, 2.0, k if k else -1) for k in range(11)]
    return table(rows, f"{name}: {title}")


def ball_and_stick(name: str, title: str) -> str:
    """A spherical soma of 20 um with one dendrite of 600 um along z."""
    rows = [(SOMA, 0.0, 0.0, 0.0, 20.0, -1)]
    rows += [(BASAL, 0.0, 0.0, 10.0 + 60.0 * k, 2.0, k + 1) for k in range(11)]
    return table(rows, f"{name}: {title}")


def ball_and_sticks(name: str, title: str) -> str:
    """A spherical soma with an apical dendrite that splits, and two basal dendrites."""
    rows = [(SOMA, 0.0, 0.0, 0.0, 22.0, -1)]
    low = 11.0 * math.sqrt(0.5)

    def line(
        kind: int,
        start: tuple[float, float],
        end: tuple[float, float],
        d: tuple[float, float],
        parent: int,
        first: int,
    ) -> int:
        at = parent
        for k in range(first, 6):
            share = k / 5
            x, z = (a + (b - a) * share for a, b in zip(start, end, strict=True))
            rows.append((kind, round(x, 3), 0.0, round(z, 3), d[0] + (d[1] - d[0]) * share, at))
            at = len(rows)
        return at

    for side in (-1, 1):
        line(BASAL, (side * low, -low), (side * (low + 120), -low - 120), (1.5, 1.5), 1, 0)
    top = line(APICAL, (0, 11), (0, 411), (3.0, 2.0), 1, 0)
    for side in (-1, 1):
        line(APICAL, (0, 411), (side * 125, 561), (1.2, 1.2), top, 1)
    return table(rows, f"{name}: {title}")


@dataclass(frozen=True)
class Kind:
    """A morphology that is shipped.

    Attributes
    ----------
    title : str
        What it is.
    make : callable
        Returns its SWC, from its name and title.
    targets : dict
        Range that each measure of a grown cell keeps to, see `morphology_report.measures`.
    """

    title: str
    make: Callable[[str, str], str]
    targets: dict[str, tuple[float, float]]


def grown(seed: int, grow: Callable[[Draws], tuple[Tree, np.ndarray]]) -> Callable[[str, str], str]:
    """Return a function that grows a cell from a seed and writes it as SWC."""

    def make(name: str, title: str) -> str:
        tree, thickness = grow(Draws(generator(seed, f"morphology {name}")))
        return swc(tree, thickness, [f"{name}: {title}", *LICENCE, f"seed {seed}", COLUMNS])

    return make


KINDS = {
    "stick": Kind("straight cable, 1000 um by 2 um", stick, {}),
    "ball_and_stick": Kind("soma of 20 um with one dendrite of 600 um", ball_and_stick, {}),
    "ball_and_sticks": Kind(
        "soma, a forked apical dendrite and two basal ones", ball_and_sticks, {}
    ),
    "l5_pyramidal": Kind(
        "thick-tufted pyramidal cell of layer 5",
        grown(5, lambda draws: grow_pyramid(L5, draws)),
        {
            "soma diameter": (16, 24),
            "dendritic length": (9000, 15000),
            "basal length": (2500, 5500),
            "bifurcations": (45, 100),
            "basal stems": (5, 8),
            "basal reach": (140, 280),
            "apical height": (950, 1250),
            "main bifurcation": (550, 800),
            "trunk diameter": (3.5, 6.5),
            "mean diameter": (0.7, 1.2),
            "contraction": (0.85, 0.98),
        },
    ),
    "l23_pyramidal": Kind(
        "pyramidal cell of layer 2/3",
        grown(2, lambda draws: grow_pyramid(L23, draws)),
        {
            "soma diameter": (12, 18),
            "dendritic length": (3500, 7000),
            "basal length": (1500, 3500),
            "bifurcations": (25, 55),
            "basal stems": (4, 7),
            "basal reach": (90, 190),
            "apical height": (200, 400),
            "main bifurcation": (60, 200),
            "trunk diameter": (1.8, 4.0),
            "mean diameter": (0.6, 1.1),
            "contraction": (0.85, 0.98),
        },
    ),
    "basket": Kind(
        "fast-spiking basket cell",
        grown(3, grow_basket),
        {
            "soma diameter": (10, 17),
            "dendritic length": (1400, 4500),
            "bifurcations": (10, 30),
            "basal stems": (4, 8),
            "basal reach": (150, 400),
            "mean diameter": (0.35, 1.0),
            "contraction": (0.75, 0.97),
        },
    ),
}


def main(folder: Path) -> None:
    """Write the morphologies and their README into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    rows = []
    for name, kind in KINDS.items():
        path = folder / f"{name}.swc"
        path.write_text(kind.make(name, kind.title), encoding="utf-8")
        measured = report.measures(path)
        rows.append((name, kind.title, measured))
        for measure, (low, high) in kind.targets.items():
            if not low <= measured[measure] <= high:
                sys.exit(f"{name}: {measure} {measured[measure]:g} is not in {low:g} to {high:g}")
    targets = {name: kind.targets for name, kind in KINDS.items() if kind.targets}
    (folder / "README.md").write_text(report.readme(rows, targets), encoding="utf-8")


if __name__ == "__main__":
    here = Path(__file__).resolve().parent.parent / "share" / "morphologies"
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else here)

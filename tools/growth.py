# SPDX-License-Identifier: GPL-3.0-or-later
"""Growing neurites point by point: paths that wander, split and taper as dendrites do."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

SOMA, AXON, BASAL, APICAL = 1, 2, 3, 4
Guide = Callable[[np.ndarray], np.ndarray]


class Draws:
    """Random numbers from uniform deviates alone, whose stream NumPy does not change."""

    def __init__(self, rng: np.random.Generator) -> None:
        self.rng = rng

    def uniform(self, low: float, high: float) -> float:
        """Between two numbers."""
        return low + (high - low) * float(self.rng.random())

    def normal(self, mean: float, sd: float) -> float:
        """Normal deviate within two standard deviations (Box and Muller)."""
        while True:
            radius = math.sqrt(-2.0 * math.log(1.0 - self.rng.random()))
            value = radius * math.cos(2.0 * math.pi * self.rng.random())
            if abs(value) <= 2.0:
                return mean + sd * value

    def vector(self) -> np.ndarray:
        """Three normal deviates."""
        return np.array([self.normal(0.0, 1.0) for _ in range(3)])


@dataclass
class Tree:
    """Points of a cell; the first one is the soma.

    Attributes
    ----------
    draws : Draws
        Source of randomness.
    types, places, parents, paths : list
        Type, place (um), parent and distance from the soma along the neurite (um) of each point.
    """

    draws: Draws
    soma_radius: float
    types: list[int] = field(default_factory=lambda: [SOMA])
    places: list[np.ndarray] = field(default_factory=lambda: [np.zeros(3)])
    parents: list[int] = field(default_factory=lambda: [-1])
    paths: list[float] = field(default_factory=lambda: [0.0])

    def add(self, kind: int, place: np.ndarray, parent: int) -> int:
        """Append a point and return its number."""
        self.types.append(kind)
        self.places.append(place)
        self.parents.append(parent)
        step = float(np.linalg.norm(place - self.places[parent])) if parent else 0.0
        self.paths.append(self.paths[parent] + step)
        return len(self.types) - 1


@dataclass(frozen=True)
class Style:
    """How neurites of one sort run and split.

    Attributes
    ----------
    kind : int
        Type code of SWC.
    intermediate : tuple of float
        Mean and standard deviation of the lengths between branchings, um.
    reach : tuple of float
        Mean and standard deviation of the path from the tree's start to its tips, um.
    terminal : float
        Shortest terminal branch, um.
    angle : tuple of float
        Mean and standard deviation of the angle between daughters, degrees.
    wander : float
        Random turn per step.
    guide : callable
        Pull on the direction at a place.
    step : float
        Mean distance between points, um.
    """

    kind: int
    intermediate: tuple[float, float]
    reach: tuple[float, float]
    terminal: float
    angle: tuple[float, float]
    wander: float
    guide: Guide
    step: float = 5.0


def unit(vector: np.ndarray) -> np.ndarray:
    """Return a vector of length 1."""
    return vector / np.linalg.norm(vector)


def spherical(polar: float, azimuth: float) -> np.ndarray:
    """Direction at an angle from +z and an angle about it, degrees."""
    p, a = math.radians(polar), math.radians(azimuth)
    return np.array([math.sin(p) * math.cos(a), math.sin(p) * math.sin(a), math.cos(p)])


def outward(strength: float, up: float = 0.0) -> Guide:
    """Pull away from the soma, and along z."""

    def guide(place: np.ndarray) -> np.ndarray:
        pull = strength * place / (np.linalg.norm(place) + 1.0)
        pull[2] += up
        return pull

    return guide


def upright(strength: float) -> Guide:
    """Pull back to the vertical through the soma."""

    def guide(place: np.ndarray) -> np.ndarray:
        return np.array([-0.001 * place[0], -0.001 * place[1], strength])

    return guide


def below_pia(pia: float, up: float, spread: float) -> Guide:
    """Pull upwards, turning to the side near the surface of the cortex."""

    def guide(place: np.ndarray) -> np.ndarray:
        near = 1.0 / (1.0 + math.exp(-(place[2] - (pia - 60.0)) / 15.0))
        side = np.array([place[0], place[1], 0.0])
        pull = (spread + 0.10 * near) * side / (np.linalg.norm(side) + 20.0)
        pull[2] = up * (1.0 - 1.6 * near)
        return pull

    return guide


def run(
    tree: Tree, start: int, direction: np.ndarray, length: float, style: Style
) -> tuple[int, np.ndarray]:
    """Grow an unbranched path; return its last point and its direction there."""
    point, left = start, length
    while left > 0.6 * style.step:
        step = min(left, style.step * tree.draws.uniform(0.75, 1.25))
        turn = style.wander * tree.draws.vector()
        direction = unit(direction + turn + style.guide(tree.places[point]))
        point = tree.add(style.kind, tree.places[point] + step * direction, point)
        left -= step
    return point, direction


def arbor(
    tree: Tree,
    start: int,
    direction: np.ndarray,
    tips: int,
    style: Style,
    *,
    reach: float | None = None,
) -> None:
    """Grow a binary tree with a number of tips.

    Intermediate branches are short and terminal ones long (Larkman 1991, J Comp Neurol
    306:307): a terminal branch ends where the path from the tree's start has its reach.

    Parameters
    ----------
    tree : Tree
        The cell.
    start : int
        Point to grow from.
    direction : ndarray, shape (3,)
        First direction.
    tips : int
        Number of terminal branches.
    style : Style
        How the branches run.
    reach : float, optional
        Path that is left to the tips, um.
    """
    draws = tree.draws
    left = style.reach[0] if reach is None else reach
    if tips == 1:
        length = max(left + draws.normal(0.0, style.reach[1]), style.terminal)
        run(tree, start, direction, length, style)
        return
    length = max(draws.normal(*style.intermediate), 1.6 * style.step)
    end, direction = run(tree, start, direction, length, style)
    larger = tips - max(1, round(tips * draws.uniform(0.05, 0.5)))
    first, second = fork(tree, direction, larger, tips - larger, style)
    arbor(tree, end, first, larger, style, reach=left - length)
    arbor(tree, end, second, tips - larger, style, reach=left - length)


def fork(
    tree: Tree, direction: np.ndarray, larger: int, smaller: int, style: Style
) -> tuple[np.ndarray, np.ndarray]:
    """Directions of two daughters; the one with more tips turns less."""
    angle = math.radians(max(tree.draws.normal(*style.angle), 15.0))
    side = unit(np.cross(direction, tree.draws.vector()))
    share = math.sqrt(smaller) / (math.sqrt(larger) + math.sqrt(smaller))
    first = math.cos(share * angle) * direction + math.sin(share * angle) * side
    rest = (1.0 - share) * angle
    second = math.cos(rest) * direction - math.sin(rest) * side
    return first, second


def stem(tree: Tree, kind: int, direction: np.ndarray) -> int:
    """Put the first point of a neurite on the surface of the soma."""
    return tree.add(kind, tree.soma_radius * unit(direction), 0)


@dataclass(frozen=True)
class Taper:
    """How thick neurites of one type are.

    Attributes
    ----------
    tip : tuple of float
        Range of diameters at the tips, um.
    slope : float
        Growth of the diameter towards the soma along a branch, um per um.
    power : float
        At branchings d_parent^power is the sum over the daughters; 1.5 keeps the input
        conductance of a matched tree (Rall 1959, Exp Neurol 1:491), 2 the cross-section.
    flare : float
        Widening at the soma, as a share of the diameter.
    beads : float
        Widening at varicosities, as a share of the diameter.
    """

    tip: tuple[float, float]
    slope: float
    power: float = 1.5
    flare: float = 0.0
    beads: float = 0.0


def diameters(tree: Tree, tapers: dict[int, Taper]) -> np.ndarray:
    """Return the diameter of each point, shape (n,), um, from the tips to the soma."""
    n = len(tree.types)
    sums = np.zeros(n)
    smooth = np.zeros(n)
    for point in range(n - 1, 0, -1):
        taper, parent = tapers[tree.types[point]], tree.parents[point]
        own = sums[point] ** (1.0 / taper.power) if sums[point] else tree.draws.uniform(*taper.tip)
        smooth[point] = own
        if parent:
            gain = taper.slope * (tree.paths[point] - tree.paths[parent])
            sums[parent] += (own + gain) ** taper.power
    drawn = np.array([2.0 * tree.soma_radius, *(0.0 for _ in range(n - 1))])
    rough = np.zeros(n)
    for point in range(1, n):
        taper = tapers[tree.types[point]]
        # unevenness that carries on from point to point
        rough[point] = 0.7 * rough[tree.parents[point]] + tree.draws.normal(0.0, 0.05)
        near = max(0.0, 1.0 - tree.paths[point] / 12.0)
        bead = taper.beads * tree.draws.uniform(0.0, 1.0) ** 4 * (tree.paths[point] > 40.0)
        drawn[point] = smooth[point] * (1.0 + rough[point] + taper.flare * near**2 + bead)
    return drawn


def swc(tree: Tree, thickness: np.ndarray, head: list[str]) -> str:
    """Return the cell as SWC, places and radii to 0.01 and 0.005 um."""
    lines = [f"# {line}".rstrip() for line in head]
    for point, (kind, place, parent) in enumerate(
        zip(tree.types, tree.places, tree.parents, strict=True)
    ):
        x, y, z = (round(float(value), 2) + 0.0 for value in place)
        radius = max(round(float(thickness[point]), 2), 0.2) / 2
        above = parent + 1 if parent >= 0 else -1
        lines.append(f"{point + 1} {kind} {x:g} {y:g} {z:g} {radius:g} {above}")
    return "\n".join(lines) + "\n"

"""Neurolucida files of random cells, for comparisons."""

from __future__ import annotations

import numpy as np


def outline(rng: np.random.Generator) -> np.ndarray:
    """Corners of an outline, symmetric or not; whole edges may lie equally far along its axis."""
    radius, count = float(rng.integers(4, 12)), int(rng.integers(3, 14))
    angle = np.linspace(0, 2 * np.pi, count, endpoint=False)
    circle = np.round(radius * np.column_stack([np.cos(angle), np.sin(angle)]), 2)
    corners = (
        np.array([[-radius, 0], [0, -radius], [radius, 0], [0, radius]]),
        circle,
        circle * [1.0, 2.0],
        np.array([[-radius, -radius], [radius, -radius], [radius, radius], [-radius, radius]]),
        np.round(circle * rng.uniform(0.5, 1.5, (count, 1)), 3),
        radius * np.array([[-2, 0], [-1, -1], [1, -1], [2, 0], [1, 1], [-1, 1]]),
    )[int(rng.integers(6))]
    return corners[::-1] if rng.random() < 0.3 else corners


def contour(rng: np.random.Generator, height: float, shift: float) -> str:
    """A contour of a soma."""
    corners = outline(rng) + np.array([shift, 0.0])
    heights = np.full(len(corners), height)
    if rng.random() < 0.2:
        heights = np.round(heights + rng.normal(size=len(corners)), 2)
    rows = np.column_stack([corners, heights]).tolist()
    points = "".join(f"  ({x:g} {y:g} {z:g} 0.5)  ; 1, 1\n" for x, y, z in rows)
    return f'("CellBody"\n  (Color Red)\n  (CellBody)\n{points})\n'


def branch(rng: np.random.Generator, begin: np.ndarray, depth: int) -> str:
    """A branch, and those it splits into; some repeat their junction, some have one point."""
    lines = []
    place = begin.copy()
    if rng.random() < 0.15:
        lines.append(point(rng, place))
    for _ in range(int(rng.integers(1, 6))):
        place = np.round(place + rng.normal(size=3) * 10, 3)
        lines.append(point(rng, place))
    if depth > 0 and rng.random() < 0.8:
        parts = [branch(rng, place, depth - 1) for _ in range(int(rng.integers(1, 4)))]
        lines.append("(\n" + "|\n".join(parts) + ")\n")
    elif rng.random() < 0.5:
        lines.append("Normal\n")
    return "".join(lines)


def point(rng: np.random.Generator, place: np.ndarray) -> str:
    """A point with a random diameter."""
    x, y, z = place.tolist()
    return f"({x:g} {y:g} {z:g} {rng.uniform(0.2, 4):.3g})\n"


def random_asc(seed: int) -> str:
    """Return a cell with none to three contours, apart or stacked, and up to four trees."""
    rng = np.random.default_rng(seed)
    count = int(rng.choice([0, 1, 1, 1, 1, 2, 3]))
    apart = rng.random() < 0.3
    contours = [
        contour(rng, 0.0 if apart else 3.0 * k, 60.0 * k if apart else 0.0) for k in range(count)
    ]
    trees = []
    for _ in range(int(rng.integers(0 if count else 1, 5))):
        kind = rng.choice(["Axon", "Dendrite", "Dendrite", "Apical"])
        begin = np.round(rng.normal(size=3) * 8, 2)
        body = branch(rng, begin, int(rng.integers(0, 5)))
        trees.append(f"( (Color Blue)\n  ({kind})\n{body})\n")
    if rng.random() < 0.3:
        return "".join(trees[:1] + contours + trees[1:])
    return "".join(contours + trees)

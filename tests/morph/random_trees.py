"""SWC files of random trees, for comparisons."""

from __future__ import annotations

import numpy as np


def random_swc(seed: int, *, depth_first: bool = True) -> str:
    """Return a tree of up to 24 points with a soma of none to four points.

    With `depth_first` each branch is written to its end before the next one begins.
    """
    rng = np.random.default_rng(seed)
    count, soma = int(rng.integers(2, 25)), int(rng.integers(0, 5)) if seed % 3 else 1
    types, parents = [1 if soma else int(rng.integers(2, 5))], [-1]
    path = [0]
    for point in range(1, count):
        if depth_first:
            while len(path) > 1 and rng.random() < 0.25:
                path.pop()
            parent = path[-1]
        else:
            parent = point - 1 if rng.random() < 0.7 else int(rng.integers(0, point))
        kind = types[parent]
        if point < soma:
            parent, kind = (point - 1 if rng.random() < 0.7 else 0), 1
            path = [0] if parent == 0 else path
        elif kind == 1 or rng.random() < 0.1:
            kind = int(rng.choice([2, 3, 4, 5, 7]))
        types.append(kind)
        parents.append(parent)
        path.append(point)
    places = np.round(rng.normal(size=(count, 3)) * 30, int(rng.integers(1, 7)))
    radii = np.round(rng.uniform(0.1, 3.0, count), 3)
    rows = zip(types, places.tolist(), radii.tolist(), parents, strict=True)
    return "".join(
        f"{k} {kind} {x:.8g} {y:.8g} {z:.8g} {radius:g} {parent + 1 if parent >= 0 else -1}\n"
        for k, (kind, (x, y, z), radius, parent) in enumerate(rows, start=1)
    )

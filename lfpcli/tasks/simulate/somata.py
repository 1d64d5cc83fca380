"""Where the somata of a population go."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from lfpcli import seeds
from lfpcli.errors import InputError, nearest
from lfpcli.io.arrays import load_contacts
from lfpcli.io.npz import read_npy
from lfpcli.model import Population
from lfpcli.model.population import Place

# rounds of drawing after which cells that come too near one another are given up
_ROUNDS = 1000
# rounds without a cell fewer that has no room, after which none is expected
_PATIENCE = 250
# points whose distances are all computed
_FEW = 64
# largest share of space that balls fill, and of a plane that discs fill
_DENSEST_BALLS = math.pi / math.sqrt(18)
_DENSEST_DISCS = math.pi / math.sqrt(12)
# draws that tell how far the depths reach
_DEPTH_DRAWS = 10_000


def positions_of(
    population: Population,
    seed: int,
    others: Mapping[str, np.ndarray] | None = None,
) -> np.ndarray | None:
    """Places of the somata, the same on every rank.

    Parameters
    ----------
    population : Population
        The population.
    seed : int
        Seed of the run.
    others : mapping of str to ndarray, shape (cells, 3), optional
        Places of the somata of the populations before this one, um.

    Returns
    -------
    ndarray, shape (size, 3), or None
        um; None where the population places no cells, which stand where their kind does.
    """
    place = population.place
    if place is None:
        return None
    if place.positions is not None:
        return _listed(place, population)
    rng = seeds.generator(seed, f"place {population.name}")
    if place.counts is not None:
        return _grid(place, rng)
    there = _apart_from(place, others or {})
    return _cylinder(place, population.size or 1, rng, there)


def _apart_from(place: Place, others: Mapping[str, np.ndarray]) -> np.ndarray:
    """Somata of other populations that the least distance counts, shape (M, 3), um."""
    for name in place.apart_from:
        if name not in others:
            raise InputError(
                f"'apart_from' names '{name}', which is no population of cells before this one",
                source=place.source_line,
                remedy=nearest(name, others, "population"),
            )
    return np.concatenate([np.empty((0, 3)), *(others[name] for name in place.apart_from)])


def _listed(place: Place, population: Population) -> np.ndarray:
    if isinstance(place.positions, Path):
        if place.positions.suffix == ".npy":
            points = _from_npy(place.positions)
        else:
            points = load_contacts(place.positions).positions
    else:
        points = np.asarray(place.positions, float).reshape(-1, 3)
    if population.size is not None and len(points) != population.size:
        raise InputError(
            f"population '{population.name}' of {population.size} has {len(points)} positions",
            source=population.source_line,
            remedy="write a position for each cell, or change the size",
        )
    return points


def _grid(place: Place, rng: np.random.Generator) -> np.ndarray:
    """Rows of a grid; depths from their distribution."""
    assert place.counts is not None
    steps, start = place.step or (1.0, 1.0), place.start or (0.0, 0.0)
    x, y = (start[k] + steps[k] * np.arange(place.counts[k]) for k in range(2))
    along_x, along_y = (each.ravel() for each in np.meshgrid(x, y, indexing="ij"))
    return np.column_stack([along_x, along_y, place.z.draw(rng, len(along_x))])


def _from_npy(path: Path) -> np.ndarray:
    points = read_npy(path)
    if points.ndim != 2 or points.shape[1] != 3:
        raise InputError(
            f"has shape {points.shape}",
            source=path,
            remedy="give an array (cells, 3) of positions in um",
        )
    return points.astype(float)


def _cylinder(place: Place, size: int, rng: np.random.Generator, others: np.ndarray) -> np.ndarray:
    """Uniform on the disc, depth from its distribution, none nearer than the least distance."""
    _refuse_crowd(place, size)
    points = _draw(place, size, rng)
    fewest, last_gain = size + 1, 0
    for number in range(_ROUNDS):
        again = np.union1d(
            _too_near(points, place.min_distance),
            _near_others(points, others, place.min_distance),
        )
        if not len(again):
            return points
        if len(again) < fewest:
            fewest, last_gain = len(again), number
        if number - last_gain > _PATIENCE:
            break
        points[again] = _draw(place, len(again), rng)
    raise InputError(
        f"{size} cells do not fit at random with {place.min_distance:g} um between them: "
        f"{fewest} find no room",
        source=place.source_line,
        remedy="use a larger radius, fewer cells or a smaller min_distance",
    )


def _refuse_crowd(place: Place, size: int) -> None:
    """Raise `InputError` where so many cells fit in no arrangement, let alone a random one."""
    if place.min_distance <= 0:
        return
    depths = place.z.draw(np.random.Generator(np.random.PCG64(0)), _DEPTH_DRAWS)
    fitting = _most_points(place.radius or 0.0, float(np.ptp(depths)), place.min_distance)
    if size > fitting:
        raise InputError(
            f"{size} cells do not fit with {place.min_distance:g} um between them: no arrangement "
            f"holds more than {fitting}",
            source=place.source_line,
            remedy="use a larger radius, fewer cells or a smaller min_distance",
        )


def _most_points(radius: float, height: float, distance: float) -> int:
    """Bound of the number of points in a cylinder that are farther from each other than this.

    Half the distance about each point is a ball of its own, in a cylinder that is as much larger;
    no arrangement of balls fills more of space than that of Kepler. In a flat cylinder the same
    holds for the points' projections and discs.
    """
    half = 0.5 * distance
    volume = math.pi * (radius + half) ** 2 * (height + distance)
    fitting = _DENSEST_BALLS * volume / (4.0 / 3.0 * math.pi * half**3)
    if height < distance:
        across = 0.5 * math.sqrt(distance**2 - height**2)
        fitting = min(fitting, _DENSEST_DISCS * ((radius + across) / across) ** 2)
    return max(1, math.floor(fitting))


def _near_others(points: np.ndarray, others: np.ndarray, distance: float) -> np.ndarray:
    """Indices of the points that are not farther than this from one of the others."""
    if not len(others) or distance <= 0:
        return np.empty(0, np.int64)
    from scipy.spatial import cKDTree

    gap, _ = cKDTree(others).query(points)
    return np.flatnonzero(gap <= distance)


def _too_near(points: np.ndarray, distance: float) -> np.ndarray:
    """Indices of the points, ascending, that are not farther than this from one before them."""
    if distance <= 0:
        return np.empty(0, np.int64)
    if len(points) <= _FEW:
        gaps = points[:, None] - points
        return np.flatnonzero(np.tril(np.sum(gaps * gaps, axis=2) <= distance**2, -1).any(axis=1))
    # it takes longer to import than few points take without it
    from scipy.spatial import cKDTree

    return np.unique(cKDTree(points).query_pairs(distance, output_type="ndarray")[:, 1])


def _draw(place: Place, count: int, rng: np.random.Generator) -> np.ndarray:
    distance = (place.radius or 0.0) * np.sqrt(rng.uniform(size=count))
    angle = rng.uniform(0.0, 2 * np.pi, count)
    depth = place.z.draw(rng, count)
    return np.column_stack([distance * np.cos(angle), distance * np.sin(angle), depth])

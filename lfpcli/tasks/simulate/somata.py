"""Where the somata of a population go."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from lfpcli import seeds
from lfpcli.errors import InputError
from lfpcli.io.arrays import load_contacts
from lfpcli.io.npz import read_npy
from lfpcli.model import CellSpec, Population
from lfpcli.model.network import Place

# rounds of drawing after which cells that come too near one another are given up
_ROUNDS = 1000
# points whose distances are all computed
_FEW = 1000


def positions_of(population: Population, spec: CellSpec, seed: int) -> np.ndarray:
    """Places of the somata, the same on every rank.

    Parameters
    ----------
    population : Population
        The population.
    spec : CellSpec
        Its kind of cell, whose shift holds where the population has no places of its own.
    seed : int
        Seed of the run.

    Returns
    -------
    ndarray, shape (size, 3)
        um.
    """
    place = population.place
    if place is None:
        return np.tile(np.asarray(spec.shift, float), (population.size or 1, 1))
    if place.positions is not None:
        return _listed(place, population)
    rng = seeds.generator(seed, f"place {population.name}")
    return _cylinder(place, population.size or 1, rng)


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
        )
    return points


def _from_npy(path: Path) -> np.ndarray:
    points = read_npy(path)
    if points.ndim != 2 or points.shape[1] != 3:
        raise InputError(
            f"has shape {points.shape}",
            source=path,
            remedy="give an array (cells, 3) of positions in um",
        )
    return points.astype(float)


def _cylinder(place: Place, size: int, rng: np.random.Generator) -> np.ndarray:
    """Uniform on the disc, depth from its distribution, none nearer than the least distance."""
    points = _draw(place, size, rng)
    for _ in range(_ROUNDS):
        again = _too_near(points, place.min_distance)
        if not len(again):
            return points
        points[again] = _draw(place, len(again), rng)
    raise InputError(
        f"{size} cells do not fit with {place.min_distance:g} um between them",
        source=place.source_line,
        remedy="use a larger radius or a smaller min_distance",
    )


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

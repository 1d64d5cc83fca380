"""Segments and contacts of chance for the tests of extracellular models."""

from __future__ import annotations

import lfpykit
import numpy as np

from lfpcli.geometry import Geometry


def segments(count: int = 120, seed: int = 1, spread: float = 100.0) -> Geometry:
    """Unconnected segments about the origin; the first is the soma."""
    rng = np.random.default_rng(seed)
    start = rng.uniform(-spread, spread, (count, 3))
    end = start + rng.normal(size=(count, 3)) * 12
    names = ["soma[0]", *(f"dend[{i}]" for i in range(count - 1))]
    return Geometry(
        start,
        end,
        rng.uniform(0.4, 4.0, count),
        section=np.arange(count),
        section_names=names,
    )


def within(geometry: Geometry, low: float, high: float) -> Geometry:
    """The segments with their depths mapped into low to high, um."""
    z = np.concatenate([geometry.start[:, 2], geometry.end[:, 2]])
    scale = (high - low) / (z.max() - z.min())
    for ends in (geometry.start, geometry.end):
        ends[:, 2] = low + (ends[:, 2] - z.min()) * scale
    return geometry


def contacts(count: int = 25, seed: int = 2, spread: float = 150.0) -> np.ndarray:
    """Places of contacts, shape (C, 3)."""
    return np.random.default_rng(seed).uniform(-spread, spread, (count, 3))


def rotation(seed: int = 3) -> np.ndarray:
    """A rotation matrix of chance."""
    matrix, _ = np.linalg.qr(np.random.default_rng(seed).normal(size=(3, 3)))
    return matrix * np.linalg.det(matrix)


def as_lfpykit(geometry: Geometry) -> lfpykit.CellGeometry:
    """The same segments for LFPykit."""
    columns = [np.column_stack([geometry.start[:, k], geometry.end[:, k]]) for k in range(3)]
    return lfpykit.CellGeometry(*columns, d=geometry.diam)

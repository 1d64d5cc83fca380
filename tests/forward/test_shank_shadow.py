"""The shadow of a silicon shank: against figures of finite elements in print."""

from __future__ import annotations

import numpy as np

from lfpcli.forward.grid_medium import GridMedium
from lfpcli.forward.potentials import transfer_matrix
from lfpcli.forward.regions import Box, Cylinder, Medium, Region
from lfpcli.geometry import Geometry

WIDTH, THICKNESS = 114.0, 15.0
SHANK = Box(low=(-WIDTH / 2, 0, -200), high=(WIDTH / 2, THICKNESS, np.inf))


def points(places: np.ndarray) -> Geometry:
    return Geometry(start=places, end=places.copy(), diam=np.full(len(places), 0.1))


def test_shank_as_wide_as_a_neuronexus_probe() -> None:
    """Buccino et al. 2019, J Neural Eng 16:026030: on the front of a probe 114 um wide and 15 um
    thick potentials are some 1.7 to 1.9 times those without it, nearer ones more; behind it a
    contact is in its shadow; beside it nearly nothing changes."""
    distances = np.array([10.0, 20.0, 32.0, 40.0, 60.0, 100.0])
    zero = np.zeros_like(distances)
    front = np.column_stack([zero, -distances, zero])
    behind = np.column_stack([zero, THICKNESS + distances, zero])
    beside = np.column_stack([WIDTH / 2 + distances, zero + THICKNESS / 2, zero])
    geometry = points(np.concatenate([front, behind, beside]))
    region = Region(shape=SHANK, sigma=(0.0, 0.0, 0.0))
    medium = GridMedium(conductor=Medium(regions=(region,)), tolerance=2e-2)
    contact = np.zeros((1, 3))
    whole = transfer_matrix(geometry, contact, medium=medium)
    ratios = (whole / transfer_matrix(geometry, contact)).reshape(3, -1)
    assert np.all(np.diff(ratios[0]) < 0) and np.all(np.diff(ratios[1]) > 0)
    near = distances <= 40
    assert np.all((ratios[0, near] > 1.7) & (ratios[0, near] < 1.95))
    assert np.all(ratios[1, near] < 0.4)
    assert np.all(np.abs(ratios[2] - 1.0) < 0.15)


def test_microwire_hardly_matters() -> None:
    """The same paper: microwires hardly influence the potentials; one of 15 um radius, its contact
    on the flat tip, where a plane would double them."""
    wire = Cylinder(axis=2, centre=(0.0, 0.0), radius=15.0, low=0.0, high=np.inf)
    medium = GridMedium(
        conductor=Medium(regions=(Region(shape=wire, sigma=(0.0, 0.0, 0.0)),)), tolerance=5e-2
    )
    places = np.array([[0.0, 0, -40], [30, 0, -30], [60, 0, 0], [0, 0, -100], [50, 50, -50]])
    contact = np.zeros((1, 3))
    ratios = transfer_matrix(points(places), contact, medium=medium)
    ratios /= transfer_matrix(points(places), contact)
    assert np.all((ratios > 0.95) & (ratios < 1.3))

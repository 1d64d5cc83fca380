"""Metal that floats in a medium on a grid: against closed forms of balls and discs."""

from __future__ import annotations

import numpy as np
import pytest
from graded_grids import graded_faces

from lfpcli.errors import InputError
from lfpcli.forward.contact_field import point_source
from lfpcli.forward.grid import Grid
from lfpcli.forward.grid_field import GridField
from lfpcli.forward.grid_medium import GridMedium
from lfpcli.forward.grid_values import GridValues
from lfpcli.forward.potentials import transfer_matrix
from lfpcli.forward.regions import METAL, SURFACE, Ball, Box, Cylinder, Medium, Region, directions
from lfpcli.forward.stimulation import stimulation_matrix
from lfpcli.geometry import Geometry

INF = np.inf
GLASS = Region(shape=Box(low=(-INF, -INF, -INF), high=(INF, INF, 0.0)), sigma=(0.0,) * 3)
BALL = Region(shape=Ball(centre=(0, 0, 0), radius=20.0), sigma=METAL)


def points(places: np.ndarray) -> Geometry:
    return Geometry(start=places, end=places.copy(), diam=np.full(len(places), 0.1))


def solved(medium: Medium, contact: np.ndarray, *, half: float, spacing: float) -> GridValues:
    """The potential of a contact on one grid, fine within `half` of the origin."""
    x, y, z = (
        graded_faces(-half, half, spacing=spacing, reach=3000.0, planes=medium.planes(axis))
        for axis in range(3)
    )
    grid = Grid(faces=(x, y, z))
    field = GridField(medium, grid)
    sigma = medium.about(contact, SURFACE)
    remainder = field.remainder(contact, sigma)
    return GridValues.of(grid, field.sigma, remainder, contact=contact, sigma=sigma)


def errors(values: GridValues, places: np.ndarray, expected: np.ndarray) -> np.ndarray:
    found = point_source(places, values.contact, values.sigma) + values.at(places)
    return np.abs(found / expected - 1.0)


def test_floating_ball_takes_the_potential_of_its_centre() -> None:
    """By the mean value theorem, that of a source at the distance d is I / (4 pi sigma d)."""
    medium = Medium(regions=(BALL,))
    values = solved(medium, np.array([0.0, 0.0, 20.0]), half=60.0, spacing=5.0)
    places = np.concatenate([r * directions(12) for r in (40.0, 100.0, 300.0)])
    expected = 1.0 / (4 * np.pi * 0.3 * np.linalg.norm(places, axis=1))
    error = errors(values, places, expected)
    assert np.median(error) < 1e-2 and error.max() < 3e-2


def test_contact_beside_a_floating_ball() -> None:
    """An image of -a/d at a^2/d, and one of a/d in the centre, so that no net current enters."""
    contact, radius, distance = np.array([0.0, 0.0, 50.0]), 20.0, 50.0
    values = solved(Medium(regions=(BALL,)), contact, half=60.0, spacing=5.0)
    places = np.concatenate([r * directions(12) for r in (30.0, 100.0, 300.0)])
    image = np.array([0.0, 0.0, radius**2 / distance])
    expected = 1.0 / np.linalg.norm(places - contact, axis=1)
    expected -= radius / distance / np.linalg.norm(places - image, axis=1)
    expected += radius / distance / np.linalg.norm(places, axis=1)
    error = errors(values, places, expected / (4 * np.pi * 0.3))
    assert np.median(error) < 1e-2 and np.percentile(error, 95) < 3e-2


def test_disc_on_glass() -> None:
    """An equipotential disc on an insulating plane (Newman 1966, J Electrochem Soc 113:501)."""
    radius = 10.0
    shape = Cylinder(axis=2, centre=(0, 0), radius=radius, low=0.0, high=0.5)
    medium = Medium(regions=(GLASS, Region(shape=shape, sigma=METAL)))
    values = solved(medium, np.zeros(3), half=20.0, spacing=1.6)
    places = np.random.default_rng(1).uniform([-80, -80, 10], [80, 80, 150], (60, 3))
    rho, z = np.hypot(places[:, 0], places[:, 1]), places[:, 2]
    reach = np.hypot(rho - radius, z) + np.hypot(rho + radius, z)
    expected = np.arcsin(2 * radius / reach) / (2 * np.pi * 0.3 * radius)
    error = errors(values, places, expected)
    assert np.median(error) < 1e-2 and error.max() < 4e-2


@pytest.mark.slow
def test_source_and_metal_change_places() -> None:
    """A contact of metal measures what a source gives it, and stimulates with the same numbers."""
    plate = Region(shape=Box(low=(-8, -8, 0), high=(8, 8, 4)), sigma=METAL)
    medium = GridMedium(conductor=Medium(regions=(GLASS, plate)), tolerance=5e-2)
    there, place = np.array([[0.0, 0.0, 1.0]]), np.array([[40.0, 10.0, 60.0]])
    recorded = transfer_matrix(points(place), there, medium=medium)
    assert stimulation_matrix(points(place), there, medium=medium) == pytest.approx(recorded.T)
    # from afar the plate on the glass is a point on an insulating plane
    distance = float(np.linalg.norm(place))
    assert recorded[0, 0] == pytest.approx(1 / (2 * np.pi * 0.3 * distance), rel=0.05)


def test_what_metal_cannot_be_is_told() -> None:
    near = Region(shape=Box(low=(0, 0, 0), high=(9, 9, 9)), sigma=METAL)
    other = Region(shape=Box(low=(9, 0, 0), high=(18, 9, 9)), sigma=METAL)
    with pytest.raises(InputError, match="two regions of metal touch"):
        solved(Medium(regions=(near, other)), np.array([0, 0, 30.0]), half=20.0, spacing=4.5)
    inside = points(np.array([[4.0, 4.0, 4.0]]))
    with pytest.raises(InputError, match="into metal"):
        transfer_matrix(inside, [0, 0, 30.0], medium=GridMedium(conductor=Medium(regions=(near,))))
    with pytest.raises(InputError, match="metal has no end"):
        Region(shape=Box(low=(0, 0, 0), high=(9, 9, INF)), sigma=METAL)

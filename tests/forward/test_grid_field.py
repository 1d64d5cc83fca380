"""Potentials on a grid against images, series and symmetries."""

from __future__ import annotations

import numpy as np
import pytest
from graded_grids import graded_faces

from lfpcli.errors import InputError
from lfpcli.forward.grid import Grid
from lfpcli.forward.grid_field import GridField
from lfpcli.forward.grid_values import GridValues
from lfpcli.forward.media import Slice, Sphere
from lfpcli.forward.potentials import PotentialModel
from lfpcli.forward.regions import Ball, Box, Cylinder, Medium, Region
from lfpcli.geometry import Geometry

SLAB = Region(
    shape=Box(low=(-np.inf, -np.inf, 0.0), high=(np.inf, np.inf, 300.0)), sigma=(0.3, 0.3, 0.3)
)
GLASS = Region(
    shape=Box(low=(-np.inf, -np.inf, -np.inf), high=(np.inf, np.inf, 0.0)), sigma=(0.0, 0.0, 0.0)
)
SLICE = Medium(background=(1.5, 1.5, 1.5), regions=(SLAB, GLASS))


def grid_of(
    medium: Medium, extent: list[tuple[float, float]], spacing: float, reach: float = 3000.0
) -> Grid:
    x, y, z = (
        graded_faces(low, high, spacing=spacing, reach=reach, planes=medium.planes(axis))
        for axis, (low, high) in enumerate(extent)
    )
    return Grid(faces=(x, y, z))


def potentials(field: GridField, contact: np.ndarray, points: np.ndarray) -> np.ndarray:
    """Point source and remainder, mV per nA."""
    sigma = field.medium.about(contact, 1.0)
    remainder = field.remainder(contact, sigma)
    values = GridValues.of(field.grid, field.sigma, remainder, contact=contact, sigma=sigma)
    away = np.sqrt(np.sum((points - contact) ** 2 / sigma, axis=1))
    known = 1.0 / (4.0 * np.pi * np.sqrt(np.prod(sigma)) * away)
    return known + values.at(points)


def by_model(model: PotentialModel, contact: np.ndarray, points: np.ndarray) -> np.ndarray:
    count = len(points)
    geometry = Geometry(
        start=points,
        end=points.copy(),
        diam=np.full(count, 1.0),
        area=np.ones(count),
        x=np.full(count, 0.5),
        gid=np.zeros(count, np.int64),
        section=np.zeros(count, np.int64),
        parent=np.full(count, -1),
        section_names=["soma"],
    )
    return model.matrix(geometry, contact[None, :])[0]


def errors(found: np.ndarray, expected: np.ndarray) -> np.ndarray:
    return np.abs(found / expected - 1.0)


@pytest.mark.parametrize("height", [0.0, 150.0])
def test_slice_has_its_images(height: float) -> None:
    contact = np.array([10.0, 0.0, height])
    grid = grid_of(SLICE, [(-120.0, 120.0), (-120.0, 120.0), (0.0, 300.0)], 16.0)
    rng = np.random.default_rng(2)
    points = rng.uniform([-110, -110, 5], [110, 110, 295], (300, 3))
    points = points[np.linalg.norm(points - contact, axis=1) > 20]
    model = PotentialModel(method="point", sigma=0.3, medium=Slice(thickness=300.0))
    found = potentials(GridField(SLICE, grid), contact, points)
    error = errors(found, by_model(model, contact, points))
    assert np.median(error) < 6e-4
    assert np.percentile(error, 95) < 4e-3


def test_ball_has_its_series() -> None:
    medium = Medium(
        background=(0.03, 0.03, 0.03),
        regions=(Region(shape=Ball(centre=(0, 0, 0), radius=200.0), sigma=(0.3, 0.3, 0.3)),),
    )
    contact = np.array([0.0, 40.0, 60.0])
    grid = grid_of(medium, [(-200.0, 200.0)] * 3, 14.0, reach=4000.0)
    rng = np.random.default_rng(3)
    points = rng.uniform(-120, 120, (300, 3))
    points = points[np.linalg.norm(points, axis=1) < 170]
    points = points[np.linalg.norm(points - contact, axis=1) > 25]
    model = PotentialModel(method="point", sigma=0.3, medium=Sphere(radius=200.0, sigma_out=0.03))
    error = errors(
        potentials(GridField(medium, grid), contact, points), by_model(model, contact, points)
    )
    assert np.median(error) < 6e-3


@pytest.mark.parametrize("sigma", [(0.3, 0.3, 0.3), (0.3, 0.2, 0.45)])
def test_equal_media_leave_no_remainder(sigma: tuple[float, float, float]) -> None:
    medium = Medium(background=sigma)
    field = GridField(medium, grid_of(medium, [(-60.0, 60.0)] * 3, 20.0, reach=500.0))
    contact = np.array([3.0, 0.0, -20.0])
    remainder = field.remainder(contact, np.array(sigma))
    # what the outer cells' walls take is not quite what a point source sends through them
    known = 1.0 / (4.0 * np.pi * np.sqrt(np.prod(sigma)) * 500.0 / np.sqrt(max(sigma)))
    assert np.abs(remainder).max() < 0.1 * known


def test_source_and_contact_change_places() -> None:
    medium = Medium(
        background=(0.3, 0.3, 0.3),
        regions=(
            Region(shape=Box(low=(20, -40, -40), high=(60, 40, 40)), sigma=(1.5, 1.5, 1.5)),
            Region(shape=Cylinder(axis=2, centre=(-50.0, 0.0), radius=15.0), sigma=(0.0,) * 3),
        ),
    )
    field = GridField(medium, grid_of(medium, [(-100.0, 100.0)] * 3, 8.0, reach=1500.0))
    one, other = np.array([0.0, 10.0, 0.0]), np.array([-20.0, -70.0, 50.0])
    there = potentials(field, one, other[None, :])[0]
    back = potentials(field, other, one[None, :])[0]
    assert there == pytest.approx(back, rel=3e-3)


def test_finer_grids_come_nearer() -> None:
    contact = np.array([0.0, 0.0, 120.0])
    points = np.random.default_rng(4).uniform([-90, -90, 10], [90, 90, 290], (200, 3))
    points = points[np.linalg.norm(points - contact, axis=1) > 60]
    model = PotentialModel(method="point", sigma=0.3, medium=Slice(thickness=300.0))
    expected = by_model(model, contact, points)
    found = []
    for spacing in (50.0, 20.0):
        grid = grid_of(SLICE, [(-100.0, 100.0), (-100.0, 100.0), (0.0, 300.0)], spacing)
        error = errors(potentials(GridField(SLICE, grid), contact, points), expected)
        found.append(float(np.sqrt(np.mean(error**2))))
    assert found[1] < 0.5 * found[0]


def test_faces_lie_on_planes_and_grow() -> None:
    faces = graded_faces(-50.0, 50.0, spacing=10.0, reach=400.0, planes=[-200.0, 13.0, 450.0, 900])
    for plane in (-200.0, 13.0, -50.0, 50.0):
        assert np.abs(faces - plane).min() < 1e-9
    assert faces[0] == pytest.approx(-450.0) and faces[-1] == pytest.approx(450.0)
    assert np.all(np.diff(faces) > 0)
    inner = faces[(faces >= -50) & (faces <= 50)]
    assert np.diff(inner).max() <= 10.0 + 1e-9


def test_what_cannot_be_is_told() -> None:
    with pytest.raises(InputError, match="no inside"):
        Box(low=(0, 0, 0), high=(1, 0, 1))
    with pytest.raises(InputError, match="does not conduct"):
        Medium(background=(0.0, 0.0, 0.0))
    with pytest.raises(InputError, match="three numbers"):
        Region(shape=Ball(centre=(0, 0, 0), radius=1.0), sigma=(-1.0, 0.3, 0.3))
    grid = grid_of(SLICE, [(-50.0, 50.0), (-50.0, 50.0), (0.0, 300.0)], 50.0, reach=400.0)
    values = GridValues.of(
        grid,
        GridField(SLICE, grid).sigma,
        np.zeros(grid.shape),
        contact=np.array([0.0, 0.0, 50.0]),
        sigma=np.array([0.3, 0.3, 0.3]),
    )
    for place, fault in (((0.0, 0.0, -150.0), "does not conduct"), ((9e3, 0.0, 10.0), "outside")):
        with pytest.raises(InputError, match=fault):
            values.at(np.array([place]))

"""Anisotropic tissue: closed forms by scaling and images, tensors by turning the scene."""

from __future__ import annotations

import numpy as np
import pytest

from lfpcli.errors import InputError, UsageError
from lfpcli.forward.contacts import Contacts
from lfpcli.forward.grid_medium import GridMedium
from lfpcli.forward.media import HalfSpace, Slice, Sphere
from lfpcli.forward.potentials import PotentialModel, transfer_matrix
from lfpcli.forward.regions import Box, Medium, Region
from lfpcli.forward.rotations import random_rotation
from lfpcli.geometry import Geometry

INF = np.inf
ALONG = np.array([0.25, 0.25, 0.5])


def lines(seed: int, low: list[float], high: list[float], count: int = 200) -> Geometry:
    rng = np.random.default_rng(seed)
    start = rng.uniform(low, high, (count, 3))
    end = np.clip(start + rng.normal(0.0, 15.0, (count, 3)), low, high)
    return Geometry(start=start, end=end, diam=np.full(count, 1.0))


def points(places: np.ndarray) -> Geometry:
    return Geometry(start=places, end=places.copy(), diam=np.full(len(places), 0.1))


def slab(low: float, high: float, sigma: tuple[float, float, float]) -> Region:
    return Region(shape=Box(low=(-INF, -INF, low), high=(INF, INF, high)), sigma=sigma)


@pytest.mark.parametrize("sigma", [(0.2, 0.4, 0.6), (0.3, 0.3, 0.1)])
def test_half_space_over_an_insulator_mirrors(sigma: tuple[float, float, float]) -> None:
    contact = np.array([[10.0, -5.0, -30.0]])
    sources = points(np.random.default_rng(1).uniform([-90, -90, -90], [90, 90, -1], (50, 3)))
    found = transfer_matrix(sources, contact, sigma=sigma, medium=HalfSpace())[0]
    away = [sources.start - contact, sources.start - contact * [1, 1, -1]]
    root = np.sqrt(np.prod(sigma))
    expected = sum(
        1.0 / (4 * np.pi * root * np.sqrt((d**2 / np.array(sigma)).sum(axis=1))) for d in away
    )
    assert found == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("beyond", [0.0, 0.1, 1.5])
def test_potential_and_current_are_continuous_at_the_plane(beyond: float) -> None:
    """sz d/dz of the tissue is that of the other medium, whose own potential obeys Laplace."""
    medium = HalfSpace(sigma_other=beyond)
    source = points(np.array([[0.0, 0.0, -40.0]]))
    step = 1e-3

    def at(x: float, z: float) -> float:
        contact = np.array([[x, 0.0, z]])
        return float(transfer_matrix(source, contact, sigma=ALONG, medium=medium)[0, 0])

    for x in (0.0, 30.0, 200.0):
        below = ALONG[2] * (at(x, -step) - at(x, -2 * step)) / step
        if beyond == 0:
            assert abs(below) < 1e-4 * ALONG[2] * at(x, -step)
            continue
        above = beyond * (at(x, 2 * step) - at(x, step)) / step
        assert at(x, step) == pytest.approx(at(x, -step), rel=1e-3)
        assert below == pytest.approx(above, rel=1e-3)


def test_isotropic_medium_is_what_it_was() -> None:
    geometry = lines(2, [-200, -200, 5], [200, 200, 295])
    contacts = np.array([[0.0, 0.0, 0.0], [3.0, 5.0, 150.0], [9.0, 5.0, 340.0]])
    medium = Slice(thickness=300.0)
    equal = PotentialModel(sigma=(0.3, 0.3, 0.3), medium=medium).matrix(geometry, contacts)
    assert np.array_equal(equal, PotentialModel(medium=medium).matrix(geometry, contacts))
    nearly = PotentialModel(sigma=(0.3, 0.3, 0.3 * (1 + 1e-9)), medium=medium)
    assert nearly.matrix(geometry, contacts) == pytest.approx(equal, rel=1e-7)


def test_slice_against_regions() -> None:
    medium = GridMedium(
        conductor=Medium(
            background=(1.5,) * 3, regions=(slab(0, 300, tuple(ALONG)), slab(-INF, 0, (0.0,) * 3))
        )
    )
    contacts = np.array([[0.0, 0.0, 0.0], [10.0, 20.0, 150.0]])
    geometry = lines(3, [-200, -200, 5], [200, 200, 295])
    found = transfer_matrix(geometry, contacts, medium=medium)
    expected = transfer_matrix(geometry, contacts, sigma=ALONG, medium=Slice(thickness=300.0))
    error = np.abs(found / expected - 1.0)
    assert np.median(error) < 1e-3 and np.percentile(error, 95) < 4e-3


def test_faces_near_sources_in_an_anisotropic_slice() -> None:
    """The adaptive rule of a face agrees with many fixed points."""
    contacts = Contacts(np.array([[0.0, 0.0, 0.0]]), normals=np.array([0, 0, 1.0]), radius=15.0)
    geometry = lines(4, [-25, -25, 8], [25, 25, 30], count=40)
    model = PotentialModel(sigma=ALONG, medium=Slice(thickness=300.0))
    fixed = PotentialModel(sigma=ALONG, medium=Slice(thickness=300.0), quadrature=4000)
    assert model.matrix(geometry, contacts) == pytest.approx(
        fixed.matrix(geometry, contacts), rel=2e-4
    )


@pytest.mark.parametrize("method", ["line", "point"])
def test_a_turned_scene_has_the_same_numbers(method: str) -> None:
    turn = random_rotation(np.random.default_rng(7))
    along = np.diag([0.2, 0.3, 0.6])
    geometry = lines(5, [-100, -100, -100], [100, 100, 100])
    faces = Contacts(
        np.array([[0.0, 5.0, 9.0], [40.0, 0.0, 0.0]]),
        normals=np.array([0.0, 0.6, 0.8]),
        half_sides=(4.0, 9.0),
        shape="rect",
    )
    turned = Geometry(start=geometry.start @ turn.T, end=geometry.end @ turn.T, diam=geometry.diam)
    straight = PotentialModel(sigma=along, method=method).matrix(geometry, faces)
    tensor = turn @ along @ turn.T
    found = PotentialModel(sigma=tensor, method=method).matrix(turned, faces.moved(rotation=turn))
    assert found == pytest.approx(straight, rel=1e-9)


def test_point_source_in_a_tensor() -> None:
    tensor = np.array([[0.5, 0.1, 0.0], [0.1, 0.3, -0.05], [0.0, -0.05, 0.2]])
    places = np.random.default_rng(6).normal(0.0, 60.0, (50, 3))
    found = transfer_matrix(points(places), np.zeros((1, 3)), sigma=tensor)[0]
    square = np.einsum("ni,ij,nj->n", places, np.linalg.inv(tensor), places)
    expected = 1.0 / (4 * np.pi * np.sqrt(np.linalg.det(tensor) * square))
    assert found == pytest.approx(expected, rel=1e-10)


def test_what_has_no_images_is_refused() -> None:
    inside = points(np.array([[0.0, 0.0, 50.0]]))
    contact = np.array([[0.0, 0.0, 10.0]])
    tilted = [[0.3, 0.1, 0.0], [0.1, 0.3, 0.0], [0.0, 0.0, 0.3]]
    for sigma, medium, fault in (
        ((0.2, 0.3, 0.3), Slice(thickness=300.0), "different along x and y"),
        ((0.2, 0.3, 0.3), Sphere(radius=300.0), "one conductivity"),
        (tilted, Slice(thickness=300.0), "needs the infinite medium"),
    ):
        with pytest.raises(UsageError, match=fault):
            transfer_matrix(inside, contact, sigma=sigma, medium=medium)
    for wrong, fault in (
        ([[0.3, 0.1, 0], [0, 0.3, 0], [0, 0, 0.3]], "not symmetric"),
        ([[0.3, 0.4, 0], [0.4, 0.3, 0], [0, 0, 0.3]], r"-0\.1 S/m along one of its axes"),
        ([[0.3, 0, 0], [0, np.nan, 0], [0, 0, 0.3]], "NaN"),
    ):
        with pytest.raises(UsageError, match=fault):
            transfer_matrix(inside, contact, sigma=wrong)
    with pytest.raises(InputError, match="metal has no end"):
        slab(0, 10, (INF,) * 3)

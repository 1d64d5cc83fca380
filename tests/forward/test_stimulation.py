"""Potentials that stimulating electrodes make at segments."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
from sources import program

from lfpcli.errors import InputError, UsageError
from lfpcli.forward.contacts import Contacts
from lfpcli.forward.potentials import transfer_matrix
from lfpcli.forward.pulses import PulseTrain
from lfpcli.forward.stimulation import stimulation_matrix, stimulation_potential
from lfpcli.geometry import Geometry

ELECTRODES = np.array([[50.0, 0.0, 0.0], [0.0, -40.0, 300.0], [-80.0, 20.0, 10.0]])


@pytest.fixture
def cell() -> Geometry:
    rng = np.random.default_rng(17)
    start = rng.uniform(-200.0, 200.0, size=(40, 3))
    return Geometry(start, start + rng.normal(scale=15.0, size=(40, 3)), rng.uniform(0.5, 20, 40))


def distances(cell: Geometry) -> np.ndarray:
    return np.linalg.norm(cell.middle[:, None] - ELECTRODES[None], axis=2)


@pytest.mark.parametrize(("medium", "factor"), [("infinite", 4.0), ("half-space", 2.0)])
def test_point_electrodes_follow_coulombs_law(cell: Geometry, medium: str, factor: float) -> None:
    got = stimulation_matrix(cell, ELECTRODES, sigma=0.25, medium=medium)
    expected = 1.0 / (factor * np.pi * 0.25 * np.maximum(distances(cell), 2.0))
    np.testing.assert_allclose(got, expected, rtol=1e-13)


def test_anisotropic_medium(cell: Geometry) -> None:
    sx, sy, sz = sigma = (0.3, 0.2, 0.45)
    dx, dy, dz = np.moveaxis(cell.middle[:, None] - ELECTRODES[None], 2, 0)
    root = np.sqrt(sy * sz * dx**2 + sx * sz * dy**2 + sx * sy * dz**2)
    got = stimulation_matrix(cell, ELECTRODES, sigma=sigma)
    np.testing.assert_allclose(got, 1.0 / (4 * np.pi * root), rtol=1e-12)


def test_a_middle_at_the_electrode_is_taken_at_the_least_distance() -> None:
    ends = np.array([[[0.0, 0.0, -5.0], [0.0, 0.0, 5.0]], [[0.5, 0.0, 0.0], [0.7, 0.0, 0.0]]])
    cell = Geometry(ends[:, 0], ends[:, 1], np.array([10.0, 0.1]))
    got = stimulation_matrix(cell, [[0.0, 0.0, 0.0]], sigma=0.3, min_distance=4.0)
    np.testing.assert_allclose(got, 1.0 / (4 * np.pi * 0.3 * 4.0), rtol=1e-13)


def test_face_of_a_disc_has_the_potential_of_its_axis() -> None:
    # on the axis of an even disc: (sqrt(a^2 + h^2) - h) / (2 pi sigma a^2)
    a, heights = 10.0, np.array([5.0, 20.0, 100.0])
    points = np.column_stack([0 * heights, 0 * heights, heights])
    cell = Geometry(points, points, np.ones(3))
    disc = Contacts(np.zeros((1, 3)), normals=np.array([0.0, 0.0, 1.0]), radius=a)
    got = stimulation_matrix(cell, disc, sigma=0.3, quadrature=400)
    expected = (np.hypot(a, heights) - heights) / (2 * np.pi * 0.3 * a**2)
    np.testing.assert_allclose(got[:, 0], expected, rtol=1e-9)


def test_reciprocal_to_recording(cell: Geometry) -> None:
    small = Geometry(cell.start, cell.end, np.full(len(cell), 4.0))
    recorded = transfer_matrix(small, ELECTRODES, method="point", sigma=0.3)
    np.testing.assert_array_equal(stimulation_matrix(cell, ELECTRODES), recorded.T)


def test_electrodes_add_over_time(cell: Geometry) -> None:
    times = 0.1 * np.arange(50)
    currents = np.array([PulseTrain(-1e4, 1.0 + k, 0.5).at(times) for k in range(3)])
    got = stimulation_potential(cell, ELECTRODES, currents, sigma=0.3)
    assert got.shape == (40, 50)
    np.testing.assert_allclose(got[:, 12], -1e4 * stimulation_matrix(cell, ELECTRODES)[:, 0])
    single = stimulation_potential(cell, ELECTRODES, [1.0, 2.0, 3.0])
    np.testing.assert_allclose(single[:, 0], stimulation_matrix(cell, ELECTRODES) @ [1.0, 2.0, 3.0])


def field_of_meautility() -> None:
    import warnings

    warnings.simplefilter("ignore")
    import MEAutility as mu

    mea = mu.return_mea("Neuronexus-32")
    mea.set_currents(np.linspace(-1000.0, 500.0, 32))
    points = np.random.default_rng(5).uniform(-150.0, 150.0, (30, 3))
    print(*np.ravel(mea.compute_field(points)).tolist())


def test_agrees_with_meautility() -> None:
    from lfpcli.io.arrays import load_contacts

    done = subprocess.run(
        [sys.executable, "-c", program(field_of_meautility)],
        check=True,
        capture_output=True,
        text=True,
    )
    expected = np.array(done.stdout.splitlines()[-1].split(), dtype=float)
    points = np.random.default_rng(5).uniform(-150.0, 150.0, (30, 3))
    cell = Geometry(points, points, np.ones(30))
    electrodes = load_contacts("Neuronexus-32")
    currents = np.linspace(-1000.0, 500.0, 32)
    got = stimulation_potential(cell, electrodes, currents, medium="half-space", sigma=0.3)
    np.testing.assert_allclose(got[:, 0], expected, rtol=1e-9)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"min_distance": 0.0}, "min_distance"),
        ({"min_distance": np.nan}, "min_distance"),
        ({"sigma": -0.3}, "sigma"),
        ({"medium": "half space"}, "half-space"),
    ],
)
def test_bad_options(cell: Geometry, options: dict, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        stimulation_matrix(cell, ELECTRODES, **options)


@pytest.mark.parametrize(
    ("currents", "message"),
    [
        ([1.0, 2.0], r"shape \(2,\), expected \(3, T\)"),
        (np.zeros((3, 4, 5)), r"expected \(3, T\)"),
        ([1.0, np.inf, 3.0], "electrode 1 is not finite"),
        (["a", "b", "c"], "not numbers"),
    ],
)
def test_bad_currents(cell: Geometry, currents: object, message: str) -> None:
    with pytest.raises(InputError, match=message):
        stimulation_potential(cell, ELECTRODES, currents)  # type: ignore[arg-type]

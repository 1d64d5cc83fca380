"""Magnetic fields: LFPykit, Biot and Savart, and what spherical symmetry demands."""

from __future__ import annotations

import lfpykit.eegmegcalc
import numpy as np
import pytest

from lfpcli.errors import InputError
from lfpcli.forward import meg
from lfpcli.forward.meg import InfiniteHomogeneousVolCondMEG, SphericallySymmetricVolCondMEG
from lfpcli.forward.sensors import Sensors, helmet

MODELS = [
    (InfiniteHomogeneousVolCondMEG, meg.infinite_field),
    (SphericallySymmetricVolCondMEG, meg.spherical_field),
]


def on_sphere(count: int, radius: float, seed: int) -> np.ndarray:
    vectors = np.random.default_rng(seed).standard_normal((count, 3))
    return radius * vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


@pytest.mark.parametrize(("model", "field"), MODELS)
def test_equals_lfpykit(model: type, field: meg.Field) -> None:
    sensors, dipoles = on_sphere(20, 110000.0, 1), on_sphere(5, 70000.0, 2)
    p = np.random.default_rng(3).standard_normal((3, 8))
    wanted = getattr(lfpykit.eegmegcalc, model.__name__)(sensors)
    got = model(sensors)
    for dipole in dipoles:
        np.testing.assert_allclose(
            got.get_transformation_matrix(dipole),
            wanted.get_transformation_matrix(dipole),
            rtol=0,
            atol=1e-10 * np.abs(wanted.get_transformation_matrix(dipole)).max(),
        )
        h = wanted.calculate_H(p, dipole)
        np.testing.assert_allclose(
            got.calculate_H(p, dipole), h, rtol=0, atol=1e-10 * np.abs(h).max()
        )


def test_field_is_right_handed() -> None:
    got = InfiniteHomogeneousVolCondMEG([[0.0, 1000.0, 0.0]]).calculate_H([1.0, 0, 0], [0, 0, 0])
    np.testing.assert_allclose(got[0, :, 0], [0, 0, 1 / (4 * np.pi * 1e6)], rtol=1e-14)


def test_known_value_after_sarvas() -> None:
    model = SphericallySymmetricVolCondMEG([[0.0, 0.0, 92000.0]])
    got = model.calculate_H([0.0, 1.0, 0.0], [0.0, 0.0, 90000.0])
    np.testing.assert_allclose(got[0, :, 0], [9.73094081e-09, 0, 0], rtol=1e-8, atol=1e-24)


def test_flux_density_is_in_tesla() -> None:
    """1 nA um 1 mm away: mu0 / (4 pi) * 1e-15 A m / (1e-3 m)^2 = 1e-16 T."""
    model = InfiniteHomogeneousVolCondMEG([[0.0, 1000.0, 0.0]])
    got = model.calculate_B([1.0, 0.0, 0.0], [0.0, 0.0, 0.0])
    np.testing.assert_allclose(got[0, 2, 0], 1e-16, rtol=1e-12)


def test_radial_dipoles_are_silent_outside_the_sphere() -> None:
    sensors, dipoles = on_sphere(30, 100000.0, 4), on_sphere(6, 1.0, 5)
    for direction, depth in zip(dipoles, np.linspace(1000.0, 90000.0, 6), strict=True):
        model = SphericallySymmetricVolCondMEG(sensors)
        radial = model.calculate_H(direction, depth * direction)
        across = np.cross(direction, [0.0, 0.0, 1.0])
        typical = np.abs(model.calculate_H(across, depth * direction)).max()
        assert np.abs(radial).max() < 1e-12 * typical


def test_dipole_in_the_centre_is_silent() -> None:
    model = SphericallySymmetricVolCondMEG(on_sphere(5, 100000.0, 6))
    assert np.all(model.calculate_H(np.eye(3), [0.0, 0.0, 0.0]) == 0)


def test_radial_component_is_that_of_biot_and_savart() -> None:
    """Currents in the shells add nothing to the radial field (Sarvas 1987, section 4)."""
    places = on_sphere(12, 100000.0, 7)
    outward = (places / 100000.0)[:, None]
    dipoles = on_sphere(4, 60000.0, 8)
    np.testing.assert_allclose(
        meg.spherical_field(places, outward, dipoles),
        meg.infinite_field(places, outward, dipoles),
        rtol=0,
        atol=1e-12 * np.abs(meg.infinite_field(places, outward, dipoles)).max(),
    )


def test_field_has_no_sources_and_no_curl_outside() -> None:
    place, step = np.array([20000.0, -40000.0, 90000.0]), 1.0
    moved = place + step * np.concatenate([np.eye(3), -np.eye(3)])
    model = SphericallySymmetricVolCondMEG(moved)
    h = model.calculate_H([0.3, -0.8, 0.5], [10000.0, 20000.0, 60000.0])[..., 0]
    slope = (h[:3] - h[3:]) / (2 * step)
    typical = np.abs(slope).max()
    assert abs(np.trace(slope)) < 1e-7 * typical
    assert np.abs(slope - slope.T).max() < 1e-7 * typical


@pytest.mark.parametrize(("model", "field"), MODELS)
def test_magnetometers_read_the_component_along_the_coil(model: type, field: meg.Field) -> None:
    places, axes = on_sphere(9, 105000.0, 9), on_sphere(9, 1.0, 10)
    dipoles = on_sphere(3, 50000.0, 11)
    got = meg.sensor_field(field, Sensors(places, 7.0 * axes), dipoles)
    for k, dipole in enumerate(dipoles):
        b = model(places).calculate_B(np.eye(3), dipole)
        wanted = np.einsum("si,sij->sj", axes, b)
        np.testing.assert_allclose(got[:, k], wanted, rtol=0, atol=1e-12 * np.abs(wanted).max())


def test_gradiometer_is_the_difference_of_its_points() -> None:
    near, far, axis = [0.0, 30000.0, 100000.0], [0.0, 30000.0, 150000.0], [0.0, 1.0, 0.0]
    lone = Sensors([0.0, 0.0, 110000.0], [0.0, 0.0, 1.0])
    coil = Sensors(
        [near, lone.points[0], far],
        [axis, [0.0, 0.0, 1.0], axis],
        [1.0, 1.0, -1.0],
        ["axial", "lone", "axial"],
    )
    dipole = [10000.0, 0.0, 70000.0]
    got = meg.sensor_field(meg.spherical_field, coil, dipole)
    both = meg.sensor_field(meg.spherical_field, Sensors([near, far], [axis, axis]), dipole)
    assert coil.names == ["axial", "lone"]
    np.testing.assert_allclose(got[0], both[0] - both[1], rtol=1e-12)
    np.testing.assert_allclose(
        got[1], meg.sensor_field(meg.spherical_field, lone, dipole)[0], rtol=1e-12, atol=1e-40
    )
    np.testing.assert_allclose(coil.positions[0], [0.0, 30000.0, 125000.0])


def test_channels_by_unit() -> None:
    sensors = Sensors(np.eye(3) + 2.0, np.eye(3), None, ["a", "b", "a"], ["T", "T/m"])
    parts = sensors.by_unit()
    assert {unit: part.names for unit, part in parts.items()} == {"T": ["a"], "T/m": ["b"]}
    assert len(parts["T"].points) == 2


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (lambda: Sensors([[0, 0, 1.0]], [[0, 0, 0.0]]), "no direction"),
        (lambda: Sensors([[0, 0, np.nan]], [[0, 0, 1.0]]), "not finite"),
        (lambda: Sensors([[0, 0, 1.0]], [[0, 0, 1.0]], [np.inf]), "weight is not finite"),
        (lambda: Sensors([[0, 0, 1.0]], np.eye(3)), "do not match"),
        (lambda: Sensors([[0, 0, 1.0]], [[0, 0, 1.0]], channels=["a", "b"]), "2 channel names"),
        (lambda: Sensors(np.eye(3), np.eye(3), units=["T"]), "1 units for 3 channels"),
        (lambda: SphericallySymmetricVolCondMEG([0, 0, 1.0], mu=0.0), "not positive"),
        (
            lambda: SphericallySymmetricVolCondMEG([0, 0, 9e4]).calculate_H(
                [1, 0, 0], [0, 0, 9.1e4]
            ),
            "sensor 0 lies inside the head",
        ),
        (
            lambda: InfiniteHomogeneousVolCondMEG([0, 0, 9e4]).calculate_H([1, 0, 0], [0, 0, 9e4]),
            "sensor 0 lies on dipole 0",
        ),
        (
            lambda: InfiniteHomogeneousVolCondMEG([0, 0, 9e4]).calculate_H(
                [1, np.nan, 0], [0, 0, 1]
            ),
            "NaN",
        ),
    ],
)
def test_bad_input(call, text: str) -> None:
    with pytest.raises(InputError, match=text):
        call()


def test_helmet_is_what_the_page_says() -> None:
    sensors = helmet()
    assert len(sensors) == len(sensors.points) == 102
    np.testing.assert_allclose(np.linalg.norm(sensors.points, axis=1), 110000.0)
    inclination = np.degrees(np.arccos(sensors.points[:, 2] / 110000.0))
    assert 0 < inclination.min() < 10 and 98 < inclination.max() < 100
    gaps = np.linalg.norm(sensors.points[:, None] - sensors.points, axis=2)
    nearest = np.sort(gaps, axis=1)[:, 1]
    assert nearest.max() < 1.15 * nearest.min()
    np.testing.assert_allclose(110000.0 * sensors.orientations, sensors.points)


def test_gradiometers_of_the_helmet_are_slopes() -> None:
    """Of a field that rises evenly, they measure the slopes downwards and leftwards."""
    parts = helmet(planar=True).by_unit()
    assert [len(part) for part in parts.values()] == [102, 204]
    planar = parts["T/m"]
    slope = np.array([2.0, -3.0, 5.0])  # T/m
    got = planar.weighted((1e-6 * planar.points @ slope)[:, None])[:, 0]
    radial = planar.positions / np.linalg.norm(planar.positions, axis=1)[:, None]
    for letter in "ab":
        rows = np.char.endswith(planar.names, letter)
        left = np.cross([0.0, 0.0, 1.0], radial[rows])
        left /= np.linalg.norm(left, axis=1)[:, None]
        along = left if letter == "b" else np.cross(left, radial[rows])
        np.testing.assert_allclose(got[rows], along @ slope, rtol=1e-9)

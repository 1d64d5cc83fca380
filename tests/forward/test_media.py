"""Slices, half spaces and spheres: against LFPykit, series, and conditions at boundaries."""

from __future__ import annotations

import lfpykit
import numpy as np
import pytest
from chance import as_lfpykit, contacts, rotation, segments, within
from scipy.special import eval_legendre

from lfpcli.errors import InputError, UsageError
from lfpcli.forward.homogeneous_sphere import HomogeneousSphereVolumeConductor
from lfpcli.forward.images import series_weights
from lfpcli.forward.media import HalfSpace, Slice, Sphere, as_medium
from lfpcli.forward.potentials import transfer_matrix
from lfpcli.geometry import Geometry

MEA = {"slice": 300.0}


def on_level(z: float | np.ndarray, count: int = 15) -> np.ndarray:
    places = contacts(count)
    places[:, 2] = z
    return places


def mea_of_lfpykit(geometry: Geometry, places: np.ndarray, **options) -> np.ndarray:
    x, y, z = places.T
    electrode = lfpykit.RecMEAElectrode(as_lfpykit(geometry), x=x, y=y, z=z, steps=120, **options)
    return electrode.get_transformation_matrix()


def test_slice_of_lines_agrees_with_lfpykit_on_the_glass() -> None:
    geometry, places = within(segments(), 5.0, 295.0), on_level(0.0)
    got = transfer_matrix(geometry, places, medium=MEA)
    np.testing.assert_allclose(got, mea_of_lfpykit(geometry, places), rtol=1e-10)


@pytest.mark.parametrize(("saline", "glass"), [(1.5, 0.0), (1.5, 0.1), (0.1, 1.0), (0.05, 0.1)])
def test_slice_of_points_agrees_with_lfpykit_at_any_depth(saline: float, glass: float) -> None:
    geometry = within(segments(), 5.0, 295.0)
    places = on_level(np.linspace(0, 300, 15))
    medium = {"slice": 300.0, "sigma_saline": saline, "sigma_glass": glass}
    got = transfer_matrix(geometry, places, method="point", medium=medium)
    want = mea_of_lfpykit(geometry, places, sigma_S=saline, sigma_G=glass, method="pointsource")
    np.testing.assert_allclose(got, want, rtol=1e-10)


def test_lines_in_a_slice_are_integrals_of_points_at_any_depth() -> None:
    geometry = within(segments(20), 5.0, 295.0)
    places = on_level(np.linspace(-30, 400, 15))
    medium = Slice(300.0, sigma_glass=0.2)
    node, weight = np.polynomial.legendre.leggauss(60)
    total = 0.0
    for t, w in zip(0.5 * node + 0.5, 0.5 * weight, strict=True):
        place = geometry.start + t * (geometry.end - geometry.start)
        point = Geometry(place, place, np.full(20, 1e-3))
        total = total + w * transfer_matrix(point, places, method="point", medium=medium)
    got = transfer_matrix(
        Geometry(geometry.start, geometry.end, np.full(20, 1e-3)), places, medium=medium
    )
    np.testing.assert_allclose(got, total, rtol=1e-8)


@pytest.mark.parametrize("tolerance", [1e-3, 1e-6, 1e-9])
@pytest.mark.parametrize("glass", [0.0, 0.25, 2.0])
@pytest.mark.parametrize("saline", [1.5, 0.1])
def test_tolerance_of_a_slice_is_kept(tolerance: float, glass: float, saline: float) -> None:
    geometry = within(segments(), 5.0, 295.0)
    places = on_level(np.linspace(0, 300, 15))
    medium = Slice(300.0, sigma_saline=saline, sigma_glass=glass)
    exact = transfer_matrix(geometry, places, medium=medium, tolerance=1e-14)
    got = transfer_matrix(geometry, places, medium=medium, tolerance=tolerance)
    assert np.abs(got - exact).max() < tolerance / (4 * np.pi * 0.3 * 300.0)
    assert np.abs(got - exact).max() > 0


def test_saline_boundary_is_continuous_in_potential_and_current() -> None:
    geometry = within(segments(), 5.0, 290.0)
    medium = Slice(300.0, sigma_glass=0.2)
    for level, sigma_other in ((300.0, 1.5), (0.0, 0.2)):
        outwards = 1.0 if level else -1.0
        step = 1e-2
        offsets = outwards * step * np.array([-2, -1, 0, 1, 2])
        phi = [transfer_matrix(geometry, on_level(level + d), medium=medium) for d in offsets]
        inner = (3 * phi[2] - 4 * phi[1] + phi[0]) / (2 * step)
        outer = (-3 * phi[2] + 4 * phi[3] - phi[4]) / (2 * step)
        beyond = transfer_matrix(geometry, on_level(level + outwards * 1e-9), medium=medium)
        np.testing.assert_allclose(beyond, phi[2], rtol=1e-6)
        np.testing.assert_allclose(
            0.3 * inner, sigma_other * outer, rtol=1e-6, atol=1e-6 * np.abs(0.3 * inner).max()
        )


def test_thick_slice_is_a_half_space() -> None:
    geometry = within(segments(), 5.0, 295.0)
    places = on_level(np.linspace(0, 300, 15))
    half = transfer_matrix(geometry, places, medium=HalfSpace(z=0.0, sigma_other=0.1, side="above"))
    thick = transfer_matrix(geometry, places, medium=Slice(1e12, sigma_glass=0.1))
    np.testing.assert_allclose(thick, half, rtol=1e-6)


def test_insulated_half_space_doubles_at_its_surface() -> None:
    geometry = within(segments(), -295.0, -5.0)
    places = on_level(0.0)
    half = transfer_matrix(geometry, places, medium="half-space")
    np.testing.assert_allclose(half, 2 * transfer_matrix(geometry, places), rtol=1e-14)


@pytest.mark.parametrize(
    "medium",
    [
        Slice(300.0, sigma_saline=0.3, sigma_glass=0.3),
        HalfSpace(z=0.0, sigma_other=0.3, side="above"),
        Sphere(5000.0, sigma_out=0.3),
    ],
)
def test_equal_conductivities_are_the_infinite_medium(medium) -> None:
    geometry = within(segments(), 5.0, 295.0)
    places = np.concatenate([contacts(), [[0.0, 0.0, 0.0], [4e3, 3e3, 0.0], [0.0, 0.0, 9e3]]])
    infinite = transfer_matrix(geometry, places)
    got = transfer_matrix(geometry, places, medium=medium)
    np.testing.assert_allclose(got, infinite, rtol=1e-9)


def test_z_shift_moves_the_slice() -> None:
    geometry = within(segments(), 5.0, 295.0)
    shift = np.array([0.0, 0.0, 50.0])
    up = Geometry(geometry.start + shift, geometry.end + shift, geometry.diam)
    places = on_level(np.linspace(0, 300, 15))
    here = transfer_matrix(geometry, places, medium=Slice(300.0))
    there = transfer_matrix(up, places + shift, medium=Slice(300.0, z_shift=50.0))
    np.testing.assert_allclose(there, here, rtol=1e-11)


def test_segments_outside_a_slice_are_named() -> None:
    geometry = within(segments(), -5.0, 295.0)
    outside = np.flatnonzero(np.minimum(geometry.start[:, 2], geometry.end[:, 2]) < 0)
    with pytest.raises(InputError) as caught:
        transfer_matrix(geometry, on_level(0.0), medium=MEA)
    assert geometry.segment_label(outside[0]) in str(caught.value)


def test_squeezing_brings_a_cell_into_the_slice_and_leaves_it_as_it_was() -> None:
    geometry = within(segments(), -5.0, 305.0)
    geometry.start[0, 2] = geometry.end[0, 2] = 150.0
    before = geometry.start.copy(), geometry.end.copy()
    got = transfer_matrix(geometry, on_level(0.0), medium={**MEA, "squeeze": 0.1})
    assert np.array_equal(geometry.start, before[0]) and np.array_equal(geometry.end, before[1])
    pressed = within(segments(), -5.0, 305.0)
    pressed.start[0, 2] = pressed.end[0, 2] = 150.0
    for ends in (pressed.start, pressed.end):
        ends[:, 2] = 150.0 + 0.9 * (ends[:, 2] - 150.0)
    np.testing.assert_allclose(got, transfer_matrix(pressed, on_level(0.0), medium=MEA), rtol=1e-12)


@pytest.mark.parametrize("ratio", [-1.0, -2 / 3, -0.1, 0.0, 0.2, 0.9])
def test_series_weights_sum_like_the_geometric_series(ratio: float) -> None:
    weights = series_weights(ratio, 1e-12)
    for x in (0.0, 0.3, 0.7, 1.0):
        got = weights @ x ** np.arange(len(weights))
        assert got == pytest.approx(1 / (1 - ratio * x), rel=1e-11)
    assert weights[0] == 1.0


def test_alternating_series_need_few_images() -> None:
    assert len(series_weights(-2 / 3, 1e-10)) < 15


def test_hopeless_series_are_refused() -> None:
    with pytest.raises(UsageError, match="converge"):
        series_weights(1.0 - 1e-9, 1e-10)


def legendre_series(source, place, radius, inner, outer, terms=2000) -> float:
    """The series of Deng 2008 as it stands."""
    r, s = np.linalg.norm(place), np.linalg.norm(source)
    n = np.arange(terms)
    legendre = eval_legendre(n, place @ source / (r * s))
    if r <= radius:
        factor = (inner - outer) * (n + 1) / (inner * n + outer * (n + 1))
        reaction = np.sum(factor * (r * s / radius**2) ** n * legendre) / radius
        return (1 / np.linalg.norm(place - source) + reaction) / (4 * np.pi * inner)
    factor = inner * (2 * n + 1) / (inner * n + outer * (n + 1))
    return np.sum(factor * (s / r) ** n * legendre) / (4 * np.pi * inner * r)


@pytest.mark.parametrize("outer", [0.003, 0.03, 3.0])
def test_sphere_is_the_series_in_any_direction(outer: float) -> None:
    geometry = segments(12)
    distance = np.linspace(20.0, 600.0, 25)
    places = contacts()
    places *= (distance / np.linalg.norm(places, axis=1))[:, None]
    medium = {"sphere": 250.0, "sigma_out": outer}
    got = transfer_matrix(geometry, places, method="point", medium=medium)
    want = [[legendre_series(s, p, 250.0, 0.3, outer) for s in geometry.middle] for p in places]
    np.testing.assert_allclose(got, want, rtol=1e-9)


def test_an_insulated_sphere_is_a_head_with_nothing_around_it() -> None:
    """Two opposite sources are a dipole."""
    radius, moment, apart = 1000.0, np.array([1.0, 2.0, -1.0]), 0.01
    place = np.array([100.0, -300.0, 500.0])
    ends = place + apart * np.outer([0.5, -0.5], moment)
    places = contacts()
    places *= radius / np.linalg.norm(places, axis=1, keepdims=True)
    options = {"method": "point", "medium": Sphere(radius, sigma_out=0.0)}
    got = transfer_matrix(Geometry(ends, ends, [1e-4, 1e-4]), places, **options)
    head = HomogeneousSphereVolumeConductor(places * (1 - 1e-12), radius=radius, sigma=0.3)
    want = (head.lead_field(place[None]) @ moment)[:, 0]
    # the two sources are ten thousand times as large as what is left of them
    potential = (got[:, 0] - got[:, 1]) / apart
    np.testing.assert_allclose(potential, want, atol=1e-7 * np.abs(want).max())


@pytest.mark.parametrize("method", ["point", "line"])
def test_an_insulated_sphere_is_the_limit_of_others(method: str) -> None:
    """Nearly insulated ones have the same potential everywhere on top, of currents that add up."""
    geometry = segments(12)
    places = contacts()
    places *= (np.linspace(0.0, 250.0, 25) / np.linalg.norm(places, axis=1))[:, None]
    insulated, other = (
        transfer_matrix(
            geometry, places, method=method, medium={"sphere": 250.0, "sigma_out": outer}
        )
        for outer in (0.0, 3e-7)
    )
    constant = (1 / 3e-7 - 1 / 0.3) / (4 * np.pi * 250.0)
    np.testing.assert_allclose(other - constant, insulated, rtol=2e-5, atol=2e-5 * insulated.max())


def test_an_insulated_sphere_is_neumanns_function() -> None:
    """Closed form: point, its image, and the logarithm that the terms (n + 1) / n leave."""
    geometry, radius = segments(12), 250.0
    places = contacts()
    places *= (np.linspace(20.0, radius, 25) / np.linalg.norm(places, axis=1))[:, None]
    medium = {"sphere": radius, "sigma_out": 0.0}
    got = transfer_matrix(geometry, places, method="point", medium=medium)
    source, place = geometry.middle[None], places[:, None]
    ratio = np.linalg.norm(source, axis=2) * np.linalg.norm(place, axis=2) / radius**2
    cosine = np.sum(source * place, axis=2) / (ratio * radius**2)
    away = np.sqrt(1 - 2 * ratio * cosine + ratio**2)
    reaction = 1 / away - 1 + np.log(2 / (1 - ratio * cosine + away))
    direct = 1 / np.linalg.norm(source - place, axis=2)
    want = (direct + reaction / radius) / (4 * np.pi * 0.3)
    np.testing.assert_allclose(got, want, rtol=1e-9)


def test_contacts_outside_an_insulated_sphere_are_refused() -> None:
    with pytest.raises(InputError, match="insulator outside the sphere") as error:
        transfer_matrix(
            segments(2), [[0.0, 0, 1001.0]], medium={"sphere": 1000.0, "sigma_out": 0.0}
        )
    assert "sigma_out above 0" in str(error.value.remedy)


def test_sphere_at_its_centre_is_the_first_term() -> None:
    geometry = segments(12)
    got = transfer_matrix(geometry, [[0.0, 0, 0]], method="point", medium=Sphere(250.0))
    distance = np.linalg.norm(geometry.middle, axis=1)
    want = (1 / distance + (0.3 / 0.03 - 1) / 250.0) / (4 * np.pi * 0.3)
    np.testing.assert_allclose(got[0], want, rtol=1e-11)


def test_sphere_is_continuous_at_its_surface_near_and_far_from_the_source() -> None:
    geometry = segments(40)
    reach = np.linalg.norm(geometry.end, axis=1).max()
    radius = reach + 2.0
    places = np.concatenate(
        [contacts(), geometry.end[[np.argmax(np.linalg.norm(geometry.end, axis=1))]]]
    )
    unit = places / np.linalg.norm(places, axis=1, keepdims=True)
    for method in ("point", "line"):
        inside, outside = (
            transfer_matrix(geometry, radius * f * unit, method=method, medium=Sphere(radius))
            for f in (1 - 1e-13, 1 + 1e-13)
        )
        np.testing.assert_allclose(inside, outside, rtol=1e-9)


def test_sphere_turns_with_cell_and_contacts() -> None:
    geometry, places, turn = segments(), contacts(spread=300.0), rotation()
    turned = Geometry(geometry.start @ turn.T, geometry.end @ turn.T, geometry.diam)
    medium = Sphere(400.0, 0.02)
    np.testing.assert_allclose(
        transfer_matrix(turned, places @ turn.T, medium=medium),
        transfer_matrix(geometry, places, medium=medium),
        rtol=1e-12,
    )


def test_sphere_may_lie_anywhere() -> None:
    geometry, places, shift = segments(), contacts(spread=300.0), np.array([1e3, -2e3, 50.0])
    there = Geometry(geometry.start + shift, geometry.end + shift, geometry.diam)
    medium = {"sphere": 400.0, "centre": shift.tolist()}
    np.testing.assert_allclose(
        transfer_matrix(there, places + shift, medium=medium),
        transfer_matrix(geometry, places, medium={"sphere": 400.0}),
        rtol=1e-10,
    )


@pytest.mark.parametrize(
    ("medium", "says"),
    [
        ({"slice": -1.0}, "thickness"),
        ({"slice": "thick"}, "expected a number"),
        ({"slice": float("nan")}, "thickness"),
        ({"slice": 300.0, "sigma_saline": -1}, "sigma_saline"),
        ({"slice": 300.0, "sigma_saline": 0, "sigma_glass": 0}, "nowhere"),
        ({"slice": 300.0, "sigma_salin": 1}, "sigma_saline"),
        ({"sphere": 0.0}, "radius"),
        ({"sphere": 10.0, "sigma_out": -1.0}, "sigma_out"),
        ({"sphere": 10.0, "centre": [0, 0]}, "centre"),
        ({"sphere": 10.0, "slice": 10.0}, "one of the keys"),
        ({}, "one of the keys"),
        ({"half_space": 0.0, "side": "left"}, "side"),
        ("salt", "unknown medium"),
    ],
)
def test_bad_media(medium, says: str) -> None:
    with pytest.raises(UsageError, match=says):
        as_medium(medium)


@pytest.mark.parametrize(
    ("medium", "place"),
    [
        (Slice(300.0), [0.0, 0.0, -1.0]),
        (Slice(300.0, sigma_saline=0.0, sigma_glass=1.0), [0.0, 0.0, 301.0]),
        (HalfSpace(z=300.0), [0.0, 0.0, 301.0]),
    ],
)
def test_contacts_in_an_insulator_are_refused(medium, place: list[float]) -> None:
    with pytest.raises(InputError, match="insulator"):
        transfer_matrix(within(segments(), 5.0, 295.0), [place], medium=medium)


@pytest.mark.parametrize("medium", [HalfSpace(z=0.0), Sphere(50.0)])
def test_sources_outside_the_tissue_are_refused(medium) -> None:
    with pytest.raises(InputError, match="outside"):
        transfer_matrix(segments(), contacts(), medium=medium)

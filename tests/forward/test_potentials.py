"""Transfer matrices in the infinite medium: against LFPykit, closed forms and what physics asks."""

from __future__ import annotations

from dataclasses import replace

import lfpykit
import numpy as np
import pytest
from chance import as_lfpykit, contacts, rotation, segments
from scipy.integrate import quad

from lfpcli.errors import InputError, UsageError
from lfpcli.forward.contacts import Contacts
from lfpcli.forward.potentials import near_contacts, transfer_matrix
from lfpcli.geometry import Geometry

METHODS = {"line": "linesource", "point": "pointsource", "soma-point": "root_as_point"}


@pytest.mark.parametrize("sigma", [0.3, [0.3, 0.2, 0.45]])
@pytest.mark.parametrize("method", METHODS)
def test_agrees_with_lfpykit(method: str, sigma) -> None:
    geometry, places = segments(), contacts()
    reference = lfpykit.RecExtElectrode(
        as_lfpykit(geometry),
        sigma=sigma,
        x=places[:, 0],
        y=places[:, 1],
        z=places[:, 2],
        method=METHODS[method],
    ).get_transformation_matrix()
    got = transfer_matrix(geometry, places, method=method, sigma=sigma)
    np.testing.assert_allclose(got, reference, rtol=1e-10)


def test_line_is_the_integral_of_points() -> None:
    geometry, places = segments(4), contacts(3)
    got = transfer_matrix(geometry, places, sigma=0.5)
    for c, place in enumerate(places):
        for n in range(4):

            def density(s, a=geometry.start[n], b=geometry.end[n], p=place):
                return 1 / (4 * np.pi * 0.5 * np.linalg.norm(a + s * (b - a) - p))

            assert got[c, n] == pytest.approx(quad(density, 0, 1, epsrel=1e-12)[0], rel=1e-11)


def test_contacts_in_line_with_a_segment_are_those_of_its_integral() -> None:
    # a soma, and contacts far beyond its end but within its radius of its axis
    soma = Geometry([[0.0, 0, 0]], [[0.0, 0, 15]], [20.0])
    places = np.array([[2.0, 0, 60], [0.1, 0, 300], [2.0, 0, -185]])
    got = transfer_matrix(soma, places, sigma=0.3)
    theirs = lfpykit.LineSourcePotential(as_lfpykit(soma), *places.T, sigma=0.3)
    for c, place in enumerate(places):

        def density(s, p=place):
            return 1 / (4 * np.pi * 0.3 * np.hypot(p[0], p[2] - 15 * s))

        expected = quad(density, 0, 1, epsrel=1e-12)[0]
        assert got[c, 0] == pytest.approx(expected, rel=1e-11)
        # LFPykit takes them at the radius from the axis
        assert theirs.get_transformation_matrix()[c, 0] < (1 - 5e-4) * expected


def test_anisotropic_line_is_the_integral_of_anisotropic_points() -> None:
    geometry, places, sigma = segments(3), contacts(3), np.array([0.2, 0.3, 0.7])
    got = transfer_matrix(geometry, places, sigma=sigma)
    factors = np.prod(sigma) / sigma
    for c, place in enumerate(places):
        for n in range(3):

            def density(s, a=geometry.start[n], b=geometry.end[n], p=place):
                return 1 / (4 * np.pi * np.sqrt(factors @ (a + s * (b - a) - p) ** 2))

            assert got[c, n] == pytest.approx(quad(density, 0, 1, epsrel=1e-12)[0], rel=1e-11)


@pytest.mark.parametrize("method", METHODS)
def test_equal_sigmas_are_one(method: str) -> None:
    geometry, places = segments(), np.concatenate([contacts(), segments().middle[:4] + 0.1])
    one = transfer_matrix(geometry, places, method=method, sigma=0.4)
    three = transfer_matrix(geometry, places, method=method, sigma=[0.4, 0.4, 0.4])
    assert np.array_equal(one, three)
    nearly = transfer_matrix(geometry, places, method=method, sigma=[0.4, 0.4, 0.4 + 1e-14])
    np.testing.assert_allclose(one, nearly, rtol=1e-11)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("sigma", [0.3, [0.2, 0.3, 0.6]])
def test_contacts_inside_a_segment_are_taken_at_its_radius(method: str, sigma) -> None:
    geometry = Geometry([[0, 0, 0], [0, 0, 10.0]], [[0, 0, 10], [0, 0, 40.0]], [4.0, 2.0])
    inside = transfer_matrix(geometry, [[0.2, 0, 25.0]], method=method, sigma=sigma)
    at = transfer_matrix(geometry, [[1.0, 0, 25.0]], method=method, sigma=sigma)
    assert inside[0, 1] == pytest.approx(at[0, 1], rel=1e-12)


def test_on_the_axis_beyond_the_end_nothing_is_moved() -> None:
    geometry = Geometry([[0, 0, 0.0]], [[0, 0, 10.0]], [4.0])
    got = transfer_matrix(geometry, [[0, 0, 15.0], [0, 0, 100.0]])[:, 0]
    want = np.log([15 / 5, 100 / 90]) / (4 * np.pi * 0.3 * 10)
    np.testing.assert_allclose(got, want, rtol=1e-14)


def test_anisotropic_contact_at_a_source_is_finite() -> None:
    geometry = segments(10)
    geometry.end[3] = geometry.start[3]
    got = transfer_matrix(geometry, geometry.middle, sigma=[0.2, 0.3, 0.6])
    assert np.all(np.isfinite(got)) and np.all(got > 0)
    both = transfer_matrix(geometry, geometry.middle[[3]], sigma=[0.2, 0.3, 0.6], method="point")
    assert got[3, 3] == pytest.approx(both[0, 3], rel=1e-12)


@pytest.mark.parametrize("method", METHODS)
def test_rigid_motion_of_cell_and_contacts_changes_nothing(method: str) -> None:
    geometry = segments()
    probe = Contacts(contacts(), normals=[0.3, -1.0, 0.2], radius=7.0)
    turn, shift = rotation(), np.array([30.0, -20.0, 50.0])
    moved = replace(
        geometry, start=geometry.start @ turn.T + shift, end=geometry.end @ turn.T + shift
    )
    before = transfer_matrix(geometry, probe, method=method)
    after = transfer_matrix(moved, probe.moved(shift, turn), method=method)
    np.testing.assert_allclose(after, before, rtol=1e-12)


def test_far_contacts_of_a_closed_cell_see_its_dipole() -> None:
    geometry = segments(30, spread=40.0)
    current = np.random.default_rng(5).normal(size=30)
    current -= current.mean()
    dipole = geometry.middle.T @ current
    directions = contacts(12)
    far = 2e5 * directions / np.linalg.norm(directions, axis=1, keepdims=True)
    for method in METHODS:
        got = transfer_matrix(geometry, far, method=method) @ current
        want = far @ dipole / (4 * np.pi * 0.3 * 2e5**3)
        np.testing.assert_allclose(got, want, rtol=1e-3, atol=1e-3 * np.abs(want).max())


def test_zero_currents_give_zero_and_groups_add_up() -> None:
    geometry, places = segments(), contacts()
    matrix = transfer_matrix(geometry, places)
    assert not np.any(matrix @ np.zeros((120, 5)))
    part = np.arange(120) % 2 == 0
    halves = [
        transfer_matrix(Geometry(geometry.start[m], geometry.end[m], geometry.diam[m]), places)
        for m in (part, ~part)
    ]
    assert np.array_equal(matrix[:, part], halves[0])
    assert np.array_equal(matrix[:, ~part], halves[1])


def test_only_the_soma_is_a_point() -> None:
    geometry, places = segments(), contacts()
    geometry.section_names[4] = "Pyr[0].soma[1]"
    mixed = transfer_matrix(geometry, places, method="soma-point")
    point = transfer_matrix(geometry, places, method="point")
    line = transfer_matrix(geometry, places, method="line")
    np.testing.assert_allclose(mixed[:, [0, 4]], point[:, [0, 4]], rtol=1e-14)
    rest = np.setdiff1d(np.arange(120), [0, 4])
    assert np.array_equal(mixed[:, rest], line[:, rest])


def test_float32_keeps_seven_digits() -> None:
    geometry, places = segments(), contacts()
    single = transfer_matrix(geometry, places, dtype=np.float32)
    assert single.dtype == np.float32
    np.testing.assert_allclose(single, transfer_matrix(geometry, places), rtol=6e-8)


@pytest.mark.parametrize("sigma", [0.3, [0.2, 0.3, 0.6]])
def test_a_result_can_go_into_memory_that_is_there(sigma) -> None:
    geometry, places = segments(), contacts()
    out = np.full((len(places), len(geometry)), np.nan, dtype=np.float32)
    assert transfer_matrix(geometry, places, sigma=sigma, out=out) is out
    usual = transfer_matrix(geometry, places, sigma=sigma, dtype=np.float32)
    assert np.array_equal(out, usual)
    with pytest.raises(UsageError, match="out has shape"):
        transfer_matrix(geometry, places, sigma=sigma, out=out[:, :-1])


def test_near_contacts_lists_distances() -> None:
    geometry = Geometry([[0, 0, 0], [0, 0, 10.0]], [[0, 0, 10], [0, 0, 40.0]], [4.0, 2.0])
    near = near_contacts(geometry, [[1.5, 0, 5.0], [50, 0, 0], [0, 0.25, 30.0]])
    assert near["contact"].tolist() == [0, 2]
    assert near["segment"].tolist() == [0, 1]
    assert near["distance"].tolist() == pytest.approx([1.5, 0.25])
    assert near["radius"].tolist() == [2.0, 1.0]
    assert len(near_contacts(geometry, np.empty((0, 3)))) == 0


@pytest.mark.parametrize(
    ("error", "arguments"),
    [
        (UsageError, {"method": "lines"}),
        (UsageError, {"sigma": 0.0}),
        (UsageError, {"sigma": -1.0}),
        (UsageError, {"sigma": float("nan")}),
        (UsageError, {"sigma": [0.3, 0.3]}),
        (UsageError, {"sigma": "high"}),
        (UsageError, {"tolerance": 0.0}),
        (UsageError, {"tolerance": float("nan")}),
        (UsageError, {"quadrature": 0}),
        (UsageError, {"quadrature": 2.5}),
        (UsageError, {"quadrature": 10**9}),
        (UsageError, {"medium": "water"}),
        (UsageError, {"medium": {"sphere": 1e4}, "sigma": [0.3, 0.2, 0.1]}),
        (UsageError, {"dtype": np.int64}),
        (InputError, {"contacts": [[0.0, np.inf, 0.0]]}),
        (InputError, {"contacts": [[0.0, 1.0]]}),
        (InputError, {"contacts": "here"}),
    ],
)
def test_bad_arguments(error: type, arguments: dict) -> None:
    values = {"contacts": contacts(3), **arguments}
    with pytest.raises(error):
        transfer_matrix(segments(5), values.pop("contacts"), **values)

"""Four spheres: LFPykit, the homogeneous sphere, published FEM values, and a direct solution."""

from __future__ import annotations

from pathlib import Path

import lfpykit
import lfpykit.eegmegcalc
import mpmath
import numpy as np
import pytest

from lfpcli.errors import InputError, LfpWarning
from lfpcli.forward import four_sphere
from lfpcli.forward.four_sphere import RADII, SIGMAS, FourSphereVolumeConductor
from lfpcli.forward.homogeneous_sphere import HomogeneousSphereVolumeConductor

BRAIN = RADII[0]


def on_sphere(count: int, radius: float, seed: int) -> np.ndarray:
    vectors = np.random.default_rng(seed).standard_normal((count, 3))
    return radius * vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def worst(got: np.ndarray, wanted: np.ndarray) -> float:
    """Largest error of any dipole, relative to the largest value of that dipole."""
    error = np.abs(got - wanted).max(axis=(0, 2))
    return float((error / np.abs(wanted).max(axis=(0, 2))).max())


@pytest.mark.parametrize("radius", [78900.0, 79000.0, 79500.0, 80000.0, 83000.0, 85000.0, 90000.0])
def test_every_shell_equals_lfpykit(radius: float) -> None:
    electrodes = on_sphere(12, radius, 1)
    dipoles = on_sphere(4, 1.0, 2) * np.array([[30000.0], [60000.0], [77000.0], [78000.0]])
    # as it comes, LFPykit ends its series at 1e-5 to 5e-7 of the result
    reference = lfpykit.eegmegcalc.FourSphereVolumeConductor(electrodes * (1 - 1e-15))
    reference.iteration_stop_factor = 1e-14
    wanted = np.stack([reference.get_transformation_matrix(d) for d in dipoles], axis=1)
    got = FourSphereVolumeConductor(electrodes).lead_field(dipoles)
    assert worst(got, wanted) < 1e-10


def test_lfpykit_as_it_comes_is_reached_to_its_own_tolerance() -> None:
    electrodes = on_sphere(12, RADII[-1] - 1, 1)
    p = np.random.default_rng(3).standard_normal((3, 7))
    wanted = lfpykit.eegmegcalc.FourSphereVolumeConductor(electrodes)
    got = FourSphereVolumeConductor(electrodes)
    place = np.array([10000.0, -20000.0, 70000.0])
    expected = wanted.get_dipole_potential(p, place)
    error = np.abs(got.get_dipole_potential(p, place) - expected).max()
    assert error < 1e-6 * np.abs(expected).max()
    within = on_sphere(12, 78900.0, 1)
    there = lfpykit.eegmegcalc.FourSphereVolumeConductor(within)
    expected = there.get_dipole_potential(p, place)
    error = np.abs(FourSphereVolumeConductor(within).get_dipole_potential(p, place) - expected)
    assert 1e-8 < error.max() / np.abs(expected).max() < 1e-5


@pytest.mark.parametrize("radius", [100.0, 40000.0, 79000.0, 80000.0, 82000.0, 85000.0, 90000.0])
def test_equal_conductivities_are_the_homogeneous_sphere(radius: float) -> None:
    electrodes = on_sphere(20, radius, 4)
    dipoles = on_sphere(10, 1.0, 5) * np.linspace(500.0, 78900.0, 10)[:, None]
    got = FourSphereVolumeConductor(electrodes, sigmas=[0.3] * 4).lead_field(dipoles)
    wanted = HomogeneousSphereVolumeConductor(electrodes, 90000.0, 0.3).lead_field(dipoles)
    assert worst(got, wanted) < 1e-11


def test_published_fem_values() -> None:
    with np.load(Path(lfpykit.__file__).parent / "tests" / "fem_mix_dip.npz") as fem:
        head = FourSphereVolumeConductor(fem["ele_coords"], fem["radii"], fem["sigmas"])
        got = 1e3 * head.get_dipole_potential(fem["p"].T, fem["rz"]).reshape(fem["pot_fem"].shape)
        assert np.abs(got - fem["pot_fem"]).max() < 0.01 * np.abs(fem["pot_fem"]).max()


def test_known_value() -> None:
    head = FourSphereVolumeConductor([0.0, 0.0, 90000.0])
    got = head.get_dipole_potential([0.0, 0.0, 1.0], [0.0, 0.0, 78000.0])
    np.testing.assert_allclose(got, [[1.06247669e-9]], rtol=2e-7)


def solved_directly(electrode: np.ndarray, dipole: np.ndarray, p: np.ndarray) -> float:
    """Potential from the linear system of the boundary conditions, degree by degree.

    Unknowns per degree are the factors of r^n and r^-(n+1) of every shell (40 digits).
    """
    mpmath.mp.dps = 40
    radii, sigmas = [mpmath.mpf(r) for r in RADII], [mpmath.mpf(s) for s in SIGMAS]
    unit = radii[3]
    radii = [r / unit for r in radii]
    r, rz = (mpmath.mpf(float(np.linalg.norm(v))) / unit for v in (electrode, dipole))
    e, s = electrode / np.linalg.norm(electrode), dipole / np.linalg.norm(dipole)
    x = mpmath.mpf(float(e @ s))
    along, across = mpmath.mpf(float(p @ s)), mpmath.mpf(float(p @ (e - float(x) * s)))
    total, n = mpmath.mpf(0), 0
    legendre, slope = [mpmath.mpf(1), x], [mpmath.mpf(0), mpmath.mpf(1)]
    while n < 900:
        n += 1
        if n > 1:
            legendre.append(((2 * n - 1) * x * legendre[-1] - (n - 1) * legendre[-2]) / n)
            slope.append(slope[-2] + (2 * n - 1) * legendre[-2])
        # the brain's r^-(n+1) is the source: rz^n
        a, b = mpmath.matrix(7, 7), mpmath.matrix(7, 1)
        for j in range(3):
            q = radii[j]
            up, down = q**n, q ** -(n + 1)
            d_up, d_down = n * q ** (n - 1), -(n + 1) * q ** -(n + 2)
            inner = 0 if j == 0 else 2 * j - 1
            a[2 * j, inner], a[2 * j + 1, inner] = up, sigmas[j] * d_up
            source = rz**n
            if j == 0:
                b[0], b[1] = -source * down, -sigmas[0] * source * d_down
            else:
                a[2 * j, inner + 1], a[2 * j + 1, inner + 1] = down, sigmas[j] * d_down
            outer = 2 * j + 1
            a[2 * j, outer], a[2 * j, outer + 1] = -up, -down
            a[2 * j + 1, outer], a[2 * j + 1, outer + 1] = (
                -sigmas[j + 1] * d_up,
                -sigmas[j + 1] * d_down,
            )
        a[6, 5], a[6, 6] = n * radii[3] ** (n - 1), -(n + 1) * radii[3] ** -(n + 2)
        factors = mpmath.lu_solve(a, b)
        potential = factors[5] * r**n + factors[6] * r ** -(n + 1)
        term = potential / rz * (n * legendre[n] * along + slope[n] * across)
        total += term
        if n > 20 and abs(potential) * n**2 < mpmath.mpf(10) ** -18 * abs(total):
            break
    return float(total / (4 * mpmath.pi * sigmas[0]) / unit**2)


def test_boundary_conditions_solved_directly() -> None:
    electrode = np.array([10000.0, 20000.0, 84000.0])
    electrode *= 88000.0 / np.linalg.norm(electrode)
    dipole, p = np.array([5000.0, -3000.0, 40000.0]), np.array([0.3, -1.0, 0.7])
    wanted = solved_directly(electrode, dipole, p)
    got = FourSphereVolumeConductor(electrode).get_dipole_potential(p, dipole)[0, 0]
    assert got == pytest.approx(wanted, rel=1e-10)


@pytest.mark.parametrize("depth", [1.0, 100.0])
def test_stable_next_to_the_surface_of_the_brain(depth: float) -> None:
    """A dipole close below the surface differs little from one a little deeper."""
    electrodes = np.vstack([on_sphere(10, 90000.0, 6), on_sphere(10, 85000.0, 7)])
    places = np.array([[0.0, 0.0, BRAIN - depth], [0.0, 0.0, BRAIN - 1.01 * depth]])
    got = FourSphereVolumeConductor(electrodes).lead_field(places)
    assert np.all(np.isfinite(got))
    change = np.abs(got[:, 0] - got[:, 1]).max() / np.abs(got).max()
    assert change < 1e-5 * depth


@pytest.mark.parametrize("number", [0, 1, 2])
def test_potential_is_continuous_at_each_boundary(number: int) -> None:
    directions = on_sphere(30, 1.0, 8)
    dipoles = on_sphere(5, 70000.0, 9)
    inner, outer = (
        FourSphereVolumeConductor(directions * RADII[number] * (1 + side)).lead_field(dipoles)
        for side in (-1e-9, 1e-9)
    )
    assert worst(inner, outer) < 1e-6


def test_dipole_at_the_centre() -> None:
    electrodes = on_sphere(10, 90000.0, 10)
    head = FourSphereVolumeConductor(electrodes)
    centre = head.get_transformation_matrix([0.0, 0.0, 0.0])
    beside = head.get_transformation_matrix([1e-3, 0.0, 0.0])
    np.testing.assert_allclose(centre, beside, rtol=0, atol=1e-7 * np.abs(centre).max())
    # degree 1 alone: along the electrode's direction, the same for all
    np.testing.assert_allclose(
        centre, electrodes / 90000.0 * np.linalg.norm(centre[0]), rtol=0, atol=1e-22
    )


def test_electrode_on_the_axis_sees_no_tangential_dipole() -> None:
    head = FourSphereVolumeConductor([[0.0, 0.0, 90000.0], [0.0, 0.0, -90000.0]])
    got = head.get_transformation_matrix([0.0, 0.0, 78000.0])
    assert np.all(got[:, :2] == 0)
    assert got[0, 2] > 0 > got[1, 2]


def test_electrode_below_the_dipole() -> None:
    """In the brain an electrode may lie deeper than the dipole: reciprocity holds."""
    deep, shallow = np.array([3000.0, 0.0, 40000.0]), np.array([0.0, 9000.0, 70000.0])
    step = 0.5
    for axis in range(3):
        ends = shallow + step * np.array([[1.0], [-1.0]]) * np.eye(3)[axis]
        # a dipole is two monopoles: so is its gradient, seen from the other side
        up = FourSphereVolumeConductor(ends).lead_field(deep)[:, 0]
        slope_of_potential = (up[0] - up[1]) / (2 * step)
        ends = deep + step * np.array([[[1.0], [-1.0]]]) * np.eye(3)[:, None]
        down = [FourSphereVolumeConductor(pair).lead_field(shallow)[:, 0, axis] for pair in ends]
        slopes = np.array([(pair[0] - pair[1]) / (2 * step) for pair in down])
        np.testing.assert_allclose(slope_of_potential, slopes, rtol=1e-6)


def test_rotation_of_everything_changes_nothing() -> None:
    turn = np.linalg.qr(np.random.default_rng(11).standard_normal((3, 3)))[0]
    electrodes, dipoles = on_sphere(6, 87000.0, 12), on_sphere(3, 60000.0, 13)
    plain = FourSphereVolumeConductor(electrodes).lead_field(dipoles)
    turned = FourSphereVolumeConductor(electrodes @ turn.T).lead_field(dipoles @ turn.T)
    np.testing.assert_allclose(turned @ turn, plain, rtol=0, atol=1e-13 * np.abs(plain).max())


def test_tolerance_ends_the_series() -> None:
    electrodes, dipole = on_sphere(8, 90000.0, 14), [0.0, 20000.0, 72000.0]
    exact = FourSphereVolumeConductor(electrodes, tolerance=1e-15).lead_field(dipole)
    errors = [
        worst(FourSphereVolumeConductor(electrodes, tolerance=t).lead_field(dipole), exact)
        for t in (1e-3, 1e-6, 1e-9)
    ]
    assert errors[0] > errors[1] > errors[2]
    assert errors[0] < 1e-3
    assert errors[2] < 1e-9


def test_too_near_the_boundary_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(four_sphere, "MAX_DEGREE", 50)
    with pytest.warns(LfpWarning, match="so near the boundary, 50 are used"):
        FourSphereVolumeConductor([0.0, 0.0, 90000.0]).lead_field([0.0, 0.0, 78000.0])


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"radii": [79000, 80000, 80000, 90000]}, "do not increase"),
        ({"radii": [79000, 80000, 90000, 85000]}, "do not increase"),
        ({"radii": [0, 80000, 85000, 90000]}, "not positive"),
        ({"radii": [79000, 80000, 85000]}, "3 radii, expected 4"),
        ({"radii": [79000, 80000, 85000, np.inf]}, "not finite"),
        ({"sigmas": [0.3, 1.5, 0.0, 0.3]}, "conductivity of shell 3 is 0 S/m, not positive"),
        ({"sigmas": [0.3, -1.5, 0.01, 0.3]}, "conductivity of shell 2 is -1.5 S/m, not positive"),
        ({"sigmas": [0.3, np.nan, 0.01, 0.3]}, "not finite"),
        ({"sigmas": ["a", 1, 1, 1]}, "not numbers"),
        ({"tolerance": 0.0}, "tolerance"),
        ({"r_electrodes": [0, 0, 90001.0]}, "electrode 0 lies beyond the scalp"),
        ({"r_electrodes": [0, np.nan, 90000.0]}, "not finite"),
        ({"r_electrodes": [0, 90000.0]}, "shape"),
    ],
)
def test_bad_models(change: dict, text: str) -> None:
    given = {"r_electrodes": [0.0, 0.0, 90000.0], **change}
    with pytest.raises(InputError, match=text):
        FourSphereVolumeConductor(**given)


@pytest.mark.parametrize("place", [[0, 0, 79000.0], [0, 0, 79500.0], [0, -95000.0, 0]])
def test_dipole_outside_the_brain(place: list[float]) -> None:
    with pytest.raises(InputError, match="dipole 0 lies outside the brain"):
        FourSphereVolumeConductor([0.0, 0.0, 90000.0]).lead_field(place)


def test_electrode_on_the_dipole() -> None:
    with pytest.raises(InputError, match="electrode 0 lies on dipole 0"):
        FourSphereVolumeConductor([0.0, 0.0, 70000.0]).lead_field([0.0, 0.0, 70000.0])

"""The infinite medium and the homogeneous sphere."""

from __future__ import annotations

import lfpykit.eegmegcalc
import numpy as np
import pytest

from lfpcli.errors import InputError
from lfpcli.forward import infinite
from lfpcli.forward.homogeneous_sphere import HomogeneousSphereVolumeConductor
from lfpcli.forward.infinite import InfiniteVolumeConductor

RADIUS, SIGMA = 90000.0, 0.3


def test_infinite_equals_lfpykit() -> None:
    rng = np.random.default_rng(1)
    r, p = rng.standard_normal((30, 3)) * 1e4, rng.standard_normal((3, 9))
    wanted = lfpykit.eegmegcalc.InfiniteVolumeConductor(0.3).get_dipole_potential(p, r)
    got = InfiniteVolumeConductor(0.3).get_dipole_potential(p, r)
    np.testing.assert_allclose(got, wanted, rtol=1e-10)


def test_infinite_many_dipoles_at_once() -> None:
    rng = np.random.default_rng(2)
    electrodes, dipoles = rng.standard_normal((5, 3)) * 1e4, rng.standard_normal((4, 3)) * 1e3
    got = infinite.lead_field(electrodes, dipoles, 0.2)
    for k, dipole in enumerate(dipoles):
        alone = InfiniteVolumeConductor(0.2).get_transformation_matrix(electrodes - dipole)
        np.testing.assert_allclose(got[:, k], alone, rtol=1e-13)


def test_infinite_refuses_an_electrode_on_the_dipole() -> None:
    with pytest.raises(InputError, match="electrode 1 lies on dipole 0"):
        InfiniteVolumeConductor().get_transformation_matrix([[1.0, 0, 0], [0, 0, 0]])


@pytest.mark.parametrize("sigma", [0.0, -1.0, np.nan])
def test_conductivity_must_be_positive(sigma: float) -> None:
    with pytest.raises(InputError, match="not positive"):
        InfiniteVolumeConductor(sigma)
    with pytest.raises(InputError, match=r"not positive|not finite"):
        HomogeneousSphereVolumeConductor([0, 0, 1.0], RADIUS, sigma)


def unit_series(electrode: np.ndarray, dipole: np.ndarray, p: np.ndarray) -> float:
    """A sphere of radius 1 degree by degree, with numpy's Legendre polynomials."""
    r, s = np.linalg.norm(electrode), np.linalg.norm(dipole)
    x = electrode @ dipole / (r * s)
    n = np.arange(1, 400)
    weights = s ** (n - 1.0) * (r ** -(n + 1.0) + (n + 1) / n * r**n)
    plain = np.polynomial.legendre.Legendre(np.append(0.0, weights * n))
    slope = np.polynomial.legendre.Legendre(np.append(0.0, weights)).deriv()
    e, u = electrode / r, dipole / s
    return float((plain(x) * (p @ u) + slope(x) * (p @ (e - x * u))) / (4 * np.pi * SIGMA))


@pytest.mark.parametrize("radius", [30000.0, 60000.0, 90000.0])
def test_closed_form_equals_the_series(radius: float) -> None:
    rng = np.random.default_rng(3)
    electrode = rng.standard_normal(3)
    electrode *= radius / np.linalg.norm(electrode)
    dipole, p = np.array([4000.0, 9000.0, -18000.0]), rng.standard_normal(3)
    head = HomogeneousSphereVolumeConductor(electrode, RADIUS, SIGMA)
    got = head.get_dipole_potential(p, dipole)[0, 0]
    wanted = unit_series(electrode / RADIUS, dipole / RADIUS, p) / RADIUS**2
    assert got == pytest.approx(wanted, rel=1e-11)


def test_no_current_leaves_the_sphere() -> None:
    direction = np.array([1.0, 2.0, 2.0]) / 3.0
    step = 1.0
    inward = RADIUS - step * np.array([0.0, 1.0, 2.0])
    dipoles = np.array([[0.0, 30000.0, 50000.0], [20000.0, 0.0, -60000.0]])
    head = HomogeneousSphereVolumeConductor(inward[:, None] * direction, RADIUS, SIGMA)
    values = head.lead_field(dipoles)
    slope = (3 * values[0] - 4 * values[1] + values[2]) / (2 * step)
    typical = np.abs(values[0]).max() / RADIUS
    assert np.abs(slope).max() < 1e-4 * typical


def test_surface_and_centre() -> None:
    """On the surface, a dipole at the centre makes three times its potential without bounds."""
    electrodes = RADIUS * np.eye(3)
    head = HomogeneousSphereVolumeConductor(electrodes, RADIUS, SIGMA)
    unbounded = infinite.lead_field(electrodes, np.zeros(3), SIGMA)[:, 0]
    np.testing.assert_allclose(
        head.get_transformation_matrix(np.zeros(3)), 3 * unbounded, rtol=1e-12, atol=1e-25
    )


def test_electrode_at_the_centre() -> None:
    head = HomogeneousSphereVolumeConductor(np.zeros(3), RADIUS, SIGMA)
    got = head.get_transformation_matrix([0.0, 0.0, 30000.0])
    beside = HomogeneousSphereVolumeConductor([1e-3, 0.0, 0.0], RADIUS, SIGMA)
    wanted = beside.get_transformation_matrix([0.0, 0.0, 30000.0])
    np.testing.assert_allclose(got, wanted, rtol=1e-6, atol=1e-7 * np.abs(wanted).max())


def test_bad_places() -> None:
    with pytest.raises(InputError, match="electrode 0 lies beyond the scalp"):
        HomogeneousSphereVolumeConductor([0, 0, 91000.0], RADIUS)
    with pytest.raises(InputError, match="dipole 1 lies outside the sphere"):
        HomogeneousSphereVolumeConductor([0, 0, RADIUS]).lead_field([[0, 0, 1.0], [0, RADIUS, 0]])
    with pytest.raises(InputError, match="shape"):
        head = HomogeneousSphereVolumeConductor([0, 0, RADIUS])
        head.get_dipole_potential(np.ones((2, 5)), [0, 0, 1])

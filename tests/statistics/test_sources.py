"""Current source density by each method, against sources that are known."""

from __future__ import annotations

import sys
import warnings
from typing import Any

import numpy as np
import pytest

from lfpcli.errors import MissingDependencyError
from lfpcli.tasks.statistics.sources import elephant_modules, estimated_csd

SIGMA, DIAMETER, SPACING = 0.3, 400.0, 50.0
HEIGHTS = SPACING * np.arange(16)


def packages() -> tuple[Any, Any, Any]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return elephant_modules()
        except MissingDependencyError:
            pytest.skip("Elephant is not installed")


def cylinder(heights: np.ndarray, low: np.ndarray, high: np.ndarray) -> np.ndarray:
    """Potentials, mV, on the axis of cylinders of 1 nA/um3, shape (heights, cylinders).

    A disc makes (sqrt(h^2 + R^2) - |h|) / (2 sigma), which is integrated over h.
    """
    radius = 0.5 * DIAMETER

    def integral(h: np.ndarray) -> np.ndarray:
        root = np.sqrt(h**2 + radius**2)
        return 0.5 * (h * root + radius**2 * np.arcsinh(h / radius) - h * np.abs(h))

    apart = integral(high - heights[:, None]) - integral(low - heights[:, None])
    # nA/um3 um2 / (S/m) is 1 mV
    return np.asarray(apart / (2 * SIGMA))


def sources() -> np.ndarray:
    """A sink above a source in two phases, shape (T, C), nA/um3."""
    profile = np.exp(-(((HEIGHTS - 500) / 90) ** 2)) - np.exp(-(((HEIGHTS - 200) / 90) ** 2))
    return 1e-5 * np.outer([1.0, -0.5, 0.25], profile)


def estimate(potentials: np.ndarray, method: str) -> tuple[np.ndarray, np.ndarray]:
    return estimated_csd(potentials, HEIGHTS, method=method, sigma=SIGMA, diameter=DIAMETER, dt=0.1)


def test_inverse_method_gives_the_sources_back() -> None:
    """Sources that are constant in cylinders are what the step method takes for granted."""
    packages()
    half = 0.5 * SPACING
    matrix = cylinder(HEIGHTS, HEIGHTS - half, HEIGHTS + half)
    density, heights = estimate(sources() @ matrix.T, "icsd")
    np.testing.assert_array_equal(heights, HEIGHTS)
    np.testing.assert_allclose(density, sources(), atol=1e-4 * np.abs(sources()).max())


def test_kernel_method_is_near_smooth_sources() -> None:
    packages()
    fine = np.linspace(-100.0, 850.0, 1901)
    step = fine[1] - fine[0]
    profile = np.exp(-(((fine - 500) / 90) ** 2)) - np.exp(-(((fine - 200) / 90) ** 2))
    matrix = cylinder(HEIGHTS, fine - 0.5 * step, fine + 0.5 * step)
    potentials = np.outer([1.0, -0.5, 0.25], matrix @ (1e-5 * profile))
    density, heights = estimate(potentials, "kcsd")
    wanted = 1e-5 * np.outer([1.0, -0.5, 0.25], np.interp(heights, fine, profile))
    assert heights[0] >= HEIGHTS[0] and heights[-1] <= HEIGHTS[-1] + 1e-9
    assert np.corrcoef(density.ravel(), wanted.ravel())[0, 1] > 0.99
    assert np.abs(density).max() == pytest.approx(np.abs(wanted).max(), rel=0.15)


def test_standard_method_is_that_of_elephant() -> None:
    elephant, neo, quantities = packages()
    potentials = np.random.default_rng(1).standard_normal((20, 16))
    density, heights = estimate(potentials, "standard")
    signal = neo.AnalogSignal(potentials, units="mV", sampling_rate=1e4 * quantities.Hz)
    theirs = elephant.estimate_csd(
        signal,
        coordinates=HEIGHTS[:, None] * quantities.um,
        method="StandardCSD",
        sigma=SIGMA * quantities.S / quantities.m,
        vaknin_el=False,
        f_type="identity",
        f_order=1,
        process_estimate=False,
    )
    # theirs is of discs, A/m2, ours nA/um3, and only where there are two neighbours
    inner = 1e-9 * np.asarray(theirs.magnitude) / (SPACING * 1e-6)
    inner = inner[:, 1:-1] if inner.shape[1] == len(HEIGHTS) else inner
    np.testing.assert_allclose(density, inner, rtol=1e-9)
    np.testing.assert_array_equal(heights, HEIGHTS[1:-1])


def test_without_elephant(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "elephant", None)
    with pytest.raises(MissingDependencyError, match="needs Elephant"):
        estimate(np.zeros((3, 16)), "kcsd")

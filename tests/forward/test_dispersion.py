"""Conductivities that depend on frequency: published values, closed forms, causality."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

from lfpcli.errors import InputError
from lfpcli.forward.dispersion import (
    EPSILON_0,
    TISSUES,
    Measured,
    Mixture,
    PowerLaw,
    Ratio,
    nodes_between,
)
from lfpcli.forward.grid_medium import GridMedium
from lfpcli.forward.media import HalfSpace, Slice
from lfpcli.forward.potentials import PotentialModel
from lfpcli.geometry import Geometry
from lfpcli.model.probe import Probe
from lfpcli.model.source_text import At, SourceText
from lfpcli.model.tables import read_table

STEP = 0.025
FREQUENCIES = np.array([1.0, 20.0, 150.0, 1e3, 8e3])


@pytest.mark.parametrize(
    ("tissue", "sigma", "epsilon"),
    [
        ("grey matter", (0.089020, 0.098805, 0.11487), (3.9061e6, 1.6406e5, 2.2241e4)),
        ("white matter", (0.058093, 0.062574, 0.069481), (1.6677e6, 6.9811e4, 1.2468e4)),
        ("cerebrospinal fluid", (2.0, 2.0, 2.0), (109.0, 109.0, 109.0)),
    ],
)
def test_tissues_have_the_published_values(tissue, sigma, epsilon) -> None:
    """At 100 Hz, 1 and 10 kHz, as the parametric model of Gabriel et al. is tabulated."""
    frequency = np.array([1e2, 1e3, 1e4])
    found = TISSUES[tissue].at(frequency)
    assert found.real == pytest.approx(sigma, rel=1e-4)
    assert found.imag / (2 * np.pi * frequency * EPSILON_0) == pytest.approx(epsilon, rel=2e-4)


def probe(**keys: object) -> Probe:
    return read_table(Probe, {"contacts": [[0, 0, 0]], **keys}, At(SourceText("model")))


def points(places: np.ndarray) -> Geometry:
    return Geometry(start=places, end=places.copy(), diam=np.full(len(places), 0.1))


def lead(table: Probe, places: np.ndarray) -> np.ndarray:
    """Complex potentials at the contact of currents at places, (F, N), mV/nA."""
    contact = np.array(table.contacts, dtype=float)
    real = np.concatenate([m.matrix(points(places), contact) for m in table.spectral.models])
    mixture = table.spectral.mixture
    assert mixture is not None
    return mixture.weights(FREQUENCIES).T @ real


PLACES = np.array([[30.0, 0, 40], [0, 50, 120], [-60, 10, 260], [5, 5, 150]])


def test_homogeneous_tissue() -> None:
    found = lead(probe(dispersion={"tissue": "grey matter"}), PLACES)
    sigma = TISSUES["grey matter"].at(FREQUENCIES)
    r = np.linalg.norm(PLACES, axis=1)
    assert found == pytest.approx(1.0 / (4 * np.pi * sigma[:, None] * r), rel=1e-12)
    # three conductivities with one ratio, told at a frequency
    keys = {"tissue": "grey matter", "at": 150.0}
    found = lead(probe(sigma=[0.2, 0.3, 0.4], dispersion=keys), PLACES)
    real = PotentialModel(sigma=(0.2, 0.3, 0.4)).matrix(points(PLACES), np.zeros((1, 3)))
    assert found == pytest.approx(real * sigma[2].real / sigma[:, None], rel=1e-12)


@pytest.mark.parametrize("file", [False, True])
def test_half_space_beside_saline_by_its_image(tmp_path: Path, file: bool) -> None:
    sigma = TISSUES["white matter"].at(FREQUENCIES)[:, None]
    keys: dict[str, object] = {"tissue": "white matter"}
    if file:
        epsilon = sigma[:, 0].imag / (2 * np.pi * FREQUENCIES * EPSILON_0)
        rows = np.column_stack([FREQUENCIES, sigma[:, 0].real, epsilon]).tolist()
        lines = ["frequency,sigma,epsilon_r", *(",".join(map(repr, row)) for row in rows)]
        (tmp_path / "wm.csv").write_text("\n".join(lines))
        keys = {"file": str(tmp_path / "wm.csv")}
    medium = {"half_space": -20.0, "side": "above", "sigma_other": 1.5}
    table = probe(medium=medium, dispersion=keys)
    assert isinstance(table.spectral.models[0].medium, HalfSpace)
    image = np.linalg.norm(PLACES - [0, 0, -40.0], axis=1)
    ratio = (sigma - 1.5) / (sigma + 1.5)
    expected = (1.0 / np.linalg.norm(PLACES, axis=1) + ratio / image) / (4 * np.pi * sigma)
    assert lead(table, PLACES) == pytest.approx(expected, rel=1e-5)


def on_glass(sigma: np.ndarray, height: float) -> np.ndarray:
    """Potential at the origin on glass, of a slice between it and saline, by complex images."""
    ratio, total = (sigma - 1.5) / (sigma + 1.5), np.zeros((len(sigma), len(PLACES)), complex)
    across = np.hypot(PLACES[:, 0], PLACES[:, 1])
    for n in range(-800, 801):
        total += ratio ** abs(n) / np.hypot(across, PLACES[:, 2] - 2 * n * height)
    return total / (2 * np.pi * sigma)


def test_slice_between_glass_and_saline_by_complex_images() -> None:
    table = probe(medium={"slice": 300.0}, dispersion={"tissue": "grey matter"})
    assert isinstance(table.spectral.models[0].medium, Slice)
    expected = on_glass(TISSUES["grey matter"].at(FREQUENCIES)[:, None], 300.0)
    assert np.abs(lead(table, PLACES) / expected - 1.0).max() < 1e-4


def test_regions_with_two_dispersions_by_complex_images() -> None:
    tissue = {"slab": {"low": 0.0, "high": 300.0}, "dispersion": {"tissue": "grey matter"}}
    regions = [tissue, {"slab": {"high": 0.0}, "sigma": 0.0}]
    medium = {"regions": regions, "background": 1.5, "tolerance": 1e-2}
    table = probe(medium=medium)
    assert isinstance(table.spectral.models[0].medium, GridMedium)
    expected = on_glass(TISSUES["grey matter"].at(FREQUENCIES)[:, None], 300.0)
    assert np.abs(lead(table, PLACES) / expected - 1.0).max() < 2e-2
    assert np.median(np.abs(lead(table, PLACES) / expected - 1.0)) < 2e-3


def test_regions_that_share_a_ratio_have_one_filter() -> None:
    regions = [{"slab": {"high": -9.0}, "sigma": 0.0}, {"slab": {"low": 99.0}, "sigma": 1.0}]
    table = probe(medium={"regions": regions}, dispersion={"exponent": 0.2, "at": 1000.0})
    mixture = table.spectral.mixture
    assert mixture is not None and mixture.parts == 1
    # the phase of a power law is constant
    assert np.angle(mixture.weights(np.array([50.0, 2e3]))) == pytest.approx(-0.1 * np.pi, abs=5e-3)


RATIOS = [
    Ratio(dispersion=TISSUES["grey matter"], reference=0.1),
    Ratio(dispersion=PowerLaw(exponent=0.15, reference=1e3, low=1.0)),
]


@pytest.mark.parametrize("ratio", RATIOS, ids=["grey matter", "power law"])
def test_signals_in_time_have_the_response_at_each_frequency(ratio: Ratio) -> None:
    time = np.arange(16_000) * STEP
    late = time >= 200.0
    for frequency, error in ((50.0, 1e-4), (200.0, 1e-4), (1000.0, 5e-4), (5000.0, 1e-2)):
        wave = np.exp(-2j * np.pi * frequency * time / 1000.0)
        samples = np.sin(2 * np.pi * frequency * time / 1000.0)[:, None]
        found = Mixture(first=ratio).mixed(samples, STEP)[:, 0]
        response = 2j * np.mean((found * wave)[late])
        assert response == pytest.approx(1.0 / ratio.at(np.array([frequency]))[0], rel=error)


@pytest.mark.parametrize("ratio", RATIOS, ids=["grey matter", "power law"])
def test_nothing_comes_before_its_cause(ratio: Ratio) -> None:
    samples = np.zeros((3000, 2))
    samples[1000:, 0], samples[1000, 1] = 1.0, 1.0
    found = Mixture(first=ratio).mixed(samples, STEP)
    assert np.abs(found[:1000]).max() < 1e-5 * np.abs(found).max()
    assert np.abs(found[1001:1100, 1]).max() > 1e-3
    # what was constant before the first sample is the answer at no frequency
    still = Mixture(first=ratio).mixed(np.full((50, 1), 2.0), STEP)
    assert still == pytest.approx(2.0 / ratio.at(np.zeros(1))[0].real)
    assert Mixture(first=ratio).mixed(np.empty((0, 2)), STEP).shape == (0, 2)


def test_capacitor_has_its_exponential() -> None:
    """A resistor beside a capacitor: a step of current charges it with its time constant."""
    constant = 4e-3
    ladder = Measured(
        frequency=np.geomspace(1e-2, 1e9, 400),
        sigma=np.full(400, 0.3),
        epsilon=np.full(400, 0.3 * constant / EPSILON_0),
    )
    samples = np.zeros((2000, 1))
    samples[400:] = 1.0
    found = Mixture(first=Ratio(dispersion=ladder, reference=0.3)).mixed(samples, STEP)[:, 0]
    time = np.maximum(np.arange(2000) - 399.5, 0.0) * STEP
    assert found == pytest.approx(1.0 - np.exp(-time / 4.0), abs=2e-4)


def between(low: np.ndarray, sigma: np.ndarray, high: np.ndarray) -> np.ndarray:
    """Potential at the origin between half spaces below -100 and above 300 um, by images."""
    bottom, top = (sigma - low) / (sigma + low), (sigma - high) / (sigma + high)
    across, height, total = np.hypot(PLACES[:, 0], PLACES[:, 1]), PLACES[:, 2] + 100.0, 0.0
    for n in range(-400, 401):
        both = (bottom * top) ** abs(n)
        # of images upside down, the first behind a plane has met it alone
        odd = both * bottom if n <= 0 else both / bottom
        total = total + both / np.hypot(across, 2 * n * 400.0 + height - 100.0)
        total = total + odd / np.hypot(across, 2 * n * 400.0 - height - 100.0)
    return total / (4 * np.pi * sigma)


@pytest.mark.slow
def test_three_dispersions_by_complex_images() -> None:
    """Grey matter between white matter and saline, each with a ratio of its own."""
    regions = [
        {"slab": {"high": -100.0}, "dispersion": {"tissue": "white matter"}},
        {"slab": {"low": -100.0, "high": 300.0}, "dispersion": {"tissue": "grey matter"}},
    ]
    table = probe(medium={"regions": regions, "background": 1.5, "tolerance": 2e-2})
    assert table.spectral.mixture is not None and table.spectral.mixture.parts == 25
    white = TISSUES["white matter"].at(FREQUENCIES)[:, None]
    grey = TISSUES["grey matter"].at(FREQUENCIES)[:, None]
    expected = between(white, grey, np.full_like(grey, 1.5))
    found = lead(table, PLACES)
    assert np.abs(found / expected - 1.0).max() < 2e-2
    assert np.median(np.abs(found / expected - 1.0)) < 2e-3


def test_ratios_of_two_parts_are_interpolated_along_each() -> None:
    """A function of two ratios, as potentials are: analytic unless one of them is negative."""
    first = Ratio(dispersion=TISSUES["grey matter"], reference=0.1)
    others = (Ratio(), Ratio(dispersion=TISSUES["white matter"], reference=0.06))
    nodes = tuple(nodes_between(first, other, 5) for other in others)
    mixture = Mixture(first=first, others=others, nodes=nodes)
    assert mixture.parts == 25 and len(mixture.factors) == 25
    known = np.array([1.0 / (1.0 + a) + 2.0 / (3.0 + a * b) for a, b in mixture.factors])
    ratio = first.at(FREQUENCIES)
    a, b = (other.at(FREQUENCIES) / ratio for other in others)
    expected = (1.0 / (1.0 + a) + 2.0 / (3.0 + a * b)) / ratio
    assert known @ mixture.weights(FREQUENCIES) == pytest.approx(expected, rel=2e-3)


def test_a_fourth_dispersion_is_refused() -> None:
    regions = [
        {"slab": {"low": 50.0 * k, "high": 50.0 * k + 50}, "dispersion": table}
        for k, table in enumerate(
            [
                {"tissue": "grey matter"},
                {"tissue": "white matter"},
                {"exponent": 0.1, "at": 100.0},
            ]
        )
    ]
    for entry in regions:
        entry |= {"sigma": 0.3} if "exponent" in entry["dispersion"] else {}
    with pytest.raises(InputError, match=r"regions\[2\] depends on frequency .* beside 3 others"):
        _ = probe(medium={"regions": regions}).spectral


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("f,s\n1,2\n", "unknown column 'f' .*gm.csv:1"),
        ("frequency,sigma\n1,2\n", "column 'epsilon_r' is missing .*gm.csv:1"),
        ("frequency,sigma,epsilon_r\n1,0.3,5\n", "has fewer than two rows"),
        ("frequency,sigma,epsilon_r\n1,0.3,5\n1,0.3,5\n", "do not ascend at row 2 .*gm.csv"),
        ("frequency,sigma,epsilon_r\n1,0.3\n", "2 values, expected 3 .*gm.csv:2"),
        ("frequency,sigma,epsilon_r\n1,0.3,five\n", "'five' in column 'epsilon_r' is no number"),
        ("frequency,sigma,epsilon_r\n1,-0.3,5\n", "row 1 has sigma = -0.3, expected a number"),
        (None, "gm.csv"),
    ],
)
def test_tables_that_are_none_are_refused(tmp_path: Path, text: str | None, fault: str) -> None:
    path = tmp_path / "gm.csv"
    if text is not None:
        path.write_text(text)
    with pytest.raises(InputError) as caught:
        _ = probe(dispersion={"file": str(path)}).spectral
    assert re.search(fault, str(caught.value))

"""Current source density: nothing lost, nothing misplaced."""

from __future__ import annotations

import lfpykit
import numpy as np
import pytest
from chance import as_lfpykit, segments

from lfpcli.errors import UsageError
from lfpcli.forward import csd
from lfpcli.geometry import Geometry


def one(start: list[float], end: list[float]) -> Geometry:
    return Geometry([start], [end], [1.0])


def shares(geometry: Geometry, z, radius: float) -> np.ndarray:
    """Shares of the current per layer, from the density times the volume."""
    layers = csd.check_layers(z)
    volume = np.pi * radius**2 * np.diff(layers, axis=1)
    return csd.laminar_matrix(geometry, z, radius) * volume


def test_layers_conserve_the_current() -> None:
    geometry = segments(2000)
    current = np.random.default_rng(1).normal(size=2000)
    edges = np.linspace(-200, 200, 57)
    density = csd.laminar_matrix(geometry, edges, 500.0) @ current
    volume = np.pi * 500.0**2 * np.diff(edges)
    assert density @ volume == pytest.approx(current.sum(), rel=1e-12)


def test_a_segment_across_whole_layers_keeps_all_of_itself() -> None:
    got = shares(one([0, 0, -3.0], [0, 0, 37.0]), np.arange(-10.0, 60.0, 10.0), 5.0)
    np.testing.assert_allclose(got[:, 0], [3 / 40, 0.25, 0.25, 0.25, 7 / 40, 0], rtol=1e-14)


@pytest.mark.parametrize(
    ("start", "end", "want"),
    [
        ([-20, 0, 5], [20, 0, 5], 0.5),
        ([-5, 3, 5], [15, 3, 5], (np.sqrt(100 - 9) + 5) / 20),
        ([0, 0, 5], [40, 0, 5], 0.25),
        ([-20, 11, 5], [20, 11, 5], 0.0),
        ([-20, 10, 5], [20, 10, 5], 0.0),
        ([1, 1, 2], [1, 1, 8], 1.0),
        ([11, 1, 2], [11, 1, 8], 0.0),
        ([1, 1, 2], [1, 1, 2], 1.0),
        ([11, 1, 2], [11, 1, 2], 0.0),
        ([1, 1, 0], [2, 1, 0], 1.0),
        ([1, 1, 10], [2, 1, 10], 0.0),
        ([-30, 0, 0], [30, 0, 10], 1 / 3),
        ([0, 0, 10], [0, 0, -10], 0.5),
    ],
)
def test_clipping_by_a_cylinder(start: list, end: list, want: float) -> None:
    got = shares(one(start, end), [[0.0, 10.0]], 10.0)[0, 0]
    assert got == pytest.approx(want, rel=1e-13, abs=1e-15)


def test_cylinder_is_the_limit_of_many_points() -> None:
    geometry = segments(40)
    edges, radius, pieces = np.linspace(-100, 100, 9), 60.0, 20000
    got = shares(geometry, edges, radius)
    t = (np.arange(pieces) + 0.5) / pieces
    for n in range(40):
        place = geometry.start[n] + t[:, None] * (geometry.end[n] - geometry.start[n])
        inside = np.hypot(place[:, 0], place[:, 1]) < radius
        want = np.histogram(place[inside, 2], edges)[0] / pieces
        np.testing.assert_allclose(got[:, n], want, atol=3 / pieces)


@pytest.mark.filterwarnings("ignore:All compartments should be shorter")
def test_agrees_with_lfpykit_for_segments_within_layers() -> None:
    """The reference warns whatever the lengths, and is right where no segment crosses a layer."""
    geometry = segments(50, spread=40.0)
    middle = geometry.middle[:, 2] + 50.0
    for ends in (geometry.start, geometry.end):
        ends[:, 2] = np.clip(middle, 20.0, 80.0) + 0.1 * ends[:, 2]
    layers, radii = np.array([[0.0, 100.0], [100.0, 200.0]]), np.array([300.0, 300.0])
    reference = lfpykit.LaminarCurrentSourceDensity(as_lfpykit(geometry), layers, radii)
    got = csd.laminar_matrix(geometry, layers, radii)
    np.testing.assert_allclose(got, reference.get_transformation_matrix(), rtol=1e-10)


def test_voxels_conserve_the_current() -> None:
    geometry = segments(3000)
    geometry.end[7] = geometry.start[7]
    current = np.random.default_rng(1).normal(size=3000)
    edges = [np.linspace(-250, 250, n) for n in (11, 17, 24)]
    matrix = csd.volumetric_matrix(geometry, *edges)
    volume = np.prod([np.diff(e)[0] for e in edges])
    np.testing.assert_allclose(matrix.sum(axis=0) * volume, 1.0, rtol=1e-12)
    assert (matrix @ current).sum() * volume == pytest.approx(current.sum(), rel=1e-12)


def test_voxels_are_the_limit_of_many_points() -> None:
    geometry, pieces = segments(30), 20000
    edges = [np.array([-90.0, -50, 0, 20, 80]), np.linspace(-60, 90, 6), np.linspace(-80, 80, 4)]
    matrix = csd.volumetric_matrix(geometry, *edges).toarray()
    volume = np.einsum("i,j,k->ijk", *(np.diff(e) for e in edges)).ravel()
    t = (np.arange(pieces) + 0.5) / pieces
    for n in range(30):
        place = geometry.start[n] + t[:, None] * (geometry.end[n] - geometry.start[n])
        want = np.histogramdd(place, edges)[0].ravel() / pieces
        np.testing.assert_allclose(matrix[:, n] * volume, want, atol=3 / pieces)


def test_a_voxel_gives_a_density() -> None:
    matrix = csd.volumetric_matrix(one([1, 1, 0], [1, 1, 20]), [0, 2], [0, 5], [0, 10, 30])
    np.testing.assert_allclose(matrix.toarray()[:, 0], [0.5 / 100, 0.5 / 200])


@pytest.mark.parametrize("value", [0.0, 10.0])
def test_segments_on_faces_are_counted_once(value: float) -> None:
    geometry = one([value, 1, 1], [value, 9, 9])
    matrix = csd.volumetric_matrix(geometry, [-10, 0, 10, 20], [0, 5, 10], [0, 10])
    volume = np.prod([10, 5, 10])
    assert matrix.sum() * volume == pytest.approx(1.0, rel=1e-14)


@pytest.mark.parametrize(
    "call",
    [
        lambda g: csd.laminar_matrix(g, [[0.0, 0.0]], 1.0),
        lambda g: csd.laminar_matrix(g, [[1.0, 0.0]], 1.0),
        lambda g: csd.laminar_matrix(g, [[0.0, np.nan]], 1.0),
        lambda g: csd.laminar_matrix(g, [0.0], 1.0),
        lambda g: csd.laminar_matrix(g, [0.0, 1.0], 0.0),
        lambda g: csd.laminar_matrix(g, [0.0, 1.0], [1.0, 2.0]),
        lambda g: csd.volumetric_matrix(g, [0.0], [0, 1], [0, 1]),
        lambda g: csd.volumetric_matrix(g, [0, 1], [1, 0], [0, 1]),
        lambda g: csd.volumetric_matrix(g, [0, 1], [0, np.inf], [0, 1]),
    ],
)
def test_bad_volumes(call) -> None:
    with pytest.raises(UsageError):
        call(segments(3))

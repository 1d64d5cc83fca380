"""Topographies: the projection, the map between the channels, and what is drawn."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from scipy import ndimage

from lfpcli.errors import InputError
from lfpcli.forward.four_sphere import FourSphereVolumeConductor
from lfpcli.forward.montages import montage
from lfpcli.forward.orientation import rotations_onto
from lfpcli.io.recording import Sampled, Signal, open_recording
from lfpcli.io.writer import RecordingWriter
from lfpcli.plotting.scalp import draw_topography, flatten, lift
from lfpcli.plotting.scalp_map import spline, supported
from lfpcli.tasks.figures.scalp_field import scalp_field
from lfpcli.tasks.figures.scalp_panel import has_topography, topography_panel

NAMES, UNIT = montage("10-20")


def potentials() -> np.ndarray:
    head = FourSphereVolumeConductor(90000.0 * UNIT)
    return head.get_dipole_potential([10000.0, 20000.0, 60000.0], [10000.0, 20000, 60000])[:, 0]


def drawn(values: np.ndarray, **options: object) -> tuple[Figure, Axes]:
    figure = Figure(figsize=(4, 3))
    ax = figure.add_axes((0.05, 0.05, 0.7, 0.85))
    draw_topography(ax, values, 90000.0 * UNIT, units="mV", **options)
    figure.canvas.draw()
    return figure, ax


def test_projection() -> None:
    at = dict(zip(NAMES, flatten(UNIT), strict=True))
    np.testing.assert_allclose(at["Cz"], [0, 0], atol=1e-12)
    np.testing.assert_allclose(at["Fpz"], [0, 1], atol=1e-12)
    np.testing.assert_allclose(at["T7"], [-1, 0], atol=1e-12)
    np.testing.assert_allclose(at["C4"], [0.5, 0], atol=1e-12)
    np.testing.assert_allclose(lift(flatten(UNIT)), UNIT, atol=1e-12)


def test_spline_is_that_of_mne() -> None:
    interpolation = pytest.importorskip("mne.channels.interpolation")
    wanted = lift(np.random.default_rng(4).uniform(-0.7, 0.7, (60, 2)))
    theirs = interpolation._make_interpolation_matrix(UNIT, wanted, alpha=1e-5) @ potentials()
    peak = np.abs(potentials()).max()
    np.testing.assert_allclose(spline(potentials(), UNIT, wanted), theirs, atol=1e-9 * peak)


def test_map_goes_near_the_channels() -> None:
    """Not through them: the ridge keeps what few channels cannot tell out of the map."""
    values = potentials()
    error = np.abs(spline(values, UNIT, UNIT) - values).max()
    assert 0.01 * np.abs(values).max() < error < 0.2 * np.abs(values).max()


def test_map_of_a_constant_is_constant() -> None:
    directions = lift(np.random.default_rng(1).uniform(-0.7, 0.7, (50, 2)))
    np.testing.assert_allclose(spline(np.full(21, 3.0), UNIT, directions), 3.0, rtol=1e-6)


def test_map_between_the_channels_is_near_the_model() -> None:
    names, unit = montage("10-10")
    # deep enough that the ridge of the spline takes little of it
    dipole = [0.0, 10000.0, 30000.0]
    between = lift(np.random.default_rng(2).uniform(-0.6, 0.6, (40, 2)))
    known = FourSphereVolumeConductor(90000.0 * unit).get_dipole_potential([0, 1.0, 1.0], dipole)
    wanted = FourSphereVolumeConductor(90000.0 * between).get_dipole_potential(
        [0, 1.0, 1.0], dipole
    )
    got = spline(known[:, 0], unit, between)
    assert len(names) == len(known)
    assert np.abs(got - wanted[:, 0]).max() < 0.03 * np.abs(wanted).max()


def radial_under_cz() -> np.ndarray:
    head = FourSphereVolumeConductor(90000.0 * UNIT)
    return head.get_dipole_potential([0.0, 0.0, 1.0], [0.0, 0.0, 78000.0])[:, 0]


def components(mask: np.ndarray) -> list[np.ndarray]:
    """Connected pieces, over edges and corners, as masks."""
    labels, count = ndimage.label(mask, structure=np.ones((3, 3)))
    return [labels == k for k in range(1, count + 1)]


@pytest.mark.parametrize("seed", [None, 0, 1, 2])
def test_no_contour_closes_where_no_channel_is(seed: int | None) -> None:
    """At every level, what lies above it or below it has a channel in it."""
    values = radial_under_cz()
    if seed is not None:
        values = np.random.default_rng(seed).standard_normal(len(UNIT))
    _, ax = drawn(values)
    picture = np.asarray(ax.images[0].get_array())
    left, right, low, _ = ax.images[0].get_extent()
    size = (right - left) / picture.shape[1]
    pixels = np.floor((flatten(UNIT) - [left, low]) / size).astype(int)
    here = np.zeros(picture.shape, bool)
    here[pixels[:, 1], pixels[:, 0]] = True
    shown = ~np.isnan(picture)
    peak = ax.images[0].get_clim()[1]
    for level in np.linspace(-0.98, 0.98, 41) * peak:
        for beyond in (shown & (picture > level), shown & (picture < level)):
            for piece in components(beyond):
                assert here[piece].any(), f"{level / peak:.2f} of the peak"


def test_radial_dipole_has_one_hill() -> None:
    """Nothing red but around Cz, where the old map had lobes that no electrode saw."""
    values = radial_under_cz()
    directions = lift(np.stack(np.meshgrid(*2 * [np.linspace(-1, 1, 81)]), axis=-1).reshape(-1, 2))
    raw = spline(values, UNIT, directions)
    assert raw.min() < -5 * np.abs(np.delete(values, NAMES.index("Cz"))).max()
    _, ax = drawn(values)
    picture = np.asarray(ax.images[0].get_array())
    peak = ax.images[0].get_clim()[1]
    reach = np.abs(np.delete(values, NAMES.index("Cz"))).max() / values.max()
    assert -np.nanmin(picture) < 0.1 * peak
    assert len(components(np.nan_to_num(picture) > max(0.2, reach) * peak)) == 1


def test_supported_leaves_what_channels_hold_up() -> None:
    x, y = np.meshgrid(np.linspace(-1, 1, 41), np.linspace(-1, 1, 41))
    hills = np.exp(-20 * ((x - 0.5) ** 2 + y**2)) - np.exp(-20 * ((x + 0.5) ** 2 + y**2))
    everywhere = np.ones(hills.shape, bool)
    tops = np.array([[20, 30], [20, 10]])
    np.testing.assert_allclose(supported(hills, everywhere, tops), hills, atol=1e-8)
    # a channel on the hill and one on the plain: the hollow has none
    one = supported(hills, everywhere, np.array([[20, 30], [0, 20]]))
    np.testing.assert_allclose(one[hills > 0.01], hills[hills > 0.01])
    assert one.min() > -0.01 and hills.min() < -0.99


def test_field_of_the_model_is_drawn_where_it_is_known(tmp_path: Path) -> None:
    moments = np.array([[1.0, 2.0, 30.0], [-3.0, 1.0, 10.0], [0.0, 0.0, 0.0]])
    place, direction = np.array([10000.0, 20000.0, 65000.0]), np.array([0.2, 0.4, 0.9])
    head = FourSphereVolumeConductor(90000.0 * UNIT)
    turned = moments @ rotations_onto(direction)[0].T
    data = turned @ head.get_transformation_matrix(place).T
    data -= data[:, :1]
    parameters = {
        "montage": "10-20",
        "radii": [79000.0, 80000.0, 85000.0, 90000.0],
        "sigmas": [0.3, 1.5, 0.015, 0.3],
        "tolerance": 1e-12,
        "sources": "dipole",
        "position": place.tolist(),
        "direction": (direction / np.linalg.norm(direction)).tolist(),
        "reference": "Fp1",
    }
    signal = Signal(data, "mV", 0.5, 0.0, 90000.0 * UNIT, list(NAMES), "four-sphere", parameters)
    with RecordingWriter(tmp_path / "a.h5", {}) as writer:
        writer.dipole("total", Sampled(moments, "nA um", 0.5))
        writer.signal("eeg", signal)
        writer.signal("other", replace(signal, data=data**2))
    with open_recording(tmp_path / "a.h5") as recording:
        stored = recording.signal("eeg")
        for row in (0, 1):
            field = scalp_field(recording, stored, row)
            assert field is not None
            np.testing.assert_allclose(field(UNIT), data[row], atol=1e-12 * np.abs(data).max())
            between = lift(np.random.default_rng(2).uniform(-0.9, 0.9, (40, 2)))
            dense = FourSphereVolumeConductor(90000.0 * between)
            wanted = dense.get_transformation_matrix(place) @ turned[row]
            shift = head.get_transformation_matrix(place)[0] @ turned[row]
            np.testing.assert_allclose(field(between), wanted - shift, rtol=1e-9)
        # what does not agree with its model is not drawn by it
        assert scalp_field(recording, recording.signal("other"), 0) is None
        ax = Figure().add_subplot()
        topography_panel(recording, "eeg").draw(ax)
        assert ax.texts[-1].get_text() == "field of the model"
        ax = Figure().add_subplot()
        topography_panel(recording, "other").draw(ax)
        assert ax.texts[-1].get_text() == "spline of 21 channels"


def test_what_is_drawn() -> None:
    values = potentials()
    figure, ax = drawn(values, names=NAMES, title="eeg")
    assert [text.get_text() for text in ax.texts] == [*NAMES, "spline of 21 channels"]
    assert ax.get_title() == "eeg"
    # outline, nose and two ears
    assert len(ax.patches) == 4
    dots = ax.collections[-1]
    np.testing.assert_allclose(dots.get_offsets(), flatten(UNIT))
    (image,) = ax.images
    # the dots show the values themselves, in the colours of the map
    assert np.corrcoef(dots.get_array(), values)[0, 1] == pytest.approx(1.0)
    assert dots.get_clim() == image.get_clim()
    assert image.get_clim() == pytest.approx((-image.get_clim()[1], image.get_clim()[1]))
    assert len(ax.collections) >= 1
    labels = [a.get_title() for a in [*figure.axes, *ax.child_axes]]
    assert "nV" in labels or "pV" in labels


def test_peak_of_the_map_lies_over_the_dipole() -> None:
    _, ax = drawn(potentials())
    picture = np.asarray(ax.images[0].get_array())
    left, right, low, high = ax.images[0].get_extent()
    row, column = np.unravel_index(np.nanargmax(picture), picture.shape)
    x = left + (right - left) * column / (picture.shape[1] - 1)
    y = low + (high - low) * row / (picture.shape[0] - 1)
    wanted = flatten(np.array([[10.0, 20.0, 60.0]]) / np.linalg.norm([10, 20, 60]))[0]
    assert np.hypot(x - wanted[0], y - wanted[1]) < 0.25


def test_silence_and_damage_are_drawn() -> None:
    drawn(np.zeros(21))
    values = potentials()
    values[3] = np.nan
    _, ax = drawn(values)
    assert not ax.images


def test_channel_in_the_centre() -> None:
    figure = Figure()
    with pytest.raises(InputError, match="centre of the head"):
        draw_topography(figure.add_subplot(), np.ones(3), np.eye(3) - np.eye(3)[0], units="mV")


def write(path: Path, parameters: dict) -> Path:
    course = np.array([0.0, 1.0, -3.0, 2.0])
    signal = Signal(
        course[:, None] * potentials(), "mV", 0.5, 10.0, 90000.0 * UNIT, NAMES, "four-sphere",
        parameters,
    )  # fmt: skip
    with RecordingWriter(path, {}) as writer:
        writer.signal("eeg", signal)
    return path


def title(path: Path, **when: object) -> str:
    ax = Figure().add_subplot()
    with open_recording(path) as recording:
        topography_panel(recording, "eeg", **when).draw(ax)
    return ax.get_title()


def test_the_time_of_the_largest_power_is_shown(tmp_path: Path) -> None:
    path = write(tmp_path / "a.h5", {"montage": "10-20"})
    assert title(path) == "eeg: four-sphere, 11 ms"
    assert title(path, time=10.6) == "eeg: four-sphere, 10.5 ms"
    assert title(path, span=(11.4, 20.0)) == "eeg: four-sphere, 11.5 ms"
    with pytest.raises(InputError, match="no sample in this time span"):
        title(path, time=99.0)


def test_signals_without_a_head_have_none(tmp_path: Path) -> None:
    path = write(tmp_path / "a.h5", {"sigma": 0.3})
    with open_recording(path) as recording:
        assert not has_topography(recording.signal("eeg"))
        with pytest.raises(InputError, match="no places on a head"):
            topography_panel(recording, "eeg")

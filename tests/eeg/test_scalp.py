"""Topographies: the projection, the map between the channels, and what is drawn."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from lfpcli.errors import InputError
from lfpcli.forward.four_sphere import FourSphereVolumeConductor
from lfpcli.forward.montages import montage
from lfpcli.io.recording import Signal, open_recording
from lfpcli.io.writer import RecordingWriter
from lfpcli.plotting.scalp import draw_topography, flatten, lift, spline
from lfpcli.tasks.figures.scalp_panel import has_topography, topography_panel

NAMES, UNIT = montage("10-20")


def potentials() -> np.ndarray:
    head = FourSphereVolumeConductor(90000.0 * UNIT)
    return head.get_dipole_potential([10000.0, 20000.0, 60000.0], [10000.0, 20000, 60000])[:, 0]


def drawn(values: np.ndarray, **options: object) -> tuple[Figure, Axes]:
    figure = Figure(figsize=(4, 3))
    ax = figure.add_axes((0.05, 0.05, 0.7, 0.85))
    draw_topography(ax, values, 90000.0 * UNIT, "mV", **options)
    figure.canvas.draw()
    return figure, ax


def test_projection() -> None:
    at = dict(zip(NAMES, flatten(UNIT), strict=True))
    np.testing.assert_allclose(at["Cz"], [0, 0], atol=1e-12)
    np.testing.assert_allclose(at["Fpz"], [0, 1], atol=1e-12)
    np.testing.assert_allclose(at["T7"], [-1, 0], atol=1e-12)
    np.testing.assert_allclose(at["C4"], [0.5, 0], atol=1e-12)
    np.testing.assert_allclose(lift(flatten(UNIT)), UNIT, atol=1e-12)


def test_map_goes_through_the_channels() -> None:
    values = potentials()
    error = np.abs(spline(values, UNIT, UNIT) - values).max()
    assert error < 1e-4 * np.abs(values).max()


def test_map_of_a_constant_is_constant() -> None:
    directions = lift(np.random.default_rng(1).uniform(-0.7, 0.7, (50, 2)))
    np.testing.assert_allclose(spline(np.full(21, 3.0), UNIT, directions), 3.0, rtol=1e-6)


def test_map_between_the_channels_is_near_the_model() -> None:
    names, unit = montage("10-10")
    dipole = [0.0, 20000.0, 50000.0]
    between = lift(np.random.default_rng(2).uniform(-0.6, 0.6, (40, 2)))
    known = FourSphereVolumeConductor(90000.0 * unit).get_dipole_potential([0, 1.0, 1.0], dipole)
    wanted = FourSphereVolumeConductor(90000.0 * between).get_dipole_potential(
        [0, 1.0, 1.0], dipole
    )
    got = spline(known[:, 0], unit, between)
    assert len(names) == len(known)
    assert np.abs(got - wanted[:, 0]).max() < 0.03 * np.abs(wanted).max()


def test_what_is_drawn() -> None:
    values = potentials()
    figure, ax = drawn(values, names=NAMES, title="eeg")
    assert [text.get_text() for text in ax.texts] == NAMES
    assert ax.get_title() == "eeg"
    # outline, nose and two ears
    assert len(ax.patches) == 4
    (dots,) = ax.lines
    np.testing.assert_allclose(np.column_stack(dots.get_data()), flatten(UNIT))
    (image,) = ax.images
    assert image.get_clim() == pytest.approx((-image.get_clim()[1], image.get_clim()[1]))
    assert len(ax.collections) >= 1
    labels = [a.get_title() for a in [*figure.axes, *ax.child_axes]]
    assert "nV" in labels or "pV" in labels


def test_peak_of_the_map_lies_over_the_dipole() -> None:
    _, ax = drawn(potentials())
    picture = np.asarray(ax.images[0].get_array())
    left, right, low, high = ax.images[0].get_extent()
    row, column = np.unravel_index(np.argmax(picture), picture.shape)
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
        draw_topography(figure.add_subplot(), np.ones(3), np.eye(3) - np.eye(3)[0], "mV")


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

"""Long data brought down to what a figure can show."""

from __future__ import annotations

import numpy as np
import pytest

from lfpcli.errors import InputError, UsageError
from lfpcli.plotting import reduce
from lfpcli.plotting.reduce import envelope, extremes, rows_in
from lfpcli.plotting.traces import depth_labels
from lfpcli.plotting.units import nice_length, pretty, shown_unit


def data(rows=100_003, columns=3):
    return np.random.default_rng(5).normal(size=(rows, columns))


def test_short_data_comes_as_it_is():
    values = data(2000)
    index, got = envelope(values, (10, 1500), np.array([2, 0]))
    assert index.tolist() == list(range(10, 1500))
    assert np.array_equal(got, values[10:1500][:, [2, 0]])


def test_envelope_keeps_extremes(monkeypatch):
    values = data()
    index, got = envelope(values, (0, len(values)), np.arange(3), points=500)
    assert len(got) == len(index) <= 1002
    assert np.array_equal(got.max(axis=0), values.max(axis=0))
    assert np.array_equal(got.min(axis=0), values.min(axis=0))
    assert np.all(np.diff(index) > 0) and index[-1] < len(values) + 201
    monkeypatch.setattr(reduce, "_BLOCK_BYTES", 50_000)
    assert np.array_equal(envelope(values, (0, len(values)), np.arange(3), points=500)[1], got)


def test_extremes_are_those_of_each_stretch(monkeypatch):
    values = data()
    edges, got = extremes(values, (3, 100_000), np.array([1]), points=900)
    step = int(edges[1] - edges[0])
    assert edges[0] == 2.5 and edges[-1] == 99_999.5 and len(edges) == len(got) + 1
    for k in (7, len(got) - 1):
        stretch = values[3 + k * step : min(3 + (k + 1) * step, 100_000), 1]
        assert got[k, 0] == stretch[np.argmax(np.abs(stretch))]
    monkeypatch.setattr(reduce, "_BLOCK_BYTES", 50_000)
    assert np.array_equal(extremes(values, (3, 100_000), np.array([1]), points=900)[1], got)


@pytest.mark.parametrize("columns", [[0], [2, 1], [2, 0, 1]])
def test_columns_are_taken_before_or_after(columns):
    values = data()
    whole = extremes(values, (0, 50_000), np.arange(3))[1]
    got = extremes(values, (0, 50_000), np.array(columns))[1]
    assert np.array_equal(got, whole[:, columns])


def test_no_rows():
    assert envelope(data(10), (4, 4), np.arange(3))[1].shape == (0, 3)
    assert extremes(data(10), (4, 4), np.arange(3))[1].shape == (0, 3)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_non_finite_samples_are_named(value):
    values = data(100)
    values[50, 1] = value
    with pytest.raises(InputError, match="holds NaN or infinity") as caught:
        envelope(values, (0, 100), np.arange(3), source="a.h5:/x")
    assert caught.value.source == "a.h5:/x"


@pytest.mark.parametrize(
    ("time", "rows"),
    [
        (None, (0, 101)),
        ((0.0, 10.0), (0, 101)),
        ((2.0, 3.0), (20, 31)),
        ((2.04, 2.96), (21, 30)),
        ((-5.0, 0.0), (0, 1)),
    ],
)
def test_rows_of_a_time_span(time, rows):
    assert rows_in(101, 0.1, 0.0, time) == rows


@pytest.mark.parametrize("time", [(50.0, 60.0), (-60.0, -50.0)])
def test_no_rows_are_said(time):
    with pytest.raises(UsageError, match="no sample lies between"):
        rows_in(101, 0.1, 0.0, time)


@pytest.mark.parametrize(
    ("unit", "peak", "label", "factor"),
    [
        ("mV", 80.0, "mV", 1.0),
        ("mV", 0.03, "µV", 1e3),
        ("mV", 2e-5, "nV", 1e6),
        ("mV", 0.0, "mV", 1.0),
        ("nA/um3", 3e-5, "µA/mm³", 1e6),
        ("nA um", 8.0, "nA µm", 1.0),
        ("T", 3e-14, "fT", 1e15),
        ("uS", 1.0, "µS", 1.0),
        ("", 1.0, "", 1.0),
    ],
)
def test_shown_units(unit, peak, label, factor):
    assert shown_unit(unit, peak) == (label, factor)


def test_pretty_units():
    assert [pretty(u) for u in ("um2", "uF/cm2", "nA/um3", "ohm cm")] == [
        "µm²",
        "µF/cm²",
        "nA/µm³",
        "ohm cm",
    ]


@pytest.mark.parametrize(
    ("target", "length"), [(1.0, 1.0), (4.9, 2.0), (37.0, 20.0), (0.06, 0.05), (0.0, 1.0)]
)
def test_scale_bars_have_round_lengths(target, length):
    assert nice_length(target) == pytest.approx(length)


def test_depth_labels_have_decimals_where_they_matter():
    assert depth_labels(np.array([-20.0, 0.0, 13.4])) == ["−20", "0", "13"]
    assert depth_labels(np.array([0.0, 0.25])) == ["0.00", "0.25"]

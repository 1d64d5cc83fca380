"""Statistics of spikes and signals against Elephant, each number with the same data."""

from __future__ import annotations

import warnings

import numpy as np
import pytest

from lfpcli.errors import MissingDependencyError
from lfpcli.tasks.statistics.fields import triggered_mean
from lfpcli.tasks.statistics.sources import elephant_modules
from lfpcli.tasks.statistics.spectra import coherence, power_spectrum, window_samples
from lfpcli.tasks.statistics.trains import (
    Trains,
    mean_correlation,
    population_rate,
    variation,
)

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    try:
        elephant_modules()
    except MissingDependencyError:
        pytest.skip("Elephant is not installed", allow_module_level=True)
    import neo
    import quantities as pq
    from elephant import conversion, spectral, spike_train_correlation, sta, statistics

SPAN, CELLS, DT = 10_000.0, 5, 0.5

pytestmark = pytest.mark.filterwarnings("ignore")


@pytest.fixture(scope="module")
def trains() -> Trains:
    rng = np.random.default_rng(4)
    parts = [np.cumsum(rng.gamma(2.0, 25.0, 400)) for _ in range(CELLS)]
    parts = [part[part < SPAN - 1.0] for part in parts]
    owners = np.repeat(np.arange(CELLS), [len(part) for part in parts])
    times = np.concatenate(parts)
    order = np.argsort(times)
    return Trains(
        times=times[order], cells=owners[order], gids=np.arange(CELLS), begin=0.0, end=SPAN
    )


def theirs(trains: Trains) -> list[neo.SpikeTrain]:
    return [
        neo.SpikeTrain(trains.times[trains.cells == cell] * pq.ms, t_stop=SPAN * pq.ms)
        for cell in range(CELLS)
    ]


def test_rates_and_intervals(trains: Trains) -> None:
    each = theirs(trains)
    rates = [float(statistics.mean_firing_rate(one).rescale("Hz")) for one in each]
    np.testing.assert_allclose(trains.rates(), rates, rtol=1e-12)
    cv, lv, cells = variation(trains.intervals())
    intervals = [statistics.isi(one).magnitude for one in each]
    # theirs divides by n, ours by n - 1
    wanted = np.mean([statistics.cv(i) * np.sqrt(len(i) / (len(i) - 1)) for i in intervals])
    assert cells == CELLS and cv == pytest.approx(wanted, rel=1e-12)
    assert lv == pytest.approx(np.mean([statistics.lv(i) for i in intervals]), rel=1e-12)


def test_counts_correlations_and_psth(trains: Trains) -> None:
    binned = conversion.BinnedSpikeTrain(theirs(trains), bin_size=10 * pq.ms)
    counts = trains.counts(10.0)
    np.testing.assert_array_equal(counts, binned.to_array())
    matrix = spike_train_correlation.correlation_coefficient(binned)
    pairs = matrix[np.triu_indices(CELLS, 1)]
    assert mean_correlation(counts) == pytest.approx(pairs.mean(), rel=1e-10)
    histogram = statistics.time_histogram(theirs(trains), 10 * pq.ms, output="rate")
    rate = histogram.rescale("Hz").magnitude[:, 0]
    np.testing.assert_allclose(population_rate(counts, 10.0), rate, rtol=1e-10)


def noise(channels: int = 2) -> np.ndarray:
    return np.random.default_rng(5).standard_normal((int(SPAN / DT), channels))


def test_spike_triggered_average(trains: Trains) -> None:
    samples = noise()
    times = DT * np.unique(np.rint(trains.times / DT))
    mean, events = triggered_mean(samples, np.rint(times / DT).astype(int), 20, 40)
    signal = neo.AnalogSignal(samples, units="mV", sampling_period=DT * pq.ms)
    train = neo.SpikeTrain(times * pq.ms, t_stop=SPAN * pq.ms)
    # their window ends before its last sample
    average = sta.spike_triggered_average(signal, train, (-20 * DT * pq.ms, 40 * DT * pq.ms))
    assert average.annotations["used_spikes"] == pytest.approx(events, abs=1)
    np.testing.assert_allclose(mean[:-1], average.magnitude[: len(mean) - 1], atol=5e-3)


def test_spectra_and_coherence_with_spikes(trains: Trains) -> None:
    samples = noise()
    signal = neo.AnalogSignal(samples, units="mV", sampling_period=DT * pq.ms)
    frequencies, density = power_spectrum(samples, DT)
    window = window_samples(len(samples))
    hertz, wanted = spectral.welch_psd(signal, len_segment=window, overlap=0.5)
    np.testing.assert_allclose(frequencies, hertz.magnitude, rtol=1e-12)
    np.testing.assert_allclose(density.T, wanted.magnitude, rtol=1e-10)
    train = neo.SpikeTrain(trains.times * pq.ms, t_stop=SPAN * pq.ms)
    binned = conversion.BinnedSpikeTrain(train, bin_size=DT * pq.ms, n_bins=len(samples))
    counts = binned.to_array()[0].astype(float)
    _, ours = coherence(np.tile(counts[:, None], 2), samples, DT)
    field, _ = sta.spike_field_coherence(signal, binned, nperseg=window)
    np.testing.assert_allclose(ours, field.magnitude, rtol=1e-9, atol=1e-12)

"""The example network against the same one in LFPy: statistics over seeds, since draws differ.

Sizes, seeds and the bound are part of the test: each number that describes a run is compared by
Welch's t test (Welch 1947, Biometrika 34:28), and the smallest p value is held against the chance
of a false alarm in the whole family, divided by the count of numbers (Bonferroni).
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import h5py
import numpy as np
import pytest
from network_models import SHARE, simulated
from scipy import stats

# a run of ours costs a tenth of one of LFPy's
OURS, THEIRS = range(201, 241), range(201, 211)
FALSE_ALARM = 0.01
TSTOP, DT, SKIP = 200.0, 0.0625, 40.0
SIZES = {"E": 256, "I": 64}
BANDS = ((10.0, 60.0), (60.0, 200.0), (200.0, 600.0))


def summary(spikes: dict[str, np.ndarray], lfp: np.ndarray, dipole: np.ndarray) -> dict[str, float]:
    """Numbers that describe a run; times in ms, samples in rows."""
    facts = {}
    for name, times in spikes.items():
        late = times[times > SKIP]
        facts[f"rate {name}"] = len(late) / SIZES[name] / (TSTOP - SKIP) * 1e3
        facts[f"onset {name}"] = np.sum(times < 20.0) / SIZES[name]
    start = round(SKIP / DT)
    signal = lfp[start:] - lfp[start:].mean(axis=0)
    for channel in (2, 5, 8, 10):
        facts[f"spread {channel}"] = np.log(signal[:, channel].std())
    power = np.abs(np.fft.rfft(signal * np.hanning(len(signal))[:, None], axis=0)) ** 2
    frequency = np.fft.rfftfreq(len(signal), DT * 1e-3)
    for low, high in BANDS:
        inside = (frequency >= low) & (frequency < high)
        for channel in (5, 10):
            facts[f"power {low:g} Hz {channel}"] = np.log(power[inside, channel].mean())
    facts["dipole"] = np.log(dipole[start:, 2].std())
    return facts


def of_lfpy(seed: int, folder: Path) -> dict[str, float]:
    script = SHARE.parent / "benchmarks/lfpy_network.py"
    out = folder / f"lfpy{seed}.npz"
    subprocess.run(
        [sys.executable, str(script), str(out), "--seed", str(seed), "--tstop", str(TSTOP)],
        check=True,
        capture_output=True,
        timeout=900,
    )
    with np.load(out) as arrays:
        spikes = {name: arrays[name] for name in SIZES}
        return summary(spikes, arrays["lfp"], arrays["dipole"])


def of_lfp(seed: int, folder: Path) -> dict[str, float]:
    out = folder / f"lfp{seed}.h5"
    model = SHARE / "examples/network.toml"
    simulated(model, out, "--seed", seed, "--tstop", TSTOP)
    with h5py.File(out) as file:
        spikes = {name: file[f"spikes/{name}/timestamps"][:] for name in SIZES}
        return summary(spikes, file["signals/LFP/data"][:], file["dipole/total/data"][:])


def p_values(ours: list[dict[str, float]], theirs: list[dict[str, float]]) -> dict[str, float]:
    """How likely means differ as much where there is no difference, by number."""
    names = list(ours[0])
    a, b = (np.array([[facts[n] for n in names] for facts in runs]) for runs in (ours, theirs))
    found = (a[0] == b[0]).astype(float)
    varies = (np.ptp(a, axis=0) != 0.0) | (np.ptp(b, axis=0) != 0.0)
    found[varies] = stats.ttest_ind(a[:, varies], b[:, varies], equal_var=False).pvalue
    return dict(zip(names, found.tolist(), strict=True))


def differ(found: dict[str, float]) -> list[str]:
    """Numbers that differ, so that a false alarm in any of them has the chance allowed."""
    # a p value that is no number counts as a difference
    return [name for name, p in found.items() if not p >= FALSE_ALARM / len(found)]


def drawn(
    rng: np.random.Generator, count: int, shift: float = 0.0, scale: float = 1.0
) -> list[dict[str, float]]:
    """Runs described by 15 normal numbers, the first of them shifted."""
    values = rng.normal(0.0, scale, (count, 15))
    values[:, 0] += shift
    return [{f"number {k}": v for k, v in enumerate(row)} for row in values]


def test_one_number_shifted_by_two_deviations_is_found() -> None:
    rng = np.random.default_rng(1)
    found = [
        differ(p_values(drawn(rng, len(OURS)), drawn(rng, len(THEIRS), shift=2.0)))
        for _ in range(100)
    ]
    # the power of the design is 0.84
    assert np.mean(["number 0" in names for names in found]) > 0.7


def test_false_alarms_are_as_rare_as_said() -> None:
    rng = np.random.default_rng(2)
    alarms = [
        bool(differ(p_values(drawn(rng, len(OURS)), drawn(rng, len(THEIRS), scale=2.0))))
        for _ in range(300)
    ]
    # more than 9 of 300 have a chance of 1 in 1000 where each has one of 1 in 100
    assert np.sum(alarms) <= 9


def test_constants_and_missing_numbers_are_compared() -> None:
    same, other = [{"onset": 0.5}] * 3, [{"onset": 0.25}] * 2
    assert differ(p_values(same, same)) == []
    assert differ(p_values(same, other)) == ["onset"]
    assert differ(p_values([{"onset": np.nan}, *same], same)) == ["onset"]


@pytest.mark.slow
def test_rates_spreads_and_spectra_agree(tmp_path: Path) -> None:
    pytest.importorskip("LFPy")
    ours = [of_lfp(seed, tmp_path) for seed in OURS]
    theirs = [of_lfpy(seed, tmp_path) for seed in THEIRS]
    found = p_values(ours, theirs)
    assert differ(found) == [], found

"""The example network against the same one in LFPy: statistics over seeds, since draws differ."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import h5py
import numpy as np
import pytest
from network_models import SHARE

pytest.importorskip("LFPy")
# a run of ours costs a tenth of one of LFPy's
OURS, THEIRS = range(1, 41), range(1, 11)
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
    command = ["sim", str(model), "-o", str(out), "-q", "--seed", str(seed), "--tstop", str(TSTOP)]
    subprocess.run([sys.executable, "-m", "lfpcli", *command], check=True, timeout=300)
    with h5py.File(out) as file:
        spikes = {name: file[f"spikes/{name}/timestamps"][:] for name in SIZES}
        return summary(spikes, file["signals/LFP/data"][:], file["dipole/total/data"][:])


@pytest.mark.slow
def test_rates_spreads_and_spectra_agree(tmp_path: Path) -> None:
    ours = [of_lfp(seed, tmp_path) for seed in OURS]
    theirs = [of_lfpy(seed, tmp_path) for seed in THEIRS]
    scores = {}
    for name in ours[0]:
        a, b = (np.array([facts[name] for facts in runs]) for runs in (ours, theirs))
        # difference of means in its standard error
        error = np.sqrt(a.var(ddof=1) / len(a) + b.var(ddof=1) / len(b))
        scores[name] = (a.mean() - b.mean()) / error
    values = np.array(list(scores.values()))
    assert np.abs(values).max() < 3.5, scores
    # what is within the sampling error most of the time is not biased
    assert np.mean(np.abs(values) < 2.0) > 0.8, scores

"""Signals of a file are treated with the very numbers of a model or a command line."""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np

from lfpcli.forward.filters import butterworth
from lfpcli.forward.treatment import Band, Noise, parse_band, parse_noise
from lfpcli.model import load_model
from lfpcli.tasks.measure.treatment import treat_signal

DT = 0.0625
CORNER = 1234.5678


def test_a_filter_keeps_all_digits_of_its_corners(tmp_path: Path) -> None:
    probe = {"contacts": [[30, 0, 0]], "filter": {"low": 100.0, "high": CORNER}, "name": "mua"}
    model = load_model({"cell": {"c": {"morphology": "c.swc"}}, "probe": [probe]})
    samples = np.random.default_rng(5).normal(size=(900, 1))
    with h5py.File(tmp_path / "signals.h5", "w") as file:
        data = file.create_dataset("signals/mua/data", data=samples, maxshape=(None, 1))
        data.attrs["dt"] = DT
        treat_signal(file["signals/mua"], model.probes[0].treatment)
        wanted = butterworth(samples, DT, low=100.0, high=CORNER)
        np.testing.assert_array_equal(data[:], wanted)
        assert data.attrs["filter"] == "100:1234.5678"


def test_texts_of_bands_and_noise_read_back() -> None:
    for band in (Band(0.1, None), Band(None, 1 / 3), Band(100.0, CORNER)):
        assert parse_band(str(band)) == band
    for noise in (
        Noise(colour="pink", rms=1e-3, seed=4),
        Noise(colour="white", rms=0.1, length=25.5),
    ):
        assert parse_noise(str(noise), noise.seed) == noise
    assert str(parse_band("300:6000")) == "300:6000"
    assert str(parse_noise("brown:5e-3:40")) == "brown:0.005:40"

"""Impedances of electrodes: the circuit, and recordings through it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pytest
from gaussian_templates import DT

from lfpcli.errors import UsageError
from lfpcli.forward.electrode import Electrode, parse_electrode
from lfpcli.tasks.convolve import recording as recordings
from lfpcli.tasks.convolve.parts import ElectrodeFilter

CIRCUITS = (
    {"resistance": 0.1, "capacitance": 1.0, "shunt": 20.0},
    {"resistance": 2.0, "shunt": 100.0},
    {"resistance": 0.5, "capacitance": 0.2, "leakage": 50.0, "shunt": 30.0, "input": 20.0},
    {"capacitance": 0.5, "input": 10.0},
)


def circuit(frequency: np.ndarray, **values: float) -> np.ndarray:
    """The share of a potential that the amplifier sees, by the impedances themselves."""
    speed = 2j * np.pi * frequency
    layer = 1.0 / (values.get("leakage", np.inf) * 1e6)
    layer = layer + speed * values.get("capacitance", np.inf) * 1e-9
    contact = values.get("resistance", 0.0) * 1e6 + 1.0 / layer
    ground = 1.0 / (values.get("input", np.inf) * 1e6) + speed * values.get("shunt", 0.0) * 1e-12
    return 1.0 / (1.0 + ground * contact)


@pytest.mark.parametrize("values", CIRCUITS)
def test_transfer_is_that_of_the_circuit(values: dict[str, float]) -> None:
    frequency = np.geomspace(0.1, 1e5, 200)
    shown = Electrode(**values).transfer(frequency)
    if "capacitance" in values:
        assert np.allclose(shown, circuit(frequency, **values), rtol=1e-12)
    else:
        assert np.allclose(shown, 1.0 / (1.0 + 2j * np.pi * frequency * 2e6 * 100e-12))


def test_without_leaks_a_capacitance_divides() -> None:
    share = Electrode(capacitance=0.1, shunt=50.0).transfer(np.array([0.0, 1e3]))
    assert np.allclose(share, 0.1e-9 / (0.1e-9 + 50e-12))
    assert np.allclose(Electrode(capacitance=1.0, input=1.0).transfer(np.zeros(1)), 0.0)


@pytest.mark.parametrize("values", CIRCUITS)
def test_sines_come_through_as_the_circuit_says(values: dict[str, float]) -> None:
    electrode = Electrode(**values)
    through = ElectrodeFilter(electrode, DT)
    moments = np.arange(8000 + 2 * through.margin) * DT / 1000.0
    for frequency in (50.0, 1000.0, 4000.0):
        wave = np.exp(2j * np.pi * frequency * moments)
        both = through(np.column_stack([wave.real, wave.imag]))
        seen = (both[:, 0] + 1j * both[:, 1]) / wave[through.margin : -through.margin]
        seconds = DT / 1000.0
        warped = np.tan(np.pi * frequency * seconds) / (np.pi * seconds)
        expected = electrode.transfer(np.array([warped]))[0]
        assert np.allclose(seen, expected, rtol=0, atol=1e-7), frequency


def test_recordings_go_through_the_electrode(
    lfp: Callable[..., object],
    write_templates: Callable[..., Path],
    write_trains: Callable[..., Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    templates, trains = write_templates(), write_trains({"E": [[60.0, 150.0], [90.0]]}, 300.0)
    options = ("--seed", 1, "--amplitude", "0,1", "--taper", 0)

    def samples(*more: object) -> np.ndarray:
        path = tmp_path / "r.h5"
        lfp("convolve", templates, trains, *options, *more, "-o", path, "-f")
        with h5py.File(path) as file:
            return np.asarray(file["signals/recording/data"][:])

    words = ("--electrode", "resistance=2,shunt=100")
    plain, seen = samples(), samples(*words)
    through = ElectrodeFilter(Electrode(resistance=2.0, shunt=100.0), DT)
    padded = np.pad(plain, ((through.margin, through.margin), (0, 0)))
    assert np.allclose(seen, through(padded), rtol=0, atol=1e-12)
    assert np.abs(seen).max() < 0.95 * np.abs(plain).max()
    # noise is added behind the electrode
    noise = ("--noise", "white:0.01")
    assert np.allclose(samples(*words, *noise) - seen, samples(*noise) - plain, atol=1e-12)
    monkeypatch.setattr(recordings, "PAGE", 777)
    # an answer is cut off where 1e-9 of it is left
    assert np.allclose(samples(*words), seen, rtol=0, atol=1e-9)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("ohm=1", "--electrode has no 'ohm'"),
        ("resistance=-1", "resistance of an electrode is -1"),
        ("capacitance=0", "capacitance of an electrode is 0"),
        ("resistance=x", "resistance of --electrode"),
    ],
)
def test_wrong_electrodes(text: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        parse_electrode(text)


def test_electrodes_that_never_settle_are_refused() -> None:
    with pytest.raises(UsageError, match="answers to an impulse for"):
        ElectrodeFilter(Electrode(capacitance=10.0, input=10_000.0), DT)

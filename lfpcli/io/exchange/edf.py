"""EDF+ and BDF: one signal in whole numbers of 16 or 24 bits, through edfio."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Any

import edfio
import numpy as np

from lfpcli.errors import UsageError
from lfpcli.io.exchange.contents import Contents, Target, Traces, only_traces, unit_factor

# the range of a channel is written in eight characters, which holds few digits of a small number:
# samples go into the unit in which their peak is largest without exceeding this
LARGEST_PEAK = 99_999.0
PREFERRED = {
    "V": ("V", "mV", "uV", "nV"),
    "mV": ("V", "mV", "uV", "nV"),
    "uV": ("V", "mV", "uV", "nV"),
    "T": ("T", "pT", "fT"),
}
LABEL_LENGTH = 16
# a length of one record that readers accept, s
LONGEST_RECORD = 60


def write(contents: Contents, path: Path, target: Target) -> None:
    """Write one signal; the numbers of a channel are rounded to 2**-16 or 2**-24 of its range.

    Parameters
    ----------
    contents : Contents
        What to write, of one signal.
    path : Path
        The file.
    target : Target
        Its name and the type of the samples.

    Raises
    ------
    UsageError
        Where the sampling rate is no whole number of Hz, or the samples fill no whole records.
    """
    traces = _scaled(only_traces(contents, target.suffix))
    rate = _rate(traces)
    seconds = _record(traces.samples.shape[0], rate)
    values = traces.samples.array()
    make: Any = edfio.EdfSignal
    file_class: Any = edfio.Edf
    if target.suffix == ".bdf":
        make, file_class = edfio.BdfSignal, edfio.Bdf
    signals = [
        make(
            np.ascontiguousarray(values[:, k]),
            rate,
            label=channel[:LABEL_LENGTH],
            physical_dimension=traces.units,
            physical_range=_range(values[:, k]),
        )
        for k, channel in enumerate(traces.channels)
    ]
    file_class(signals, data_record_duration=float(seconds)).write(path)


def _scaled(traces: Traces) -> Traces:
    """The traces in the unit in which eight characters hold most digits of their range."""
    peak = 0.0
    for _, block in traces.samples.blocks():
        peak = max(peak, float(np.abs(block).max(initial=0.0)))
    for units in PREFERRED.get(traces.units, ()):
        if 1.0 <= peak * unit_factor(traces.units, units) <= LARGEST_PEAK:
            return traces.in_units(units)
    return traces


def _rate(traces: Traces) -> int:
    rate = 1000.0 / traces.dt
    if abs(rate - round(rate)) > 1e-6 * rate:
        raise UsageError(
            f"EDF holds whole rates in Hz, {traces.name} has {rate:.6g} Hz (dt {traces.dt:g} ms)",
            remedy=f"resample it: --resample {1000.0 / round(rate)!r}",
        )
    return round(rate)


def _record(samples: int, rate: int) -> Fraction:
    """Length of a record of which there are a whole number, s."""
    for seconds in (Fraction(1), Fraction(1, 2), Fraction(1, 4), Fraction(1, 5), Fraction(1, 10)):
        points = rate * seconds
        if points.denominator == 1 and samples % points.numerator == 0:
            return seconds
    whole = Fraction(samples, rate)
    # one record that holds everything, where its length has few enough digits to be written
    if whole <= LONGEST_RECORD and len(repr(float(whole))) <= 8:
        return whole
    tenth = rate // 10 if rate % 10 == 0 else rate
    raise UsageError(
        f"EDF holds whole records, {samples} samples at {rate} Hz are none",
        remedy=f"cut them with --time, for instance to {samples // tenth * tenth} samples",
    )


def _range(values: np.ndarray) -> tuple[float, float]:
    """Range of a channel as eight characters hold it, rounded outwards."""
    low, high = float(values.min(initial=0.0)), float(values.max(initial=0.0))
    if low == high:
        return low - 1.0, high + 1.0
    return _outward(low, -1), _outward(high, 1)


def _outward(value: float, direction: int) -> float:
    for digits in range(7, 0, -1):
        text = f"{value:.{digits}g}"
        rounded = float(text)
        if direction * (rounded - value) < 0:
            step = 10.0 ** (np.floor(np.log10(abs(value))) - digits + 1)
            rounded = float(f"{rounded + direction * step:.{digits}g}")
        if len(str(rounded).removesuffix(".0")) <= 8 and direction * (rounded - value) >= 0:
            return rounded
    return float(np.ceil(abs(value))) * direction

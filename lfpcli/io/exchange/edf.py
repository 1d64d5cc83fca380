"""EDF+ and BDF: one signal in whole numbers of 16 or 24 bits, through edfio."""

from __future__ import annotations

import io
import warnings
from fractions import Fraction
from pathlib import Path
from typing import Any

import edfio
import numpy as np

from lfpcli.errors import LfpWarning, UsageError
from lfpcli.io.exchange.contents import (
    Contents,
    Target,
    Traces,
    ascii_names,
    only_traces,
    unit_factor,
)
from lfpcli.io.exchange.samples import BLOCK_VALUES, check_size

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
# bytes of the header, and of it for each signal
HEADER_LENGTH = 256
# where the header says how many records follow
_RECORDS = slice(236, 244)
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
    samples, channels = traces.samples.shape
    seconds = _record(samples, rate)
    points = round(rate * seconds)
    if points == samples:
        check_size([traces.samples], f"a {target.suffix} file of one record")
    labels = ascii_names(traces, target.suffix)
    shortened = [name for name in labels if len(name) > LABEL_LENGTH]
    if shortened:
        warnings.warn(
            f"labels hold {LABEL_LENGTH} characters: {shortened[0]!r} and {len(shortened) - 1} "
            "more are cut",
            LfpWarning,
            stacklevel=2,
        )
    make: Any = edfio.EdfSignal
    file_class: Any = edfio.Edf
    if target.suffix == ".bdf":
        make, file_class = edfio.BdfSignal, edfio.Bdf
    ranges = _ranges(traces)

    def signals(block: np.ndarray) -> list[Any]:
        return [
            make(
                np.ascontiguousarray(block[:, k]),
                rate,
                label=labels[k][:LABEL_LENGTH],
                physical_dimension=traces.units,
                physical_range=ranges[k],
            )
            for k in range(channels)
        ]

    with path.open("wb") as file:
        first = file_class(
            signals(traces.samples.read(0, points)), data_record_duration=float(seconds)
        )
        file.write(_header(first, samples // points))
        rows = max(1, BLOCK_VALUES // max(points * channels, 1)) * points
        for start in range(0, samples, rows):
            block = traces.samples.read(start, min(start + rows, samples))
            file.write(_records(signals(block), points, target.suffix == ".bdf"))


def _header(first: Any, records: int) -> bytes:
    """The header that edfio writes of the first record, for a number of records."""
    buffer = io.BytesIO()
    first.write(buffer)
    length = HEADER_LENGTH * (len(first.signals) + 1)
    header = bytearray(buffer.getvalue()[:length])
    header[_RECORDS] = str(records).ljust(8).encode()
    return bytes(header)


def _records(signals: list[Any], points: int, wide: bool) -> bytes:
    """Records of some signals: in each the samples of a channel lie one after the other."""
    parts = []
    for signal in signals:
        digital = np.ascontiguousarray(signal.digital)
        octets = digital.view(np.uint8).reshape(len(digital), -1)
        # 24 bits are the lower three of four bytes
        parts.append((octets[:, :3] if wide else octets).reshape(len(digital) // points, -1))
    return np.concatenate(parts, axis=1).tobytes()


def _ranges(traces: Traces) -> list[tuple[float, float]]:
    """Range of each channel as the header holds it."""
    channels = traces.samples.shape[1]
    low, high = np.zeros(channels), np.zeros(channels)
    for _, block in traces.samples.blocks():
        low = np.minimum(low, block.min(axis=0, initial=0.0))
        high = np.maximum(high, block.max(axis=0, initial=0.0))
    return [_range(*pair) for pair in zip(low.tolist(), high.tolist(), strict=True)]


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


def _range(low: float, high: float) -> tuple[float, float]:
    """Range of a channel as eight characters hold it, rounded outwards."""
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

"""Currents of clamps from files, as configurations name them: tables of text, and sweeps of NWB."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import h5py
import numpy as np

from lfpcli.errors import InputError
from lfpcli.guarded.hdf5 import attribute_number, numbers, whole
from lfpcli.io.recording import open_hdf5
from lfpcli.io.stream import check_input

# A to nA
_NANO = 1e9


@dataclass(frozen=True)
class HeldCurrent:
    """A current that holds from each time to the next.

    Attributes
    ----------
    times : ndarray, shape (K,)
        ms, ascending.
    amps : ndarray, shape (K,)
        nA.
    end : float
        When the last one ends, ms.
    """

    times: np.ndarray
    amps: np.ndarray
    end: float

    def pulses(self) -> list[tuple[float, float, float]]:
        """Amplitude (nA), begin and duration (ms) of each stretch that is not zero."""
        changed = np.ones(len(self.amps), bool)
        changed[1:] = np.diff(self.amps) != 0
        begins, amps = self.times[changed], self.amps[changed]
        ends = np.append(begins[1:], self.end)
        pulses = []
        for amp, begin, end in zip(amps.tolist(), begins.tolist(), ends.tolist(), strict=True):
            if amp != 0:
                pulses.append((amp, begin, end - begin))
        return pulses


def read_current_table(
    path: Path,
    *,
    separator: str = " ",
    times_column: str = "timestamps",
    amps_column: str = "amps",
) -> HeldCurrent:
    """Read a table of times (ms) and currents (nA).

    The last current holds for one interval more where it is not zero, as in bmtk.

    Parameters
    ----------
    path : Path
        The table.
    separator : str
        What is between its columns.
    times_column, amps_column : str
        Names of the columns in its first line.

    Returns
    -------
    HeldCurrent

    Raises
    ------
    InputError
        Where it is no such table, has fewer than two rows, or its times are not finite or do not
        ascend from 0 on.
    """
    check_input(path)
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
        rows = list(csv.DictReader(lines, delimiter=separator, skipinitialspace=True))
        values = np.array([[row[times_column], row[amps_column]] for row in rows], dtype=float)
    except KeyError as error:
        raise InputError(
            f"has no column {error}",
            source=f"{path}:1",
            remedy="name it with timestamps_column, amplitudes_column and separator",
        ) from error
    except (TypeError, ValueError, csv.Error) as error:
        raise InputError(
            f"is no table of currents: {error}", source=path, remedy="give times in ms, amps in nA"
        ) from error
    if len(values) < 2:
        raise InputError("has fewer than two rows", source=path, remedy="give the current in time")
    times, amps = _checked(values[:, 0], values[:, 1], str(path))
    end = times[-1] if amps[-1] == 0 else times[-1] + (times[1] - times[0])
    return HeldCurrent(times, amps, float(end))


def read_sweep(
    path: Path,
    sweep: str,
    *,
    delay: float = 0.0,
    downsample: float | None = None,
    window: tuple[float, float] | None = None,
) -> HeldCurrent:
    """Read the stimulus of a sweep of the Allen Cell Types Database, NWB 1.

    Parameters
    ----------
    path : Path
        The file.
    sweep : str
        Number or name of the sweep.
    delay : float
        When the first sample is, ms.
    downsample : float, optional
        Interval of the samples that are taken, ms; all by default.
    window : (float, float), optional
        First and last time of the samples that are taken, ms.

    Returns
    -------
    HeldCurrent

    Raises
    ------
    InputError
        Where there is no such sweep, or no sample in the window.
    """
    name = f"Sweep_{sweep}" if sweep.isdigit() else sweep
    inside = f"epochs/{name}/stimulus/timeseries"
    with open_hdf5(path) as (file, label):
        group = file.get(inside)
        if not isinstance(group, h5py.Group) or "starting_time" not in group:
            raise InputError(
                f"has no sweep '{name}'",
                source=f"{label}:/{inside}",
                remedy="see lfp info for its sweeps; NWB 1 of the Cell Types Database is read",
            )
        source = f"{label}:/{inside}"
        rate = attribute_number(group["starting_time"], "rate", source)
        amps = _NANO * whole(numbers(group, "data", label, ndim=1), float)
    if rate <= 0:
        raise InputError(f"rate is {rate:g} Hz", source=source, remedy="correct the file")
    interval = 1000.0 / rate
    times = np.arange(len(amps)) * interval
    if downsample is not None and downsample > interval:
        stride = round(downsample / interval)
        times, amps, interval = times[::stride], amps[::stride], downsample
    if window is not None:
        kept = (times >= window[0]) & (times <= window[1])
        times, amps = times[kept], amps[kept]
    if not len(times):
        raise InputError("has no sample in the window", source=source, remedy="widen sweep_window")
    times, amps = _checked(times + delay, amps, source)
    return HeldCurrent(times, amps, float(times[-1] + interval))


def _checked(times: np.ndarray, amps: np.ndarray, source: str) -> tuple[np.ndarray, np.ndarray]:
    if not (np.all(np.isfinite(times)) and np.all(np.isfinite(amps))):
        raise InputError("holds what is not finite", source=source, remedy="correct the file")
    if times[0] < 0 or np.any(np.diff(times) <= 0):
        raise InputError(
            "times do not ascend from 0 on", source=source, remedy="sort them, in ms from the begin"
        )
    return times, amps


def table_options(entry: Mapping[str, object]) -> dict[str, str]:
    """Keywords of `read_current_table` of an input of a configuration."""
    keys = {
        "separator": "separator",
        "timestamps_column": "times_column",
        "amplitudes_column": "amps_column",
    }
    return {name: str(entry[key]) for key, name in keys.items() if key in entry}

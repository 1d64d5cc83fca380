"""What passes between a recording and the files of other tools: traces, trains, geometry."""

from __future__ import annotations

import contextlib
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from lfpcli.errors import LfpWarning, UsageError
from lfpcli.geometry import Geometry
from lfpcli.io.exchange.samples import Samples
from lfpcli.io.units import Units

FLAT = 1e-9
"""Extent, um, below which contacts count as lying in a plane."""

# powers of ten of the units that samples may be converted between
_SCALES: dict[str, tuple[str, int]] = {
    "V": ("potential", 0),
    "mV": ("potential", -3),
    "uV": ("potential", -6),
    "nV": ("potential", -9),
    "A": ("current", 0),
    "nA": ("current", -9),
    "pA": ("current", -12),
    "A m": ("dipole moment", 0),
    "nA m": ("dipole moment", -9),
    "nA um": ("dipole moment", -15),
    "T": ("magnetic field", 0),
    "pT": ("magnetic field", -12),
    "fT": ("magnetic field", -15),
    "T/m": ("field gradient", 0),
    "fT/cm": ("field gradient", -13),
    "nA/um3": ("current density", 0),
    "uA/mm3": ("current density", -6),
}


@dataclass(frozen=True, kw_only=True)
class Elements:
    """Which part of which cell each column of a report is.

    Attributes
    ----------
    cells : ndarray of int, shape (C,)
        Gids.
    sections : ndarray of int, shape (C,)
        Numbers of sections, in the order of those of the cell.
    places : ndarray, shape (C,)
        Place along the section, 0 to 1.
    """

    cells: np.ndarray
    sections: np.ndarray
    places: np.ndarray

    def of_columns(self, columns: np.ndarray) -> Elements:
        """Those of some columns, by number, shape (n,)."""
        return Elements(
            cells=self.cells[columns],
            sections=self.sections[columns],
            places=self.places[columns],
        )


@dataclass(kw_only=True)
class Traces:
    """What was sampled in time on some channels.

    Attributes
    ----------
    name : str
        Its name in the recording: ``LFP``, ``dipole/total``, ``vmem/E``.
    samples : Samples
        Shape (T, C).
    units : str
        Unit of the samples.
    dt, t_start : float
        Sampling interval and time of the first sample, ms.
    channels : list of str
        Names of the channels.
    positions : ndarray, shape (C, 3), or None
        Places of the channels, um.
    model : str
        Name of the forward model; empty where there is none.
    parameters : mapping
        Its parameters.
    shares : dict of str to Samples
        Shares of populations, cells or currents, each (T, C).
    share : str
        Whose they are, where that is told: ``total``, ``population``, ``cell``.
    share_types : dict of str to str
        The same of each of `shares`.
    segments : ndarray of int, shape (C,), or None
        The segment that each channel is, by its row in the geometry of the population that `name`
        ends in; None where channels are no segments.
    elements : Elements, optional
        What of which cell each channel of a report is.
    """

    name: str
    samples: Samples
    units: str
    dt: float
    t_start: float
    channels: list[str]
    positions: np.ndarray | None = None
    model: str = ""
    parameters: Mapping[str, Any] = field(default_factory=dict)
    shares: dict[str, Samples] = field(default_factory=dict)
    share: str = ""
    share_types: dict[str, str] = field(default_factory=dict)
    segments: np.ndarray | None = None
    elements: Elements | None = None

    @property
    def times(self) -> np.ndarray:
        """Times of the samples, shape (T,), ms."""
        return self.t_start + self.dt * np.arange(self.samples.shape[0])

    @property
    def coordinates(self) -> dict[str, Any]:
        """Coordinates as xarray takes them: time (ms), channel, and x, y, z (um) of contacts."""
        coordinates: dict[str, Any] = {
            "time": ("time", self.times, {"units": "ms"}),
            "channel": ("channel", np.array(self.channels)),
        }
        if self.positions is not None:
            for axis, column in zip("xyz", self.positions.T, strict=True):
                coordinates[axis] = ("channel", column, {"units": "um"})
        return coordinates

    def _mapped(self, change: Any, **fields: Any) -> Traces:
        shares = {label: change(samples) for label, samples in self.shares.items()}
        return replace(self, samples=change(self.samples), shares=shares, **fields)

    @property
    def values(self) -> int:
        """Number of all samples of all channels and shares."""
        samples, channels = self.samples.shape
        return samples * channels * (1 + len(self.shares))

    def watched(self, count: Callable[[int], None]) -> Traces:
        """The same, telling how many values were read each time some are."""
        return self._mapped(lambda samples: samples.watched(count))

    def between(self, start: float, stop: float) -> Traces:
        """The samples from one time to another, both included, ms."""
        first = max(0, int(np.ceil((start - self.t_start) / self.dt - 1e-9)))
        last = min(self.samples.shape[0], int((stop - self.t_start) / self.dt + 1e-9) + 1)
        if last <= first:
            end = self.t_start + self.dt * (self.samples.shape[0] - 1)
            raise UsageError(
                f"no sample of {self.name} lies between {start:g} and {stop:g} ms",
                remedy=f"it has samples from {self.t_start:g} to {end:g} ms",
            )
        rows = range(first, last)
        return self._mapped(
            lambda samples: samples.narrowed(rows, None), t_start=self.t_start + first * self.dt
        )

    def of_channels(self, columns: np.ndarray) -> Traces:
        """Some of the channels, by number, shape (n,)."""
        return self._mapped(
            lambda samples: samples.narrowed(None, columns),
            channels=[self.channels[k] for k in columns],
            positions=None if self.positions is None else self.positions[columns],
            segments=None if self.segments is None else self.segments[columns],
            elements=None if self.elements is None else self.elements.of_columns(columns),
        )

    def in_units(self, units: str) -> Traces:
        """The same in another unit of the same quantity.

        Raises
        ------
        UsageError
            Where the unit is unknown or of another quantity.
        """
        with named(self.name):
            factor = unit_factor(self.units, units)
        if factor == 1.0:
            return replace(self, units=units)
        return self._mapped(lambda samples: samples.scaled(factor), units=units)

    def at_interval(self, to_dt: float) -> Traces:
        """The same at another sampling interval, ms; filtered so that nothing is aliased."""
        return self._mapped(lambda samples: samples.resampled(self.dt, to_dt), dt=to_dt)


@contextlib.contextmanager
def named(name: str) -> Iterator[None]:
    """Put the name of a signal before what is wrong with its unit."""
    try:
        yield
    except UsageError as error:
        raise UsageError(
            f"{name}: {error.message}",
            remedy=f"{error.remedy}; or choose other signals with --signal",
        ) from error


def unit_factor(units: str, wanted: str) -> float:
    """What turns numbers in one unit into numbers in another.

    Raises
    ------
    UsageError
        Where the two do not measure the same.
    """
    if units == wanted:
        return 1.0
    quantity, power = _SCALES.get(units, (None, 0))
    wanted_quantity, wanted_power = _SCALES.get(wanted, (None, 0))
    if quantity is None or quantity != wanted_quantity:
        same = [name for name, (other, _) in _SCALES.items() if quantity and other == quantity]
        raise UsageError(
            f"'{units}' cannot be turned into '{wanted}'",
            remedy=f"use one of {', '.join(same)}" if same else "leave the unit as it is",
        )
    difference = power - wanted_power
    # a whole power of ten is exact where its inverse is not
    return 10.0**difference if difference >= 0 else 1 / 10.0**-difference


@dataclass(kw_only=True)
class Trains:
    """Spikes of a population.

    Attributes
    ----------
    population : str
        Its name.
    times : ndarray, shape (K,)
        ms, ascending.
    node_ids : ndarray of int, shape (K,)
        The cell of each spike.
    """

    population: str
    times: np.ndarray
    node_ids: np.ndarray

    def between(self, start: float, stop: float) -> Trains:
        """The spikes from one time to another, both included, ms."""
        inside = (self.times >= start) & (self.times <= stop)
        return replace(self, times=self.times[inside], node_ids=self.node_ids[inside])

    def by_cell(self) -> dict[int, np.ndarray]:
        """Times of each cell that fires, shape (n,), ms, by gid."""
        if not len(self.times):
            return {}
        order = np.lexsort((self.times, self.node_ids))
        cells, first = np.unique(self.node_ids[order], return_index=True)
        parts = np.split(self.times[order], first[1:])
        return {int(cell): times for cell, times in zip(cells, parts, strict=True)}


@dataclass(kw_only=True)
class Contents:
    """What a file holds, or is to hold.

    Attributes
    ----------
    traces : list of Traces
        What was sampled.
    trains : list of Trains
        Spikes, by population.
    geometries : dict of str to Geometry
        Segments of the cells, by population.
    provenance : mapping
        How it came to be.
    source : str
        What to call the file in messages.
    files : list of Path
        Further files that were read.
    units : Units or None
        Ground truth of the spikes' units, where there is some.
    """

    traces: list[Traces] = field(default_factory=list)
    trains: list[Trains] = field(default_factory=list)
    geometries: dict[str, Geometry] = field(default_factory=dict)
    provenance: Mapping[str, Any] = field(default_factory=dict)
    source: str = ""
    files: list[Path] = field(default_factory=list)
    units: Units | None = None

    def members(self, trains: Trains) -> dict[int, np.ndarray]:
        """Times of each unit of a population, shape (n,), ms; silent ones too where it is told."""
        spikes = trains.by_cell()
        if self.units is None:
            return spikes
        listed = zip(self.units.populations, self.units.ids.tolist(), strict=True)
        ids = [number for population, number in listed if population == trains.population]
        return {number: spikes.get(number, np.empty(0)) for number in sorted({*ids, *spikes})}

    def named(self, name: str) -> Traces:
        """The traces of a name."""
        for traces in self.traces:
            if traces.name == name:
                return traces
        raise KeyError(name)

    def stop(self) -> float:
        """Time of the last sample or spike, ms."""
        ends = [t.t_start + t.dt * max(t.samples.shape[0] - 1, 0) for t in self.traces]
        ends += [float(t.times[-1]) for t in self.trains if len(t.times)]
        return max(ends, default=0.0)


@dataclass(frozen=True, kw_only=True)
class Target:
    """What a file of another tool is to be like.

    Attributes
    ----------
    name : str
        Name of the file or folder, whose suffix says the format.
    dtype : str
        Type of the samples, ``f8`` or ``f4``.
    """

    name: str
    dtype: str = "f8"

    @property
    def suffix(self) -> str:
        """The suffix of the name, in small letters, with its dot."""
        return Path(self.name).suffix.lower()


def plane_axes(positions: np.ndarray) -> list[int]:
    """The axes that tell contacts apart: two where they lie in a plane along axes, else three.

    Parameters
    ----------
    positions : ndarray, shape (C, 3)
        Places of contacts, um.
    """
    extent = np.ptp(positions, axis=0)
    axes = [k for k in range(3) if extent[k] > FLAT]
    # a line of contacts along z lies in the plane of x and z, as probes do
    for axis in (2, 0, 1):
        if len(axes) < 2 and axis not in axes:
            axes.append(axis)
    return sorted(axes)


@contextlib.contextmanager
def ending_in(path: Path, ending: str) -> Iterator[Path]:
    """Yield a name beside `path` that ends as a library demands; what is there then becomes `path`.

    Outputs are written under a temporary name, which says nothing of their format.
    """
    named = path.with_name(f"{path.name}{ending}")
    try:
        yield named
        named.replace(path)
    finally:
        named.unlink(missing_ok=True)


def with_covered_spikes(contents: Contents, traces: Traces, format_name: str) -> Contents:
    """The same with the spikes that lie within some traces; the others are told of.

    Parameters
    ----------
    contents : Contents
        What is to be written.
    traces : Traces
        The signal that is written with the spikes.
    format_name : str
        What to call the format.
    """
    stop = traces.t_start + traces.dt * traces.samples.shape[0]
    trains = [each.between(traces.t_start, stop) for each in contents.trains]
    count = sum(len(each.times) for each in contents.trains)
    lost = count - sum(len(each.times) for each in trains)
    if lost:
        warnings.warn(
            f"{format_name} holds spikes within the samples: {lost} of {count} before or after "
            "them left out",
            LfpWarning,
            stacklevel=2,
        )
    return replace(contents, trains=trains)


def with_samples(traces: Traces, format_name: str) -> Traces:
    """The same traces.

    Raises
    ------
    UsageError
        Where they have no samples or no channels.
    """
    if not all(traces.samples.shape):
        raise UsageError(
            f"{traces.name} has no samples, which {format_name} cannot hold",
            remedy="choose other signals with --signal, or write .h5 or .nc",
        )
    return traces


def check_distinct(traces: Traces, format_name: str) -> None:
    """Raise `UsageError` where two channels have one name."""
    seen: set[str] = set()
    for name in traces.channels:
        if name in seen:
            raise UsageError(
                f"{traces.name} has two channels '{name}', which {format_name} tells by name",
                remedy="choose channels by number: --channels 0:1",
            )
        seen.add(name)


def ascii_names(traces: Traces, format_name: str) -> list[str]:
    """Names of channels in ASCII; other letters become question marks, which is told."""
    names = [name.encode("ascii", "replace").decode() for name in traces.channels]
    changed = [name for name, plain in zip(traces.channels, names, strict=True) if name != plain]
    if changed:
        warnings.warn(
            f"{format_name} holds names in ASCII: other letters of {changed[0]!r} and "
            f"{len(changed) - 1} more become ?",
            LfpWarning,
            stacklevel=2,
        )
    return names


def only_traces(contents: Contents, format_name: str) -> Traces:
    """The only traces there are, for formats that hold one array.

    Raises
    ------
    UsageError
        Where there are none or several.
    """
    names: Sequence[str] = [traces.name for traces in contents.traces]
    if len(names) == 1:
        return with_samples(contents.traces[0], format_name)
    if not names:
        raise UsageError(
            f"{contents.source} holds nothing sampled that {format_name} could hold",
            remedy="see what it holds: lfp info",
        )
    raise UsageError(
        f"{format_name} holds one signal, {contents.source} has {len(names)}",
        remedy=f"choose one with --signal: {', '.join(names[:12])}",
    )

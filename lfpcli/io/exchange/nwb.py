"""Neurodata Without Borders: electrical series, electrodes and units, through PyNWB."""

from __future__ import annotations

import contextlib
import datetime
import hashlib
import json
import os
import re
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pynwb
from hdmf.data_utils import GenericDataChunkIterator
from pynwb.ecephys import ElectricalSeries

from lfpcli import __version__
from lfpcli.errors import InputError
from lfpcli.guarded.survey import survey
from lfpcli.io.exchange.contents import (
    Contents,
    Target,
    Traces,
    Trains,
    ending_in,
    plane_axes,
    unit_factor,
    with_samples,
)
from lfpcli.io.exchange.samples import Samples

# NWB wants a moment that the session began; a simulation has none, and the wall clock would make
# two files of one recording differ
_LONGEST_REASON = 300
# share of a step that times of samples may be off
_JITTER = 0.1
SESSION_START = datetime.datetime(2000, 1, 1, tzinfo=datetime.timezone.utc)
# potentials are series of electrodes, all else plain time series
POTENTIALS = ("V", "mV", "uV", "nV")
_COLUMNS = {
    "channel_name": "name of the contact",
    "rel_x": "place of the contact along the first axis of its array, um",
    "rel_y": "place of the contact along the second axis of its array, um",
    "rel_z": "place of the contact along the third axis, um",
}


def write(contents: Contents, path: Path, target: Target) -> None:
    """Write potentials as ``ElectricalSeries``, other samples as ``TimeSeries``, spikes as units.

    Samples keep their numbers; the attribute `conversion` turns them into volts. Electrodes have
    their places in ``x``, ``y``, ``z`` (um), and those within their array in ``rel_x`` and
    ``rel_y``, by which SpikeInterface makes a probe. Units are the cells that fire, and
    those of the recording's ground truth.

    Parameters
    ----------
    contents : Contents
        What to write.
    path : Path
        The file.
    target : Target
        Its name and the type of the samples.
    """
    identifier = _identifier(contents)
    file = pynwb.NWBFile(
        session_description=f"simulated; {contents.source}",
        identifier=str(identifier),
        session_start_time=SESSION_START,
        file_create_date=[SESSION_START],
        source_script=json.dumps(contents.provenance, sort_keys=True),
        source_script_file_name="provenance.json",
        was_generated_by=[["lfp", __version__]],
    )
    file.subject = pynwb.file.Subject(
        subject_id="simulation", species="Mus musculus", sex="U", age="P0D"
    )
    device = file.create_device(name="simulated", description="virtual electrodes")
    for traces in contents.traces:
        with_samples(traces, "NWB")
        if traces.units in POTENTIALS and traces.positions is not None and "/" not in traces.name:
            _add_electrical(file, device, traces, target.dtype)
        else:
            _add_series(file, traces, target.dtype)
    if contents.trains:
        _add_units(file, contents)
    _settle_identities(file, identifier)
    with ending_in(path, ".nwb") as named, pynwb.NWBHDF5IO(named, "w") as io:
        io.write(file, cache_spec=True)


def _identifier(contents: Contents) -> uuid.UUID:
    """An identity that follows from what the file is made of."""
    sums = hashlib.sha256(json.dumps(contents.provenance, sort_keys=True).encode())
    for traces in contents.traces:
        text = f"{traces.name} {traces.units} {traces.dt!r} {traces.samples.shape}"
        sums.update(text.encode())
        sums.update(traces.samples.read(0, 64).tobytes())
    return uuid.uuid5(uuid.NAMESPACE_URL, sums.hexdigest())


class _Blocks(GenericDataChunkIterator):
    """Samples (T, C) as PyNWB takes them, some rows at a time."""

    def __init__(self, samples: Samples, dtype: str) -> None:
        self._samples, self._type = samples, np.dtype(dtype)
        rows = max(1, min(samples.shape[0], (1 << 19) // max(samples.shape[1], 1)))
        chunks = (rows, samples.shape[1])
        super().__init__(buffer_shape=chunks, chunk_shape=chunks)

    def _get_data(self, selection: tuple[slice, ...]) -> np.ndarray:
        rows, columns = selection
        return self._samples.read(rows.start, rows.stop)[:, columns].astype(self._type)

    def _get_maxshape(self) -> tuple[int, int]:
        return self._samples.shape

    def _get_dtype(self) -> np.dtype:
        return self._type


def _add_electrical(file: Any, device: Any, traces: Traces, dtype: str) -> None:
    assert traces.positions is not None
    label = _label(traces.name)
    group = file.create_electrode_group(
        name=label, description=f"contacts of {traces.name}", location="unknown", device=device
    )
    axes = plane_axes(traces.positions)
    columns = ["channel_name", *(f"rel_{axis}" for axis, _ in zip("xyz", axes, strict=False))]
    if file.electrodes is None:
        for column in columns:
            file.add_electrode_column(name=column, description=_COLUMNS[column])
    first = 0 if file.electrodes is None else len(file.electrodes)
    for name, position in zip(traces.channels, traces.positions, strict=True):
        relative = dict(zip(columns[1:], position[axes].tolist(), strict=True))
        x, y, z = position.tolist()
        file.add_electrode(
            group=group, location="unknown", channel_name=name, x=x, y=y, z=z, **relative
        )
    rows = list(range(first, first + len(traces.channels)))
    region = file.create_electrode_table_region(region=rows, description=traces.name)
    file.add_acquisition(
        ElectricalSeries(
            name=label,
            description=_description(traces),
            data=_Blocks(traces.samples, dtype),
            electrodes=region,
            starting_time=traces.t_start / 1000.0,
            rate=1000.0 / traces.dt,
            conversion=unit_factor(traces.units, "V"),
        )
    )


def _add_series(file: Any, traces: Traces, dtype: str) -> None:
    file.add_acquisition(
        pynwb.TimeSeries(
            name=_label(traces.name),
            description=_description(traces),
            data=_Blocks(traces.samples, dtype),
            unit=traces.units or "1",
            starting_time=traces.t_start / 1000.0,
            rate=1000.0 / traces.dt,
            comments=f"channels: {', '.join(traces.channels[:1000])}",
        )
    )


def _description(traces: Traces) -> str:
    parameters = json.dumps(dict(traces.parameters), sort_keys=True, default=str)
    return f"{traces.model or traces.name}; {parameters}"


def _label(name: str) -> str:
    """A name without slashes and colons, which NWB does not allow."""
    return re.sub(r"[/:]", ".", name)


def _add_units(file: Any, contents: Contents) -> None:
    file.add_unit_column(name="population", description="population of the cell")
    file.add_unit_column(name="gid", description="number of the cell in the recording")
    truth = _truth(contents)
    if truth:
        file.add_unit_column(name="cell_type", description="type of the cell of the template")
        for axis in "xyz":
            file.add_unit_column(name=f"soma_{axis}", description=f"{axis} of the soma, um")
    stop = contents.stop() / 1000.0
    for trains in contents.trains:
        for gid, times in contents.members(trains).items():
            spikes = times / 1000.0
            file.add_unit(
                spike_times=spikes,
                obs_intervals=[[min([0.0, *spikes[:1]]), max([stop, *spikes[-1:]])]],
                population=trains.population,
                gid=gid,
                **truth.get((trains.population, gid), {}),
            )
    intervals = [traces.dt for traces in contents.traces]
    if file.units is not None and intervals:
        file.units.resolution = min(intervals) / 1000.0


def _truth(contents: Contents) -> dict[tuple[str, int], dict[str, Any]]:
    """Type, place and waveform of each unit, by population and number; of all units, or none."""
    units = contents.units
    if units is None:
        return {}
    known = {}
    for row, unit in enumerate(zip(units.populations, units.ids.tolist(), strict=True)):
        places = dict(zip(("soma_x", "soma_y", "soma_z"), units.positions[row], strict=True))
        # NWB takes waveforms in volts
        volts = 1e-3 * units.waveforms[row].astype(float)
        known[unit] = {"cell_type": units.cell_types[row], "waveform_mean": volts, **places}
    told: set[tuple[str, int]] = set()
    for trains in contents.trains:
        told |= {(trains.population, gid) for gid in contents.members(trains)}
    return known if told == set(known) else {}


def _settle_identities(file: Any, identifier: uuid.UUID) -> None:
    """Replace the identities that PyNWB draws by ones that follow from the contents.

    HDMF has no public way to set them; they are drawn when first asked for.
    """
    for number, child in enumerate([file, *file.all_children()]):
        child._AbstractContainer__object_id = str(uuid.uuid5(identifier, f"{number} {child.name}"))


@contextlib.contextmanager
def opened(source: str | os.PathLike[str]) -> Iterator[Contents]:
    """Yield the electrical series, time series and units of an NWB file.

    Raises
    ------
    InputError
        Where PyNWB cannot read it.
    """
    path = Path(source)
    # PyNWB would follow links to other files
    survey(path, str(path))
    with contextlib.ExitStack() as stack:
        try:
            io = stack.enter_context(pynwb.NWBHDF5IO(path, "r"))
            file = io.read()
            traces = [_traces(series) for series in _series_of(file)]
            contents = Contents(traces=traces, trains=_trains(file), source=str(path))
        except InputError:
            raise
        except Exception as error:
            # PyNWB raises errors of many classes for one broken file
            raise InputError(
                f"is no NWB file that PyNWB reads: {str(error)[:_LONGEST_REASON]}",
                source=path,
                remedy="validate it with pynwb-validate",
            ) from error
        yield contents


def _series_of(file: Any) -> list[Any]:
    """Series of one or several channels; interfaces such as LFP hold some."""
    interfaces = list(file.acquisition.values())
    for module in file.processing.values():
        interfaces += module.data_interfaces.values()
    series = []
    for interface in interfaces:
        inner = getattr(interface, "electrical_series", None)
        series += [interface] if inner is None else list(inner.values())
    wanted = [each for each in series if isinstance(each, pynwb.TimeSeries)]
    return [each for each in wanted if np.ndim(each.data) in (1, 2) and _is_real(each.data)]


def _is_real(data: Any) -> bool:
    return np.dtype(getattr(data, "dtype", float)).kind in "fiu"


class _Column:
    """A series of one channel (T,), seen as (T, 1)."""

    def __init__(self, source: Any) -> None:
        self._source = source
        self.shape = (int(source.shape[0]), 1)
        self.dtype: np.dtype[Any] = source.dtype
        self.name = str(getattr(source, "name", "samples"))

    def __getitem__(self, rows: slice) -> np.ndarray:
        return np.asarray(self._source[rows])[:, None]


def _times(series: Any) -> tuple[float, float]:
    """Rate, Hz, and begin, s, of a series.

    Raises
    ------
    InputError
        Where its times are no even steps.
    """
    if series.rate is not None:
        return float(series.rate), float(series.starting_time or 0.0)
    stamps = np.asarray(series.timestamps[:], float)
    if len(stamps) < 2 or not stamps[-1] > stamps[0]:
        raise InputError(
            f"series '{series.name}' has neither a rate nor two times",
            source=series.name,
            remedy="resample it to a constant rate",
        )
    step = (stamps[-1] - stamps[0]) / (len(stamps) - 1)
    even = stamps[0] + step * np.arange(len(stamps))
    # clocks of acquisition systems jitter
    if np.abs(stamps - even).max() > _JITTER * step:
        raise InputError(
            f"series '{series.name}' has times that are no even steps",
            source=series.name,
            remedy="resample it to a constant rate",
        )
    return 1.0 / step, float(stamps[0])


def _traces(series: Any) -> Traces:
    rate, start = _times(series)
    data = series.data if np.ndim(series.data) == 2 else _Column(series.data)
    count = data.shape[1]
    offset = float(getattr(series, "offset", 0.0) or 0.0)
    if offset:
        raise InputError(
            f"series '{series.name}' has an offset of {offset:g}, which lfp does not add",
            source=series.name,
            remedy="add it to the samples, and set offset to 0",
        )
    channels, positions = [str(k) for k in range(count)], None
    electrodes = getattr(series, "electrodes", None)
    if electrodes is not None:
        table = electrodes.to_dataframe()
        if "channel_name" in table:
            channels = [str(name) for name in table["channel_name"]]
        positions = _positions(table)
    electrical = isinstance(series, ElectricalSeries)
    name, moment = str(series.name), str(series.name).removeprefix("dipole.")
    if moment != name and count == 3:
        name, channels = f"dipole/{moment}", ["x", "y", "z"]
    # samples are stored as numbers that the conversion turns into volts
    factor: Any = float(series.conversion) * (1000.0 if electrical else 1.0)
    by_channel = getattr(series, "channel_conversion", None)
    if by_channel is not None:
        factor = factor * np.asarray(by_channel, float)
    return Traces(
        name=name,
        samples=Samples(data, factor=factor),
        units="mV" if electrical else str(series.unit),
        dt=1000.0 / rate,
        t_start=1000.0 * start,
        channels=channels,
        positions=positions,
        model="from NWB",
    )


def _positions(table: Any) -> np.ndarray | None:
    """Places of electrodes: in space where they are told, else within their array, um."""
    for names in (["x", "y", "z"], ["rel_x", "rel_y", "rel_z"], ["rel_x", "rel_y"]):
        if set(names) <= set(table) and np.all(np.isfinite(table[names].to_numpy(float))):
            positions = table[names].to_numpy(float)
            return np.pad(positions, ((0, 0), (0, 3 - len(names))))
    return None


def _trains(file: Any) -> list[Trains]:
    if file.units is None:
        return []
    table = file.units.to_dataframe()
    if "population" not in table:
        table["population"] = "units"
    if "gid" not in table:
        table["gid"] = table.index
    trains = []
    for population, rows in table.groupby("population"):
        times = [1000.0 * np.asarray(spikes, float) for spikes in rows["spike_times"]]
        counts = [len(each) for each in times]
        node_ids = np.repeat(rows["gid"].to_numpy(np.int64), counts)
        merged = np.concatenate([np.empty(0), *times])
        order = np.lexsort((node_ids, merged))
        trains.append(
            Trains(population=str(population), times=merged[order], node_ids=node_ids[order])
        )
    return trains

"""Units of recordings in NWB files: spikes, and what their tables of units and electrodes say."""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from lfpcli.errors import InputError, nearest
from lfpcli.guarded.hdf5 import numbers, texts, whole
from lfpcli.io.recording import open_hdf5

_UNITS, _ELECTRODES = "units", "general/extracellular_ephys/electrodes"
_OPERATIONS: dict[str, Callable[[Any, Any], Any]] = {
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
# ms to s
_SECOND = 1e-3


@dataclass(frozen=True, kw_only=True)
class RecordedUnits:
    """Sorted units of one file.

    Attributes
    ----------
    ids : ndarray of int, shape (U,)
        Their ids.
    spikes : list of ndarray
        Spike times of each, s.
    columns : mapping of str to ndarray (U,)
        Columns of the tables of units, and of the electrodes of their peak channels.
    source : str
        The file, for messages.
    """

    ids: np.ndarray
    spikes: list[np.ndarray]
    columns: Mapping[str, np.ndarray]
    source: str

    def selected(self, wanted: Mapping[str, Any], source: str) -> np.ndarray:
        """Which units have all of some values, shape (U,), bool; see `selected_rows`."""
        return selected_rows(self.columns, len(self.ids), wanted, source)


def selected_rows(
    columns: Mapping[str, np.ndarray], count: int, wanted: Mapping[str, Any], source: str
) -> np.ndarray:
    """Which rows of a table have all of some values.

    Parameters
    ----------
    columns : mapping of str to ndarray (n,)
        The columns.
    count : int
        n.
    wanted : mapping
        By column a value, a list of values, or {"operation": "<", "value": v}, with "column" where
        the key is not that of the column.
    source : str
        Where they are asked for, for messages.

    Returns
    -------
    ndarray, shape (n,)
        bool.

    Raises
    ------
    InputError
        Where there is no such column or operation.
    """
    mask = np.ones(count, bool)
    for name, value in wanted.items():
        column = value.get("column", name) if isinstance(value, dict) else name
        if column not in columns:
            raise InputError(
                f"units have no column '{column}'",
                source=source,
                remedy=nearest(str(column), columns, "column"),
            )
        values = columns[column]
        if isinstance(value, dict):
            compare = _OPERATIONS.get(str(value.get("operation")))
            if compare is None or "value" not in value:
                raise InputError(
                    f"the filter of '{column}' is {value!r}",
                    source=source,
                    remedy=f"give value and operation, one of {', '.join(_OPERATIONS)}",
                )
            mask &= np.array([bool(compare(entry, value["value"])) for entry in values], bool)
        elif isinstance(value, list):
            mask &= np.array([entry in value for entry in values.tolist()], bool)
        else:
            mask &= np.array([entry == value for entry in values.tolist()], bool)
    return mask


def read_units(path: Path) -> RecordedUnits:
    """Read the units of an NWB file, such as a session of the Allen Institute's probes.

    Parameters
    ----------
    path : Path
        The file.

    Raises
    ------
    InputError
        Where it has no units with spike times.
    """
    with open_hdf5(path) as (file, label):
        group = file.get(_UNITS)
        if not isinstance(group, h5py.Group) or "spike_times_index" not in group:
            raise InputError(
                "has no units with spike times", source=f"{label}:/{_UNITS}", remedy="see lfp info"
            )
        ids = whole(numbers(group, "id", label, ndim=1), np.int64)
        times = whole(numbers(group, "spike_times", label, ndim=1), float)
        ends = whole(numbers(group, "spike_times_index", label, ndim=1), np.int64)
        if (
            len(ends) != len(ids)
            or np.any(np.diff(ends, prepend=0) < 0)
            or ends.max(initial=0) > (len(times))
        ):
            raise InputError(
                "does not fit the spike times",
                source=f"{label}:/{_UNITS}/spike_times_index",
                remedy="write the file again",
            )
        columns = _columns(group, len(ids), label)
        electrodes = file.get(_ELECTRODES)
        if isinstance(electrodes, h5py.Group) and "id" in electrodes:
            _add_electrodes(columns, electrodes, len(ids), label)
    spikes = np.split(times, ends[:-1])
    return RecordedUnits(ids=ids, spikes=spikes, columns=columns, source=label)


def read_interval(path: Path, wanted: Mapping[str, Any], source: str) -> tuple[float, float]:
    """First and last time (s) of the rows of a table of stimuli.

    Parameters
    ----------
    path : Path
        The NWB file.
    wanted : mapping
        ``interval_name``, the table; ``interval_index``, a row of those that the other keys choose,
        or all.
    source : str
        The input, for messages.

    Raises
    ------
    InputError
        Where there is no such table or row.
    """
    filters = dict(wanted)
    name = str(filters.pop("interval_name", ""))
    index = filters.pop("interval_index", "all")
    with open_hdf5(path) as (file, label):
        tables = file.get("intervals")
        known = list(tables) if isinstance(tables, h5py.Group) else []
        chosen = next((each for each in (name, f"{name}_presentations") if each in known), None)
        if chosen is None:
            raise InputError(
                f"has no intervals '{name}'",
                source=label,
                remedy=nearest(name, known, "table") if known else "give [begin, end] in ms",
            )
        group = tables[chosen]
        begins = whole(numbers(group, "start_time", label, ndim=1), float)
        ends = whole(numbers(group, "stop_time", label, ndim=1), float)
        columns = _columns(group, len(begins), label)
    rows = np.flatnonzero(selected_rows(columns, len(begins), filters, source))
    if not len(rows):
        raise InputError("no row of the intervals fits", source=source, remedy="change the filter")
    if index == "all":
        return float(begins[rows].min()), float(ends[rows].max())
    if isinstance(index, bool) or not isinstance(index, int) or not 0 <= index < len(rows):
        raise InputError(
            f"interval_index is {index!r}, there are {len(rows)} rows",
            source=source,
            remedy=f'use 0 to {len(rows) - 1}, or "all"',
        )
    return float(begins[rows[index]]), float(ends[rows[index]])


def _columns(group: h5py.Group, count: int, label: str) -> dict[str, np.ndarray]:
    """Columns of a table with one value a row."""
    columns: dict[str, np.ndarray] = {}
    for name, dataset in group.items():
        if not isinstance(dataset, h5py.Dataset) or dataset.shape != (count,):
            continue
        if h5py.check_string_dtype(dataset.dtype) is not None:
            columns[name] = np.array(texts(group, name, label), dtype=object)
        elif dataset.dtype.kind in "biuf":
            columns[name] = np.asarray(dataset[()])
    columns["unit_id" if group.name == f"/{_UNITS}" else "id"] = columns.get("id", np.arange(count))
    return columns


def _add_electrodes(
    columns: dict[str, np.ndarray], electrodes: h5py.Group, count: int, label: str
) -> None:
    """Give each unit what is known of the electrode of its peak channel."""
    ids = whole(numbers(electrodes, "id", label, ndim=1), np.int64)
    peaks = columns.get("peak_channel_id")
    if peaks is None:
        return
    row_of = {number: row for row, number in enumerate(ids.tolist())}
    rows = [row_of.get(int(peak)) for peak in peaks.tolist()]
    for name, values in _columns(electrodes, len(ids), label).items():
        if name not in columns:
            taken = [None if row is None else values[row] for row in rows]
            columns[name] = np.array(taken, dtype=object)


def within(times: np.ndarray, span: tuple[float, float] | None, offset: float) -> np.ndarray:
    """Spikes of a unit within a span, as times (ms) of a simulation.

    Parameters
    ----------
    times : ndarray, shape (n,)
        s.
    span : (float, float), optional
        First and last time, s, the first of which becomes `offset`; all by default.
    offset : float
        ms.

    Returns
    -------
    ndarray, shape (m,)
        ms.
    """
    if span is not None:
        times = times[(times >= span[0]) & (times <= span[1])] - span[0] + offset * _SECOND
    return np.asarray(times / _SECOND)

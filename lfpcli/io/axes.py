"""Named axes of recordings: HDF5's dimension scales, as xarray and netCDF know them.

In each group of samples lie the datasets ``time`` (ms) and ``channel``, with ``positions`` also
``xyz``; samples, names, positions and shares refer to them, and they to these.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import h5py
import numpy as np

from lfpcli.guarded.survey import FAILURES
from lfpcli.io.storage import chunk_rows, create_checked, store
from lfpcli.io.text import as_text

TIME, CHANNEL, PLACE_AXES = "time", "channel", "xyz"
SCALES = (TIME, CHANNEL, PLACE_AXES)
"""Datasets that are axes of others."""
REFERENCES = ("DIMENSION_LIST", "REFERENCE_LIST")
"""Attributes by which HDF5 ties samples and axes together: addresses in the file."""

_COMPONENTS = ("x", "y", "z")
# chunks of times that are written at once
_CHUNKS = 64
_LIST = h5py.vlen_dtype(h5py.ref_dtype)
_USE = np.dtype([("dataset", h5py.ref_dtype), ("dimension", np.int32)])


def attach_axes(file: h5py.File) -> None:
    """Give all samples of a recording, which are complete, their axes.

    Parameters
    ----------
    file : h5py.File
        The recording, open for writing. References that came with copied parts, and lead to where
        things were in another file, are replaced.
    """
    axes = _Axes()
    for base in sampled_groups(file):
        axes.attach(file[base])
    axes.write_uses()


def sampled_groups(file: h5py.File) -> Iterator[str]:
    """Yield the paths of the groups of a recording that hold samples (T, C) at known times."""
    parents = [file.get("dipole"), file.get("signals")]
    reports = file.get("reports")
    if isinstance(reports, h5py.Group):
        parents += [reports[variable] for variable in reports]
    for parent in parents:
        # parts of files of strangers are copied as they are
        for name in parent if isinstance(parent, h5py.Group) else ():
            group = parent.get(name)
            if isinstance(group, h5py.Group) and _is_sampled(group):
                yield str(group.name)


def _is_sampled(group: h5py.Group) -> bool:
    data = group.get("data")
    if not isinstance(data, h5py.Dataset) or data.shape is None or data.ndim != 2:
        return False
    times = [group.attrs.get(name) for name in ("t_start", "dt")]
    return all(np.isscalar(value) and np.isreal(value) for value in times)


def loose_axes(file: h5py.File) -> list[str]:
    """Paths of samples whose axes are not the times and channels beside them.

    Parameters
    ----------
    file : h5py.File
        A recording. Samples without any axes, as files of earlier versions have them, are left out.
    """
    loose = []
    for base in sampled_groups(file):
        group = file[base]
        if REFERENCES[0] in group["data"].attrs and not _is_attached(group):
            loose.append(f"{base}/data")
    return loose


def _is_attached(group: h5py.Group) -> bool:
    try:
        scales = [list(dimension.values()) for dimension in group["data"].dims]
        return scales == [[group[TIME]], [group[CHANNEL]]]
    except FAILURES:
        # an address of where something was in another file
        return False


class _Axes:
    """The axes of a file: what several groups have in common is stored once, and linked."""

    def __init__(self) -> None:
        self._times: dict[tuple[float, float, int], h5py.Dataset] = {}
        self._components: h5py.Dataset | None = None
        # axes by address, each with the datasets and dimensions that have it; HDF5's own function
        # would write the list of an axis again for each of them
        self._uses: dict[int, tuple[h5py.Dataset, list[tuple[h5py.Reference, int]]]] = {}

    def attach(self, group: h5py.Group) -> None:
        """Attach the axes of a group of samples, written where they are not there."""
        data = group["data"]
        time, channel = self._time(group, data), self._channel(group, data)
        self._refer(data, [time, channel])
        shares = group.get("groups")
        for share in shares.values() if isinstance(shares, h5py.Group) else ():
            self._refer(share, [time, channel])
        if "names" in group:
            self._refer(group["names"], [channel])
        if "positions" in group:
            if not _has_scale(group, PLACE_AXES, len(_COMPONENTS)):
                store(group, PLACE_AXES, _COMPONENTS)
            self._refer(group["positions"], [channel, _scale(group, PLACE_AXES)])

    def _time(self, group: h5py.Group, data: h5py.Dataset) -> h5py.Dataset:
        key = float(group.attrs["t_start"]), float(group.attrs["dt"]), int(data.shape[0])
        if not _has_scale(group, TIME, key[2]):
            if key in self._times:
                # a second link, not a second dataset
                group[TIME] = self._times[key]
            else:
                _store_times(group, *key)
        self._times.setdefault(key, group[TIME])
        return _scale(group, TIME)

    def _channel(self, group: h5py.Group, data: h5py.Dataset) -> h5py.Dataset:
        is_moment = group.name.startswith("/dipole/")
        if _has_scale(group, CHANNEL, int(data.shape[1])):
            pass
        elif is_moment and self._components is not None:
            group[CHANNEL] = self._components
        elif is_moment:
            store(group, CHANNEL, _COMPONENTS)
        elif group.name.startswith("/reports/"):
            # mapping tells which segment a column is
            store(group, CHANNEL, np.arange(data.shape[1]))
        elif "names" in group and group["names"].shape == data.shape[1:]:
            store(group, CHANNEL, [as_text(name) for name in group["names"][()]])
        else:
            store(group, CHANNEL, [str(number) for number in range(data.shape[1])])
        if is_moment:
            self._components = group[CHANNEL]
        return _scale(group, CHANNEL)

    def _refer(self, dataset: Any, scales: list[h5py.Dataset]) -> None:
        if getattr(dataset, "shape", None) != tuple(len(scale) for scale in scales):
            return
        references = np.empty(len(scales), object)
        for dimension, scale in enumerate(scales):
            references[dimension] = np.array([scale.ref], h5py.ref_dtype)
            address = int(h5py.h5o.get_info(scale.id).addr)
            self._uses.setdefault(address, (scale, []))[1].append((dataset.ref, dimension))
        _replace(dataset, REFERENCES[0], references, _LIST)

    def write_uses(self) -> None:
        """Tell each axis what has it."""
        for scale, uses in self._uses.values():
            _replace(scale, REFERENCES[1], np.array(uses, _USE), _USE)


def _has_scale(group: h5py.Group, name: str, length: int) -> bool:
    """Whether an axis came along with what was copied; one that does not fit goes."""
    if name not in group:
        return False
    if getattr(group[name], "shape", None) == (length,):
        return True
    del group[name]
    return False


def _store_times(group: h5py.Group, t_start: float, dt: float, samples: int) -> None:
    """Store the times of samples, ms, in blocks, since a long run has more than fit into memory."""
    dataset = create_checked(group, TIME, (samples,), np.float64)
    dataset.attrs["units"] = "ms"
    step = _CHUNKS * chunk_rows(1, 8)
    for first in range(0, samples, step):
        numbers = np.arange(first, min(first + step, samples))
        dataset[first : first + len(numbers)] = t_start + dt * numbers


def _scale(group: h5py.Group, name: str) -> h5py.Dataset:
    """A dataset of a group as an axis of that name."""
    dataset = group[name]
    if not h5py.h5ds.is_scale(dataset.id):
        h5py.h5ds.set_scale(dataset.id, name.encode())
        if dataset.dtype.kind == "S":
            # netCDF's word for text, by which xarray decodes it
            dataset.attrs["_Encoding"] = "utf-8"
    return dataset


def _replace(dataset: h5py.Dataset, key: str, value: np.ndarray, dtype: np.dtype[Any]) -> None:
    if key in dataset.attrs:
        del dataset.attrs[key]
    dataset.attrs.create(key, value, dtype=dtype)

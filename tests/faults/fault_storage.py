"""Ways in which HDF5 may hold a dataset, or lead to it, that nobody expects."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import h5py
import numpy as np

Rng = np.random.Generator
Storage = Callable[[h5py.File, str, np.ndarray], None]
_UNKNOWN_FILTER = 32_999
_LARGE = 1 << 40


def _as_type(dtype: Any) -> Storage:
    def store(file: h5py.File, name: str, values: np.ndarray) -> None:
        file.create_dataset(name, values.shape, dtype)

    return store


def _cast(dtype: str) -> Storage:
    def store(file: h5py.File, name: str, values: np.ndarray) -> None:
        with np.errstate(all="ignore"):
            file[name] = values.astype(dtype)

    return store


def _with(**options: Any) -> Storage:
    def store(file: h5py.File, name: str, values: np.ndarray) -> None:
        chunks = tuple(max(1, (n + 1) // 2) for n in values.shape)
        file.create_dataset(name, data=values, chunks=chunks, **options)

    return store


def _of_shape(shape: tuple[int, ...], **options: Any) -> Storage:
    def store(file: h5py.File, name: str, values: np.ndarray) -> None:
        file.create_dataset(name, shape, values.dtype, **options)

    return store


def _lists(file: h5py.File, name: str, values: np.ndarray) -> None:
    ragged = file.create_dataset(name, (len(values.reshape(-1)[:99]),), h5py.vlen_dtype("f8"))
    for k in range(len(ragged)):
        ragged[k] = np.arange(k % 5, dtype=float)


def _regions(file: h5py.File, name: str, values: np.ndarray) -> None:
    file["elsewhere"] = values
    region = file["elsewhere"].regionref[...]
    regions = file.create_dataset(name, (3,), h5py.regionref_dtype)
    regions[0] = region


def _references(file: h5py.File, name: str, values: np.ndarray) -> None:
    file.create_dataset(name, values.shape, h5py.ref_dtype)[...] = file["/"].ref


def _view(file: h5py.File, name: str, values: np.ndarray) -> None:
    file["elsewhere"] = values
    layout = h5py.VirtualLayout(values.shape, values.dtype)
    layout[...] = h5py.VirtualSource(".", "elsewhere", values.shape)
    file.create_virtual_dataset(name, layout)


def _named_type(file: h5py.File, name: str, values: np.ndarray) -> None:
    file["type"] = values.dtype
    file.create_dataset(name, data=values, dtype=file["type"])


def _type_alone(file: h5py.File, name: str, values: np.ndarray) -> None:
    file[name] = values.dtype


def _chain(file: h5py.File, name: str, values: np.ndarray) -> None:
    file["end"] = values
    for k in range(40):
        file[f"step{k}"] = h5py.SoftLink(f"/step{k + 1}" if k < 39 else "/end")
    file[name] = h5py.SoftLink("/step0")


def _through_a_file(file: h5py.File, name: str, values: np.ndarray) -> None:
    file[f"{name}-group/inner/x"] = h5py.ExternalLink("/proc/self/exe", name)
    file[name] = h5py.SoftLink(f"/{name}-group/inner/x")


def _create(file: h5py.File, name: str, values: np.ndarray, creation: Any) -> Any:
    """Create a dataset below h5py's own means."""
    parent, _, leaf = name.rpartition("/")
    group = file.require_group(parent) if parent else file
    space, kind = h5py.h5s.create_simple(values.shape), h5py.h5t.py_create(values.dtype)
    return h5py.h5d.create(group.id, leaf.encode(), kind, space, creation)


def _compact(file: h5py.File, name: str, values: np.ndarray) -> None:
    creation = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
    creation.set_layout(h5py.h5d.COMPACT)
    dataset = _create(file, name, values, creation)
    dataset.write(h5py.h5s.ALL, h5py.h5s.ALL, np.ascontiguousarray(values))


def _unknown_filter(file: h5py.File, name: str, values: np.ndarray) -> None:
    creation = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
    creation.set_chunk(values.shape)
    creation.set_filter(_UNKNOWN_FILTER, h5py.h5z.FLAG_OPTIONAL, (1, 2, 3))
    _create(file, name, values, creation)


def _many_attributes(file: h5py.File, name: str, values: np.ndarray) -> None:
    file[name] = values
    for k in range(300):
        file[name].attrs[f"note{k}"] = "x" * 300


def _large_attribute(file: h5py.File, name: str, values: np.ndarray) -> None:
    file[name] = values
    # beyond 64 kB these lie outside the header, in files of HDF5 1.8 on
    file[name].attrs.create("units", np.zeros(8000), dtype="f8")
    file[name].attrs["dt"] = np.zeros(8000)


def _odd_name(file: h5py.File, name: str, values: np.ndarray) -> None:
    file[f"{name}\x1b[31m\n\u202e"] = values


STORAGE: tuple[Storage, ...] = (
    *(_lists, _regions, _references, _view, _named_type, _type_alone, _chain, _through_a_file),
    *(_compact, _unknown_filter, _many_attributes, _large_attribute, _odd_name),
    _as_type([("a", "f8"), ("b", h5py.vlen_dtype("f8"))]),
    _as_type([("r", "f8"), ("i", "f8")]),
    _as_type(np.dtype(("f8", (2,)))),
    _as_type(h5py.enum_dtype({"A": 0, "B": 1})),
    _as_type(h5py.string_dtype()),
    _as_type("V3"),
    *(_cast(">f8"), _cast("f2"), _cast("c16"), _cast("i1"), _cast("u8"), _cast("S4")),
    *(_with(scaleoffset=2), _with(compression="lzf", shuffle=True), _with(fletcher32=True)),
    _with(compression="gzip", maxshape=None),
    *(_of_shape((_LARGE,)), _of_shape((_LARGE, 3), chunks=(1 << 20, 3))),
    _of_shape((1,) * 32),
    _of_shape((0, 3), maxshape=(None, 3), chunks=(4, 3)),
    _of_shape((9,), external=[("/dev/zero", 0, h5py.h5f.UNLIMITED)]),
    _of_shape((9,), external=[("raw.bin", 0, 40), ("/etc/passwd", 0, 32)]),
)


def store_otherwise(file: h5py.File, name: str, node: Any, rng: Rng) -> None:
    """Store a dataset in another way; a group becomes one of its members' ways to lead astray."""
    store = STORAGE[int(rng.integers(len(STORAGE)))]
    values, attributes = np.arange(6.0).reshape(2, 3), dict(node.attrs)
    if isinstance(node, h5py.Dataset) and node.dtype.kind in "fiu" and node.size:
        values = node[()]
    del file[name]
    store(file, name, np.atleast_1d(values))
    # links that lead nowhere, and names that are others, have nothing to hold attributes
    if isinstance(file.get(name, getlink=True), h5py.HardLink):
        for key in attributes.keys() - file[name].attrs.keys():
            file[name].attrs[key] = attributes[key]

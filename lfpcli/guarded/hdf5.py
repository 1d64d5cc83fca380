"""The one way to open HDF5 files and to read what they hold."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from lfpcli.errors import InputError
from lfpcli.guarded.signature import is_hdf5
from lfpcli.guarded.survey import FAILURES, REMEDY, reason, survey


@contextlib.contextmanager
def open_hdf5(
    path: str | os.PathLike[str], label: str | None = None, *, remedy: str = REMEDY
) -> Iterator[h5py.File]:
    """Open an HDF5 file whose structure has been looked at, for reading.

    Parameters
    ----------
    path : path-like
        The file, which can be sought in.
    label : str, optional
        What to call it in messages.
    remedy : str
        What to do where it is no HDF5 file.

    Raises
    ------
    InputError
        Where there is no such file, or see `lfpcli.guarded.survey.survey`.
    """
    path = Path(path)
    name = label or str(path)
    try:
        has_signature = is_hdf5(path)
    except OSError as error:
        raise InputError(
            f"cannot be read: {(error.strerror or str(error)).lower()}",
            source=name,
            remedy="check the name and the permissions",
        ) from error
    if not has_signature:
        raise InputError("is no HDF5 file", source=name, remedy=remedy)
    survey(path, name)
    try:
        opened = h5py.File(path, "r")
    except FAILURES as error:
        raise InputError(reason(error), source=name, remedy=REMEDY) from error
    with opened:
        yield opened


class CheckedDataset:
    """A dataset that is read where it is sliced; what cannot be read is an `InputError`.

    Parameters
    ----------
    dataset : h5py.Dataset
        The dataset.
    source : str
        Name of the file and path of the dataset, for messages.

    Attributes
    ----------
    shape : tuple of int
        Its shape.
    dtype : dtype
        Its type.
    attrs : mapping
        Its attributes.
    """

    def __init__(self, dataset: h5py.Dataset, source: str) -> None:
        self.dataset, self.source = dataset, source
        self.shape: tuple[int, ...] = dataset.shape
        self.dtype: np.dtype[Any] = dataset.dtype
        self.attrs = dataset.attrs

    @property
    def ndim(self) -> int:
        """Number of axes."""
        return len(self.shape)

    @property
    def size(self) -> int:
        """Number of values."""
        return int(self.dataset.size)

    @property
    def name(self) -> str:
        """Path in the file."""
        return str(self.dataset.name)

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, index: Any) -> Any:
        try:
            return self.dataset[index]
        except IndexError:
            raise
        except FAILURES as error:
            raise unreadable(error, self.source) from error

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        return np.asarray(self[()], dtype=dtype)


def unreadable(error: BaseException, source: str) -> InputError:
    """The error for data that HDF5 cannot read, such as those whose checksum is wrong."""
    # HDF5 tells of a wrong checksum as of a filter that fails
    if "filter returned failure" in str(error):
        return InputError("is damaged: a checksum is wrong", source=source, remedy=REMEDY)
    return InputError(f"cannot be read: {reason(error)}", source=source, remedy=REMEDY)


def numbers(
    group: h5py.Group,
    path: str,
    label: str,
    *,
    ndim: int | None = None,
    remedy: str = REMEDY,
) -> CheckedDataset:
    """A dataset of real numbers of a group.

    Parameters
    ----------
    group : h5py.Group
        The group, or the file.
    path : str
        Path of the dataset in it.
    label : str
        What to call the file in messages.
    ndim : int, optional
        Number of axes it must have.
    remedy : str
        What to do where it is missing or another one.

    Raises
    ------
    InputError
        Where there is no such dataset, or not of numbers.
    """
    source = f"{label}:{group.name.rstrip('/')}/{path.lstrip('/')}"
    node = group.get(path)
    if not isinstance(node, h5py.Dataset):
        raise InputError("dataset is missing", source=source, remedy=remedy)
    try:
        dtype = node.dtype
    except TypeError as error:
        raise InputError("has a type that is not known", source=source, remedy=remedy) from error
    if node.shape is None or (ndim is not None and len(node.shape) != ndim):
        axes = "no" if node.shape is None else str(len(node.shape))
        raise InputError(
            f"has {axes} axes, expected {ndim if ndim is not None else 'some'}",
            source=source,
            remedy=remedy,
        )
    # truth and choices are stored as small numbers, and are none
    is_choice = h5py.check_enum_dtype(dtype) is not None
    if dtype.kind not in "fiu" or is_choice:
        name = "enum" if is_choice else str(dtype)
        raise InputError(f"has type {name}, expected numbers", source=source, remedy=remedy)
    return CheckedDataset(node, source)


def number(group: h5py.Group, path: str, label: str, *, remedy: str = REMEDY) -> float:
    """One finite number, a scalar or the only one of a list; raises as `numbers` and `whole`."""
    values = whole(numbers(group, path, label, remedy=remedy)).reshape(-1)
    if len(values) != 1:
        raise InputError(
            f"holds {len(values)} numbers, expected one", source=f"{label}:{path}", remedy=remedy
        )
    return float(values[0])


def attribute_number(
    node: Any, key: str, source: str, default: float | None = None, *, remedy: str = REMEDY
) -> float:
    """An attribute that is one finite number.

    Parameters
    ----------
    node : h5py object
        What has it.
    key : str
        Its name.
    source : str
        What to call the node in messages.
    default : float, optional
        The number where there is no such attribute.
    remedy : str
        What to do where it is missing or another one.

    Raises
    ------
    InputError
        Where it is missing, or no finite number.
    """
    value = node.attrs.get(key, default)
    try:
        result = float(value) if np.ndim(value) == 0 else float(np.reshape(value, ()))
    except (TypeError, ValueError) as error:
        raise InputError(f"attribute '{key}' is no number", source=source, remedy=remedy) from error
    if not np.isfinite(result):
        raise InputError(f"attribute '{key}' is not finite", source=source, remedy=remedy)
    return result


def texts(group: h5py.Group, path: str, label: str, *, remedy: str = REMEDY) -> list[str]:
    """A list of texts of a group; raises as `numbers`."""
    source = f"{label}:{group.name.rstrip('/')}/{path.lstrip('/')}"
    node = group.get(path)
    if not isinstance(node, h5py.Dataset):
        raise InputError("dataset is missing", source=source, remedy=remedy)
    fits = node.shape is not None and len(node.shape) == 1
    if not fits or h5py.check_string_dtype(node.dtype) is None:
        raise InputError("is no list of texts", source=source, remedy=remedy)
    values = CheckedDataset(node, source)[()]
    return [v.decode("utf-8", "replace") if isinstance(v, bytes) else str(v) for v in values]


def whole(dataset: CheckedDataset, dtype: Any = float) -> np.ndarray:
    """All values of a dataset, finite, as an array of `dtype`.

    Returns
    -------
    ndarray, shape of the dataset
        In the unit of the dataset.

    Raises
    ------
    InputError
        Where they cannot be read, do not fit into memory or `dtype`, or are not finite.
    """
    from lfpcli.guarded.memory import check_memory

    check_memory(dataset.size * max(dataset.dtype.itemsize, 8), dataset.source)
    values = np.asarray(dataset[()])
    if values.dtype.kind == "f" and not np.all(np.isfinite(values)):
        raise InputError("holds NaN or infinity", source=dataset.source, remedy=REMEDY)
    wanted = np.dtype(dtype)
    if wanted.kind in "iu":
        # 1.5 and 2**63 would become other numbers in silence
        fits = values.dtype.kind in "iub" or bool(np.all(values == np.floor(values)))
        limits = np.iinfo(wanted)
        within = values.size == 0 or (values.min() >= limits.min and values.max() <= limits.max)
        if not (fits and within):
            raise InputError("holds no whole numbers", source=dataset.source, remedy=REMEDY)
    return values.astype(wanted, copy=False)

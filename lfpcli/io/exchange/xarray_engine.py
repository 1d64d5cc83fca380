"""What ``xarray.open_dataset(FILE, engine="lfp", group=...)`` opens: recordings, with named axes.

xarray's own engines open them too. This one knows shares, places of contacts and names of segments
as coordinates, reads through the guard, and needs no references between datasets, which HDF5
loses where another tool copies a part of a file.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import Any, ClassVar

import numpy as np
import xarray
from xarray.backends import BackendArray, BackendEntrypoint
from xarray.core import indexing

from lfpcli.errors import LfpError, UsageError
from lfpcli.io.exchange.recordings import opened

Source = str | os.PathLike[str]


class _Samples(BackendArray):
    """Samples that are read where they are indexed; the file is open only then.

    Parameters
    ----------
    file : path-like
        The recording.
    name : str
        Name of the traces.
    share : str
        Whose share, "" for the whole.
    shape : tuple of int
        (T, C).
    """

    def __init__(self, file: Source, name: str, share: str, shape: tuple[int, int]) -> None:
        self._file, self._name, self._share = file, name, share
        self.shape = shape
        self.dtype = np.dtype(float)

    def __getitem__(self, key: Any) -> Any:
        return indexing.explicit_indexing_adapter(
            key, self.shape, indexing.IndexingSupport.BASIC, self._read
        )

    def _read(self, key: tuple[Any, ...]) -> np.ndarray:
        with opened(self._file) as contents:
            traces = contents.named(self._name)
            samples = traces.shares[self._share] if self._share else traces.samples
            rows = key[0]
            if isinstance(rows, slice) and rows.step in (None, 1):
                start, stop, _ = rows.indices(self.shape[0])
                return np.asarray(samples.read(start, stop)[:, key[1]])
            return np.asarray(samples.array()[key])


class RecordingEngine(BackendEntrypoint):
    """Opens one signal, dipole moment or report of a recording as a dataset."""

    description = "Recordings of lfp"
    open_dataset_parameters: ClassVar[tuple[str, ...]] = (
        "filename_or_obj",
        "drop_variables",
        "group",
    )

    def open_dataset(  # type: ignore[override]
        self,
        filename_or_obj: Source,
        *,
        drop_variables: str | Iterable[str] | None = None,
        group: str | None = None,
    ) -> xarray.Dataset:
        """Open a part of a recording.

        Parameters
        ----------
        filename_or_obj : path-like
            The recording.
        drop_variables : str or iterable of str, optional
            Variables that are left out.
        group : str, optional
            ``signals/NAME`` or NAME, ``dipole/GROUP``, ``VARIABLE/POPULATION``; the only one by
            default.

        Returns
        -------
        xarray.Dataset
            ``data`` and shares over ``time`` (ms) and ``channel``, with the places ``x``, ``y``
            and ``z`` (um) of channels.
        """
        dropped = {drop_variables} if isinstance(drop_variables, str) else set(drop_variables or ())
        with opened(filename_or_obj) as contents:
            names = [traces.name for traces in contents.traces]
            name = "" if group is None else group.strip("/")
            for begin in ("signals/", "reports/"):
                name = name.removeprefix(begin)
            if group is None and len(names) == 1:
                name = names[0]
            if name not in names:
                raise UsageError(
                    f"{contents.source} has no group '{group}'",
                    remedy=f"choose one with group=: {', '.join(names[:12])}",
                )
            traces = contents.named(name)
        shape = traces.samples.shape
        variables: dict[str, xarray.Variable] = {}
        for label in ("", *traces.shares):
            lazy = indexing.LazilyIndexedArray(_Samples(filename_or_obj, name, label, shape))
            attributes = {"units": traces.units, "model": traces.model}
            variables[f"share_{label}" if label else "data"] = xarray.Variable(
                ("time", "channel"), lazy, attributes
            )
        kept = {key: value for key, value in variables.items() if key not in dropped}
        return xarray.Dataset(kept, coords=traces.coordinates)

    def guess_can_open(self, filename_or_obj: Any) -> bool:
        """Whether a file is a recording."""
        try:
            with opened(filename_or_obj):
                return True
        except (LfpError, TypeError, OSError):
            return False

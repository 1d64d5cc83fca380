"""Checkpoints: the samples so far, and the state that a run goes on from, in one file.

A checkpoint with a single wrong bit would go on to wrong numbers, so a digest of all that it holds
is compared when it is read.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from lfpcli.errors import InputError
from lfpcli.guarded.hdf5 import numbers, open_hdf5, whole
from lfpcli.guarded.survey import FAILURES
from lfpcli.guarded.writing import new_hdf5
from lfpcli.io.atomic import atomic_output
from lfpcli.io.provenance import read_provenance
from lfpcli.io.storage import create_checked, store
from lfpcli.io.text import as_text
from lfpcli.io.tracks import Pull, PulledTrack, Track
from lfpcli.io.writer import RecordingWriter
from lfpcli.runtime.engine.state import EVENT_COLUMNS, RunState

_GROUP = "checkpoint"
_BLOCK_VALUES = 1 << 20
_REMEDY = "remove it, and start anew"
# the state, by name in the file; the samples are named by their datasets
_STATES = "state"
_ARRAYS = {
    "gid": np.int64,
    "pointer": np.int64,
    "events": np.float64,
    "above": np.int64,
    "spike_times": np.float64,
    "spike_gids": np.int64,
}


def checkpoint_path(output: str | os.PathLike[str]) -> Path:
    """Where the checkpoint of an output lies."""
    output = Path(output)
    return output.with_name(output.name + ".checkpoint")


@dataclass(frozen=True, kw_only=True)
class CellStates:
    """States of all cells, some cells at a time: no process needs to hold those of others.

    Attributes
    ----------
    gids : ndarray of int, shape (cells,)
        Numbers of the cells, rising.
    sizes : ndarray of int, shape (cells,)
        How many variables each has.
    between : callable
        Gets two rows of `gids`, and returns the variables of the cells from the one to before the
        other, one behind the other.
    """

    gids: np.ndarray
    sizes: np.ndarray
    between: Callable[[int, int], np.ndarray]

    @classmethod
    def of(cls, cells: Mapping[int, np.ndarray]) -> CellStates:
        """States that are all here.

        Parameters
        ----------
        cells : mapping of int to ndarray, shape (variables,)
            By gid, in NEURON's units.
        """
        gids = sorted(cells)
        return cls(
            gids=np.array(gids, np.int64),
            sizes=np.array([len(cells[gid]) for gid in gids], np.int64),
            between=lambda first, last: np.concatenate([cells[gid] for gid in gids[first:last]]),
        )


def write_checkpoint(
    path: Path,
    writer: RecordingWriter,
    state: RunState,
    key: Mapping[str, Any],
    *,
    cells: CellStates | None = None,
) -> None:
    """Write a checkpoint, which replaces the one before it at once.

    Parameters
    ----------
    path : Path
        Where to.
    writer : RecordingWriter
        The recording that is being written.
    state : RunState
        The state of the run.
    key : mapping
        What a run must have in common with this one to go on from here.
    cells : CellStates, optional
        The states of all cells; those of `state` by default.
    """
    cells = CellStates.of(state.cells) if cells is None else cells
    pointer = np.concatenate([np.zeros(1, np.int64), np.cumsum(cells.sizes, dtype=np.int64)])
    arrays = {
        "gid": cells.gids,
        "pointer": pointer,
        "events": state.events.ravel(),
        "above": np.array(sorted(state.above), np.int64),
        "spike_times": state.times,
        "spike_gids": state.gids,
    }
    facts = {
        "sample": int(state.sample),
        "time": float(state.time),
        "key": key,
        "provenance": as_text(writer.file.attrs["provenance"]),
    }
    # the one before stays until this one is whole, whatever happens in between
    with atomic_output(path, force=True) as target, new_hdf5(target, checked=True) as file:
        digests = {str(track.dataset.name): _copied(track, file) for track in writer.in_step}
        text = json.dumps({**facts, "tracks": digests}, sort_keys=True)
        group = file.create_group(_GROUP)
        digest = hashlib.sha256(text.encode())
        for name, dtype in _ARRAYS.items():
            array = np.ascontiguousarray(arrays[name], dtype)
            store(group, name, array)
            digest.update(array.data)
        states = create_checked(group, _STATES, (int(pointer[-1]),), np.float64)
        for first, last in _blocks(pointer):
            values = np.ascontiguousarray(cells.between(first, last), np.float64)
            states[pointer[first] : pointer[last]] = values
            digest.update(values.data)
        # longer than an attribute may be where the model lists many positions
        store(group, "facts", [text])
        group.attrs["sha256"] = digest.hexdigest()


def _blocks(pointer: np.ndarray) -> Iterator[tuple[int, int]]:
    """Split cells, whose variables lie from one pointer to the next, so that a block fits well."""
    first, count = 0, len(pointer) - 1
    while first < count:
        last = int(np.searchsorted(pointer, pointer[first] + _BLOCK_VALUES, side="right")) - 1
        # a single cell may be larger than a block
        last = min(max(last, first + 1), count)
        yield first, last
        first = last


def _copied(track: Track, file: h5py.File) -> str:
    """Store the samples of a track under its own name, and return their digest."""
    rows, columns = len(track), track.dataset.shape[1]
    digest = hashlib.sha256()
    if not columns:
        file.create_dataset(track.dataset.name, (rows, 0), track.dataset.dtype)
        return digest.hexdigest()
    step = max(1, min(rows, _BLOCK_VALUES // columns))
    copy = file.create_dataset(
        track.dataset.name,
        (rows, columns),
        track.dataset.dtype,
        chunks=(step, columns),
        fletcher32=True,
    )
    for first in range(0, rows, step):
        last = min(first + step, rows)
        samples = np.ascontiguousarray(track.samples(first, last))
        digest.update(samples.data)
        copy[first:last] = samples
    return digest.hexdigest()


class Checkpoint:
    """A checkpoint that was written; use `open_checkpoint_file`.

    Parameters
    ----------
    file : h5py.File
        The open file.
    path : Path
        Its name.

    Raises
    ------
    InputError
        Where it is none, or was changed after it was written.
    """

    def __init__(self, file: h5py.File, path: Path) -> None:
        self.path = path
        self._file = file
        group = file.get(_GROUP)
        if not isinstance(group, h5py.Group):
            raise InputError("is no checkpoint", source=path, remedy=_REMEDY)
        self._arrays = {}
        for name, dtype in _ARRAYS.items():
            self._arrays[name] = whole(
                numbers(group, name, str(path), ndim=1, remedy=_REMEDY), dtype
            )
        self._states = numbers(group, _STATES, str(path), ndim=1, remedy=_REMEDY)
        try:
            text = as_text(group["facts"][0])
            self._facts = json.loads(text)
            stated = as_text(group.attrs["sha256"])
        except (*FAILURES, RecursionError) as error:
            raise InputError("is a damaged checkpoint", source=path, remedy=_REMEDY) from error
        # checksums of HDF5 tell damage of a disk, this one also changes by a program
        if stated != self._digest(text):
            raise InputError(
                "was changed after it was written: its digest is wrong",
                source=path,
                remedy=_REMEDY,
            )
        if len(self._arrays["events"]) % EVENT_COLUMNS:
            raise InputError("is a damaged checkpoint", source=path, remedy=_REMEDY)

    def _digest(self, text: str) -> str:
        """Digest of what is here, read some at a time."""
        digest = hashlib.sha256(text.encode())
        for name in _ARRAYS:
            digest.update(np.ascontiguousarray(self._arrays[name]).data)
        for first in range(0, len(self._states), _BLOCK_VALUES):
            values = np.ascontiguousarray(self._states[first : first + _BLOCK_VALUES], np.float64)
            digest.update(values.data)
        return digest.hexdigest()

    @property
    def key(self) -> dict[str, Any]:
        """What the run that wrote it was."""
        return dict(self._facts["key"])

    @property
    def provenance(self) -> dict[str, Any]:
        """Provenance of the recording."""
        return read_provenance({"provenance": self._facts["provenance"]}, str(self.path))

    def state(self, gids: Collection[int]) -> RunState:
        """Read the state of some cells, with the spikes of all."""
        arrays, pointer = self._arrays, self._arrays["pointer"]
        # cells may be on other processes now than when it was written
        row_of = {int(gid): row for row, gid in enumerate(arrays["gid"])}
        missing = [gid for gid in gids if gid not in row_of]
        if missing:
            raise InputError(
                f"has no cell {missing[0]}",
                source=self.path,
                remedy="resume with the model that wrote it",
            )
        cells = {}
        for gid in gids:
            first, last = pointer[row_of[gid] : row_of[gid] + 2]
            cells[gid] = np.asarray(self._states[first:last], np.float64)
        return RunState(
            sample=int(self._facts["sample"]),
            time=float(self._facts["time"]),
            cells=cells,
            events=arrays["events"].reshape(-1, EVENT_COLUMNS),
            above=set(arrays["above"].tolist()),
            times=arrays["spike_times"],
            gids=arrays["spike_gids"],
        )

    def replay(self, writer: RecordingWriter) -> None:
        """Append the samples so far to the tracks of a recording that are kept in step.

        Raises
        ------
        InputError
            Where they are not all there, or were changed.
        """
        datasets = [track.dataset for track in writer.in_step]
        sources = [self.samples(dataset.name, dataset.shape) for dataset in datasets]
        digests = [hashlib.sha256() for _ in sources]
        blocks = 1 + sum(source.size for source in sources) // _BLOCK_VALUES
        for block in range(blocks):
            # all tracks go on together, as they do in a run
            for track, source, digest in zip(writer.in_step, sources, digests, strict=True):
                first, last = (len(source) * k // blocks for k in (block, block + 1))
                samples = np.ascontiguousarray(source[first:last], track.dataset.dtype)
                digest.update(samples.data)
                if isinstance(track, PulledTrack):
                    track.pull = _reader(source)
                    track.advance(last - first)
                else:
                    track.append(samples)
            writer.settle()
        names = [str(dataset.name) for dataset in datasets]
        self._compare({n: d.hexdigest() for n, d in zip(names, digests, strict=True)})

    def samples(self, name: str, shape: tuple[int, ...]) -> Any:
        """Samples of a dataset of the recording, (n, C).

        Parameters
        ----------
        name : str
            Its path.
        shape : tuple of int
            Its shape so far, of which the number of columns C counts.

        Raises
        ------
        InputError
            Where it is not there, or has other columns.
        """
        source = numbers(self._file, str(name), str(self.path), ndim=2, remedy=_REMEDY)
        if source.shape[1] != shape[1]:
            raise InputError(
                f"has {source.shape[1]} columns, expected {shape[1]}",
                source=f"{self.path}:{name}",
                remedy="resume with the model that wrote it",
            )
        return source

    def _compare(self, digests: Mapping[str, str]) -> None:
        for name in sorted({*digests, *self._facts["tracks"]}):
            if digests.get(name) != self._facts["tracks"].get(name):
                raise InputError(
                    "was changed after it was written: its digest is wrong",
                    source=f"{self.path}:{name}",
                    remedy=_REMEDY,
                )


def _reader(source: Any) -> Pull:
    return lambda first, last: np.asarray(source[first:last])


@contextlib.contextmanager
def open_checkpoint_file(path: Path) -> Iterator[Checkpoint]:
    """Open a checkpoint; raises as `Checkpoint`."""
    with open_hdf5(path, remedy=f"it is no checkpoint; {_REMEDY}") as file:
        yield Checkpoint(file, path)

"""Checkpoints: the recording so far, and the state that a run goes on from, in one file."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from lfpcli.errors import InputError
from lfpcli.io.atomic import atomic_output
from lfpcli.io.writer import RecordingWriter, Track
from lfpcli.runtime.engine.state import RunState

_GROUP = "checkpoint"
_BLOCK_VALUES = 1 << 20


def checkpoint_path(output: str | os.PathLike[str]) -> Path:
    """Where the checkpoint of an output lies."""
    output = Path(output)
    return output.with_name(output.name + ".checkpoint")


def write_checkpoint(
    path: Path, writer: RecordingWriter, state: RunState, key: Mapping[str, Any]
) -> None:
    """Write a checkpoint, which replaces the one before it at once.

    Parameters
    ----------
    path : Path
        Where to.
    writer : RecordingWriter
        The recording that is being written.
    state : RunState
        The state of all cells.
    key : mapping
        What a run must have in common with this one to go on from here.
    """
    writer.file.flush()
    gids = np.array(sorted(state.cells), np.int64)
    values = [state.cells[gid] for gid in gids.tolist()]
    with atomic_output(path, force=True) as target:
        shutil.copyfile(writer.file.filename, target)
        with h5py.File(target, "r+") as file:
            group = file.create_group(_GROUP)
            group.attrs["sample"] = state.sample
            group.attrs["time"] = state.time
            # too long for an attribute where the model lists many places
            group["key"] = json.dumps(key, sort_keys=True)
            group["gid"] = gids
            group["pointer"] = np.cumsum([0, *map(len, values)])
            group["state"] = np.concatenate([np.zeros(0), *values])
            group["above"] = np.array(sorted(state.above), np.int64)
            group["spike_times"] = state.times
            group["spike_gids"] = state.gids


class Checkpoint:
    """A checkpoint that was written; a context manager.

    Parameters
    ----------
    path : Path
        The file.

    Raises
    ------
    InputError
        Where it is none.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            self._file = h5py.File(path, "r")
        except OSError as error:
            raise InputError(f"cannot be read as a checkpoint: {error}", source=path) from error
        if _GROUP not in self._file:
            self._file.close()
            raise InputError("is no checkpoint", source=path, remedy="start anew without --resume")
        self._group = self._file[_GROUP]

    def __enter__(self) -> Checkpoint:
        return self

    def __exit__(self, kind: Any, error: Any, trace: Any) -> None:
        self._file.close()

    @property
    def key(self) -> dict[str, Any]:
        """What the run that wrote it was."""
        return dict(json.loads(self._group["key"][()]))

    @property
    def provenance(self) -> dict[str, Any]:
        """Provenance of the recording."""
        return dict(json.loads(self._file.attrs["provenance"]))

    def state(self, gids: Collection[int]) -> RunState:
        """Read the state of some cells, with the spikes of all."""
        group = self._group
        pointer = group["pointer"][:]
        place = {int(gid): k for k, gid in enumerate(group["gid"][:])}
        missing = [gid for gid in gids if gid not in place]
        if missing:
            raise InputError(f"has no cell {missing[0]}", source=self.path)
        spans = {gid: slice(*pointer[place[gid] : place[gid] + 2]) for gid in gids}
        return RunState(
            int(group.attrs["sample"]),
            float(group.attrs["time"]),
            {gid: group["state"][span] for gid, span in spans.items()},
            set(group["above"][:].tolist()),
            group["spike_times"][:],
            group["spike_gids"][:],
        )

    def replay(self, tracks: Collection[Track]) -> None:
        """Append what the recording held to datasets of the same names."""
        for track in tracks:
            source = self._file.get(track.dataset.name)
            if source is None or source.shape[1:] != track.dataset.shape[1:]:
                raise InputError(
                    f"has no {track.dataset.name} of this shape",
                    source=self.path,
                    remedy="resume with the model that wrote it",
                )
            rows = max(1, _BLOCK_VALUES // max(source.shape[1], 1))
            for first in range(0, source.shape[0], rows):
                track.append(source[first : first + rows])

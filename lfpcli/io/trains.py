"""What a group of spikes tells of its trains: how many there are, and how long they are."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from typing import Any

import numpy as np

from lfpcli.errors import InputError
from lfpcli.guarded.hdf5 import attribute_number
from lfpcli.io import stream
from lfpcli.io.recording import Recording, open_recording, stored_format

SIZE = "size"
"""Attribute of a group of spikes: how many trains it has, silent ones too."""
FIRST = "first_id"
"""Attribute of a group of spikes: id of its first train; the others follow in a row."""
DURATION = "duration"
"""Attribute of a group of spikes: how long its trains are, ms."""


@contextlib.contextmanager
def open_trains(source: str | os.PathLike[str], name: str) -> Iterator[Recording]:
    """Open a recording that has spike trains, called `name` in messages.

    Raises
    ------
    InputError
        Where it is a file of another program, such as SONATA's spikes, or no recording.
    """
    stream.check_input(source)
    if not stored_format(source):
        raise InputError(
            "is no recording of lfp",
            source=name,
            remedy=f"convert what has spikes: lfp convert {name} trains.h5",
        )
    with open_recording(source, name) as recording:
        yield recording


def train_ids(recording: Recording, name: str, gids: np.ndarray) -> np.ndarray:
    """Ids of all trains of a population, silent ones too where the file tells of them.

    Parameters
    ----------
    recording : Recording
        The recording.
    name : str
        The population.
    gids : ndarray of int, shape (n,)
        Trains of its spikes.

    Returns
    -------
    ndarray of int, shape (U,)
        Ascending.

    Raises
    ------
    InputError
        Where spikes are of others than those that the file tells of.
    """
    group, source = _group(recording, name)
    if SIZE in group.attrs:
        first = int(attribute_number(group, FIRST, source, 0.0))
        size = int(attribute_number(group, SIZE, source))
        if size < 0 or (len(gids) and not first <= gids.min() <= gids.max() < first + size):
            raise InputError(
                f"has ids beyond the {size} from {first} on that its attributes tell of",
                source=source,
                remedy="draw it again: lfp spikes",
            )
        return np.arange(first, first + size)
    if name in recording.populations:
        return np.unique(recording.array(f"/geometry/{name}/gid", 1, np.int64))
    return np.unique(gids)


def trains_duration(recording: Recording) -> float | None:
    """Length of the longest trains of a recording, ms; None where it does not tell of any."""
    lengths = []
    for name in recording.spike_populations:
        group, source = _group(recording, name)
        if DURATION in group.attrs:
            lengths.append(attribute_number(group, DURATION, source))
    return max(lengths, default=None)


def _group(recording: Recording, name: str) -> tuple[Any, str]:
    """The spikes of a population in the file, and what to call them in messages."""
    path = f"/spikes/{name}"
    return recording.file[path], recording.source_of(path)

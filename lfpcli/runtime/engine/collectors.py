"""Collecting samples in C while the simulator runs; they are taken chunk by chunk."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np

from lfpcli.errors import SimulatorError
from lfpcli.kernels.gather import gather, gather_rows
from lfpcli.runtime.engine.locations import addresses_of, has_locations
from lfpcli.runtime.engine.pages import FEW, gather_pages
from lfpcli.runtime.engine.record import Recorder
from lfpcli.runtime.engine.settings import RunSettings
from lfpcli.runtime.engine.tap import Tap
from lfpcli.runtime.engine.within_steps import are_states_final, behind_states, behind_voltages
from lfpcli.runtime.neuron import nrn

# bytes
DOUBLE = 8
# beyond the samples of a chunk CoreNEURON wants two more places in a vector
SPARE_PLACES = 8


class Collectors:
    """What collects the samples of a run, each recorder in the quickest way.

    Variables are read from memory in each step of NEURON, and tapped in CoreNEURON. Where they
    cannot be, as with the variable time step, they go to vectors of NEURON, which searches all
    vectors so far for each new one: the time grows with the square of their number, 0.15 s for
    10,000 and 15 s for 100,000.

    Parameters
    ----------
    recorders : mapping of str to Recorder
        What to collect.
    settings : RunSettings
        Engine and time step.
    rows : int
        Most samples between two calls of `take`; the tap hands over that many by itself.
    tapped : Path, optional
        CoreNEURON's library, where there is a tap in it.
    hand_over : callable
        Gets the tap's samples in the middle of a run, per recorder (rows, columns).
    interval : int
        Most steps that a thread of CoreNEURON makes before the next one does, see `threaded`.
    """

    def __init__(
        self,
        recorders: Mapping[str, Recorder],
        settings: RunSettings,
        *,
        rows: int,
        tapped: Path | None,
        hand_over: Callable[[dict[str, np.ndarray]], None],
        interval: int = 1,
    ) -> None:
        quick: dict[str, Recorder] = {}
        if tapped is not None:
            quick = {name: r for name, r in recorders.items() if has_locations(r)}
        elif settings.engine == "neuron" and not settings.adaptive:
            quick = _read_in_steps(recorders)
        is_of_states = tapped is None and not all(r.is_of_nodes for r in quick.values())
        others = {name: r for name, r in recorders.items() if name not in quick}
        grid = settings.dt if settings.adaptive else None
        self._vectors = VectorSet(others, rows, grid)
        self._gatherer = Gatherer(quick if tapped is None else {}, rows)
        self._tap = None
        if tapped is not None:
            self._tap = Tap(tapped, quick, rows, hand_over, interval=interval)
        self._within_steps = behind_states if is_of_states else behind_voltages

    @contextlib.contextmanager
    def sampling(self) -> Iterator[None]:
        """Let NEURON take samples in its steps, within."""
        if not self._gatherer.width:
            yield
            return
        with self._within_steps(self._gatherer.sample):
            yield

    def sample_first(self) -> None:
        """Take the sample of the initial state, which NEURON's vectors have taken by themselves."""
        # a model's own init() may have made steps
        self._gatherer.discard()
        self._gatherer.sample()

    def discard(self) -> None:
        """Forget all samples so far."""
        self._gatherer.discard()
        self._vectors.discard()

    def begin(self, *, with_sample: bool) -> None:
        """Begin a run, in the state of the first sample or behind it."""
        if not with_sample:
            self.discard()
        if self._tap is not None:
            self._tap.begin(with_sample=with_sample)

    @contextlib.contextmanager
    def running(self) -> Iterator[None]:
        """Collect while the simulator advances within."""
        with contextlib.nullcontext() if self._tap is None else self._tap.running():
            yield

    def move(self) -> None:
        """Say that the simulator is about to run, with its values elsewhere in memory."""
        if self._tap is not None:
            self._tap.forget()

    def take(self, samples: int) -> dict[str, np.ndarray]:
        """Return the samples since the last call, per recorder (samples, columns)."""
        taken = self._gatherer.take() | self._vectors.take()
        if self._tap is not None:
            taken |= self._tap.take()
        for name, block in taken.items():
            if block.shape[1] and len(block) != samples:
                raise SimulatorError(
                    f"{len(block)} samples of {name} instead of {samples}",
                    remedy="report it with the model",
                )
            # a recorder without columns does not know how many samples there were
            if not block.shape[1]:
                taken[name] = np.empty((samples, 0))
        return taken


def _read_in_steps(recorders: Mapping[str, Recorder]) -> dict[str, Recorder]:
    """Recorders whose values can be read from memory in each step of NEURON."""
    nodes = {name: r for name, r in recorders.items() if r.is_of_nodes}
    if len(nodes) == len(recorders) or not are_states_final():
        return nodes
    return {name: r for name, r in recorders.items() if has_locations(r)}


def vector_columns(recorders: Mapping[str, Recorder]) -> int:
    """Number of columns that need vectors of NEURON also where CoreNEURON is tapped."""
    return sum(len(r) for r in recorders.values() if not has_locations(r))


class Gatherer:
    """Collects variables in each fixed step of NEURON, through one callback.

    Parameters
    ----------
    recorders : mapping of str to Recorder
        What to collect.
    rows : int
        Most samples between two calls of `take`.

    Attributes
    ----------
    width : int
        Columns of all recorders.
    """

    def __init__(self, recorders: Mapping[str, Recorder], rows: int) -> None:
        ends = np.cumsum([0, *(len(r) for r in recorders.values())])
        self._columns = dict(zip(recorders, map(slice, ends[:-1], ends[1:]), strict=True))
        self._recorders = recorders
        self._addresses: np.ndarray | None = None
        self._rows, self._filled = rows, 0
        self.width = int(ends[-1])
        self._buffer = np.empty((rows, self.width))

    def sample(self) -> None:
        """Take one sample; before t = 0 the buffer is written over and over."""
        if self._addresses is None:
            # only now that NEURON is initialised do its values stay where they are
            parts = [addresses_of(recorder) for recorder in self._recorders.values()]
            self._addresses = np.concatenate([np.empty(0, np.uintp), *parts])
        gather(self._addresses, self._buffer, self._filled % self._rows)
        self._filled += 1

    def discard(self) -> None:
        """Forget all samples so far."""
        self._filled = 0

    def take(self) -> dict[str, np.ndarray]:
        """Return the samples since the last call, per recorder (samples, columns)."""
        taken = self._buffer[: self._filled]
        # the samples belong to the caller from now on, who may use them in another thread
        self._buffer = np.empty_like(self._buffer)
        self._filled = 0
        return {name: taken[:, columns] for name, columns in self._columns.items()}


class VectorSet:
    """Collects variables in one vector of NEURON per column.

    The vectors have room for all samples between two calls of `take` from the beginning, so that
    they stay where they are in memory, from where they are read.

    Parameters
    ----------
    recorders : mapping of str to Recorder
        What to collect.
    rows : int
        Most samples between two calls of `take`.
    interval : float, optional
        Grid of the samples, ms; at every step where left out.
    """

    def __init__(
        self, recorders: Mapping[str, Recorder], rows: int, interval: float | None = None
    ) -> None:
        self._room = rows + SPARE_PLACES
        self._vectors = {
            name: _recording(recorder.references, self._room, interval)
            for name, recorder in recorders.items()
        }
        everything = list(chain.from_iterable(self._vectors.values()))
        # looked up once, as it takes as long as the call
        self._resize = [v.resize for v in everything]
        if len(everything) > FEW:
            gather_pages(_addresses(everything), self._room * DOUBLE)
        self._addresses: dict[str, np.ndarray] = {}

    def discard(self) -> None:
        """Forget all samples so far."""
        for resize in self._resize:
            resize(0)

    def take(self) -> dict[str, np.ndarray]:
        """Return the samples since the last call, per recorder (samples, columns)."""
        taken = {name: self._read(name).T for name in self._vectors}
        self.discard()
        return taken

    def _read(self, name: str) -> np.ndarray:
        """Contents of the vectors of a recorder, shape (vectors, samples)."""
        vectors = self._vectors[name]
        counts = set(map(len, vectors))
        if len(counts) > 1:
            raise SimulatorError(
                f"vectors of {name} differ in length: {sorted(counts)}",
                remedy="report it with the model",
            )
        block = np.empty((len(vectors), max(counts, default=0)))
        if block.shape[1] > self._room:
            # a vector that has grown beyond its room has moved, and so have all others
            self._room = block.shape[1]
            self._addresses.clear()
        if name not in self._addresses:
            self._addresses[name] = _addresses(vectors)
        gather_rows(self._addresses[name], block)
        return block


def _recording(references: Sequence[Any], room: int, interval: float | None) -> list[Any]:
    """A recording vector per reference."""
    vector = nrn().Vector
    grid = () if interval is None else (interval,)
    vectors = [vector().record(reference, *grid) for reference in references]
    for each in vectors:
        each.buffer_size(room)
    return vectors


def _addresses(vectors: Sequence[Any]) -> np.ndarray:
    """Addresses of the elements of vectors, shape (vectors,)."""
    return np.array([v.__array_interface__["data"][0] for v in vectors], dtype=np.uintp)

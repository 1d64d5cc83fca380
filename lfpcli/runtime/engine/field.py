"""Extracellular stimulation in NEURON: potentials outside the segments that change in steps."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from lfpcli.errors import InputError, UsageError
from lfpcli.runtime.engine.settings import RunSettings
from lfpcli.runtime.neuron import nrn

# NEURON executes an event at the end of the step that passes it; this far before a time of the
# grid, in steps, it is that of the grid whatever the rounding of t
_AHEAD = 0.25
# the solver of the variable step begins anew at a change, which goes wrong where a sample is due
# at the same moment; ms
_BEHIND = 1e-6


@dataclass(frozen=True)
class Steps:
    """An extracellular potential that changes in steps.

    It is 0 before the first time, and holds its last value.

    Attributes
    ----------
    times : ndarray, shape (K,)
        When it changes, ms, ascending.
    potential : callable
        Returns the potential from a step on, shape (N,), mV, of its index.

    Raises
    ------
    InputError
        Where times are not finite or do not ascend.
    """

    times: np.ndarray
    potential: Callable[[int], np.ndarray]

    def __post_init__(self) -> None:
        if not np.all(np.isfinite(self.times)):
            raise InputError(
                "times of an extracellular potential are not finite", remedy="give finite times, ms"
            )
        late = np.flatnonzero(np.diff(self.times) <= 0)
        if len(late):
            raise InputError(
                "times of an extracellular potential do not ascend at "
                f"{self.times[late[0] + 1]:g} ms",
                remedy="sort them",
            )


class ExtracellularField:
    """Plays extracellular potentials, which add, into the segments of one or many cells.

    The battery of NEURON's extracellular mechanism, ``e_extracellular``, gets the sum. As with
    ``Vector.play``, a change acts from the step on that begins at its time, or within half a step
    of it. A change costs one call for all segments, and no more values than one per segment are
    held.

    Parameters
    ----------
    segments : sequence of nrn.Segment
        N segments whose sections have the extracellular mechanism.
    parts : sequence of Steps
        Potentials of these segments.

    Raises
    ------
    UsageError
        Where a section lacks the mechanism.
    """

    def __init__(self, segments: Sequence[Any], parts: Sequence[Steps]) -> None:
        h = nrn()
        self._parts = [part for part in parts if len(part.times)]
        self._pointers = h.PtrVector(max(len(segments), 1))
        self._values = h.Vector(len(segments))
        for k, segment in enumerate(segments):
            if not hasattr(segment, "e_extracellular"):
                raise UsageError(
                    f"section {segment.sec.name()} has no extracellular mechanism",
                    remedy="make the cell with extracellular=True",
                )
            self._pointers.pset(k, segment._ref_e_extracellular)
        self._changes: np.ndarray = np.empty(0)
        self._when: list[np.ndarray] = []
        self._next = 0
        self._settings: RunSettings | None = None

    def begin(self, settings: RunSettings) -> None:
        """Set what holds when a run begins; before NEURON is initialised."""
        self._settings = settings
        start = -settings.warmup * settings.dt
        self._when = [_effective(part.times, settings) for part in self._parts]
        changes = np.unique(np.concatenate([np.empty(0), *self._when]))
        self._changes = changes[changes > start]
        self._next = 0
        self._apply(start)

    def queue(self) -> None:
        """Hand the next change to NEURON; the first one once its time is that of the begin."""
        assert self._settings is not None
        if self._next < len(self._changes):
            time = self._changes[self._next]
            exact = self._settings.adaptive and time > 0
            offset = _BEHIND if exact else -_AHEAD * self._settings.dt
            nrn().CVode().event(time + offset, self._change)

    def _change(self) -> None:
        self._apply(self._changes[self._next])
        cvode = nrn().CVode()
        if cvode.active():
            cvode.re_init()
        self._next += 1
        self.queue()

    def _apply(self, time: float) -> None:
        if not len(self._values):
            return
        total = np.zeros(len(self._values))
        for part, when in zip(self._parts, self._when, strict=True):
            index = int(np.searchsorted(when, time, side="right")) - 1
            if index >= 0:
                total += part.potential(index)
        self._values.as_numpy()[:] = total
        self._pointers.scatter(self._values)


def _effective(times: np.ndarray, settings: RunSettings) -> np.ndarray:
    """Times of the grid from which changes act; with the variable step as they are, from 0 on."""
    # a grid of k dt misses a change at the same decimal number by some of the last bits
    grid = settings.dt * np.ceil(times / settings.dt - 0.5 - 1e-9)
    return np.where(settings.adaptive & (times > 0), times, grid)


def has_extracellular() -> bool:
    """Whether any section has the extracellular mechanism."""
    return any(section.has_membrane("extracellular") for section in nrn().allsec())

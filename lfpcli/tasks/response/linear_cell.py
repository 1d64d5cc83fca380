"""One kind of passive cell whose synapses inject currents: events in, signals out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from scipy import fft

from lfpcli.errors import InputError, SimulatorError
from lfpcli.forward.passive import LinearCable, SteppedCable
from lfpcli.geometry import Geometry
from lfpcli.model import Model
from lfpcli.runtime.cell.cell import Cell
from lfpcli.runtime.cell.conductance import capacitance, held_conductance
from lfpcli.runtime.synapses.bulk import SynapseRows, SynapseType
from lfpcli.runtime.synapses.current_course import current_course
from lfpcli.tasks.simulate.cells import CellFactory
from lfpcli.vocabulary import INTEGRATORS

LONGEST = 1 << 16
"""Steps that an impulse response may last."""
# what may be left of a response where it is cut off
_LEFT = 1e-13
_PASSIVE = "pas"


@dataclass(frozen=True, kw_only=True)
class Events:
    """Events that reach a cell.

    Attributes
    ----------
    steps : ndarray of int, shape (n,)
        Step that each acts in.
    segments, synapse_types : ndarray of int, shape (n,)
        Where, and by which type of synapse.
    weights : ndarray, shape (n,)
        nA.
    """

    steps: np.ndarray
    segments: np.ndarray
    synapse_types: np.ndarray
    weights: np.ndarray


def arriving(
    rows: SynapseRows, cell: int, spikes: tuple[np.ndarray, np.ndarray], dt: float
) -> Events:
    """Events of the synapses of a cell.

    An event acts in the step whose begin is nearest to its arrival, as NEURON has it.

    Parameters
    ----------
    rows : SynapseRows
        Synapses of some cells.
    cell : int
        Index of the cell among them.
    spikes : (ndarray, ndarray), each shape (n,)
        Times, ms, and numbers of the trains of all spikes.
    dt : float
        Step, ms.
    """
    members = np.flatnonzero(rows.cell == cell)
    times, sources = spikes
    order = np.argsort(sources, kind="stable")
    first = np.searchsorted(sources[order], rows.source[members], side="left")
    last = np.searchsorted(sources[order], rows.source[members], side="right")
    counts = last - first
    synapse = np.repeat(members, counts)
    within = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)
    arrival = times[order[np.repeat(first, counts) + within]] + rows.delay[synapse]
    return Events(
        steps=np.ceil(arrival / dt - 0.5 - 1e-9).astype(np.int64),
        segments=rows.segment[synapse],
        synapse_types=rows.synapse_type[synapse],
        weights=rows.weight[synapse],
    )


@dataclass(kw_only=True)
class LinearCell:
    """A kind of cell.

    Attributes
    ----------
    geometry : Geometry
        Its N segments, its soma at the origin.
    stepped : SteppedCable
        Its cable.
    model : Model
        The model, whose settings hold.
    """

    geometry: Geometry
    stepped: SteppedCable
    model: Model
    _courses: dict[SynapseType, np.ndarray] = field(default_factory=dict)
    _gains: dict[tuple[SynapseType, int], np.ndarray] = field(default_factory=dict)

    def signals(
        self,
        matrix: np.ndarray,
        events: Events,
        synapse_types: Sequence[SynapseType],
        *,
        first: int,
        last: int,
    ) -> np.ndarray:
        """Samples of what measures the cell.

        Parameters
        ----------
        matrix : ndarray, shape (C, N)
            What a nA of each segment is to each channel.
        events : Events
            What reaches the cell.
        synapse_types : sequence of SynapseType
            The types that events name.
        first, last : int
            Samples from `first` to below `last`.

        Returns
        -------
        ndarray, shape (last - first, C)
            In the units of the matrix times nA.
        """
        used = np.unique(events.synapse_types).tolist()
        history = max([self._history(synapse_types[k]) for k in used], default=0)
        length = fft.next_fast_len(last - first + history, real=True)
        spectrum = np.zeros((length // 2 + 1, len(matrix)), complex)
        seen = matrix @ self.stepped.output
        for number in used:
            inside = events.synapse_types == number
            inside &= (events.steps >= first - history) & (events.steps < last)
            places = events.segments[inside] * length + events.steps[inside] - (first - history)
            counts = np.bincount(
                places, weights=events.weights[inside], minlength=len(self.geometry) * length
            )
            drive = self.stepped.drive.T @ counts.reshape(-1, length)
            # modes by frequency; what is not of the window wraps around into its history
            modes = fft.rfft(drive, axis=1).T * self._gain(synapse_types[number], length)
            spectrum += modes @ seen.T
        samples = fft.irfft(spectrum, length, axis=0)
        return np.asarray(samples[history : history + last - first])

    def _course(self, synapse_type: SynapseType) -> np.ndarray:
        if synapse_type not in self._courses:
            run = self.model.run
            self._courses[synapse_type] = current_course(
                synapse_type.type,
                dict(synapse_type.params),
                potential=run.v_init,
                celsius=run.celsius,
                dt=run.interval,
                longest=LONGEST,
            )
        return self._courses[synapse_type]

    def _history(self, synapse_type: SynapseType) -> int:
        """Steps that an event is felt for."""
        slowest = self.stepped.slowest
        steps = LONGEST if slowest >= 1 else int(np.ceil(np.log(_LEFT) / np.log(slowest)))
        steps += len(self._course(synapse_type)) + 1
        if steps > LONGEST:
            raise InputError(
                f"a cell answers to an event for more than {LONGEST} steps",
                remedy="raise g of pas, or dt",
            )
        return steps

    def _gain(self, synapse_type: SynapseType, length: int) -> np.ndarray:
        """States of the modes after an event, by frequency, (length / 2 + 1, N)."""
        key = synapse_type, length
        if key not in self._gains:
            turns = 2.0 * np.pi * np.arange(length // 2 + 1) / length
            course = fft.rfft(self._course(synapse_type), length)
            self._gains[key] = self.stepped.gains(turns) * course[:, None]
        return self._gains[key]


def linear_cell(model: Model, name: str) -> LinearCell:
    """Make a cell of a kind and see that it is passive and rests.

    Raises
    ------
    InputError
        Where it has other channels than leaks, or does not rest at v_init.
    """
    spec, run = model.cells[name], model.run
    cell = CellFactory(spec).make(0)
    _check_passive(cell, name, spec.source_line, run.v_init)
    cable = LinearCable(cell.axial_network(), capacitance(cell), held_conductance(cell, run.v_init))
    return LinearCell(
        geometry=cell.geometry,
        stepped=SteppedCable(cable, run.interval, second_order=is_second_order(model)),
        model=model,
    )


def is_second_order(model: Model) -> bool:
    """Whether a model is integrated by the method of Crank and Nicolson."""
    return INTEGRATORS.index(model.run.method) == 1


def _check_passive(cell: Cell, name: str, source_line: str, v_init: float) -> None:
    for section in cell.sections:
        others = [each for each in section.psection()["density_mechs"] if each != _PASSIVE]
        if others:
            raise InputError(
                f"cell '{name}' has {others[0]}, and impulse responses are of passive cells",
                source=source_line,
                remedy="leave pas alone, or simulate them: --simulate, or lfp sim",
            )
    for segment in cell.segments:
        if abs(segment.pas.e - v_init) > 1e-9:
            raise InputError(
                f"cell '{name}' rests at {segment.pas.e:g} mV, v_init is {v_init:g} mV",
                source=source_line,
                remedy=f"set run.v_init = {segment.pas.e:g}",
            )


class WindowSums:
    """Sums of signals over cells, whose bits do not depend on the order of the cells.

    Parameters
    ----------
    bounds : sequence of ndarray, shape (3, C)
        Of each instrument, see `OrderFreeSum`.
    groups : int
        Number of populations.
    samples : int
        n.

    Attributes
    ----------
    parts : list of ndarray, shape (groups, 2, n, C)
        Of each instrument.
    """

    def __init__(self, bounds: Sequence[np.ndarray], groups: int, samples: int) -> None:
        self._bounds = np.concatenate(bounds, axis=1)
        self._edges = np.cumsum([each.shape[1] for each in bounds])[:-1]
        self._whole = np.zeros((groups, 2, samples, self._bounds.shape[1]))

    @property
    def parts(self) -> list[np.ndarray]:
        """Of each instrument, shape (groups, 2, n, C), in its unit."""
        return np.split(self._whole, self._edges, axis=3)

    def add(self, group: int, samples: np.ndarray, first: int = 0) -> None:
        """Add samples of a cell of a population.

        Parameters
        ----------
        group : int
            Number of the population.
        samples : ndarray, shape (m, C of all instruments)
            In the units of the instruments.
        first : int
            Which sample of the sums the first is.

        Raises
        ------
        SimulatorError
            Where they are beyond all reason.
        """
        high, low, limit = self._bounds
        if not np.all(np.abs(samples) < limit):
            raise SimulatorError(
                "a signal is not finite or beyond all reason", remedy="check the weights"
            )
        # as the kernel of contractions cuts them, see OrderFreeSum
        upper = (samples + high) - high
        rows = slice(first, first + len(samples))
        self._whole[group, 0, rows] += upper
        self._whole[group, 1, rows] += ((samples - upper) + low) - low

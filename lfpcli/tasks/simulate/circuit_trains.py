"""Spikes that drive a circuit, as trains of this process: of virtual nodes, replayed ones, and
those of synapses that act of themselves."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from lfpcli.model import Model
from lfpcli.tasks.circuits.circuit import Circuit
from lfpcli.tasks.circuits.drives import SpikeInput
from lfpcli.tasks.circuits.inputs import CircuitInputs
from lfpcli.tasks.simulate.layout import Layout
from lfpcli.tasks.simulate.trains import ReadTrains


def virtual_trains(layout: Layout, spikes: Sequence[SpikeInput], model: Model) -> list[ReadTrains]:
    """Spikes of each population of trains, within the run."""
    trains = []
    for name, numbers in layout.trains.items():
        entries = [each for each in spikes if each.edges is None and each.population == name]
        times = np.concatenate([np.empty(0), *(entry.times for entry in entries)])
        index = np.concatenate([np.empty(0, np.int64), *(entry.index for entry in entries)])
        trains.append(read_trains(numbers, times, index, model))
    return trains


def read_trains(numbers: range, times: np.ndarray, index: np.ndarray, model: Model) -> ReadTrains:
    """Trains of the spikes of nodes within the run.

    Parameters
    ----------
    numbers : range
        Numbers of the nodes.
    times : ndarray, shape (n,)
        Of the spikes, ms.
    index : ndarray of int, shape (n,)
        Index of the node of each.
    model : Model
        The model, by its run.
    """
    kept = (times >= model.run.tstart) & (times <= model.run.tstop)
    order = np.lexsort((index[kept], times[kept]))
    return ReadTrains(numbers, times[kept][order], index[kept][order] + numbers.start)


def driving_numbers(circuit: Circuit, inputs: CircuitInputs) -> dict[int, range]:
    """Numbers of replayed trains, by number of the input: negative ones, as they are no gids.

    Behind the inputs of spikes comes the train of synapses that act of themselves.
    """
    numbers: dict[int, range] = {}
    last = 0
    for k, entry in enumerate(inputs.spikes):
        if entry.edges is not None:
            count = len(circuit.nodes[entry.population])
            numbers[k] = range(last - count, last)
            last -= count
    if inputs.activity is not None:
        numbers[len(inputs.spikes)] = range(last - 1, last)
    return numbers


def driving_trains(
    numbers: dict[int, range], inputs: CircuitInputs, model: Model
) -> list[ReadTrains]:
    """The same as trains, within the run."""
    trains = []
    for k, known in numbers.items():
        if k < len(inputs.spikes):
            entry = inputs.spikes[k]
            trains.append(read_trains(known, entry.times, entry.index, model))
        elif inputs.activity is not None:
            times = inputs.activity.times
            trains.append(read_trains(known, times, np.zeros(len(times), np.int64), model))
    return trains

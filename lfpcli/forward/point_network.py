"""Networks of leaky integrate-and-fire neurons with exponential currents, whose spikes drive cells.

Between spikes the equations are linear and are solved exactly from step to step (Rotter and
Diesmann 1999, Biol Cybern 81:381). Indegrees are fixed and pairs drawn with replacement, as in the
cortical microcircuit of Potjans and Diesmann (2014, Cereb Cortex 24:785).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from lfpcli.errors import UsageError
from lfpcli.seeds import generator

# steps whose background is drawn at once; its number is part of what a seed means
_PAGE = 256
MOST_SYNAPSES = 200_000_000
"""Synapses of a network after which it gives up before it is wired."""


@dataclass(frozen=True, kw_only=True)
class Neuron:
    """A leaky integrate-and-fire neuron.

    Attributes
    ----------
    tau_m, tau_syn : float
        Time constants of the membrane and of synaptic currents, ms.
    capacitance : float
        pF.
    v_rest, v_reset, v_threshold : float
        mV.
    refractory : float
        ms.
    """

    tau_m: float = 10.0
    tau_syn: float = 0.5
    capacitance: float = 250.0
    v_rest: float = -65.0
    v_reset: float = -65.0
    v_threshold: float = -50.0
    refractory: float = 2.0


@dataclass(frozen=True, kw_only=True)
class PointNetwork:
    """A network of point neurons.

    Attributes
    ----------
    sizes : ndarray of int, shape (P,)
        Neurons of each population.
    indegrees : ndarray of int, shape (P, P)
        Synapses of a neuron of the population of the row from that of the column.
    weights : ndarray, shape (P, P)
        Peak currents of their events, pA; below zero they inhibit.
    spread : float
        Standard deviation of weights, of their mean; they keep their sign.
    delays, delay_spreads : ndarray, shape (P,)
        Mean and standard deviation of the delays of the synapses from a population, ms.
    background : ndarray, shape (P,)
        Events per s that each neuron gets from outside, Poisson distributed.
    background_weight : float
        Peak current of such an event, pA.
    currents : ndarray, shape (P,)
        Constant currents, pA.
    neuron : Neuron
        All neurons.
    dt : float
        Step, ms.
    """

    sizes: np.ndarray
    indegrees: np.ndarray
    weights: np.ndarray
    spread: float
    delays: np.ndarray
    delay_spreads: np.ndarray
    background: np.ndarray
    background_weight: float
    currents: np.ndarray
    neuron: Neuron = field(default_factory=Neuron)
    dt: float = 0.1


@dataclass(frozen=True, kw_only=True)
class _Synapses:
    """Synapses sorted by the neuron whose spikes they carry.

    Those of neuron k are rows first[k] to first[k + 1]: target (n,), weight (n,) in pA, and delay
    (n,) in steps.
    """

    first: np.ndarray
    target: np.ndarray
    weight: np.ndarray
    delay: np.ndarray


def point_spikes(
    network: PointNetwork,
    duration: float,
    *,
    seed: int,
    progress: Callable[[float], None] = lambda share: None,
) -> tuple[np.ndarray, np.ndarray]:
    """Run a network of point neurons.

    Synapses of a neuron, its potential at the begin and each page of its background have random
    streams of their own; the begin of a longer run is the same.

    Parameters
    ----------
    network : PointNetwork
        The network.
    duration : float
        ms.
    seed : int
        Seed.
    progress : callable
        Told which share of the work is done.

    Returns
    -------
    times : ndarray, shape (n,)
        ms, ascending.
    neurons : ndarray of int, shape (n,)
        Numbered on from population to population.

    Raises
    ------
    UsageError
        Where there are too many synapses.
    """
    synapses = _wired(network, seed)
    state = _State(network, synapses, seed)
    steps = round(duration / network.dt)
    times, neurons = [np.zeros(0)], [np.zeros(0, np.int64)]
    for step in range(steps):
        fired = state.advance(step)
        if len(fired):
            times.append(np.full(len(fired), (step + 1) * network.dt))
            neurons.append(fired)
        if step % _PAGE == 0:
            progress(step / steps)
    return np.concatenate(times), np.concatenate(neurons)


def _wired(network: PointNetwork, seed: int) -> _Synapses:
    """Draw the synapses, each neuron's from a stream of its own."""
    sizes, dt = network.sizes, network.dt
    total = int(np.sum(network.indegrees.sum(axis=1) * sizes))
    if total > MOST_SYNAPSES:
        raise UsageError(
            f"the network has {total:,} synapses, more than {MOST_SYNAPSES:,}",
            remedy="lower its scale",
        )
    begins = np.concatenate([[0], np.cumsum(sizes)])
    sources, targets, weights, delays = [], [], [], []
    for post, size in enumerate(sizes.tolist()):
        counts = network.indegrees[post]
        pre = np.repeat(np.arange(len(sizes)), counts)
        for neuron in range(begins[post], begins[post] + size):
            stream = generator(seed, "point neuron", neuron)
            sources.append(begins[pre] + stream.integers(sizes[pre]))
            drawn = 1.0 + network.spread * stream.standard_normal(len(pre))
            # a synapse does not change its sign, and no spike arrives at once
            weights.append(network.weights[post, pre] * np.maximum(drawn, 0.0))
            wait = network.delays[pre] + network.delay_spreads[pre] * stream.standard_normal(
                len(pre)
            )
            delays.append(np.maximum(np.rint(wait / dt).astype(np.int64), 1))
            targets.append(np.full(len(pre), neuron))
    source = np.concatenate([np.zeros(0, np.int64), *sources])
    order = np.argsort(source, kind="stable")
    return _Synapses(
        first=np.searchsorted(source[order], np.arange(begins[-1] + 1)),
        target=np.concatenate([np.zeros(0, np.int64), *targets])[order],
        weight=np.concatenate([np.zeros(0), *weights])[order],
        delay=np.concatenate([np.zeros(0, np.int64), *delays])[order],
    )


class _State:
    """Potentials and currents of all neurons, and events on their way."""

    def __init__(self, network: PointNetwork, synapses: _Synapses, seed: int) -> None:
        neuron, dt = network.neuron, network.dt
        self._network, self._synapses, self._seed = network, synapses, seed
        size = int(network.sizes.sum())
        self._owner = np.repeat(np.arange(len(network.sizes)), network.sizes)
        begin = generator(seed, "potentials of point neurons").random(size)
        self._v = neuron.v_reset + begin * (neuron.v_threshold - neuron.v_reset)
        self._current = np.zeros(size)
        self._resting = np.zeros(size, np.int64)
        self._arriving = np.zeros((int(synapses.delay.max(initial=1)) + 1, size))
        self._refractory = round(neuron.refractory / dt)
        # what a step leaves of each, and what a current makes of the potential in a step
        self._leak, self._decay = np.exp(-dt / neuron.tau_m), np.exp(-dt / neuron.tau_syn)
        resistance = neuron.tau_m / neuron.capacitance
        if neuron.tau_m == neuron.tau_syn:
            self._gain = dt / neuron.capacitance * self._leak
        else:
            share = neuron.tau_syn / (neuron.tau_syn - neuron.tau_m)
            self._gain = resistance * share * (self._decay - self._leak)
        self._drive = resistance * (1.0 - self._leak) * network.currents[self._owner]
        self._expected = network.background[self._owner] * dt / 1000.0
        self._page = np.zeros((0, size), np.int64)

    def advance(self, step: int) -> np.ndarray:
        """Go on by a step; returns the neurons that fire at its end, (n,), ascending."""
        neuron = self._network.neuron
        slot = step % len(self._arriving)
        resting = self._resting > 0
        towards = self._v - neuron.v_rest
        moved = neuron.v_rest + self._leak * towards + self._gain * self._current + self._drive
        self._v = np.where(resting, neuron.v_reset, moved)
        self._resting = np.maximum(self._resting - 1, 0)
        self._current = self._decay * self._current + self._arriving[slot]
        self._current += self._network.background_weight * self._background(step)
        self._arriving[slot] = 0.0
        fired = np.flatnonzero(self._v >= neuron.v_threshold)
        self._v[fired] = neuron.v_reset
        self._resting[fired] = self._refractory
        for source in fired.tolist():
            self._send(source, step)
        return fired

    def _send(self, source: int, step: int) -> None:
        synapses = self._synapses
        rows = slice(synapses.first[source], synapses.first[source + 1])
        slots = (step + synapses.delay[rows]) % len(self._arriving)
        np.add.at(self._arriving, (slots, synapses.target[rows]), synapses.weight[rows])

    def _background(self, step: int) -> np.ndarray:
        """Events from outside in a step, (N,)."""
        page, row = divmod(step, _PAGE)
        if row == 0:
            stream = generator(self._seed, "background of point neurons", page)
            self._page = stream.poisson(self._expected, (_PAGE, len(self._expected)))
        return np.asarray(self._page[row])

# ruff: noqa: RUF009 - key() declares dataclass fields
"""Networks of point neurons as ``lfp spikes`` runs them: the tables of their files."""

from __future__ import annotations

import os
from dataclasses import dataclass

import numpy as np

from lfpcli.forward import point_network
from lfpcli.model.source_text import At
from lfpcli.model.tables import Table, key, read_table, table
from lfpcli.model.text import read_source
from lfpcli.model.value_types import TEXT, listing, number

NETWORK = "network"
"""Name of the table that a file of a network has, and one of trains has not."""
_MATRIX = listing(listing(number()), least=1)


@dataclass(frozen=True, kw_only=True)
class NeuronTable(Table):
    """The neuron that all are."""

    tau_m: float = key(number("ms", above=0), 10.0, doc="Time constant of the membrane.")
    tau_syn: float = key(number("ms", above=0), 0.5, doc="Time constant of synaptic currents.")
    capacitance: float = key(number("pF", above=0), 250.0, doc="Capacitance.")
    v_rest: float = key(number("mV"), -65.0, doc="Potential at rest.")
    v_reset: float = key(number("mV"), -65.0, doc="Potential after a spike.")
    v_threshold: float = key(number("mV"), -50.0, doc="Potential that is a spike.")
    refractory: float = key(number("ms", least=0), 2.0, doc="Dead time after a spike.")

    def check(self, at: At) -> None:
        """Raise `InputError` where a neuron would fire on and on."""
        if self.v_reset >= self.v_threshold:
            raise (at / "v_reset").expected("a number below v_threshold", self.v_reset)


@dataclass(frozen=True, kw_only=True)
class NetworkTable(Table):
    """Populations and what connects them; lists and the rows and columns of tables go by them."""

    populations: tuple[str, ...] = key(listing(TEXT, least=1), doc="Their names.")
    sizes: tuple[float, ...] = key(listing(number(least=1)), doc="Neurons of each.")
    scale: float = key(
        number(above=0, most=1),
        1.0,
        doc="Share of the neurons, and of the synapses of each, that is simulated. Weights grow "
        "by the root of what is left out and a constant current stands for its mean (needs rates).",
    )
    probability: tuple[tuple[float, ...], ...] = key(
        _MATRIX,
        doc="Chance that a pair is connected at least once, a row a postsynaptic population: "
        "ln(1 - C) / ln(1 - 1 / (N_X N_Y)) synapses in all, as many for each neuron.",
    )
    inhibitory: tuple[str, ...] = key(listing(TEXT), (), doc="Populations that inhibit.")
    weight: float = key(number("pA", above=0), doc="Peak current of an excitatory event.")
    inhibition: float = key(
        number(least=0), 4.0, doc="Size of an inhibitory one, of the excitatory one."
    )
    strengths: tuple[tuple[float, ...], ...] | None = key(
        _MATRIX, None, doc="Factors of weights, a row a postsynaptic population."
    )
    spread: float = key(number(least=0), 0.1, doc="Spread of weights, of their mean.")
    delay: float = key(number("ms", above=0), 1.5, doc="Mean delay from excitatory neurons.")
    inhibitory_delay: float = key(number("ms", above=0), 0.75, doc="From inhibitory ones.")
    delay_spread: float = key(number(least=0), 0.5, doc="Spread of delays, of their mean.")
    background: tuple[float, ...] = key(
        listing(number(least=0)), doc="Synapses of a neuron that get events from outside."
    )
    background_rate: float = key(
        number("Hz", least=0), 8.0, doc="Rate of each of them, a Poisson process."
    )
    rates: tuple[float, ...] | None = key(
        listing(number("Hz", least=0)), None, doc="Rates of the populations at full scale."
    )
    dt: float = key(number("ms", above=0), 0.1, doc="Time step.")

    def check(self, at: At) -> None:
        """Raise `InputError` where lists and tables do not fit the populations."""
        count = len(self.populations)
        if len(set(self.populations)) < count:
            raise (at / "populations").error("names a population twice")
        for name in ("sizes", "background", "rates"):
            values = getattr(self, name)
            if values is not None and len(values) != count:
                raise (at / name).error(f"has {len(values)} values for {count} populations")
        for name in ("probability", "strengths"):
            rows = getattr(self, name)
            if rows is not None and [len(row) for row in rows] != [count] * count:
                raise (at / name).error(f"is no table of {count} rows and columns")
        for row in self.probability:
            if not all(0 <= value < 1 for value in row):
                raise (at / "probability").error("has a chance that is not from 0 to below 1")
        for name in self.inhibitory:
            if name not in self.populations:
                raise (at / "inhibitory").error(f"names '{name}', which is no population")
        if self.scale < 1 and self.rates is None:
            raise at.table_error(
                "has a scale below 1 and needs the key 'rates'",
                "give the rates of the populations at full scale",
            )


@dataclass(frozen=True, kw_only=True)
class PointNetworkFile(Table):
    """A file of a network."""

    network: NetworkTable = key(table(NetworkTable), doc="Populations and connections.")
    neuron: NeuronTable = key(table(NeuronTable), NeuronTable(), doc="What all neurons are.")

    def scaled(self) -> tuple[dict[str, int], point_network.PointNetwork]:
        """Sizes of the populations, and the network at its scale.

        Weights of a network of the share s are larger by 1/sqrt(s), which keeps the fluctuations
        of currents, and (1 - sqrt(s)) of their mean is a constant current (van Albada et al. 2015,
        PLoS Comput Biol 11:e1004490).
        """
        file, neuron = self.network, self.neuron
        whole = np.array(file.sizes)
        sizes = np.maximum(np.rint(file.scale * whole), 1).astype(np.int64)
        chances = np.array(file.probability)
        synapses = np.log1p(-chances) / np.log1p(-1.0 / np.outer(whole, whole))
        full = synapses / whole[:, None]
        inhibits = np.array([name in file.inhibitory for name in file.populations])
        weights = np.where(inhibits, -file.inhibition, 1.0) * file.weight
        weights = np.tile(weights, (len(whole), 1))
        if file.strengths is not None:
            weights = weights * np.array(file.strengths)
        root = np.sqrt(file.scale)
        events = np.array(file.background) * file.background_rate
        mean = file.weight * events
        if file.rates is not None:
            mean = mean + (full * weights) @ np.array(file.rates)
        delays = np.where(inhibits, file.inhibitory_delay, file.delay)
        network = point_network.PointNetwork(
            sizes=sizes,
            indegrees=np.rint(file.scale * full).astype(np.int64),
            weights=weights / root,
            spread=file.spread,
            delays=delays,
            delay_spreads=file.delay_spread * delays,
            background=file.scale * events,
            background_weight=file.weight / root,
            currents=(1.0 - root) * neuron.tau_syn / 1000.0 * mean,
            neuron=point_network.Neuron(
                tau_m=neuron.tau_m,
                tau_syn=neuron.tau_syn,
                capacitance=neuron.capacitance,
                v_rest=neuron.v_rest,
                v_reset=neuron.v_reset,
                v_threshold=neuron.v_threshold,
                refractory=neuron.refractory,
            ),
            dt=file.dt,
        )
        return dict(zip(file.populations, sizes.tolist(), strict=True)), network


def read_point_network(source: str | os.PathLike[str]) -> PointNetworkFile | None:
    """Read a file of a network; None where it has no table ``[network]``, as one of trains.

    Parameters
    ----------
    source : path-like
        A TOML or JSON file.

    Raises
    ------
    InputError
        Where there is no such file, or a table is wrong; names file and line.
    """
    tree, text = read_source(source)
    if not isinstance(tree.get(NETWORK), dict) or "populations" not in tree[NETWORK]:
        return None
    return read_table(PointNetworkFile, tree, At(text))

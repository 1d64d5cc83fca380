"""Synapses between populations, drawn for each postsynaptic cell by itself."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from lfpcli.compat.lfpy import draws
from lfpcli.compat.lfpy.population import NetworkPopulation, gathered
from lfpcli.compat.lfpy.templatecell import Connection
from lfpcli.errors import UsageError
from lfpcli.runtime.neuron import context, nrn
from lfpcli.seeds import generator

CONNECTIONS_FILE = "synapse_connections.h5"
_ROW = np.dtype(
    [
        ("gid_pre", "i8"),
        ("gid", "i8"),
        ("weight", "f8"),
        ("delay", "f8"),
        ("sec", "S64"),
        ("sec.x", "f8"),
        ("x", "f8"),
        ("y", "f8"),
        ("z", "f8"),
    ]
)


@dataclass(frozen=True, kw_only=True)
class Rules:
    """What synapses of a connection are drawn from.

    Attributes
    ----------
    syntype : class of NEURON
        The point process.
    synparams : mapping
        Its parameters.
    weight, delay, count : (callable, mapping)
        Distributions with their arguments: uS, ms, synapses for each connection.
    least_weight, least_delay : float
        uS, ms.
    places : mapping
        Arguments of `Cell.get_rand_idx_area_and_distribution_norm`.
    """

    syntype: Any
    synparams: Mapping[str, Any]
    weight: tuple[Any, Mapping[str, Any]]
    least_weight: float
    delay: tuple[Any, Mapping[str, Any]]
    least_delay: float
    count: tuple[Any, Mapping[str, Any]]
    places: Mapping[str, Any]

    @classmethod
    def of_lfpy(cls, **values: Any) -> Rules:
        """Rules with LFPy's values where None is."""
        from scipy import stats

        usual_arguments = {
            "weight": {"loc": 0.1, "scale": 0.01},
            "delay": {"a": 0.3, "b": np.inf, "loc": 2.0, "scale": 0.2},
            "count": {"a": -3.0, "b": 6.0, "loc": 4.0, "scale": 1.0},
        }
        for name, usual in usual_arguments.items():
            function, arguments = values[name]
            # the name stands in for scipy, which signatures do not import
            if function == "truncnorm":
                function = stats.truncnorm
            values[name] = function, usual if arguments is None else arguments
        if values["syntype"] is None:
            values["syntype"] = nrn().ExpSyn
        if values["synparams"] is None:
            values["synparams"] = {"tau": 2.0, "e": 0.0}
        if values["places"] is None:
            values["places"] = {
                "section": ["soma", "dend", "apic"],
                "fun": [stats.norm] * 2,
                "funargs": [{"loc": 0.0, "scale": 100.0}] * 2,
                "funweights": [0.5] * 2,
                "z_min": -1e6,
                "z_max": 1e6,
            }
        return cls(**values)


@dataclass(frozen=True, kw_only=True)
class Connections:
    """Which cells are connected.

    Attributes
    ----------
    sources, targets : NetworkPopulation
    connectivity : ndarray of bool, shape (presynaptic cells, cells of `targets` here)
    seed, number : int
        Seed of the network, and number of this draw from it.
    """

    sources: NetworkPopulation
    targets: NetworkPopulation
    connectivity: np.ndarray
    seed: int
    number: int

    def __post_init__(self) -> None:
        expected = self.sources.POP_SIZE, len(self.targets.gids)
        if self.connectivity.shape != expected:
            raise UsageError(
                f"connectivity has shape {self.connectivity.shape}, expected {expected}"
            )

    @property
    def name(self) -> str:
        """Name of the dataset of the synapses."""
        return f"{self.sources.name}:{self.targets.name}"


def connect(connections: Connections, rules: Rules, folder: Path | None) -> list[int]:
    """Make the synapses.

    Parameters
    ----------
    connections : Connections
    rules : Rules
    folder : Path or None
        Where ``synapse_connections.h5`` gets a row for each.

    Returns
    -------
    list of int
        Numbers of connections and of synapses, of all processes.
    """
    rows: list[Any] = []
    pairs = 0
    for k, cell in enumerate(connections.targets.cells):
        before = np.flatnonzero(connections.connectivity[:, k]) + connections.sources.first_gid
        pairs += len(before)
        rows += _make_synapses(cell, before, connections, rules)
    pc = context()
    counts = [int(pc.allreduce(number, 1)) for number in (pairs, len(rows))]
    if folder is not None:
        everyone = gathered(rows)
        if everyone is not None:
            _write(folder / CONNECTIONS_FILE, connections.name, everyone, rules)
    return counts


def _make_synapses(
    cell: Any, before: np.ndarray, connections: Connections, rules: Rules
) -> list[Any]:
    """Make the synapses of one postsynaptic cell; return rows that tell of them."""
    if not len(before):
        return []
    # a stream for each cell, so that the number of processes changes nothing
    rng = generator(connections.seed, "lfpy synapses", connections.number, cell.gid)
    counts = draws.synapse_counts(*rules.count, len(before), rng)
    sources = np.repeat(before, counts)
    weight = draws.weights(*rules.weight, len(sources), rng, least=rules.least_weight)
    delay = draws.weights(*rules.delay, len(sources), rng, least=rules.least_delay)
    segments = _places(cell, len(sources), rules.places, rng)
    x, y, z = (values.mean(axis=-1) for values in (cell.x, cell.y, cell.z))
    pc, rows = context(), []
    for k, index in enumerate(segments):
        segment = cell.segments[index]
        point = cell.create_synapse(
            cell, segment.sec, segment.x, syntype=rules.syntype, synparams=dict(rules.synparams)
        )
        netcon = pc.gid_connect(int(sources[k]), point)
        netcon.weight[0], netcon.delay = float(weight[k]), float(delay[k])
        cell.connections.append(Connection(point, netcon, int(index)))
        name, along = segment.sec.name(), segment.x
        place = x[index], y[index], z[index]
        rows.append((int(sources[k]), cell.gid, weight[k], delay[k], name, along, *place))
    return rows


def _places(cell: Any, number: int, places: Mapping[str, Any], rng: Any) -> np.ndarray:
    """Segments of synapses, by their area times densities of depth, shape (number,)."""
    candidates, chances = cell.chances_of_depth(**places)
    drawn: np.ndarray = rng.choice(candidates, size=number, p=chances / np.sum(chances))
    return drawn


def _write(path: Path, name: str, rows: list[Any], rules: Rules) -> None:
    import h5py

    mechanism = str(rules.syntype).strip("()")
    with h5py.File(path, "a") as file:
        group = f"synparams/{name}"
        for old in (name, group):
            if old in file:
                del file[old]
        file[name] = np.array([(*row[:4], row[4].encode(), *row[5:]) for row in rows], dtype=_ROW)
        file[f"{group}/mechanism"] = mechanism
        for key, value in rules.synparams.items():
            file[f"{group}/{key}"] = value

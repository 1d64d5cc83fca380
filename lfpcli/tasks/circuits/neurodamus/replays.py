"""Spikes of files that reach the synapses of a circuit as if its nodes had fired."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from lfpcli.errors import InputError
from lfpcli.io.recording import open_hdf5
from lfpcli.io.sonata.nodes import index_of
from lfpcli.io.spike_files import read_spikes
from lfpcli.tasks.circuits.circuit import Circuit, selected_nodes


@dataclass(frozen=True, kw_only=True)
class Replay:
    """Spikes that reach synapses as if nodes of a population had fired.

    Attributes
    ----------
    population : str
        The population.
    times : ndarray, shape (n,)
        ms, ascending.
    index : ndarray of int, shape (n,)
        Index of the node of each spike in the population of the files.
    targets : mapping of str to ndarray of int, shape (m,)
        Indices of the nodes that they reach, in the populations of the files.
    """

    population: str
    times: np.ndarray
    index: np.ndarray
    targets: Mapping[str, np.ndarray]


def read_replays(circuit: Circuit, entry: Mapping[str, Any], source: str) -> list[Replay]:
    """Spikes of each population of a file, less those before the input begins.

    Parameters
    ----------
    circuit : Circuit
        The circuit.
    entry : mapping
        The input in the configuration.
    source : str
        What to call it in messages.

    Raises
    ------
    InputError
        Where the file is none of spikes, or has none of the circuit.
    """
    file = entry.get("spike_file")
    if not isinstance(file, str) or not file.endswith(".h5"):
        raise InputError(
            f"spike_file is {file!r}", source=source, remedy="name a file of SONATA spikes, .h5"
        )
    path = circuit.config.path(file)
    targets = _nodes(circuit, entry.get("node_set", "all"), source)
    origins = _nodes(circuit, entry.get("source", "all"), source)
    begin = entry.get("delay", 0.0)
    if isinstance(begin, bool) or not isinstance(begin, int | float):
        raise InputError(f"delay is {begin!r}", source=source, remedy="give a number, ms")
    names = _populations(path)
    replays = []
    for name in (name for name in names if name in origins):
        times, node_ids = read_spikes(path, name)
        index, inside = index_of(node_ids, circuit.whole[name].node_ids)
        inside &= np.isin(index, origins[name]) & (times >= begin)
        order = np.lexsort((index[inside], times[inside]))
        replays.append(
            Replay(
                population=name,
                times=times[inside][order],
                index=index[inside][order],
                targets=targets,
            )
        )
    if not replays:
        raise InputError(
            f"has spikes of {', '.join(names) or 'no population'}, none of which is in the circuit",
            source=path,
            remedy=f"name the spikes of one of {', '.join(circuit.whole)}",
        )
    return replays


def _nodes(circuit: Circuit, wanted: Any, source: str) -> dict[str, np.ndarray]:
    """Indices of the nodes of a node set in the populations of the files, (n,) each."""
    return selected_nodes(
        wanted,
        source,
        populations=circuit.whole,
        node_sets=circuit.config.node_sets,
        cells=set(circuit.cells),
    )


def _populations(path: Path) -> list[str]:
    """Populations of a file of spikes."""
    with open_hdf5(path) as (file, label):
        group = file.get("spikes")
        if not isinstance(group, h5py.Group):
            raise InputError("has no group /spikes", source=label, remedy="give SONATA spikes")
        return [name for name in group if isinstance(group[name], h5py.Group)]

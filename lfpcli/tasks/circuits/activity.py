"""Events that synapses between cells have of themselves, in place of the spikes of the cells."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from lfpcli.errors import InputError
from lfpcli.tasks.circuits.circuit import Circuit


@dataclass(frozen=True, kw_only=True)
class SynapseActivity:
    """Times at which synapses between some cells act; those between others never do, as in bmtk.

    Attributes
    ----------
    times : ndarray, shape (n,)
        When an event leaves the presynaptic side, ms; the synapse's delay comes on top.
    sources, targets : mapping of str to ndarray of int
        Indices of the presynaptic and of the postsynaptic cells, by population.
    """

    times: np.ndarray
    sources: Mapping[str, np.ndarray]
    targets: Mapping[str, np.ndarray]

    def active(self, population: str, index: np.ndarray) -> np.ndarray:
        """Which presynaptic cells, given by index (n,), have synapses that act; (n,), bool."""
        return np.isin(index, self.sources.get(population, np.empty(0, np.int64)))

    def reaches(self, population: str, index: int) -> bool:
        """Whether synapses onto a cell act."""
        return bool(np.isin(index, self.targets.get(population, np.empty(0, np.int64))))


def synapse_activity(circuit: Circuit, entry: Mapping[str, Any], source: str) -> SynapseActivity:
    """Read an input of the module ``syn_activity``.

    Parameters
    ----------
    circuit : Circuit
        The circuit.
    entry : mapping
        The input, with ``precell_filter``, ``postcell_filter`` and ``timestamps``.
    source : str
        What to call it in messages.

    Raises
    ------
    InputError
        Where it names no times, or chooses no cells.
    """
    if "precell_filter" not in entry:
        raise InputError(
            "names no precell_filter", source=source, remedy='add it: {"attribute": value}'
        )
    value = entry.get("timestamps")
    try:
        times = np.atleast_1d(np.array(value, dtype=float))
    except (TypeError, ValueError):
        times = np.array([np.nan])
    if times.ndim != 1 or not np.all(np.isfinite(times)):
        raise InputError(
            f"timestamps are {value!r}", source=source, remedy="give a time or a list of them, ms"
        )
    sides = {}
    for key in ("precell_filter", "postcell_filter"):
        chosen = circuit.node_set(entry.get(key, {}), f"{source}.{key}")
        sides[key] = {name: index for name, index in chosen.items() if name in circuit.cells}
        if not sides[key]:
            raise InputError("chooses no cells", source=f"{source}.{key}", remedy="correct it")
    return SynapseActivity(
        times=np.sort(times), sources=sides["precell_filter"], targets=sides["postcell_filter"]
    )

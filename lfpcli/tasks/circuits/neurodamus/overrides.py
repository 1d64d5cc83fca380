"""``connection_overrides``: what changes the connections between two node sets."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from lfpcli.errors import InputError, nearest
from lfpcli.tasks.circuits.circuit import Circuit, selected_nodes

_KEYS = (
    "name",
    "source",
    "target",
    "weight",
    "spont_minis",
    "synapse_configure",
    "synapse_delay_override",
    "delay",
)
_REFUSED = ("modoverride", "neuromodulation_dtc", "neuromodulation_strength")
# %s.NAME = NUMBER sets a parameter of each synapse; NAME_MECHANISM = NUMBER one of all
_NUMBER = r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?"
_ASSIGNMENT = re.compile(rf"\s*(%s\.)?([A-Za-z_]\w*)\s*=\s*({_NUMBER})\s*;?")


@dataclass(frozen=True, kw_only=True)
class Override:
    """One entry of the list.

    Attributes
    ----------
    name : str
        Its name.
    sources, targets : mapping of str to ndarray of int, shape (n,)
        Indices of nodes in the populations of the files.
    weight : float
        What conductances are multiplied by.
    minis : float or None
        Rate of spontaneous events of each synapse, 1/s.
    synapse_delay : float or None
        Delay in place of that of the edges, ms.
    settings : mapping of str to float
        Parameters that synapses get.
    begin : float
        When the weight begins to hold, ms; where it is above 0 nothing else does.
    """

    name: str
    sources: Mapping[str, np.ndarray]
    targets: Mapping[str, np.ndarray]
    weight: float = 1.0
    minis: float | None = None
    synapse_delay: float | None = None
    settings: Mapping[str, float] = field(default_factory=dict)
    begin: float = 0.0


@dataclass(kw_only=True)
class Overridden:
    """What holds for synapses once all overrides have been taken, shape (S,) each.

    Attributes
    ----------
    weight : ndarray
        What conductances are multiplied by.
    minis, delay : ndarray
        1/s and ms; NaN where nothing is said.
    is_named : ndarray of bool
        Whether some override names them.
    settings : list of (mapping, ndarray of bool)
        Parameters with the synapses that get them, in their order.
    later : list of (float, float, ndarray of bool)
        Times (ms) and factors of weights that hold from them on, with the synapses.
    """

    weight: np.ndarray
    minis: np.ndarray
    delay: np.ndarray
    is_named: np.ndarray
    settings: list[tuple[Mapping[str, float], np.ndarray]] = field(default_factory=list)
    later: list[tuple[float, float, np.ndarray]] = field(default_factory=list)


def read_overrides(circuit: Circuit) -> tuple[list[Override], dict[str, float]]:
    """Read the overrides of a configuration, in their order.

    Returns
    -------
    overrides : list of Override
        The overrides.
    common : dict of str to float
        Parameters that all synapses of a mechanism share, by their names in NEURON.

    Raises
    ------
    InputError
        Where a key is not known or not run, or a value is not what it should be.
    """
    overrides: list[Override] = []
    common: dict[str, float] = {}
    for number, entry in enumerate(circuit.config.overrides):
        source = f"{circuit.config.file}: connection_overrides[{number}]"
        _check_keys(entry, source)
        settings = _settings(entry.get("synapse_configure"), source)
        common |= {name: value for (is_own, name), value in settings.items() if not is_own}
        nodes = [_nodes(circuit, entry, key, source) for key in ("source", "target")]
        overrides.append(
            Override(
                name=str(entry.get("name", number)),
                sources=nodes[0],
                targets=nodes[1],
                weight=_number(entry, "weight", 1.0, source),
                minis=_optional(entry, "spont_minis", source),
                synapse_delay=_optional(entry, "synapse_delay_override", source),
                settings={name: value for (is_own, name), value in settings.items() if is_own},
                begin=_number(entry, "delay", 0.0, source),
            )
        )
    return overrides, common


def _check_keys(entry: Mapping[str, Any], source: str) -> None:
    for key in entry:
        if key in _REFUSED:
            raise InputError(
                f"{key} is not run ({entry[key]!r})",
                source=source,
                remedy="leave it out; synapses are ProbAMPANMDA_EMS and ProbGABAAB_EMS",
            )
        if key not in _KEYS:
            raise InputError(
                f"unknown key '{key}'", source=source, remedy=nearest(key, _KEYS, "key")
            )


def _nodes(
    circuit: Circuit, entry: Mapping[str, Any], key: str, source: str
) -> dict[str, np.ndarray]:
    if key not in entry:
        raise InputError(f"has no {key}", source=source, remedy="name a node set")
    return selected_nodes(
        entry[key],
        f"{source}: {key}",
        populations=circuit.whole,
        node_sets=circuit.config.node_sets,
        cells=set(circuit.cells),
    )


def _settings(text: Any, source: str) -> dict[tuple[bool, str], float]:
    """Numbers that a text of hoc sets: of single synapses (True) or of their mechanism."""
    settings: dict[tuple[bool, str], float] = {}
    if text is None:
        return settings
    rest = str(text).strip()
    while rest:
        match = _ASSIGNMENT.match(rest)
        if match is None:
            raise InputError(
                f"synapse_configure '{rest[:60]}' is no assignment of a number",
                source=source,
                remedy="give assignments such as %s.NMDA_ratio = 0.4 %s.Fac = 0; other code of hoc "
                "is not run",
            )
        settings[match[1] is not None, match[2]] = float(match[3])
        rest = rest[match.end() :].strip()
    return settings


def _number(entry: Mapping[str, Any], key: str, usual: float, source: str) -> float:
    value = entry.get(key, usual)
    if isinstance(value, bool) or not isinstance(value, int | float) or not value >= 0:
        raise InputError(f"{key} is {value!r}", source=source, remedy="give a number, 0 or above")
    return float(value)


def _optional(entry: Mapping[str, Any], key: str, source: str) -> float | None:
    return _number(entry, key, 0.0, source) if entry.get(key) is not None else None


def overridden(
    overrides: Sequence[Override],
    *,
    populations: tuple[str, str],
    source: np.ndarray,
    target: np.ndarray,
) -> Overridden:
    """What overrides make of synapses.

    As in neurodamus each override sets all that it may say anew: one that is silent about
    spontaneous events or the delay undoes what an earlier one has said of them.

    Parameters
    ----------
    overrides : sequence of Override
        The overrides.
    populations : (str, str)
        Populations of the presynaptic and of the postsynaptic nodes.
    source, target : ndarray of int, shape (S,)
        Indices of the nodes in the populations of the files.
    """
    count = len(source)
    result = Overridden(
        weight=np.ones(count),
        minis=np.full(count, np.nan),
        delay=np.full(count, np.nan),
        is_named=np.zeros(count, bool),
    )
    for override in overrides:
        sources = override.sources.get(populations[0], np.empty(0, np.int64))
        targets = override.targets.get(populations[1], np.empty(0, np.int64))
        inside = np.isin(source, sources) & np.isin(target, targets)
        result.is_named |= inside
        if override.begin > 0:
            result.later.append((override.begin, override.weight, inside))
            continue
        result.weight[inside] = override.weight
        result.minis[inside] = np.nan if override.minis is None else override.minis
        delay = override.synapse_delay
        # neurodamus takes a delay of 0 for none
        result.delay[inside] = delay or np.nan
        if override.settings:
            result.settings.append((override.settings, inside))
    return result

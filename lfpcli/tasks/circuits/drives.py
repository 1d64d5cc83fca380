"""Spikes that drive a circuit: of virtual nodes, of recorded units, and replayed ones of cells."""

from __future__ import annotations

import csv
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from lfpcli.errors import InputError
from lfpcli.io.sonata.config import TablePair
from lfpcli.io.sonata.nodes import index_of
from lfpcli.io.sonata.units import RecordedUnits, read_interval, read_units, within
from lfpcli.io.spike_files import read_spikes
from lfpcli.io.stream import check_input
from lfpcli.tasks.circuits.circuit import Circuit

# a fresh generator of a purpose and a number
Streams = Callable[[str, int], np.random.Generator]
_MAPPINGS = ("units_map", "sample", "sample_without_replacement", "sample_with_replacement")
_SECOND = 1e-3


@dataclass(frozen=True, kw_only=True)
class SpikeInput:
    """Spikes of a population of nodes.

    Attributes
    ----------
    population : str
        The population.
    times : ndarray, shape (n,)
        ms, ascending.
    index : ndarray of int, shape (n,)
        Index of the node of each spike.
    edges : TablePair, optional
        Where spikes are replayed: the edges that they go by, in place of the circuit's own.
    sources : ndarray of int, shape (m,), optional
        With these edges: indices of the nodes whose edges are taken.
    targets : mapping of str to ndarray of int, optional
        With these edges: indices of the nodes, by population, onto which edges are taken.
    """

    population: str
    times: np.ndarray
    index: np.ndarray
    edges: TablePair | None = None
    sources: np.ndarray | None = None
    targets: Mapping[str, np.ndarray] | None = None


def virtual_spikes(circuit: Circuit, entry: Mapping[str, Any], source: str) -> list[SpikeInput]:
    """Spikes of populations of virtual nodes, from a file.

    Raises
    ------
    InputError
        Where the input drives no such population, or names no file.
    """
    node_sets = _driven(circuit, entry, source)
    file = entry.get("input_file")
    if not isinstance(file, str):
        raise InputError("names no input_file", source=source, remedy="add it")
    inputs = []
    for population, chosen in node_sets.items():
        times, node_ids = read_spikes(circuit.config.path(file), population)
        inputs.append(_input(circuit, population, chosen, times=times, node_ids=node_ids))
    return inputs


def _driven(circuit: Circuit, entry: Mapping[str, Any], source: str) -> dict[str, np.ndarray]:
    node_sets = circuit.node_set(entry.get("node_set", "all"), source)
    driven = {name: index for name, index in node_sets.items() if name in circuit.trains}
    if not driven:
        raise InputError(
            "drives no population of virtual nodes", source=source, remedy="correct its node_set"
        )
    return driven


def _input(
    circuit: Circuit,
    population: str,
    chosen: np.ndarray,
    *,
    times: np.ndarray,
    node_ids: np.ndarray,
    **more: Any,
) -> SpikeInput:
    """Spikes of some nodes, sorted; a file may hold those of nodes that the circuit leaves out."""
    index, inside = index_of(node_ids, circuit.nodes[population].node_ids)
    kept = inside.copy()
    kept[inside] = np.isin(index[inside], chosen)
    order = np.lexsort((index[kept], times[kept]))
    return SpikeInput(
        population=population, times=times[kept][order], index=index[kept][order], **more
    )


def replayed_spikes(circuit: Circuit, entry: Mapping[str, Any], source: str) -> list[SpikeInput]:
    """Spikes of an earlier run, which reach their targets by edges of their own.

    Raises
    ------
    InputError
        Where the input names no spikes or edges, or no cells.
    """
    file, edges = entry.get("spikes_file"), entry.get("edges")
    if not isinstance(file, str):
        raise InputError("names no spikes_file", source=source, remedy="add it")
    if not isinstance(edges, dict) or not isinstance(edges.get("edges_file"), str):
        raise InputError(
            "names no edges", source=source, remedy='add "edges": {"edges_file": ..., ...}'
        )
    types = edges.get("edge_types_file")
    pair = TablePair(
        data=circuit.config.path(edges["edges_file"]),
        types=circuit.config.path(types) if isinstance(types, str) else None,
    )
    sources = circuit.node_set(entry.get("source_node_set", "all"), source)
    targets = circuit.node_set(entry.get("target_node_set", "all"), source)
    inputs = []
    for population, chosen in sources.items():
        try:
            times, node_ids = read_spikes(circuit.config.path(file), population)
        except InputError:
            # a file of spikes need not have all populations, but one of them
            continue
        inputs.append(
            _input(
                circuit,
                population,
                chosen,
                times=times,
                node_ids=node_ids,
                edges=pair,
                sources=chosen,
                targets=targets,
            )
        )
    if not inputs:
        # the first population's error says what is wrong with the file
        read_spikes(circuit.config.path(file), next(iter(sources), None))
        raise InputError("replays no spikes", source=source, remedy="correct source_node_set")
    return inputs


def unit_spikes(
    circuit: Circuit, entry: Mapping[str, Any], source: str, rng: np.random.Generator
) -> list[SpikeInput]:
    """Spikes of recorded units (NWB), each node those of one unit.

    Parameters
    ----------
    circuit : Circuit
        The circuit.
    entry : mapping
        The input, of the module ``ecephys_probe``.
    source : str
        What to call it in messages.
    rng : numpy.random.Generator
        What a mapping by chance is drawn from.

    Raises
    ------
    InputError
        Where a file or unit is not there, or there are too few units.
    """
    if "dandi_repo" in entry:
        raise InputError(
            "dandi_repo is not fetched", source=source, remedy="fetch the file, name it: input_file"
        )
    mapping = str(entry.get("mapping", "")).lower()
    if mapping not in _MAPPINGS:
        raise InputError(
            f"mapping is '{mapping}'", source=source, remedy=f"use one of {', '.join(_MAPPINGS)}"
        )
    files = entry.get("input_file")
    names: list[str] = [name for name in _as_list(files) if isinstance(name, str)]
    if not names or len(names) != len(_as_list(files)):
        raise InputError("names no input_file", source=source, remedy="add the NWB file")
    recordings = [read_units(circuit.config.path(name)) for name in names]
    spans = _spans(circuit, entry, names, source)
    driven = _driven(circuit, entry, source)
    offset = _number(entry.get("interval_offset", 0.0), "interval_offset", source)
    units: dict[int, np.ndarray] = {}
    if mapping == "units_map":
        chosen, own_spans = _unit_map(circuit, entry, source)
    else:
        wanted = entry.get("units", {})
        ids = [recorded.ids[_filtered(recorded, wanted, source)] for recorded in recordings]
        nodes = [circuit.nodes[name].node_ids[index] for name, index in driven.items()]
        chosen = _sampled(
            np.concatenate(nodes), np.concatenate(ids), mapping, rng=rng, entry=entry, source=source
        )
        own_spans = {}
    for recorded, span in zip(recordings, spans, strict=True):
        for unit, times in zip(recorded.ids.tolist(), recorded.spikes, strict=True):
            units[unit] = within(times, own_spans.get(unit, span), offset)
    inputs = []
    for population, index in driven.items():
        times, node_ids = _spikes_of_nodes(
            circuit.nodes[population].node_ids[index], chosen, units, entry=entry, source=source
        )
        inputs.append(_input(circuit, population, index, times=times, node_ids=node_ids))
    return inputs


def _as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _filtered(recorded: RecordedUnits, wanted: Any, source: str) -> np.ndarray:
    if not isinstance(wanted, dict):
        raise InputError(
            "units are no filter", source=source, remedy='give {"column": value}, or units_map'
        )
    return recorded.selected(wanted, source)


def _spikes_of_nodes(
    node_ids: np.ndarray,
    chosen: Mapping[int, int],
    units: Mapping[int, np.ndarray],
    *,
    entry: Mapping[str, Any],
    source: str,
) -> tuple[np.ndarray, np.ndarray]:
    """Times (ms) and node ids of the spikes of the units of nodes."""
    times, nodes = [np.empty(0)], [np.empty(0, np.int64)]
    for node in node_ids.tolist():
        unit = chosen.get(node)
        if unit is None or unit not in units:
            if str(entry.get("missing_ids", "fail")) == "fail":
                raise InputError(
                    f"node {node} has no unit" if unit is None else f"there is no unit {unit}",
                    source=source,
                    remedy='add it to the map, or give missing_ids = "warn"',
                )
            continue
        times.append(units[unit])
        nodes.append(np.full(len(units[unit]), node))
    return np.concatenate(times), np.concatenate(nodes)


def _spans(
    circuit: Circuit, entry: Mapping[str, Any], names: Sequence[str], source: str
) -> list[tuple[float, float] | None]:
    """The span (s) of the spikes that are taken of each file."""
    value = entry.get("interval")
    if value is None:
        return [None] * len(names)
    several = isinstance(value, list) and bool(value) and isinstance(value[0], list | dict)
    values = value if several else [value] * len(names)
    if len(values) != len(names):
        raise InputError(
            f"has {len(values)} intervals for {len(names)} files",
            source=source,
            remedy="give one, or one for each file",
        )
    spans: list[tuple[float, float] | None] = []
    for name, each in zip(names, values, strict=True):
        if isinstance(each, dict):
            spans.append(read_interval(circuit.config.path(name), each, source))
            continue
        if not isinstance(each, list) or len(each) != 2:
            raise InputError(
                f"interval is {each!r}", source=source, remedy="give [begin, end] in ms"
            )
        begin, end = (_number(number, "interval", source) for number in each)
        spans.append((begin * _SECOND, end * _SECOND))
    return spans


def _unit_map(
    circuit: Circuit, entry: Mapping[str, Any], source: str
) -> tuple[dict[int, int], dict[int, tuple[float, float]]]:
    """Unit of each node, and spans (s) of units, from a table."""
    name = entry.get("units")
    if not isinstance(name, str):
        raise InputError(
            "units names no table", source=source, remedy="give a file with node_ids and unit_ids"
        )
    path: Path = circuit.config.path(name)
    check_input(path)
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
        rows = list(csv.DictReader(lines, delimiter=" ", skipinitialspace=True))
        chosen = {int(row["node_ids"]): int(row["unit_ids"]) for row in rows}
        spans = {}
        for row in rows:
            if row.get("start_times") and row.get("stop_times"):
                begin, end = float(row["start_times"]), float(row["stop_times"])
                spans[int(row["unit_ids"])] = begin * _SECOND, end * _SECOND
    except (KeyError, TypeError, ValueError, csv.Error) as error:
        raise InputError(
            f"is no map of units: {error}",
            source=path,
            remedy="give the columns node_ids and unit_ids, one space between",
        ) from error
    return chosen, spans


def _sampled(
    nodes: np.ndarray,
    units: np.ndarray,
    mapping: str,
    *,
    rng: np.random.Generator,
    entry: Mapping[str, Any],
    source: str,
) -> dict[int, int]:
    """A unit for each node, drawn."""
    replace = mapping == "sample_with_replacement"
    if not len(units) or (not replace and len(nodes) > len(units)):
        if not len(units) or str(entry.get("missing_ids", "fail")) == "fail":
            raise InputError(
                f"{len(units)} units for {len(nodes)} nodes",
                source=source,
                remedy='use mapping "sample_with_replacement", or a wider filter',
            )
        nodes = nodes[: len(units)]
    drawn = rng.choice(units, len(nodes), replace=replace)
    return dict(zip(nodes.tolist(), drawn.tolist(), strict=True))


def _number(value: Any, key: str, source: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise InputError(f"{key} is {value!r}", source=source, remedy="give a number, ms")
    return float(value)

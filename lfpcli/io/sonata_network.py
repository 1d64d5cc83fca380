"""Networks as SONATA nodes and edges in one HDF5 file."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import h5py
import numpy as np

from lfpcli.guarded.writing import abandon, check_written, create


@dataclass(kw_only=True)
class Nodes:
    """One population.

    Attributes
    ----------
    gids : ndarray of int, shape (N,)
        Numbers of the cells or trains in the model.
    attributes : mapping of str to ndarray (N,)
        What else is known of each, such as x, y, z in um.
    units : mapping of str to str
        Units of the attributes.
    """

    gids: np.ndarray
    attributes: Mapping[str, np.ndarray]
    units: Mapping[str, str]


@dataclass(kw_only=True)
class Edges:
    """The synapses from one population to another, in any order.

    Attributes
    ----------
    source, target : str
        The populations.
    source_id, target_id : ndarray of int, shape (S,)
        Indices in them, from 0.
    type_id : ndarray of int, shape (S,)
        Key of `types`.
    attributes : mapping of str to ndarray (S,)
        Weight, delay, place ...
    units : mapping of str to str
        Units of the attributes.
    types : mapping of int to mapping
        What synapses of a type have in common.
    sizes : (int, int)
        Sizes of the populations.
    """

    source: str
    target: str
    source_id: np.ndarray
    target_id: np.ndarray
    type_id: np.ndarray
    attributes: Mapping[str, np.ndarray]
    units: Mapping[str, str]
    types: Mapping[int, Mapping[str, Any]]
    sizes: tuple[int, int]


class NetworkWriter:
    """Writes a network; a context manager.

    Parameters
    ----------
    path : path-like
        File to write; use `lfpcli.io.atomic.atomic_output` for it.
    provenance : mapping
        See `lfpcli.io.provenance`.
    """

    def __init__(self, path: str | os.PathLike[str], provenance: Mapping[str, Any]) -> None:
        self._file = create(path)
        self._file.attrs["magic"] = np.uint32(0x0A7A)
        self._file.attrs["version"] = np.array([0, 1], np.uint32)
        self._file.attrs["provenance"] = json.dumps(provenance, sort_keys=True)

    def __enter__(self) -> NetworkWriter:
        return self

    def __exit__(self, *error: object) -> None:
        try:
            if error[0] is None:
                check_written(self._file)
                self._file.flush()
        except (OSError, RuntimeError):
            abandon(self._file)
            raise
        if error[0] is None:
            self._file.close()
        else:
            abandon(self._file)

    def nodes(self, population: str, nodes: Nodes) -> None:
        """Write a population."""
        group = self._file.create_group(f"nodes/{population}")
        count = len(nodes.gids)
        group["node_type_id"] = np.zeros(count, np.int64)
        attributes = {"gid": nodes.gids, **nodes.attributes}
        _write_group(group, "node", attributes=attributes, units=nodes.units)

    def edges(self, edges: Edges) -> None:
        """Write the synapses between two populations, sorted by target and then by source."""
        order = np.lexsort((edges.source_id, edges.target_id))
        group = self._file.create_group(f"edges/{edges.source}_to_{edges.target}")
        ends = (
            ("source", edges.source, edges.source_id),
            ("target", edges.target, edges.target_id),
        )
        for end, population, ids in ends:
            group[f"{end}_node_id"] = ids[order].astype(np.uint64)
            group[f"{end}_node_id"].attrs["node_population"] = population
        group["edge_type_id"] = edges.type_id[order].astype(np.int64)
        group.attrs["edge_types"] = json.dumps(edges.types, sort_keys=True)
        attributes = {name: values[order] for name, values in edges.attributes.items()}
        _write_group(group, "edge", attributes=attributes, units=edges.units)
        for index, ids, size in (
            ("source_to_target", edges.source_id[order], edges.sizes[0]),
            ("target_to_source", edges.target_id[order], edges.sizes[1]),
        ):
            _write_index(group.create_group(f"indices/{index}"), ids, size)

    def inputs(
        self,
        name: str,
        *,
        target: str,
        target_id: np.ndarray,
        attributes: Mapping[str, np.ndarray],
        units: Mapping[str, str],
        synapse: Mapping[str, Any],
    ) -> None:
        """Write synapses that trains of their own drive, sorted by target; SONATA has none such.

        Parameters
        ----------
        name : str
            What they are called.
        target : str
            The population.
        target_id : ndarray of int, shape (S,)
            Indices in it, from 0.
        attributes : mapping of str to ndarray, shape (S,)
            Weight, place ..., in the units of `units`.
        units : mapping of str to str
            Units of the attributes.
        synapse : mapping
            What they have in common.
        """
        order = np.argsort(target_id, kind="stable")
        group = self._file.create_group(f"inputs/{name}_to_{target}")
        group.attrs["name"] = name
        group.attrs["synapse"] = json.dumps(synapse, sort_keys=True)
        group["target_node_id"] = target_id[order].astype(np.uint64)
        group["target_node_id"].attrs["node_population"] = target
        inner = group.create_group("0")
        for key, values in attributes.items():
            inner[key] = values[order]
            if key in units:
                inner[key].attrs["units"] = units[key]


def _write_group(
    group: h5py.Group,
    element: str,
    *,
    attributes: Mapping[str, np.ndarray],
    units: Mapping[str, str],
) -> None:
    """Write attributes of all nodes or edges as SONATA's group 0."""
    count = len(next(iter(attributes.values())))
    group[f"{element}_group_id"] = np.zeros(count, np.uint64)
    group[f"{element}_group_index"] = np.arange(count, dtype=np.uint64)
    inner = group.create_group("0")
    for name, values in attributes.items():
        inner[name] = values
        if name in units:
            inner[name].attrs["units"] = units[name]


def _write_index(group: h5py.Group, ids: np.ndarray, size: int) -> None:
    """Write which edges each node has, as runs of consecutive ones."""
    ranges, runs = index_runs(ids, size)
    group["range_to_edge_id"] = runs
    group["node_id_to_ranges"] = ranges


def index_runs(ids: np.ndarray, size: int) -> tuple[np.ndarray, np.ndarray]:
    """Which edges each node has, as runs of consecutive ones.

    Parameters
    ----------
    ids : ndarray of int, shape (S,)
        The node of each edge.
    size : int
        Number of nodes.

    Returns
    -------
    ranges : ndarray of int, shape (size, 2)
        First and last run of each node, the last one excluded.
    runs : ndarray of int, shape (R, 2)
        First and last edge of each run, the last one excluded.
    """
    order = np.argsort(ids, kind="stable")
    ordered = ids[order]
    starts = np.flatnonzero(
        np.r_[True, (np.diff(ordered) != 0) | (np.diff(order) != 1)] if len(ids) else []
    ).astype(np.int64)
    lengths = np.diff(np.r_[starts, len(ids)])
    first = order[starts] if len(ids) else starts
    node = ordered[starts] if len(ids) else starts
    edges = np.column_stack([first, first + lengths]).astype(np.uint64)
    runs = np.searchsorted(node, np.arange(size + 1))
    ranges = np.column_stack([runs[:-1], runs[1:]]).astype(np.uint64)
    return ranges, edges.reshape(-1, 2)

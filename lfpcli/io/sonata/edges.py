"""Populations of edges, read by the index of their targets, so that a process reads its own."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import h5py
import numpy as np

from lfpcli.errors import InputError
from lfpcli.io.recording import open_hdf5
from lfpcli.io.sonata.config import TablePair
from lfpcli.io.sonata.types import read_types
from lfpcli.io.text import as_text

# edges of a file without an index that are looked through at a time
_BLOCK = 1 << 20


@dataclass(frozen=True, kw_only=True)
class Edges:
    """Edges onto some nodes.

    Attributes
    ----------
    source, target : ndarray of int, shape (n,)
        Node ids.
    types : ndarray of int, shape (n,)
        Type of each edge.
    columns : mapping of str to ndarray of object (n,)
        Attributes of single edges; None where one has none.
    type_table : mapping of int to mapping
        Attributes of the types.
    """

    source: np.ndarray
    target: np.ndarray
    types: np.ndarray
    columns: Mapping[str, np.ndarray]
    type_table: Mapping[int, Mapping[str, Any]]

    def __len__(self) -> int:
        return len(self.source)

    def of(self, name: str, default: Any = None) -> np.ndarray:
        """An attribute of every edge, from itself or its type, in its unit, shape (n,), object."""
        column = self.columns.get(name)
        values = np.full(len(self), None, object) if column is None else column.copy()
        missing = np.array([value is None for value in values], bool)
        for number in np.unique(self.types[missing]).tolist():
            value = self.type_table.get(number, {}).get(name)
            for index in np.flatnonzero(missing & (self.types == number)):
                values[index] = default if value is None else value
        return values


class EdgePopulation:
    """Edges of one population in an open file.

    Attributes
    ----------
    name : str
        Name of the population.
    source_nodes, target_nodes : str
        Populations of nodes that it connects.
    """

    def __init__(
        self,
        name: str,
        group: h5py.Group,
        types: Mapping[int, Mapping[str, Any]],
        source: str,
    ) -> None:
        self.name = name
        self._group, self._types = group, types
        self._source = source
        for part in ("source_node_id", "target_node_id", "edge_type_id"):
            if not isinstance(group.get(part), h5py.Dataset):
                raise InputError(f"has no {part}", source=source, remedy="see lfp info")
        self.source_nodes = self._nodes("source_node_id")
        self.target_nodes = self._nodes("target_node_id")

    def __len__(self) -> int:
        return int(self._group["target_node_id"].shape[0])

    def _nodes(self, part: str) -> str:
        name = self._group[part].attrs.get("node_population")
        if name is None:
            raise InputError(
                "does not name its population of nodes",
                source=f"{self._source}/{part}",
                remedy="add the attribute node_population",
            )
        return as_text(name)

    def onto(self, targets: Sequence[int]) -> Edges:
        """The edges onto some nodes, node by node, in the order of the index.

        Parameters
        ----------
        targets : sequence of int
            Node ids.
        """
        rows = self._rows(targets)
        group = self._group
        type_ids = _taken(group["edge_type_id"], rows)
        return Edges(
            source=_taken(group["source_node_id"], rows).astype(np.int64),
            target=_taken(group["target_node_id"], rows).astype(np.int64),
            types=type_ids.astype(np.int64),
            columns=self._columns(rows),
            type_table=self._types,
        )

    def _rows(self, targets: Sequence[int]) -> np.ndarray:
        """Numbers of the edges onto some nodes."""
        index = self._group.get("indices/target_to_source")
        if index is None:
            return self._searched(targets)
        # bmtk writes the singular, libsonata the plural
        ranges = index.get("node_id_to_ranges", index.get("node_id_to_range"))
        spans = index.get("range_to_edge_id")
        if ranges is None or spans is None:
            return self._searched(targets)
        first_last = ranges[()].astype(np.int64)
        known = [target for target in targets if 0 <= target < len(first_last)]
        rows: list[np.ndarray] = [np.empty(0, np.int64)]
        for target in known:
            first, last = first_last[target]
            for start, stop in spans[first:last].astype(np.int64) if last > first >= 0 else ():
                rows.append(np.arange(start, stop))
        return np.concatenate(rows)

    def _searched(self, targets: Sequence[int]) -> np.ndarray:
        """The same for a file without an index, which is looked through whole."""
        node_ids = self._group["target_node_id"]
        rows: dict[int, list[np.ndarray]] = {target: [] for target in targets}
        for start in range(0, len(self), _BLOCK):
            block = node_ids[start : start + _BLOCK].astype(np.int64)
            wanted = np.flatnonzero(np.isin(block, list(rows)))
            for target in np.unique(block[wanted]).tolist():
                rows[target].append(start + wanted[block[wanted] == target])
        parts = [np.empty(0, np.int64)]
        for target in targets:
            parts += rows[target]
        return np.concatenate(parts)

    def _columns(self, rows: np.ndarray) -> dict[str, np.ndarray]:
        group = self._group
        numbers = group.get("edge_group_id")
        places = group.get("edge_group_index")
        group_of = np.zeros(len(rows), np.int64) if numbers is None else _taken(numbers, rows)
        row_of = rows if places is None else _taken(places, rows).astype(np.int64)
        columns: dict[str, np.ndarray] = {}
        for name in group:
            if not name.isdigit():
                continue
            members = np.flatnonzero(group_of == int(name))
            for attribute, dataset in group[name].items():
                if not isinstance(dataset, h5py.Dataset) or dataset.ndim != 1:
                    continue
                column = columns.setdefault(attribute, np.full(len(rows), None, object))
                values = _taken(dataset, row_of[members])
                if values.dtype.kind in "SO":
                    values = np.array([as_text(text) for text in values], dtype=object)
                column[members] = values
        return columns


def _taken(dataset: h5py.Dataset, rows: np.ndarray) -> np.ndarray:
    """Rows of a dataset in any order; HDF5 wants them ascending."""
    if not len(rows):
        return np.empty(0, dataset.dtype)
    if rows.max() >= dataset.shape[0]:
        raise InputError(
            f"has {dataset.shape[0]} rows, the index names row {rows.max()}",
            source=dataset.name,
            remedy="write the index of the edges again",
        )
    low, high = int(rows.min()), int(rows.max()) + 1
    if high - low <= 4 * len(rows) + 1024:
        # one stretch that is read whole costs less than a list of rows
        stretch: np.ndarray = dataset[low:high]
        return np.asarray(stretch[rows - low])
    ordered, back = np.unique(rows, return_inverse=True)
    values: np.ndarray = dataset[ordered]
    return np.asarray(values[back])


@contextlib.contextmanager
def open_edges(pair: TablePair) -> Iterator[list[EdgePopulation]]:
    """Open a file of edges; yields its populations.

    Raises
    ------
    InputError
        Where a part is missing.
    """
    types = {} if pair.types is None else read_types(pair.types, "edge_type_id")
    with open_hdf5(pair.data) as (file, label):
        root = file.get("edges")
        if not isinstance(root, h5py.Group):
            raise InputError("has no group /edges", source=label, remedy="see lfp info")
        yield [EdgePopulation(name, root[name], types, f"{label}:/edges/{name}") for name in root]

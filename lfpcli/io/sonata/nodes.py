"""Populations of nodes: attributes of single nodes over those of their types."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from lfpcli.errors import InputError, nearest
from lfpcli.io.recording import open_hdf5
from lfpcli.io.sonata.config import TablePair
from lfpcli.io.sonata.types import read_types
from lfpcli.io.text import as_text


class NodePopulation:
    """Nodes of one population.

    Parameters
    ----------
    name : str
        Name of the population.
    node_ids : ndarray of int, shape (n,)
        Numbers of the nodes, ascending.
    types : ndarray of int, shape (n,)
        Type of each.
    columns : mapping of str to ndarray (n,)
        Attributes of single nodes; None where a node has none.
    type_table : mapping of int to mapping
        Attributes of the types.
    source : str
        What to call it in messages.
    """

    def __init__(
        self,
        name: str,
        *,
        node_ids: np.ndarray,
        types: np.ndarray,
        columns: Mapping[str, np.ndarray],
        type_table: Mapping[int, Mapping[str, Any]],
        source: str,
    ) -> None:
        self.name, self.source = name, source
        self.node_ids, self.types = node_ids, types
        self._columns, self._type_table = columns, type_table

    def __len__(self) -> int:
        return len(self.node_ids)

    @property
    def attributes(self) -> list[str]:
        """Names of all attributes that some node has."""
        names = set(self._columns)
        for row in self._type_table.values():
            names |= set(row)
        return sorted(names)

    def of(self, name: str, default: Any = None) -> list[Any]:
        """An attribute of every node, from itself or its type.

        Parameters
        ----------
        name : str
            The attribute.
        default : optional
            What nodes have that lack it.
        """
        by_type = {number: row.get(name) for number, row in self._type_table.items()}
        column = self._columns.get(name)
        values: list[Any] = []
        for index, number in enumerate(self.types.tolist()):
            value = None if column is None else column[index]
            if value is None:
                # what a node says of itself goes before what its type says
                value = by_type.get(number)
            values.append(default if value is None else value)
        return values

    def numbers(self, name: str, default: float = 0.0) -> np.ndarray:
        """An attribute of every node as numbers, shape (n,).

        Raises
        ------
        InputError
            Where it is no finite number.
        """
        try:
            values = np.array(self.of(name, default), dtype=float)
        except (TypeError, ValueError) as error:
            raise InputError(
                f"attribute '{name}' holds no numbers", source=self.source, remedy="see the nodes"
            ) from error
        if not np.all(np.isfinite(values)):
            raise InputError(
                f"attribute '{name}' is not finite", source=self.source, remedy="see the nodes"
            )
        return values

    def selected(self, wanted: Mapping[str, Any]) -> np.ndarray:
        """Which nodes have all of some attributes, shape (n,), bool.

        Parameters
        ----------
        wanted : mapping
            Values or lists of values by attribute; ``node_id`` and ``population`` count.

        Raises
        ------
        InputError
            Where there is no such attribute.
        """
        mask = np.ones(len(self), bool)
        for name, value in wanted.items():
            allowed = value if isinstance(value, list) else [value]
            if name == "population":
                mask &= self.name in allowed
            elif name in ("node_id", "gid"):
                mask &= np.isin(self.node_ids, allowed)
            elif name == "node_type_id":
                mask &= np.isin(self.types, allowed)
            elif name in self.attributes:
                mask &= np.array([entry in allowed for entry in self.of(name)], bool)
            else:
                raise InputError(
                    f"nodes have no attribute '{name}'",
                    source=self.source,
                    remedy=nearest(name, [*self.attributes, "node_id", "population"], "attribute"),
                )
        return mask


def read_nodes(pair: TablePair) -> list[NodePopulation]:
    """Read the populations of a file of nodes.

    Raises
    ------
    InputError
        Where a part is missing or does not fit the others.
    """
    types = {} if pair.types is None else read_types(pair.types, "node_type_id")
    with open_hdf5(pair.data) as (file, label):
        root = file.get("nodes")
        if not isinstance(root, h5py.Group):
            raise InputError("has no group /nodes", source=label, remedy="see lfp info")
        return [_population(name, root[name], types, label=label, pair=pair) for name in root]


def _population(
    name: str,
    group: Any,
    types: Mapping[int, Mapping[str, Any]],
    *,
    label: str,
    pair: TablePair,
) -> NodePopulation:
    source = f"{label}:/nodes/{name}"
    if not isinstance(group, h5py.Group) or "node_type_id" not in group:
        raise InputError("has no node_type_id", source=source, remedy="see lfp info")
    type_ids = _whole(group["node_type_id"], source)
    count = len(type_ids)
    node_ids = _whole(group["node_id"], source) if "node_id" in group else np.arange(count)
    columns = group_columns(group, count, "node_group", source)
    order = np.argsort(node_ids, kind="stable")
    if len(np.unique(node_ids)) != count or len(node_ids) != count:
        raise InputError(
            "node ids come twice or are too few", source=f"{source}/node_id", remedy="see lfp info"
        )
    told = pair.populations.get(name, {})
    rows: dict[int, Mapping[str, Any]] = dict(types)
    if not types and "type" in told:
        # version 2 tells the type of a population in the configuration
        rows = {int(number): {"model_type": told["type"]} for number in np.unique(type_ids)}
    unknown = set(np.unique(type_ids).tolist()) - set(rows)
    if types and unknown:
        raise InputError(
            f"type {min(unknown)} is not in the table of types",
            source=f"{source}/node_type_id",
            remedy=f"add it to {pair.types}",
        )
    return NodePopulation(
        name,
        node_ids=node_ids[order],
        types=type_ids[order],
        columns={key: values[order] for key, values in columns.items()},
        type_table=rows,
        source=source,
    )


def _whole(dataset: Any, source: str) -> np.ndarray:
    values = np.asarray(dataset[()])
    if values.ndim != 1 or values.dtype.kind not in "iu":
        raise InputError(
            "holds no whole numbers", source=f"{source}{dataset.name}", remedy="see lfp info"
        )
    return values.astype(np.int64)


def group_columns(group: h5py.Group, count: int, prefix: str, source: str) -> dict[str, np.ndarray]:
    """Attributes of single nodes or edges from the groups that they are kept in.

    Parameters
    ----------
    group : h5py.Group
        A population.
    count : int
        Its nodes or edges.
    prefix : {'node_group', 'edge_group'}
        Begin of the names of the two datasets that tell where each is kept.
    source : str
        What to call it in messages.

    Returns
    -------
    dict of str to ndarray of object (count,)
        None where one has no such attribute.
    """
    # without these two, node k is row k of group 0
    numbers = group.get(f"{prefix}_id")
    rows = group.get(f"{prefix}_index")
    group_of = np.zeros(count, np.int64) if numbers is None else _whole(numbers, source)
    row_of = np.arange(count) if rows is None else _whole(rows, source)
    columns: dict[str, np.ndarray] = {}
    for name in group:
        if not name.isdigit():
            continue
        members = np.flatnonzero(group_of == int(name))
        enums = group[name].get("@library")
        for attribute, dataset in _datasets(group[name]):
            values = _attribute(dataset, attribute, enums)
            if row_of[members].max(initial=-1) >= len(values):
                raise InputError(
                    f"has {len(values)} rows, too few",
                    source=f"{source}/{name}/{attribute}",
                    remedy="write the file again",
                )
            column = columns.setdefault(attribute, np.full(count, None, object))
            column[members] = values[row_of[members]]
    return columns


def _datasets(group: h5py.Group, prefix: str = "") -> list[tuple[str, h5py.Dataset]]:
    datasets: list[tuple[str, h5py.Dataset]] = []
    for name, node in group.items():
        if name == "@library":
            continue
        if isinstance(node, h5py.Dataset) and node.ndim == 1:
            datasets.append((f"{prefix}{name}", node))
        elif isinstance(node, h5py.Group):
            datasets += _datasets(node, f"{prefix}{name}/")
    return datasets


def _attribute(dataset: h5py.Dataset, name: str, enums: Any) -> np.ndarray:
    values = dataset[()]
    if enums is not None and name in enums:
        # repeated texts are numbers into a list of them
        texts = np.array([as_text(text) for text in enums[name][()]], dtype=object)
        return texts[np.asarray(values, np.int64)]
    if values.dtype.kind in "SO":
        return np.array([as_text(text) for text in values], dtype=object)
    return np.asarray(values)


def read_populations(pairs: tuple[TablePair, ...]) -> dict[str, NodePopulation]:
    """Read all populations of nodes of a circuit, by name."""
    populations: dict[str, NodePopulation] = {}
    for pair in pairs:
        for population in read_nodes(pair):
            if population.name in populations:
                raise InputError(
                    f"population '{population.name}' comes twice",
                    source=Path(pair.data),
                    remedy="name each population once",
                )
            populations[population.name] = population
    return populations

"""Populations of nodes: attributes of single nodes over those of their types."""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from lfpcli.errors import InputError, nearest
from lfpcli.guarded.hdf5 import numbers, texts, whole
from lfpcli.io.recording import open_hdf5
from lfpcli.io.sonata.config import TablePair
from lfpcli.io.sonata.types import read_types

# digits of a group number; more are no number of a file
_LONGEST_NUMBER = 10


def index_of(wanted: np.ndarray, node_ids: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Find nodes among those of a population.

    Parameters
    ----------
    wanted : ndarray of int, shape (m,)
        Numbers of nodes.
    node_ids : ndarray of int, shape (n,)
        Those of the population, ascending.

    Returns
    -------
    index : ndarray of int, shape (m,)
        Index of each in the population; of no meaning where it is not there.
    inside : ndarray of bool, shape (m,)
        Whether it is there.
    """
    index = np.searchsorted(node_ids, wanted)
    inside = index < len(node_ids)
    inside[inside] = node_ids[index[inside]] == wanted[inside]
    return index, inside


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
    folders : mapping of str to Path
        Folders that the configuration names for it, of neurodamus's circuits.
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
        folders: Mapping[str, Path] | None = None,
    ) -> None:
        self.name, self.source = name, source
        self.node_ids, self.types = node_ids, types
        self._columns, self._type_table = columns, type_table
        self.folders = folders or {}

    def subset(self, chosen: np.ndarray) -> NodePopulation:
        """Some of its nodes, by index, shape (m,) int, or as a mask, shape (n,) bool."""
        return NodePopulation(
            self.name,
            node_ids=self.node_ids[chosen],
            types=self.types[chosen],
            columns={name: values[chosen] for name, values in self._columns.items()},
            type_table=self._type_table,
            source=self.source,
            folders=self.folders,
        )

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

    def positions(self) -> np.ndarray:
        """Where the nodes are, shape (n, 3), um.

        The columns ``x``, ``y``, ``z``; before them count ``positions`` or ``position`` of three
        numbers each, as builders of bmtk write them. What a node lacks of all these is 0.

        Raises
        ------
        InputError
            Where they are no numbers.
        """
        places = np.column_stack([self.numbers(axis) for axis in "xyz"])
        for name in ("position", "positions"):
            for index, row in enumerate(self.of(name)):
                if row is None:
                    continue
                if not isinstance(row, tuple) or len(row) != 3:
                    raise InputError(
                        f"attribute '{name}' of node {self.node_ids[index]} is {row!r}",
                        source=self.source,
                        remedy="give three numbers, um",
                    )
                places[index] = row
        return places

    def _compared(self, name: str, wanted: Mapping[str, Any]) -> np.ndarray:
        """Which nodes have an attribute that compares as wanted, shape (n,), bool."""
        mask = np.ones(len(self), bool)
        values = self.node_ids.tolist() if name == "node_id" else self.of(name)
        for sign, bound in wanted.items():
            compare = _COMPARISONS.get(sign)
            if compare is None:
                raise InputError(
                    f"'{sign}' compares no nodes",
                    source=self.source,
                    remedy=f"use one of {', '.join(_COMPARISONS)}",
                )
            try:
                mask &= np.array([v is not None and compare(v, bound) for v in values], bool)
            except TypeError as error:
                raise InputError(
                    f"attribute '{name}' does not compare with {sign} {bound!r}: {error}",
                    source=self.source,
                    remedy="compare numbers with numbers",
                ) from error
        return mask

    def selected(self, wanted: Mapping[str, Any]) -> np.ndarray:
        """Which nodes have all of some attributes, shape (n,), bool.

        Parameters
        ----------
        wanted : mapping
            By attribute a value, a list of values, or what they are compared with, such as
            {"$gt": 5.0}; ``node_id`` and ``population`` count.

        Raises
        ------
        InputError
            Where there is no such attribute.
        """
        mask = np.ones(len(self), bool)
        for name, value in wanted.items():
            if isinstance(value, dict):
                mask &= self._compared(name, value)
                continue
            allowed = value if isinstance(value, list) else [value]
            if name in ("population", "populations"):
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


_COMPARISONS: Mapping[str, Callable[[Any, Any], bool]] = {
    "$gt": operator.gt,
    "$gte": operator.ge,
    "$lt": operator.lt,
    "$lte": operator.le,
}
"""How values of nodes are compared, as the format's description has it."""


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
    type_ids = _whole(group, "node_type_id", label)
    count = len(type_ids)
    node_ids = _whole(group, "node_id", label) if "node_id" in group else np.arange(count)
    columns = group_columns(group, count, "node_group", label)
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
        # a population's own count first
        folders=_folders(pair.components, pair.folder) | _folders(told, pair.folder),
    )


def _folders(told: Any, folder: Path) -> dict[str, Path]:
    """Folders of a population or of all, those of alternate morphologies among them."""
    named: dict[str, Any] = dict(told) if isinstance(told, dict) else {}
    alternates = named.get("alternate_morphologies")
    if isinstance(alternates, dict):
        named |= alternates
    paths = {key: value for key, value in named.items() if isinstance(value, str) and key != "type"}
    return {key: folder / value for key, value in paths.items()}


def _whole(group: h5py.Group, name: str, label: str) -> np.ndarray:
    return whole(numbers(group, name, label, ndim=1, remedy="see lfp info"), np.int64)


def group_columns(group: h5py.Group, count: int, prefix: str, label: str) -> dict[str, np.ndarray]:
    """Attributes of single nodes or edges from the groups that they are kept in.

    Parameters
    ----------
    group : h5py.Group
        A population.
    count : int
        Its nodes or edges.
    prefix : {'node_group', 'edge_group'}
        Begin of the names of the two datasets that tell where each is kept.
    label : str
        What to call the file in messages.

    Returns
    -------
    dict of str to ndarray of object (count,)
        None where one has no such attribute.
    """
    # without these two, node k is row k of group 0
    group_of, row_of = np.zeros(count, np.int64), np.arange(count)
    if f"{prefix}_id" in group:
        group_of = _whole(group, f"{prefix}_id", label)
    if f"{prefix}_index" in group:
        row_of = _whole(group, f"{prefix}_index", label)
    if len(group_of) != count or len(row_of) != count:
        raise InputError(
            f"tells the groups of {len(group_of)} and the rows of {len(row_of)} of {count} ids",
            source=f"{label}:{group.name}",
            remedy="write the file again",
        )
    columns: dict[str, np.ndarray] = {}
    for name, attributes in group.items():
        if not is_group_number(name) or not isinstance(attributes, h5py.Group):
            continue
        members = np.flatnonzero(group_of == int(name))
        taken = row_of[members]
        for attribute, dataset in _datasets(attributes):
            values = _attribute(dataset, attribute, attributes.get("@library"), label)
            if len(taken) and not 0 <= taken.min() <= taken.max() < len(values):
                raise InputError(
                    f"has {len(values)} rows, others are asked for",
                    source=f"{label}:{dataset.name}",
                    remedy="write the file again",
                )
            column = columns.setdefault(attribute, np.full(count, None, object))
            column[members] = values[taken]
    return columns


def is_group_number(name: str) -> bool:
    """Whether a name is a number, which a group of attributes has as its name."""
    return name.isascii() and name.isdecimal() and len(name) < _LONGEST_NUMBER


def _datasets(group: h5py.Group) -> list[tuple[str, h5py.Dataset]]:
    """Lists of a group and of the groups in it, which may lead back to one above, with paths."""
    datasets: list[tuple[str, h5py.Dataset]] = []
    pending: list[tuple[str, Any]] = [("", group)]
    seen: set[int] = set()
    while pending:
        path, node = pending.pop()
        # columns of rows are such as positions (n, 3); scalars are no attributes of nodes
        if isinstance(node, h5py.Dataset) and node.ndim in (1, 2):
            datasets.append((path, node))
        if not isinstance(node, h5py.Group):
            continue
        address = int(h5py.h5o.get_info(node.id).addr)
        if address in seen:
            continue
        seen.add(address)
        members = [name for name in node if name != "@library"]
        # the last one is taken first
        pending += [(f"{path}/{name}".lstrip("/"), node.get(name)) for name in reversed(members)]
    return datasets


def _attribute(dataset: h5py.Dataset, name: str, enums: Any, label: str) -> np.ndarray:
    source = f"{label}:{dataset.name}"
    if isinstance(enums, h5py.Group) and name in enums:
        # repeated texts are numbers into a list of them
        words = np.array(texts(enums, name, label), dtype=object)
        places = whole(numbers(dataset.parent, name, label, ndim=1), np.int64)
        if places.size and not 0 <= places.min() <= places.max() < len(words):
            raise InputError(
                f"names a text beyond the {len(words)} there are",
                source=source,
                remedy="write the file again",
            )
        chosen: np.ndarray = words[places]
        return chosen
    return attribute_values(dataset, label)


def attribute_values(dataset: h5py.Dataset, label: str) -> np.ndarray:
    """Values of an attribute of nodes or edges, numbers, texts or rows of numbers, shape (n,).

    Raises
    ------
    InputError
        Where they are neither, or cannot be read.
    """
    name = dataset.name.rpartition("/")[2]
    if dataset.ndim == 2:
        table = whole(numbers(dataset.parent, name, label, ndim=2))
        rows = np.empty(len(table), dtype=object)
        for index, row in enumerate(table.tolist()):
            rows[index] = tuple(row)
        return rows
    if h5py.check_string_dtype(dataset.dtype) is not None:
        return np.array(texts(dataset.parent, name, label), dtype=object)
    return np.asarray(numbers(dataset.parent, name, label, ndim=1)[()])


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

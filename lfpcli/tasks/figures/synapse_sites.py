"""Places of the synapses of a network on the cells that are drawn."""

from __future__ import annotations

import itertools
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import h5py
import numpy as np

from lfpcli.errors import InputError, UsageError
from lfpcli.guarded.hdf5 import numbers, open_hdf5, whole
from lfpcli.io import stream
from lfpcli.io.recording import Recording
from lfpcli.io.text import as_text
from lfpcli.plotting.units import literal

_GROUPS = ("inputs", "edges")
_REMEDY = "write it again with lfp sim --save-network"


@dataclass(frozen=True, kw_only=True)
class SynapseSites:
    """Synapses that the cells of one population make, or that one input table has.

    Attributes
    ----------
    source : str
        The population, or the input: ``input.0``.
    positions : ndarray, shape (S, 3)
        Those on the cells that are drawn, um.
    total : int
        How many there are on all cells.
    """

    source: str
    positions: np.ndarray
    total: int

    @property
    def label(self) -> str:
        """How many are drawn, and whose they are."""
        if len(self.positions) < self.total:
            return f"{len(self.positions)} of {self.total} synapses of {literal(self.source)}"
        return f"{self.total} synapse{'s' * (self.total != 1)} of {literal(self.source)}"

    def with_more(self, more: SynapseSites) -> SynapseSites:
        """These and others of the same population."""
        return SynapseSites(
            source=self.source,
            positions=np.concatenate([self.positions, more.positions]),
            total=self.total + more.total,
        )


def synapse_sites(
    path: str | os.PathLike[str], recording: Recording, shown: Sequence[np.ndarray]
) -> list[SynapseSites]:
    """Read where the synapses of a network lie on cells of a recording.

    Parameters
    ----------
    path : path-like
        The file that ``lfp sim --save-network`` wrote.
    recording : Recording
        The recording of the same run.
    shown : sequence of ndarray of int, shape (cells,)
        Gids of the cells that are drawn, of each population of the recording.

    Returns
    -------
    list of SynapseSites
        One of each presynaptic population and input.

    Raises
    ------
    InputError
        Where the file is no such network, or has no places.
    UsageError
        Where it is that of other cells.
    """
    drawn = dict(zip(recording.populations, shown, strict=True))
    sites: dict[str, SynapseSites] = {}
    with stream.local_file(path) as (local, name), open_hdf5(local, name) as file:
        # inputs first, so that connections lie above them
        groups = [group for group in _GROUPS if group in file]
        if "nodes" not in file or not groups:
            raise InputError("is no network", source=name, remedy=_REMEDY)
        for base in itertools.chain.from_iterable(_members(file, group) for group in groups):
            more = _sites_of(file, name, base, drawn)
            before = sites.get(more.source)
            sites[more.source] = more if before is None else before.with_more(more)
    return list(sites.values())


def _members(file: h5py.File, group: str) -> list[str]:
    return [f"/{group}/{key}" for key in sorted(file[group])]


def _sites_of(
    file: h5py.File, name: str, base: str, drawn: Mapping[str, np.ndarray]
) -> SynapseSites:
    """Synapses of one group of edges, or of an input, on the cells that are drawn."""
    dataset = numbers(file, f"{base}/target_node_id", name, ndim=1, remedy=_REMEDY)
    target, cells = as_text(dataset.attrs.get("node_population", "")), whole(dataset, np.int64)
    source = as_text(file[base].attrs.get("name", ""))
    if f"{base}/source_node_id" in file:
        ends = numbers(file, f"{base}/source_node_id", name, ndim=1, remedy=_REMEDY)
        source = as_text(ends.attrs.get("node_population", ""))
    if target not in drawn:
        raise UsageError(
            f"network '{name}' is onto '{target}', which the recording has not",
            remedy="give the network of the same run",
        )
    gids = whole(numbers(file, f"/nodes/{target}/0/gid", name, ndim=1, remedy=_REMEDY), np.int64)
    if len(cells) and not 0 <= cells.min() <= cells.max() < len(gids):
        raise InputError("names cells that are not there", source=f"{name}:{base}", remedy=_REMEDY)
    columns = []
    for axis in "xyz":
        key = f"{base}/0/afferent_center_{axis}"
        columns.append(whole(numbers(file, key, name, ndim=1, remedy=_REMEDY)))
    places = np.column_stack(columns)
    if len(places) != len(cells):
        raise InputError("places differ in number", source=f"{name}:{base}", remedy=_REMEDY)
    inside = np.isin(gids[cells], drawn[target])
    return SynapseSites(source=source, positions=places[inside], total=len(cells))

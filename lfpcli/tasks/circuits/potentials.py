"""Reports of extracellular potentials: their contacts, and the cells whose currents they are of."""

from __future__ import annotations

import re
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from lfpcli.errors import InputError, LfpWarning
from lfpcli.forward.axis_distance import AUTO
from lfpcli.io.sonata.config import CircuitConfig
from lfpcli.io.sonata.types import read_types
from lfpcli.tasks.circuits.circuit import Circuit, circuit_of
from lfpcli.vocabulary import ALL

SIGMA = 0.3
"""Conductivity in which bmtk measures with line sources, S/m."""
_CONTACTS = ("x_pos", "y_pos", "z_pos")
# of a list that is made of two bounds
_MOST_NODES = 1 << 24


@dataclass(frozen=True, kw_only=True)
class PotentialReport:
    """A report of potentials of contacts.

    Attributes
    ----------
    name : str
        Name of the report.
    cells : object
        The node set whose currents it is of.
    file : Path
        The file to write.
    contributions : Path or None
        The folder of the files of single cells.
    """

    name: str
    cells: Any
    file: Path
    contributions: Path | None = None

    @property
    def signal(self) -> str:
        """Name of the signal in the recording, in which other characters would not do."""
        return legal_name(self.name)


def legal_name(name: str) -> str:
    """A name of a report as the tables of models and recordings take it."""
    return re.sub(r"[^A-Za-z0-9_-]", "_", name)


def report_contacts(
    config: CircuitConfig, entry: Mapping[str, Any], source: str
) -> list[list[float]]:
    """Places of the contacts of a report of potentials, (C, 3) um.

    Parameters
    ----------
    config : CircuitConfig
        The configuration.
    entry : mapping
        The report in it.
    source : str
        What to call that in messages.

    Raises
    ------
    InputError
        Where the report names no contacts, or their file is not what it should be.
    """
    file = entry.get("electrode_positions")
    if not isinstance(file, str):
        raise InputError("names no electrode_positions", source=source, remedy="add the file")
    rows = read_types(config.path(file), "channel")
    try:
        return [[float(row[axis]) for axis in _CONTACTS] for row in rows.values()]
    except (KeyError, TypeError, ValueError):
        raise InputError(
            "has contacts without x_pos, y_pos and z_pos",
            source=config.path(file),
            remedy="give the three columns, um",
        ) from None


def contributing_cells(circuit: Circuit, report: PotentialReport) -> dict[str, list[int]]:
    """Indices of the cells whose currents a report of potentials is of, by population.

    Parameters
    ----------
    circuit : Circuit
        The circuit.
    report : PotentialReport
        The report.

    Raises
    ------
    InputError
        Where the report has no cell with segments.
    """
    chosen = circuit.node_set(
        ALL if report.cells is None else report.cells, _source(circuit, report)
    )
    inside: dict[str, list[int]] = {}
    for name, population in circuit.cells.items():
        index = set(chosen.get(name, np.empty(0, np.int64)).tolist())
        cells = sorted(index - set(population.point_neurons))
        if cells:
            inside[name] = cells
    if not inside:
        raise InputError(
            f"cells are {report.cells!r}, none of which has segments",
            source=_source(circuit, report),
            remedy="name a node set of biophysical cells",
        )
    return inside


def _source(circuit: Circuit, report: PotentialReport) -> str:
    return f"{circuit.config.file}: reports.{report.name}"


def cell_groups(config: CircuitConfig, report: PotentialReport) -> dict[str, dict[str, Any]]:
    """The tables of the groups whose shares a report of potentials is the sum of.

    Parameters
    ----------
    config : CircuitConfig
        The configuration.
    report : PotentialReport
        The report.

    Returns
    -------
    dict
        A group for each population, by name; none where the report is of all cells, or has the
        shares of single cells.

    Raises
    ------
    InputError
        Where the report has no cell with segments.
    """
    if report.cells in (None, ALL) or report.contributions is not None:
        return {}
    circuit = circuit_of(config)
    groups: dict[str, dict[str, Any]] = {}
    left_out = 0
    chosen = contributing_cells(circuit, report)
    for name, population in circuit.cells.items():
        cells = len(population) - len(population.point_neurons)
        inside = chosen.get(name, [])
        left_out += cells - len(inside)
        group = legal_name(f"{report.name}_{name}")
        while group in groups:
            # of another population whose name differs in such characters
            group += "_"
        if inside:
            groups[group] = {"populations": [name]}
        if inside and len(inside) < cells:
            groups[group]["cells"] = inside
    return groups if left_out else {}


def minimum_distance(entry: Mapping[str, Any], source: str) -> float | str:
    """Least distance of contacts from the axes of segments, um, or 'auto'; 0 where none is told.

    Parameters
    ----------
    entry : mapping
        The report in the configuration.
    source : str
        What to call that in messages.

    Raises
    ------
    InputError
        Where it is no distance.
    """
    told = entry.get("minimum_distance")
    if told == AUTO:
        return AUTO
    try:
        return max(float(told or 0.0), 0.0)
    except (TypeError, ValueError):
        raise InputError(
            f"minimum_distance is {told!r}", source=source, remedy='give "auto" or um'
        ) from None


def chosen_cells(entry: Mapping[str, Any], source: str) -> Any:
    """The node set whose currents a report in the configuration is of."""
    bounds = entry.get("cell_bounds")
    if bounds is None:
        return entry.get("cells", ALL)
    try:
        first, last = (int(number) for number in bounds)
        if not 0 <= first <= last < first + _MOST_NODES:
            raise ValueError
    except (TypeError, ValueError, OverflowError):
        raise InputError(
            f"cell_bounds is {bounds!r}",
            source=source,
            remedy="give the first and the last node id, or cells",
        ) from None
    return list(range(first, last + 1))


def tell_unheeded(entry: Mapping[str, Any], source: str) -> None:
    """Say which further file of a report of potentials is not written."""
    if entry.get("file_name_nwb") is not None:
        warnings.warn(
            f"file_name_nwb is not written; lfp convert makes a file of NWB of the recording "
            f"[{source}]",
            LfpWarning,
            stacklevel=2,
        )

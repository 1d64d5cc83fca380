"""Compartment reports of SONATA, as bmtk and neurodamus write them, before their columns are known.

bmtk and neurodamus fill the same layout in two ways. bmtk names the pointers `index_pointer`, tells
where along its section a column is, and keeps its first row one step after the start. neurodamus
names them `index_pointers`, tells no place along sections, and its first row is that of the start.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import h5py
import numpy as np

from lfpcli.errors import InputError
from lfpcli.guarded.hdf5 import CheckedDataset, numbers, whole
from lfpcli.io.exchange.contents import Elements, Traces
from lfpcli.io.exchange.samples import Samples
from lfpcli.io.text import as_text

_AGAIN = "write the report again"
DENSITY = "mA/cm2"
"""Unit of NEURON's `i_membrane`, where the mechanism `extracellular` makes it."""


@dataclass(kw_only=True)
class ElementReport:
    """A report of elements of cells: compartments, or contacts that see them.

    Attributes
    ----------
    population : str
        Its population.
    data : CheckedDataset
        Samples, shape (T, C).
    variable : str
        What was sampled, such as ``v``; empty where the file does not tell.
    units : str
        Unit of the samples.
    start, dt : float
        Time that the report begins at, and the sampling interval, ms.
    first : float or None
        Time of the first row, ms, where the file tells it.
    node_ids : ndarray of int, shape (n,)
        The cells, in the order of the columns.
    pointers : ndarray of int, shape (n + 1,)
        Columns of cell k are ``pointers[k]:pointers[k + 1]``.
    element_ids : ndarray of int, shape (C,)
        Sections of the columns, or contacts.
    element_pos : ndarray, shape (C,), or None
        Places along the sections, 0 to 1.
    of_bmtk : bool
        Whether it is laid out as bmtk does it.
    source : str
        What to call it in messages.
    """

    population: str
    data: CheckedDataset
    variable: str
    units: str
    start: float
    dt: float
    first: float | None
    node_ids: np.ndarray
    pointers: np.ndarray
    element_ids: np.ndarray
    element_pos: np.ndarray | None
    of_bmtk: bool
    source: str

    @property
    def cells(self) -> np.ndarray:
        """Node id of each column, shape (C,)."""
        return np.repeat(self.node_ids, np.diff(self.pointers))

    def t_start(self, step: float | None = None) -> float:
        """Time of the first row, ms.

        Parameters
        ----------
        step : float, optional
            Time step of the simulation, ms, after the first of which bmtk takes its first row; the
            sampling interval by default.
        """
        if self.first is not None:
            return self.first
        if not self.of_bmtk:
            return self.start
        return self.start + (self.dt if step is None else step)


def read_reports(file: h5py.File, name: str) -> list[ElementReport]:
    """All reports of a file.

    Parameters
    ----------
    file : h5py.File
        The file.
    name : str
        What to call it in messages.

    Raises
    ------
    InputError
        Where parts of a report are missing or do not fit.
    """
    reports: list[ElementReport] = []
    for root in ("report", "reports"):
        group = file.get(root)
        for population in group if isinstance(group, h5py.Group) else ():
            reports.append(_report(file, name, f"{root}/{population}"))
    return reports


def _report(file: h5py.File, name: str, base: str) -> ElementReport:
    source = f"{name}:/{base}"
    mapping = f"{base}/mapping"
    if not isinstance(file.get(f"{base}/data"), h5py.Dataset):
        raise InputError("has no data and mapping", source=source, remedy="see lfp info")
    data = numbers(file, f"{base}/data", name, ndim=2, remedy=_AGAIN)
    plural = f"{mapping}/index_pointers" in file
    pointers = f"{mapping}/index_pointers" if plural else f"{mapping}/index_pointer"
    report = ElementReport(
        population=base.partition("/")[2],
        data=data,
        variable=as_text(data.attrs.get("variable", "")),
        units=as_text(data.attrs.get("units", "")),
        start=0.0,
        dt=1.0,
        first=_optional(data.attrs.get("t_start"), source),
        node_ids=_column(file, f"{mapping}/node_ids", name),
        pointers=_column(file, pointers, name),
        element_ids=_column(file, f"{mapping}/element_ids", name),
        element_pos=None,
        of_bmtk=not plural,
        source=source,
    )
    if f"{mapping}/element_pos" in file:
        places = numbers(file, f"{mapping}/element_pos", name, ndim=1, remedy=_AGAIN)
        report.element_pos = whole(places)
    report.start, report.dt = _times(file, f"{mapping}/time", name)
    _check(report)
    return report


def _column(file: h5py.File, path: str, name: str) -> np.ndarray:
    return whole(numbers(file, path, name, ndim=1, remedy=_AGAIN), np.int64)


def _optional(value: Any, source: str) -> float | None:
    if value is None:
        return None
    try:
        return float(value)
    except (TypeError, ValueError):
        raise InputError("t_start is no number", source=source, remedy=_AGAIN) from None


def _times(file: h5py.File, path: str, name: str) -> tuple[float, float]:
    values = whole(numbers(file, path, name, ndim=1, remedy=_AGAIN))
    if len(values) != 3 or not values[2] > 0:
        raise InputError("has no start, stop and dt", source=f"{name}:/{path}", remedy=_AGAIN)
    return float(values[0]), float(values[2])


def _check(report: ElementReport) -> None:
    """Refuse columns that are not shared out among cells."""
    columns, ends = report.data.shape[1], report.pointers
    fits = len(ends) == len(report.node_ids) + 1 and ends[0] == 0 and ends[-1] == columns
    if not fits or np.any(np.diff(ends) < 0):
        raise InputError(
            f"maps {len(report.node_ids)} cells to {ends[-1] if len(ends) else 0} of {columns} "
            "columns",
            source=report.source,
            remedy=_AGAIN,
        )
    for values in (report.element_ids, report.element_pos):
        if values is not None and len(values) != columns:
            raise InputError(
                f"tells the elements of {len(values)} of {columns} columns",
                source=report.source,
                remedy=_AGAIN,
            )
    if len(np.unique(report.node_ids)) != len(report.node_ids):
        raise InputError("names a cell twice", source=report.source, remedy=_AGAIN)


def plain_traces(report: ElementReport) -> Traces:
    """A report as what it says, without the circuit that would tell where its columns are."""
    places = report.element_pos
    along = np.full(report.data.shape[1], 0.5) if places is None else places
    channels = []
    for gid, section, x in zip(report.cells, report.element_ids, along, strict=True):
        channels.append(f"{gid}.section {section}({x:g})")
    return Traces(
        name=f"{report.variable or 'report'}/{report.population}",
        samples=Samples(report.data),
        units=report.units,
        dt=report.dt,
        t_start=report.t_start(),
        channels=channels,
        model="SONATA report",
        elements=Elements(cells=report.cells, sections=report.element_ids, places=along),
    )

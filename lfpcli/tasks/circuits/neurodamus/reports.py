"""What a simulation of neurodamus writes: spikes, and reports of compartments and of contacts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lfpcli.errors import InputError, nearest
from lfpcli.io.sonata.config import CircuitConfig

COMPARTMENT, SUMMATION, POTENTIALS = "compartment", "summation", "lfp"
_TYPES = (COMPARTMENT, SUMMATION, POTENTIALS)
SOMA, ALL, CENTER = "soma", "all", "center"
# kinds of sections, with the begins of their names
SECTIONS = {SOMA: "soma", "axon": "axon", "dend": "dend", "apic": "apic", ALL: ""}
CURRENT = "i_membrane"
"""Membrane current, nA."""
VARIABLES = ("v", CURRENT)
"""Variables that are reported."""
_KEYS = (
    "cells",
    "sections",
    "type",
    "scaling",
    "compartments",
    "variable_name",
    "unit",
    "dt",
    "start_time",
    "end_time",
    "file_name",
    "enabled",
    "electrodes_file",
)


@dataclass(frozen=True, kw_only=True)
class CircuitReport:
    """A report of variables of compartments, or of potentials of contacts.

    Attributes
    ----------
    name, type : str
        Its name; ``compartment``, ``summation`` or ``lfp``.
    variables : tuple of str
        What it is of; those of a summation are added up.
    sections : str
        Kind of sections, of `SECTIONS`.
    is_centered : bool
        Whether of each section the middle is reported alone.
    cells : object
        The node set; None means all that are simulated.
    dt, begin, end : float
        Interval and span, ms.
    unit : str
        What it says of its unit.
    file : Path
        The file to write.
    weights : Path or None
        File of the weights of contacts.
    is_scaled : bool
        Whether densities are multiplied by areas where they are added up.
    """

    name: str
    type: str
    variables: tuple[str, ...]
    sections: str
    is_centered: bool
    cells: Any
    dt: float
    begin: float
    end: float
    unit: str
    file: Path
    weights: Path | None = None
    is_scaled: bool = True

    @property
    def needs_currents(self) -> bool:
        """Whether it is made of membrane currents."""
        return self.type == POTENTIALS or CURRENT in self.variables

    @property
    def extent(self) -> str:
        """Segments whose potentials it is of: ``soma``, the middle of it, or ``all``."""
        is_of_middle = self.sections == SOMA and self.is_centered and self.type == COMPARTMENT
        return SOMA if is_of_middle else ALL


def output_folder(config: CircuitConfig) -> Path:
    """Where the files go."""
    return config.path(str(config.output.get("output_dir", "output")))


def spike_file(config: CircuitConfig) -> Path:
    """The file of spikes."""
    return output_folder(config) / str(config.output.get("spikes_file", "out.h5"))


def read_reports(config: CircuitConfig) -> list[CircuitReport]:
    """Read the reports of a configuration that are switched on.

    Raises
    ------
    InputError
        Where one is of a kind that is not written, or not what it should be.
    """
    return [
        _report(config, name, entry, f"{config.file}: reports.{name}")
        for name, entry in config.reports.items()
    ]


def written_reports(config: CircuitConfig) -> list[CircuitReport]:
    """Those reports of a configuration that can be written."""
    reports = []
    for name, entry in config.reports.items():
        if refused_report(config, name, entry) is None:
            reports.append(_report(config, name, entry, f"{config.file}: reports.{name}"))
    return reports


def refused_report(config: CircuitConfig, name: str, entry: Any) -> InputError | None:
    """What is wrong with a report that is not written; None where it is."""
    try:
        _report(config, name, entry, f"{config.file}: reports.{name}")
    except InputError as error:
        return error
    return None


def _report(config: CircuitConfig, name: str, entry: Any, source: str) -> CircuitReport:
    if not isinstance(entry, dict):
        raise InputError("is no object", source=source, remedy="write {...}")
    for key in entry:
        if key not in _KEYS:
            raise InputError(
                f"key '{key}' is not run", source=source, remedy=nearest(key, _KEYS, "key")
            )
    report_type = entry.get("type")
    if report_type not in _TYPES:
        raise InputError(
            f"reports of the type '{report_type}' are not written",
            source=source,
            remedy=f"types {', '.join(_TYPES)} are; or switch it off: enabled = false",
        )
    sections = _choice(entry, "sections", source, usual=SOMA, known=tuple(SECTIONS))
    usual = CENTER if sections == SOMA else ALL
    if report_type == SUMMATION:
        usual = ALL
    compartments = _choice(entry, "compartments", source, usual=usual, known=(CENTER, ALL))
    scaling = _choice(entry, "scaling", source, usual="area", known=("area", "none"))
    begin, end = _number(entry, "start_time", source), _number(entry, "end_time", source)
    if not end > begin:
        raise InputError(
            f"ends at {end:g} ms, begins at {begin:g}", source=source, remedy="correct end_time"
        )
    return CircuitReport(
        name=name,
        type=str(report_type),
        variables=_variables(entry, str(report_type), source),
        sections=sections,
        is_centered=compartments == CENTER,
        cells=entry.get("cells", config.node_set),
        dt=_number(entry, "dt", source),
        begin=begin,
        end=end,
        unit=str(entry.get("unit", "mV")),
        file=output_folder(config) / _file_name(entry.get("file_name", name)),
        weights=_weights(config, entry, str(report_type), source),
        is_scaled=scaling == "area",
    )


def _weights(
    config: CircuitConfig, entry: Mapping[str, Any], report_type: str, source: str
) -> Path | None:
    if report_type != POTENTIALS:
        return None
    file = entry.get("electrodes_file", config.run.get("electrodes_file"))
    if not isinstance(file, str):
        raise InputError("names no electrodes_file", source=source, remedy="add it")
    return config.path(file)


def _variables(entry: Mapping[str, Any], report_type: str, source: str) -> tuple[str, ...]:
    if report_type == POTENTIALS:
        return ()
    names = [name.strip() for name in str(entry.get("variable_name", "")).split(",")]
    if report_type == COMPARTMENT and len(names) > 1:
        raise InputError(
            "reports several variables at once", source=source, remedy="make a report of each"
        )
    for name in names:
        if name not in VARIABLES:
            raise InputError(
                f"the variable '{name}' is not reported",
                source=source,
                remedy=f"{', '.join(VARIABLES)} are; others can be recorded beside: --set "
                "record.variables",
            )
    return tuple(names)


def _choice(
    entry: Mapping[str, Any], key: str, source: str, *, usual: str, known: tuple[str, ...]
) -> str:
    value = entry.get(key, usual)
    if value not in known:
        raise InputError(
            f"{key} is {value!r}", source=source, remedy=f"use one of {', '.join(known)}"
        )
    return str(value)


def _number(entry: Mapping[str, Any], key: str, source: str) -> float:
    value = entry.get(key)
    if isinstance(value, bool) or not isinstance(value, int | float) or value < 0:
        raise InputError(f"{key} is {value!r}", source=source, remedy="give a number, ms")
    return float(value)


def _file_name(name: Any) -> str:
    text = str(name)
    return text if text.endswith(".h5") else f"{text}.h5"

"""Biophysics of the Allen Cell Types Database: its ``fit_parameters.json`` applied to a cell.

The two kinds of models are described in the technical white paper "Biophysical modeling:
perisomatic and all active" of the Allen Cell Types Database (2017).
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lfpcli.errors import InputError, SimulatorError, nearest
from lfpcli.runtime.cell.points import density_mechanism_names, parameter_names
from lfpcli.runtime.mechanisms.near import missing_mechanism_error
from lfpcli.runtime.mechanisms.sources import read_text
from lfpcli.runtime.neuron import nrn
from lfpcli.runtime.protocols import NamedSections

KINDS = ("soma", "axon", "dend", "apic")
# an axon is replaced by two sections of this length, um
STUB_LENGTH = 30.0
_ION = {"ena": "na_ion", "ek": "k_ion", "eca": "ca_ion"}


@dataclass(frozen=True)
class Value:
    """A parameter of all sections of one kind.

    Attributes
    ----------
    section : {'soma', 'axon', 'dend', 'apic'}
        The kind of sections.
    name : str
        The parameter as NEURON names it, such as ``gbar_NaV`` or ``Ra``.
    mechanism : str
        The mechanism to insert, empty for none.
    value : float
        In NEURON's units.
    """

    section: str
    name: str
    mechanism: str
    value: float


@dataclass(frozen=True)
class Fit:
    """The content of a ``fit_parameters.json``.

    Attributes
    ----------
    file : Path
        Where it was read.
    e_pas, ra : float or None
        Reversal potential (mV) and axial resistivity (ohm cm) of all sections.
    cm : dict
        Capacitance (uF/cm2) by kind of section.
    genome : tuple of Value
        Conductances and other parameters.
    erev : tuple of Value
        Reversal potentials of ions, mV.
    celsius, v_init : float
        Temperature (degrees Celsius) and initial potential (mV) that it was fitted at.
    """

    file: Path
    e_pas: float | None
    ra: float | None
    cm: dict[str, float]
    genome: tuple[Value, ...]
    erev: tuple[Value, ...]
    celsius: float
    v_init: float

    @property
    def all_active(self) -> bool:
        """Whether it has active channels outside the soma; else it is perisomatic."""
        return any(v.section != "soma" and v.mechanism not in ("", "pas") for v in self.genome)


def read_fit(file: Path) -> Fit:
    """Read a ``fit_parameters.json``.

    Raises
    ------
    InputError
        Where the file is no JSON, or lacks what such a file has.
    """
    if not file.is_file():
        raise InputError("no such file", source=file, remedy="check the name and the folder")
    try:
        data = json.loads(read_text(file))
    except (json.JSONDecodeError, RecursionError) as error:
        line = f":{error.lineno}" if isinstance(error, json.JSONDecodeError) else ""
        raise InputError(f"is no JSON: {error}", source=f"{file}{line}") from error
    at = _At(file)
    passive = at.record(at.first(data, "passive"), "passive[0]")
    conditions = at.record(at.first(data, "conditions"), "conditions[0]")
    return Fit(
        file=file,
        e_pas=at.number(passive, "e_pas", "passive[0]") if "e_pas" in passive else None,
        ra=at.number(passive, "ra", "passive[0]") if "ra" in passive else None,
        cm={
            at.text(entry, "section", where): at.number(entry, "cm", where)
            for where, entry in at.entries(passive.get("cm", []), "passive[0].cm")
        },
        genome=tuple(_genome(data, at)),
        erev=tuple(_reversals(conditions, at)),
        celsius=at.number(conditions, "celsius", "conditions[0]"),
        v_init=at.number(conditions, "v_init", "conditions[0]"),
    )


def _genome(data: dict[str, Any], at: _At) -> Iterable[Value]:
    for where, entry in at.entries(data.get("genome"), "genome"):
        section = at.text(entry, "section", where)
        if section == "glob":
            continue  # left in old files, and set by no model
        if section not in KINDS:
            raise at.error(f"{where}.section is '{section}'", nearest(section, KINDS, "section"))
        mechanism = str(entry.get("mechanism") or "")
        yield Value(
            section, at.text(entry, "name", where), mechanism, at.number(entry, "value", where)
        )


def _reversals(conditions: dict[str, Any], at: _At) -> Iterable[Value]:
    for where, entry in at.entries(conditions.get("erev", []), "conditions[0].erev"):
        for name in _ION:
            if name in entry:
                value = at.number(entry, name, where)
                yield Value(at.text(entry, "section", where), name, "", value)


class _At:
    """Checks of what a file holds; its errors name the file and the key."""

    def __init__(self, file: Path) -> None:
        self._file = file

    def error(
        self, what: str, remedy: str = "take the file as the Allen Institute gives it"
    ) -> InputError:
        return InputError(what, source=self._file, remedy=remedy)

    def first(self, data: Any, key: str) -> Any:
        found = self.record(data, "the file").get(key)
        if not isinstance(found, list) or not found:
            raise self.error(f"'{key}' is missing or no list")
        return found[0]

    def record(self, value: Any, where: str) -> dict[str, Any]:
        if not isinstance(value, dict):
            raise self.error(f"{where} is no object")
        return value

    def entries(self, value: Any, where: str) -> Iterable[tuple[str, dict[str, Any]]]:
        if not isinstance(value, list):
            raise self.error(f"'{where}' is missing or no list")
        for k, entry in enumerate(value):
            yield f"{where}[{k}]", self.record(entry, f"{where}[{k}]")

    def text(self, entry: dict[str, Any], key: str, where: str) -> str:
        value = entry.get(key)
        if not isinstance(value, str) or not value.isidentifier():
            raise self.error(f"{where}.{key} is {value!r}, expected a name")
        return value

    def number(self, entry: dict[str, Any], key: str, where: str) -> float:
        value = entry.get(key)
        try:
            number = math.nan if isinstance(value, bool) or value is None else float(value)
        except (TypeError, ValueError):
            number = math.nan
        if not math.isfinite(number):
            raise self.error(f"{where}.{key} is {value!r}, expected a finite number")
        return number


def allen_hook(file: Path, folders: Sequence[Path] = ()) -> Callable[[NamedSections], object]:
    """Make a function of a cell that gives it the biophysics of a ``fit_parameters.json``.

    Parameters
    ----------
    file : Path
        The file.
    folders : sequence of Path
        Where the .mod file of a missing mechanism may lie.

    Returns
    -------
    callable
        To be called with a `Cell` before its segments are numbered; it replaces the axon.
    """
    fit = read_fit(file)

    def call(cell: NamedSections) -> None:
        cell.sections, cell.names = apply_allen(cell.sections, cell.names, fit, folders)

    return call


def apply_allen(
    sections: Sequence[Any], names: Sequence[str], fit: Fit, folders: Sequence[Path] = ()
) -> tuple[list[Any], list[str]]:
    """Give sections the biophysics of a fit, and replace their axon as its authors did.

    Perisomatic models have two axon sections of 30 by 1 um at the middle of the soma; all-active
    ones have them at its end, with the diameters of the first and the last axon section.
    Temperature and initial potential are for the caller to set.

    Parameters
    ----------
    sections : sequence of nrn.Section
        The cell's sections.
    names : sequence of str
        Their names: soma, dend, apic and axon with numbers.
    fit : Fit
        The parameters.
    folders : sequence of Path
        Where the .mod file of a missing mechanism may lie.

    Returns
    -------
    sections : list of nrn.Section
        The sections; the axon comes last.
    names : list of str
        Their names.

    Raises
    ------
    InputError
        Where there is no soma.
    SimulatorError
        Where NEURON lacks a mechanism, or a mechanism the parameter.
    """
    kinds = [_kind(name) for name in names]
    if "soma" not in kinds:
        raise InputError("the cell has no soma, which the Allen models need", source=fit.file)
    kept, kept_names = _replace_axon(sections, names, kinds, fit.all_active)
    by_kind: dict[str, list[Any]] = {}
    for section, name in zip(kept, kept_names, strict=True):
        by_kind.setdefault(_kind(name), []).append(section)
    _set_passive(kept, by_kind, fit)
    known = set(density_mechanism_names())
    for entry in fit.genome:
        for section in by_kind.get(entry.section, ()):
            if entry.mechanism:
                if entry.mechanism not in known:
                    raise missing_mechanism_error(
                        entry.mechanism, entry.section, [fit.file.parent, *folders]
                    )
                section.insert(entry.mechanism)
            _set(section, entry, fit)
    for entry in fit.erev:
        for section in by_kind.get(entry.section, ()):
            if section.has_membrane(_ION[entry.name]):
                _set(section, entry, fit)
    return kept, kept_names


def _kind(name: str) -> str:
    return name.rpartition(".")[2].partition("[")[0][:4]


def _replace_axon(
    sections: Sequence[Any], names: Sequence[str], kinds: Sequence[str], all_active: bool
) -> tuple[list[Any], list[str]]:
    h = nrn()
    axon = [s for s, kind in zip(sections, kinds, strict=True) if kind == "axon"]
    diameters = [1.0, 1.0]
    if all_active and axon:
        diameters = [axon[0].diam, axon[-1].diam]
    for section in axon:
        h.delete_section(sec=section)
    rest = [(s, n) for s, n, k in zip(sections, names, kinds, strict=True) if k != "axon"]
    soma = next(s for s, n in rest if _kind(n) == "soma")
    stub = [h.Section(name=f"axon[{k}]") for k in range(2)]
    for section, diameter in zip(stub, diameters, strict=True):
        section.L, section.diam = STUB_LENGTH, diameter
    stub[0].connect(soma(1.0 if all_active else 0.5), 0)
    stub[1].connect(stub[0](1.0), 0)
    h.define_shape()
    return [*(s for s, _ in rest), *stub], [*(n for _, n in rest), "axon[0]", "axon[1]"]


def _set_passive(sections: Sequence[Any], by_kind: dict[str, list[Any]], fit: Fit) -> None:
    for section in sections:
        section.insert("pas")
        if fit.ra is not None:
            section.Ra = fit.ra
        if fit.e_pas is not None:
            for segment in section:
                segment.pas.e = fit.e_pas
    for kind, value in fit.cm.items():
        for section in by_kind.get(kind, ()):
            section.cm = value


def _set(section: Any, entry: Value, fit: Fit) -> None:
    try:
        setattr(section, entry.name, entry.value)
    except (AttributeError, LookupError, RuntimeError, TypeError, ValueError) as error:
        known = parameter_names(entry.mechanism) if entry.mechanism else []
        raise SimulatorError(
            f"{entry.section} has no parameter '{entry.name}'",
            source=fit.file,
            remedy=nearest(entry.name, known, "parameter"),
        ) from error

"""Biophysics of the Allen Cell Types Database: its ``fit_parameters.json`` applied to a cell.

The two kinds of models are described in the technical white paper "Biophysical modeling:
perisomatic and all active" of the Allen Cell Types Database (2017).
"""

from __future__ import annotations

import contextlib
import json
import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lfpcli import vocabulary
from lfpcli.errors import InputError, SimulatorError, nearest
from lfpcli.runtime.cell.points import density_mechanism_names, parameter_names
from lfpcli.runtime.mechanisms.near import missing_mechanism_error
from lfpcli.runtime.mechanisms.sources import read_text
from lfpcli.runtime.neuron import nrn
from lfpcli.runtime.protocols import NamedSections

SECTION_TYPES = ("soma", "axon", "dend", "apic")
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
    except json.JSONDecodeError as error:
        raise InputError(
            f"is no JSON: {error}",
            source=f"{file}:{error.lineno}",
            remedy="get it again from the Allen Cell Types Database",
        ) from error
    except RecursionError as error:
        raise InputError(
            f"is no JSON: {error}",
            source=file,
            remedy="get it again from the Allen Cell Types Database",
        ) from error
    reader = _Reader(file)
    passive = reader.record(reader.first(data, "passive"), "passive[0]")
    conditions = reader.record(reader.first(data, "conditions"), "conditions[0]")
    return Fit(
        file=file,
        e_pas=reader.optional_number(passive, "e_pas", "passive[0]"),
        ra=reader.optional_number(passive, "ra", "passive[0]"),
        cm=_capacitances(passive, reader),
        genome=tuple(_genome(data, reader)),
        erev=tuple(_reversals(conditions, reader)),
        celsius=reader.number(conditions, "celsius", "conditions[0]"),
        v_init=reader.number(conditions, "v_init", "conditions[0]"),
    )


def _capacitances(passive: dict[str, Any], reader: _Reader) -> dict[str, float]:
    values = {}
    for key_path, entry in reader.entries(passive.get("cm", []), "passive[0].cm"):
        values[reader.text(entry, "section", key_path)] = reader.number(entry, "cm", key_path)
    return values


def _genome(data: dict[str, Any], reader: _Reader) -> Iterable[Value]:
    for key_path, entry in reader.entries(data.get("genome"), "genome"):
        section = reader.text(entry, "section", key_path)
        if section == "glob":
            continue  # left in old files, and set by no model
        if section not in SECTION_TYPES:
            raise reader.error(
                f"{key_path}.section is '{section}'", nearest(section, SECTION_TYPES, "section")
            )
        yield Value(
            section=section,
            name=reader.text(entry, "name", key_path),
            mechanism=str(entry.get("mechanism") or ""),
            value=reader.number(entry, "value", key_path),
        )


def _reversals(conditions: dict[str, Any], reader: _Reader) -> Iterable[Value]:
    for key_path, entry in reader.entries(conditions.get("erev", []), "conditions[0].erev"):
        for name in _ION:
            if name in entry:
                yield Value(
                    section=reader.text(entry, "section", key_path),
                    name=name,
                    mechanism="",
                    value=reader.number(entry, name, key_path),
                )


class _Reader:
    """Checks of what a file holds; its errors name the file and the key."""

    def __init__(self, file: Path) -> None:
        self._file = file

    def error(
        self, message: str, remedy: str = "take the file as the Allen Institute gives it"
    ) -> InputError:
        return InputError(message, source=self._file, remedy=remedy)

    def first(self, data: Any, key: str) -> Any:
        items = self.record(data, "the file").get(key)
        if not isinstance(items, list) or not items:
            raise self.error(f"'{key}' is missing or no list")
        return items[0]

    def record(self, value: Any, key_path: str) -> dict[str, Any]:
        if not isinstance(value, dict):
            raise self.error(f"{key_path} is no object")
        return value

    def entries(self, value: Any, key_path: str) -> Iterable[tuple[str, dict[str, Any]]]:
        if not isinstance(value, list):
            raise self.error(f"'{key_path}' is missing or no list")
        for k, entry in enumerate(value):
            yield f"{key_path}[{k}]", self.record(entry, f"{key_path}[{k}]")

    def text(self, entry: dict[str, Any], key: str, key_path: str) -> str:
        value = entry.get(key)
        if not isinstance(value, str) or not value.isidentifier():
            raise self.error(f"{key_path}.{key} is {value!r}, expected a name")
        return value

    def number(self, entry: dict[str, Any], key: str, key_path: str) -> float:
        value = entry.get(key)
        number = math.nan
        # the files of the Allen Institute write numbers as texts too
        if isinstance(value, str | int | float) and not isinstance(value, bool):
            with contextlib.suppress(ValueError, OverflowError):
                number = float(value)
        if not math.isfinite(number):
            raise self.error(f"{key_path}.{key} is {value!r}, expected a finite number")
        return number

    def optional_number(self, entry: dict[str, Any], key: str, key_path: str) -> float | None:
        return self.number(entry, key, key_path) if key in entry else None


def allen_hook(
    file: Path, folders: Sequence[Path] = (), *, stub: str | None = None
) -> Callable[[NamedSections], object]:
    """Make a function of a cell that gives it the biophysics of a ``fit_parameters.json``.

    Parameters
    ----------
    file : Path
        The file.
    folders : sequence of Path
        Where the .mod file of a missing mechanism may lie.
    stub : {'perisomatic', 'all-active'}, optional
        What replaces the axon, see `apply_allen`. Left out: by the channels of the fit.

    Returns
    -------
    callable
        To be called with a `Cell` before its segments are numbered; it replaces the axon.
    """
    fit = read_fit(file)

    def call(cell: NamedSections) -> None:
        cell.sections, cell.names = apply_allen(
            cell.sections, cell.names, fit, folders=folders, stub=stub
        )

    return call


def apply_allen(
    sections: Sequence[Any],
    names: Sequence[str],
    fit: Fit,
    *,
    folders: Sequence[Path] = (),
    stub: str | None = None,
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
    stub : {'perisomatic', 'all-active'}, optional
        What replaces the axon. Left out: all-active where the fit has active channels outside the
        soma.

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
    if not any(_section_type(name) == "soma" for name in names):
        raise InputError(
            "the cell has no soma, which the Allen models need",
            source=fit.file,
            remedy="name a morphology with a soma",
        )
    all_active = fit.all_active
    if stub is not None:
        all_active = stub == vocabulary.ALL_ACTIVE
    kept, kept_names = replace_axon(sections, names, all_active=all_active)
    by_type: dict[str, list[Any]] = {}
    for section, name in zip(kept, kept_names, strict=True):
        by_type.setdefault(_section_type(name), []).append(section)
    _set_passive(kept, by_type, fit)
    _insert_channels(by_type, fit, folders)
    for entry in fit.erev:
        for section in by_type.get(entry.section, ()):
            # a reversal potential belongs to an ion, which is there once a channel uses it
            if section.has_membrane(_ION[entry.name]):
                _set(section, entry, fit)
    return kept, kept_names


def _insert_channels(by_type: dict[str, list[Any]], fit: Fit, folders: Sequence[Path]) -> None:
    known = set(density_mechanism_names())
    for entry in fit.genome:
        for section in by_type.get(entry.section, ()):
            if entry.mechanism:
                if entry.mechanism not in known:
                    raise missing_mechanism_error(
                        entry.mechanism, entry.section, [fit.file.parent, *folders]
                    )
                # nothing happens where it is there, as several values of one channel find it
                section.insert(entry.mechanism)
            _set(section, entry, fit)


def _section_type(name: str) -> str:
    # apical, dendrite and axonal go by their first letters
    return name.rpartition(".")[2].partition("[")[0][:4]


def replace_axon(
    sections: Sequence[Any], names: Sequence[str], *, all_active: bool
) -> tuple[list[Any], list[str]]:
    """Replace the axon of a cell by two short sections, see `apply_allen`.

    Parameters
    ----------
    sections : sequence of nrn.Section
        The cell's sections.
    names : sequence of str
        Their names.
    all_active : bool
        Whether the axon is that of an all-active model, else of a perisomatic one.

    Returns
    -------
    sections : list of nrn.Section
        The sections; the axon comes last.
    names : list of str
        Their names.
    """
    h = nrn()
    axon, kept, kept_names = [], [], []
    for section, name in zip(sections, names, strict=True):
        if _section_type(name) == "axon":
            axon.append(section)
        else:
            kept.append(section)
            kept_names.append(name)
    diameters, attachment = [1.0, 1.0], 0.5
    if all_active:
        attachment = 1.0
        if axon:
            # that of a section is the one of its middle
            diameters = [axon[0].diam, axon[-1].diam]
    for section in axon:
        h.delete_section(sec=section)
    soma = kept[[_section_type(name) for name in kept_names].index("soma")]
    stub = [h.Section(name=f"axon[{k}]") for k in range(2)]
    for section, diameter in zip(stub, diameters, strict=True):
        section.L, section.diam = STUB_LENGTH, diameter
    stub[0].connect(soma(attachment), 0)
    stub[1].connect(stub[0](1.0), 0)
    return [*kept, *stub], [*kept_names, "axon[0]", "axon[1]"]


def _set_passive(sections: Sequence[Any], by_type: dict[str, list[Any]], fit: Fit) -> None:
    for section in sections:
        section.insert("pas")
        if fit.ra is not None:
            section.Ra = fit.ra
        if fit.e_pas is not None:
            for segment in section:
                segment.pas.e = fit.e_pas
    for section_type, value in fit.cm.items():
        for section in by_type.get(section_type, ()):
            section.cm = value


def _set(section: Any, entry: Value, fit: Fit) -> None:
    try:
        setattr(section, entry.name, entry.value)
    except (AttributeError, LookupError, RuntimeError, TypeError, ValueError) as error:
        known = []
        if entry.mechanism:
            known = parameter_names(entry.mechanism)
        raise SimulatorError(
            f"{entry.section} has no parameter '{entry.name}'",
            source=fit.file,
            remedy=nearest(entry.name, known, "parameter"),
        ) from error

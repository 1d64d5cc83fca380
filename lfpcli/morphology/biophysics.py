"""The biophysics of a NeuroML cell: channels, capacitance, resistivity, ions.

What is read is a description; `lfpcli.runtime.morphology.biophysics` gives it to sections of
NEURON.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from xml.etree.ElementTree import Element

from lfpcli.errors import InputError
from lfpcli.morphology.neuroml_text import (
    REMEDY,
    chosen_cell,
    number,
    quantity,
    read_root,
    tag,
)

ALL = "all"
# of concentration models, the dimension of each parameter; the rest are plain numbers
_DIMENSIONS = {
    "minCai": "concentration",
    "restingConc": "concentration",
    "decay": "time",
    "decayConstant": "time",
    "depth": "length",
    "shellThickness": "length",
}
_PROPERTIES = "biophysicalProperties"
_READ = {"notes", "morphology", _PROPERTIES, "annotation", "property"}
_READ_IN_ROOT = {"cell", "concentrationModel", *_READ}


@dataclass(frozen=True, kw_only=True)
class Channel:
    """A density of channels in a group of sections.

    Attributes
    ----------
    id, name : str
        Its own id, and the channel, which is the mechanism's name.
    group : str
        Group of sections, `ALL` for every one.
    ion : str
        The ion that it carries.
    density : float
        S/cm2.
    reversal : float, optional
        Reversal potential, mV; without one it follows from concentrations.
    """

    id: str
    name: str
    group: str
    ion: str
    density: float
    reversal: float | None


@dataclass(frozen=True, kw_only=True)
class Species:
    """An ion in a group of sections.

    Attributes
    ----------
    ion, group : str
        The ion, and the group of sections.
    inside, outside : float, optional
        Concentrations at the start, mM.
    model : str
        Mechanism that accounts for its concentration, empty for none.
    parameters : mapping of str to float
        Parameters of that mechanism, in NEURON's units.
    """

    ion: str
    group: str
    inside: float | None
    outside: float | None
    model: str
    parameters: Mapping[str, float]


@dataclass(frozen=True, kw_only=True)
class Biophysics:
    """What a file says of the membrane and the inside of a cell.

    Attributes
    ----------
    source : str
        The file, for messages.
    channels : tuple of Channel
        Channel densities.
    species : tuple of Species
        Ions with concentrations.
    capacitances : tuple of (str, float)
        Group and specific capacitance, uF/cm2.
    resistivities : tuple of (str, float)
        Group and axial resistivity, ohm cm.
    v_init : float, optional
        Membrane potential at the start, mV.
    not_read : tuple of str
        Elements that say more than is read.
    sections : mapping of str to tuple of str
        Names of the sections of each group, where the file holds the morphology too; else groups
        are the types soma, axon, dend, apic.
    """

    source: str
    channels: tuple[Channel, ...] = ()
    species: tuple[Species, ...] = ()
    capacitances: tuple[tuple[str, float], ...] = ()
    resistivities: tuple[tuple[str, float], ...] = ()
    v_init: float | None = None
    not_read: tuple[str, ...] = ()
    sections: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    @property
    def groups(self) -> set[str]:
        """Groups that something is said of."""
        named = {group for group, _ in (*self.capacitances, *self.resistivities)}
        named |= {channel.group for channel in self.channels}
        return named | {species.group for species in self.species}


def read_biophysics(
    path: str | os.PathLike[str], *, name: str | None = None, cell_id: str | None = None
) -> Biophysics:
    """Read the biophysics of a cell from a NeuroML 2 file, with or without a morphology.

    Parameters
    ----------
    path : path-like
        The file.
    name : str, optional
        What to call it in messages.
    cell_id : str, optional
        Which cell, where there are several.

    Raises
    ------
    InputError
        With the element, where the file is no NeuroML, holds no biophysics, or a value is wrong.
    """
    label = name or str(path)
    root = read_root(path, label)
    cell = chosen_cell(root, label, cell_id)
    biophysics = None if cell is None else biophysics_of(root, cell, label)
    if biophysics is None:
        raise InputError(
            "holds no biophysics",
            source=label,
            remedy="expected NeuroML 2 with <biophysicalProperties>",
        )
    return biophysics


def biophysics_of(root: Element, cell: Element, label: str) -> Biophysics | None:
    """Return what a cell of a file says, None where it says nothing."""
    properties = _properties(root, cell)
    if properties is None:
        return None
    reader = _Reader(root, label)
    for element in properties:
        reader.read_part(element)
    reader.count_left_out(root, cell)
    left_out = [f"{count} x {element}" for element, count in sorted(reader.left_out.items())]
    return Biophysics(
        source=label,
        channels=tuple(reader.channels),
        species=tuple(reader.species),
        capacitances=tuple(reader.capacitances),
        resistivities=tuple(reader.resistivities),
        v_init=reader.v_init,
        not_read=tuple(left_out),
    )


def _properties(root: Element, cell: Element) -> Element | None:
    """The biophysical properties of a cell: inside of it, or beside it in the file."""
    inside = [child for child in cell if tag(child) == _PROPERTIES]
    if inside:
        return inside[0]
    beside = [child for child in root if tag(child) == _PROPERTIES]
    # a cell may name them by their id
    named = cell.get(_PROPERTIES)
    if named is not None:
        return next((child for child in beside if child.get("id") == named), None)
    is_only = len([child for child in root if tag(child) == "cell"]) == 1
    return beside[0] if len(beside) == 1 and is_only else None


class _Reader:
    """Collects the entries of ``biophysicalProperties``."""

    def __init__(self, root: Element, label: str) -> None:
        self.label = label
        self.channels: list[Channel] = []
        self.species: list[Species] = []
        self.capacitances: list[tuple[str, float]] = []
        self.resistivities: list[tuple[str, float]] = []
        self.v_init: float | None = None
        self.left_out: Counter[str] = Counter()
        self._models: dict[str, Element] = {}
        for element in root.iter():
            is_model = tag(element) in ("concentrationModel", "decayingPoolConcentrationModel")
            if is_model and "id" in element.attrib:
                self._models[element.attrib["id"]] = element

    def read_part(self, part: Element) -> None:
        """Read membraneProperties or intracellularProperties."""
        if tag(part) not in ("membraneProperties", "intracellularProperties"):
            self.left_out[tag(part)] += 1
            return
        for element in part:
            self._read_entry(element)

    def _read_entry(self, element: Element) -> None:
        name = tag(element)
        source = f"{self.label}:{name} {element.get('id', '')}".rstrip()
        group = element.get("segmentGroup", ALL)
        if "segment" in element.attrib or len(element):
            # for one segment alone, or with parameters that vary
            self.left_out[name] += 1
        elif name in ("channelDensity", "channelDensityNernst"):
            self.channels.append(self._channel(element, group, source))
        elif name == "specificCapacitance":
            value = self._quantity(element, "value", "specific capacitance", source)
            self.capacitances.append((group, value))
        elif name == "resistivity":
            value = self._quantity(element, "value", "resistivity", source)
            self.resistivities.append((group, value))
        elif name == "initMembPotential":
            self.v_init = self._quantity(element, "value", "voltage", source)
        elif name == "species":
            self.species.append(self._species(element, group, source))
        else:
            self.left_out[name] += 1

    def _channel(self, element: Element, group: str, source: str) -> Channel:
        reversal = None
        if tag(element) == "channelDensity":
            reversal = self._quantity(element, "erev", "voltage", source)
        return Channel(
            id=element.get("id", ""),
            name=self._text(element, "ionChannel", source),
            group=group,
            ion=element.get("ion", ""),
            density=self._quantity(element, "condDensity", "conductance density", source),
            reversal=reversal,
        )

    def _species(self, element: Element, group: str, source: str) -> Species:
        concentrations = []
        for key in ("initialConcentration", "initialExtConcentration"):
            value = None
            if key in element.attrib:
                value = self._quantity(element, key, "concentration", source)
            concentrations.append(value)
        model = element.get("concentrationModel", "")
        return Species(
            ion=element.get("ion", element.get("id", "")),
            group=group,
            inside=concentrations[0],
            outside=concentrations[1],
            model=self._mechanism(model),
            parameters=self._parameters(model),
        )

    def _mechanism(self, model: str) -> str:
        element = self._models.get(model)
        return model if element is None else element.get("type", model)

    def _parameters(self, model: str) -> dict[str, float]:
        element = self._models.get(model)
        if element is None:
            return {}
        source = f"{self.label}:{tag(element)} {model}"
        parameters = {}
        for key, text in element.attrib.items():
            if key in _DIMENSIONS:
                parameters[key] = quantity(text, _DIMENSIONS[key], source)
            elif key == "gamma":
                # the share of calcium that is not buffered has no unit; older exports of the Allen
                # Institute write one behind it
                parameters[key] = number(text.partition(" ")[0], source)
        return parameters

    def count_left_out(self, root: Element, cell: Element) -> None:
        """Count elements beside those that are read."""
        for child in root:
            if tag(child) not in _READ_IN_ROOT:
                self.left_out[tag(child)] += 1
        for child in cell:
            if tag(child) not in _READ:
                self.left_out[tag(child)] += 1

    def _quantity(self, element: Element, key: str, dimension: str, source: str) -> float:
        return quantity(self._text(element, key, source), dimension, source)

    def _text(self, element: Element, key: str, source: str) -> str:
        text = element.get(key)
        if not text:
            raise InputError(f"'{key}' is missing", source=source, remedy=REMEDY)
        return text

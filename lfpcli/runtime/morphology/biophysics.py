"""The biophysics that a NeuroML file describes, given to sections of NEURON."""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from lfpcli.errors import LfpWarning, SimulatorError
from lfpcli.morphology.biophysics import ALL, Biophysics, Channel, Species
from lfpcli.morphology.section import SOMA, type_name, type_of_name
from lfpcli.runtime.cell.points import density_mechanism_names, parameter_names
from lfpcli.runtime.mechanisms.near import missing_mechanism_error
from lfpcli.runtime.neuron import nrn

# what models call the density of a channel, beside names such as gnabar
DENSITIES = ("gbar", "g", "gmax")
# parameters of NeuroML's own concentration model, and what mechanisms call them
SYNONYMS = {
    "restingConc": ("restingConc", "minCai", "cainf"),
    "decayConstant": ("decayConstant", "decay", "taur"),
    "shellThickness": ("shellThickness", "depth"),
}


def apply_biophysics(
    sections: Sequence[Any],
    names: Sequence[str],
    biophysics: Biophysics,
    folders: Iterable[str | os.PathLike[str]] = (),
) -> None:
    """Insert channels and ions, and set resistivity and capacitance.

    Parameters
    ----------
    sections : sequence of nrn.Section
        The sections of a cell.
    names : sequence of str
        Their names.
    biophysics : Biophysics
        What a file says.
    folders : iterable of path-like
        Where the .mod file of a missing mechanism may lie.

    Raises
    ------
    SimulatorError
        Where NEURON lacks a mechanism, or a mechanism a parameter.
    """
    groups = _Groups(sections, names, biophysics)
    places = [Path(biophysics.source).parent, *folders]
    for group, value in biophysics.resistivities:
        for section in groups.sections(group):
            section.Ra = value
    for group, value in biophysics.capacitances:
        for section in groups.sections(group):
            section.cm = value
    for channel in biophysics.channels:
        _insert(channel.name, channel.group, groups, places)
        _set_channel(channel, groups.sections(channel.group), biophysics.source)
    # concentrations belong to ions, which are there once channels use them
    for species in biophysics.species:
        if species.model:
            _insert(species.model, species.group, groups, places)
        _set_species(species, groups.sections(species.group), biophysics.source)


class _Groups:
    """Sections by the groups of a file: its own, else the types of sections."""

    def __init__(
        self, sections: Sequence[Any], names: Sequence[str], biophysics: Biophysics
    ) -> None:
        self._by_name = dict(zip(names, sections, strict=True))
        self._groups = biophysics.sections
        self._source = biophysics.source

    def sections(self, group: str) -> list[Any]:
        """Sections of a group."""
        if group in self._groups:
            return [self._by_name[name] for name in self._groups[group]]
        if group == ALL:
            return list(self._by_name.values())
        types = {type_name(code): code for code in range(SOMA, 5)}
        if group not in types:
            raise SimulatorError(
                f"biophysics of a group '{group}', which the morphology does not have",
                source=self._source,
                remedy=f"groups are {', '.join([*types, ALL])}",
            )
        return [
            section for name, section in self._by_name.items() if type_of_name(name) == types[group]
        ]


def _insert(name: str, group: str, groups: _Groups, folders: Sequence[Path | Any]) -> None:
    if name not in density_mechanism_names():
        raise missing_mechanism_error(name, group, folders)
    for section in groups.sections(group):
        section.insert(name)


def _set_channel(channel: Channel, sections: Sequence[Any], source: str) -> None:
    density = _parameter(channel.name, (*DENSITIES, f"g{channel.ion}bar"), source)
    for section in sections:
        _set(section, density, channel.density)
    if channel.reversal is None:
        return
    if _uses_ion(channel.name, channel.ion):
        for section in sections:
            _set(section, f"e{channel.ion}", channel.reversal)
        return
    names = ("e", "erev", f"e{channel.ion}")
    if not _set_global(channel.name, names, channel.reversal):
        reversal = _parameter(channel.name, names, source)
        for section in sections:
            _set(section, reversal, channel.reversal)


def _set_global(mechanism: str, names: Sequence[str], value: float) -> bool:
    """Set the first of some names that is one value for all cells; whether there is one."""
    h = nrn()
    known = parameter_names(mechanism)
    for name in names:
        full = f"{name}_{mechanism}"
        if full not in known and hasattr(h, full):
            before = float(getattr(h, full))
            setattr(h, full, value)
            if before != value:
                warnings.warn(
                    f"{full} is one value for all cells: {value:g} instead of {before:g}",
                    LfpWarning,
                    stacklevel=2,
                )
            return True
    return False


def _uses_ion(mechanism: str, ion: str) -> bool:
    """Whether a mechanism brings an ion along."""
    if f"{ion}_ion" not in density_mechanism_names():
        return False
    h = nrn()
    trial = h.Section(name="trial")
    trial.insert(mechanism)
    uses = bool(h.ismembrane(f"{ion}_ion", sec=trial))
    h.delete_section(sec=trial)
    return uses


def _set_species(species: Species, sections: Sequence[Any], source: str) -> None:
    h = nrn()
    ion = species.ion
    for key, value in species.parameters.items():
        name = _parameter(species.model, SYNONYMS.get(key, (key,)), source)
        for section in sections:
            _set(section, name, value)
    for section in sections:
        if not h.ismembrane(f"{ion}_ion", sec=section):
            continue
        for name, concentration in ((f"{ion}i", species.inside), (f"{ion}o", species.outside)):
            if concentration is not None:
                _set(section, name, concentration)
        if not species.model:
            # without a mechanism that writes them concentrations stay, and give the potential
            h.ion_style(f"{ion}_ion", 1, 2, 1, 0, 0, sec=section)


def _parameter(mechanism: str, names: Iterable[str], source: str) -> str:
    """Return the first of some names that a mechanism has, as NEURON knows it on a segment."""
    known = parameter_names(mechanism)
    for name in names:
        for candidate in (f"{name}_{mechanism}", name):
            if candidate in known:
                return candidate
    raise SimulatorError(
        f"{mechanism} has none of the parameters {', '.join(dict.fromkeys(names))}",
        source=source,
        remedy=f"it has {', '.join(known) or 'none'}",
    )


def _set(section: Any, name: str, value: float) -> None:
    for segment in section:
        setattr(segment, name, value)

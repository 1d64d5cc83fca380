"""From the configuration of a simulation to the tables of a model, and what it names as output."""

from __future__ import annotations

import json
import warnings
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lfpcli.errors import InputError, LfpWarning
from lfpcli.io.sonata.config import CircuitConfig, is_config, read_config
from lfpcli.io.text import is_number
from lfpcli.tasks.circuits.neurodamus.settings import neurodamus_mechanisms, neurodamus_tree
from lfpcli.tasks.circuits.places import SECTION_TYPES
from lfpcli.tasks.circuits.potentials import (
    SIGMA,
    PotentialReport,
    cell_groups,
    chosen_cells,
    legal_name,
    minimum_distance,
    report_contacts,
    tell_unheeded,
)
from lfpcli.tasks.circuits.report_times import ReportTimes, report_times

_SOMA, _ALL = "soma", "all"
# kinds of reports
_POTENTIALS = "extracellular"
_MEMBRANE = ("membrane_report", "compartment", "multimeter_report")
_SYNAPSES, _CLAMPS = "netcon_report", "clamp_report"
_SECTIONS = (_SOMA, _ALL, *SECTION_TYPES)
# clamps by what bmtk calls them in the reports
CLAMP_TYPES = {"se": ("SEClamp", "DelayedSEClamp"), "ic": ("IClamp",), "f_ic": ("IClamp",)}
# densities, which the recording has as currents
DENSITY = "i_membrane"
CURRENTS = (DENSITY, "i_membrane_", "im")
"""Names of the membrane current in configurations."""


@dataclass(frozen=True, kw_only=True)
class MembraneReport:
    """A report of a variable of cells, as the configuration names it.

    Attributes
    ----------
    name : str
        Name of the report.
    variable : str
        What SONATA calls it: v, cai, i_membrane.
    sections : tuple of str
        ``soma``, its middle; ``all`` segments; or those of types of sections, such as ``apic``.
    cells : object
        The node set.
    file : Path
        The file to write.
    times : ReportTimes
        Which rows it has.
    """

    name: str
    variable: str
    sections: tuple[str, ...]
    cells: Any
    file: Path
    times: ReportTimes


@dataclass(frozen=True, kw_only=True)
class SynapseReport:
    """A report of a variable of synapses.

    Attributes
    ----------
    name, variable : str
        Name of the report; what it holds, such as g.
    synapse : str or None
        Begin of the names of the point processes that it is of; None means all.
    cells : object
        The node set.
    file : Path
        The file to write.
    times : ReportTimes
        Which rows it has.
    """

    name: str
    variable: str
    synapse: str | None
    cells: Any
    file: Path
    times: ReportTimes

    @property
    def recorded(self) -> str:
        """Name of the variable in the recording."""
        return f"{self.variable}_{legal_name(self.name)}"


@dataclass(frozen=True, kw_only=True)
class ClampReport:
    """A report of the currents of clamps: its name, the electrodes it is of, and its file."""

    name: str
    mechanisms: tuple[str, ...]
    file: Path

    @property
    def recorded(self) -> str:
        """Name of the variable in the recording."""
        return f"i_{legal_name(self.name)}"


@dataclass(frozen=True, kw_only=True)
class CircuitOutputs:
    """Files that a configuration names.

    Attributes
    ----------
    folder : Path
        Where they go.
    spikes, spikes_csv : Path or None
        Files of spikes.
    overwrite : bool
        Whether files that are there are replaced.
    membrane : tuple of MembraneReport
        Reports of variables.
    potentials : tuple of PotentialReport
        Reports of contacts.
    synapses : tuple of SynapseReport
        Reports of synapses.
    clamps : tuple of ClampReport
        Reports of electrodes.
    """

    folder: Path
    spikes: Path | None = None
    spikes_csv: Path | None = None
    overwrite: bool = False
    membrane: tuple[MembraneReport, ...] = ()
    potentials: tuple[PotentialReport, ...] = ()
    synapses: tuple[SynapseReport, ...] = ()
    clamps: tuple[ClampReport, ...] = ()

    @property
    def files(self) -> list[Path]:
        """All files."""
        named = [self.spikes, self.spikes_csv]
        reports = [report.file for report in self.membrane]
        for others in (self.potentials, self.synapses, self.clamps):
            reports += [report.file for report in others]
        return [path for path in named if path is not None] + reports


@dataclass(kw_only=True)
class _Wanted:
    """What the reports of a configuration ask a run to keep."""

    record: dict[str, Any] = field(default_factory=dict)
    probes: list[dict[str, Any]] = field(default_factory=list)
    groups: dict[str, dict[str, Any]] = field(default_factory=dict)


def simulation_tree(file: Path) -> dict[str, Any]:
    """The tables of a model that simulates a configuration.

    Parameters
    ----------
    file : Path
        The configuration of a simulation.

    Returns
    -------
    dict
        As `lfpcli.model.load_model` takes it.

    Raises
    ------
    InputError
        Where it tells of a circuit alone, or asks for what is not there.
    """
    config = read_config(file)
    if not config.simulates:
        raise InputError(
            "is the configuration of a circuit, not of a simulation",
            source=file,
            remedy="name it in a model file: [circuit] config = FILE",
        )
    if config.is_neurodamus:
        return neurodamus_tree(config)
    wanted = _wanted(config)
    circuit: dict[str, Any] = {"config": str(file.absolute()), "outputs": True}
    if "spike_threshold" in config.run:
        circuit["threshold"] = config.run["spike_threshold"]
    tree: dict[str, Any] = {"circuit": circuit, "run": _run(config), "record": wanted.record}
    if wanted.probes:
        tree["probe"] = wanted.probes
    if wanted.groups:
        tree["group"] = wanted.groups
    return tree


def is_config_file(path: Path) -> bool:
    """Whether a file is a configuration of SONATA, not a model of lfp; by what it holds."""
    if path.suffix.lower() != ".json":
        return False
    try:
        return is_config(json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, RecursionError):
        # the reader of models tells what is wrong with it
        return False


def circuit_files(path: Path) -> list[Path]:
    """Configurations of a circuit and the files of nodes, edges and types that they name."""
    config = read_config(path)
    files = [config.file, *config.others]
    for pair in (*config.nodes, *config.edges):
        files += [pair.data] if pair.types is None else [pair.data, pair.types]
    return [file for file in files if file.is_file()]


def _run(config: CircuitConfig) -> dict[str, Any]:
    table: dict[str, Any] = {}
    for name, section, key in (
        ("tstop", config.run, "tstop"),
        ("dt", config.run, "dt"),
        ("celsius", config.conditions, "celsius"),
        ("v_init", config.conditions, "v_init"),
        ("seed", config.run, "random_seed"),
    ):
        if key in section:
            table[name] = section[key]
    folders = mechanism_folders(config)
    if folders:
        table["mechanisms"] = [str(folder.absolute()) for folder in folders]
    # text of numbers, as some configurations have it
    for key, value in table.items():
        if isinstance(value, str) and is_number(value):
            table[key] = float(value)
    return table


def mechanism_folders(config: CircuitConfig) -> list[Path]:
    """The folder with the sources of a circuit's mechanisms, or nothing where it has none."""
    if config.is_neurodamus:
        return neurodamus_mechanisms(config)
    folder = config.components.get("mechanisms_dir")
    if folder is None:
        return []
    # sources lie in it or beside their compiled form
    for candidate in (folder / "modfiles", folder):
        if candidate.is_dir() and list(candidate.glob("*.mod")):
            return [candidate]
    return []


def _wanted(config: CircuitConfig) -> _Wanted:
    outputs = circuit_outputs(config)
    wanted = _Wanted(record=_record(outputs.membrane))
    for potential in outputs.potentials:
        entry = config.reports[potential.name]
        source = f"{config.file}: reports.{potential.name}"
        probe = {
            "name": potential.signal,
            "contacts": report_contacts(config, entry, source),
            "sigma": SIGMA,
            "minimum_distance": minimum_distance(entry, source),
        }
        groups = cell_groups(config, potential)
        if potential.contributions is not None:
            probe["per"] = "cell"
        elif groups:
            probe["per"] = "group"
            wanted.groups |= groups
        wanted.probes.append(probe)
        tell_unheeded(entry, source)
    return wanted


def _record(reports: Sequence[MembraneReport]) -> dict[str, Any]:
    """The table of what is recorded, for reports of variables."""
    record: dict[str, Any] = {"vmem": "none", "imem": False, "dipole": "none"}
    # whether all reports of a variable are of somata, of which no other segment is kept then
    of_somata: dict[str, bool] = {}
    for report in reports:
        if report.variable == "v":
            is_of_somata = report.sections == (_SOMA,) and record["vmem"] != _ALL
            record["vmem"] = _SOMA if is_of_somata else _ALL
        elif report.variable in CURRENTS:
            record["imem"] = True
        else:
            name = recorded_name(report.variable)
            of_somata[name] = of_somata.get(name, True) and report.sections == (_SOMA,)
    variables = [name for name, is_of_somata in of_somata.items() if not is_of_somata]
    somata = [name for name, is_of_somata in of_somata.items() if is_of_somata]
    if variables:
        record["variables"] = variables
    if somata:
        where = {"sections": [_SOMA]}
        record["report"] = [{"name": n, "variable": n, "location": where} for n in somata]
    return record


def recorded_name(variable: str) -> str:
    """What a variable of SONATA is called in a recording."""
    if variable in CURRENTS:
        return "imem"
    # the potential outside of a segment is that of the first layer
    return {"v": "vmem", "vext": "vext[0]"}.get(variable, variable)


def circuit_outputs(config: CircuitConfig) -> CircuitOutputs:
    """The files that a configuration asks for.

    Reports of kinds that are not written are told of.

    Raises
    ------
    InputError
        Where a report is not what it should be.
    """
    output = config.output
    folder = config.path(str(output.get("output_dir", "output")))
    membrane: list[MembraneReport] = []
    potentials: list[PotentialReport] = []
    synapses: list[SynapseReport] = []
    clamps: list[ClampReport] = []
    for name, entry in config.reports.items():
        source = f"{config.file}: reports.{name}"
        if not isinstance(entry, dict):
            raise InputError("is no object", source=source, remedy="write {...}")
        file = folder / _file_name(entry.get("file_name", name))
        module = _module(entry)
        if module == _POTENTIALS:
            potentials.append(
                PotentialReport(
                    name=name,
                    cells=chosen_cells(entry, source),
                    file=file,
                    contributions=_named(folder, entry.get("contributions_dir")),
                )
            )
        elif module == _SYNAPSES:
            synapses += _synapses(name, entry, file, config)
        elif module == _CLAMPS:
            clamps.append(_clamps(name, entry, file, source))
        elif is_written(entry):
            membrane += _membrane(name, entry, file, config)
        else:
            warnings.warn(
                f"the report '{name}' ({module}) is not written", LfpWarning, stacklevel=2
            )
    outputs = CircuitOutputs(
        folder=folder,
        spikes=_spike_file(config, "spikes_file", folder / "spikes.h5"),
        spikes_csv=_spike_file(config, "spikes_file_csv", None),
        overwrite=bool(output.get("overwrite_output_dir", False)),
        membrane=tuple(membrane),
        potentials=tuple(potentials),
        synapses=tuple(synapses),
        clamps=tuple(clamps),
    )
    counts = Counter(outputs.files)
    for path, count in counts.items():
        if count > 1:
            raise InputError(
                f"{count} outputs go into {path.name}",
                source=f"{config.file}: reports",
                remedy="give each a file_name of its own",
            )
    return outputs


def _spike_file(config: CircuitConfig, key: str, usual: Path | None) -> Path | None:
    name = config.output.get(key)
    if key not in config.output:
        return usual
    if name and not isinstance(name, str):
        raise InputError(
            f"{key} is {name!r}", source=f"{config.file}: output", remedy="name one file"
        )
    return _named(config.path(str(config.output.get("output_dir", "output"))), name)


def is_written(report: Any) -> bool:
    """Whether a report of a configuration is of a kind that a run writes."""
    known = (_POTENTIALS, _SYNAPSES, _CLAMPS, *_MEMBRANE)
    return isinstance(report, dict) and _module(report) in known


def _module(report: Mapping[str, Any]) -> Any:
    # neurodamus calls it a type
    return report.get("module", report.get("type"))


def _named(folder: Path, name: Any) -> Path | None:
    return folder / name if isinstance(name, str) and name else None


def _file_name(name: Any) -> str:
    text = str(name)
    return text if text.endswith((".h5", ".hdf5")) else f"{text}.h5"


def _membrane(
    name: str, entry: Mapping[str, Any], file: Path, config: CircuitConfig
) -> list[MembraneReport]:
    source = f"{config.file}: reports.{name}"
    told = entry.get("sections", _ALL)
    sections = list(told) if isinstance(told, list) else [told]
    if not sections or any(section not in _SECTIONS for section in sections):
        raise InputError(
            f"sections are {told!r}",
            source=source,
            remedy=f"use some of {', '.join(_SECTIONS)}, or switch it off: enabled = false",
        )
    if _ALL in sections:
        sections = [_ALL]
    elif isinstance(told, list) and told == [_SOMA]:
        sections = ["somatic"]
    return [
        MembraneReport(
            name=name,
            variable=variable,
            sections=tuple(sections),
            cells=entry.get("cells", _ALL),
            file=path,
            times=report_times(entry, config.run, source),
        )
        for variable, path in _variables(entry, "v", file, source)
    ]


def _synapses(
    name: str, entry: Mapping[str, Any], file: Path, config: CircuitConfig
) -> list[SynapseReport]:
    source = f"{config.file}: reports.{name}"
    synapse = entry.get("syn_type", "Exp2Syn")
    if synapse is not None and not isinstance(synapse, str):
        raise InputError(f"syn_type is {synapse!r}", source=source, remedy="name a synapse")
    return [
        SynapseReport(
            name=name,
            variable=variable,
            synapse=synapse,
            cells=entry.get("cells", _ALL),
            file=path,
            times=report_times(entry, config.run, source),
        )
        for variable, path in _variables(entry, "g", file, source)
    ]


def _clamps(name: str, entry: Mapping[str, Any], file: Path, source: str) -> ClampReport:
    variable = entry.get("variable_name")
    if variable not in CLAMP_TYPES:
        raise InputError(
            f"variable_name of clamps is {variable!r}",
            source=source,
            remedy=f"use one of {', '.join(CLAMP_TYPES)}",
        )
    return ClampReport(name=name, mechanisms=CLAMP_TYPES[str(variable)], file=file)


def _variables(
    entry: Mapping[str, Any], usual: str, file: Path, source: str
) -> list[tuple[str, Path]]:
    """Variables of a report, each with its file: a file of SONATA has one variable."""
    told = entry.get("variable_name", usual)
    variables = told if isinstance(told, list) else [told]
    if not variables or not all(isinstance(variable, str) for variable in variables):
        raise InputError(
            f"variable_name is {told!r}", source=source, remedy="name a variable, or several"
        )
    if len(variables) == 1:
        return [(variables[0], file)]
    return [(each, file.with_stem(f"{file.stem}_{each}")) for each in dict.fromkeys(variables)]

"""What a model would do and what code it names, told without running any of it.

Models come from strangers too: hoc and Python files run with all that a user may do, and mechanisms
are compiled and then run. Nothing here loads NEURON.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lfpcli.builtin import resolved
from lfpcli.errors import InputError, LfpError
from lfpcli.model import CellSpec, Model, model_files
from lfpcli.model.source_text import clipped
from lfpcli.morphology.formats import assumed_format
from lfpcli.morphology.measures import Segmentation, segment_count
from lfpcli.morphology.reading import read_morphology
from lfpcli.morphology.section import Section
from lfpcli.tasks.circuits.simulation_model import is_config_file
from lfpcli.tasks.simulate.estimate import Sizes, expected_sizes
from lfpcli.tasks.simulate.layout import lay_out
from lfpcli.tasks.simulate.plan import settings_of
from lfpcli.tasks.simulate.predict import file_bytes
from lfpcli.tasks.simulate.quick import Quick
from lfpcli.tasks.simulate.source import is_circuit_alone, model_source

_LONGEST_NAME = 300


@dataclass(frozen=True, kw_only=True)
class Code:
    """Code that a model runs.

    Attributes
    ----------
    key : str
        Table and key that name it.
    file : Path
        Its file or folder.
    part : str
        Function or template that is used of it; empty where the whole of it runs.
    language : {'hoc', 'Python', 'mod'}
        What it is written in; mechanisms are compiled first.
    """

    key: str
    file: Path
    part: str
    language: str


def look_at_file(name: str) -> dict[str, Any]:
    """Say what a model or a configuration of SONATA would do, without running its code.

    Parameters
    ----------
    name : str
        The file.

    Returns
    -------
    dict
        The ``kind``, ``model`` or ``circuit``, and what `look` or `look_at_configuration` tell.

    Raises
    ------
    InputError
        Where a file is not what it should be. Of a simulation of a circuit that is among what is
        ``refused`` where nodes and edges can be told of.
    """
    if is_circuit_alone(name):
        return {"kind": "circuit", **look_at_configuration(Path(name))}
    try:
        with model_source(name, Quick()) as source:
            return {"kind": "model", **look(source.model)}
    except InputError as error:
        if not is_config_file(Path(name)):
            raise
        facts = look_at_configuration(Path(name))
        facts["refused"] = list(dict.fromkeys([*facts["refused"], str(error)]))
        return {"kind": "circuit", **facts}


def look(model: Model) -> dict[str, Any]:
    """Say what a run of a model would be, without running any code that it names.

    Parameters
    ----------
    model : Model
        The model.

    Returns
    -------
    dict
        ``populations``, ``segments`` and ``synapses`` (None where code makes cells), ``steps``,
        ``file bytes``, the ``code`` that runs, the ``files`` that are read, and ``notes``.

    Raises
    ------
    InputError
        Where a file is not what it should be.
    """
    notes = ["no code was run; a model's code may change all of this"]
    if model.circuit is not None:
        return _look_at_circuit(model, notes)
    segments: dict[str, int] = {}
    for name, cell in model.cells.items():
        number = _segments(cell)
        if number is None:
            notes.append(f"cell '{name}' is made by code, so that its segments are not known")
        else:
            segments[name] = number
    layout = lay_out(model, 0)
    settings = settings_of(model)
    sizes: Sizes | None = None
    if model.run.attach is not None:
        notes.append("cells are made by the script, so that neither they nor segments are known")
    elif layout.kind_names <= set(segments):
        sizes = expected_sizes(model, layout, segments)
        notes.append("numbers of synapses are expected ones")
    populations = layout.cells | layout.trains
    return {
        "populations": {name: len(gids) for name, gids in populations.items()},
        "segments": None if sizes is None else sizes.segments,
        "synapses": None if sizes is None else sizes.synapses,
        "steps": settings.samples + settings.warmup - 1,
        "engine": model.run.engine,
        "file bytes": None if sizes is None else file_bytes(model, sizes, settings.samples),
        "probes": [probe.name for probe in model.probes],
        "code": _code_facts(model.folder, code_of(model)),
        "files": sorted({_named(path, model.folder) for _, path in model_files(model)}),
        "notes": notes,
    }


def _look_at_circuit(model: Model, notes: list[str]) -> dict[str, Any]:
    """What `look` says of a circuit in the SONATA format: what it holds, its code and files."""
    assert model.circuit is not None
    facts = look_at_configuration(Path(model.circuit.config), model)
    settings = settings_of(model)
    facts["notes"] = notes + facts["notes"]
    return facts | {
        "steps": settings.samples + settings.warmup - 1,
        "engine": model.run.engine,
        "probes": [probe.name for probe in model.probes],
    }


def look_at_configuration(config: Path, model: Model | None = None) -> dict[str, Any]:
    """Say what a configuration of SONATA holds, without running any code that it names.

    Parameters
    ----------
    config : Path
        The configuration of a circuit or of a simulation.
    model : Model, optional
        The model that simulates it, whose code runs too.

    Returns
    -------
    dict
        As `look`, and as `lfpcli.tasks.circuits.summary.circuit_facts`.

    Raises
    ------
    InputError
        Where a file is not what it should be.
    """
    # what reads circuits is imported where there is one
    from lfpcli.io.sonata.config import read_config
    from lfpcli.tasks.circuits.circuit import read_circuit
    from lfpcli.tasks.circuits.simulation_model import circuit_files, mechanism_folders
    from lfpcli.tasks.circuits.summary import circuit_facts

    folder = config.parent.absolute() if model is None else model.folder
    facts = circuit_facts(config)
    if model is None:
        key = "components.mechanisms_dir"
        folders = mechanism_folders(read_config(config))
        code = [Code(key=key, file=path, part="", language="mod") for path in folders]
    else:
        code = list(code_of(model))
    files = set(circuit_files(config))
    notes: list[str] = []
    specs: dict[str, CellSpec] = {}
    with contextlib.suppress(LfpError):
        # what is wrong with it stands among what is refused
        specs = read_circuit(config).specs
    for name, cell in specs.items():
        code += _code_of_cell(f"node type {name}", cell)
        files |= {path for path in (cell.morphology, cell.allen, cell.neuroml) if path is not None}
        if cell.template is not None:
            notes.append(f"cells of '{name}' are made by code, so that segments are not known")
    notes.append("segments and synapses of circuits are counted by --dry-run without --no-code")
    return facts | {
        "segments": None,
        "synapses": None,
        "file bytes": None,
        "code": _code_facts(folder, code),
        "files": sorted({_named(path, folder) for path in files}),
        "notes": notes,
    }


def _code_facts(folder: Path, code: Iterable[Code]) -> list[dict[str, str]]:
    facts: list[dict[str, str]] = []
    for each in code:
        name = _named(each.file, folder)
        facts.append({"key": each.key, "file": name, "part": each.part, "language": each.language})
    return facts


def code_of(model: Model) -> Iterator[Code]:
    """Yield the code that a run of a model runs, in the order of its tables."""
    for path in model.run.mechanisms:
        yield Code(key="run.mechanisms", file=path, part="", language="mod")
    if model.run.attach is not None:
        language = "hoc" if model.run.attach.suffix == ".hoc" else "Python"
        yield Code(key="run.attach", file=model.run.attach, part="", language=language)
    for name, cell in model.cells.items():
        yield from _code_of_cell(f"cell.{name}", cell)


def _code_of_cell(table: str, cell: CellSpec) -> Iterator[Code]:
    if cell.hoc is not None:
        yield Code(key=f"{table}.hoc", file=cell.hoc, part="", language="hoc")
    if cell.morphology is not None and assumed_format(resolved(cell.morphology)) == "hoc":
        yield Code(key=f"{table}.morphology", file=cell.morphology, part="", language="hoc")
    if cell.template is not None:
        part = cell.template.template
        yield Code(key=f"{table}.template", file=cell.template.file, part=part, language="hoc")
    for key in ("code", "final_code"):
        for code in getattr(cell, key):
            language = "hoc" if code.function is None else "Python"
            part = code.function or ""
            yield Code(key=f"{table}.{key}", file=code.file, part=part, language=language)


def _named(path: Path, folder: Path) -> str:
    inside = path.absolute().is_relative_to(folder)
    # a stranger's text, which may go to a terminal
    return clipped(str(path.absolute().relative_to(folder) if inside else path), _LONGEST_NAME)


def _segments(cell: CellSpec) -> int | None:
    """Number of segments of a cell whose morphology is data; None where code makes it."""
    if cell.morphology is None or assumed_format(resolved(cell.morphology)) == "hoc":
        return None
    try:
        morphology = read_morphology(
            resolved(cell.morphology), repair=cell.repair, cell_id=cell.cell_id
        )
    except LfpError as error:
        error.source = error.source or cell.source_line
        raise
    return sum(_count(section, cell) for section in morphology.sections)


def _count(section: Section, cell: CellSpec) -> int:
    rule = cell.nseg
    assert rule is not None
    if rule.rule == "keep":
        return 1
    if rule.rule == "fixed":
        return int(rule.n or 1)
    segmentation = Segmentation(
        d_lambda=float(rule.d_lambda or 0.1),
        frequency=float(rule.frequency or 100.0),
        Ra=cell.Ra,
        cm=cell.cm,
        max_length=rule.max,
    )
    return segment_count(section, segmentation)

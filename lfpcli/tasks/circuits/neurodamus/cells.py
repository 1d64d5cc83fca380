"""Cells of neurodamus's circuits: hoc templates that load and cut their morphology themselves."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from lfpcli.errors import InputError
from lfpcli.io.sonata.nodes import NodePopulation
from lfpcli.model.cell import CellSpec, Nseg, TemplateRef

# attributes of nodes that a template is called with are in this group
_DYNAMICS = "dynamics_params/"
_TEMPLATES = "biophysical_neuron_models_dir"
# folders of morphologies by their format, in the order in which neurodamus prefers them
_MORPHOLOGIES = {"neurolucida-asc": ".asc", "h5v1": ".h5", "morphologies_dir": ".swc"}


def template_spec(name: str, facts: Mapping[str, Any], nodes: NodePopulation) -> CellSpec:
    """A kind of cell of a population.

    Parameters
    ----------
    name : str
        What to call it.
    facts : mapping
        ``source`` for messages, and the columns of its nodes: ``model_template``, ``morphology``,
        and the attributes that the template wants, see `needed_attributes`.
    nodes : NodePopulation
        The population.

    Returns
    -------
    CellSpec
        Its template is called with the number of the cell in front of its arguments.

    Raises
    ------
    InputError
        Where the template or the morphology is not there, or not one that is run.
    """
    source = str(facts["source"])
    file, template = template_file(facts["model_template"], nodes, source)
    folder, morphology = _morphology(facts["morphology"], nodes, source)
    extra = [_argument(facts[name]) for name in needed_attributes(file, template)]
    # without attributes the fourth argument says whether the axon stays as it is
    args = (str(folder.absolute()), morphology, *(extra or [0.0]))
    return CellSpec(
        name=name,
        source_line=source,
        nseg=Nseg(rule="keep"),
        template=TemplateRef(file, template),
        args=args,
    )


def _argument(value: Any) -> float | str:
    return value if isinstance(value, str) else float(value)


def template_file(value: Any, nodes: NodePopulation, source: str) -> tuple[Path, str]:
    """File and name of the template of a node.

    Raises
    ------
    InputError
        Where it is no hoc template, or its file is not there.
    """
    scheme, _, template = str(value or "").partition(":")
    if scheme != "hoc" or not template.isidentifier():
        raise InputError(
            f"model_template '{value}' is not run in a circuit of neurodamus",
            source=source,
            remedy="hoc:TEMPLATE is",
        )
    file = _folder(nodes, _TEMPLATES, source) / f"{template}.hoc"
    if not file.is_file():
        raise InputError(
            f"the template's file {file} is not there",
            source=source,
            remedy=f"correct {_TEMPLATES} of the population, or add the file",
        )
    return file, template


def needed_attributes(file: Path, template: str) -> list[str]:
    """Columns of ``dynamics_params`` that a template is called with.

    They are in a text of the template's file, ``NAME_NeededAttributes = "one;two"``.
    """
    text = file.read_text(encoding="utf-8", errors="replace")
    match = re.search(rf'^\s*{template}_NeededAttributes\s*=\s*"([^"]*)"', text, re.MULTILINE)
    names = match[1].split(";") if match else []
    return [f"{_DYNAMICS}{name.strip()}" for name in names if name.strip()]


def _folder(nodes: NodePopulation, key: str, source: str) -> Path:
    if key not in nodes.folders:
        raise InputError(
            f"the population has no {key}",
            source=source,
            remedy=f"add it to networks.nodes.populations.{nodes.name} of the circuit",
        )
    return nodes.folders[key]


def _morphology(name: Any, nodes: NodePopulation, source: str) -> tuple[Path, str]:
    """Folder and file of a morphology, in the format that the population prefers."""
    if not name:
        raise InputError("has no morphology", source=source, remedy="add the column morphology")
    key = next((key for key in _MORPHOLOGIES if key in nodes.folders), "morphologies_dir")
    folder, suffix = _folder(nodes, key, source), _MORPHOLOGIES[key]
    if suffix == ".h5":
        raise InputError(
            "templates of hoc do not load morphologies of the format h5v1",
            source=source,
            remedy="convert them, lfp morph -o NAME.asc, and name their folder: "
            "alternate_morphologies.neurolucida-asc",
        )
    file = f"{name}{suffix}"
    if not (folder / file).is_file():
        raise InputError(
            f"the morphology {folder / file} is not there",
            source=source,
            remedy=f"correct {key} of the population, or add the file",
        )
    return folder, file

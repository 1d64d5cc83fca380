"""Kinds of cells, point neurons and synapses from the components that a circuit names."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lfpcli.errors import InputError
from lfpcli.io.sonata.config import CircuitConfig
from lfpcli.model.cell import CellSpec, Nseg, TemplateRef
from lfpcli.vocabulary import ALL_ACTIVE

# cells of the Allen Cell Types Database; both spellings occur
_CELL_TYPES = ("ctdb:Biophys1", "ctdb:Biophys1.hoc")
# what bmtk calls the stub that replaces an axon
_STUBS = {"aibs_perisomatic": "perisomatic", "aibs_allactive": ALL_ACTIVE}
_PROCESSING = (*_STUBS, "extracellular")
MORPHOLOGY_SUFFIXES = ("", ".swc", ".asc", ".h5")
# bmtk's files of IntFire1 are in s, NEURON is in ms
SECOND = 1000.0
"""1 s in ms."""


@dataclass(frozen=True, kw_only=True)
class PointNeuron:
    """A point neuron.

    Attributes
    ----------
    mechanism : str
        The artificial cell of NEURON, such as IntFire1.
    params : tuple of (str, float)
        Its parameters, in NEURON's units.
    """

    mechanism: str
    params: tuple[tuple[str, float], ...]


def cell_spec(name: str, facts: Mapping[str, Any], config: CircuitConfig, source: str) -> CellSpec:
    """A kind of cell from the columns of its nodes.

    Parameters
    ----------
    name : str
        What to call it.
    facts : mapping
        ``model_template``, ``morphology``, ``dynamics_params`` and ``model_processing``.
    config : CircuitConfig
        Where the components are.
    source : str
        The node, for messages.

    Raises
    ------
    InputError
        Where a template or a processing is not known, or a file is not there.
    """
    template = str(facts["model_template"] or "")
    processing = _processing(facts["model_processing"], source)
    common: dict[str, Any] = {
        "name": name,
        "source_line": source,
        "nseg": _nseg(config),
        "extracellular": "extracellular" in processing,
    }
    if template in _CELL_TYPES:
        stubs = [_STUBS[step] for step in processing if step in _STUBS]
        if len(stubs) != 1:
            raise InputError(
                f"{template} without the processing that gives it its channels",
                source=source,
                remedy=f"give model_processing, one of {', '.join(_STUBS)}",
            )
        return CellSpec(
            axon_stub=stubs[0],
            morphology=_morphology(facts["morphology"], config, source),
            allen=_component(
                facts["dynamics_params"], "biophysical_neuron_models_dir", config, source
            ),
            **common,
        )
    scheme, _, target = template.partition(":")
    if scheme == "nml" and target:
        return CellSpec(
            morphology=_morphology(facts["morphology"], config, source),
            neuroml=_component(target, "biophysical_neuron_models_dir", config, source),
            **common,
        )
    if scheme == "hoc" and target.isidentifier():
        return _from_template(target, facts, config, source=source, common=common)
    raise InputError(
        f"model_template '{template}' is not known",
        source=source,
        remedy="ctdb:Biophys1, nml:FILE and hoc:TEMPLATE are; functions that a Python script "
        "registers are not run",
    )


def _from_template(
    template: str,
    facts: Mapping[str, Any],
    config: CircuitConfig,
    *,
    source: str,
    common: Mapping[str, Any],
) -> CellSpec:
    folder = config.components.get("templates_dir", config.components.get("hoc_templates_dir"))
    if folder is None:
        raise InputError(
            f"the template {template} has no folder",
            source=source,
            remedy="name it: components.templates_dir; templates that neurodamus calls, with a gid "
            "and folders of morphologies, are not run",
        )
    file = folder / f"{template}.hoc"
    if not file.is_file():
        raise InputError(
            f"the template's file {file} is not there", source=source, remedy="add the file"
        )
    args: tuple[float | str, ...] = ()
    if facts["dynamics_params"]:
        path = _component(facts["dynamics_params"], "biophysical_neuron_models_dir", config, source)
        params = _json(path).get("params", ())
        args = tuple(params) if isinstance(params, list) else (params,)
    elif facts["morphology"]:
        args = (str(_morphology(facts["morphology"], config, source)),)
    return CellSpec(template=TemplateRef(file, template), args=args, **common)


def _processing(text: Any, source: str) -> list[str]:
    steps = [step.strip() for step in str(text or "").split(",") if step.strip()]
    for step in steps:
        if step not in _PROCESSING:
            raise InputError(
                f"model_processing '{step}' is not known",
                source=source,
                remedy=f"known are {', '.join(_PROCESSING)}; functions that a Python script "
                "registers are not run",
            )
    return steps


def _nseg(config: CircuitConfig) -> Nseg:
    length = config.run.get("dL")
    if length is None:
        return Nseg(rule="keep")
    if not isinstance(length, int | float) or not length > 0:
        raise InputError(
            f"dL is {length!r}, expected a length in um",
            source=f"{config.file}: run.dL",
            remedy="such as 20.0",
        )
    # 1 + 2 int(L / (2 dL)) segments, in bmtk as in LFPy
    return Nseg(rule="lfpy", max=float(length))


def _morphology(name: Any, config: CircuitConfig, source: str) -> Path:
    if not name:
        raise InputError("has no morphology", source=source, remedy="add the column morphology")
    folder = config.folder("morphologies_dir")
    # nodes of some circuits name their file without its suffix
    for suffix in MORPHOLOGY_SUFFIXES:
        path = folder / f"{name}{suffix}"
        if path.is_file():
            return path
    raise InputError(
        f"the morphology {folder / str(name)} is not there",
        source=source,
        remedy="correct components.morphologies_dir, or add the file",
    )


def _component(name: Any, folder: str, config: CircuitConfig, source: str) -> Path:
    if not name:
        raise InputError(
            "has no dynamics_params", source=source, remedy="add the column to its type"
        )
    path = config.folder(folder) / str(name)
    if not path.is_file():
        raise InputError(
            f"{path} is not there", source=source, remedy=f"correct components.{folder}"
        )
    return path


def _json(path: Path) -> dict[str, Any]:
    try:
        tree = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise InputError(f"is no JSON: {error}", source=path, remedy="correct the file") from error
    if not isinstance(tree, dict):
        raise InputError("is no object", source=path, remedy="write {...}")
    return tree


def point_neuron(facts: Mapping[str, Any], config: CircuitConfig, source: str) -> PointNeuron:
    """A point neuron from the columns of its nodes; times in files are s, in NEURON ms.

    Raises
    ------
    InputError
        Where its model is another than IntFire1, or a parameter is missing.
    """
    template = str(facts["model_template"] or "")
    if template != "nrn:IntFire1":
        raise InputError(
            f"the point neuron '{template}' is not known", source=source, remedy="use nrn:IntFire1"
        )
    path = _component(facts["dynamics_params"], "point_neuron_models_dir", config, source)
    tree = _json(path)
    params = []
    for name in ("tau", "refrac"):
        value = SECOND * _number(tree.get(name), path, name)
        if not 0 <= value < float("inf") or (name == "tau" and value == 0):
            raise InputError(
                f"'{name}' is {tree[name]!r} s", source=path, remedy="give a duration, s"
            )
        params.append((name, value))
    return PointNeuron(mechanism="IntFire1", params=tuple(params))


def _number(value: Any, path: Path, name: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise InputError(
            f"'{name}' is {value!r}, expected a number", source=path, remedy="correct the file"
        )
    return float(value)


def synapse_parameters(name: Any, config: CircuitConfig, source: str) -> dict[str, float]:
    """The numbers in a file of a synapse, such as tau1, tau2, erev, sign.

    Raises
    ------
    InputError
        Where the file is missing or no JSON.
    """
    path = _component(name, "synaptic_models_dir", config, source)
    numbers = {}
    for key, value in _json(path).items():
        if not isinstance(value, bool) and isinstance(value, int | float):
            numbers[key] = float(value)
    return numbers

"""hoc files that build several cells: each of their trees becomes a cell of its own."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

from lfpcli.errors import InputError
from lfpcli.model import Model
from lfpcli.model.population import Population
from lfpcli.runtime.hoc.templates import hoc_roots
from lfpcli.runtime.synapses.streams import InstanceWatch


@dataclass
class SplitModel:
    """A model whose kinds of cells are one tree each.

    Attributes
    ----------
    model : Model
        The model.
    notes : list of str
        What the user should know.
    instances : dict of str to list
        By the population of the first tree of a file, the point processes with random streams that
        the file has made.
    """

    model: Model
    notes: list[str] = field(default_factory=list)
    instances: dict[str, list[Any]] = field(default_factory=dict)


def trees_as_cells(model: Model) -> SplitModel:
    """Make a kind of cell, and a population, of each tree of a hoc file that builds several.

    They are named after the kind or population that they come from, with a number: ``cell_0``,
    ``cell_1``. Electrodes, inputs and the like of the population go to each of them.

    Parameters
    ----------
    model : Model
        The model; its hoc files are run here, once.

    Raises
    ------
    InputError
        Where such a file's cells are wanted more than once, or connected.
    """
    result = SplitModel(model)
    for name, spec in model.cells.items():
        if spec.hoc is None or spec.root is not None:
            continue
        watch = InstanceWatch()
        roots = hoc_roots(spec.hoc)
        fresh = list(watch.fresh())
        if len(roots) > 1:
            _split(result, name, roots)
        first = _first_user(result.model, name)
        if fresh and first is not None:
            result.instances.setdefault(first, []).extend(fresh)
    return result


def _first_user(model: Model, cell_name: str) -> str | None:
    names = (cell_name, f"{cell_name}_0")
    populations = model.resolved_populations().values()
    return next((p.name for p in populations if not set(names).isdisjoint(p.cell_names)), None)


def _split(result: SplitModel, cell_name: str, roots: list[str]) -> None:
    """Put the trees of a cell into its place."""
    model = result.model
    cells: dict[str, Any] = {}
    for name, spec in model.cells.items():
        if name != cell_name:
            cells[name] = spec
            continue
        # they stay beside each other, where the file puts them
        origin = spec.origin if "origin" in spec.stated else "file"
        for k, root in enumerate(roots):
            part = f"{cell_name}_{k}"
            if part in model.cells or part in model.populations:
                raise _needs_roots(spec.source_line, roots)
            cells[part] = replace(spec, name=part, root=root, origin=origin)
    populations: dict[str, Population] = {}
    parts: dict[str, list[str]] = {}
    for name, population in model.resolved_populations().items():
        if cell_name not in population.cell_names:
            populations[name] = population
            continue
        _check_single(population, parts, roots)
        parts[name] = [f"{name}_{k}" for k in range(len(roots))]
        for k, part in enumerate(parts[name]):
            populations[part] = replace(population, name=part, cell=f"{cell_name}_{k}")
    result.model = replace(
        model,
        cells=cells,
        populations=populations,
        inputs=_for_each(model.inputs, parts),
        stimuli=_for_each(model.stimuli, parts),
    )
    for table in model.connections:
        for name in (table.pre, table.post):
            if name in parts:
                raise _needs_roots(table.source_line, roots)
    for names in parts.values():
        listed = ", ".join(f"{root} ({name})" for root, name in zip(roots, names, strict=True))
        result.notes.append(f"the hoc file builds {len(roots)} cells: {listed}")


def _check_single(population: Population, parts: dict[str, list[str]], roots: list[str]) -> None:
    if parts or population.size not in (None, 1) or not isinstance(population.cell, str):
        raise _needs_roots(population.source_line, roots)


def _needs_roots(source: str, roots: list[str]) -> InputError:
    return InputError(
        f"the hoc file builds {len(roots)} cells, each of them once: {', '.join(roots)}",
        source=source,
        remedy=f'give each a kind of cell and a population, with root = "{roots[0]}" and so on '
        "beside hoc",
    )


def _for_each(tables: Any, parts: dict[str, list[str]]) -> Any:
    """Repeat the tables of a population for each of its parts."""
    repeated = []
    for table in tables:
        if table.population in parts:
            repeated += [replace(table, population=part) for part in parts[table.population]]
        else:
            repeated.append(table)
    return tuple(repeated)

"""Cells of a model: from the tables of a kind of cell to NEURON."""

from __future__ import annotations

import functools
import warnings
from collections.abc import Callable, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np

from lfpcli import seeds
from lfpcli.errors import InputError, LfpWarning, located
from lfpcli.forward import transforms
from lfpcli.geometry import Geometry, select_sections
from lfpcli.model import CellSpec
from lfpcli.model.cell import Mechanism
from lfpcli.model.limits import check_drawn
from lfpcli.morphology.biophysics import read_biophysics
from lfpcli.morphology.tree import Morphology
from lfpcli.runtime.cell.cell import Cell
from lfpcli.runtime.cell.points import density_mechanism_names
from lfpcli.runtime.cell.sections import Discretisation, PlacesOfCells
from lfpcli.runtime.hoc.allen import allen_hook, read_fit
from lfpcli.runtime.hoc.hooks import hook
from lfpcli.runtime.hoc.neuroml import neuroml_hook
from lfpcli.runtime.hoc.settings import watched_settings
from lfpcli.runtime.hoc.templates import load_hoc_model, load_template, template_names
from lfpcli.runtime.mechanisms.concentrations import conflicting_writers
from lfpcli.runtime.mechanisms.near import missing_mechanism_error
from lfpcli.runtime.synapses.streams import InstanceWatch
from lfpcli.tasks.simulate.standing import morphology_of
from lfpcli.tasks.simulate.varied import Scope, places_in_cell, values_of


class CellFactory:
    """Makes the cells of one kind; what they share is read once.

    Parameters
    ----------
    spec : CellSpec
        The kind of cell.
    stand_ins : sequence of str
        Point processes that a template names and that were left out.
    extracellular : bool
        Whether they get the extracellular mechanism, as fields need it, where `spec` does not ask
        for it.
    seed : int
        Seed of parameters that are drawn.

    Attributes
    ----------
    settings : dict of str to float
        What the cell's own files set of NEURON's settings, such as `celsius`, which the model
        file overrules.
    instances : dict of int to list
        By gid, the point processes and artificial cells with random streams that the cell's own
        code has made, in the order of their making.
    """

    def __init__(
        self,
        spec: CellSpec,
        stand_ins: Sequence[str] = (),
        *,
        extracellular: bool = False,
        seed: int = 0,
    ) -> None:
        self.spec = spec
        self._seed = seed
        self._extracellular = extracellular or spec.extracellular
        self.settings: dict[str, float] = {}
        self.instances: dict[int, list[Any]] = {}
        self._stand_ins = stand_ins
        self._made = False
        self._checked = False
        rules = {f.name: getattr(spec.nseg, f.name) for f in fields(Discretisation)}
        self._nseg = Discretisation(**{k: v for k, v in rules.items() if v is not None})
        self._morphology: Morphology | None = None
        self._places = PlacesOfCells()
        self._fit: Callable[[Cell], object] | None = None
        if spec.allen is not None:
            fit = read_fit(spec.allen)
            self._fit = allen_hook(spec.allen, stub=spec.axon_stub)
            self.settings |= {"celsius": fit.celsius, "v_init": fit.v_init}
        if spec.neuroml is not None:
            biophysics = read_biophysics(spec.neuroml, cell_id=spec.cell_id)
            for element in biophysics.not_read:
                warnings.warn(f"left out: {element} [{spec.neuroml}]", LfpWarning, stacklevel=2)
            self._fit = neuroml_hook(biophysics)
            if biophysics.v_init is not None:
                self.settings["v_init"] = biophysics.v_init

    def make(self, gid: int, leading: tuple[float, ...] = ()) -> Cell:
        """Return a cell with its soma at the origin.

        Parameters
        ----------
        gid : int
            Number of the cell.
        leading : tuple of float
            Arguments of the template in front of those of `spec`, which differ from cell to cell.
        """
        spec = self.spec
        watch = InstanceWatch()
        source, names, owner = self._sections(leading)
        # hoc and Python code may set the temperature as well as channels
        with watched_settings(self.settings), located(spec.source_line):
            cell = Cell(
                source,
                Ra=spec.Ra,
                cm=spec.cm,
                nseg=self._nseg,
                custom_fun=self._hooks(),
                extracellular=self._extracellular,
                gid=gid,
                names=names,
                places=self._places,
                # NEURON deletes the sections of a template with its last reference
                owner=owner,
            )
        self.instances[gid] = list(watch.fresh())
        self._set_varied(cell)
        potentials: dict[int, float] = {}
        for pattern, value in spec.v_init.items():
            with located(spec.source_line):
                potentials |= dict.fromkeys(cell.get_idx((pattern,)).tolist(), value)
        if potentials:
            cell.begin_at(potentials)
        if self._checked:
            return cell
        self._checked = True
        for sentence in conflicting_writers(cell.sections, cell.names):
            warnings.warn(f"{sentence} [{spec.source_line}]", LfpWarning, stacklevel=2)
        return cell

    def _sections(self, leading: tuple[float, ...]) -> tuple[Any, list[str] | None, Any]:
        """What the cell is made of, the names of its sections, and what keeps them alive."""
        if self.spec.hoc is not None:
            return self._from_hoc(self.spec.hoc)
        return self._from_template(leading) if self.spec.template else self._from_file()

    def _from_hoc(self, file: Path) -> tuple[list[Any], list[str], None]:
        if self._made and (self.spec.root is not None or template_names(file)):
            # a template is read once, and the tree of a file is one cell
            raise InputError(
                "the hoc file builds one cell and cannot make more",
                source=self.spec.source_line,
                remedy=_template_advice(file),
            )
        self._made = True
        model_cell = load_hoc_model(file, self.spec.root)
        self.settings |= model_cell.settings
        return model_cell.sections, model_cell.names, None

    def _from_file(self) -> tuple[Any, None, None]:
        path = self.spec.morphology
        assert path is not None
        if path.suffix.lower() == ".hoc":
            return path, None, None
        if self._morphology is None:
            morphology = morphology_of(self.spec)
            assert morphology is not None
            self._morphology = morphology
            for note in (*self._morphology.repairs, *self._morphology.notes):
                warnings.warn(f"{note} [{path}]", LfpWarning, stacklevel=2)
            biophysics = self._morphology.biophysics
            if biophysics is not None and biophysics.v_init is not None:
                self.settings["v_init"] = biophysics.v_init
        return self._morphology, None, None

    def _from_template(self, leading: tuple[float, ...]) -> tuple[Any, list[str], Any]:
        spec = self.spec
        assert spec.template is not None
        model_cell = load_template(
            spec.template.file,
            spec.template.template,
            (*leading, *spec.args),
            workdir=spec.workdir,
            code=[code.file for code in spec.code if code.function is None],
            stand_ins=self._stand_ins,
            morphology=spec.morphology,
        )
        self.settings |= model_cell.settings
        return model_cell.sections, model_cell.names, model_cell.template

    def _hooks(self) -> list[Callable[[Cell], object]]:
        spec = self.spec
        # tables of the model come after a fitted file, and code last: each may change what came
        # before
        hooks = [] if self._fit is None else [self._fit]
        hooks += [functools.partial(_insert, mechanism) for mechanism in spec.mechanism]
        # hoc code of a template has run before it was made
        code = [c for c in spec.code if c.function is not None or spec.template is None]
        return hooks + [hook(c.file, c.function, spec.workdir) for c in code]

    def _set_varied(self, cell: Cell) -> None:
        """Set the parameters that vary from segment to segment, now that there are segments."""
        entries = []
        for number, mechanism in enumerate(self.spec.mechanism):
            for name, value in mechanism.params.items():
                if not isinstance(value, int | float):
                    entries.append((number, mechanism, name, value))
        if not entries:
            return
        # before the cell is turned: a channel density depends on the cell, not on how it stands
        variables = places_in_cell(cell)
        for number, mechanism, name, value in entries:
            index = cell.get_idx(mechanism.sections)
            scope = Scope(
                count=len(index),
                # a stream of its own for each cell and parameter
                rng=seeds.generator(self._seed, f"{mechanism.name}.{name}", number, cell.gid),
                variables={k: v[index] for k, v in variables.items()},
                rows=index,
                source_line=f"{mechanism.source_line} {mechanism.name}.{name}",
            )
            with located(f"{mechanism.source_line} {mechanism.name}.{name}"):
                values = values_of(value, scope)
                check_drawn(mechanism.name, name, values, scope.source_line)
                cell.set_range(mechanism.name, name, index, values)


def _template_advice(file: Path) -> str:
    names = template_names(file)
    if names:
        return f'give template = "{file.name}:{names[0]}" instead of hoc, or size = 1'
    return (
        f"put it into a template (begintemplate NAME ... endtemplate NAME) and give template = "
        f'"{file.name}:NAME" instead of hoc, or size = 1'
    )


def _insert(mechanism: Mechanism, cell: Cell) -> None:
    values = {k: v for k, v in mechanism.params.items() if isinstance(v, int | float)}
    with located(mechanism.source_line):
        if mechanism.name not in density_mechanism_names():
            section = cell.names[select_sections(cell.names, mechanism.sections)[0]]
            folder = Path(mechanism.source_line.partition(":")[0]).parent
            raise missing_mechanism_error(mechanism.name, section, [folder])
        cell.insert(mechanism.name, mechanism.sections, **values)


def placed(
    geometry: Geometry,
    *,
    mirror: str | None = None,
    distort: Any = None,
    rotation: np.ndarray | None = None,
    position: np.ndarray | None = None,
) -> Geometry:
    """Mirror, squeeze, turn and shift a cell, in this order, about its soma.

    Parameters
    ----------
    geometry : Geometry
        The cell.
    mirror : {'x', 'y', 'z'}, optional
        Axis of the mirror image.
    distort : Distortion, optional
        Stretch or squeeze.
    rotation : ndarray, shape (3, 3), optional
        Rotation matrix.
    position : ndarray, shape (3,), optional
        Where the soma goes, um.
    """
    if mirror:
        geometry = transforms.mirror(geometry, mirror)
    if distort:
        geometry = transforms.distort(geometry, distort.factor, distort.axis, distort.nu)
    if rotation is not None:
        geometry = transforms.rotate(geometry, rotation)
    return geometry if position is None else transforms.place(geometry, position)

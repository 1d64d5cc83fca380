"""Where the segments of a circuit's cells are, without its channels and synapses.

Mechanisms do not move segments: only cells that a hoc template makes need them, since its code
inserts them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import fields, replace
from typing import Any

import numpy as np

from lfpcli.geometry import Geometry
from lfpcli.io.sonata.nodes import index_of
from lfpcli.model import CellSpec
from lfpcli.runtime.capture import prints_to_stderr
from lfpcli.runtime.cell.cell import Cell
from lfpcli.runtime.cell.sections import Discretisation
from lfpcli.runtime.hoc.allen import replace_axon
from lfpcli.runtime.mechanisms.build import build
from lfpcli.runtime.mechanisms.load import load
from lfpcli.runtime.neuron import nrn
from lfpcli.tasks.circuits.circuit import Circuit
from lfpcli.tasks.circuits.simulation_model import mechanism_folders
from lfpcli.tasks.simulate.cells import CellFactory, placed
from lfpcli.tasks.simulate.circuit import circuit_layout
from lfpcli.tasks.simulate.standing import morphology_of
from lfpcli.vocabulary import ALL_ACTIVE


class CircuitShapes:
    """Geometries of the cells of a circuit; what cells of one kind share is built once.

    Parameters
    ----------
    circuit : Circuit
        The circuit.
    """

    def __init__(self, circuit: Circuit) -> None:
        self.circuit = circuit
        self.layout = circuit_layout(circuit)
        self._shapes: dict[str, Geometry] = {}
        self._stand_ins: tuple[str, ...] | None = None

    def shape(self, population: str, index: int) -> Geometry | None:
        """Segments of a cell about its soma, which is at the origin; None of a point neuron.

        Parameters
        ----------
        population : str
            Its population.
        index : int
            Its index in it.
        """
        name = self.circuit.cells[population].cell_names[index]
        if not name:
            return None
        if name not in self._shapes:
            self._shapes[name] = self._build(self.circuit.specs[name])
        return self._shapes[name]

    def kind(self, population: str, index: int) -> str:
        """Name of the kind of cell; cells of one kind have one shape."""
        return self.circuit.cells[population].cell_names[index]

    def geometry(self, population: str, indices: np.ndarray) -> Geometry:
        """Segments of some cells in place, one cell after the other.

        Parameters
        ----------
        population : str
            Their population.
        indices : ndarray of int, shape (n,)
            Their indices in it.
        """
        cells = self.circuit.cells[population]
        numbers = self.layout.cells[population]
        geometries = []
        for index in indices.tolist():
            shape = self.shape(population, index)
            assert shape is not None
            in_place = placed(
                shape, rotation=cells.rotations[index], position=cells.positions[index]
            )
            gids = np.full(len(shape), numbers[index], np.int64)
            geometries.append(replace(in_place, gid=gids))
        return Geometry.joined(geometries)

    def _build(self, spec: CellSpec) -> Geometry:
        nrn()
        prints_to_stderr()
        morphology = morphology_of(spec)
        if morphology is None:
            return CellFactory(spec, self._mechanisms()).make(0).geometry
        assert spec.nseg is not None
        rules = {each.name: getattr(spec.nseg, each.name) for each in fields(Discretisation)}
        stated = {key: value for key, value in rules.items() if value is not None}
        return Cell(morphology, nseg=Discretisation(**stated), custom_fun=_axon(spec)).geometry

    def _mechanisms(self) -> tuple[str, ...]:
        """Load the mechanisms of the circuit once; names of those that do not compile."""
        if self._stand_ins is None:
            self._stand_ins = ()
            folders = mechanism_folders(self.circuit.config)
            if folders:
                library = build(folders, skip_broken=True)
                load(library)
                self._stand_ins = tuple(library.skipped_names)
        return self._stand_ins


def _axon(spec: CellSpec) -> list[Callable[[Any], object]]:
    """What replaces the axon of a cell whose biophysics ask for that."""
    if spec.allen is None and spec.neuroml is None:
        return []

    def replace_stub(cell: Any) -> None:
        all_active = spec.axon_stub == ALL_ACTIVE
        cell.sections, cell.names = replace_axon(cell.sections, cell.names, all_active=all_active)

    return [replace_stub]


def indices_of(shapes: CircuitShapes, population: str, node_ids: np.ndarray) -> np.ndarray:
    """Indices of nodes in their population, -1 for those that are not in it.

    Parameters
    ----------
    shapes : CircuitShapes
        The circuit.
    population : str
        Its population.
    node_ids : ndarray of int, shape (n,)
        Their node ids.
    """
    known: Mapping[str, Any] = shapes.circuit.nodes
    index, inside = index_of(node_ids, known[population].node_ids)
    return np.where(inside, index, -1)

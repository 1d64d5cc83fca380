"""Models as what other tools take of them: where their cells are, and what measures them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from lfpcli.errors import InputError, UsageError, nearest
from lfpcli.forward.instrument import Instrument
from lfpcli.geometry import Geometry
from lfpcli.io.exchange.bluerecording import CellRows, Electrode, WeightsWriter
from lfpcli.io.recording import open_recording
from lfpcli.model import Model, load_model
from lfpcli.runtime.mpi.team import Team
from lfpcli.tasks.circuits.circuit import read_circuit
from lfpcli.tasks.convert.selection import Selection, columns_of
from lfpcli.tasks.measure.instruments import refuse_mixtures
from lfpcli.tasks.measure.probe import cell_of
from lfpcli.tasks.simulate.circuit_geometry import CircuitShapes
from lfpcli.tasks.simulate.instruments import instruments_of
from lfpcli.tasks.simulate.quick import Quick
from lfpcli.tasks.simulate.simulation import Simulation
from lfpcli.tasks.simulate.source import model_source

DIPOLE = "dipole"


@dataclass(frozen=True, kw_only=True)
class PlacedCells:
    """Cells of a population, in place.

    Attributes
    ----------
    population : str
        The population.
    node_ids : ndarray of int, shape (n,)
        What files of the field call them.
    geometries : list of Geometry
        Their segments, one cell each, with the numbers of the cells in a recording.
    """

    population: str
    node_ids: np.ndarray
    geometries: list[Geometry]


def write_weights(
    source: Path, label: str, path: Path, selection: Selection, *, recording: bool
) -> None:
    """Write what the instruments of a model see of each segment, as BlueRecording lays it out.

    Parameters
    ----------
    source : Path
        A model whose tables ``[[probe]]``, ``[[eeg]]`` and ``[[meg]]`` measure, or a recording of
        its run.
    label : str
        What to call it in messages.
    path : Path
        The file to write.
    selection : Selection
        Which of the signals and channels, and in which unit.
    recording : bool
        Whether the source is a recording.

    Raises
    ------
    InputError
        Where nothing measures.
    UsageError
        Where a signal or a channel is not there, or a unit does not measure the same.
    """
    if recording:
        model, populations = _recorded(source, label)
    else:
        with model_source(source, Quick()) as model_text:
            model = model_text.model
        populations = list(cells_of_model(model))
    everything = instruments_of(model)
    refuse_mixtures(everything, "a file of weights")
    instruments = _chosen(everything, selection, label)
    electrodes = [each for pair in instruments for each in _electrodes(*pair)]
    with WeightsWriter(path, electrodes, Path(label).name) as writer:
        for cells in populations:
            sizes = [len(geometry) for geometry in cells.geometries]
            offsets = np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64)
            rows = CellRows(population=cells.population, node_ids=cells.node_ids, offsets=offsets)
            weights = writer.population(rows)
            for k, geometry in enumerate(cells.geometries):
                matrices = [np.asarray(i.matrix(geometry))[chosen] for i, chosen in instruments]
                columns = len(electrodes)
                weights[offsets[k] : offsets[k + 1], :columns] = np.concatenate(matrices).T


def cells_of_model(model: Model) -> Iterator[PlacedCells]:
    """Yield the cells of a model, population after population; NEURON builds them.

    Cells of a circuit are built without their channels.
    """
    if model.circuit is not None:
        circuit = read_circuit(model.circuit.config)
        shapes = CircuitShapes(circuit)
        for name, population in circuit.cells.items():
            indices = np.array(
                [k for k, cell_name in enumerate(population.cell_names) if cell_name], int
            )
            if len(indices):
                yield PlacedCells(
                    population=name,
                    node_ids=population.nodes.node_ids[indices],
                    geometries=[shapes.geometry(name, indices[[k]]) for k in range(len(indices))],
                )
        return
    built = Simulation(model, Team()).built
    for name in built.layout.cells:
        members = [member for member in built.members if member.population == name]
        if members:
            yield PlacedCells(
                population=name,
                node_ids=np.array([member.gid for member in members], np.int64),
                geometries=[_numbered(member.geometry, member.gid) for member in members],
            )


def _numbered(geometry: Geometry, gid: int) -> Geometry:
    return replace(geometry, gid=np.full(len(geometry), gid, np.int64))


def _recorded(source: Path, label: str) -> tuple[Model, list[PlacedCells]]:
    """The model that a recording tells of, and its cells as they were recorded."""
    with open_recording(source, label) as recording:
        record: dict[str, Any] = recording.provenance
        steps = [*record.get("history", []), record]
        trees = [step["model"] for step in steps if isinstance(step.get("model"), dict)]
        if not trees or not recording.populations:
            raise InputError(
                "tells of no model with cells",
                source=label,
                remedy="give the model file, whose tables [[probe]], [[eeg]] or [[meg]] measure",
            )
        populations = []
        for name in recording.populations:
            geometry = recording.geometry(name)
            gids = np.unique(geometry.gid)
            cells = [cell_of(geometry, int(gid)) for gid in gids]
            populations.append(PlacedCells(population=name, node_ids=gids, geometries=cells))
    return load_model(trees[-1], name=label), populations


def _chosen(
    instruments: list[Instrument], selection: Selection, label: str
) -> list[tuple[Instrument, np.ndarray]]:
    """Instruments with the numbers of their channels."""
    known = {each.name: each for each in instruments if each.name != DIPOLE}
    if not known:
        raise InputError(
            "measures nothing", source=label, remedy="add a table [[probe]], [[eeg]] or [[meg]]"
        )
    for name in selection.signals:
        if name not in known:
            raise UsageError(
                f"{label} has no signal '{name}'", remedy=nearest(name, known, "signal")
            )
    chosen = []
    for instrument in (known[name] for name in selection.signals or known):
        names = _names(instrument)
        columns = np.arange(len(names))
        if selection.channels:
            columns = columns_of(selection.channels, names)
        chosen.append((instrument, columns))
    return chosen


def _names(instrument: Instrument) -> list[str]:
    return list(instrument.names) or [str(k) for k in range(instrument.channels)]


def _electrodes(instrument: Instrument, columns: np.ndarray) -> list[Electrode]:
    names, places = _names(instrument), instrument.positions
    nowhere = np.full(3, np.nan)
    return [
        Electrode(
            name=f"{instrument.name}_{names[k]}",
            type=instrument.model,
            units=instrument.units,
            position=nowhere if places is None else places[k],
        )
        for k in columns
    ]

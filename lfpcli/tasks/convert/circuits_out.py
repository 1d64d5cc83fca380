"""Models as circuits that bmtk runs: cells become hoc templates, synapses explicit edges."""

from __future__ import annotations

import json
import warnings
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from lfpcli.errors import InputError, LfpWarning
from lfpcli.geometry import Geometry
from lfpcli.io.exchange.sonata_circuit import CircuitFiles, EdgeTable, NodeTable, write_circuit
from lfpcli.model import Model, load_model
from lfpcli.model.probe import Probe
from lfpcli.runtime.cell.cell import Cell
from lfpcli.runtime.cell.sections import collect_geometry
from lfpcli.runtime.hoc.frozen import FrozenCell, euler_angles_zyx, freeze
from lfpcli.runtime.mpi.team import Team
from lfpcli.runtime.synapses.events import EventFeed
from lfpcli.tasks.circuits.potentials import SIGMA
from lfpcli.tasks.measure.placed_contacts import contacts_of
from lfpcli.tasks.simulate.build import Built
from lfpcli.tasks.simulate.network_file import MODEL_FOLDER
from lfpcli.tasks.simulate.quick import Quick
from lfpcli.tasks.simulate.simulation import Simulation
from lfpcli.tasks.simulate.source import model_source

# point processes that bmtk makes by itself, with the names of their parameters there
_SYNAPSES = {
    "Exp2Syn": ("exp2syn", {"tau1": "tau1", "tau2": "tau2", "e": "erev"}),
    "ExpSyn": ("expsyn", {"tau": "tau1", "e": "erev"}),
}
_CLAMP = {"amp": "amp", "delay": "delay", "dur": "duration"}
# um that segments may be off, once a cell is turned and shifted as a whole
_OFF = 1e-3
_ANGLES = ("rotation_angle_xaxis", "rotation_angle_yaxis", "rotation_angle_zaxis")


@dataclass(kw_only=True)
class Export:
    """A circuit, and what of the model it does not hold.

    Attributes
    ----------
    files : CircuitFiles
        The circuit.
    lost : list of str
        What is left out, in words.
    mechanisms : list of Path
        Files of the mechanisms that its cells need.
    """

    files: CircuitFiles = field(default_factory=CircuitFiles)
    lost: list[str] = field(default_factory=list)
    mechanisms: list[Path] = field(default_factory=list)


def exported_model(source: Path, label: str, record: dict[str, Any] | None) -> Export:
    """Build a model and return it as a circuit.

    Parameters
    ----------
    source : Path
        The model, or a file that tells its model.
    label : str
        What to call it in messages.
    record : dict, optional
        Provenance of a file that tells its model; the model is then that.

    Raises
    ------
    InputError
        Where the file tells of no model, or the model is a circuit already.
    """
    seed: int | None = None
    if record is None:
        with model_source(source, Quick()) as model_text:
            model = model_text.model
    else:
        tree = record.get("model")
        if not isinstance(tree, dict):
            raise InputError(
                "tells of no model", source=label, remedy="give the model file instead"
            )
        # standard input has the current folder
        way = record.get(MODEL_FOLDER, ".")
        model = load_model(tree, name=label, folder=Path(label).parent / str(way))
        seed = int(record["seed"]) if isinstance(record.get("seed"), int) else None
    if model.circuit is not None:
        raise InputError("is a circuit of SONATA already", source=label, remedy="use it as it is")
    simulation = Simulation(model, Team(), seed=seed)
    return _Exporter(simulation).export()


class _Exporter:
    """Turns a model that was built into tables.

    Parameters
    ----------
    simulation : Simulation
        The model, built on one process.
    """

    def __init__(self, simulation: Simulation) -> None:
        self._model: Model = simulation.model
        self._built: Built = simulation.built
        self._export = Export()
        self._frozen: dict[str, FrozenCell] = {}

    def export(self) -> Export:
        """All of it."""
        export, model = self._export, self._model
        self._add_cells()
        self._add_trains()
        self._add_edges()
        self._add_clamps()
        self._add_reports()
        export.files.run = {
            "tstop": model.run.tstop,
            "dt": model.run.interval,
            # bmtk would cut sections anew into pieces of 20 um
            "dL": None,
            "spike_threshold": self._threshold(),
            "nsteps_block": 5000,
        }
        export.files.conditions = {"celsius": model.run.celsius, "v_init": model.run.v_init}
        if model.run.tstart:
            export.lost.append("run.tstart, the begin of the run")
        if model.fields:
            export.lost.append("extracellular stimulation")
        for path in model.run.mechanisms:
            export.mechanisms += sorted(path.glob("*.mod")) if path.is_dir() else [path]
        return export

    def _threshold(self) -> float:
        values = set(self._built.thresholds)
        if len(values) > 1:
            self._export.lost.append("thresholds of populations, but that of the first")
        return self._built.thresholds[0]

    def _add_cells(self) -> None:
        """Populations of cells: a template a kind, a place and angles a cell."""
        built, files = self._built, self._export.files
        # synapses become edges, clamps inputs
        points = [*built.synapses.points]
        for electrodes in built.electrodes.values():
            points += [electrode.point for _, electrode in electrodes]
        elsewhere = {point.hname() for point in points}
        for number, (name, gids) in enumerate(built.layout.cells.items()):
            inside = [k for k, member in enumerate(built.members) if member.population == name]
            cells = [built.cells[k] for k in inside]
            template = f"Cell_{number}_{''.join(c if c.isalnum() else '_' for c in name)}"
            frozen = freeze(template, cells[0].sections, cells[0].names, elsewhere=elsewhere)
            self._frozen[name] = frozen
            self._export.lost += [f"{lost} ({name})" for lost in frozen.lost]
            if frozen.renamed:
                first = frozen.renamed[0]
                self._export.lost.append(
                    f"names of {len(frozen.renamed)} sections of {name}, such as {first}"
                )
            files.components[f"templates/{template}.hoc"] = frozen.text
            rows = [self._placed(cells[k], built.members[i].geometry) for k, i in enumerate(inside)]
            places = np.array(rows)
            columns = {axis: places[:, k] for k, axis in enumerate("xyz")}
            columns |= {angle: places[:, 3 + k] for k, angle in enumerate(_ANGLES)}
            node = {
                "model_type": "biophysical",
                "model_template": f"hoc:{template}",
                "morphology": "NULL",
                "dynamics_params": "NULL",
            }
            files.nodes.append(
                NodeTable(
                    name=name,
                    node_ids=np.arange(len(gids)),
                    types=np.full(len(gids), 100 + number),
                    type_table={100 + number: node},
                    columns=columns,
                )
            )

    def _placed(self, cell: Cell, geometry: Geometry) -> np.ndarray:
        """Place of the soma and angles of a cell, shape (6,), um and rad."""
        raw = collect_geometry(cell.sections, cell.names)
        ends = np.concatenate([raw.start, raw.end])
        in_place = np.concatenate([geometry.start, geometry.end])
        rotation, shift = _rigid(ends, in_place)
        off = np.abs(ends @ rotation.T + shift - in_place).max()
        if off > _OFF:
            self._export.lost.append("mirroring and distortion of cells")
        soma = [section for section in cell.sections if "soma" in section.name()]
        somata = soma or cell.sections[:1]
        points = [
            (section.x3d(k), section.y3d(k), section.z3d(k))
            for section in somata
            for k in range(section.n3d())
        ]
        # bmtk turns a cell about the mean of the points of its soma, which goes to the place
        mean = np.mean(points, axis=0) if points else np.zeros(3)
        return np.concatenate([rotation @ mean + shift, euler_angles_zyx(rotation)])

    def _add_trains(self) -> None:
        """Populations of spike trains, and one for the trains of each table of inputs."""
        built, model = self._built, self._model
        feed = built.synapses.feed
        assert isinstance(feed, EventFeed)
        times, sources = _spikes(feed, model.run.tstart, model.run.tstop)
        for name, numbers in built.layout.trains.items():
            inside = (sources >= numbers.start) & (sources < numbers.stop)
            self._add_virtual(name, len(numbers), times[inside], sources[inside] - numbers.start)
        rows = built.synapses.rows
        for number, name in self._own_trains().items():
            trains = np.unique(rows.source[(rows.origin == number) & (rows.source < 0)])
            inside = np.isin(sources, trains)
            index = np.searchsorted(trains, sources[inside])
            self._add_virtual(name, len(trains), times[inside], index)

    def _own_trains(self) -> dict[int, str]:
        """Names of the populations of trains of single synapses, by number of the table."""
        rows = self._built.synapses.rows
        first = len(self._model.connections)
        return {
            int(number): f"input_{number - first}"
            for number in np.unique(rows.origin[rows.source < 0])
        }

    def _add_virtual(self, name: str, count: int, times: np.ndarray, node_ids: np.ndarray) -> None:
        files = self._export.files
        number = 100 + len(files.nodes)
        files.nodes.append(
            NodeTable(
                name=name,
                node_ids=np.arange(count),
                types=np.full(count, number),
                type_table={number: {"model_type": "virtual"}},
            )
        )
        order = np.lexsort((node_ids, times))
        files.trains[name] = (times[order], node_ids[order])
        files.inputs[name] = {
            "input_type": "spikes",
            "module": "sonata",
            "input_file": f"$BASE_DIR/inputs/{name}_spikes.h5",
            "node_set": name,
        }

    def _add_edges(self) -> None:
        """Synapses as edges with their places, by pair of populations."""
        rows = self._built.synapses.rows
        types = self._synapse_types()
        kept = np.array([int(number) in types for number in rows.synapse_type], bool)
        owner = np.array([self._population(member.gid) for member in self._built.members], object)
        for source, inside, source_ids in self._sources():
            for target in self._built.layout.cells:
                chosen = np.flatnonzero(inside & kept & (owner[rows.cell] == target))
                if len(chosen):
                    self._add_edge_table(source, target, chosen, source_ids, types)

    def _add_edge_table(
        self,
        source: str,
        target: str,
        chosen: np.ndarray,
        source_ids: np.ndarray,
        types: dict[int, dict[str, Any]],
    ) -> None:
        built, rows = self._built, self._built.synapses.rows
        gids = np.array([member.gid for member in built.members], np.int64)
        target_ids = gids[rows.cell] - built.layout.cells[target].start
        order = chosen[np.lexsort((chosen, source_ids[chosen], target_ids[chosen]))]
        places = []
        for cell, segment in zip(rows.cell[order], rows.segment[order], strict=True):
            geometry = built.members[cell].geometry
            places.append((int(geometry.section[segment]), float(geometry.x[segment])))
        columns = {
            "afferent_section_id": np.array([section for section, _ in places], np.uint32),
            "afferent_section_pos": np.array([x for _, x in places]),
            "syn_weight": rows.weight[order],
            # events of single trains have no way to go; NEURON wants a step of time
            "delay": rows.delay[order],
        }
        numbers = 100 + rows.synapse_type[order].astype(np.int64)
        table = {
            100 + number: {"target_query": "*", "source_query": "*", **facts}
            for number, facts in types.items()
            if 100 + number in numbers
        }
        self._export.files.edges.append(
            EdgeTable(
                source=source,
                target=target,
                source_ids=source_ids[order],
                target_ids=target_ids[order],
                types=numbers,
                type_table=table,
                columns=columns,
            )
        )

    def _population(self, gid: int) -> str:
        cells = self._built.layout.cells
        return next(name for name, gids in cells.items() if gid in gids)

    def _sources(self) -> list[tuple[str, np.ndarray, np.ndarray]]:
        """Populations that edges come from: which rows they are, and node ids of all rows."""
        built, rows = self._built, self._built.synapses.rows
        sources = []
        for name, numbers in (built.layout.cells | built.layout.trains).items():
            inside = (rows.source >= numbers.start) & (rows.source < numbers.stop)
            sources.append((name, inside, rows.source - numbers.start))
        for number, name in self._own_trains().items():
            inside = (rows.origin == number) & (rows.source < 0)
            trains = np.unique(rows.source[inside])
            sources.append((name, inside, np.searchsorted(trains, rows.source)))
        return sources

    def _synapse_types(self) -> dict[int, dict[str, Any]]:
        """Columns of the edge types, by number of the kind of synapse."""
        synapses = self._built.synapses
        types: dict[int, dict[str, Any]] = {}
        for number, synapse_type in enumerate(synapses.synapse_types):
            points = np.flatnonzero(synapses.synapse_type == number)
            if not len(points):
                continue
            if synapse_type.type not in _SYNAPSES:
                count = int(np.count_nonzero(synapses.rows.synapse_type == number))
                self._export.lost.append(f"{count} synapses of type {synapse_type.type}")
                continue
            template, names = _SYNAPSES[synapse_type.type]
            point = synapses.points[points[0]]
            values = {theirs: float(getattr(point, ours)) for ours, theirs in names.items()}
            file = f"synapse_{number}.json"
            text = json.dumps({"level_of_detail": template, **values}, indent=2)
            self._export.files.components[f"synaptic_models/{file}"] = text + "\n"
            types[number] = {"model_template": template, "dynamics_params": file}
        return types

    def _add_clamps(self) -> None:
        """Current clamps, each with the cell, the section and the place."""
        built = self._built
        for number, electrodes in built.electrodes.items():
            table = self._model.stimuli[number]
            if table.type != "IClamp":
                self._export.lost.append(f"{len(electrodes)} electrodes of type {table.type}")
                continue
            for count, (k, electrode) in enumerate(electrodes):
                member = built.members[k]
                geometry = member.geometry
                own_names = self._frozen[member.population].names
                name = own_names[int(geometry.section[electrode.idx])]
                section_type, _, index = name.rstrip("]").partition("[")
                self._export.files.inputs[f"stimulus_{number}_{count}"] = {
                    "input_type": "current_clamp",
                    "module": "IClamp",
                    "node_set": {
                        "population": member.population,
                        "node_id": [member.gid - built.layout.cells[member.population].start],
                    },
                    "section_name": section_type,
                    "section_index": int(index),
                    "section_dist": float(geometry.x[electrode.idx]),
                    **{
                        theirs: float(getattr(electrode.point, ours))
                        for ours, theirs in _CLAMP.items()
                    },
                }

    def _add_reports(self) -> None:
        """The potential of somata, and probes that bmtk has: line sources in 0.3 S/m."""
        files, model = self._export.files, self._model
        cells = list(self._built.layout.cells)
        if model.record.vmem != "none":
            for name in cells:
                files.reports[f"v_{name}"] = {
                    "cells": name,
                    "variable_name": "v",
                    "module": "membrane_report",
                    "sections": "soma" if model.record.vmem == "soma" else "all",
                    "file_name": f"v_{name}.h5",
                }
        for probe in model.probes:
            if not _has_bmtk(probe):
                self._export.lost.append(f"the probe '{probe.name}', which bmtk cannot measure")
                continue
            files.contacts[f"{probe.name}.csv"] = contacts_of(probe).positions
            files.reports[probe.name] = {
                "cells": "all",
                "variable_name": "v",
                "module": "extracellular",
                "electrode_positions": f"$BASE_DIR/components/{probe.name}.csv",
                "file_name": f"{probe.name}.h5",
                "electrode_channels": "all",
                "minimum_distance": "auto",
            }
        if model.heads:
            self._export.lost.append("EEG and MEG")


def _has_bmtk(probe: Probe) -> bool:
    if (
        probe.csd is not None
        or probe.method != "line"
        or probe.medium != "infinite"
        or probe.lead_field
        or probe.dispersion is not None
    ):
        return False
    treated = probe.filter is not None or probe.noise is not None or probe.resample is not None
    return probe.sigma == SIGMA and not treated and not contacts_of(probe).has_face


def _rigid(points: np.ndarray, moved: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Rotation (3, 3) and shift (3,) that bring points (n, 3) nearest to others (Kabsch 1976)."""
    middle, target = points.mean(axis=0), moved.mean(axis=0)
    left, _, right = np.linalg.svd((points - middle).T @ (moved - target))
    # no mirror image
    sign = np.sign(np.linalg.det(left @ right)) or 1.0
    rotation = (left @ np.diag([1.0, 1.0, sign]) @ right).T
    return rotation, target - rotation @ middle


def _spikes(feed: EventFeed, begin: float, end: float) -> tuple[np.ndarray, np.ndarray]:
    """Times (n,), ms, and numbers (n,) of the spikes of all trains."""
    parts = [train.between(begin - 1.0, end) for train in feed.trains]
    times = np.concatenate([np.empty(0), *(part for part, _ in parts)])
    sources = np.concatenate([np.empty(0, np.int64), *(part for _, part in parts)])
    return times, sources


def write_model(
    source: Path, label: str, folder: Path, record: dict[str, Any] | None = None
) -> None:
    """Write a model as the folder of a circuit, and tell what that does not hold.

    Parameters
    ----------
    source : Path
        The model, or a file that tells its model.
    label : str
        What to call it in messages.
    folder : Path
        Where to, there and empty.
    record : dict, optional
        See `exported_model`.
    """
    export = exported_model(source, label, record)
    write_circuit(export.files, folder)
    notes = []
    lost: Sequence[str] = sorted(set(export.lost))
    if lost:
        notes.append(f"circuits of bmtk do not hold {'; '.join(lost)}: left out")
    if export.mechanisms:
        target = folder / "components" / "mechanisms" / "modfiles"
        target.mkdir()
        for path in export.mechanisms:
            (target / path.name).write_bytes(path.read_bytes())
        notes.append("compile the mechanisms: cd components/mechanisms; nrnivmodl modfiles")
    if export.files.trains:
        notes.append("bmtk plays spike trains through its vecevent.mod: compile that, too")
    for note in notes:
        warnings.warn(note, LfpWarning, stacklevel=2)

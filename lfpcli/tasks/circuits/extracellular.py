"""Extracellular stimulation of a circuit: electrodes (xstim) and potentials of COMSOL.

bmtk sets the potential behind each time step: what its waveforms say of a time acts in the step
that begins there (xstim) or one later (comsol), and in the first step there is none.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from lfpcli.errors import InputError
from lfpcli.forward.rotations import axis_rotation
from lfpcli.io.sonata.stimulation import (
    FieldTable,
    StimulatingElectrode,
    Waveform,
    read_comsol,
    read_electrodes,
    read_waveform,
)
from lfpcli.tasks.circuits.circuit import Circuit

# bmtk refuses segments nearer to an electrode than this, um
NEAREST = 10.0
# ohm cm, where the configuration says nothing
RESISTIVITY = 300.0
# mA and ohm cm over um to mV: 1e6 nA, 0.01 ohm m
_SCALE = 1e4


@dataclass(frozen=True, kw_only=True)
class FieldInput:
    """A potential outside of some cells.

    Attributes
    ----------
    name : str
        Name of the input.
    nodes : dict of str to ndarray of int
        Indices of the cells, by population.
    source : Electrodes or ScaledFields or FieldInTime
        What tells the potential.
    """

    name: str
    nodes: dict[str, np.ndarray]
    source: Electrodes | ScaledFields | FieldInTime


@dataclass(frozen=True, kw_only=True)
class Electrodes:
    """Point electrodes with meshes, that share one waveform (mA)."""

    electrodes: Sequence[StimulatingElectrode]
    waveform: Waveform
    resistivity: float
    lag = 0

    def factors(self, middles: np.ndarray) -> np.ndarray:
        """Potentials (N, 1) of 1 mA at middles of segments (N, 3), um, in mV.

        Raises
        ------
        InputError
            Where a segment is nearer than 10 um.
        """
        total = np.zeros(len(middles))
        for electrode in self.electrodes:
            points = _placed(electrode)
            distances = np.linalg.norm(middles[:, None] - points, axis=2)
            if distances.size and distances.min() < NEAREST:
                raise InputError(
                    f"a segment is {distances.min():.3g} um from an electrode, less than "
                    f"{NEAREST:g} um",
                    source="electrodes of an xstim input",
                    remedy="move the electrode",
                )
            total += (1.0 / distances).sum(axis=1) / len(points)
        scale = self.resistivity / (4 * np.pi) * _SCALE
        return np.asarray(scale * total)[:, None]

    def amplitudes(self, steps: np.ndarray, dt: float) -> np.ndarray:
        """Amplitudes (K, 1), mA, at the ends (ms) of steps of `dt`."""
        return self.waveform.at(steps * dt)[:, None]


@dataclass(frozen=True, kw_only=True)
class ScaledFields:
    """Potentials of stationary studies, each times a waveform that repeats."""

    fields: Sequence[FieldTable]
    waveforms: Sequence[Waveform]
    scales: Sequence[float]
    lag = 1

    def factors(self, middles: np.ndarray) -> np.ndarray:
        """Potentials (N, F), mV, at middles of segments (N, 3), um; 0 outside of a mesh.

        Between the points of a mesh they are interpolated linearly.
        """
        factors = np.column_stack([potential(middles) for potential in self._potentials])
        # bmtk adds the fields first: where one of them has no value, there is none at all
        factors[np.isnan(factors).any(axis=1)] = 0.0
        return factors

    @cached_property
    def _potentials(self) -> list[Callable[[np.ndarray], np.ndarray]]:
        """Of each field, its potential (N,) at points (N, 3); asked for by every cell."""
        from scipy.interpolate import LinearNDInterpolator

        return [LinearNDInterpolator(each.points, each.potentials[:, 0]) for each in self.fields]

    def amplitudes(self, steps: np.ndarray, dt: float) -> np.ndarray:
        """Factors (K, F) of the fields, one for each step of `dt`, ms."""
        columns = []
        for waveform, scale in zip(self.waveforms, self.scales, strict=True):
            period = waveform.duration / dt + 1
            columns.append(scale * waveform.at(np.mod(steps, period) * dt))
        return np.column_stack(columns)


@dataclass(frozen=True, kw_only=True)
class FieldInTime:
    """Potentials of a study in time, which repeats."""

    field: FieldTable
    scale: float
    lag = 1

    def factors(self, middles: np.ndarray) -> np.ndarray:
        """Potentials (N, K), mV, at the point of the mesh nearest to each middle (N, 3), um."""
        _, nearest = self._mesh.query(middles)
        return np.asarray(self.scale * self.field.potentials[nearest])

    @cached_property
    def _mesh(self) -> Any:
        """What finds the nearest point of the mesh; asked for by every cell."""
        from scipy.spatial import cKDTree

        return cKDTree(self.field.points)

    def amplitudes(self, steps: np.ndarray, dt: float) -> np.ndarray:
        """Weights (K, times) of the columns of the study, one row a step of `dt`, ms."""
        times = self.field.times
        grid = np.arange(times[0], times[-1] + dt, dt)
        period = max(int((grid[-1] - grid[0]) / dt), 1)
        now = grid[np.mod(steps, period)]
        columns = [np.interp(now, times, column) for column in np.eye(len(times))]
        return np.column_stack(columns)


def _placed(electrode: StimulatingElectrode) -> np.ndarray:
    """Points of an electrode, (P, 3): turned about x, y, z, their mean at its position."""
    about_x, about_y, about_z = (
        axis_rotation(axis, angle)
        for axis, angle in zip(np.eye(3), np.degrees(electrode.rotation), strict=True)
    )
    points = electrode.mesh @ (about_x @ about_y @ about_z).T
    return np.asarray(points - points.mean(axis=0) + electrode.position)


def field_input(circuit: Circuit, name: str, entry: Mapping[str, Any], source: str) -> FieldInput:
    """Read an input of the module ``xstim`` or ``comsol``.

    Raises
    ------
    InputError
        Where a file or a key is missing, or not what it should be.
    """
    nodes = circuit.node_set(entry.get("node_set", "all"), source)
    reader = _xstim if entry["module"] == "xstim" else _comsol
    return FieldInput(
        name=name,
        nodes={each: index for each, index in nodes.items() if each in circuit.cells},
        source=reader(circuit, entry, source),
    )


def _xstim(circuit: Circuit, entry: Mapping[str, Any], source: str) -> Electrodes:
    file = _file(circuit, entry.get("positions_file"), "positions_file", source)
    meshes = entry.get("mesh_files_dir")
    return Electrodes(
        electrodes=read_electrodes(
            file, None if meshes is None else circuit.config.path(str(meshes))
        ),
        waveform=_waveform(circuit, entry.get("waveform"), source),
        resistivity=_number(entry.get("resistance", RESISTIVITY), "resistance", source),
    )


def _comsol(circuit: Circuit, entry: Mapping[str, Any], source: str) -> ScaledFields | FieldInTime:
    # releases of bmtk differ in the names of these keys
    files = _list(entry.get("comsol_files", entry.get("comsol_file")))
    waveforms = _list(entry.get("waveforms", entry.get("waveform")))
    scales = [_number(value, "amplitudes", source) for value in _list(entry.get("amplitudes", 1.0))]
    tables = [read_comsol(_file(circuit, file, "comsol_files", source)) for file in files]
    if not tables:
        raise InputError("names no comsol_files", source=source, remedy="add them")
    if not waveforms:
        if len(tables) != 1 or not len(tables[0].times):
            raise InputError(
                "potentials without a waveform are those of one study in time",
                source=source,
                remedy="name a waveform for each file, or one file with times (V @ t=...)",
            )
        return FieldInTime(field=tables[0], scale=scales[0])
    if len(scales) == 1:
        scales *= len(tables)
    if not len(tables) == len(waveforms) == len(scales):
        raise InputError(
            f"has {len(tables)} comsol_files, {len(waveforms)} waveforms and {len(scales)} "
            "amplitudes",
            source=source,
            remedy="give as many of each",
        )
    for file, table in zip(files, tables, strict=True):
        if len(table.times):
            raise InputError(
                f"{file} is a study in time, which has no waveform",
                source=source,
                remedy="leave the waveform out",
            )
    read = [_waveform(circuit, waveform, source) for waveform in waveforms]
    if any(waveform.shape is not None for waveform in read):
        raise InputError(
            "a shape has no period", source=source, remedy="name .csv files of time and amplitude"
        )
    return ScaledFields(fields=tables, waveforms=read, scales=scales)


def _waveform(circuit: Circuit, value: Any, source: str) -> Waveform:
    path = circuit.config.path(value) if isinstance(value, str) else Path()
    return read_waveform(value, path, source)


def _file(circuit: Circuit, name: Any, key: str, source: str) -> Path:
    if not isinstance(name, str):
        raise InputError(f"names no {key}", source=source, remedy="add the file")
    return circuit.config.path(name)


def _list(value: Any) -> list[Any]:
    if value is None:
        return []
    return list(value) if isinstance(value, list) else [value]


def _number(value: Any, key: str, source: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise InputError(f"{key} is {value!r}", source=source, remedy="give a number")
    return float(value)

"""A multicompartment cell: sections of NEURON, their geometry, and what is attached to them."""

from __future__ import annotations

import functools
import itertools
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import fields, replace
from typing import Any

import numpy as np

from lfpcli import vocabulary
from lfpcli.errors import SimulatorError, UsageError, known_keywords, nearest
from lfpcli.forward.axial import AxialNetwork
from lfpcli.geometry import select_sections
from lfpcli.morphology.tree import Morphology
from lfpcli.runtime.cell.axial import axial_network
from lfpcli.runtime.cell.derived import Derived, outside_potentials
from lfpcli.runtime.cell.located import Located
from lfpcli.runtime.cell.points import (
    StimIntElectrode,
    Synapse,
    TableSynapse,
    density_mechanism_names,
    parameter_names,
)
from lfpcli.runtime.cell.sections import Discretisation, PlacesOfCells, collect_geometry, is_deleted
from lfpcli.runtime.cell.stimulated import Stimulated
from lfpcli.runtime.engine.background import Background, leaving
from lfpcli.runtime.engine.field import Steps
from lfpcli.runtime.engine.record import Recorder, membrane_currents, potentials, variable
from lfpcli.runtime.engine.run import Chunk, run
from lfpcli.runtime.engine.settings import RunSettings
from lfpcli.runtime.hoc.settings import restored_settings
from lfpcli.runtime.morphology.reading import load_sections
from lfpcli.runtime.neuron import nrn

Hook = Callable[["Cell"], object]
# what the names of recorders of range variables begin with
_VARIABLE = "variable "


@known_keywords
class Cell(Derived, Located, Stimulated):
    """A cell, from a morphology or from sections that exist.

    The set-up keeps this order: sections; `Ra` and `cm`; `passive`; `custom_fun`; the
    extracellular mechanism; the number of segments; geometry. The soma lies at the origin
    until `set_pos` moves it.

    Parameters
    ----------
    morphology : path-like, Morphology, or sequence of nrn.Section
        A file (.swc, .asc, .hoc, .xml, .nml, .h5), a morphology in memory, or sections.
    v_init : float, optional
        Initial membrane potential, mV. Left out: the reversal potential of `passive`, else that of
        NEURON, -65 unless code has set it.
    Ra : float, optional
        Axial resistivity of all sections, ohm cm; as loaded where left out.
    cm : float, optional
        Membrane capacitance of all sections, uF/cm2; as loaded where left out.
    passive : bool or mapping
        Whether all sections get `pas`, with 1e-3 S/cm2 and -70 mV, as in LFPy; a mapping gives `g`
        (S/cm2) and `e` (mV).
    nseg : Discretisation, mapping or int
        How many segments each section gets.
    custom_fun : sequence of callable
        Called with the cell once `passive` is in place.
    extracellular : bool
        Whether all sections get the extracellular mechanism.
    tstart, tstop, dt : float
        Defaults of `simulate`, ms.
    celsius : float, optional
        Temperature, degrees Celsius. Left out: that of NEURON, 6.3 unless code has set it.
    gid : int
        Number of the cell.
    names : sequence of str, optional
        Names of the sections; those of NEURON by default.
    places : PlacesOfCells, optional
        What remembers where the segments of equal cells lie.
    owner : object
        What keeps the sections alive, such as the object of a hoc template.

    Attributes
    ----------
    geometry : Geometry
        The segments, um.
    sections, segments : list
        NEURON's objects, in the order of the geometry.
    owner : object
        What keeps the sections alive: the object of a hoc template, or None.
    synapses, electrodes : list
        The point processes attached through `Synapse` and `StimIntElectrode`.
    table_synapses : list of TableSynapse
        The synapses that tables of a model have put on it, for the final code of the cell.
    spike_index : int or None
        Index of the segment where spikes are detected; the soma's middle where it is None.
    spike_end : nrn.Segment or None
        Place where spikes are detected instead, which may be an end of a section.
    tvec, somav, imem, vmem, vext, variables
        Results of `simulate`.
    """

    def __init__(
        self,
        morphology: Any,
        *,
        v_init: float | None = None,
        Ra: float | None = None,
        cm: float | None = None,
        passive: bool | Mapping[str, float] = False,
        nseg: Discretisation | Mapping[str, Any] | int | None = None,
        custom_fun: Iterable[Hook] = (),
        extracellular: bool = False,
        tstart: float = 0.0,
        tstop: float = 100.0,
        dt: float = vocabulary.DT,
        celsius: float | None = None,
        gid: int = 0,
        names: Sequence[str] | None = None,
        places: PlacesOfCells | None = None,
        owner: Any = None,
    ) -> None:
        h = nrn()
        self.gid = gid
        self.owner = owner
        self.sections, self.names = _load(morphology, names)
        self._places = places or PlacesOfCells()
        self.synapses: list[Synapse] = []
        self.electrodes: list[StimIntElectrode] = []
        self.table_synapses: list[TableSynapse] = []
        self.fields: list[Steps] = []
        self._stimulated = False
        self.spike_index: int | None = None
        self.spike_end: Any = None
        self._begins: list[Any] = []
        self._network: AxialNetwork | None = None
        self._set_cable(Ra, cm)
        leak = _leak(passive)
        if leak:
            self.insert("pas", ("all",), **leak)
        for hook in custom_fun:
            hook(self)
        # code of the cell may have set NEURON's own values
        if v_init is None:
            v_init = leak.get("e", h.v_init)
        if celsius is None:
            celsius = h.celsius
        self.settings = RunSettings(
            tstop=tstop, dt=dt, tstart=tstart, v_init=v_init, celsius=celsius
        )
        if extracellular:
            self.insert("extracellular")
        if isinstance(nseg, int):
            nseg = Discretisation(rule="fixed", n=nseg)
        elif not isinstance(nseg, Discretisation):
            nseg = Discretisation(**(nseg or {}))
        nseg.apply(self.sections)
        self.collect()

    def _set_cable(self, Ra: float | None, cm: float | None) -> None:
        for section in self.sections:
            if Ra is not None:
                section.Ra = Ra
            if cm is not None:
                for segment in section:
                    segment.cm = cm

    def collect(self) -> None:
        """Read segments and geometry anew, after sections were changed by hand."""
        self.segments = list(itertools.chain.from_iterable(self.sections))
        self.geometry = collect_geometry(self.sections, self.names, self.gid, self._places)
        self.detector_index = self._detector_index()
        self.set_pos(0.0, 0.0, 0.0)

    def _detector_index(self) -> int:
        """Index of the segment whose potential stands for the soma's."""
        soma = np.flatnonzero(self.geometry.is_soma)
        last = self.geometry.section[soma[-1]]
        inside = soma[self.geometry.section[soma] == last]
        return int(inside[np.argmin(np.abs(self.geometry.x[inside] - 0.5))])

    @property
    def detector(self) -> Any:
        """Segment at the middle of the soma, whose potential stands for the cell's."""
        return self.segments[self.detector_index]

    @property
    def spike_detector(self) -> Any:
        """Segment where spikes are detected: that of the soma, unless the cell says else."""
        if self.spike_end is not None:
            return self.spike_end
        return self.detector if self.spike_index is None else self.segments[self.spike_index]

    def begin_at(self, potentials: Mapping[int, float]) -> None:
        """Let segments begin at potentials of their own in all runs.

        Parameters
        ----------
        potentials : mapping of int to float
            mV by index of the segment.
        """
        segments = [(self.segments[k], float(value)) for k, value in potentials.items()]

        def begin() -> None:
            for segment, value in segments:
                segment.v = value

        # behind what sets v_init everywhere, and before mechanisms look at v
        self._begins.append(nrn().FInitializeHandler(0, begin))

    def insert(self, mechanism: str, sections: Sequence[str] = ("all",), **parameters: Any) -> None:
        """Insert a density mechanism and set its parameters.

        Parameters
        ----------
        mechanism : str
            Its name in NEURON.
        sections : sequence of str
            "all", "soma", "dend", "apic", "axon", names of sections, or globs of names.
        **parameters
            Values in the mechanism's own units, with or without its suffix.

        Raises
        ------
        SimulatorError
            Where NEURON has no such mechanism.
        UsageError
            Where it has no such parameter, or there is no such section.
        """
        if mechanism not in density_mechanism_names():
            raise SimulatorError(
                f"unknown mechanism '{mechanism}'",
                remedy=nearest(mechanism, density_mechanism_names(), "mechanism"),
            )
        chosen = [self.sections[k] for k in select_sections(self.names, sections)]
        try:
            for section in chosen:
                section.insert(mechanism)
        except ValueError as error:
            # NEURON lists names that stand for a part of every section, such as morphology
            raise UsageError(
                f"'{mechanism}' is no mechanism that can be inserted",
                remedy="leave it out, or name another",
            ) from error
        for name, value in parameters.items():
            full = range_name(mechanism, name)
            for section in chosen:
                for segment in section:
                    setattr(segment, full, float(value))

    def set_range(self, mechanism: str, name: str, index: np.ndarray, values: np.ndarray) -> None:
        """Set a parameter segment by segment.

        Parameters
        ----------
        mechanism, name : str
            The mechanism and its parameter.
        index : ndarray of int, shape (n,)
            Segments.
        values : ndarray, shape (n,)
            Their values, in the mechanism's units.
        """
        full = range_name(mechanism, name)
        for i, value in zip(index, values, strict=True):
            setattr(self.segments[i], full, float(value))

    def along_section(self, section: int, point: int, distance: float) -> float:
        """Place along a section, 0 to 1, some way behind one of its 3-d points.

        Parameters
        ----------
        section : int
            Index of the section.
        point : int
            Number of the point.
        distance : float
            From it on, um.
        """
        part = self.sections[section]
        if point >= part.n3d():
            return 0.5
        return float((part.arc3d(point) + distance) / part.L)

    def path_distance(self) -> np.ndarray:
        """Distance of segments' middles from that of the soma along the cable, shape (N,), um."""
        h = nrn()
        # sets the origin that the other form of the call measures from
        h.distance(0, self.detector)
        return np.array([h.distance(segment) for segment in self.segments])

    def queue_events(self) -> None:
        """Hand the spike times of all synapses to NEURON."""
        for synapse in self.synapses:
            synapse.queue_events()

    def simulate(
        self,
        probes: Sequence[Any] = (),
        *,
        rec_imem: bool = False,
        rec_vmem: bool = False,
        rec_variables: Sequence[str] = (),
        **settings: Any,
    ) -> None:
        """Run this cell alone.

        Parameters
        ----------
        probes : sequence
            Objects with ``get_transformation_matrix()``, LFPykit's models among them; the result
            of each is left in its attribute `data`, shape (C, T), or (..., T) where the matrix has
            more than two dimensions.
        rec_imem, rec_vmem : bool
            Whether `imem` (nA) and `vmem` (mV), shape (N, T), are kept; with the latter also
            `vext` (mV), the potential outside, where the extracellular mechanism is.
        rec_variables : sequence of str
            Range variables to keep in `variables`, each (N, T); 0 where a segment lacks it.
        **settings
            Fields of `RunSettings` that differ from the cell's own.
        """
        if any(map(is_deleted, self.sections)):
            raise SimulatorError(
                "the sections of this cell were deleted", remedy="make the cell anew"
            )
        known = [field.name for field in fields(RunSettings)]
        for name in settings:
            if name not in known:
                raise UsageError(
                    f"a run has no setting '{name}'", remedy=nearest(name, known, "setting")
                )
        run_settings = replace(self.settings, **settings)
        # asked for once: LFPykit's slice squeezes the cell each time
        transfers = [_transfer(probe, self.totnsegs) for probe in probes]
        # a grid of places is taken as their row
        matrices = [transfer.reshape(-1, self.totnsegs) for transfer in transfers]
        shapes = [transfer.shape[:-1] for transfer in transfers]
        recorders = self._recorders(rec_imem or bool(probes), rec_vmem, rec_variables)
        kept = {
            name: np.empty((run_settings.samples, len(recorder)))
            for name, recorder in recorders.items()
            if name != "imem" or rec_imem
        }
        signals = [np.empty((run_settings.samples, len(matrix))) for matrix in matrices]

        def keep(chunk: Chunk) -> None:
            span = slice(chunk.first, chunk.first + chunk.samples)
            for name, samples in kept.items():
                samples[span] = chunk.blocks[name]
            # the products need no interpreter, which NEURON goes on with meanwhile
            leaving()
            for matrix, signal in zip(matrices, signals, strict=True):
                np.matmul(chunk.blocks["imem"], matrix.T, out=signal[span])

        with restored_settings(), Background(threaded=True) as background:
            take = functools.partial(background.submit, keep)
            run([self], run_settings, recorders, take, fields=self._played_fields())
        for probe, shape, signal in zip(probes, shapes, signals, strict=True):
            # samples come row by row; LFPykit has channels first
            probe.data = signal.T.reshape(*shape, run_settings.samples)
        self.tvec = run_settings.times
        self._keep_results(kept, recorders)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({len(self.sections)} sections, {self.totnsegs} segments)"

    def _keep_results(
        self, kept: Mapping[str, np.ndarray], recorders: Mapping[str, Recorder]
    ) -> None:
        """Leave what was recorded in attributes, segments by samples."""
        self.somav = kept["soma"][:, 0]
        self.variables = {}
        if "imem" in kept:
            self.imem = kept["imem"].T
        if "vmem" in kept:
            self.vmem = kept["vmem"].T
            self.vext = None
        for name, samples in kept.items():
            if name == "vext":
                self.vext = samples.T
            elif name.startswith(_VARIABLE):
                # segments without the variable have zeros
                values = np.zeros((self.totnsegs, len(samples)))
                values[recorders[name].index[0]] = samples.T
                self.variables[name.removeprefix(_VARIABLE)] = values

    def _recorders(self, imem: bool, vmem: bool, variables: Sequence[str]) -> dict[str, Recorder]:
        recorders = {"soma": potentials([self], "soma")}
        if imem:
            recorders["imem"] = membrane_currents([self])
        if vmem:
            self._network = axial_network(self.sections)
            recorders["vmem"] = potentials([self])
            outside = outside_potentials(self)
            if outside is not None:
                recorders["vext"] = outside
        return recorders | {f"{_VARIABLE}{name}": variable([self], name) for name in variables}


def _leak(passive: bool | Mapping[str, float]) -> dict[str, float]:
    """Parameters of `pas`; none where the cell gets none of it."""
    usual = {"g": vocabulary.PASSIVE_G, "e": vocabulary.PASSIVE_E}
    if isinstance(passive, Mapping):
        return usual | {name.removesuffix("_pas"): passive[name] for name in passive}
    if passive:
        return usual
    return {}


def range_name(mechanism: str, name: str) -> str:
    """Name by which NEURON knows a parameter on a segment: ``g`` of ``pas`` is ``g_pas``."""
    known = parameter_names(mechanism)
    for candidate in (f"{name}_{mechanism}", name):
        if candidate in known or candidate.partition("[")[0] in known:
            return candidate
    # the reversal potential of an ion belongs to the ion, not to the channel
    if name.startswith("e") and f"{name[1:]}_ion" in density_mechanism_names():
        return name
    short = [k.removesuffix(f"_{mechanism}") for k in known]
    raise UsageError(
        f"{mechanism} has no parameter '{name}'", remedy=nearest(name, short, "parameter")
    )


def _load(source: Any, names: Sequence[str] | None) -> tuple[list[Any], list[str]]:
    if isinstance(source, (str, os.PathLike, Morphology)):
        loaded = load_sections(source)
        return list(loaded.sections), list(names or loaded.names)
    sections = list(source)
    if not sections:
        raise UsageError("a cell needs at least one section")
    return sections, list(names or [section.name() for section in sections])


def _transfer(probe: Any, segments: int) -> np.ndarray:
    matrix = np.asarray(probe.get_transformation_matrix(), dtype=float)
    if matrix.ndim < 2 or matrix.shape[-1] != segments:
        raise UsageError(
            f"transfer matrix has shape {matrix.shape}, expected (contacts, {segments})",
            remedy="make the probe for this cell",
        )
    return matrix

"""A cell with LFPy's arguments."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from lfpcli.compat.lfpy.arguments import (
    Hook,
    check_step,
    code_hooks,
    define_shape,
    discretisation,
    function_hooks,
)
from lfpcli.compat.lfpy.axes import SectionTree
from lfpcli.compat.lfpy.choices import Choices
from lfpcli.compat.lfpy.drawing import Outlines
from lfpcli.compat.lfpy.pointprocess import StimIntElectrode, Synapse
from lfpcli.compat.lfpy.results import leave_at_points, point_recorders, write_measurements
from lfpcli.compat.lfpy.stimulated import Stimulated
from lfpcli.errors import UsageError, nearest
from lfpcli.forward import transforms
from lfpcli.geometry import Geometry
from lfpcli.runtime.cell import cell as runtime
from lfpcli.runtime.cell.points import parameter_names
from lfpcli.runtime.engine.record import Recorder
from lfpcli.runtime.engine.settings import RunSettings
from lfpcli.runtime.neuron import nrn

# of LFPy: mA/cm2 times um2 are 1e-2 nA
NANOAMPERE = 1e-2
_CURRENTS = {"ipas": "i_pas", "icap": "i_cap"}


class Cell(Choices, SectionTree, Outlines, Stimulated, runtime.Cell):  # type: ignore[misc]
    """A cell as LFPy makes it.

    Parameters
    ----------
    morphology : path-like or SectionList
        A file (.hoc, .asc, .swc, .xml, .nml, .h5), or sections of NEURON.
    v_init : float
        Initial membrane potential, mV.
    Ra, cm : float, optional
        Axial resistivity (ohm cm) and membrane capacitance (uF/cm2) of all sections; as loaded
        where left out.
    passive : bool
        Whether all sections get `pas`.
    passive_parameters : mapping, optional
        ``g_pas`` (S/cm2) and ``e_pas`` (mV); 0.001 and -70 where left out.
    extracellular : bool
        Whether all sections get the extracellular mechanism.
    tstart, tstop, dt : float
        Begin (<= 0), end and step of a run, ms; samples are kept from 0 on.
    nsegs_method : {'lambda100', 'lambda_f', 'fixed_length', None}
        How many segments sections get; None leaves them as they are.
    lambda_f, d_lambda, max_nsegs_length : float
        Frequency (Hz), share of the length constant, and largest length (um) of those.
    delete_sections : bool
        Whether all sections of the process are deleted before a file is loaded.
    custom_code : sequence of path-like, optional
        hoc files that are run for the cell.
    custom_fun : sequence of callable, optional
        Called with the cell, after `custom_code`.
    custom_fun_args : sequence of mapping, optional
        Further arguments of each.
    pt3d : bool
        Whether the points of the morphology are kept in `x3d`, `y3d`, `z3d` and `diam3d`, lists of
        arrays, um.
    celsius : float, optional
        Temperature, degrees Celsius.
    verbose : bool
        Accepted; nothing is printed.

    Raises
    ------
    UsageError
        Where an argument is unknown or does not fit.
    """

    def __init__(
        self,
        morphology: Any,
        v_init: float = -70.0,
        Ra: float | None = None,
        cm: float | None = None,
        passive: bool = False,
        passive_parameters: Mapping[str, float] | None = None,
        extracellular: bool = False,
        tstart: float = 0.0,
        tstop: float = 100.0,
        dt: float = 2**-4,
        nsegs_method: str | None = "lambda100",
        lambda_f: float = 100,
        d_lambda: float = 0.1,
        max_nsegs_length: float | None = None,
        delete_sections: bool = True,
        custom_code: Sequence[str | os.PathLike[str]] | None = None,
        custom_fun: Sequence[Hook] | None = None,
        custom_fun_args: Sequence[Mapping[str, Any]] | None = None,
        pt3d: bool = False,
        celsius: float | None = None,
        verbose: bool = False,
        **unknown: Any,
    ) -> None:
        if unknown:
            name = next(iter(unknown))
            # LFPy takes any keyword and forgets it
            known = [k for k in Cell.__init__.__annotations__ if k not in ("return", "unknown")]
            raise UsageError(
                f"a cell has no argument '{name}'", remedy=nearest(name, known, "argument")
            )
        self.morphology = morphology
        self.pt3d = pt3d
        self.verbose = verbose
        self.Ra, self.cm = Ra, cm
        self.passive_parameters = dict(passive_parameters or {"g_pas": 1e-3, "e_pas": -70.0})
        self._geometry: Geometry
        self._ends = np.empty((3, 0, 2))
        check_step(tstart, dt)
        nseg = discretisation(nsegs_method, lambda_f, d_lambda, max_nsegs_length)
        # LFPy's cells have points in space from here on, by which lengths are rounded to float32
        hooks = [
            define_shape,
            *code_hooks(custom_code),
            *function_hooks(custom_fun, custom_fun_args),
        ]
        if delete_sections and isinstance(morphology, (str, os.PathLike)):
            # what LFPy does: a morphology file may expect to be alone
            nrn()("forall delete_section()")
        super().__init__(
            self._sections_of(morphology),
            v_init=v_init,
            Ra=Ra,
            cm=cm,
            passive=self.passive_parameters if passive else False,
            nseg=nseg,
            custom_fun=[*hooks, define_shape],
            extracellular=extracellular,
            tstart=tstart,
            tstop=tstop,
            dt=dt,
            celsius=celsius,
        )

    def _sections_of(self, morphology: Any) -> Any:
        """What the sections are made from; cells of templates make them here."""
        if isinstance(morphology, (str, os.PathLike)):
            return morphology
        return list(morphology)

    # LFPy's users write into x, y and z, so that these are what a cell keeps
    @property
    def geometry(self) -> Geometry:
        """The segments, um, where `x`, `y` and `z` say."""
        start, end = self._ends[..., 0].T, self._ends[..., 1].T
        return replace(self._geometry, start=start, end=end)

    @geometry.setter
    def geometry(self, geometry: Geometry) -> None:
        self._geometry = geometry
        self._ends = np.stack([geometry.start.T, geometry.end.T], axis=-1)

    def _along(self, axis: int) -> np.ndarray:
        ends: np.ndarray = self._ends[axis]
        return ends

    def collect(self) -> None:
        """Read segments, geometry and points anew."""
        super().collect()
        self._collect_points()

    def _collect_geometry(self) -> None:
        self.collect()

    @property
    def length(self) -> np.ndarray:
        """Lengths of the segments along the cable, shape (N,), um."""
        return np.array([seg.sec.L / seg.sec.nseg for seg in self.segments])

    @property
    def detector(self) -> Any:
        """Segment in which spikes are detected; None of a cell without NEURON's objects."""
        if not self.segments:
            return None
        return self.segments[self.detector_index]

    @property
    def pointprocesses(self) -> list[Any]:
        """The electrodes."""
        return self.electrodes

    @property
    def synidx(self) -> list[int]:
        """Segments of the synapses."""
        return [synapse.idx for synapse in self.synapses]

    @property
    def pointprocess_idx(self) -> list[int]:
        """Segments of the electrodes."""
        return [electrode.idx for electrode in self.electrodes]

    def _setting(self, name: str) -> float:
        return float(getattr(self.settings, name))

    def _set(self, **values: Any) -> None:
        self.settings: RunSettings = replace(self.settings, **values)

    dt = property(lambda self: self._setting("dt"), lambda self, value: self._set(dt=value))
    tstart = property(
        lambda self: self._setting("tstart"), lambda self, value: self._set(tstart=value)
    )
    tstop = property(
        lambda self: self._setting("tstop"), lambda self, value: self._set(tstop=value)
    )
    v_init = property(
        lambda self: self._setting("v_init"), lambda self, value: self._set(v_init=value)
    )
    celsius = property(
        lambda self: self._setting("celsius"), lambda self, value: self._set(celsius=value)
    )

    def set_pos(self, x: float = 0.0, y: float = 0.0, z: float = 0.0) -> None:
        """Move the soma to a place, um."""
        before = self.somapos
        super().set_pos(x, y, z)
        self._move_points(lambda points: points + (self.somapos - before))

    def set_rotation(
        self,
        x: float | None = None,
        y: float | None = None,
        z: float | None = None,
        rotation_order: str = "xyz",
    ) -> None:
        """Turn the cell about its soma, right-handed about fixed axes in the order given; rad."""
        angles = {"x": np.degrees(x or 0.0), "y": np.degrees(y or 0.0), "z": np.degrees(z or 0.0)}
        matrix = transforms.rotation_matrix({**angles, "order": rotation_order})
        centre = self.somapos
        self.geometry = transforms.rotate(self.geometry, matrix)
        self._move_points(lambda points: (points - centre) @ matrix.T + centre)

    def chiral_morphology(self, axis: str = "x") -> None:
        """Mirror the cell along an axis, about its soma."""
        centre, scale = self.somapos, np.where(np.array(list("xyz")) == axis, -1.0, 1.0)
        self.geometry = transforms.mirror(self.geometry, axis)
        self._move_points(lambda points: (points - centre) * scale + centre)

    def distort_geometry(self, factor: float = 0.0, axis: str = "z", nu: float = 0.0) -> None:
        """Squeeze the cell along an axis, about its soma; the cable stays as it is."""
        centre = self.somapos
        scale = np.where(np.array(list("xyz")) == axis, 1.0 - factor, 1.0 + nu * factor)
        # LFPy also takes a negative nu
        self._ends = (self._ends - centre[:, None, None]) * scale[:, None, None]
        self._ends += centre[:, None, None]
        self._move_points(lambda points: (points - centre) * scale + centre)

    def set_synapse(
        self,
        idx: int,
        syntype: str,
        record_current: bool = False,
        record_potential: bool = False,
        weight: float = 1.0,
        **kwargs: Any,
    ) -> int:
        """Make a `Synapse` and return its number; names that its mechanism lacks are left out."""
        # LFPy hands all of its own keywords on to the mechanism
        known = {k: v for k, v in kwargs.items() if k in parameter_names(syntype)}
        Synapse(
            self,
            idx,
            syntype,
            record_current=record_current,
            record_potential=record_potential,
            weight=weight,
            **known,
        )
        return len(self.synapses) - 1

    def set_point_process(
        self,
        idx: int,
        pptype: str,
        record_current: bool = False,
        record_potential: bool = False,
        **kwargs: Any,
    ) -> int:
        """Make a `StimIntElectrode` and return its number."""
        StimIntElectrode(
            self,
            idx,
            pptype,
            record_current=record_current,
            record_potential=record_potential,
            **kwargs,
        )
        return len(self.electrodes) - 1

    @property
    def _hoc_synlist(self) -> list[Any]:
        return [synapse.point for synapse in self.synapses]

    @property
    def _hoc_netconlist(self) -> list[Any]:
        return [synapse.netcon for synapse in self.synapses]

    @property
    def _hoc_netstimlist(self) -> list[Any]:
        return [getattr(synapse, "netstim", None) for synapse in self.synapses]

    @property
    def _hoc_stimlist(self) -> list[Any]:
        return [electrode.point for electrode in self.electrodes]

    def simulate(  # type: ignore[override]
        self,
        probes: Sequence[Any] | None = None,
        rec_imem: bool = False,
        rec_vmem: bool = False,
        rec_ipas: bool = False,
        rec_icap: bool = False,
        rec_variables: Sequence[str] = (),
        variable_dt: bool = False,
        atol: float = 0.001,
        rtol: float = 0.0,
        to_memory: bool = True,
        to_file: bool = False,
        file_name: str | os.PathLike[str] | None = None,
    ) -> None:
        """Run this cell alone.

        Parameters
        ----------
        probes : sequence, optional
            Each gets its measurement in `data`, shape (C, T).
        rec_imem, rec_vmem, rec_ipas, rec_icap : bool
            Whether `imem`, `ipas` and `icap` (nA) and `vmem` (mV), shape (N, T), are kept.
        rec_variables : sequence of str
            Range variables to keep in the dictionary `rec_variables`, (N, T); 0 where a segment
            lacks one.
        variable_dt : bool
            Whether NEURON's variable step is used; samples are those of the grid of `dt`.
        atol, rtol : float
            Its error bounds.
        to_memory : bool
            Accepted; measurements always are in `data`.
        to_file : bool
            Whether measurements are also written to `file_name`.
        file_name : path-like, optional
            A file of HDF5 with a dataset for each probe, by the name of its class, and with a
            number behind it from the second of a class on.
        """
        if to_file and file_name is None:
            raise UsageError("to_file needs a file_name")
        probes = list(probes or ())
        wanted = {"ipas": rec_ipas, "icap": rec_icap}
        parts = [_CURRENTS[name] for name, is_kept in wanted.items() if is_kept]
        super().simulate(
            probes,
            rec_imem=rec_imem,
            rec_vmem=rec_vmem,
            rec_variables=[*rec_variables, *parts],
            adaptive=variable_dt,
            atol=atol,
            rtol=rtol,
        )
        for name, is_kept in wanted.items():
            if is_kept:
                density = self.variables[_CURRENTS[name]]
                setattr(self, name, density * self.area[:, None] * NANOAMPERE)
        self.rec_variables = {name: self.variables[name] for name in rec_variables}
        if to_file and file_name is not None:
            write_measurements(Path(file_name), probes, self.dt)

    def _recorders(self, imem: bool, vmem: bool, variables: Sequence[str]) -> dict[str, Recorder]:
        recorders = super()._recorders(imem, vmem, variables)
        return recorders | point_recorders([*self.synapses, *self.electrodes])

    def _keep_results(
        self, kept: Mapping[str, np.ndarray], recorders: Mapping[str, Recorder]
    ) -> None:
        samples = leave_at_points(kept, [*self.synapses, *self.electrodes])
        super()._keep_results(samples, recorders)

    def strip_hoc_objects(self) -> None:
        """Let go of NEURON's objects, so that the cell can be pickled; it cannot be run again."""
        self.sections, self.segments = [], []
        # NEURON's objects cannot be pickled
        self.owner = self.template = None
        self._network = None
        for process in [*self.__dict__.get("synapses", []), *self.__dict__.get("electrodes", [])]:
            process.point = None
            if hasattr(process, "disconnect"):
                process.disconnect()

    def __del__(self) -> None:
        """Let go of NEURON's objects, which LFPy's users call by name."""
        self.strip_hoc_objects()

    def cellpickler(
        self, filename: str | os.PathLike[str] | None, pickler: Callable[..., Any] | None = None
    ) -> Any:
        """Pickle the cell without NEURON's objects.

        Parameters
        ----------
        filename : path-like or None
            Where to; None returns what `pickler` gives.
        pickler : callable, optional
            ``pickle.dump`` where left out, or ``pickle.dumps``, for None.
        """
        import pickle

        self.strip_hoc_objects()
        if filename is None:
            return (pickler or pickle.dumps)(self)
        with Path(filename).open("wb") as file:
            return (pickler or pickle.dump)(self, file)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.morphology!r}, totnsegs={self.totnsegs})"

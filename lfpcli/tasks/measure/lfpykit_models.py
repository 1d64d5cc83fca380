"""Forward models of LFPykit in place of ours, to hold one against the other."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from lfpcli.errors import MissingDependencyError, UsageError, nearest
from lfpcli.forward.instrument import Instrument
from lfpcli.geometry import Geometry
from lfpcli.io.tracks import Track
from lfpcli.model.probe import Conductivity, Probe
from lfpcli.tasks.measure.placed_contacts import contacts_of

PREFIX = "lfpykit:"
# classes that measure with contacts, and the method of ours that each has
_METHODS: dict[str, tuple[str, ...]] = {
    "LineSourcePotential": ("line",),
    "PointSourcePotential": ("point",),
    "RecExtElectrode": ("line", "point", "soma-point"),
}
# what LFPykit calls the methods
_NAMES = {"line": "linesource", "point": "pointsource", "soma-point": "root_as_point"}


@dataclass
class Difference:
    """How far a signal is from that of our model.

    Attributes
    ----------
    largest : float
        Largest difference, in `units`.
    peak : float
        Largest absolute value of ours, in `units`.
    units : str
        Unit of the signal.
    """

    units: str
    largest: float = 0.0
    peak: float = 0.0

    def __str__(self) -> str:
        share = self.largest / self.peak if self.peak else 0.0
        return (
            f"largest difference to the model of lfp: {self.largest:.3g} {self.units}, "
            f"{share:.2g} of the peak"
        )


class Comparison(Track):
    """Takes our samples as a track does, and holds them against those that were written.

    Parameters
    ----------
    written : Track
        The signal of the other model.
    units : str
        Its unit.
    """

    def __init__(self, written: Track, units: str) -> None:
        self._theirs, self._first = written, 0
        self.difference = Difference(units)

    def append(self, rows: np.ndarray) -> None:
        """Compare the next samples, shape (n, C), in the unit of the signal."""
        last = self._first + len(rows)
        off = np.abs(self._theirs.samples(self._first, last) - rows)
        self.difference.largest = max(self.difference.largest, float(off.max(initial=0.0)))
        peak = float(np.abs(rows).max(initial=0.0))
        self.difference.peak = max(self.difference.peak, peak)
        self._first = last


def lfpykit_probe(name: str, probe: Probe) -> Probe:
    """The probe with the method that a class of LFPykit has.

    Parameters
    ----------
    name : str
        ``lfpykit:CLASS``.
    probe : Probe
        The probe.

    Raises
    ------
    UsageError
        Where there is no such class, or the probe asks for what it does not have.
    """
    cls = name.removeprefix(PREFIX)
    if not name.startswith(PREFIX) or cls not in _METHODS:
        known = [f"{PREFIX}{each}" for each in _METHODS]
        raise UsageError(f"unknown model '{name}'", remedy=nearest(name, known, "model"))
    methods = _METHODS[cls]
    if probe.csd is not None:
        raise UsageError(f"{cls} measures no CSD", remedy="leave out --csd")
    if "method" in probe.stated and probe.method not in methods:
        raise UsageError(
            f"{cls} has no method '{probe.method}'", remedy=f"use {' or '.join(methods)}"
        )
    if probe.dispersion is not None:
        raise UsageError(f"{cls} knows no frequencies", remedy="leave out --dispersion")
    if probe.medium != "infinite" or probe.lead_field is not None:
        raise UsageError(f"{cls} knows no medium but the infinite one", remedy="leave it out")
    return probe if probe.method in methods else replace(probe, method=methods[0])


def lfpykit_instrument(name: str, probe: Probe, ours: Instrument) -> Instrument:
    """The instrument of a probe whose matrix is that of a class of LFPykit.

    Parameters
    ----------
    name : str
        ``lfpykit:CLASS``.
    probe : Probe
        The probe, see `lfpykit_probe`.
    ours : Instrument
        The same with our model.

    Raises
    ------
    MissingDependencyError
        Where LFPykit is not installed.
    UsageError
        Where the class has no faces of contacts.
    """
    if importlib.util.find_spec("lfpykit") is None:
        raise MissingDependencyError(
            f"{name} needs the package LFPykit", remedy="pip install 'lfpcli[lfpykit]'"
        )
    cls = name.removeprefix(PREFIX)
    contacts = contacts_of(probe)
    if contacts.has_face and cls != "RecExtElectrode":
        raise UsageError(
            f"{cls} takes contacts as points", remedy=f"use {PREFIX}RecExtElectrode, or --radius 0"
        )
    if contacts.has_face and contacts.shape != "circle":
        raise UsageError(
            f"{cls} is compared for circles, not for contacts of shape '{contacts.shape}'",
            remedy="use --shape circle, or --radius 0",
        )
    make = _maker(cls, probe, contacts)

    def matrix(geometry: Geometry) -> np.ndarray:
        # LFPykit takes the first segment of all as the soma, so that each cell goes alone
        starts = np.flatnonzero(np.r_[True, np.diff(geometry.gid) != 0])
        ends = np.r_[starts[1:], len(geometry)]
        parts = []
        for start, end in zip(starts.tolist(), ends.tolist(), strict=True):
            cell = _cell(geometry, slice(start, end))
            parts.append(np.asarray(make(cell).get_transformation_matrix()))
        return np.concatenate(parts, axis=1)

    return replace(ours, matrix=matrix, model=name)


def _cell(geometry: Geometry, segments: slice) -> Any:
    import lfpykit

    ends = np.stack([geometry.start[segments], geometry.end[segments]], axis=-1)
    x, y, z = (ends[:, axis] for axis in range(3))
    return lfpykit.CellGeometry(x=x, y=y, z=z, d=geometry.diam[segments])


def _maker(cls: str, probe: Probe, contacts: Any) -> Callable[[Any], Any]:
    """What makes LFPykit's model of a cell."""
    import lfpykit

    x, y, z = np.asarray(contacts.positions, float).T.copy()
    arguments: dict[str, Any] = {"x": x, "y": y, "z": z, "sigma": _sigma(probe.sigma)}
    if cls == "RecExtElectrode":
        arguments["method"] = _NAMES[probe.method]
        if contacts.has_face:
            # LFPykit averages over points that it draws: n of them, with this seed
            arguments |= {
                "N": np.asarray(contacts.normals, float),
                "r": float(contacts.face_half_sides[0]),
                "n": probe.quadrature,
                "contact_shape": contacts.shape,
                "seedvalue": 0,
            }
    return lambda cell: getattr(lfpykit, cls)(cell=cell, **arguments)


def _sigma(sigma: Conductivity) -> Any:
    if isinstance(sigma, int | float):
        return sigma
    if any(isinstance(row, Sequence) for row in sigma):
        raise UsageError("LFPykit has no tensors of sigma", remedy="give one or three numbers")
    return list(sigma)

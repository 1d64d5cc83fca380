"""The field on a head between its electrodes, where a recording tells the model and the dipole."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from lfpcli.forward import infinite
from lfpcli.forward.four_sphere import FourSphereVolumeConductor
from lfpcli.forward.homogeneous_sphere import HomogeneousSphereVolumeConductor
from lfpcli.forward.orientation import rotations_onto
from lfpcli.io.recording import Recording, Sampled, Signal

# potentials (n,) at directions (n, 3)
Field = Callable[[np.ndarray], np.ndarray]
# how far potentials of the model may be from those that are stored, relative to the largest
_SAME = 1e-5
_ON_SPHERE = 1e-6


def scalp_field(recording: Recording, signal: Signal, row: int) -> Field | None:
    """Potentials on a spherical head at one sample, mV, as the model has them.

    They are computed from what the recording tells of the model and from its dipole moment, and
    are given only where they agree with the potentials that are stored: a signal that was
    filtered, or made from elsewhere, is another one.

    Parameters
    ----------
    recording : Recording
        With the dipole moment.
    signal : Signal
        An EEG.
    row : int
        The sample.

    Returns
    -------
    callable or None
        From directions (n, 3) to potentials (n,), in the unit of the signal; None where they are
        not known.
    """
    model = signal.parameters
    radius = _radius(signal)
    moment = _moment(recording, signal, row)
    if radius is None or moment is None or signal.positions is None:
        return None
    if "position" not in model or model.get("sources") != "dipole":
        return None
    turned = rotations_onto(model["direction"])[0] @ moment
    position = np.asarray(model["position"], dtype=float)

    def plain(directions: np.ndarray) -> np.ndarray:
        lead = _lead(signal.model, radius * directions, position, model)
        # not by BLAS, whose sums differ in the last bit with the number of threads
        return np.asarray(np.einsum("na,a->n", lead, turned))

    stored = np.asarray(signal.data[row], dtype=float)
    computed = plain(signal.positions / radius)
    # a reference shifts all potentials alike
    shift = float(np.mean(stored - computed))
    if np.abs(computed + shift - stored).max() > _SAME * np.abs(stored).max():
        return None
    return lambda directions: plain(directions) + shift


def _radius(signal: Signal) -> float | None:
    """Radius of the sphere that all electrodes lie on, um; None where they do not."""
    if signal.positions is None or signal.model not in _LEADS:
        return None
    distance = np.linalg.norm(signal.positions, axis=1)
    radius = float(distance.mean())
    if "radii" in signal.parameters:
        radius = float(np.atleast_1d(signal.parameters["radii"])[-1])
    return radius if np.all(np.abs(distance - radius) < _ON_SPHERE * radius) else None


def _moment(recording: Recording, signal: Signal, row: int) -> np.ndarray | None:
    """Dipole moment (3,) of all cells at a sample, nA um; None where there is none."""
    if "total" in recording.dipole_groups:
        stored = recording.dipole("total")
        return np.asarray(stored.data[row], dtype=float) if _alike(stored, signal) else None
    moment = np.zeros(3)
    populations = recording.reports.get("imem", [])
    for population in populations:
        report, geometry = recording.report("imem", population), recording.geometry(population)
        if not _alike(report, signal) or report.data.shape[1] != len(geometry):
            return None
        moment += np.asarray(report.data[row], dtype=float) @ geometry.middle
    return moment if populations else None


def _alike(stored: Sampled, signal: Signal) -> bool:
    """Whether samples are of the same times."""
    times = (stored.data.shape[0], stored.dt, stored.t_start)
    return times == (signal.data.shape[0], signal.dt, signal.t_start)


def _four_sphere(electrodes: np.ndarray, position: np.ndarray, model: dict[str, Any]) -> np.ndarray:
    head = FourSphereVolumeConductor(
        electrodes, model["radii"], model["sigmas"], float(model["tolerance"])
    )
    return head.get_transformation_matrix(position)


def _homogeneous(electrodes: np.ndarray, position: np.ndarray, model: dict[str, Any]) -> np.ndarray:
    radius, sigma = (float(np.atleast_1d(model[key])[0]) for key in ("radii", "sigmas"))
    sphere = HomogeneousSphereVolumeConductor(electrodes, radius, sigma)
    return sphere.get_transformation_matrix(position)


def _infinite(electrodes: np.ndarray, position: np.ndarray, model: dict[str, Any]) -> np.ndarray:
    return np.asarray(infinite.lead_field(electrodes, position, float(model["sigma"]))[:, 0])


_LEADS = {
    "four-sphere": _four_sphere,
    "homogeneous-sphere": _homogeneous,
    "infinite": _infinite,
}


def _lead(
    name: str, electrodes: np.ndarray, position: np.ndarray, model: dict[str, Any]
) -> np.ndarray:
    """Potentials (n, 3) of unit dipoles at electrodes (n, 3), um."""
    return _LEADS[name](electrodes, position, model)

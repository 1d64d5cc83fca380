"""Head models of LFPykit in place of ours, to hold one against the other."""

from __future__ import annotations

import importlib
import importlib.util
from typing import Any

import numpy as np

from lfpcli import vocabulary
from lfpcli.errors import InputError, MissingDependencyError
from lfpcli.forward.meg import Field
from lfpcli.tasks.head.sensor_array import Lead, SensorArray

LFPYKIT = {**vocabulary.LFPYKIT_EEG, **vocabulary.LFPYKIT_MEG}
"""Classes of LFPykit, ``lfpykit:CLASS``, each with the model of ours that it is held against."""


def lfpykit_model(name: str) -> str:
    """The model of ours that a class of LFPykit is held against.

    Raises
    ------
    MissingDependencyError
        Where LFPykit is not installed.
    """
    if importlib.util.find_spec("lfpykit") is None:
        raise MissingDependencyError(
            f"{name} needs the package LFPykit", remedy="pip install 'lfpcli[lfpykit]'"
        )
    return LFPYKIT[name]


def potentials_by(name: str, array: SensorArray) -> Lead:
    """How a class of LFPykit sees dipoles at electrodes.

    Parameters
    ----------
    name : str
        ``lfpykit:FourSphereVolumeConductor`` or ``lfpykit:InfiniteVolumeConductor``.
    array : SensorArray
        The electrodes by our model, with its parameters.
    """
    electrodes, parameters = np.asarray(array.positions, float), array.parameters
    conductor = _class(name)
    if name.endswith("InfiniteVolumeConductor"):
        medium = conductor(parameters["sigma"])

        def seen(place: np.ndarray) -> np.ndarray:
            return np.asarray(medium.get_transformation_matrix(electrodes - place))

    else:
        # LFPykit refuses electrodes that rounding has put outside of the outermost sphere
        distance = np.linalg.norm(electrodes, axis=1, keepdims=True)
        within = np.minimum(1.0, parameters["radii"][3] * (1 - 1e-15) / distance)
        head = conductor(electrodes * within, parameters["radii"], parameters["sigmas"])

        def seen(place: np.ndarray) -> np.ndarray:
            return np.asarray(head.get_transformation_matrix(place))

    def lead(places: np.ndarray) -> np.ndarray:
        return np.stack([_matrix(name, seen, place) for place in places], axis=1)

    return lead


def field_by(name: str) -> Field:
    """Components of H of unit dipoles by a class of LFPykit; see `lfpcli.forward.meg`."""
    conductor = _class(name)

    def field(places: np.ndarray, orientations: np.ndarray, locations: np.ndarray) -> np.ndarray:
        sensors = conductor(places)
        parts = []
        for location in locations:
            matrix = _matrix(name, sensors.get_transformation_matrix, location)
            # sensor, component of H, component of the dipole
            parts.append(np.einsum("skc,scd->skd", orientations, matrix))
        return np.stack(parts, axis=2)

    return field


def _class(name: str) -> Any:
    module = importlib.import_module("lfpykit.eegmegcalc")
    return getattr(module, name.removeprefix(vocabulary.LFPYKIT))


def _matrix(name: str, seen: Any, place: np.ndarray) -> np.ndarray:
    """What a class sees of a dipole; what it refuses is told as such."""
    try:
        return np.asarray(seen(np.asarray(place, float)))
    except (AssertionError, RuntimeError, ValueError) as error:
        text = str(error).strip() or "it holds for another place"
        coordinates = ", ".join(f"{value:g}" for value in place)
        raise InputError(
            f"{name} refuses the dipole at {coordinates} um: {text.splitlines()[0]}",
            remedy="move it, or use the model of lfp",
        ) from error

"""Electrodes of an EEG and the head they are on."""

from __future__ import annotations

from typing import Any

import numpy as np

from lfpcli import vocabulary
from lfpcli.errors import UsageError, located, nearest
from lfpcli.forward import infinite
from lfpcli.forward.four_sphere import RADII, SIGMAS, FourSphereVolumeConductor
from lfpcli.forward.homogeneous_sphere import HomogeneousSphereVolumeConductor
from lfpcli.forward.spheres import check_electrodes
from lfpcli.io.head_model import load_head_model
from lfpcli.io.montage import Montage, load_montage
from lfpcli.model.head import Eeg
from lfpcli.tasks.head.lfpykit_heads import potentials_by
from lfpcli.tasks.head.poses import warn_of_centre
from lfpcli.tasks.head.sensor_array import Lead, SensorArray, lead_field_arrays, radial

SCALP_RADIUS = RADII[-1]
DEFAULT_MONTAGE = "10-20"
AVERAGE = "average"


def electrodes_of(table: Eeg, *, other_model: str = "") -> SensorArray:
    """The electrodes of an EEG and how they see dipoles.

    Parameters
    ----------
    table : Eeg
        What is to be measured.
    other_model : str
        ``lfpykit:CLASS``, which sees the dipoles in place of the model of the table.

    Raises
    ------
    UsageError
        Where options do not go together.
    InputError
        Where a radius, a conductivity, an electrode or a file is not what it should be.
    """
    if table.model not in vocabulary.EEG_MODELS:
        raise UsageError(
            f"unknown model '{table.model}'",
            remedy=nearest(table.model, vocabulary.EEG_MODELS, "model"),
        )
    _check_options(table)
    if table.model == "infinite":
        array = _in_infinite_medium(table)
    elif table.model == "homogeneous-sphere":
        array = _on_homogeneous_sphere(table)
    elif table.model == "four-sphere":
        array = _on_four_spheres(table)
    else:
        array = _of_lead_field(table)
    if other_model:
        array.lead = potentials_by(other_model, array)
    return _referenced(table, array)


def _check_options(table: Eeg) -> None:
    """Reject options that the model would not heed."""
    has_file = table.model == "lead-field"
    if has_file != (table.head_model is not None):
        raise UsageError(
            "the model 'lead-field' needs a file"
            if has_file
            else f"the model '{table.model}' takes no head model file",
            remedy="give --head-model FILE" if has_file else "use --model lead-field",
        )
    # an option that changes nothing would be taken for one that does
    unused = {
        "--radii": table.radii is not None and table.model in ("infinite", "lead-field"),
        "--sigmas": table.sigmas is not None and has_file,
        "--montage": table.montage is not None and has_file,
        "--project": table.project and has_file,
        "--scalp-radius": table.scalp_radius is not None and table.model != "infinite",
    }
    for option, is_unused in unused.items():
        if is_unused:
            raise UsageError(f"{option} has no meaning with the model '{table.model}'")


def _electrodes(table: Eeg, radius: float | None) -> Montage:
    source = str(table.montage or DEFAULT_MONTAGE)
    montage = load_montage(source, radius, project=table.project)
    return montage.picked(list(table.pick)) if table.pick else montage


def _in_infinite_medium(table: Eeg) -> SensorArray:
    montage = _electrodes(table, table.scalp_radius or SCALP_RADIUS)
    sigmas = list(table.sigmas or (vocabulary.SIGMA,))
    if len(sigmas) != 1:
        raise UsageError(f"{len(sigmas)} conductivities, the infinite medium has 1")
    sigma = float(sigmas[0])
    return SensorArray(
        names=montage.names,
        positions=montage.positions,
        lead=lambda places: infinite.lead_field(montage.positions, places, sigma),
        units="mV",
        parameters={"sigma": sigma, "montage": montage.name},
    )


def _on_homogeneous_sphere(table: Eeg) -> SensorArray:
    radii = list(table.radii or (SCALP_RADIUS,))
    sigmas = list(table.sigmas or (vocabulary.SIGMA,))
    if len(radii) != 1 or len(sigmas) != 1:
        raise UsageError(
            f"{len(radii)} radii and {len(sigmas)} conductivities, the homogeneous sphere has 1"
        )
    montage = _electrodes(table, radii[0])
    with located(montage.name):
        check_electrodes(montage.positions, radii[0], montage.names)
    sphere = HomogeneousSphereVolumeConductor(montage.positions, radii[0], sigmas[0])
    parameters = {"radii": radii, "sigmas": sigmas, "montage": montage.name}
    return _on_sphere(montage, sphere.lead_field, parameters)


def _on_four_spheres(table: Eeg) -> SensorArray:
    radii, sigmas = list(table.radii or RADII), list(table.sigmas or SIGMAS)
    if len(radii) != 4 or len(sigmas) != 4:
        raise UsageError(
            f"{len(radii)} radii and {len(sigmas)} conductivities, expected 4 of each",
            remedy="brain, CSF, skull and scalp, separated by commas",
        )
    # the shells are checked before a montage is put on the outermost
    FourSphereVolumeConductor(np.zeros(3), radii, sigmas, table.tolerance)
    montage = _electrodes(table, radii[3])
    with located(montage.name):
        check_electrodes(montage.positions, radii[3], montage.names)
    head = FourSphereVolumeConductor(montage.positions, radii, sigmas, table.tolerance)
    parameters = {
        "radii": radii,
        "sigmas": sigmas,
        "tolerance": table.tolerance,
        "montage": montage.name,
    }
    return _on_sphere(montage, head.lead_field, parameters)


def _on_sphere(montage: Montage, lead: Lead, parameters: dict[str, Any]) -> SensorArray:
    warn_of_centre(montage.positions, "an electrode")
    return SensorArray(
        names=montage.names,
        positions=montage.positions,
        lead=lead,
        units="mV",
        parameters=parameters,
        normals=radial,
        centre=np.zeros(3),
    )


def _of_lead_field(table: Eeg) -> SensorArray:
    lead_field = load_head_model(table.head_model or "", "eeg")
    pick = None if table.pick is None else list(table.pick)
    (array,) = lead_field_arrays(lead_field, pick, str(table.head_model)).values()
    return array


def _referenced(table: Eeg, array: SensorArray) -> SensorArray:
    """Electrodes against a reference."""
    array.parameters["reference"] = table.reference
    if table.reference == vocabulary.NONE:
        return array
    plain = array.lead
    if table.reference == AVERAGE:
        # a reference is linear: it is part of the matrix, and samples need no second pass
        array.lead = lambda places: _less_mean(plain(places))
        return array
    if table.reference not in array.names:
        raise UsageError(
            f"no electrode '{table.reference}' to refer to",
            remedy=nearest(table.reference, [*array.names, AVERAGE, vocabulary.NONE], "reference"),
        )
    row = array.names.index(table.reference)
    array.lead = lambda places: _less_row(plain(places), row)
    return array


def _less_mean(matrix: np.ndarray) -> np.ndarray:
    return np.asarray(matrix - matrix.mean(axis=0))


def _less_row(matrix: np.ndarray, row: int) -> np.ndarray:
    return np.asarray(matrix - matrix[row])

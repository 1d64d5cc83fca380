"""Head and sensor models as commands name them: one shape for all."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from lfpcli.errors import UsageError, nearest
from lfpcli.forward import infinite
from lfpcli.forward.four_sphere import RADII, SIGMAS, FourSphereVolumeConductor
from lfpcli.forward.homogeneous_sphere import HomogeneousSphereVolumeConductor
from lfpcli.forward.lead_field import LeadField
from lfpcli.forward.spheres import check_electrodes
from lfpcli.io.head_model import head_model_file, open_head_model
from lfpcli.io.montage import Montage, load_montage
from lfpcli.tasks.head.places import Normals, radial
from lfpcli.tasks.head.sources import Lead
from lfpcli.vocabulary import EEG_MODELS

SCALP_RADIUS = RADII[-1]
DEFAULT_MONTAGE = "10-20"


@dataclass
class Channels:
    """What measures, and how it sees a unit dipole.

    Attributes
    ----------
    names : list of str
    positions : ndarray, shape (C, 3)
        um.
    lead : callable
        Signals of unit dipoles at places (D, 3): (C, D, 3).
    units : str
        Unit of the signals of a dipole of 1 nA um.
    parameters : dict
        What the recording tells of the model.
    normals : callable or None
        Normals of the cortex at places; None where the model has none.
    sites : dict of str to tuple
        Places that have a name, um.
    """

    names: list[str]
    positions: np.ndarray
    lead: Lead
    units: str
    parameters: dict[str, Any] = field(default_factory=dict)
    normals: Normals | None = None
    sites: dict[str, tuple[float, float, float]] = field(default_factory=dict)


@dataclass
class EegModel:
    """A head model and its electrodes, as asked for.

    Attributes
    ----------
    name : str
        One of `EEG_MODELS`.
    radii, sigmas : sequence of float, optional
        Of the shells from the inside, um and S/m; the model's own by default.
    tolerance : float
        Of the series of the four spheres.
    montage : str, optional
        A system or a file, see `load_montage`.
    pick : list of str, optional
        The electrodes to use.
    project : bool
        Whether the electrodes of a file are moved onto the scalp.
    scalp_radius : float, optional
        Where a named montage lies in a model without a scalp, um.
    head_model : path-like, optional
        File of a lead field.
    reference : str
        ``none``, ``average``, or the name of an electrode.
    """

    name: str = "four-sphere"
    radii: Sequence[float] | None = None
    sigmas: Sequence[float] | None = None
    tolerance: float = 1e-12
    montage: str | None = None
    pick: list[str] | None = None
    project: bool = False
    scalp_radius: float | None = None
    head_model: str | os.PathLike[str] | None = None
    reference: str = "none"

    def input_files(self) -> list[str]:
        """Files that the model reads."""
        files = [str(self.montage or "")]
        if self.head_model is not None:
            files.append(str(head_model_file(self.head_model)))
        return files


@contextlib.contextmanager
def open_eeg(model: EegModel) -> Iterator[Channels]:
    """Build the electrodes and the model of an EEG; files stay open meanwhile.

    Raises
    ------
    UsageError
        Where options do not go together.
    InputError
        Where a radius, a conductivity, an electrode or a file is not what it should be.
    """
    if model.name not in EEG_MODELS:
        raise UsageError(
            f"unknown model '{model.name}'", remedy=nearest(model.name, EEG_MODELS, "model")
        )
    _check_options(model)
    if model.name == "lead-field":
        with open_head_model(model.head_model or "", "eeg") as lead_field:
            channels = given_channels(lead_field, model.pick)
            channels.parameters["head_model"] = str(model.head_model)
            yield _referenced(model, channels)
        return
    channels = {
        "infinite": _infinite,
        "homogeneous-sphere": _homogeneous,
        "four-sphere": _four_spheres,
    }[model.name](model)
    yield _referenced(model, channels)


def _check_options(model: EegModel) -> None:
    """Reject options that the model would not heed."""
    given = model.name == "lead-field"
    if given != (model.head_model is not None):
        raise UsageError(
            "the model 'lead-field' needs a file"
            if given
            else f"the model '{model.name}' takes no head model file",
            remedy="give --head-model FILE" if given else "use --model lead-field",
        )
    unused = {
        "--radii": model.radii is not None and model.name in ("infinite", "lead-field"),
        "--sigmas": model.sigmas is not None and given,
        "--montage": model.montage is not None and given,
        "--project": model.project and given,
        "--scalp-radius": model.scalp_radius is not None and model.name != "infinite",
    }
    for option, bad in unused.items():
        if bad:
            raise UsageError(f"{option} has no meaning with the model '{model.name}'")


def _electrodes(model: EegModel, radius: float | None) -> Montage:
    montage = load_montage(model.montage or DEFAULT_MONTAGE, radius, project=model.project)
    return montage.picked(model.pick) if model.pick else montage


def _infinite(model: EegModel) -> Channels:
    montage = _electrodes(model, model.scalp_radius or SCALP_RADIUS)
    sigmas = list(model.sigmas or (0.3,))
    if len(sigmas) != 1:
        raise UsageError(f"{len(sigmas)} conductivities, the infinite medium has 1")
    sigma = float(sigmas[0])
    return Channels(
        montage.names,
        montage.positions,
        lambda where: infinite.lead_field(montage.positions, where, sigma),
        "mV",
        {"sigma": sigma, "montage": montage.name},
    )


def _homogeneous(model: EegModel) -> Channels:
    radii, sigmas = list(model.radii or (SCALP_RADIUS,)), list(model.sigmas or (0.3,))
    if len(radii) != 1 or len(sigmas) != 1:
        raise UsageError(
            f"{len(radii)} radii and {len(sigmas)} conductivities, the homogeneous sphere has 1"
        )
    montage = _electrodes(model, radii[0])
    check_electrodes(montage.positions, radii[0], montage.names)
    sphere = HomogeneousSphereVolumeConductor(montage.positions, radii[0], sigmas[0])
    parameters = {"radii": radii, "sigmas": sigmas, "montage": montage.name}
    return Channels(montage.names, montage.positions, sphere.lead_field, "mV", parameters, radial)


def _four_spheres(model: EegModel) -> Channels:
    radii, sigmas = list(model.radii or RADII), list(model.sigmas or SIGMAS)
    if len(radii) != 4 or len(sigmas) != 4:
        raise UsageError(
            f"{len(radii)} radii and {len(sigmas)} conductivities, expected 4 of each",
            remedy="brain, CSF, skull and scalp, separated by commas",
        )
    # the shells are checked before a montage is put on the outermost
    FourSphereVolumeConductor(np.zeros(3), radii, sigmas, model.tolerance)
    montage = _electrodes(model, radii[3])
    check_electrodes(montage.positions, radii[3], montage.names)
    head = FourSphereVolumeConductor(montage.positions, radii, sigmas, model.tolerance)
    parameters = {
        "radii": radii,
        "sigmas": sigmas,
        "tolerance": model.tolerance,
        "montage": montage.name,
    }
    return Channels(montage.names, montage.positions, head.lead_field, "mV", parameters, radial)


def given_channels(lead_field: LeadField, pick: list[str] | None) -> Channels:
    """Channels of a lead field from a file; dipoles go to the nearest source."""
    names = list(lead_field.names)
    rows = np.arange(len(names))
    if pick:
        montage = Montage(names, lead_field.electrodes, "of the head model").picked(pick)
        names, rows = montage.names, np.array([names.index(name) for name in pick])
    normals = lead_field.normals
    return Channels(
        names,
        lead_field.electrodes[rows],
        lambda where: lead_field.columns(lead_field.nearest_all(where))[rows],
        lead_field.units,
        {},
        None if normals is None else lambda where: normals[lead_field.nearest_all(where)],
        lead_field.sites,
    )


def _referenced(model: EegModel, channels: Channels) -> Channels:
    """Channels against a reference."""
    channels.parameters["reference"] = model.reference
    if model.reference == "none":
        return channels
    plain = channels.lead
    if model.reference == "average":
        channels.lead = lambda where: _less_mean(plain(where))
        return channels
    if model.reference not in channels.names:
        raise UsageError(
            f"no electrode '{model.reference}' to refer to",
            remedy=nearest(model.reference, [*channels.names, "average", "none"], "reference"),
        )
    row = channels.names.index(model.reference)
    channels.lead = lambda where: _less_row(plain(where), row)
    return channels


def _less_mean(matrix: np.ndarray) -> np.ndarray:
    return np.asarray(matrix - matrix.mean(axis=0))


def _less_row(matrix: np.ndarray, row: int) -> np.ndarray:
    return np.asarray(matrix - matrix[row])

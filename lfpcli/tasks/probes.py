"""Probes of a model as measurements: contacts and a forward model, or volumes of CSD."""

from __future__ import annotations

import warnings
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from lfpcli.errors import LfpWarning
from lfpcli.forward.contacts import Contacts
from lfpcli.forward.media import as_medium
from lfpcli.forward.potentials import near_contacts, transfer_matrix
from lfpcli.geometry import Geometry
from lfpcli.io.arrays import load_contacts
from lfpcli.model.probe import Csd, Field, Probe
from lfpcli.tasks.csd import csd_measurement
from lfpcli.tasks.located import located
from lfpcli.tasks.streams import Measurement

# contacts inside segments that one warning names
_NAMED = 5


def measurement_of(probe: Probe) -> Measurement:
    """Return what a probe measures.

    Parameters
    ----------
    probe : Probe
        A ``[[probe]]`` of a model.

    Raises
    ------
    InputError
        Where its array or contacts cannot be read.
    """
    if isinstance(probe.csd, Csd):
        return csd_measurement(probe.name, probe.csd, probe.per)
    with located(probe.where):
        contacts = contacts_of(probe)
        arguments = forward_arguments(probe)

    def matrix(geometry: Geometry) -> np.ndarray:
        warn_of_near(geometry, contacts, f"probe '{probe.name}'")
        with located(probe.where):
            return transfer_matrix(geometry, contacts, **arguments)

    return Measurement(
        probe.name,
        "mV",
        len(contacts),
        matrix,
        probe.per,
        contacts.positions,
        list(contacts.ids),
        model_name(probe),
        probe_parameters(probe, contacts),
    )


def model_name(probe: Probe) -> str:
    """What the recording calls the kind of sources of a probe."""
    names = {"line": "line source", "point": "point source", "soma-point": "soma as point"}
    return names[probe.method]


def contacts_of(probe: Probe | Field) -> Contacts:
    """Contacts of a probe, or electrodes of a field, in place."""
    listed = probe.contacts if isinstance(probe, Probe) else probe.electrodes
    spec = probe.array if probe.array is not None else listed
    contacts = load_contacts(
        spec,  # type: ignore[arg-type]
        shift=probe.shift,
        rotate=probe.rotate.spec() if probe.rotate else None,
        radius=probe.radius,
        shape=probe.shape,
        normal=probe.normal,
    )
    if probe.half_sides is not None:
        contacts = replace(contacts, half_sides=(probe.half_sides[0], probe.half_sides[1]))
    return contacts


def forward_arguments(probe: Probe) -> dict[str, Any]:
    """Keyword arguments of `transfer_matrix`, and of placements, beside cell and contacts."""
    table = medium_table(probe)
    arguments: dict[str, Any] = {
        "method": probe.method,
        "sigma": probe.sigma,
        "quadrature": probe.quadrature,
    }
    if isinstance(table, dict) and "tolerance" in table:
        arguments["tolerance"] = table.pop("tolerance")
    return {**arguments, "medium": as_medium(table)}


def medium_table(probe: Probe) -> str | dict[str, Any]:
    """The medium as the model's table has it."""
    return probe.medium if isinstance(probe.medium, str) else probe.medium.as_value(Path())


def probe_parameters(probe: Probe, contacts: Contacts) -> dict[str, Any]:
    """What the recording says of the forward model of a signal."""
    parameters: dict[str, Any] = {"sigma": probe.sigma}
    if probe.medium != "infinite":
        parameters["medium"] = medium_table(probe)
    if contacts.has_face:
        parameters |= {
            "shape": contacts.shape,
            "half_sides": list(contacts.face_half_sides),
            "quadrature": probe.quadrature,
        }
    return {**parameters, "array": contacts.name}


def warn_of_near(geometry: Geometry, contacts: Contacts, name: str) -> None:
    """Warn of contacts inside segments, which `name` measures or stimulates with."""
    near = near_contacts(geometry, contacts)
    if not len(near):
        return
    shown = "; ".join(
        f"contact {contacts.ids[row['contact']]} {row['distance']:.3g} um from the middle line of "
        f"{geometry.segment_label(row['segment'])} of cell {geometry.gid[row['segment']]} "
        f"(radius {row['radius']:.3g} um)"
        for row in near[:_NAMED]
    )
    more = f"; and {len(near) - _NAMED} more" if len(near) > _NAMED else ""
    warnings.warn(
        f"{name}: contacts inside segments, {len(np.unique(near['contact']))} in all, are "
        f"taken at the radius: {shown}{more}",
        LfpWarning,
        stacklevel=2,
    )

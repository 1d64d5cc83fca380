"""Probes of a model as instruments: contacts and a forward model, or volumes of CSD."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from lfpcli.errors import InputError, LfpWarning, located
from lfpcli.forward.contacts import Contacts
from lfpcli.forward.grid_medium import GridMedium
from lfpcli.forward.instrument import Instrument
from lfpcli.forward.overlaps import overlaps
from lfpcli.forward.potentials import PotentialModel, near_contacts
from lfpcli.geometry import Geometry
from lfpcli.model.csd import Csd
from lfpcli.model.probe import Probe
from lfpcli.model.regions import Regions
from lfpcli.model.tables import plain
from lfpcli.tasks.measure.placed_contacts import contacts_of
from lfpcli.tasks.measure.weights import WeightsModel, weights_model

# contacts inside segments that one warning names
_NAMED = 5


def instrument_of(probe: Probe) -> Instrument:
    """Return the instrument that a probe is.

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
        # its sparse matrices take long to import
        from lfpcli.tasks.measure.csd import csd_instrument

        return csd_instrument(probe.name, probe.csd, probe.per)
    with located(probe.source_line):
        contacts, models = measured_by(probe)
        # a medium of regions is solved here, before the run: what is wrong with it is told at once
        parameters = probe_parameters(probe, contacts) | _grid_parameters(models, contacts)

    warn = NearContacts(contacts, f"probe '{probe.name}'")

    def matrix(geometry: Geometry) -> np.ndarray:
        warn(geometry)
        with located(probe.source_line):
            return np.concatenate([model.matrix(geometry, contacts) for model in models])

    return Instrument(
        name=probe.name,
        units="mV",
        channels=len(models) * len(contacts),
        matrix=matrix,
        model=model_name(probe),
        parameters=parameters,
        positions=contacts.positions,
        names=list(contacts.ids),
        per=probe.per,
        mixture=probe.mixture,
    )


def refuse_mixtures(instruments: Iterable[Instrument], purpose: str) -> None:
    """Refuse probes whose conductivity depends on frequency, which are filtered in time.

    Parameters
    ----------
    instruments : iterable of Instrument
        What measures.
    purpose : str
        What cannot be filtered.

    Raises
    ------
    InputError
        Names the probe.
    """
    for instrument in instruments:
        if instrument.mixture is not None:
            raise InputError(
                f"the conductivity of probe '{instrument.name}' depends on frequency, which "
                f"{purpose} cannot hold",
                remedy="leave its dispersion out, and measure a run with it",
            )


def model_name(probe: Probe) -> str:
    """What the recording calls the kind of sources of a probe."""
    names = {"line": "line source", "point": "point source", "soma-point": "soma as point"}
    return names[probe.method]


def measured_by(probe: Probe) -> tuple[Contacts, tuple[PotentialModel | WeightsModel, ...]]:
    """Contacts of a probe in place, and how currents make potentials at them.

    There are several models where parts of the medium depend on frequency in ways of their own.
    """
    if probe.lead_field is None:
        return contacts_of(probe), probe.spectral.models
    known = weights_model(probe.lead_field)
    if known is not None:
        contacts, weights = known
        return contacts, (weights,)
    # its grids take scipy, which is long to import
    from lfpcli.tasks.measure.lead_fields import lead_model

    contacts, model = lead_model(probe)
    return contacts, (model,)


def single_model(probe: Probe) -> PotentialModel:
    """How currents make potentials, where one ratio tells how all conductivities change.

    Raises
    ------
    InputError
        Where there are several models, as of parts that depend on frequency in ways of their own.
    """
    _, models = measured_by(probe)
    model = models[0]
    if len(models) > 1 or isinstance(model, WeightsModel):
        raise InputError(
            "parts of the medium depend on frequency in ways of their own, which templates of one "
            "cell cannot have",
            source=probe.source_line,
            remedy="give all of the medium one dispersion",
        )
    return model


def probe_parameters(probe: Probe, contacts: Contacts) -> dict[str, Any]:
    """What the recording says of the forward model of a signal."""
    parameters: dict[str, Any] = {}
    if probe.lead_field is not None:
        parameters["lead_field"] = probe.lead_field.name
    elif not isinstance(probe.medium, Regions):
        parameters["sigma"] = probe.sigma
    if probe.dispersion is not None:
        parameters["dispersion"] = plain(probe.dispersion, Path())
        if probe.dispersion.has_sigma:
            del parameters["sigma"]
    if probe.medium != "infinite":
        parameters["medium"] = plain(probe.medium, Path())
    if contacts.has_face:
        parameters |= {
            "shape": contacts.shape,
            "half_sides": list(contacts.face_half_sides),
            "quadrature": probe.quadrature,
        }
    return {**parameters, "array": contacts.name}


def _grid_parameters(
    models: Sequence[PotentialModel | WeightsModel], contacts: Contacts
) -> dict[str, Any]:
    """What the recording says of the grids of a medium of regions, which are solved here."""
    fields = []
    for model in models:
        medium = model.medium
        if not isinstance(medium, GridMedium):
            return {}
        fields += medium.solve(contacts)
    assert isinstance(medium, GridMedium)
    return {
        "medium_error": max(one.error for one in fields),
        "medium_cells": max(one.cells for one in fields),
        "medium_overlaps": [
            f"region {later} lies over region {earlier}"
            for earlier, later in overlaps(medium.conductor)
        ],
    }


class NearContacts:
    """Warns of contacts inside segments, some cells at a time, until enough is said.

    Parameters
    ----------
    contacts : Contacts
        The contacts.
    name : str
        What measures or stimulates with them.
    """

    def __init__(self, contacts: Contacts, name: str) -> None:
        self._contacts, self._name = contacts, name
        self._left = _NAMED

    def __call__(self, geometry: Geometry) -> None:
        """Look at the segments of some cells."""
        # once enough is said, looking would cost time for nothing
        near = near_contacts(geometry, self._contacts) if self._left > 0 else ()
        if not len(near):
            return
        shown = [
            f"contact {self._contacts.ids[row['contact']]} {row['distance']:.3g} um from the "
            f"middle line of {geometry.segment_label(row['segment'])} of cell "
            f"{geometry.gid[row['segment']]} (radius {row['radius']:.3g} um)"
            for row in near[: self._left]
        ]
        self._left -= len(near)
        more = "; any more are not named" if self._left <= 0 else ""
        warnings.warn(
            f"{self._name}: contacts inside segments are taken at the radius: "
            f"{'; '.join(shown)}{more}",
            LfpWarning,
            stacklevel=2,
        )

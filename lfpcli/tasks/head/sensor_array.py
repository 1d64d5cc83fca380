"""Electrodes or coils around a head, and how they see unit dipoles in it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from lfpcli.errors import UsageError
from lfpcli.forward.arrays import directions
from lfpcli.forward.lead_field import LeadField
from lfpcli.io.montage import Montage

# places of dipoles (D, 3) to signals of unit dipoles (C, D, 3)
Lead = Callable[[np.ndarray], np.ndarray]


@dataclass(kw_only=True)
class SensorArray:
    """Channels of one unit, and how they see a unit dipole.

    Attributes
    ----------
    names : list of str
    positions : ndarray, shape (C, 3)
        um.
    lead : callable
        Signals of unit dipoles at places (D, 3), um: (C, D, 3).
    units : str
        Unit of the signals of a dipole of 1 nA um.
    parameters : dict
        What the recording tells of the model.
    normals : callable or None
        Normals of the cortex at places; None where the model has none.
    sites : dict of str to tuple
        Places that have a name, um.
    centre : ndarray, shape (3,), or None
        Centre of a spherical head, um; None where the head is no sphere.
    """

    names: list[str]
    positions: np.ndarray
    lead: Lead
    units: str
    parameters: dict[str, Any] = field(default_factory=dict)
    normals: Callable[[np.ndarray], np.ndarray] | None = None
    sites: dict[str, tuple[float, float, float]] = field(default_factory=dict)
    centre: np.ndarray | None = None


def radial(positions: np.ndarray) -> np.ndarray:
    """Outward normals of a sphere about the origin at positions (P, 3); shape (P, 3)."""
    if np.any(~positions.any(axis=1)):
        raise UsageError(
            "the centre of the head has no normal", remedy="give --direction, or another position"
        )
    return directions(positions, "positions")


def lead_field_arrays(
    lead_field: LeadField, pick: list[str] | None, head_model: str
) -> dict[str, SensorArray]:
    """Sensors of a lead field by their unit; dipoles go to the nearest source.

    Parameters
    ----------
    lead_field : LeadField
        The lead field.
    pick : list of str or None
        The sensors to use, in this order; None stands for all.
    head_model : str
        Its file, as the recording tells it.
    """
    names = list(lead_field.names)
    rows = np.arange(len(names))
    if pick:
        montage = Montage(names, lead_field.electrodes, "of the head model").picked(pick)
        rows = np.array([names.index(name) for name in montage.names])
    units = np.array(lead_field.channel_units)
    parts = {}
    for unit in dict.fromkeys(units[rows].tolist()):
        chosen = rows[units[rows] == unit]
        parts[unit] = _lead_field_array(lead_field, chosen, unit, head_model)
    return parts


def _lead_field_array(
    lead_field: LeadField, rows: np.ndarray, unit: str, head_model: str
) -> SensorArray:
    def lead(positions: np.ndarray) -> np.ndarray:
        return np.asarray(lead_field.columns(lead_field.nearest_all(positions))[rows])

    def normals(positions: np.ndarray) -> np.ndarray:
        assert lead_field.normals is not None
        return np.asarray(lead_field.normals[lead_field.nearest_all(positions)])

    return SensorArray(
        names=[lead_field.names[row] for row in rows],
        positions=lead_field.electrodes[rows],
        lead=lead,
        units=unit,
        parameters={"head_model": head_model},
        normals=None if lead_field.normals is None else normals,
        sites=lead_field.sites,
    )

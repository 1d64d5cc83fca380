"""Sensors of an MEG and the conductor they are around."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from lfpcli import vocabulary
from lfpcli.errors import UsageError, located, nearest
from lfpcli.forward import meg as fields
from lfpcli.forward.arrays import points
from lfpcli.forward.four_sphere import RADII
from lfpcli.forward.sensors import Sensors, helmet
from lfpcli.forward.spheres import check_dipoles, check_sensors
from lfpcli.io.head_model import load_head_model
from lfpcli.io.sensors import load_sensors
from lfpcli.model.head import Meg
from lfpcli.tasks.head.lfpykit_heads import field_by
from lfpcli.tasks.head.sensor_array import SensorArray, lead_field_arrays, radial

CONDUCTOR_RADIUS = RADII[-1]
_FIELDS = {"spherical": fields.spherical_field, "infinite": fields.infinite_field}


def sensors_of(table: Meg, *, other_model: str = "") -> dict[str, SensorArray]:
    """The sensors of an MEG by their unit, T or T/m, and how they see dipoles.

    Parameters
    ----------
    table : Meg
        What is to be measured.
    other_model : str
        ``lfpykit:CLASS``, which sees the dipoles in place of the model of the table.

    Raises
    ------
    UsageError
        Where options do not go together.
    InputError
        Where a sensor or a file is not what it should be.
    """
    if table.model not in vocabulary.MEG_MODELS:
        raise UsageError(
            f"unknown model '{table.model}'",
            remedy=nearest(table.model, vocabulary.MEG_MODELS, "model"),
        )
    _check_options(table)
    if table.model == "lead-field":
        lead_field = load_head_model(table.head_model or "", "meg")
        return lead_field_arrays(lead_field, None, str(table.head_model))
    field = field_by(other_model) if other_model else _FIELDS[table.model]
    return {
        unit: _around_conductor(table, sensors, field)
        for unit, sensors in _sensors(table).by_unit().items()
    }


def _check_options(table: Meg) -> None:
    has_file = table.model == "lead-field"
    if has_file != (table.head_model is not None) or has_file == (table.sensors is not None):
        raise UsageError(
            f"the model '{table.model}' needs "
            + ("a head model file alone" if has_file else "sensors and no head model file"),
            remedy="give --head-model FILE" if has_file else "give --sensors FILE, or helmet",
        )
    if has_file and table.quantity != "B":
        raise UsageError("a lead field gives B; --quantity H has no meaning with it")
    if table.radius is not None and table.model != "spherical":
        raise UsageError(f"--radius has no meaning with the model '{table.model}'")


def _sensors(table: Meg) -> Sensors:
    """Sensors about the centre of the head."""
    centre = points(table.centre, "centre of the head")[0]
    if table.sensors in vocabulary.HELMETS:
        # a helmet is worn: its middle is that of the head
        sensors = helmet(planar=table.sensors == vocabulary.HELMETS[1])
    else:
        _check_name(str(table.sensors))
        # the formulas of the sphere are about its centre
        sensors = load_sensors(table.sensors or "").moved(-centre)
    if table.model == "spherical":
        names = [sensors.names[channel] for channel in sensors.channel]
        with located(str(table.sensors)):
            check_sensors(sensors.points, table.radius or CONDUCTOR_RADIUS, names)
    return sensors


def _check_name(source: str) -> None:
    """Raise `UsageError` for what is neither a helmet nor a file."""
    if "." not in source and source != vocabulary.STDIN and not Path(source).exists():
        raise UsageError(
            f"no helmet and no file '{source}'",
            remedy=nearest(source, vocabulary.HELMETS, "helmet"),
        )


def _around_conductor(table: Meg, sensors: Sensors, field: fields.Field) -> SensorArray:
    """Sensors of one unit, given about the centre, in the coordinates of the head."""
    centre = points(table.centre, "centre of the head")[0]
    scale, units = 1.0, sensors.units[0]
    if table.quantity == "H":
        scale = 1.0 / (fields.MU_0 * fields.AMPERE_PER_METRE)
        units = "nA/um" if units == "T" else "nA/um/m"
    is_sphere = table.model == "spherical"
    radius = table.radius or CONDUCTOR_RADIUS
    parameters = {
        "centre": centre.tolist(),
        "quantity": table.quantity,
        "sensors": str(table.sensors),
    }

    def lead(places: np.ndarray) -> np.ndarray:
        about_centre = places - centre
        if is_sphere:
            check_dipoles(about_centre, radius, "conductor")
        return scale * fields.sensor_field(field, sensors, about_centre)

    return SensorArray(
        names=sensors.names,
        positions=sensors.positions + centre,
        lead=lead,
        units=units,
        parameters=parameters | ({"radius": radius} if is_sphere else {}),
        normals=(lambda places: radial(places - centre)) if is_sphere else None,
        centre=centre if is_sphere else None,
    )

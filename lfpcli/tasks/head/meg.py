"""MEG: magnetic fields outside the head from current dipole moments."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from dataclasses import dataclass, replace

from lfpcli.errors import UsageError, nearest
from lfpcli.forward import meg as fields
from lfpcli.forward.arrays import points
from lfpcli.forward.sensors import Sensors
from lfpcli.io.head_model import head_model_file, open_head_model
from lfpcli.io.sensors import load_sensors
from lfpcli.tasks.head.models import Channels, given_channels
from lfpcli.tasks.head.places import radial
from lfpcli.tasks.head.signals import Job, Placement, head_signals
from lfpcli.vocabulary import MEG_MODELS

_FIELDS = {"spherical": fields.spherical_field, "infinite": fields.infinite_field}
# a signal holds channels of one unit; the others get this after its name
_SUFFIX = {"T": "mag", "T/m": "grad"}


@dataclass
class MegModel:
    """A conductor and its sensors, as asked for.

    Attributes
    ----------
    name : str
        One of `MEG_MODELS`.
    sensors : path-like, optional
        Table of sensors or FIF file, see `load_sensors`; a lead field brings its own.
    centre : sequence of three floats
        Centre of the head in the coordinates of the sensors, um.
    quantity : {'B', 'H'}
        Flux density, T, or field strength, nA/um.
    head_model : path-like, optional
        File of a lead field.
    """

    name: str = "spherical"
    sensors: str | os.PathLike[str] | None = None
    centre: tuple[float, float, float] = (0.0, 0.0, 0.0)
    quantity: str = "B"
    head_model: str | os.PathLike[str] | None = None

    def input_files(self) -> list[str]:
        """Files that the model reads."""
        files = [str(self.sensors or "")]
        if self.head_model is not None:
            files.append(str(head_model_file(self.head_model)))
        return files


@contextlib.contextmanager
def open_meg(model: MegModel, name: str) -> Iterator[dict[str, Channels]]:
    """Build sensors and model; yields the channels of each signal by its name.

    Raises
    ------
    UsageError
        Where options do not go together.
    InputError
        Where a sensor or a file is not what it should be.
    """
    if model.name not in MEG_MODELS:
        raise UsageError(
            f"unknown model '{model.name}'", remedy=nearest(model.name, MEG_MODELS, "model")
        )
    given = model.name == "lead-field"
    if given != (model.head_model is not None) or given == (model.sensors is not None):
        raise UsageError(
            f"the model '{model.name}' needs "
            + ("a head model file alone" if given else "sensors and no head model file"),
            remedy="give --head-model FILE" if given else "give --sensors FILE",
        )
    if given:
        if model.quantity != "B":
            raise UsageError("a lead field gives B; --quantity H has no meaning with it")
        with open_head_model(model.head_model or "", "meg") as lead_field:
            channels = given_channels(lead_field, None)
            channels.parameters["head_model"] = str(model.head_model)
            yield {name: channels}
        return
    yield _by_unit(model, load_sensors(model.sensors or ""), name)


def _by_unit(model: MegModel, sensors: Sensors, name: str) -> dict[str, Channels]:
    kinds = sensors.by_unit()
    if len(kinds) == 1:
        return {name: _channels(model, *kinds.values())}
    return {f"{name}_{_SUFFIX[unit]}": _channels(model, part) for unit, part in kinds.items()}


def _channels(model: MegModel, sensors: Sensors) -> Channels:
    centre = points(model.centre, "centre of the head")[0]
    shifted = sensors.moved(-centre)
    field = _FIELDS[model.name]
    scale, units = 1.0, sensors.units[0]
    if model.quantity == "H":
        scale = 1.0 / (fields.MU_0 * fields.AMPERE_PER_METRE)
        units = "nA/um" if units == "T" else "nA/um/m"
    return Channels(
        sensors.names,
        sensors.positions,
        lambda where: scale * fields.sensor_field(field, shifted, where - centre),
        units,
        {"centre": centre.tolist(), "quantity": model.quantity, "sensors": str(model.sensors)},
        (lambda where: radial(where - centre)) if model.name == "spherical" else None,
    )


def meg(
    job: Job, placement: Placement, model: MegModel, *, check: bool = False
) -> dict[str, float]:
    """Write the MEG of a recording; arguments and result as `head_signals`.

    The signal holds the field that each channel sees. Channels of more than one unit go into
    signals of their own, NAME_mag in T and NAME_grad in T/m.
    """
    with open_meg(model, job.name) as parts:
        inputs = [*job.inputs, *model.input_files()]
        return head_signals(
            replace(job, model=model.name, inputs=inputs), placement, parts, check=check
        )

"""Current source density as a measurement."""

from __future__ import annotations

from lfpcli.errors import InputError
from lfpcli.model.probe import Probe
from lfpcli.tasks.streams import Measurement


def csd_measurement(probe: Probe) -> Measurement:
    """Return the measurement of a probe with volumes of current source density."""
    raise InputError("CSD is not there yet", place=probe.where)

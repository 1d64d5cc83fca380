"""What measures while a model runs."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from lfpcli.errors import InputError, located
from lfpcli.forward.instrument import Instrument, dipole_instrument
from lfpcli.geometry import Geometry
from lfpcli.model import Model
from lfpcli.model.probe import Probe
from lfpcli.tasks.head.instruments import head_instruments
from lfpcli.tasks.measure.instruments import instrument_of


def instruments_of(model: Model) -> list[Instrument]:
    """What measures while a model runs: the dipole moment first, its probes, then its heads.

    Raises
    ------
    InputError
        Where the contacts, the sensors or the heads are not what they should be, or two signals
        would have one name.
    """
    instruments = [_probe_instrument(probe) for probe in model.probes]
    for table in model.heads:
        with located(table.source_line):
            # the sensors of two units make two instruments
            for instrument in head_instruments(table):
                if instrument.name in {known.name for known in instruments}:
                    raise InputError(
                        f"'{instrument.name}' is the name of two signals",
                        remedy="give each its name",
                    )
                instruments.append(_located(instrument, table.source_line))
    if model.record.dipole != "none":
        instruments.insert(0, dipole_instrument(model.record.dipole))
    return instruments


def _probe_instrument(probe: Probe) -> Instrument:
    """A probe as an instrument; one with an anchor has channels, but is nowhere yet."""
    if probe.anchor is None:
        return instrument_of(probe)

    def matrix(geometry: Geometry) -> np.ndarray:
        raise InputError(
            "counts from a section of a cell, whose place a run tells",
            source=f"{probe.source_line}: anchor",
            remedy="run lfp sim on the model, or give the place with 'shift'",
        )

    return replace(instrument_of(replace(probe, anchor=None)), matrix=matrix)


def _located(instrument: Instrument, source_line: str) -> Instrument:
    """An instrument whose matrices name its table where a dipole lies outside the head."""

    def matrix(geometry: Geometry) -> np.ndarray:
        with located(source_line):
            return instrument.matrix(geometry)

    return replace(instrument, matrix=matrix)

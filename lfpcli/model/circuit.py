# ruff: noqa: RUF009 - key() declares dataclass fields
"""``[circuit]``: cells, connections and inputs from a circuit in the SONATA format."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from lfpcli.model.tables import Table, key
from lfpcli.model.value_types import BOOLEAN, PATH, number

THRESHOLD = -15.0
"""Potential whose crossing is a spike where nothing is said, mV; that of bmtk."""
NEURODAMUS_THRESHOLD = -30.0
"""The same in circuits of neurodamus, mV."""


@dataclass(frozen=True, kw_only=True)
class CircuitSpec(Table):
    """A circuit, whose cells and connections take the place of those of the model file."""

    config: Path = key(PATH, doc="Configuration of a circuit or of a simulation, JSON.")
    threshold: float | None = key(
        number("mV"),
        None,
        doc="Potential of the soma whose crossing counts: in its middle, of neurodamus's circuits "
        "at its end. Left out: -15, of neurodamus's circuits -30.",
    )
    inputs: bool = key(
        BOOLEAN, True, doc="Whether the inputs of the configuration drive the circuit."
    )
    outputs: bool = key(
        BOOLEAN,
        False,
        doc="Whether the files that the configuration names are written too. A configuration that "
        "is run itself writes them.",
    )

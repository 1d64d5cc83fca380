# ruff: noqa: RUF009 - key() declares dataclass fields
"""``[[eeg]]`` and ``[[meg]]``: heads, what measures on them, and where in them the cells are."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from lfpcli import vocabulary
from lfpcli.model.source_text import At
from lfpcli.model.tables import Table, exactly_one, key
from lfpcli.model.value_types import (
    BOOLEAN,
    PATH,
    TEXT,
    ValueType,
    choice,
    either,
    listing,
    number,
    vector,
)


def _named_or_file(expects: str, suffixes: tuple[str, ...]) -> ValueType:
    """Make the type of names that stand for themselves, or for a file by their suffix."""

    def convert(value: str, at: At) -> Path | str:
        value_type = PATH if value.lower().endswith(suffixes) else TEXT
        converted: Path | str = value_type.convert(value, at)
        return converted

    return ValueType(expects, lambda value: isinstance(value, str), convert)


def _head_model(value: str, at: At) -> Path | str:
    if value == vocabulary.NEW_YORK_HEAD:
        return value
    path: Path = PATH.convert(value, at)
    return path


MONTAGE = _named_or_file("the name of a montage or its file", vocabulary.MONTAGE_SUFFIXES)
SENSORS = _named_or_file("the name of a helmet or a file of sensors", vocabulary.SENSOR_SUFFIXES)
HEAD_MODEL = ValueType(
    f'"{vocabulary.NEW_YORK_HEAD}" or a file', lambda value: isinstance(value, str), _head_model
)


@dataclass(frozen=True, kw_only=True)
class InHead(Table):
    """Where in a head the cells are, and which of their signals are kept."""

    name: str = key(
        TEXT,
        "",
        doc="Name of the signal in the recording. Left out: eeg or meg; each of several tables "
        "needs a name.",
    )
    position: tuple[float, ...] | str | None = key(
        either(vector("um"), TEXT),
        None,
        doc="Where in the head the origin of the model is, or a named site of the head model.",
    )
    direction: tuple[float, ...] | None = key(
        vector(), None, doc="Where the z axis of the cells points to. Left out: along z."
    )
    normal: bool = key(
        BOOLEAN, False, doc="Whether the z axis is turned onto the normal of the cortex."
    )
    placements: Path | None = key(
        PATH,
        None,
        doc="Instead of a position: a .csv with gid, x, y, z and, where wanted, nx, ny, nz.",
    )
    multi_dipole: bool = key(
        BOOLEAN,
        False,
        doc="Whether the axial currents are used, each at its place, instead of one dipole.",
    )
    per: str = key(
        choice(*vocabulary.GROUPS),
        vocabulary.TOTAL,
        doc="Signals kept: the total alone, or also each population's or cell's part.",
    )

    def check(self, at: At) -> None:
        """Raise `InputError` where the cells are nowhere, or turned twice."""
        exactly_one(self, at, ("position", "placements"))
        if self.direction is not None and not any(self.direction):
            raise (at / "direction").error("has no length")
        if self.direction is not None and (self.normal or self.placements is not None):
            other = "normal" if self.normal else "placements"
            raise at.table_error(f"has both 'direction' and '{other}'", "give one of them")


@dataclass(frozen=True, kw_only=True)
class Eeg(InHead):
    """Potentials of electrodes on or in a head."""

    model: str = key(
        choice(*vocabulary.EEG_MODELS), vocabulary.EEG_MODEL, doc="The volume conductor."
    )
    radii: tuple[float, ...] | None = key(
        listing(number("um", above=0), least=1),
        None,
        doc="Outer radii of the shells from the inside. Left out: those of the model.",
    )
    sigmas: tuple[float, ...] | None = key(
        listing(number("S/m", above=0), least=1),
        None,
        doc="Their conductivities. Left out: those of the model.",
    )
    tolerance: float = key(
        number(above=0), 1e-12, doc="Where the series of the four spheres ends, relative."
    )
    montage: Path | str | None = key(
        MONTAGE, None, doc="The electrodes: 10-20, 10-10, 10-05, mne:NAME, a .csv or .elc file."
    )
    pick: tuple[str, ...] | None = key(
        listing(TEXT, least=1), None, doc="Only these electrodes, in this order."
    )
    project: bool = key(
        BOOLEAN, False, doc="Whether the electrodes of a file are moved onto the scalp."
    )
    scalp_radius: float | None = key(
        number("um", above=0), None, doc="Where a named montage lies in the infinite medium."
    )
    head_model: Path | str | None = key(
        HEAD_MODEL, None, doc='File of a lead field, for model = "lead-field".'
    )
    reference: str = key(
        TEXT,
        vocabulary.NONE,
        doc="The potentials are against a far point (none), the mean of all (average), or an "
        "electrode.",
    )


@dataclass(frozen=True, kw_only=True)
class Meg(InHead):
    """Magnetic fields that sensors see outside a head."""

    model: str = key(choice(*vocabulary.MEG_MODELS), vocabulary.MEG_MODEL, doc="The conductor.")
    sensors: Path | str | None = key(
        SENSORS, None, doc="The sensors: helmet, helmet-306, a .csv or .fif file."
    )
    centre: tuple[float, ...] = key(
        vector("um"),
        (0.0, 0.0, 0.0),
        doc="Centre of the head in the coordinates of the sensors.",
    )
    radius: float | None = key(
        number("um", above=0),
        None,
        doc="Outer radius of the spherical conductor; sensors are outside it. Left out: 90000.",
    )
    quantity: str = key(
        choice(*vocabulary.QUANTITIES),
        vocabulary.QUANTITIES[0],
        doc="Flux density, T, or field strength, nA/um.",
    )
    head_model: Path | str | None = key(
        HEAD_MODEL, None, doc='File of a lead field, for model = "lead-field".'
    )

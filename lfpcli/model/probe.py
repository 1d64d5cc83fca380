# ruff: noqa: RUF009 - key() and rest() declare dataclass fields
"""``[[probe]]`` and ``[[field]]``: arrays that measure, and electrodes that stimulate."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from lfpcli import vocabulary
from lfpcli.errors import located
from lfpcli.forward import treatment as treatments
from lfpcli.forward.axis_distance import AUTO
from lfpcli.forward.dispersion import Mixture
from lfpcli.forward.potentials import PotentialModel, check_sigma
from lfpcli.forward.treatment import Treatment
from lfpcli.model.anchor import ANCHOR
from lfpcli.model.csd import Csd
from lfpcli.model.dispersion import DISPERSION, DispersionTable
from lfpcli.model.filters import Filter, Noise
from lfpcli.model.media import MEDIUM, MediumTable, medium_of, tolerance_of
from lfpcli.model.medium_checks import check_dispersion, check_lead_field, check_medium
from lfpcli.model.orientation import Rotation
from lfpcli.model.regions import Regions
from lfpcli.model.source_text import At, check_name
from lfpcli.model.spectral import Spectral, spectral
from lfpcli.model.tables import Table, exactly_one, key, only_with, read_table, table
from lfpcli.model.value_types import (
    PATH,
    TEXT,
    ValueType,
    choice,
    either,
    integer,
    is_number,
    listing,
    number,
    vector,
)


def _array(value: str, at: At) -> Path | str:
    is_file = Path(value).suffix.lower() in vocabulary.ARRAY_SUFFIXES
    name: Path | str = (PATH if is_file else TEXT).convert(value, at)
    return name


ARRAY = ValueType("the name of an array or its file", lambda value: isinstance(value, str), _array)
POINTS = listing(vector("um"), least=1)


@dataclass(frozen=True, kw_only=True)
class Face(Table):
    """Where an array stands, and the faces of its contacts."""

    array: Path | str | None = key(
        ARRAY,
        None,
        doc="An array of MEAutility or of one's own by name, or a .csv, .yaml or .json file.",
    )
    shift: tuple[float, ...] = key(vector("um"), (0.0, 0.0, 0.0), doc="Shift of the array.")
    rotate: Rotation | None = key(
        table(Rotation, "a table such as {z = 90.0}"),
        None,
        doc="Rotation about the array's middle, before the shift.",
    )
    radius: float | str | None = key(
        either(number("um", least=0), choice(vocabulary.ARRAY_SIZE)),
        None,
        doc="Size of the faces that are averaged over: the radius of a circle, half the side of "
        'a square; "array" takes the size that the array states. Left out: the contacts are '
        "points.",
    )
    half_sides: tuple[float, ...] | None = key(
        vector("um", 2, above=0), None, doc='Half the sides of a face, for shape = "rect".'
    )
    shape: str | None = key(
        choice(*vocabulary.SHAPES),
        None,
        doc="Shape of the faces. Left out: that of the array, else circle.",
    )
    normal: tuple[float, ...] | None = key(
        vector(), None, doc="Direction the faces look in. Left out: that of the array."
    )
    quadrature: int | None = key(
        integer(1),
        None,
        doc="The most points to average a face over. Left out: 64, and as many as it takes for "
        "segments near a face.",
    )

    @property
    def has_array_keys(self) -> bool:
        """Whether a key is given that only an array of contacts has."""
        names = ("rotate", "radius", "half_sides", "shape", "normal", "quadrature")
        return any(getattr(self, name) is not None for name in names) or any(self.shift)

    def check(self, at: At) -> None:
        """Raise `InputError` where the faces or the rotation make no sense."""
        if self.normal is not None and not any(self.normal):
            raise (at / "normal").error("has no length")
        if self.half_sides is not None and self.shape != "rect":
            raise (at / "half_sides").error('goes with shape = "rect"')
        if self.half_sides is not None and self.radius is not None:
            raise at.table_error("has both 'half_sides' and 'radius'", "give one of them")


_ONE_OR_THREE = either(number("S/m", above=0), vector("S/m", above=0))
_ROWS = listing(vector("S/m"), size=3)


def _sigma(value: Any, at: At) -> Any:
    """A conductivity, or a tensor that is symmetric and positive definite."""
    if not isinstance(value, list) or not any(isinstance(row, list) for row in value):
        return _ONE_OR_THREE.read(value, at)
    tensor = _ROWS.read(value, at)
    with located(at.source_line):
        check_sigma(np.array(tensor))
    return tensor


SIGMA = ValueType(
    f"{_ONE_OR_THREE.expects} or a symmetric tensor, 3 lists of 3 numbers (S/m)",
    lambda value: is_number(value) or isinstance(value, list),
    _sigma,
    "S/m",
)
Conductivity = float | tuple[float, ...] | tuple[tuple[float, ...], ...]


@dataclass(frozen=True, kw_only=True)
class Probe(Face):
    """What is measured: potentials at contacts, or current source density."""

    name: str = key(
        TEXT, "", doc="Name of the signal in the recording. Left out: probe and its number."
    )
    anchor: str | None = key(
        ANCHOR,
        None,
        doc='The section of a cell whose middle the shift counts from: "soma", "apic[3]", or a '
        'place along it, "dend[0](0.5)"; where there are several cells with the gid before it, '
        '"7:soma". Left out: the origin.',
    )
    contacts: Path | tuple[tuple[float, ...], ...] | None = key(
        either(PATH, POINTS), None, doc="Instead of an array: contacts, as a list or a file."
    )
    csd: Csd | None = key(
        table(Csd, "a table such as {z = [-200.0, 1000.0], dz = 50.0, radius = 150.0}"),
        None,
        doc="Instead of contacts: volumes of current source density.",
    )
    lead_field: Path | None = key(
        PATH,
        None,
        doc="Instead of contacts: a file of lfp leadfield, with the contacts and their medium.",
    )
    method: str = key(
        choice(*vocabulary.METHODS),
        vocabulary.METHOD,
        doc="Segments as point sources, as line sources, or all but the somata as line sources.",
    )
    sigma: Conductivity = key(
        SIGMA,
        vocabulary.SIGMA,
        doc="Conductivity, isotropic, along x, y and z, or a tensor (3 lists of 3 numbers) where "
        "its axes are others.",
    )
    medium: str | MediumTable = key(MEDIUM, vocabulary.INFINITE, doc="The medium.")
    minimum_distance: float | str | None = key(
        either(number("um", least=0), choice(AUTO)),
        None,
        doc="As bmtk has it: contacts beside a segment, or less than this beyond its ends, are at "
        'least this far from its axis; "auto" is its radius. Left out: none is nearer than that.',
    )
    dispersion: DispersionTable | None = key(
        DISPERSION,
        None,
        doc="How the conductivity of the tissue, and of all regions of a medium that have no "
        "dispersion of their own, depends on frequency.",
    )
    per: str = key(
        choice(*vocabulary.SHARES),
        vocabulary.TOTAL,
        doc="Signals kept: the total alone, or also each population's, cell's, kind of "
        "current's, [group.NAME]'s or projection's part.",
    )
    filter: Filter | None = key(
        table(Filter, "a table such as {low = 300.0, high = 6000.0}"),
        None,
        doc="Filter of the signal.",
    )
    resample: float | None = key(
        number("ms", above=0),
        None,
        doc="Sampling interval of the signal, after a filter that keeps aliases out. Left out: "
        "record.every times the run's.",
    )
    noise: Noise | None = key(
        table(Noise, 'a table such as {colour = "pink", rms = 0.005}'),
        None,
        doc="Noise of the signal, which its shares have not.",
    )

    @cached_property
    def model(self) -> PotentialModel:
        """How currents make potentials at the contacts."""
        return PotentialModel(
            method=self.method,
            sigma=self.sigma,
            medium=medium_of(self.medium),
            quadrature=self.quadrature,
            tolerance=tolerance_of(self.medium),
            minimum_distance=self.minimum_distance,
        )

    @cached_property
    def spectral(self) -> Spectral:
        """How currents make potentials at all frequencies; CSD and lead fields have no models.

        Raises
        ------
        InputError
            Where the file of a dispersion is wrong, or there are more than two of them.
        """
        regions = self.medium if isinstance(self.medium, Regions) else None
        return spectral(self.model, self.dispersion, regions)

    @property
    def mixture(self) -> Mixture | None:
        """What the signals of the models of `spectral` are filtered and added with."""
        if self.csd is not None:
            return None
        return self.spectral.mixture

    @cached_property
    def treatment(self) -> Treatment:
        """What is done to the signal once the run is over; the seed of its noise is to be set."""
        treatment = Treatment(resample=self.resample, mixture=self.mixture)
        if self.filter is not None:
            treatment = replace(treatment, band=self.filter.band, order=self.filter.order)
        if self.noise is not None:
            noise = treatments.Noise(
                colour=self.noise.colour, rms=self.noise.rms, length=self.noise.length
            )
            treatment = replace(treatment, noise=noise)
        return treatment

    def unheeded(self) -> dict[str, str]:
        """See `Table.unheeded`."""
        names = ("sigma", "method", "medium", "dispersion")
        return dict.fromkeys(names, "'csd'") if self.csd is not None else {}

    def check(self, at: At) -> None:
        """Raise `InputError` where the probe is not one thing or does not fit its medium."""
        exactly_one(self, at, ("array", "contacts", "csd", "lead_field"))
        super().check(at)
        if self.lead_field is not None:
            check_lead_field(self, at)
        check_name(self.name, at / "name")
        if self.csd is not None and self.has_array_keys:
            raise at.table_error("has keys of contacts, but 'csd' has none")
        if self.anchor is not None and (self.csd is not None or self.lead_field is not None):
            raise (at / "anchor").error("goes with an array or contacts")
        check_medium(self, at, dispersions=True)
        others = self.csd or self.lead_field or self.radius or self.half_sides
        is_plain = (self.method, self.medium) == (vocabulary.METHOD, vocabulary.INFINITE)
        if self.minimum_distance is not None and (others or not is_plain):
            raise (at / "minimum_distance").error("goes with points, and lines in infinite space")
        check_dispersion(self, at)


@dataclass(frozen=True, kw_only=True)
class Pulses(Table):
    """Current pulses of stimulating electrodes."""

    amp: float | tuple[float, ...] = key(
        either(number("nA"), listing(number("nA"), least=1)),
        doc="Amplitude, one for all electrodes or one each.",
    )
    delay: float = key(number("ms"), 0.0, doc="Start of the first pulse.")
    dur: float = key(number("ms", above=0), doc="Duration of a pulse.")
    amp2: float | tuple[float, ...] | None = key(
        either(number("nA"), listing(number("nA"), least=1)),
        None,
        doc="Amplitude of a second phase. Left out: there is none.",
    )
    dur2: float | None = key(
        number("ms", above=0), None, doc="Duration of the second phase; 'dur' if left out."
    )
    gap: float = key(number("ms", least=0), 0.0, doc="Time between the phases.")
    period: float | None = key(
        number("ms", above=0), None, doc="Time from the start of a pulse to that of the next."
    )
    pulses: int = key(integer(1), 1, doc="Number of pulses.")

    def check(self, at: At) -> None:
        """Raise `InputError` where the pulses overlap."""
        if self.amp2 is None and (self.dur2 is not None or self.gap):
            raise at.table_error("has a second phase without 'amp2'")
        if self.pulses > 1 and self.period is None:
            raise at.table_error("with several pulses needs the key 'period' (ms)")
        second = 0.0 if self.amp2 is None else self.gap + (self.dur2 or self.dur)
        if self.period is not None and self.period < self.dur + second:
            raise (at / "period").error(
                f"{self.period:g} ms is shorter than a pulse, {self.dur + second:g} ms"
            )


@dataclass(frozen=True, kw_only=True)
class Wave(Table):
    """A sinusoidal course in time, whose frequency may change."""

    amp: float = key(number(), doc="Amplitude of all electrodes, nA; of a uniform field a factor.")
    offset: float = key(number(), 0.0, doc="What is added to it, while it lasts.")
    freq: float = key(number("Hz", least=0), doc="Frequency.")
    freq_end: float | None = key(
        number("Hz", least=0), None, doc="Frequency at the end of a chirp. Left out: as freq."
    )
    phase: float = key(number("degrees"), 0.0, doc="Phase of the sine at its begin.")
    delay: float = key(number("ms"), 0.0, doc="Begin.")
    dur: float | None = key(
        number("ms", above=0), None, doc="Duration. Left out: to the end of the run."
    )

    def check(self, at: At) -> None:
        """Raise `InputError` where a chirp has no end."""
        only_with(self, at, ("freq_end",), "dur")


def _current(value: dict[str, Any], at: At) -> Pulses | Wave:
    if "freq" in value:
        return read_table(Wave, value, at)
    return read_table(Pulses, value, at)


COURSE = ValueType(
    "a table such as {amp = -1e4, delay = 10.0, dur = 1.0} or {amp = 1e4, freq = 10.0}",
    lambda value: isinstance(value, dict),
    _current,
)


@dataclass(frozen=True, kw_only=True)
class Field(Face):
    """Extracellular stimulation."""

    uniform: tuple[float, ...] | None = key(
        vector("V/m"),
        None,
        doc="Instead of electrodes: an electric field that is the same everywhere, such as that "
        "of a coil or of far electrodes. 'current' is then its course in time, a factor; left out: "
        "constant.",
    )

    electrodes: tuple[tuple[float, ...], ...] | None = key(
        POINTS, None, doc="Places of the electrodes."
    )
    v_ext: Path | None = key(
        PATH,
        None,
        doc="Instead of electrodes: the extracellular potential (mV) of all segments, a .npz with "
        "t (T) in ms and v (T, N).",
    )
    current: Pulses | Wave | Path | None = key(
        either(PATH, COURSE),
        None,
        doc="Currents of the electrodes: pulses, a sine or chirp, or a file of t (ms) and a "
        "current (nA) per electrode.",
    )
    lead_field: Path | None = key(
        PATH,
        None,
        doc="Instead of electrodes: a file of lfp leadfield, with the electrodes and their medium.",
    )
    medium: str | MediumTable = key(
        MEDIUM,
        vocabulary.INFINITE,
        doc='The medium, as that of a probe, save that "half-space" is bounded by the insulating '
        "plane of the electrodes, wherever it is.",
    )
    sigma: Conductivity = key(
        SIGMA,
        vocabulary.SIGMA,
        doc="Conductivity, isotropic, along x, y and z, or a tensor (3 lists of 3 numbers) where "
        "its axes are others.",
    )
    dispersion: DispersionTable | None = key(
        DISPERSION,
        None,
        doc="How the conductivity depends on frequency, as that of a probe. Currents are filtered.",
    )

    @cached_property
    def spectral(self) -> Spectral:
        """Media of the currents, and how these are filtered; lead fields have no models."""
        regions = self.medium if isinstance(self.medium, Regions) else None
        model = PotentialModel(
            method="point",
            sigma=self.sigma,
            medium=None if isinstance(self.medium, str) else medium_of(self.medium),
            tolerance=self.tolerance,
        )
        return spectral(model, self.dispersion, regions)

    @property
    def tolerance(self) -> float:
        """Error of the images of the medium, where it has some."""
        return tolerance_of(self.medium)

    def unheeded(self) -> dict[str, str]:
        """See `Table.unheeded`."""
        names = ("sigma", "medium", "dispersion")
        owner = next((name for name in ("uniform", "v_ext") if getattr(self, name) is not None), "")
        return dict.fromkeys(names, f"'{owner}'") if owner else {}

    def check(self, at: At) -> None:
        """Raise `InputError` where the field has no source, or two."""
        exactly_one(self, at, ("electrodes", "array", "v_ext", "lead_field", "uniform"))
        super().check(at)
        if self.lead_field is not None:
            check_lead_field(self, at)
        for owner in ("uniform", "v_ext"):
            if getattr(self, owner) is not None and self.has_array_keys:
                raise at.table_error(f"has keys of electrodes, but '{owner}' has none")
        check_medium(self, at, dispersions=True)
        check_dispersion(self, at)
        if self.v_ext is not None and self.current is not None:
            raise at.table_error("has keys of electrodes, but 'v_ext' has none")
        if self.v_ext is None and self.uniform is None and self.current is None:
            raise at.table_error("needs the key 'current'")
        self._check_amplitudes(at)

    def _check_amplitudes(self, at: At) -> None:
        if isinstance(self.current, Pulses) and self.uniform is not None:
            for name in ("amp", "amp2"):
                if isinstance(getattr(self.current, name), tuple):
                    raise (at / "current" / name).error("of a uniform field is one number")
        if not isinstance(self.current, Pulses) or self.electrodes is None:
            return
        for name in ("amp", "amp2"):
            amplitudes: Any = getattr(self.current, name)
            if isinstance(amplitudes, tuple) and len(amplitudes) != len(self.electrodes):
                raise (at / "current" / name).error(
                    f"has {len(amplitudes)} amplitudes for {len(self.electrodes)} electrodes"
                )

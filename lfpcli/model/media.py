"""Media in which potentials are measured."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from lfpcli import vocabulary
from lfpcli.model.source_text import At
from lfpcli.model.tables import Table, key, read_table
from lfpcli.model.value_types import ValueType, choice, number, vector


@dataclass(frozen=True, kw_only=True)
class Imaged(Table):
    """What the media have in common whose effect is a series of images.

    The keys of all media are those that `lfpcli.forward.media.as_medium` takes, save this one.
    """

    tolerance: float | None = key(
        number(above=0, below=1),
        None,
        doc="Error of the images, relative to the potential at the distance of the thickness or "
        "radius. Left out: 1e-10.",
    )


@dataclass(frozen=True, kw_only=True)
class Slice(Imaged):
    """A slice on a multi-electrode array: glass below z = 0, saline above."""

    slice: float = key(number("um", above=0), doc="Thickness of the slice.")
    sigma_saline: float = key(number("S/m", least=0), 1.5, doc="Conductivity of the saline.")
    sigma_glass: float = key(number("S/m", least=0), 0.0, doc="Conductivity of the glass.")
    z_shift: float = key(number("um"), 0.0, doc="Depth of the glass.")
    squeeze: float | None = key(
        number(above=-1, below=1),
        None,
        doc="Share of its depth that each cell loses about its soma, to fit in.",
    )
    poisson: float = key(
        number(least=0, most=0.5), 0.0, doc="How much wider it gets, as a share of that."
    )


@dataclass(frozen=True, kw_only=True)
class Sphere(Imaged):
    """A sphere of tissue in another medium."""

    sphere: float = key(number("um", above=0), doc="Radius of the sphere.")
    sigma_out: float = key(number("S/m", above=0), 0.03, doc="Conductivity outside.")
    centre: tuple[float, ...] = key(vector("um"), (0.0, 0.0, 0.0), doc="Middle of the sphere.")


@dataclass(frozen=True, kw_only=True)
class HalfSpace(Table):
    """A half space of tissue, bounded by a plane of constant z."""

    half_space: float = key(number("um"), doc="z of the plane.")
    sigma_other: float = key(
        number("S/m", least=0), 0.0, doc="Conductivity on the other side of the plane."
    )
    side: str = key(choice("below", "above"), "below", doc="Where the tissue is.")


MEDIA: dict[str, type[Table]] = {"slice": Slice, "sphere": Sphere, "half_space": HalfSpace}

_WORDS = choice(*vocabulary.MEDIA)


def _medium(value: Any, at: At) -> Any:
    if isinstance(value, str):
        return _WORDS.read(value, at)
    names = [name for name in MEDIA if name in value]
    if len(names) != 1:
        raise at.expected("a table with one of 'slice', 'sphere' and 'half_space'", value)
    return read_table(MEDIA[names[0]], value, at)


MEDIUM = ValueType(
    f"{_WORDS.expects} or a table such as {{slice = 300.0}}",
    lambda value: isinstance(value, (str, dict)),
    _medium,
)

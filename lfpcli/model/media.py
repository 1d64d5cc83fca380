"""Media in which potentials are measured."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

from lfpcli import vocabulary
from lfpcli.forward import media
from lfpcli.forward.grid_medium import GridMedium
from lfpcli.forward.potentials import TOLERANCE
from lfpcli.model.regions import Regions
from lfpcli.model.source_text import At
from lfpcli.model.tables import Table, key, read_table
from lfpcli.model.value_types import BOOLEAN, ValueType, choice, number, vector


@dataclass(frozen=True, kw_only=True)
class Imaged(Table):
    """What the media have in common whose effect is a series of images."""

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
    fit: bool = key(
        BOOLEAN, False, doc="Move each cell along z, by as little as is needed to lie in the slice."
    )

    def check(self, at: At) -> None:
        """Raise `InputError` where nothing conducts on either side."""
        if self.sigma_saline == self.sigma_glass == 0:
            raise at.table_error(
                "is insulated on both sides: its current has nowhere to go",
                "give sigma_saline or sigma_glass above 0",
            )

    @cached_property
    def medium(self) -> media.Slice:
        """The medium that the keys make."""
        return media.Slice(
            thickness=self.slice,
            sigma_saline=self.sigma_saline,
            sigma_glass=self.sigma_glass,
            z_shift=self.z_shift,
            squeeze=self.squeeze,
            poisson=self.poisson,
            fit=self.fit,
        )


@dataclass(frozen=True, kw_only=True)
class Sphere(Imaged):
    """A sphere of tissue in another medium."""

    sphere: float = key(number("um", above=0), doc="Radius of the sphere.")
    sigma_out: float = key(
        number("S/m", least=0), 0.03, doc="Conductivity outside; 0 is an insulator."
    )
    centre: tuple[float, ...] = key(vector("um"), (0.0, 0.0, 0.0), doc="Middle of the sphere.")

    @cached_property
    def medium(self) -> media.Sphere:
        """The medium that the keys make."""
        x, y, z = self.centre
        return media.Sphere(radius=self.sphere, sigma_out=self.sigma_out, centre=(x, y, z))


@dataclass(frozen=True, kw_only=True)
class HalfSpace(Table):
    """A half space of tissue, bounded by a plane."""

    half_space: float = key(number("um"), doc="Where the plane is along its axis.")
    axis: str = key(choice(*vocabulary.AXES), "z", doc="Axis that is normal to the plane.")
    sigma_other: float = key(
        number("S/m", least=0), 0.0, doc="Conductivity on the other side of the plane."
    )
    side: str = key(choice("below", "above"), "below", doc="Where the tissue is.")

    @cached_property
    def medium(self) -> media.HalfSpace:
        """The medium that the keys make."""
        return media.HalfSpace(
            z=self.half_space, sigma_other=self.sigma_other, side=self.side, axis=self.axis
        )


MediumTable = Slice | Sphere | HalfSpace | Regions
MEDIA: dict[str, type[Table]] = {
    "slice": Slice,
    "sphere": Sphere,
    "half_space": HalfSpace,
    "regions": Regions,
}

_WORDS = choice(*vocabulary.MEDIA)


def _medium(value: Any, at: At) -> Any:
    if isinstance(value, str):
        if value in MEDIA and value != "half_space":
            remedy = f"write a table: {{{value} = ...}}, on the command line '{value}=...'"
            raise at.error(f"'{value}' is no word but a table", remedy)
        return _WORDS.read(value, at)
    names = [name for name in MEDIA if name in value]
    # the key that a medium cannot be without tells which it is
    if len(names) != 1:
        raise at.expected(
            "a table with one of 'slice', 'sphere', 'half_space' and 'regions'", value
        )
    return read_table(MEDIA[names[0]], value, at)


MEDIUM = ValueType(
    f"{_WORDS.expects} or a table such as {{slice = 300.0}}",
    lambda value: isinstance(value, (str, dict)),
    _medium,
)


def medium_of(value: str | MediumTable) -> media.Medium | GridMedium | None:
    """Return the medium of a key: a word, or a table of its parameters.

    Parameters
    ----------
    value : str or table
        What the key `medium` holds. ``"half-space"`` is bounded by an insulating plane at 0.

    Returns
    -------
    Medium or None
        None is the infinite medium.
    """
    if not isinstance(value, str):
        return value.medium
    return media.HalfSpace() if value == vocabulary.HALF_SPACE else None


def tolerance_of(value: str | MediumTable) -> float:
    """Return the tolerance that a medium states, else the usual one of images."""
    stated = getattr(value, "tolerance", None)
    return TOLERANCE if stated is None else float(stated)

"""Media in which potentials are measured."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from lfpcli.model.kinds import Kind, choice, number, vector
from lfpcli.model.place import At
from lfpcli.model.tables import Table, key, read_table


@dataclass(frozen=True, kw_only=True)
class Slice(Table):
    """A slice on a multi-electrode array: glass below z = 0, saline above."""

    slice: float = key(number("um", above=0), doc="Thickness of the slice.")
    sigma_saline: float = key(number("S/m", least=0), 1.5, doc="Conductivity of the saline.")
    sigma_glass: float = key(number("S/m", least=0), 0.0, doc="Conductivity of the glass.")
    z_shift: float = key(number("um"), 0.0, doc="Depth of the glass.")
    squeeze: float | None = key(
        number(above=0, most=1),
        None,
        doc="Factor on depth about the soma by which cells are made to fit.",
    )
    tolerance: float | None = key(
        number(above=0, below=1),
        None,
        doc="Relative accuracy that fixes the number of images. Left out: that of the forward "
        "model.",
    )


@dataclass(frozen=True, kw_only=True)
class Sphere(Table):
    """A sphere in another medium."""

    sphere: float = key(number("um", above=0), doc="Radius of the sphere.")
    sigma_out: float = key(number("S/m", least=0), 0.03, doc="Conductivity outside.")
    center: tuple[float, ...] = key(vector("um"), (0.0, 0.0, 0.0), doc="Middle of the sphere.")


@dataclass(frozen=True, kw_only=True)
class HalfSpace(Table):
    """A half space bounded by a plane."""

    half_space: tuple[float, ...] = key(
        vector(), doc="Normal of the plane, pointing into the tissue."
    )
    through: tuple[float, ...] | None = key(
        vector("um"), None, doc="A point of the plane. Left out: the array's middle."
    )
    sigma_out: float = key(
        number("S/m", least=0), 0.0, doc="Conductivity on the other side of the plane."
    )

    def check(self, at: At) -> None:
        """Raise `InputError` where the normal is no direction."""
        if not any(self.half_space):
            raise (at / "half_space").error("has no length")


MEDIA: dict[str, type[Table]] = {"slice": Slice, "sphere": Sphere, "half_space": HalfSpace}

_WORDS = choice("infinite", "half-space")


def _medium(value: Any, at: At) -> Any:
    if isinstance(value, str):
        return _WORDS.read(value, at)
    names = [name for name in MEDIA if name in value]
    if len(names) != 1:
        raise at.expected("a table with one of 'slice', 'sphere' and 'half_space'", value)
    return read_table(MEDIA[names[0]], value, at)


MEDIUM = Kind(
    f"{_WORDS.expects} or a table such as {{slice = 300.0}}",
    lambda value: isinstance(value, (str, dict)),
    _medium,
)

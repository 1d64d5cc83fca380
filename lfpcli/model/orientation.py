"""How cells and electrode arrays are turned and deformed."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from lfpcli.forward import rotations
from lfpcli.model.source_text import At
from lfpcli.model.tables import Table, key, only_with
from lfpcli.model.value_types import ValueType, choice, either, number, vector
from lfpcli.vocabulary import AXES, RANDOM

ANGLE = either(number("degrees"), choice(RANDOM))
AXIS = choice(*AXES)


def _order(value: str, at: At) -> str:
    if not value or len(set(value)) != len(value) or not set(value) <= set("xyz"):
        raise at.expected(ORDER.expects, value)
    return value


ORDER = ValueType('the axes in order, such as "xyz"', lambda value: isinstance(value, str), _order)


@dataclass(frozen=True, kw_only=True)
class Rotation(Table):
    """A right-handed rotation about the soma, or about the middle of an array."""

    x: float | str = key(ANGLE, 0.0, doc='Angle about the fixed x axis, or "random".')
    y: float | str = key(ANGLE, 0.0, doc='Angle about the fixed y axis, or "random".')
    z: float | str = key(ANGLE, 0.0, doc='Angle about the fixed z axis, or "random".')
    order: str = key(ORDER, "xyz", doc="Order in which the axes are turned about.")
    axis: tuple[float, ...] | None = key(
        vector(), None, doc="Instead of x, y and z: the axis of one rotation."
    )
    angle: float | str | None = key(ANGLE, None, doc="Angle about 'axis'.")
    tilt: float | str | None = key(
        ANGLE, None, doc="Instead of x, y and z: the angle by which the z axis is tipped."
    )
    azimuth: float | str | None = key(
        ANGLE, None, doc="Direction of the tilt: 0 towards x, 90 towards y."
    )

    @cached_property
    def rotation(self) -> rotations.Rotation:
        """The rotation that the keys make."""
        if self.axis is not None:
            return rotations.AxisTurn(self.axis, self.angle or 0.0)
        if self.tilt is not None:
            return rotations.Tilt(self.tilt, self.azimuth or 0.0)
        angles = ((name, getattr(self, name)) for name in self.order)
        return rotations.Turns(tuple((name, angle) for name, angle in angles if angle != 0))

    def check(self, at: At) -> None:
        """Raise `InputError` where the keys make no single rotation."""
        only_with(self, at, ("angle",), "axis")
        only_with(self, at, ("azimuth",), "tilt")
        # an angle of 0 is the same as none
        turned = [name for name in "xyz" if getattr(self, name) != 0]
        ways = [bool(turned), self.axis is not None, self.tilt is not None]
        if sum(ways) > 1:
            raise at.table_error(
                "mixes ways to give a rotation",
                "give x, y, z and order, or axis and angle, or tilt and azimuth",
            )
        if self.axis is not None and not any(self.axis):
            raise (at / "axis").error("has no length")
        if self.axis is not None and self.angle is None:
            raise at.table_error("needs the key 'angle' (degrees)")
        if missing := [name for name in turned if name not in self.order]:
            raise (at / "order").error(f"leaves out '{missing[0]}', which has an angle")


@dataclass(frozen=True, kw_only=True)
class Distortion(Table):
    """A stretch or squeeze of the geometry about the soma."""

    factor: float = key(
        number(above=-1, below=1), doc="Share by which lengths along the axis shrink."
    )
    axis: str = key(AXIS, "z", doc="The axis.")
    nu: float = key(
        number(), 0.0, doc="Poisson ratio: the other axes stretch by nu times the factor."
    )

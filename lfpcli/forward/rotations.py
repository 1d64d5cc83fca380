"""Rotation matrices, and the text forms of rotations and vectors.

Angles are in degrees. Rotations are right-handed about axes that stay fixed: in the order
"xyz" a vector v becomes Rz Ry Rx v. The inverse takes the negative angles in the reverse order.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from lfpcli.errors import UsageError, nearest

AXES = "xyz"
ROTATION_KEYS = ("x", "y", "z", "order", "axis", "angle", "tilt", "azimuth")
RotationSpec = Mapping[str, object]
# degrees, or "random"
Angle = float | str


def axis_rotation(axis: ArrayLike, angle: float) -> np.ndarray:
    """Right-handed rotation about an axis through the origin (Rodrigues' formula).

    Parameters
    ----------
    axis : array_like, shape (3,)
        Direction of the axis, any length but zero.
    angle : float
        Degrees.

    Returns
    -------
    ndarray, shape (3, 3)
        R, so that v' = R v.

    Raises
    ------
    UsageError
        Where the axis is the zero vector or a value is not finite.
    """
    direction = finite_vector(axis, "rotation axis")
    largest = np.abs(direction).max()
    if largest == 0:
        raise UsageError("rotation axis is the zero vector")
    # by the largest component first: squares neither overflow nor vanish
    x, y, z = (direction / largest) / np.linalg.norm(direction / largest)
    cosine, sine = _cosine_sine(finite_number(angle, "rotation angle"))
    cross = np.array([[0.0, -z, y], [z, 0.0, -x], [-y, x, 0.0]])
    outer = np.outer((x, y, z), (x, y, z))
    return cosine * np.eye(3) + sine * cross + (1.0 - cosine) * outer


def tilt_rotation(tilt: float, azimuth: float = 0.0) -> np.ndarray:
    """Rotation that tips the z axis over, towards a compass direction.

    Parameters
    ----------
    tilt : float
        Angle between the z axis and its image, degrees.
    azimuth : float
        Direction it is tipped to: 0 towards x, 90 towards y, degrees.

    Returns
    -------
    ndarray, shape (3, 3)
    """
    cosine, sine = _cosine_sine(finite_number(azimuth, "azimuth"))
    return axis_rotation((-sine, cosine, 0.0), tilt)


@dataclass(frozen=True)
class Turns:
    """Rotation about the fixed axes, one after the other.

    Attributes
    ----------
    angles : tuple of (str, float or 'random')
        Axis and angle (degrees) of each turn, in order.
    """

    angles: tuple[tuple[str, Angle], ...] = ()

    def matrix(self, rng: np.random.Generator | None = None) -> np.ndarray:
        """Return the rotation matrix R, shape (3, 3); `rng` draws random angles."""
        matrix = np.eye(3)
        for name, angle in self.angles:
            degrees = _angle(angle, name, rng)
            matrix = axis_rotation(np.eye(3)[AXES.index(name)], degrees) @ matrix
        return matrix


@dataclass(frozen=True)
class AxisTurn:
    """One rotation about an axis of any direction.

    Attributes
    ----------
    axis : tuple of three floats
        Direction of the axis.
    angle : float or 'random'
        Degrees.
    """

    axis: tuple[float, ...]
    angle: Angle

    def matrix(self, rng: np.random.Generator | None = None) -> np.ndarray:
        """Return the rotation matrix R, shape (3, 3); `rng` draws a random angle."""
        return axis_rotation(self.axis, _angle(self.angle, "angle", rng))


@dataclass(frozen=True)
class Tilt:
    """The z axis tipped over; see `tilt_rotation`.

    Attributes
    ----------
    tilt, azimuth : float or 'random'
        Degrees.
    """

    tilt: Angle
    azimuth: Angle = 0.0

    def matrix(self, rng: np.random.Generator | None = None) -> np.ndarray:
        """Return the rotation matrix R, shape (3, 3); `rng` draws random angles."""
        tilt = _angle(self.tilt, "tilt", rng)
        return tilt_rotation(tilt, _angle(self.azimuth, "azimuth", rng))


Rotation = Turns | AxisTurn | Tilt


def as_rotation(spec: Rotation | RotationSpec | None) -> Rotation:
    """Return a rotation from a mapping of its keys, or as it is.

    Parameters
    ----------
    spec : Rotation, mapping or None
        One of ``{"x": 90, "z": 30, "order": "xyz"}`` (angles about the fixed axes, each a
        number or ``"random"``; axes left out of `order` are not turned about),
        ``{"axis": (0, 1, 1), "angle": 30}`` and ``{"tilt": 20, "azimuth": 90}``.
        None and an empty mapping are no rotation.

    Raises
    ------
    UsageError
        Where a key is unknown, or keys do not go together.
    """
    if isinstance(spec, Rotation):
        return spec
    if not spec:
        return Turns()
    for key in spec:
        _check_key(key)
    keys = set(spec)
    values: Mapping[str, Any] = spec
    if "axis" in keys and keys <= {"axis", "angle"}:
        return AxisTurn(values["axis"], values.get("angle"))  # type: ignore[arg-type]
    if "tilt" in keys and keys <= {"tilt", "azimuth"}:
        return Tilt(values["tilt"], values.get("azimuth", 0.0))
    if not keys <= {*AXES, "order"}:
        raise UsageError(
            f"a rotation cannot have the keys {', '.join(sorted(keys))} together",
            remedy="give x, y, z and order, or axis and angle, or tilt and azimuth",
        )
    order = _checked_order(spec)
    return Turns(tuple((name, values[name]) for name in order if name in keys))


def rotation_matrix(
    spec: Rotation | RotationSpec | None, rng: np.random.Generator | None = None
) -> np.ndarray:
    """Rotation matrix of a rotation, or of the keys of one.

    Parameters
    ----------
    spec : Rotation, mapping or None
        See `as_rotation`.
    rng : numpy.random.Generator, optional
        Draws the angles that are ``"random"``, uniform in [0, 360).

    Returns
    -------
    ndarray, shape (3, 3)
        R, so that v' = R v.

    Raises
    ------
    UsageError
        Where a key is unknown, keys do not go together, or a value makes no sense.
    """
    return as_rotation(spec).matrix(rng)


def random_rotation(rng: np.random.Generator) -> np.ndarray:
    """Draw a rotation that is uniform over all orientations.

    The unit quaternion along four independent normal deviates is uniform on the 3-sphere
    (Shoemake 1992, Graphics Gems III, 124).

    Parameters
    ----------
    rng : numpy.random.Generator
        Source of randomness.

    Returns
    -------
    ndarray, shape (3, 3)
    """
    # a normal vector in four dimensions has no favoured direction (Shoemake 1992)
    quaternion = rng.standard_normal(4)
    w, x, y, z = quaternion / np.linalg.norm(quaternion)
    return np.array(
        [
            [1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)],
            [2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)],
            [2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)],
        ]
    )


def parse_rotation(text: str) -> dict[str, object]:
    """Read the text form of a rotation: ``x=90,z=30``, ``x=90,z=30,order=zyx``.

    Also ``axis=0:1:1,angle=30`` and ``tilt=20,azimuth=90``. An angle may be ``random``.

    Parameters
    ----------
    text : str
        The text.

    Returns
    -------
    dict
        A specification that `rotation_matrix` takes.

    Raises
    ------
    UsageError
        Where the text is no rotation.
    """
    spec: dict[str, object] = {}
    for key, value in parse_pairs(text, "rotation", "x=90,z=30"):
        _check_key(key)
        if key == "order":
            spec[key] = value
        elif key == "axis":
            spec[key] = tuple(parse_vector(value.replace(":", ","), "rotation axis"))
        else:
            spec[key] = value if value == "random" else finite_number(value, f"rotation '{key}'")
    # what is wrong with the text is told now, not when a cell is turned
    rotation_matrix(spec, np.random.Generator(np.random.PCG64(0)))
    return spec


def parse_vector(text: str, label: str = "vector") -> np.ndarray:
    """Read three numbers such as ``0,0,100``.

    Parameters
    ----------
    text : str
        Numbers separated by commas.
    label : str
        What the numbers are, for messages.

    Returns
    -------
    ndarray, shape (3,)

    Raises
    ------
    UsageError
        Where the text does not hold three finite numbers.
    """
    parts = text.split(",")
    if len(parts) != 3:
        raise UsageError(
            f"{label} '{text}' has {len(parts)} numbers, expected 3", remedy="write it as x,y,z"
        )
    return np.array([finite_number(part, label) for part in parts])


def parse_pairs(text: str, label: str, example: str) -> list[tuple[str, str]]:
    """Split ``key=value,key=value`` into pairs; a UsageError names `label` and the `example`."""
    pairs: list[tuple[str, str]] = []
    for part in text.split(","):
        key, equals, value = (piece.strip() for piece in part.partition("="))
        if not (key and equals and value):
            raise UsageError(f"{label} '{text}' has no key=value", remedy=f"write it as {example}")
        if key in dict(pairs):
            raise UsageError(f"{label} '{text}' gives '{key}' twice")
        pairs.append((key, value))
    return pairs


def finite_number(value: object, label: str) -> float:
    """`value` as a finite float; a UsageError that names `label` otherwise."""
    try:
        number = float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        raise UsageError(f"{label} is {value!r}, expected a number") from None
    if isinstance(value, bool) or not math.isfinite(number):
        raise UsageError(f"{label} is {value}, expected a finite number")
    return number


def finite_vector(value: ArrayLike, label: str) -> np.ndarray:
    """`value` as finite floats, shape (3,), in its own unit; else a UsageError names `label`."""
    try:
        vector = np.array(value, dtype=float)
    except (TypeError, ValueError):
        raise UsageError(f"{label} is {value!r}, expected three numbers") from None
    if vector.shape != (3,) or not np.all(np.isfinite(vector)):
        raise UsageError(f"{label} is {value!r}, expected three finite numbers")
    return vector


def _check_key(key: str) -> None:
    if key not in ROTATION_KEYS:
        raise UsageError(
            f"unknown key '{key}' in a rotation", remedy=nearest(str(key), ROTATION_KEYS, "key")
        )


def _checked_order(spec: RotationSpec) -> str:
    order = spec.get("order", AXES)
    if not isinstance(order, str) or not order or len(set(order)) != len(order):
        raise UsageError(f"order of rotation is {order!r}, expected axes such as 'xyz'")
    if not set(order) <= set(AXES):
        raise UsageError(f"order of rotation '{order}' has letters other than x, y and z")
    missing = [name for name in AXES if name in spec and name not in order]
    if missing:
        raise UsageError(f"order of rotation '{order}' leaves out '{missing[0]}', which is given")
    return order


def _angle(value: object, label: str, rng: np.random.Generator | None) -> float:
    if value != "random":
        return finite_number(value, f"rotation '{label}'")
    if rng is None:
        raise UsageError(f"rotation '{label}' is 'random' where nothing is drawn")
    return float(rng.uniform(0.0, 360.0))


def _cosine_sine(degrees: float) -> tuple[float, float]:
    """Cosine and sine, exact at multiples of a right angle."""
    turn = math.fmod(degrees, 360.0)
    if turn % 90.0 == 0:
        return ((1.0, 0.0), (0.0, 1.0), (-1.0, 0.0), (0.0, -1.0))[int(turn // 90) % 4]
    return math.cos(math.radians(turn)), math.sin(math.radians(turn))

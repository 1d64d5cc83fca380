"""Media other than the infinite one: a half space, a slice between glass and saline, a sphere."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, replace

import numpy as np

from lfpcli.errors import InputError, UsageError, nearest
from lfpcli.forward import transforms
from lfpcli.forward.images import slice_heights, sphere_images
from lfpcli.geometry import Geometry
from lfpcli.vocabulary import AXES


@dataclass(frozen=True)
class HalfSpace:
    """Tissue on one side of a plane normal to an axis.

    Attributes
    ----------
    z : float
        Where the plane is along its axis, um.
    sigma_other : float
        Conductivity beyond the plane, S/m; 0 is an insulator.
    side : {'below', 'above'}
        Where the tissue is along the axis.
    axis : {'x', 'y', 'z'}
        The axis.
    """

    z: float = 0.0
    sigma_other: float = 0.0
    side: str = "below"
    axis: str = "z"

    def __post_init__(self) -> None:
        _check_number(self.z, "z of the half space")
        _check_number(self.sigma_other, "sigma_other of the half space", least=0.0)
        if self.side not in ("below", "above"):
            raise UsageError(f"side of the half space is '{self.side}', not 'below' or 'above'")
        if self.axis not in AXES:
            raise UsageError(f"axis of the half space is '{self.axis}', not x, y or z")

    def prepare(self, geometry: Geometry) -> Geometry:
        """Return the segments, after checking that they are in the tissue."""
        # both sides by one rule: heights are counted away from the tissue
        up = 1.0 if self.side == "below" else -1.0
        column = AXES.index(self.axis)
        ends = np.column_stack([geometry.start[:, column], geometry.end[:, column]])
        depth = up * ends - up * self.z
        region = f"the half space {self.side} {self.axis} = {self.z:g}"
        check_inside(geometry, depth.max(axis=1) > 0, region)
        return geometry

    def images(
        self, points: np.ndarray, sigma: float | np.ndarray, tolerance: float = 0.0
    ) -> tuple[np.ndarray, np.ndarray]:
        """Points (..., 2, 3), um, of a contact (..., 3) and its image, and their weights (..., 2).

        The arguments are those of `Slice.images`. This is exact.
        """
        column = AXES.index(self.axis)
        # with the axis of the plane last, as across planes of constant z
        turned = np.roll(sigma, 2 - column) if np.ndim(sigma) else sigma
        across, steepness = across_planes(turned, self.sigma_other)
        ratio = (across - self.sigma_other) / (across + self.sigma_other)
        height = points[..., column] - self.z
        beyond = height > 0 if self.side == "below" else height < 0
        if self.sigma_other == 0 and np.any(beyond):
            raise InputError("contacts lie in the insulator beyond the half space")
        seen = points.copy()
        seen[..., column] = np.where(beyond, self.z + steepness * height, points[..., column])
        mirrored = points.copy()
        mirrored[..., column] = 2.0 * self.z - points[..., column]
        weights = np.stack(
            [np.where(beyond, 1.0 + ratio, 1.0), np.where(beyond, 0.0, ratio)], axis=-1
        )
        return np.stack([seen, mirrored], axis=-2), weights


@dataclass(frozen=True)
class Slice:
    """Tissue between glass below and saline above, as on a multi-electrode array.

    Attributes
    ----------
    thickness : float
        From glass to saline, um.
    sigma_saline, sigma_glass : float
        Conductivities above and below, S/m.
    z_shift : float
        Where the glass is, um.
    squeeze : float, optional
        Flatten each cell about its soma by this fraction of its depth.
    poisson : float
        Widen it across by this fraction of the squeezing.
    fit : bool
        Move each cell along z, by as little as is needed to lie in the slice.
    """

    thickness: float
    sigma_saline: float = 1.5
    sigma_glass: float = 0.0
    z_shift: float = 0.0
    squeeze: float | None = None
    poisson: float = 0.0
    fit: bool = False

    def __post_init__(self) -> None:
        _check_number(self.thickness, "thickness of the slice", above=0.0)
        _check_number(self.sigma_saline, "sigma_saline of the slice", least=0.0)
        _check_number(self.sigma_glass, "sigma_glass of the slice", least=0.0)
        _check_number(self.z_shift, "z_shift of the slice")
        if self.sigma_saline == self.sigma_glass == 0:
            raise UsageError("the slice is insulated on both sides: its current has nowhere to go")

    def prepare(self, geometry: Geometry) -> Geometry:
        """Return the segments, squeezed and moved where asked, after checking that they are inside.

        Raises
        ------
        InputError
            Names the segments that reach outside, and what would bring them in.
        """
        if self.squeeze is not None:
            geometry = transforms.distort(geometry, self.squeeze, axis="z", nu=self.poisson)
        z = np.column_stack([geometry.start[:, 2], geometry.end[:, 2]]) - self.z_shift
        outside = (z.min(axis=1) < 0) | (z.max(axis=1) > self.thickness)
        if not outside.any():
            return geometry
        shifts = self._shifts(geometry)
        if self.fit and np.isfinite(shifts).all():
            shift = np.zeros((len(geometry), 3))
            shift[:, 2] = shifts
            moved = replace(geometry, start=geometry.start + shift, end=geometry.end + shift)
            return moved
        low, high = self.z_shift, self.z_shift + self.thickness
        region = f"the slice from z = {low:g} to {high:g}"
        check_inside(geometry, outside, region, self._remedy(geometry, outside, shifts))
        return geometry

    def _shifts(self, geometry: Geometry) -> np.ndarray:
        """Least move along z that brings each segment's cell into the slice, (N,), um; else NaN."""
        low, high = self.z_shift, self.z_shift + self.thickness
        shifts = np.empty(len(geometry))
        for gid in np.unique(geometry.gid):
            segments = geometry.gid == gid
            lowest, highest = _extent(geometry, segments)
            # of a whole slice's depth rounding is no reason to refuse
            if highest - lowest > self.thickness * (1.0 + 1e-12):
                shifts[segments] = np.nan
            else:
                shifts[segments] = max(low - lowest, 0.0) + min(high - highest, 0.0)
        return shifts

    def _remedy(self, geometry: Geometry, outside: np.ndarray, shifts: np.ndarray) -> str:
        """What would bring the first cell that reaches outside into the slice."""
        first = int(np.flatnonzero(outside)[0])
        lowest, highest = _extent(geometry, geometry.gid == geometry.gid[first])
        extent = f"the cell reaches from z = {lowest:.6g} to {highest:.6g} um"
        if np.isfinite(shifts[first]):
            return f"{extent}: shift it by {shifts[first]:.6g} um along z, or set fit = true"
        share = 1.0 - self.thickness / (highest - lowest)
        return f"{extent}, more than the slice: rotate it, or squeeze it by more than {share:.3g}"

    def images(
        self, points: np.ndarray, sigma: float | np.ndarray, tolerance: float = 1e-10
    ) -> tuple[np.ndarray, np.ndarray]:
        """Points that stand for one contact and its images (Ness et al. 2015, eqs. 3-5).

        An image of the source below another height gives the potential that the source
        gives at the correspondingly moved contact, so that images are more contacts.

        Parameters
        ----------
        points : ndarray, shape (..., 3)
            Contacts, um, in tissue, saline or glass.
        sigma : float or ndarray, shape (3,)
            Conductivity of the tissue, S/m; along x, y and z where it is anisotropic.
        tolerance : float
            Largest error, relative to the potential at the distance of one thickness.

        Returns
        -------
        points : ndarray, shape (..., M, 3)
        weights : ndarray, shape (..., M)
        """
        heights, inverse = np.unique(points[..., 2] - self.z_shift, return_inverse=True)
        self._check_contacts(heights)
        across, steepness = across_planes(sigma, max(self.sigma_saline, self.sigma_glass))
        media = (across, self.sigma_saline, self.sigma_glass)
        inside = np.clip(heights, 0.0, self.thickness)
        seen = inside + steepness * (heights - inside)
        moved, weights = slice_heights(seen, self.thickness, media, tolerance)
        inverse = inverse.reshape(points.shape[:-1])
        images = np.repeat(points[..., None, :], moved.shape[1], axis=-2)
        images[..., 2] = moved[inverse] + self.z_shift
        return images, weights[inverse]

    def _check_contacts(self, heights: np.ndarray) -> None:
        lost = (
            (heights > self.thickness) if self.sigma_saline == 0 else np.zeros(len(heights), bool)
        )
        if self.sigma_glass == 0:
            lost = lost | (heights < 0)
        if np.any(lost):
            z = heights[lost][0] + self.z_shift
            raise InputError(f"a contact at z = {z:g} um lies in an insulator outside the slice")


@dataclass(frozen=True)
class Sphere:
    """A sphere of tissue about the origin or another centre, in an infinite medium.

    Attributes
    ----------
    radius : float
        um.
    sigma_out : float
        Conductivity outside, S/m; 0 is an insulator, inside which potentials are those of currents
        that add up to zero.
    centre : tuple of three floats
        um.
    """

    radius: float
    sigma_out: float = 0.03
    centre: tuple[float, float, float] = (0.0, 0.0, 0.0)

    def __post_init__(self) -> None:
        _check_number(self.radius, "radius of the sphere", above=0.0)
        _check_number(self.sigma_out, "sigma_out of the sphere", least=0.0)
        if len(self.centre) != 3:
            raise UsageError("centre of the sphere has other than three coordinates")
        for value in self.centre:
            _check_number(value, "centre of the sphere")

    def prepare(self, geometry: Geometry) -> Geometry:
        """Return the segments, after checking that they are inside."""
        ends = np.stack([geometry.start, geometry.end]) - np.asarray(self.centre)
        outside = np.linalg.norm(ends, axis=2).max(axis=0) >= self.radius
        check_inside(geometry, outside, f"the sphere of radius {self.radius:g}")
        return geometry

    def images(
        self, points: np.ndarray, sigma: float | np.ndarray, tolerance: float = 1e-10
    ) -> tuple[np.ndarray, np.ndarray]:
        """Points (..., M, 3), um, of each contact and its images, and their weights (..., M).

        See `images.sphere_images`.

        Raises
        ------
        InputError
            Where a contact lies in an insulator.
        """
        if np.ndim(sigma):
            check_conductivity(self, np.asarray(sigma))
        centre = np.asarray(self.centre)
        distance = np.linalg.norm(points - centre, axis=-1)
        # one on the surface may lie outside by rounding
        if self.sigma_out == 0 and np.any(distance > self.radius * (1 + 1e-12)):
            raise InputError(
                f"a contact {distance.max():g} um from the centre lies in an insulator outside the "
                f"sphere of radius {self.radius:g} um",
                remedy="move the contacts into the sphere, or give a sigma_out above 0",
            )
        media = (float(np.ravel(sigma)[0]), self.sigma_out)
        images, weights = sphere_images(points - centre, self.radius, media, tolerance)
        return images + centre, weights


Medium = HalfSpace | Slice | Sphere
KINDS: dict[str, tuple[Callable[..., Medium], str]] = {
    "slice": (Slice, "thickness"),
    "sphere": (Sphere, "radius"),
    "half_space": (HalfSpace, "z"),
}


def as_medium(medium: Medium | Mapping[str, object] | str | None) -> Medium | None:
    """Return a medium from the table of a model, or as it is.

    Parameters
    ----------
    medium : HalfSpace, Slice, Sphere, mapping, str or None
        ``{"slice": 300, "sigma_saline": 1.5, "sigma_glass": 0}``, ``{"sphere": 10000, "sigma_out":
        0.03}``, ``{"half_space": 0}`` (the plane's z) with further keys named as the
        attributes; ``"infinite"`` or None for the infinite medium, ``"half-space"``.

    Raises
    ------
    UsageError
        Names the unknown or wrong key.
    """
    if medium is None or isinstance(medium, Medium):
        return medium
    if isinstance(medium, str):
        if medium in ("infinite", "half-space"):
            return HalfSpace() if medium == "half-space" else None
        raise UsageError(
            f"unknown medium '{medium}'",
            remedy=nearest(medium, ["infinite", "half-space"], "medium"),
        )
    names = [name for name in KINDS if name in medium]
    if len(names) != 1:
        raise UsageError("a medium has one of the keys " + ", ".join(f"'{k}'" for k in KINDS))
    constructor, size = KINDS[names[0]]
    # the key that names a medium in a model is its size here
    values = {(size if key == names[0] else key): value for key, value in medium.items()}
    known = [f.name for f in fields(constructor)]  # type: ignore[arg-type]
    for key in values:
        if key not in known:
            raise UsageError(f"unknown key '{key}' of a medium", remedy=nearest(key, known, "key"))
    return constructor(**values)


def across_planes(sigma: float | np.ndarray, beyond: float) -> tuple[float, float]:
    """What a tissue is like to media beyond planes of constant z.

    In coordinates in which the tissue conducts alike in all directions it has the conductivity
    sqrt(sh sz) towards a medium beyond such a plane, for sh along x and y, and a medium beyond,
    whose own coordinates stay as they are, is seen steeper by sqrt(sz / sh). With another
    conductivity along x than along y, images are none, save those of insulators.

    Parameters
    ----------
    sigma : float or ndarray, shape (3,)
        Conductivity of the tissue, S/m.
    beyond : float
        The largest conductivity beyond the planes, S/m.

    Returns
    -------
    conductivity, steepness : float
        S/m, and a factor of heights beyond.

    Raises
    ------
    UsageError
        Where the medium has no images.
    """
    along = np.broadcast_to(np.asarray(sigma, dtype=float), 3)
    if beyond > 0 and along[0] != along[1]:
        raise UsageError(
            f"sigma is {along.tolist()} S/m, different along x and y: beside what conducts "
            "it has no images",
            remedy="give a medium of regions, or one conductivity along x and y",
        )
    if np.ndim(sigma) == 0:
        return float(along[0]), 1.0
    return float(np.sqrt(along[0] * along[2])), float(np.sqrt(along[2] / along[0]))


def check_conductivity(medium: Medium, sigma: np.ndarray) -> None:
    """Raise `UsageError` where an anisotropic tissue, (3,) in S/m, has no images in a medium."""
    if np.ndim(sigma) == 2 and np.count_nonzero(sigma) > 3:
        raise UsageError(
            "a tensor of conductivity has no images in this medium",
            remedy="give a medium of regions",
        )
    if isinstance(medium, Sphere):
        raise UsageError(
            "a sphere of tissue has one conductivity", remedy="give sigma as one number"
        )
    outside = [getattr(medium, key, 0.0) for key in ("sigma_other", "sigma_saline", "sigma_glass")]
    across_planes(sigma, max(outside))


def _check_number(
    value: object, label: str, *, least: float | None = None, above: float | None = None
) -> None:
    if isinstance(value, bool) or not isinstance(value, (int, float, np.number)):
        raise UsageError(f"{label} is {value!r}, expected a number")
    number = float(value)
    if not math.isfinite(number) or (least is not None and number < least):
        raise UsageError(f"{label} is {number:g}, expected a finite number >= {least}")
    if above is not None and number <= above:
        raise UsageError(f"{label} is {number:g}, expected a number > {above:g}")


def _extent(geometry: Geometry, chosen: np.ndarray) -> tuple[float, float]:
    """Least and greatest z of segments, um."""
    ends = np.concatenate([geometry.start[chosen, 2], geometry.end[chosen, 2]])
    return float(ends.min()), float(ends.max())


def check_inside(
    geometry: Geometry,
    outside: np.ndarray,
    region: str,
    remedy: str = "shift or rotate the cell",
) -> None:
    """Raise `InputError` that names segments which are outside of a region, mask (N,)."""
    if np.any(outside):
        names = [geometry.segment_label(i) for i in np.flatnonzero(outside)[:5]]
        more = np.count_nonzero(outside) - len(names)
        raise InputError(
            f"segments reach outside {region} um: {', '.join(names)}"
            + (f" and {more} more" if more else ""),
            remedy=remedy,
        )

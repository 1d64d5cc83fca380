# ruff: noqa: RUF009 - key() declares dataclass fields
"""Media of regions: parts of space, each with a conductivity of its own."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from lfpcli import vocabulary
from lfpcli.errors import located
from lfpcli.forward import grid_medium, regions, tensors
from lfpcli.forward.grid_medium import REACH, GridMedium
from lfpcli.forward.overlaps import check_order
from lfpcli.forward.potentials import check_tensor
from lfpcli.model.dispersion import DISPERSION, DispersionTable
from lfpcli.model.source_text import At
from lfpcli.model.tables import Table, exactly_one, key, table
from lfpcli.model.value_types import (
    BOOLEAN,
    ValueType,
    choice,
    is_number,
    listing,
    number,
    vector,
)

AXES = "xyz"
_NUMBERS = number("um", infinite=True)
# a model as JSON has the texts
_END = ValueType(
    'a number, "inf" or "-inf" (um)',
    lambda value: is_number(value) or value in ("inf", "-inf"),
    lambda value, at: _NUMBERS.convert(float(value), at),
    "um",
)
_ENDS = listing(_END, size=3)


Sigma = tuple[float, ...] | tuple[tuple[float, ...], ...]


def _sigma(value: Any, at: At) -> Sigma:
    """Three conductivities from one, three, or a diagonal tensor; another tensor as it is."""
    if is_number(value):
        one = number("S/m", least=0).read(value, at)
        return (one, one, one)
    if any(isinstance(entry, list) for entry in value):
        tensor = np.array(listing(vector("S/m"), size=3).read(value, at))
        if not np.array_equal(tensor, tensor.T):
            raise at.error("is not symmetric", "give the same number above and below the diagonal")
        if np.count_nonzero(tensor) > np.count_nonzero(np.diag(tensor)):
            with located(at.source_line):
                check_tensor(tensor)
            return tuple(tuple(row) for row in tensor.tolist())
        value = np.diag(tensor).tolist()
    x, y, z = listing(number("S/m", least=0), size=3).read(value, at)
    if min(x, y, z) == 0 < max(x, y, z):
        raise at.error("is zero along an axis, but not along all", "give a small number instead")
    return x, y, z


def _components(sigma: Sigma) -> tuple[float, ...]:
    """Three components of a conductivity, or six of a tensor, S/m."""
    values = np.array(sigma)
    if values.ndim == 2:
        values = tensors.components(values)
    return tuple(values.tolist())


SIGMA = ValueType(
    "a number >= 0 (S/m), three along x, y and z, or a symmetric tensor of 3 x 3",
    lambda value: is_number(value) or isinstance(value, list),
    _sigma,
    "S/m",
)


@dataclass(frozen=True, kw_only=True)
class BoxTable(Table):
    """A box along the axes."""

    low: tuple[float, ...] = key(_ENDS, doc="Lower ends along x, y and z; -inf is no end.")
    high: tuple[float, ...] = key(_ENDS, doc="Upper ends along x, y and z; inf is no end.")

    def check(self, at: At) -> None:
        """Raise `InputError` where the box has no inside."""
        with located(at.source_line):
            _ = self.shape

    @cached_property
    def shape(self) -> regions.Box:
        """The part of space."""
        return regions.Box(low=self.low, high=self.high)


@dataclass(frozen=True, kw_only=True)
class Slab(Table):
    """A layer between two planes."""

    axis: str = key(choice(*AXES), "z", doc="Axis that the planes are across.")
    low: float = key(_END, -np.inf, doc="Where the layer begins.")
    high: float = key(_END, np.inf, doc="Where the layer ends.")

    def check(self, at: At) -> None:
        """Raise `InputError` where the layer has no inside."""
        with located(at.source_line):
            _ = self.shape

    @cached_property
    def shape(self) -> regions.Box:
        """The part of space."""
        low, high = [-np.inf] * 3, [np.inf] * 3
        low[AXES.index(self.axis)], high[AXES.index(self.axis)] = self.low, self.high
        return regions.Box(low=low, high=high)


@dataclass(frozen=True, kw_only=True)
class CylinderTable(Table):
    """A cylinder along an axis."""

    axis: str = key(choice(*AXES), "z", doc="Axis that it is along.")
    centre: tuple[float, ...] = key(
        vector("um", 2), doc="Middle of its cross section, along the two other axes in their order."
    )
    radius: float = key(number("um", above=0), doc="Radius.")
    low: float = key(_END, -np.inf, doc="Where it begins.")
    high: float = key(_END, np.inf, doc="Where it ends.")

    def check(self, at: At) -> None:
        """Raise `InputError` where the cylinder has no inside."""
        with located(at.source_line):
            _ = self.shape

    @cached_property
    def shape(self) -> regions.Cylinder:
        """The part of space."""
        return regions.Cylinder(
            axis=AXES.index(self.axis),
            centre=self.centre,
            radius=self.radius,
            low=self.low,
            high=self.high,
        )


@dataclass(frozen=True, kw_only=True)
class BallTable(Table):
    """A ball."""

    centre: tuple[float, ...] = key(vector("um"), doc="Middle.")
    radius: float = key(number("um", above=0), doc="Radius.")

    @cached_property
    def shape(self) -> regions.Ball:
        """The part of space."""
        return regions.Ball(centre=self.centre, radius=self.radius)


@dataclass(frozen=True, kw_only=True)
class RegionTable(Table):
    """A part of space with a conductivity of its own."""

    box: BoxTable | None = key(
        table(BoxTable, "a table such as {low = [0, 0, 0], high = [50, 50, 50]}"),
        None,
        doc="A box along the axes.",
    )
    slab: Slab | None = key(
        table(Slab, 'a table such as {axis = "z", low = 0, high = 300}'),
        None,
        doc="A layer between two planes.",
    )
    cylinder: CylinderTable | None = key(
        table(CylinderTable, 'a table such as {axis = "z", centre = [0, 0], radius = 50}'),
        None,
        doc="A cylinder along an axis.",
    )
    ball: BallTable | None = key(
        table(BallTable, "a table such as {centre = [0, 0, 0], radius = 50}"), None, doc="A ball."
    )
    shank: BoxTable | None = key(
        table(BoxTable, "a table such as {low = [-35, 0, -100], high = [35, 15, inf]}"),
        None,
        doc="The body of a probe: a box that insulates, with contacts on its faces.",
    )
    sigma: Sigma | None = key(
        SIGMA,
        None,
        doc="Conductivity, 0 for an insulator. Left out only of metal, and of a shank, which "
        "insulates.",
    )
    dispersion: DispersionTable | None = key(
        DISPERSION,
        None,
        doc="How its conductivity depends on frequency. Left out: as the dispersion of the probe.",
    )
    metal: bool = key(
        BOOLEAN,
        False,
        doc="Whether it is of metal: at one potential, which floats, as no net current enters it. "
        "A contact in or on it measures that potential.",
    )
    over: bool = key(
        BOOLEAN,
        False,
        doc="Whether it counts where it overlaps earlier regions. Needed of none that lies within "
        "an earlier one, nor of what insulates or is of metal in what conducts.",
    )

    def check(self, at: At) -> None:
        """Raise `InputError` where the region is not one shape, or has no conductivity."""
        exactly_one(self, at, ("box", "slab", "cylinder", "ball", "shank"))
        if self.metal and self.sigma is not None:
            raise at.table_error("has both 'metal' and 'sigma'", "give one of them")
        if self.metal and self.shank is not None:
            raise at.table_error("has both 'metal' and 'shank', which insulates", "use a box")
        self._check_dispersion(at)
        if self.shank is None and self.sigma is None and not (self.metal or self._has_own_sigma):
            raise at.table_error("needs the key 'sigma'", f"give {SIGMA.expects}")
        with located(at.source_line):
            _ = self.region

    @property
    def _has_own_sigma(self) -> bool:
        return self.dispersion is not None and self.dispersion.has_sigma

    def _check_dispersion(self, at: At) -> None:
        if self.dispersion is None:
            return
        if self.metal or (self.sigma is not None and max(_components(self.sigma)) == 0):
            raise (at / "dispersion").error("is of what conducts", "leave it out")
        if self._has_own_sigma and self.sigma is not None:
            raise at.table_error(
                "has 'sigma' and a dispersion with conductivities of its own",
                "leave sigma out, or give dispersion.at",
            )
        if self.shank is not None and (self.sigma is None and not self._has_own_sigma):
            raise (at / "dispersion").error("is of what conducts", "leave it out")

    @cached_property
    def region(self) -> regions.Region:
        """The region that the keys make."""
        shape = self.box or self.slab or self.cylinder or self.ball or self.shank
        assert shape is not None
        sigma: tuple[float, ...] = (0.0, 0.0, 0.0)
        if self.sigma is not None:
            sigma = _components(self.sigma)
        elif self._has_own_sigma:
            # its dispersion is told as a ratio to this
            sigma = (vocabulary.SIGMA,) * 3
        if self.metal:
            sigma = regions.METAL
        return regions.Region(shape=shape.shape, sigma=sigma)


@dataclass(frozen=True, kw_only=True)
class Regions(Table):
    """Regions in a background, solved on a grid about each contact."""

    regions: tuple[RegionTable, ...] = key(
        listing(table(RegionTable, "a table such as {slab = {low = 0, high = 300}, sigma = 0.3}")),
        doc="Parts of space; one within an earlier one replaces it there. Others must not overlap, "
        "see over.",
    )
    background: Sigma = key(SIGMA, (0.3, 0.3, 0.3), doc="Conductivity everywhere else, above zero.")
    tolerance: float = key(
        number(above=0, below=1),
        grid_medium.TOLERANCE,
        doc="Median error of the potential 20 to 500 um about a contact, relative to the potential "
        "at the same place. Grids are refined until it holds.",
    )
    reach: float = key(
        number("um", least=1000), REACH, doc="How far from a contact sources may be."
    )

    def check(self, at: At) -> None:
        """Raise `InputError` where the background does not conduct, or regions overlap."""
        if max(_components(self.background)) <= 0:
            raise (at / "background").error("does not conduct", "give it a number above 0 (S/m)")
        with located(at.source_line):
            check_order(self.medium.conductor, [entry.over for entry in self.regions])

    @property
    def has_dispersion(self) -> bool:
        """Whether a region's conductivity depends on frequency in a way of its own."""
        return any(entry.dispersion is not None for entry in self.regions)

    @cached_property
    def medium(self) -> GridMedium:
        """The medium that the keys make."""
        conductor = regions.Medium(
            background=_components(self.background),
            regions=tuple(entry.region for entry in self.regions),
        )
        return GridMedium(conductor=conductor, tolerance=self.tolerance, reach=self.reach)

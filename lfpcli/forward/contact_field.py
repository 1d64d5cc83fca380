"""What a medium adds to the potential of a contact, from grids that are refined until it is right.

The error of a grid falls with the square of its cells' width, so that two grids extrapolate to
none (Richardson 1911). The error of what is extrapolated is told from three grids: it is the change
from one pair of them to the next, times a factor of safety, as in Roache's index of convergence
(1997, Annu Rev Fluid Mech 29:123), so that it is an upper estimate: it is one wherever the error
falls by a third or more from pair to pair. Cells that a curved insulator or metal cuts are of first
order only, with no regular fall: beside such regions the change from one grid to the next is taken
instead, which the error of a grid of first order exceeds by 1.7 once extrapolated.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from lfpcli.errors import InputError
from lfpcli.forward import tensors
from lfpcli.forward.contact_grid import contact_grid
from lfpcli.forward.grid_field import GridField, largest_grid
from lfpcli.forward.grid_values import GridValues
from lfpcli.forward.regions import SURFACE, Medium, Region, directions

PARTS = (2, 3, 4, 6, 8, 12)
"""Into how many cells each double cell of the coarsest grid is divided, grid by grid."""
SAFETY, FIRST_ORDER = 2.0, 3.0
"""What changes between pairs of grids, and between grids, are multiplied with to be upper ones."""
STORED, WORKING, WORKING_TURNED = 6, 250, 1100
"""Bytes that a field takes per cell of its two grids, and solving one per cell of the grid."""
RADII = (20.0, 40.0, 80.0, 150.0, 300.0, 500.0)
"""Distances from a contact at which the error is told, um, in `DIRECTIONS` directions each."""
DIRECTIONS = 26


@dataclass(frozen=True, kw_only=True, eq=False)
class ContactField:
    """What a medium adds to the potential of a point source at a contact.

    Attributes
    ----------
    coarse, fine : GridValues
        On two grids.
    ratio : float
        Of the widths of their cells, above 1.
    error, largest_error : float
        Upper estimates of the median and the largest error of the potential about the contact,
        relative to the potential at the same place.
    """

    coarse: GridValues
    fine: GridValues
    ratio: float
    error: float = np.inf
    largest_error: float = np.inf

    @property
    def sigma(self) -> np.ndarray:
        """Conductivity of the point source's medium, (3,) or (6,), S/m; infinite in metal."""
        return self.fine.sigma

    @property
    def size(self) -> int:
        """Bytes of memory."""
        return self.coarse.size + self.fine.size

    @property
    def cells(self) -> int:
        """Cells of the finer grid."""
        return int(np.prod(self.fine.grid.shape))

    def at(self, points: np.ndarray) -> np.ndarray:
        """What is to be added to the potential of the point source.

        Parameters
        ----------
        points : ndarray, shape (M, 3)
            um.

        Returns
        -------
        ndarray, shape (M,)
            mV per nA.

        Raises
        ------
        InputError
            Where a point is outside the grid or in what does not conduct.
        """
        return self.fine.at(points) + self.change(points) / (self.ratio**2 - 1.0)

    def change(self, points: np.ndarray) -> np.ndarray:
        """Difference of the finer from the coarser grid at points (M, 3), um; (M,), mV per nA."""
        change = np.zeros(len(points))
        # of a curved insulator the coarser grid takes more
        both = np.flatnonzero(self.coarse.conducts(points))
        change[both] = self.fine.at(points[both]) - self.coarse.at(points[both])
        return change


def contact_field(
    medium: Medium, contact: np.ndarray, label: str, *, tolerance: float, reach: float
) -> ContactField:
    """Solve a medium for a contact.

    Parameters
    ----------
    medium : Medium
        Conductivities.
    contact : ndarray, shape (3,)
        um.
    label : str
        Name of the contact, for messages.
    tolerance : float
        Median error, relative to the potential at the same place, that must hold.
    reach : float
        How far from the contact the grid goes, um.

    Returns
    -------
    ContactField

    Raises
    ------
    InputError
        Where the contact is in what does not conduct, or the error is larger than `tolerance` on
        the largest grid.
    """
    sigma = medium.about(contact, SURFACE)
    if sigma.max() == 0:
        raise InputError(
            f"contact {label} at {contact.tolist()} um lies in what does not conduct",
            remedy="put it on the face of the region, or outside of it",
        )
    samples = np.concatenate([contact + r * directions(DIRECTIONS) for r in RADII])
    conductivity = medium.at(samples).max(axis=1)
    samples = samples[(conductivity > 0) & np.isfinite(conductivity)]
    known = point_source(samples, contact, sigma)
    solved: ContactField | None = None
    before: GridValues | None = None
    potential = np.full(len(samples), np.nan)
    irregular = any(_is_irregular(region) for region in medium.regions)
    for number, parts in enumerate(PARTS):
        grid = contact_grid(medium, contact, parts=parts, reach=reach)
        if np.prod(grid.shape, dtype=float) > largest_grid(medium):
            break
        field = GridField(medium, grid)
        remainder = field.remainder(contact, sigma)
        values = GridValues.of(grid, field.sigma, remainder, contact=contact, sigma=sigma)
        if before is not None:
            pair = ContactField(coarse=before, fine=values, ratio=parts / PARTS[number - 1])
            following = known + pair.at(samples)
            errors = SAFETY * np.abs(following - potential) / np.abs(following)
            if irregular:
                steps = FIRST_ORDER * np.abs(pair.change(samples)) / np.abs(following)
                errors = np.maximum(errors, steps)
            potential = following
            solved = replace(
                pair, error=float(np.median(errors)), largest_error=float(np.max(errors))
            )
            # before the second pair of grids there is no error to compare
            if solved.error <= tolerance:
                return solved
        before = values
    if solved is None or np.isnan(solved.error):
        raise InputError(
            f"the grids of contact {label} take more than {largest_grid(medium):,} cells",
            remedy="make thin regions and shells thicker, or leave them out",
        )
    error = solved.error
    raise InputError(
        f"the potential of contact {label} has an error of {error:.1e} on the finest grid, more "
        f"than the tolerance of {tolerance:.1e}",
        remedy="raise the medium's tolerance, or move the contact off edges and corners of regions",
    )


def _is_irregular(region: Region) -> bool:
    """Whether the error of cells that a region cuts falls with their width, not its square."""
    curved = min(region.shape.curvature(axis) for axis in range(3)) < np.inf
    return region.is_metal or (curved and max(region.sigma) == 0)


def least_cells(medium: Medium, contact: np.ndarray, reach: float) -> tuple[int, int]:
    """How many cells a field takes at least: those kept, of two grids, and those of the finer one.

    The error is told from the third grid on, so that no field has less.

    Parameters
    ----------
    medium, contact, reach
        As in `contact_field`.
    """
    coarse, fine = (
        int(np.prod(contact_grid(medium, contact, parts=parts, reach=reach).shape))
        for parts in PARTS[1:3]
    )
    return coarse + fine, fine


def point_source(points: np.ndarray, contact: np.ndarray, sigma: np.ndarray) -> np.ndarray:
    """Potential of a point source in an infinite medium, shape (M,), mV per nA; 0 in metal."""
    if np.isinf(sigma[0]):
        return np.zeros(len(points))
    return tensors.point_potentials(points - contact, sigma)

"""The field of a contact from a potential that is known at nodes, as of a solver elsewhere.

Near the contact the potential is that of a point source in a medium whose conductivity the nodes
tell; what is left is smooth, and is interpolated between them.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from lfpcli.errors import InputError
from lfpcli.forward.contact_field import ContactField
from lfpcli.forward.grid import Grid
from lfpcli.forward.grid_values import GridValues

Axes = tuple[np.ndarray, np.ndarray, np.ndarray]
# nodes that tell the conductivity about the contact, and those at which the error is told
_NEAREST, _CHECKED = 200, 4000
# shortest cells, of the extent of the nodes, and their growth with distance from the contact
_SHARE, _SLOPE = 0.004, 0.12
# how far the largest potential may lie from the contact, of the extent of the nodes
_OFF = 0.1
# conductivities that tissue, bone and saline have, with room to spare, S/m
_SIGMAS = 1e-4, 1e2


def sampled_field(
    points: np.ndarray, values: np.ndarray, contact: np.ndarray, label: str, axes: Axes | None
) -> ContactField:
    """Put a potential at nodes onto a grid about a contact.

    Parameters
    ----------
    points : ndarray, shape (P, 3)
        Nodes, um.
    values : ndarray, shape (P,)
        Potential of a current at the contact, mV per nA.
    contact : ndarray, shape (3,)
        um.
    label : str
        Name of the contact, for messages.
    axes : tuple of three ndarray, or None
        Where the nodes are a grid, see `lfpcli.io.fem_fields.FemPotential`.

    Returns
    -------
    ContactField
        Its errors are those at the nodes themselves, relative to the potential there.

    Raises
    ------
    InputError
        Where the contact is not where the current enters, or units are not what they are said to
        be.
    """
    _check_place(points, values, contact, label)
    sigma = _sigma(points, values, contact, label)
    distance = np.linalg.norm(points - contact, axis=1)
    apart = distance > 1e-6 * distance.max()
    known = np.zeros(len(points))
    known[apart] = 1.0 / (4.0 * np.pi * sigma * distance[apart])
    # at the contact itself there is no more than a number
    known[~apart] = values[~apart]
    interpolated = _interpolator(points, values - known, axes)
    faces = [
        _faces(float(low), float(high), float(x))
        for low, high, x in zip(points.min(axis=0), points.max(axis=0), contact, strict=True)
    ]
    grid = Grid(faces=(faces[0], faces[1], faces[2]))
    centres = np.stack(np.meshgrid(*grid.centres, indexing="ij"), axis=-1)
    remainder = interpolated(centres.reshape(-1, 3)).reshape(grid.shape)
    cells = np.full((*grid.shape, 3), sigma)
    # beyond the nodes nothing is known
    cells[np.isnan(remainder)] = 0.0
    field = GridValues.of(
        grid, cells, np.nan_to_num(remainder), contact=contact, sigma=np.full(3, sigma)
    )
    chosen = np.flatnonzero(apart & (values != 0) & field.conducts(points))
    if len(chosen) > _CHECKED:
        chosen = chosen[np.random.default_rng(1).permutation(len(chosen))[:_CHECKED]]
    error = np.abs((known[chosen] + field.at(points[chosen])) / values[chosen] - 1.0)
    return ContactField(
        coarse=field,
        fine=field,
        ratio=2.0,
        error=float(np.median(error)),
        largest_error=float(np.max(error)),
    )


def _check_place(points: np.ndarray, values: np.ndarray, contact: np.ndarray, label: str) -> None:
    """Refuse a contact that lies elsewhere than the largest potential."""
    extent = float(np.ptp(points, axis=0).max())
    peak = points[int(np.argmax(np.abs(values)))]
    off = float(np.linalg.norm(peak - contact))
    inside = np.all((contact >= points.min(axis=0)) & (contact <= points.max(axis=0)))
    if not inside or off > _OFF * extent:
        raise InputError(
            f"the potential of contact {label} is largest at {peak.round(1).tolist()} um, "
            f"{off:.4g} um from it",
            remedy="check the unit and axes of the export, and the order of files and contacts",
        )


def _sigma(points: np.ndarray, values: np.ndarray, contact: np.ndarray, label: str) -> float:
    """Conductivity about the contact that the potential at the nearest nodes tells, S/m."""
    distance = np.linalg.norm(points - contact, axis=1)
    order = np.argsort(distance, kind="stable")
    order = order[(distance[order] > 1e-6 * distance.max()) & (values[order] != 0)][:_NEAREST]
    apparent = float(np.median(1.0 / (4.0 * np.pi * distance[order] * values[order])))
    if not _SIGMAS[0] <= apparent <= _SIGMAS[1]:
        raise InputError(
            f"the potential about contact {label} is that of a conductivity of {apparent:.3g} S/m",
            remedy="check the current and its sign, and the units of potential and lengths",
        )
    return apparent


def _interpolator(
    points: np.ndarray, values: np.ndarray, axes: Axes | None
) -> Callable[[np.ndarray], np.ndarray]:
    """A function of places (n, 3), um, linear between nodes and NaN beyond them."""
    # its triangulation takes long to import
    from scipy.interpolate import LinearNDInterpolator, RegularGridInterpolator

    if axes is None:
        scattered = LinearNDInterpolator(points, values)
        return lambda places: np.asarray(scattered(places))
    on_grid = RegularGridInterpolator(
        axes, values.reshape([len(along) for along in axes]), bounds_error=False
    )
    return lambda places: np.asarray(on_grid(places))


def _faces(low: float, high: float, middle: float) -> np.ndarray:
    """Faces of cells from low to high, um, that widen away from a coordinate between."""
    least = _SHARE * (high - low)

    def side(end: float) -> np.ndarray:
        size = abs(end - middle)
        # widths that grow by a factor, the first of them the least
        count = max(1, int(np.ceil(np.log1p(_SLOPE * size / least) / np.log1p(_SLOPE))))
        steps = np.expm1(np.log1p(_SLOPE) * np.arange(1, count + 1))
        return np.asarray(middle + np.sign(end - middle) * size * steps / steps[-1])

    below, above = side(low), side(high)
    faces = np.concatenate([below[::-1], [middle], above])
    # a contact on the edge of the nodes has one side alone
    return np.asarray(faces[np.concatenate([[True], np.diff(faces) > 0])])

"""What the spherical head models share: their shells, and sums over degrees in closed form."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from lfpcli.errors import InputError
from lfpcli.forward.arrays import apart, conductivity

# coordinates that went through files and other units still lie on the surface
ON_SURFACE = 1e-6
# no cortex is that near to the centre of a head; mm taken for um are
NEAR_CENTRE = 1000.0


def check_shells(radii: ArrayLike, sigmas: ArrayLike, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Outer radii and conductivities of concentric shells, from the inside.

    Parameters
    ----------
    radii : array_like, shape (count,)
        Outer radii, um.
    sigmas : array_like, shape (count,)
        Conductivities, S/m.
    count : int
        Number of shells.

    Returns
    -------
    radii, sigmas : ndarray, shape (count,)

    Raises
    ------
    InputError
        Where radii do not increase, a conductivity is not positive, or their number is wrong.
    """
    bounds = _numbers(radii, count, "radii")
    if bounds[0] <= 0:
        raise InputError(f"innermost radius is {bounds[0]:g} um, not positive")
    if np.any(np.diff(bounds) <= 0):
        raise InputError(
            f"radii {', '.join(f'{r:g}' for r in bounds)} um do not increase",
            remedy="give them from the brain outwards",
        )
    values = _numbers(sigmas, count, "conductivities")
    for number, sigma in enumerate(values):
        conductivity(sigma, f"conductivity of shell {number + 1}" if count > 1 else "conductivity")
    return bounds, values


def _numbers(value: ArrayLike, count: int, noun: str) -> np.ndarray:
    try:
        array = np.atleast_1d(np.asarray(value, dtype=float))
    except (TypeError, ValueError) as error:
        raise InputError(f"{noun} are not numbers") from error
    if array.shape != (count,):
        raise InputError(f"{array.size} {noun}, expected {count}")
    if not np.all(np.isfinite(array)):
        raise InputError(f"{noun} are not finite")
    return array


def check_dipoles(locations: np.ndarray, radius: float, inside: str) -> None:
    """Raise `InputError` for one of the dipoles (M, 3) not within `radius` um, that of `inside`."""
    distance = np.linalg.norm(locations, axis=1)
    outside = np.flatnonzero(distance >= radius)
    if len(outside):
        raise InputError(
            f"dipole {outside[0]} lies outside the {inside}: {distance[outside[0]]:g} um from the"
            f" centre, bound {radius:g} um",
            remedy="move it inwards, or set the radii",
        )


def check_electrodes(electrodes: np.ndarray, radius: float, names: Sequence[str] = ()) -> None:
    """Raise `InputError` for one of the electrodes (E, 3) beyond the outermost `radius`, um."""
    distance = np.linalg.norm(electrodes, axis=1)
    outside = np.flatnonzero(distance > radius * (1 + ON_SURFACE))
    if len(outside):
        which = names[outside[0]] if len(names) else outside[0]
        raise InputError(
            f"electrode {which} lies beyond the scalp: {distance[outside[0]]:g} um from the"
            f" centre, outermost radius {radius:g} um",
            remedy="project the electrodes onto the scalp, or set the radii",
        )


def check_sensors(sensors: np.ndarray, radius: float, names: Sequence[str]) -> None:
    """Raise `InputError` for a sensor within the conductor, whose fields hold outside it alone.

    Parameters
    ----------
    sensors : ndarray, shape (P, 3)
        Integration points about the centre, um.
    radius : float
        Outer radius of the conductor, um.
    names : sequence of str
        The channel of each point.
    """
    # a helmet in another frame than the head lies inside of it as often as not
    distance = np.linalg.norm(sensors, axis=1)
    inside = np.flatnonzero(distance < radius * (1 - ON_SURFACE))
    if len(inside):
        raise InputError(
            f"sensor {names[inside[0]]} lies inside the conductor: {distance[inside[0]]:g} um from"
            f" the centre, outer radius {radius:g} um",
            remedy="give the centre of the head, or the radius of the conductor",
        )


def near_centre(locations: np.ndarray) -> np.ndarray:
    """Whether dipoles (D, 3), um, lie so near to the centre that their unit may be wrong."""
    return np.asarray(np.linalg.norm(locations, axis=1) < NEAR_CENTRE)


def point_field(electrodes: np.ndarray, locations: np.ndarray) -> np.ndarray:
    """Gradient of ``1 / distance`` with respect to the source, shape (E, D, 3), 1/um2."""
    gap = apart(electrodes, locations, "electrode")
    return np.asarray(gap / np.linalg.norm(gap, axis=2, keepdims=True) ** 3)


def image_field(
    electrodes: np.ndarray,
    locations: np.ndarray,
    *,
    radius: float,
    plain: float,
    harmonic: float,
) -> np.ndarray:
    """Gradient of the field that a sphere's surface sends back, summed over all degrees.

    The sum is ``1/R sum_n (plain + harmonic / n) k^n P_n(x)`` over n >= 1, with
    ``k = r r' / R^2`` and x the cosine between electrode r and source r'. With
    ``L^2 = 1 - 2 k x + k^2`` it is ``plain (1 / L - 1) - harmonic log((1 - k x + L) / 2)`` over R
    (generating function of the Legendre polynomials and its integral). The insulated sphere has
    plain = harmonic = 1 (Frank 1952, J Appl Phys 23:1225).

    Parameters
    ----------
    electrodes : ndarray, shape (E, 3)
        Places inside or on the sphere, um.
    locations : ndarray, shape (D, 3)
        Sources inside the sphere, um.
    radius : float
        R, um.
    plain, harmonic : float
        Weights of the two parts.

    Returns
    -------
    ndarray, shape (E, D, 3)
        Gradient with respect to the source, 1/um2.
    """
    e = electrodes[:, None] / radius
    s = locations[None] / radius
    e_norm, s_norm = (np.linalg.norm(v, axis=2, keepdims=True) for v in (e, s))
    chord = unit(e, e_norm) - unit(s, s_norm)
    k = e_norm * s_norm
    # 1 - 2 k x + k^2 without the cancellation near k = x = 1
    size = np.sqrt((1 - k) ** 2 + k * np.sum(chord**2, axis=2, keepdims=True))
    size_gradient = (e_norm**2 * s - e) / size
    denominator = 1 - np.sum(e * s, axis=2, keepdims=True) + size
    field = -plain * size_gradient / size**2 + harmonic * (e - size_gradient) / denominator
    return np.asarray(field / radius**2)


def unit(vectors: np.ndarray, norms: np.ndarray) -> np.ndarray:
    """Vectors (n, 3) over their norms (n,); the zero vector becomes z, as any direction serves."""
    # the divisor is safe everywhere: np.where computes both branches
    divisor = np.where(norms > 0, norms, 1.0)
    return np.where(norms > 0, vectors / divisor, (0.0, 0.0, 1.0))


def fitted_centre(places: np.ndarray) -> np.ndarray:
    """Centre of the sphere that fits places (n, 3), um, best, least squares; zero for fewer than 8.

    ``|x|^2 = 2 x . c + (R^2 - |c|^2)`` is linear in the centre c.
    """
    if len(places) < 8:
        return np.zeros(3)
    # |p|^2 = 2 p . c + (r^2 - |c|^2): linear in the centre and one number more
    system = np.column_stack([2 * places, np.ones(len(places))])
    return np.asarray(np.linalg.lstsq(system, np.sum(places**2, axis=1), rcond=None)[0][:3])

"""Images: contacts elsewhere that stand for what boundaries do to the potential.

The potential that an image of a source gives at a contact is the one that the source itself gives
at an image of the contact. So a medium with boundaries is a list of weighted points per
contact, with the sources, points or lines, as they are.
"""

from __future__ import annotations

import itertools
import math

import numpy as np

from lfpcli.errors import UsageError

# heights that differ by less than this fraction of themselves are the same
SAME_HEIGHT = 1e-15
MOST_IMAGES = 20_000
# a sphere's line of images is divided geometrically towards the surface, to 2^-24 of the radius
MOST_PARTS = 24
PART_NODES = 9
# radii of a sphere to a place from which it looks like a point, to 1e-12
FAR = 1e6


def slice_heights(
    z: np.ndarray, thickness: float, media: tuple[float, float, float], tolerance: float
) -> tuple[np.ndarray, np.ndarray]:
    """Heights of contacts and their images between two planes (Ness et al. 2015, eqs. 3-5).

    Parameters
    ----------
    z : ndarray, shape (U,)
        Heights of contacts above the lower plane, um; they may lie beyond either plane.
    thickness : float
        Distance of the planes, um.
    media : tuple of three floats
        Conductivities between, above and below, S/m.
    tolerance : float
        See `series_weights`.

    Returns
    -------
    heights, weights : ndarray, shape (U, M)
        The weight is zero where a contact needs fewer images; those of a contact on a
        plane fall together in pairs.
    """
    regions = [(z >= 0) & (z <= thickness), z > thickness, z < 0]
    groups = [
        _region_heights(z[rows], thickness, media, tolerance=tolerance, region=region)
        for region, rows in enumerate(regions)
    ]
    most = max(heights.shape[1] for heights, _ in groups)
    all_heights, all_weights = np.zeros((2, len(z), most))
    for rows, (heights, weights) in zip(regions, groups, strict=True):
        all_heights[rows, : heights.shape[1]] = heights
        all_weights[rows, : heights.shape[1]] = weights
    # a contact on a boundary lies on its own image
    for row in np.flatnonzero((z == 0) | (z == thickness)):
        merged = _merged(all_heights[row], all_weights[row])
        all_weights[row] = 0.0
        for whole, part in zip((all_heights, all_weights), merged, strict=True):
            whole[row, : len(part)] = part
    used = np.any(all_weights != 0, axis=0)
    return all_heights[:, used], all_weights[:, used]


def _region_heights(
    z: np.ndarray,
    h: float,
    media: tuple[float, float, float],
    *,
    tolerance: float,
    region: int,
) -> tuple[np.ndarray, np.ndarray]:
    """Heights (U, M) and weights (M,) in the tissue (region 0), above it (1) or below (2)."""
    sigma, above, below = media
    # what a boundary reflects; with an insulator behind it all
    saline = (sigma - above) / (sigma + above)
    glass = (sigma - below) / (sigma + below)
    power = series_weights(saline * glass, tolerance)
    z, n = z[:, None], np.arange(len(power))
    if region == 1:
        beyond = 1.0 + saline
        terms = [(z + 2 * n * h, power), (-z - 2 * n * h, glass * power)]
    elif region == 2:
        beyond = 1.0 + glass
        terms = [(z - 2 * n * h, power), (2 * (n + 1) * h - z, saline * power)]
    else:
        beyond = 1.0
        terms = [
            (z - 2 * n * h, power),
            (z + 2 * n[1:] * h, power[1:]),
            (2 * (n + 1) * h - z, saline * power),
            (-z - 2 * n * h, glass * power),
        ]
    heights = np.concatenate([height for height, _ in terms], axis=1)
    return heights, beyond * np.concatenate([weight for _, weight in terms])


def sphere_images(
    points: np.ndarray, radius: float, media: tuple[float, float], tolerance: float
) -> tuple[np.ndarray, np.ndarray]:
    """Contacts and their images about a sphere that holds the sources.

    The series of Deng (2008, J Electrostat 66:549) over Legendre polynomials has the
    coefficients (n + 1) / (n + q) inside and (2 n + 1) / (n + q) outside, q = so / (si + so). Their
    constant parts sum to a point image, and 1 / (n + q) is the integral of t^(n + q - 1): a
    line of images from the contact's inverse point outwards, integrated by Gauss rules.

    About an insulated sphere, q = 0, the term n = 0 has no coefficient. It is the same potential
    everywhere, as large as the sum of all currents, which is none for cells, and is left out:
    two images far away take what the others bring of it.

    Parameters
    ----------
    points : ndarray, shape (..., 3)
        Contacts, um from the centre, inside or outside.
    radius : float
        um.
    media : tuple of two floats
        Conductivities inside and outside, S/m.
    tolerance : float
        Not below which the Gauss rules are accurate: 1e-12 needs no more than they have.

    Returns
    -------
    images : ndarray, shape (..., M, 3)
    weights : ndarray, shape (..., M)
        Zero where a contact needs fewer.
    """
    inner, outer = media
    contrast, q = (inner - outer) / (inner + outer), outer / (inner + outer)
    flat = points.reshape(-1, 3)
    distance = np.linalg.norm(flat, axis=1)
    # the centre, whose inverse is at infinity, is taken next to itself
    safe = np.where(distance[:, None] > 1e-12 * radius, flat, [0.0, 0.0, 1e-12 * radius])
    distance = np.maximum(distance, 1e-12 * radius)
    inside = distance <= radius
    inverse = np.where(inside[:, None], safe * (radius / distance[:, None]) ** 2, safe)
    strength = np.where(inside, radius / distance, 1.0)
    lines, line_weights = _image_lines(
        inverse, np.minimum(distance, radius**2 / distance), radius, q
    )
    if outer == 0:
        lines, line_weights = _without_constant(lines, line_weights, radius, strength)
    images = np.concatenate([flat[:, None], inverse[:, None], lines], axis=1)
    weights = np.empty(images.shape[:2])
    weights[:, 0] = np.where(inside, 1.0, 1.0 + contrast)
    weights[:, 1] = np.where(inside, contrast * strength, 0.0)
    weights[:, 2:] = (contrast * (1.0 - q) * strength)[:, None] * line_weights
    shape = (*points.shape[:-1], images.shape[1])
    return images.reshape(*shape, 3), weights.reshape(shape)


def _image_lines(
    inverse: np.ndarray, depth: np.ndarray, radius: float, q: float
) -> tuple[np.ndarray, np.ndarray]:
    """Points (C, M, 3) and weights (C, M) on the lines of images outwards from `inverse`."""
    parts = _parts_needed(depth / radius)
    rules = {part: _image_rule(q, part) for part in np.unique(parts)}
    most = max((len(t) for t, _ in rules.values()), default=0)
    places = np.repeat(inverse[:, None, :], most, axis=1)
    weights = np.zeros((len(inverse), most))
    for part, (t, weight) in rules.items():
        rows = np.flatnonzero(parts == part)
        places[rows, : len(t)] = inverse[rows, None] / t[:, None]
        weights[rows, : len(t)] = weight / t
    return places, weights


def _without_constant(
    lines: np.ndarray, weights: np.ndarray, radius: float, strength: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Add images far away that take the constant which a contact's other images bring.

    One at the distance D brings 1 / D of its weight; the inverse point `strength` over its own
    distance, which is 1 / radius.
    """
    with np.errstate(divide="ignore"):
        falls = 1.0 / np.linalg.norm(lines, axis=-1)
    constant = 1.0 / radius + strength * np.sum(weights * falls, axis=-1)
    far = FAR * radius * np.array([[0.0, 0.0, 1.0], [0.0, 0.0, -1.0]])
    lines = np.concatenate([lines, np.broadcast_to(far, (len(lines), 2, 3))], axis=1)
    share = -0.5 * constant * FAR * radius / strength
    return lines, np.concatenate([weights, share[:, None], share[:, None]], axis=1)


def _parts_needed(nearness: np.ndarray) -> np.ndarray:
    """Parts of the line of images, from how near (1: at) the contact is to the surface."""
    gap = np.maximum(1.0 - nearness, 2.0 ** (1 - MOST_PARTS))
    return np.clip(np.ceil(1.0 - np.log2(gap)), 1, MOST_PARTS).astype(int)


def _image_rule(q: float, parts: int) -> tuple[np.ndarray, np.ndarray]:
    """Nodes and weights for the integral of t^(q - 1) f(t) over 0 to 1, f smooth up to 1.

    With q = 0 it is that of (f(t) - f(0)) / t, without the weight of f(0).
    """
    node, weight = np.polynomial.legendre.leggauss(PART_NODES)
    if q == 0:
        nodes, weights = [0.25 * (node + 1.0)], [weight / (node + 1.0)]
    else:
        # what few media need takes long to import
        from scipy.special import roots_jacobi

        # the part up to t = 1/2 has the singular weight t^(q - 1) in the rule itself
        singular_node, singular_weight = roots_jacobi(PART_NODES, 0.0, q - 1.0)
        nodes, weights = [0.25 * (singular_node + 1.0)], [0.25**q * singular_weight]
    edges = np.concatenate([1.0 - 0.5 ** np.arange(1, parts + 1), [1.0]])
    for low, high in itertools.pairwise(edges):
        t = 0.5 * (low + high) + 0.5 * (high - low) * node
        nodes.append(t)
        weights.append(0.5 * (high - low) * weight * t ** (q - 1.0))
    return np.concatenate(nodes), np.concatenate(weights)


def series_weights(ratio: float, tolerance: float) -> np.ndarray:
    """Weights w_n with which sum_n w_n f(n) replaces sum_n ratio^n f(n), n = 0, 1, 2 ...

    f(n) is a potential at the distance of n reflections, a mixture of x^n with x in
    [0, 1] (Laplace transform of a Bessel function); so what is wanted is a polynomial near
    1 / (1 - ratio x). For alternating series it is (1 - T(x) / T(1 / ratio)) / (1 - ratio x) with
    the Chebyshev polynomial T of [0, 1] (Cohen, Rodriguez Villegas and Zagier 2000, Exp Math 9:3,
    generalised to any ratio), for others the geometric series. The term n = 0 is exact.

    Parameters
    ----------
    ratio : float
        -1 < ratio < 1.
    tolerance : float
        Largest error of the polynomial, > 0.

    Returns
    -------
    ndarray, shape (M,)

    Raises
    ------
    UsageError
        Where the series needs more than 20,000 terms.
    """
    if ratio == 0.0 or tolerance >= 1.0:
        return np.ones(1)
    if ratio > 0.0:
        count = math.ceil(math.log(tolerance * (1.0 - ratio)) / math.log(ratio)) if ratio < 1 else 0
        if not 0 < count <= MOST_IMAGES:
            raise UsageError(
                f"the images of the slice converge too slowly: {ratio:.9g} per reflection",
                remedy="make one side more conductive, or give a larger tolerance",
            )
        return ratio ** np.arange(count + 1)
    # alternating series: Chebyshev weights (Cohen, Rodriguez Villegas and Zagier 2000) need some 20
    # terms where powers need hundreds
    count = math.ceil(math.acosh(1.0 / tolerance) / math.acosh(abs(2.0 / ratio - 1.0)))
    return np.concatenate([[1.0], ratio * _chebyshev_weights(ratio, count)])


def _chebyshev_weights(ratio: float, count: int) -> np.ndarray:
    """Coefficients of (1 - T(x) / T(1 / ratio)) / (1 - ratio x) for ratio < 0, degree count - 1."""
    shifted = np.polynomial.chebyshev.Chebyshev.basis(count, domain=[0.0, 1.0])
    terms = shifted.convert(kind=np.polynomial.Polynomial, domain=[-1.0, 1.0]).coef
    parts = terms / ratio ** np.arange(count + 1)
    part_sums = np.cumsum(parts)
    return np.asarray(ratio ** np.arange(count) * (1.0 - part_sums[:-1] / part_sums[-1]))


def _merged(heights: np.ndarray, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    keep = weights != 0
    order = np.argsort(heights[keep], kind="stable")
    heights, weights = heights[keep][order], weights[keep][order]
    same = SAME_HEIGHT * np.abs(heights[1:])
    first = np.concatenate([[True], np.diff(heights) > same])
    return heights[first], np.bincount(np.cumsum(first) - 1, weights=weights)

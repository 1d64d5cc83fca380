"""Where to put one cell about an array: random places and turns, and contacts that are too near."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from lfpcli import seeds
from lfpcli.errors import InputError, UsageError, nearest
from lfpcli.forward.contacts import Contacts
from lfpcli.forward.placements import Placements
from lfpcli.forward.potentials import as_contacts, near_contacts
from lfpcli.forward.rotations import axis_rotation, random_rotation
from lfpcli.forward.sources import as_geometry
from lfpcli.forward.transforms import soma_places
from lfpcli.vocabulary import AXES, MEAREC_TURNS, TILT, TURNS

MARGIN = 50.0
"""How far about the contacts places are drawn where no box is given, um."""
_TRIES = 1000
# coordinates of contacts, moved to the cell, that are compared at a time
_BLOCK_POINTS = 200_000

Accept = Callable[[Placements], np.ndarray]


def box_about(contacts: Contacts | ArrayLike, margin: float = MARGIN) -> np.ndarray:
    """Box about the contacts, shape (3, 2): lower and upper end along x, y and z, um."""
    positions = as_contacts(contacts).positions
    return np.column_stack([positions.min(axis=0) - margin, positions.max(axis=0) + margin])


def random_placements(
    count: int,
    box: ArrayLike,
    seed: int,
    *,
    turn: str = "any",
    beta: tuple[float, float] | None = None,
    accept: Accept | None = None,
    number: int = 0,
) -> Placements:
    """Draw places in a box, and turns.

    Each placement has a random stream of its own, so that more placements begin with the same.

    Parameters
    ----------
    count : int
        Number of placements.
    box : array_like, shape (3, 2)
        Lower and upper end along x, y and z, um.
    seed : int
        Seed.
    turn : {'any', 'x', 'y', 'z', 'none'} or str
        Uniform over all orientations, about an axis alone, or none; ``tilt15`` is uniform over
        those that leave the z axis within 15 degrees of where it was. ``norot``, ``xrot``,
        ``yrot``, ``zrot``, ``3drot`` and ``physrot`` are those of MEArec: the same (15 degrees for
        ``physrot``) after a turn by 90 degrees about x, from y to z.
    beta : (float, float), optional
        Places along x follow the beta distribution of these parameters over the box; uniform
        where left out, as along y and z.
    accept : callable, optional
        Says of placements which ones stay, shape (P,) bool; the others are drawn again.
    number : int
        Number of the cell, whose placements have streams of their own.

    Returns
    -------
    Placements

    Raises
    ------
    UsageError
        Where an argument makes no sense.
    InputError
        Where placements are not accepted, however often they are drawn.
    """
    ends = np.asarray(box, dtype=float)
    if ends.shape != (3, 2) or not np.all(np.isfinite(ends)) or np.any(ends[:, 1] < ends[:, 0]):
        raise UsageError(f"box of placements is {ends.tolist()}, expected lower and upper ends")
    if count < 1:
        raise UsageError(f"number of placements is {count}, expected 1 or more")
    upright = np.eye(3)
    if turn in MEAREC_TURNS:
        upright, turn = axis_rotation(np.eye(3)[0], 90.0), MEAREC_TURNS[turn]
    tilt = checked_turn(turn)
    if beta is not None and not all(0 < value < np.inf for value in beta):
        raise UsageError(
            f"beta distribution of {beta[0]:g} and {beta[1]:g}, expected numbers above zero"
        )
    # a stream each: what is drawn again for one leaves the others as they are
    key = () if number == 0 else (number,)
    streams = [seeds.generator(seed, "placement", k, *key) for k in range(count)]
    positions, rotations = np.empty((count, 3)), np.empty((count, 3, 3))
    left = np.arange(count)
    for _ in range(_TRIES):
        for k in left:
            positions[k] = streams[k].uniform(ends[:, 0], ends[:, 1])
            if beta is not None:
                share = streams[k].beta(*beta)
                positions[k, 0] = ends[0, 0] + share * (ends[0, 1] - ends[0, 0])
            rotations[k] = _turned(turn, tilt, streams[k]) @ upright
        if accept is None:
            return Placements(positions, rotations)
        left = left[~accept(Placements(positions[left], rotations[left]))]
        if not len(left):
            return Placements(positions, rotations)
    raise InputError(
        f"{len(left)} of {count} placements are still too near after {_TRIES} draws, or have"
        " another amplitude or shape than wanted",
        remedy="give another box, a smaller distance or a wider range of amplitudes",
    )


def checked_turn(turn: str) -> float | None:
    """Largest angle, degrees, of a turn such as ``tilt15``; None of the others.

    Raises
    ------
    UsageError
        Where there is no such turn.
    """
    if turn in TURNS:
        return None
    try:
        angle = float(turn.removeprefix(TILT))
    except ValueError:
        angle = -1.0
    if not turn.startswith(TILT) or not 0 <= angle <= 180:
        raise UsageError(
            f"unknown turn '{turn}'",
            remedy=nearest(turn, [*TURNS, f"{TILT}15", *MEAREC_TURNS], "turn"),
        )
    return angle


def _turned(turn: str, tilt: float | None, rng: np.random.Generator) -> np.ndarray:
    if turn == "none":
        return np.eye(3)
    if turn in AXES:
        return axis_rotation(np.eye(3)[AXES.index(turn)], rng.uniform(0.0, 360.0))
    if tilt is None:
        return random_rotation(rng)
    # uniform over rotations: the axis is uniform over the cap, where the cosine is uniform, and
    # the cell is turned about it by any angle
    lean = np.degrees(np.arccos(rng.uniform(np.cos(np.radians(tilt)), 1.0)))
    azimuth, spin = rng.uniform(0.0, 360.0, 2)
    up, side = np.eye(3)[2], np.eye(3)[1]
    leant = axis_rotation(up, azimuth) @ axis_rotation(side, lean)
    return np.asarray(leant @ axis_rotation(up, spin))


def near_soma(
    geometry: Any, contacts: Contacts | ArrayLike, placements: Placements, distance: float
) -> np.ndarray:
    """Which placements have a contact nearer to the surface of the soma than `distance`.

    Parameters
    ----------
    geometry : Geometry or geometry-like
        Segments of one cell, um.
    contacts : Contacts or array_like, shape (C, 3)
        um.
    placements : Placements
        P places and turns.
    distance : float
        um; 0 asks for contacts inside the soma.

    Returns
    -------
    ndarray of bool, shape (P,)
    """
    segments = as_geometry(geometry)
    soma = np.flatnonzero(segments.is_soma)
    grown = replace(segments, diam=segments.diam + 2.0 * distance)
    pairs = contacts_inside(grown, contacts, placements)
    near = np.zeros(len(placements), dtype=bool)
    near[pairs["placement"][np.isin(pairs["segment"], soma)]] = True
    return near


def contacts_inside(
    geometry: Any, contacts: Contacts | ArrayLike, placements: Placements
) -> np.ndarray:
    """List the contacts inside a segment of the placed cell.

    Parameters
    ----------
    geometry, contacts, placements
        As in `near_soma`.

    Returns
    -------
    ndarray with fields 'placement', 'contact', 'segment' (int), 'distance' and 'radius' (um)
        The distance is that from the middle line. In order of placements.
    """
    segments, positions = as_geometry(geometry), as_contacts(contacts).positions
    soma = soma_places(segments)[0]
    fields = ("placement", "contact", "segment", "distance", "radius")
    row_type = np.dtype([(name, float if name in fields[3:] else int) for name in fields])
    pairs = [np.empty(0, dtype=row_type)]
    step = max(1, _BLOCK_POINTS // max(len(positions), 1))
    for first in range(0, len(placements), step):
        part = slice(first, first + step)
        # contacts are moved into the frame of the cell, whose tree then needs building once
        offset = positions - placements.positions[part][:, None]
        seen = np.einsum("pcx,pxy->pcy", offset, placements.rotations[part]) + soma
        near = near_contacts(segments, seen.reshape(-1, 3))
        rows = np.empty(len(near), dtype=row_type)
        rows["placement"], rows["contact"] = np.divmod(near["contact"], len(positions))
        rows["placement"] += first
        for name in fields[2:]:
            rows[name] = near[name]
        pairs.append(rows)
    return np.concatenate(pairs)

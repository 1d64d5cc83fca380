"""Extracellular stimulation: the potential that electrodes' currents make at segments.

By reciprocity the potential at a segment from a current through an electrode is what the
electrode would record from that current through the segment, taken as a point in its middle.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from lfpcli.errors import InputError, UsageError
from lfpcli.forward.contacts import Contacts
from lfpcli.forward.grid_medium import GridMedium
from lfpcli.forward.media import Medium
from lfpcli.forward.potentials import TOLERANCE, transfer_matrix
from lfpcli.forward.sources import as_geometry

MIN_DISTANCE = 2.0
"""Least distance between an electrode and a segment's middle, um."""


def stimulation_matrix(
    geometry: Any,
    electrodes: Contacts | ArrayLike,
    *,
    sigma: float | ArrayLike = 0.3,
    medium: Medium | GridMedium | Mapping[str, object] | str | None = "infinite",
    min_distance: float = MIN_DISTANCE,
    quadrature: int | None = None,
    tolerance: float = TOLERANCE,
) -> np.ndarray:
    """Extracellular potential at each segment's middle per unit of current from each electrode.

    Parameters
    ----------
    geometry : Geometry or geometry-like
        N segments, um.
    electrodes : Contacts or array_like, shape (E, 3)
        Points, or faces through which the current leaves evenly, um.
    sigma : float or array_like, shape (3,)
        Conductivity of the tissue, S/m; along x, y and z where it is anisotropic.
    medium : str, mapping or medium, optional
        ``"infinite"``: I / (4 pi sigma r). ``"half-space"``: I / (2 pi sigma r), for electrodes
        on the insulating shank or plane that bounds the tissue, wherever that plane is. Others as
        in `media.as_medium`, with the electrodes where they are.
    min_distance : float
        A middle nearer to (a point of) an electrode than this is taken at this distance, um.
    quadrature : int, optional
        The most points to average a face over; left out, as many as its distance needs.
    tolerance : float
        Error of the images of a medium, as in `potentials.transfer_matrix`.

    Returns
    -------
    ndarray, shape (N, E)
        mV/nA.

    Raises
    ------
    UsageError, InputError
        As `potentials.transfer_matrix`, and where `min_distance` is not above zero.
    """
    if not (math.isfinite(min_distance) and min_distance > 0):
        raise UsageError(f"min_distance is {min_distance:g} um, expected more than 0")
    segments = as_geometry(geometry)
    middles = replace(segments, diam=np.full(len(segments), 2.0 * min_distance))
    bounded = isinstance(medium, str) and medium == "half-space"
    matrix = transfer_matrix(
        middles,
        electrodes,
        method="point",
        sigma=sigma,
        medium=None if bounded else medium,
        quadrature=quadrature,
        tolerance=tolerance,
    )
    return (2.0 if bounded else 1.0) * np.ascontiguousarray(matrix.T)


def stimulation_potential(
    geometry: Any, electrodes: Contacts | ArrayLike, currents: ArrayLike, **options: Any
) -> np.ndarray:
    """Extracellular potential at each segment's middle, the sum over all electrodes.

    Parameters
    ----------
    geometry : Geometry or geometry-like
        N segments, um.
    electrodes : Contacts or array_like, shape (E, 3)
        Points or faces, um.
    currents : array_like, shape (E, T) or (E,)
        Currents out of the electrodes into the tissue, nA. `T` may count the steps of a pulse
        train (`pulses.PulseTrain.steps`) instead of samples.
    **options
        As of `stimulation_matrix`.

    Returns
    -------
    ndarray, shape (N, T)
        mV; T is 1 where each electrode has one current.

    Raises
    ------
    InputError
        Where the currents are not finite or of another number than the electrodes.
    UsageError
        As `stimulation_matrix`.
    """
    matrix = stimulation_matrix(geometry, electrodes, **options)
    try:
        values = np.asarray(currents, dtype=float)
    except (TypeError, ValueError) as error:
        raise InputError("currents of electrodes are not numbers") from error
    if values.ndim not in (1, 2) or len(values) != matrix.shape[1]:
        raise InputError(
            f"currents of electrodes have shape {values.shape}, expected ({matrix.shape[1]}, T)"
        )
    if not np.all(np.isfinite(values)):
        electrode = int(np.argwhere(~np.isfinite(values))[0][0])
        raise InputError(f"current of electrode {electrode} is not finite")
    return np.asarray(matrix @ values.reshape(len(values), -1))

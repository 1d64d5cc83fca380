"""Arrays and turns as MEArec's files and MEAutility's records of probes tell them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from lfpcli.errors import InputError
from lfpcli.forward.rotations import axis_rotation
from lfpcli.io.exchange.contents import plane_axes

NULL = "null"
"""How None is written."""
_PLANES = {"xy": (0, 1), "xz": (0, 2), "yz": (1, 2)}


def euler_angles(rotations: np.ndarray) -> np.ndarray:
    """Angles about the fixed axes x, then y, then z that make rotation matrices.

    Parameters
    ----------
    rotations : ndarray, shape (n, 3, 3)
        Rotation matrices.

    Returns
    -------
    ndarray, shape (n, 3)
        rad.
    """
    about_x = np.arctan2(rotations[:, 2, 1], rotations[:, 2, 2])
    about_y = np.arcsin(np.clip(-rotations[:, 2, 0], -1.0, 1.0))
    about_z = np.arctan2(rotations[:, 1, 0], rotations[:, 0, 0])
    return np.column_stack([about_x, about_y, about_z])


def rotations_of(angles: np.ndarray) -> np.ndarray:
    """The reverse of `euler_angles`.

    Parameters
    ----------
    angles : ndarray, shape (n, 3)
        rad.

    Returns
    -------
    ndarray, shape (n, 3, 3)
        Rotation matrices.
    """
    turns = []
    for row in np.degrees(angles):
        about_x, about_y, about_z = (
            axis_rotation(axis, angle) for axis, angle in zip(np.eye(3), row, strict=True)
        )
        turns.append(about_z @ about_y @ about_x)
    return np.array(turns).reshape(-1, 3, 3)


def electrode_record(
    positions: np.ndarray, parameters: Mapping[str, Any], source: str
) -> dict[str, Any]:
    """MEAutility's record of an array.

    Parameters
    ----------
    positions : ndarray, shape (C, 3)
        um.
    parameters : mapping
        What a signal or templates tell of their array: ``array``, ``shape``, ``half_sides`` (um).
    source : str
        What to call it in messages.

    Raises
    ------
    InputError
        Where `half_sides` are no numbers.
    """
    shape = str(parameters.get("shape", "circle"))
    half_sides = np.ravel(parameters.get("half_sides", 5.0))
    if not half_sides.size or half_sides.dtype.kind not in "fiu":
        raise InputError(
            "attribute 'half_sides' is no number", source=source, remedy="make the file again"
        )
    axes = plane_axes(positions)
    planes = [plane for plane, pair in _PLANES.items() if list(pair) == axes]
    return {
        "electrode_name": str(parameters.get("array", "lfp-array")),
        "description": "contacts of lfp",
        "pos": positions,
        "size": float(half_sides[0]),
        # rectangles have two sides, for which records have one number
        "shape": "square" if shape == "rect" else shape,
        "plane": planes[0] if planes else "yz",
        "type": "wire",
        "sortlist": NULL,
        "center": False,
    }


def record_positions(record: Mapping[str, Any], source: str) -> np.ndarray:
    """Places of the contacts that a record of MEAutility states.

    Contacts are listed, or are columns ``pitch[1]`` apart of rows ``pitch[0]`` apart: ``dim`` says
    the rows and columns, or the rows of each of three columns or more, and ``stagger`` shifts
    every other column, or each by its own. They are centred, and put in the order of ``sortlist``.

    Parameters
    ----------
    record : mapping
        Its keys; what is not stated is left out.
    source : str
        Name of the file, for messages.

    Returns
    -------
    ndarray, shape (C, 3)
        um.

    Raises
    ------
    InputError
        Where it states none.
    """
    try:
        return _positions(record, source)
    except (TypeError, ValueError, IndexError) as error:
        raise InputError(
            f"has electrodes that are no record of MEAutility: {error}",
            source=f"{source}:/info/electrodes",
            remedy="make the templates again with MEArec",
        ) from error


def _positions(record: Mapping[str, Any], source: str) -> np.ndarray:
    if "pos" in record:
        places = np.atleast_2d(np.asarray(record["pos"], float))
    elif "dim" in record:
        places = _columns(record, source)
    else:
        places = np.empty((0, 0))
    if places.ndim != 2 or places.shape[1] not in (2, 3) or not np.all(np.isfinite(places)):
        raise InputError(
            "has electrodes that say neither 'pos' nor 'dim' and 'pitch'",
            source=f"{source}:/info/electrodes",
            remedy="make the templates again with MEArec",
        )
    if places.shape[1] == 2:
        plane = _PLANES.get(str(record.get("plane", "yz")), (1, 2))
        flat, places = places, np.full((len(places), 3), float(record.get("offset", 0.0)))
        places[:, plane] = flat
    if record.get("center", True):
        places = places - places.mean(axis=0)
    if "sortlist" in record:
        ordered = places.copy()
        ordered[np.asarray(record["sortlist"], int)] = places
        places = ordered
    return np.asarray(places)


def _columns(record: Mapping[str, Any], source: str) -> np.ndarray:
    """Contacts in the plane of an array of columns, shape (C, 2)."""
    dim = np.atleast_1d(record["dim"]).astype(int)
    if dim.tolist() == [1]:
        return np.zeros((1, 2))
    if "pitch" not in record:
        raise InputError(
            "has electrodes with 'dim' and no 'pitch'",
            source=f"{source}:/info/electrodes",
            remedy="make the templates again with MEArec",
        )
    along, across = np.broadcast_to(np.asarray(record["pitch"], float), (2,))
    if len(dim) == 1:
        dim = np.repeat(dim, 2)
    rows = np.full(dim[1], dim[0]) if len(dim) == 2 else dim
    stagger = np.asarray(record.get("stagger", 0.0), float)
    if stagger.ndim == 0:
        stagger = np.where(np.arange(len(rows)) % 2, stagger, 0.0)
    elif len(stagger) != len(rows):
        stagger = np.zeros(len(rows))
    columns = []
    for number, count in enumerate(rows):
        heights = along * np.arange(count) + stagger[number]
        columns.append(np.column_stack([np.full(count, across * number), heights]))
    return np.concatenate(columns)

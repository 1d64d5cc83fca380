"""Arrays in ProbeInterface's JSON, in and out."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from lfpcli.errors import InputError
from lfpcli.forward.contacts import Contacts
from lfpcli.io.array_definitions import number
from lfpcli.io.atomic import atomic_output
from lfpcli.io.stream import local_file
from lfpcli.vocabulary import SHAPES

MICROMETRES = {"um": 1.0, "mm": 1e3, "m": 1e6}
FORMAT_VERSION = "0.2.24"


def read_probeinterface(source: str | os.PathLike[str], faces: bool = False) -> Contacts:
    """Read the contacts of all probes of a ProbeInterface file.

    A probe in two dimensions lies in the plane of x and z, its second coordinate along z, where
    ``Probe.to_3d`` of ProbeInterface puts it.

    Parameters
    ----------
    source : path-like
        The file, or ``-`` for standard input.
    faces : bool
        Whether the contacts have the sizes of the file, which must then be one for all, not that
        of points.

    Returns
    -------
    Contacts
        Positions in um, whatever the file's units; normals from the contacts' plane axes.

    Raises
    ------
    InputError
        Where the file is no such description of a probe.
    """
    with local_file(source) as (path, file_name):
        try:
            content = json.loads(path.read_text(encoding="utf-8"))
        except (ValueError, RecursionError) as error:
            line = f":{error.lineno}" if isinstance(error, json.JSONDecodeError) else ""
            raise InputError(
                "is no JSON",
                source=f"{file_name}{line}",
                remedy="write it with probeinterface.write_probeinterface",
            ) from error
    try:
        return _contacts_of(content, Path(file_name).stem, faces)
    except InputError as error:
        raise InputError(error.message, source=file_name, remedy=error.remedy) from error


def write_probeinterface(
    contacts: Contacts, target: str | os.PathLike[str] | None = None, *, force: bool = False
) -> dict[str, Any]:
    """Describe an array as ProbeInterface does.

    Parameters
    ----------
    contacts : Contacts
        The array. Contacts that are points become circles of radius 0.
    target : path-like, optional
        File to write, ``-`` for standard output; nothing is written where left out.
    force : bool
        Whether an existing file is replaced.

    Returns
    -------
    dict
        The content of the file: one probe in three dimensions, in um, wired in its own order.

    Raises
    ------
    OutputError
        Where the file exists or cannot be written.
    """
    first, second = (
        contacts.frames() if contacts.normals is not None else _flat_axes(len(contacts), np.eye(3))
    )
    shape, parameters = _shape_of(contacts)
    probe = {
        "ndim": 3,
        "si_units": "um",
        "annotations": {"model_name": contacts.name, "manufacturer": ""},
        "contact_annotations": {},
        "contact_positions": contacts.positions.tolist(),
        "contact_plane_axes": np.stack([first, second], axis=1).tolist(),
        "contact_shapes": [shape] * len(contacts),
        "contact_shape_params": [parameters] * len(contacts),
        "contact_ids": list(contacts.ids),
        "shank_ids": [""] * len(contacts),
        "device_channel_indices": list(range(len(contacts))),
    }
    content = {"specification": "probeinterface", "version": FORMAT_VERSION, "probes": [probe]}
    if target is not None:
        with atomic_output(target, force=force, binary=False) as path:
            path.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
    return content


def _contacts_of(content: Any, name: str, faces: bool) -> Contacts:
    probes = content.get("probes") if isinstance(content, dict) else None
    if not isinstance(probes, list) or not probes:
        raise InputError(
            "is no ProbeInterface file: it has no 'probes'",
            remedy="write it with probeinterface.write_probeinterface",
        )
    for index, probe in enumerate(probes):
        if not isinstance(probe, dict):
            raise InputError(
                f"probe {index} is no table of keys",
                remedy="write it with probeinterface.write_probeinterface",
            )
    positions, tangents, normals = (
        np.concatenate(part) for part in zip(*map(_placed, probes), strict=True)
    )
    if not len(positions):
        raise InputError("there are no contacts in it", remedy="add contacts to the probe")
    ids: list[str] = []
    for probe in probes:
        ids += map(str, _listed(probe, "contact_ids") or ())
    # ids of several probes may be those of each alone; numbers are used then
    if len(ids) != len(positions) or len(set(ids)) != len(ids):
        ids = []
    radius, half_sides, shape = _face(probes) if faces else (0.0, None, "circle")
    annotations = probes[0].get("annotations")
    notes = annotations if isinstance(annotations, dict) else {}
    stated = notes.get("model_name") or notes.get("name")
    return Contacts(
        positions=positions,
        normals=normals,
        tangents=tangents,
        radius=radius,
        half_sides=half_sides,
        shape=shape,
        name=str(stated or name),
        ids=ids,
    )


def _placed(probe: Mapping[str, Any]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Positions in um, first axes and normals of one probe, each of shape (C, 3)."""
    units = probe.get("si_units", "um")
    if not isinstance(units, str) or units not in MICROMETRES:
        raise InputError(
            f"'si_units' is {units!r}, expected um, mm or m", remedy="write one of these"
        )
    ndim = probe.get("ndim")
    if ndim not in (2, 3):
        raise InputError(f"'ndim' is {ndim!r}, expected 2 or 3", remedy="write one of these")
    # flat probes stand upright, their second coordinate along z
    embed = np.eye(3)[[0, 2]] if ndim == 2 else np.eye(3)
    rows = _array(probe, "contact_positions", (-1, ndim))
    if probe.get("contact_plane_axes") is None:
        first, second = _flat_axes(len(rows), embed)
    else:
        axes = _array(probe, "contact_plane_axes", (len(rows), 2, ndim)) @ embed
        first, second = axes[:, 0], axes[:, 1]
    normals = np.cross(first, second)
    return rows @ embed * MICROMETRES[units], first, normals


def _flat_axes(count: int, embed: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    pair = embed[[0, -1]]
    return np.tile(pair[0], (count, 1)), np.tile(pair[1], (count, 1))


def _face(probes: list[Any]) -> tuple[float, tuple[float, float] | None, str]:
    """Size and shape of all contacts' faces."""
    faces = set()
    for probe in probes:
        shapes = _listed(probe, "contact_shapes") or []
        sizes = _listed(probe, "contact_shape_params") or []
        if len(shapes) != len(sizes):
            raise InputError(
                f"it states {len(shapes)} shapes and {len(sizes)} sizes of contacts",
                remedy="state both for each contact",
            )
        scale = MICROMETRES[probe.get("si_units", "um")]
        faces |= {_extent(*face, scale) for face in zip(shapes, sizes, strict=True)}
    if not faces:
        raise InputError(
            "it states no shapes of contacts",
            remedy="set them with ProbeInterface: probe.set_contacts(shapes=...)",
        )
    if len(faces) > 1:
        raise InputError(
            "its contacts are of unlike shape or size",
            remedy="give one radius for all, or separate arrays",
        )
    shape, first, second = faces.pop()
    return (first, None, shape) if shape != "rect" else (0.0, (first, second), shape)


def _extent(shape: Any, stated: Any, scale: float) -> tuple[str, float, float]:
    """Shape of a face and its half extents along the two axes, um."""
    if shape not in SHAPES or not isinstance(stated, dict):
        raise InputError(
            f"shape of contacts is {shape!r}, expected circle, square or rect",
            remedy="set one of these",
        )
    keys = {"circle": ("radius", "radius"), "square": ("width", "width")}
    sizes = [
        number(stated.get(k), f"'{k}' of contacts") for k in keys.get(shape, ("width", "height"))
    ]
    if min(sizes) <= 0:
        raise InputError(
            f"a size of contacts is {min(sizes):g}, expected more than 0", remedy="set a size in um"
        )
    half = scale if shape == "circle" else 0.5 * scale
    return shape, half * sizes[0], half * sizes[1]


def _shape_of(contacts: Contacts) -> tuple[str, dict[str, float]]:
    if contacts.shape == "circle" or not contacts.has_face:
        return "circle", {"radius": contacts.radius}
    width, height = (2.0 * side for side in contacts.face_half_sides)
    if contacts.shape == "square":
        return "square", {"width": width}
    return "rect", {"width": width, "height": height}


def _listed(probe: Mapping[str, Any], key: str) -> list[Any] | None:
    value = probe.get(key)
    if value is not None and not isinstance(value, list):
        raise InputError(
            f"'{key}' is no list", remedy="write it with probeinterface.write_probeinterface"
        )
    return value


def _array(probe: Mapping[str, Any], key: str, shape: tuple[int, ...]) -> np.ndarray:
    try:
        values = np.asarray(probe.get(key), dtype=float)
    except (TypeError, ValueError, OverflowError):
        raise InputError(
            f"'{key}' does not consist of numbers",
            remedy="write it with probeinterface.write_probeinterface",
        ) from None
    if values.size == 0 and shape[0] == -1:
        return np.empty((0, *shape[1:]))
    fits = values.ndim == len(shape) and all(
        want in (-1, have) for want, have in zip(shape, values.shape, strict=True)
    )
    if not fits or not np.all(np.isfinite(values)):
        wanted = ", ".join("C" if n == -1 else str(n) for n in shape)
        raise InputError(
            f"'{key}' has shape {values.shape}, expected finite ({wanted})",
            remedy="write it with probeinterface.write_probeinterface",
        )
    return values

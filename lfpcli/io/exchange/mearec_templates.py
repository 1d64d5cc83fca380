"""MEArec's files of templates, on which ``mearec gen-recordings`` runs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import h5py
import numpy as np

from lfpcli.errors import InputError
from lfpcli.guarded.hdf5 import CheckedDataset, attribute_number, numbers, whole
from lfpcli.io.exchange.contents import Target
from lfpcli.io.recording import open_hdf5
from lfpcli.io.text import as_text

_AGAIN = "make them again with lfp probe --placements"
MICROVOLT = 1e3
"""1 mV in uV."""
# templates that are turned over at a time
_BLOCK = 1 << 22


def write_templates(source: Path, path: Path, target: Target, *, cell_type: str) -> None:
    """Write the templates of a cell at many places in MEArec's layout.

    The trough of the largest contact is put on the sample of the spike, where MEArec expects it;
    the gap is filled with the value at the end. Rotations become Euler angles about x, y and z.

    Parameters
    ----------
    source : Path
        A file of templates (`lfp probe --placements`).
    path : Path
        The file to write.
    target : Target
        Not used: MEArec keeps single precision.
    cell_type : str
        What to call the cell, by which MEArec tells excitatory from inhibitory ones.

    Raises
    ------
    InputError
        Where the templates do not begin before the spike.
    """
    del target
    with open_hdf5(source) as (file, name), h5py.File(path, "w") as out:
        templates = numbers(file, "templates", name, ndim=3, remedy=_AGAIN)
        source_name = f"{name}:/templates"
        dt = attribute_number(templates, "dt", source_name, remedy=_AGAIN)
        t_start = attribute_number(templates, "t_start", source_name, remedy=_AGAIN)
        if not dt > 0:
            raise InputError(
                f"has a sampling interval of {dt:g} ms", source=source_name, remedy=_AGAIN
            )
        count, contacts, samples = templates.shape
        positions = _table(file, "positions", name, (count, 3))
        rotations = _table(file, "rotations", name, (count, 3, 3))
        # far beyond the samples is as wrong as just beyond
        before = int(min(-t_start / dt, samples) + 1e-9)
        if not 0 < before < samples:
            raise InputError(
                "templates do not begin before the spike",
                source=name,
                remedy="make them with lfp probe --placements N --spike-window 2,5",
            )
        # MEArec counts the samples before and after, without the one at the end
        samples -= 1
        shape = (count, contacts, samples)
        written = out.create_dataset("templates", shape=shape, dtype="f4")
        rows = max(1, _BLOCK // max(int(np.prod(templates.shape[1:])), 1))
        for start in range(0, count, rows):
            block = MICROVOLT * np.asarray(templates[start : start + rows, :, :samples], float)
            if not np.all(np.isfinite(block)):
                raise InputError("holds NaN or infinity", source=source_name, remedy=_AGAIN)
            written[start : start + rows] = np.stack([_aligned(one, before) for one in block])
        out["locations"] = positions
        out["rotations"] = euler_angles(rotations)
        names = np.full(count, cell_type, dtype=object)
        out.create_dataset("celltypes", data=names, dtype=h5py.string_dtype("ascii"))
        info = out.create_group("info")
        params = {
            "dt": dt,
            "cut_out": [before * dt, (samples - before) * dt],
            "drifting": False,
            "n": count,
            "seed": "null",
        }
        for key, value in params.items():
            info[f"params/{key}"] = value
        places = _table(file, "contacts", name, (contacts, 3))
        _write_electrodes(info.create_group("electrodes"), places, templates, source_name)


def _table(file: h5py.File, path: str, name: str, shape: tuple[int, ...]) -> np.ndarray:
    values = whole(numbers(file, path, name, remedy=_AGAIN))
    if values.shape != shape:
        raise InputError(
            f"has shape {values.shape}, expected {shape}", source=f"{name}:/{path}", remedy=_AGAIN
        )
    return values


def _aligned(template: np.ndarray, before: int) -> np.ndarray:
    """A template (C, T) with the trough of its largest contact on a sample."""
    contact = int(np.argmin(template.min(axis=1)))
    shift = before - int(np.argmin(template[contact]))
    aligned = np.roll(template, shift, axis=1)
    if shift > 0:
        aligned[:, :shift] = template[:, :1]
    elif shift < 0:
        aligned[:, shift:] = template[:, -1:]
    return aligned


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


def _write_electrodes(
    group: h5py.Group, positions: np.ndarray, templates: CheckedDataset, source: str
) -> None:
    """The array as MEAutility's record: its positions, in the plane of y and z where it fits."""
    facts = templates.attrs
    size = 5.0
    if "half_sides" in facts:
        half_sides = np.ravel(facts["half_sides"])
        if not half_sides.size or half_sides.dtype.kind not in "fiu":
            raise InputError("attribute 'half_sides' is no number", source=source, remedy=_AGAIN)
        size = float(half_sides[0])
    record: dict[str, Any] = {
        "electrode_name": as_text(facts.get("array", "lfp-array")),
        "description": "contacts of lfp",
        "pos": positions,
        "size": size,
        "shape": as_text(facts.get("shape", "circle")),
        "plane": "yz",
        "type": "wire",
        "sortlist": "null",
        "center": False,
    }
    for key, value in record.items():
        group[key] = value

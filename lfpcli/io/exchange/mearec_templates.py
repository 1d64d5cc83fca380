"""MEArec's files of templates: ours for ``mearec gen-recordings``, and theirs for us."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from lfpcli.errors import InputError
from lfpcli.forward.contacts import Contacts
from lfpcli.forward.placements import Placements
from lfpcli.guarded.hdf5 import CheckedDataset, number, numbers, texts, whole
from lfpcli.guarded.writing import new_hdf5
from lfpcli.io.attributes import as_plain
from lfpcli.io.exchange.contents import Target
from lfpcli.io.exchange.mearec_electrodes import (
    NULL,
    electrode_record,
    euler_angles,
    record_positions,
    rotations_of,
)
from lfpcli.io.recording import open_hdf5
from lfpcli.io.storage import store
from lfpcli.io.templates import TemplateFile, TemplateWriter, open_templates

_AGAIN = "make them again with lfp probe --placements"
MICROVOLT = 1e3
"""1 mV in uV."""
# templates that are turned over at a time
_BLOCK = 1 << 22


def write_templates(source: Path, path: Path, target: Target, *, cell_type: str | None) -> None:
    """Write templates in MEArec's layout; those along paths become drifting ones.

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
    cell_type : str or None
        What to call all cells, by which MEArec tells excitatory from inhibitory ones. None: the
        types that the file names where it has several, else its own name.

    Raises
    ------
    InputError
        Where the templates do not begin before the spike.
    """
    del target
    with open_templates(source) as file, new_hdf5(path) as out:
        templates, dt = file.templates, file.dt
        source_name = f"{file.name}:/templates"
        _, contacts, samples = templates.shape
        # far beyond the samples is as wrong as just beyond
        before = int(min(-file.t_start / dt, samples) + 1e-9)
        if not 0 < before < samples:
            raise InputError(
                "templates do not begin before the spike",
                source=file.name,
                remedy="make them with lfp probe --placements N --spike-window 2,5",
            )
        paths = _paths(file)
        begins = paths[:, 0]
        # MEArec counts the samples before and after, without the one at the end
        samples -= 1
        steps = paths.shape[1:] if paths.shape[1] > 1 else ()
        shape = (len(paths), *steps, contacts, samples)
        written = out.create_dataset("templates", shape=shape, dtype="f4")
        for unit, rows in enumerate(paths):
            block = np.array([templates[int(row), :, :samples] for row in rows], float)
            if not np.all(np.isfinite(block)):
                raise InputError("holds NaN or infinity", source=source_name, remedy=_AGAIN)
            aligned = np.stack([_aligned(MICROVOLT * one, before) for one in block])
            written[unit] = aligned.reshape(shape[1:])
        out["locations"] = file.positions[paths].reshape(len(paths), *steps, 3)
        out["rotations"] = euler_angles(file.rotations[begins])
        names = np.full(len(paths), cell_type or source.stem, dtype=object)
        if cell_type is None and len(set(file.cell_types)) > 1:
            names = np.array(file.cell_types, dtype=object)[begins]
        out.create_dataset("celltypes", data=names, dtype=h5py.string_dtype("ascii"))
        info = out.create_group("info")
        params = {
            "dt": dt,
            "cut_out": [before * dt, (samples - before) * dt],
            "drifting": bool(steps),
            "n": len(paths),
            "seed": "null",
        }
        if steps:
            params["drift_steps"] = steps[0]
        for key, value in params.items():
            info[f"params/{key}"] = value
        for key, value in electrode_record(file.contacts, file.facts, source_name).items():
            info[f"electrodes/{key}"] = value


def _paths(file: TemplateFile) -> np.ndarray:
    """Placements along each path, (U, D); paths of one place where cells do not drift.

    Raises
    ------
    InputError
        Where paths have different numbers of places.
    """
    order = np.lexsort((file.steps, file.units))
    counts = np.unique(file.units, return_counts=True)[1]
    if len(set(counts.tolist())) > 1:
        raise InputError(
            "has paths of different numbers of places, which MEArec's files cannot hold",
            source=file.name,
            remedy="make them with one --path",
        )
    return order.reshape(len(counts), -1)


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


def read_templates(
    source: str | Path, path: Path, label: str, *, provenance: Mapping[str, Any]
) -> None:
    """Write a file of templates of one that ``gen_templates`` of MEArec wrote.

    The sample of the trough becomes the time of the spike; steps of drifting templates become
    places of a path.

    Parameters
    ----------
    source : path-like
        MEArec's file.
    path : Path
        The file to write, see `lfpcli.io.templates`.
    label : str
        What to call the source in messages.
    provenance : mapping
        How the file came to be.

    Raises
    ------
    InputError
        Where the file is not as MEArec writes it.
    """
    with open_hdf5(source, label) as (file, name), TemplateWriter(path, provenance) as writer:
        templates = numbers(file, "templates", name)
        if templates.dataset.ndim not in (3, 4):
            raise _wrong(f"has {templates.dataset.ndim} axes, expected 3 or 4", name, "templates")
        count, *steps, channels, samples = templates.shape
        steps_of_path = steps[0] if steps else 1
        dt, before = _sampling(file, name, samples)
        contacts = record_positions(_record(file, name), name)
        if len(contacts) != channels:
            raise _wrong(f"states {len(contacts)} contacts of {channels}", name, "info/electrodes")
        somata = whole(numbers(file, "locations", name)).reshape(-1, 3)
        if len(somata) != count * steps_of_path:
            raise _wrong(f"has {len(somata)} rows for {count} templates", name, "locations")
        turns = np.repeat(_turns(file, name, count), steps_of_path, axis=0)
        written = writer.begin(
            Placements(somata, turns),
            Contacts(contacts),
            np.zeros(0, [("placement", int)]),
            samples=samples,
            # each template is one spike, cut about its trough
            facts={"dt": dt, "t_start": -before * dt, "spikes": 1, "model": "MEArec"},
        )
        _copy(templates, written)
        types = texts(file, "celltypes", name)
        if len(types) != count:
            raise _wrong(f"has {len(types)} rows for {count} templates", name, "celltypes")
        names = np.repeat(np.array(types, object), steps_of_path)
        store(writer.file, "cell_types", names)
        if steps_of_path > 1:
            writer.paths(count, steps_of_path)


def _copy(templates: CheckedDataset, written: Any) -> None:
    """Copy templates block by block, from uV to mV, a row a step of each path."""
    count = templates.shape[0]
    steps = int(np.prod(templates.shape[1:-2]))
    rows = max(1, _BLOCK // max(int(np.prod(templates.shape[1:])), 1))
    for start in range(0, count, rows):
        block = np.asarray(templates[start : start + rows], float) / MICROVOLT
        block = block.reshape(-1, *templates.shape[-2:])
        written[start * steps : start * steps + len(block)] = block


def _turns(file: Any, name: str, count: int) -> np.ndarray:
    angles = whole(numbers(file, "rotations", name, ndim=2))
    if angles.shape != (count, 3):
        raise _wrong(f"has shape {angles.shape} for {count} templates", name, "rotations")
    return rotations_of(angles)


def _sampling(file: Any, name: str, samples: int) -> tuple[float, int]:
    """Sampling interval, ms, and samples before the trough."""
    dt = number(file, "info/params/dt", name)
    cut = whole(numbers(file, "info/params/cut_out", name)).ravel()
    if not dt > 0 or len(cut) != 2 or not 0 <= cut[0] / dt < samples:
        raise _wrong(f"says a step of {dt:g} and a cut of {cut.tolist()} ms", name, "info/params")
    # MEArec rounds down, but not what 2 / 0.03125 lacks to a whole number
    return dt, int(cut[0] / dt + 1e-9)


def _record(file: Any, name: str) -> dict[str, Any]:
    """MEAutility's record of the probe, without what is not stated."""
    group = file.get("info/electrodes", {})
    values = {}
    for key in group:
        path = f"info/electrodes/{key}"
        if not isinstance(group[key], h5py.Dataset):
            raise _wrong("is no dataset", name, path)
        values[key] = as_plain(CheckedDataset(group[key], f"{name}:/{path}")[()])
    return {key: value for key, value in values.items() if value not in (NULL, [])}


def _wrong(message: str, name: str, path: str) -> InputError:
    return InputError(message, source=f"{name}:/{path}", remedy="make the templates with MEArec")

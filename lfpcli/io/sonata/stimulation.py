"""Files of extracellular stimulation: electrodes and their meshes, waveforms, and COMSOL's fields.

Tables are those of bmtk: text with one space between columns.
"""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from lfpcli.errors import InputError
from lfpcli.io.stream import check_input
from lfpcli.io.text import is_number

# V, s to mV, ms
_MILLI = 1000.0
_TIME = re.compile(r"@\s*t=([-+0-9.eE]+)")
_SHAPES = ("dc", "sin")
_PHASE = np.pi


@dataclass(frozen=True, kw_only=True)
class StimulatingElectrode:
    """One electrode: points that share its current.

    Attributes
    ----------
    position : ndarray, shape (3,)
        um.
    rotation : ndarray, shape (3,)
        Angles about x, y and z, rad.
    mesh : ndarray, shape (P, 3)
        Its points before they are turned and moved, um.
    """

    position: np.ndarray
    rotation: np.ndarray
    mesh: np.ndarray


@dataclass(frozen=True)
class Waveform:
    """An amplitude in time.

    Attributes
    ----------
    times, values : ndarray, shape (K,)
        ms and amplitudes between which it is a straight line; both ends hold beyond them. Empty
        for a shape.
    shape : mapping, optional
        ``shape`` (dc or sin), ``amp``, ``del``, ``dur``, and of a sine ``freq``, ``phase``,
        ``offset``.
    """

    times: np.ndarray
    values: np.ndarray
    shape: Any = None

    def at(self, times: np.ndarray) -> np.ndarray:
        """Amplitudes at times (K,), ms."""
        if self.shape is None:
            return np.asarray(np.interp(times, self.times, self.values))
        begin = self.shape["del"]
        inside = (times > begin) & (times < begin + self.shape["dur"])
        values = np.full(len(times), self.shape["amp"])
        if self.shape["shape"] == "sin":
            angle = 2 * np.pi * (self.shape["freq"] / _MILLI) * times + self.shape["phase"]
            values = self.shape["amp"] * np.sin(angle) + self.shape["offset"]
        return np.where(inside, values, 0.0)

    @property
    def duration(self) -> float:
        """From the first to the last time of a table, ms."""
        return float(self.times[-1] - self.times[0])


@dataclass(frozen=True)
class FieldTable:
    """Potentials at places.

    Attributes
    ----------
    points : ndarray, shape (P, 3)
        um.
    times : ndarray, shape (K,)
        ms; empty where the potentials do not depend on time.
    potentials : ndarray, shape (P, K), or (P, 1) without times
        mV.
    """

    points: np.ndarray
    times: np.ndarray
    potentials: np.ndarray


def read_electrodes(path: Path, meshes: Path | None = None) -> list[StimulatingElectrode]:
    """Read the electrodes of a table: pos_x, pos_y, pos_z, rotation_x, _y, _z, electrode_mesh_file.

    Parameters
    ----------
    path : Path
        The table.
    meshes : Path, optional
        Folder of the meshes; that of the table by default.

    Raises
    ------
    InputError
        Where a column is missing or holds no numbers.
    """
    rows = _rows(path)
    electrodes = []
    for row in rows:
        mesh = np.zeros((1, 3))
        file = row.get("electrode_mesh_file")
        if file:
            folder = path.parent if meshes is None else meshes
            points = _rows(folder / file)
            mesh = _columns(points, ("x_pos", "y_pos", "z_pos"), folder / file)
        numbers = _columns(
            [row],
            ("pos_x", "pos_y", "pos_z", "rotation_x", "rotation_y", "rotation_z"),
            path,
        )[0]
        electrodes.append(
            StimulatingElectrode(position=numbers[:3], rotation=numbers[3:], mesh=mesh)
        )
    return electrodes


def read_waveform(value: Any, path: Path, source: str) -> Waveform:
    """Read an amplitude in time: a table of ``time`` (ms) and ``amplitude``, or a shape.

    Parameters
    ----------
    value : str or mapping
        Name of a .csv or .json file, or what the latter holds.
    path : Path
        The file, where `value` is its name.
    source : str
        The input, for messages.

    Raises
    ------
    InputError
        Where it is neither, or a number of it is missing.
    """
    if isinstance(value, str):
        check_input(path)
        if path.suffix.lower() != ".json":
            table = _columns(_rows(path), ("time", "amplitude"), path)
            if len(table) < 2 or np.any(np.diff(table[:, 0]) <= 0):
                raise InputError(
                    "times do not ascend, or are fewer than two", source=path, remedy="sort them"
                )
            return Waveform(table[:, 0], table[:, 1])
        source = str(path)
        try:
            value = json.loads(path.read_text(encoding="utf-8"))
        except (ValueError, RecursionError) as error:
            raise InputError(f"is no JSON: {error}", source=path, remedy="correct it") from error
    if not isinstance(value, dict) or str(value.get("shape")).lower() not in _SHAPES:
        raise InputError(
            "waveform is neither a table nor a shape",
            source=source,
            remedy='name a .csv file of time and amplitude, or give {"shape": "sin", ...} or "dc"',
        )
    shape: dict[str, Any] = {"shape": str(value["shape"]).lower()}
    wanted = ["amp", "del", "dur", *(["freq"] if shape["shape"] == "sin" else [])]
    for name in wanted:
        shape[name] = _number(value.get(name), name, source)
    shape["phase"] = _number(value.get("phase", _PHASE), "phase", source)
    shape["offset"] = _number(value.get("offset", 0.0), "offset", source)
    return Waveform(np.empty(0), np.empty(0), shape)


def read_comsol(path: Path) -> FieldTable:
    """Read potentials that COMSOL has exported: lines of x, y, z (um) and V, in V or mV.

    Parameters
    ----------
    path : Path
        The text file; its header says the unit, and the times (s) where there are some.

    Raises
    ------
    InputError
        Where it is no such file.
    """
    check_input(path)
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except UnicodeDecodeError as error:
        raise InputError("is no text", source=path, remedy="export it from COMSOL") from error
    headers = [line for line in lines if line.startswith("%")]
    names = headers[-1] if headers else ""
    unit = re.search(r"V\s*\((m?)V\)", names)
    if unit is None:
        raise InputError(
            "has no header that names x, y, z and V (V) or V (mV)",
            source=path,
            remedy="export the electric potential from COMSOL as a text file",
        )
    length = next((line for line in headers if "Length unit" in line), "")
    if length and not length.rstrip().endswith(("µm", "μm", "um")):
        raise InputError(
            f"{length.lstrip('% ').strip()}: lengths are not in um",
            source=path,
            remedy="export with micrometres as unit of length",
        )
    times = np.array([float(text) for text in _TIME.findall(names)]) * _MILLI
    try:
        rows = [line.split() for line in lines if line.strip() and not line.startswith("%")]
        table = np.array(rows, dtype=float)
    except ValueError as error:
        raise InputError(f"is no table: {error}", source=path, remedy="export it again") from error
    columns = max(len(times), 1)
    if table.ndim != 2 or table.shape[1] != 3 + columns:
        raise InputError(
            f"has rows of another length than {3 + columns}", source=path, remedy="export it again"
        )
    if not np.all(np.isfinite(table)):
        raise InputError("holds what is not finite", source=path, remedy="export it again")
    scale = 1.0 if unit[1] else _MILLI
    return FieldTable(table[:, :3], times, scale * table[:, 3:])


def _rows(path: Path) -> list[dict[str, str]]:
    check_input(path)
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
        rows = list(csv.DictReader(lines, delimiter=" ", skipinitialspace=True))
    except (UnicodeDecodeError, csv.Error) as error:
        raise InputError("is no table of text", source=path, remedy="use one space between") from (
            error
        )
    if not rows:
        raise InputError("has no rows", source=path, remedy="see SONATA's description")
    return rows


def _columns(rows: Sequence[dict[str, str]], names: Sequence[str], path: Path) -> np.ndarray:
    """Columns of a table as numbers, shape (rows, names)."""
    for name in names:
        for number, row in enumerate(rows, 2):
            text = row.get(name)
            if text is None or not is_number(text):
                raise InputError(
                    f"column '{name}' holds {text!r}, expected a number",
                    source=f"{path}:{number}",
                    remedy=f"give the columns {', '.join(names)}, one space between",
                )
    return np.array([[float(row[name]) for name in names] for row in rows])


def _number(value: Any, name: str, source: str) -> float:
    if isinstance(value, bool) or not is_number(str(value)):
        raise InputError(
            f"waveform has {name} = {value!r}, expected a number", source=source, remedy="give it"
        )
    return float(value)

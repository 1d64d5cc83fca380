"""Definitions of arrays in MEAutility's YAML layout."""

from __future__ import annotations

import os
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from lfpcli.errors import InputError, LfpWarning, nearest
from lfpcli.forward.contacts import Contacts
from lfpcli.io.stream import local_file
from lfpcli.vocabulary import SHAPES

PLANES = {"xy": (0, 1), "yz": (1, 2), "xz": (0, 2)}
MOST_CONTACTS = 1_000_000
KEYS = (
    *("electrode_name", "description", "type", "dim", "pitch", "stagger", "pos", "plane"),
    *("offset", "center", "sortlist", "size", "shape", "model", "sigma"),
)


def read_definition(source: str | os.PathLike[str], faces: bool = False) -> Contacts:
    """Read an array from a YAML file in MEAutility's layout.

    Either ``dim`` (N for N x N; [rows, columns]; or the number of rows of each of three or more
    columns), ``pitch`` (one, or that of rows and of columns) and ``stagger`` (of every second
    column, or of each) lay out a grid column by column, or ``pos`` lists two or three coordinates
    of each contact. The grid and two coordinates lie in ``plane``, columns along its first axis,
    at ``offset``. Then the mean goes to the origin (unless ``center`` is false) and ``sortlist``
    puts contact i at its i-th entry. ``size`` is a radius, half a side, or two half sides.

    Parameters
    ----------
    source : path-like
        The file.
    faces : bool
        Whether the contacts have their ``size``, not that of points.

    Returns
    -------
    Contacts
        Normals are the plane's first axis x its second.

    Raises
    ------
    InputError
        Where the file is no such definition.
    """
    with local_file(source) as (path, file_name):
        info = _load(path, file_name)
    try:
        return contacts_of(info, default_name=Path(file_name).stem, faces=faces)
    except InputError as error:
        raise InputError(error.message, source=file_name, remedy=error.remedy) from error


def contacts_of(info: Mapping[str, Any], default_name: str = "", faces: bool = False) -> Contacts:
    """Contacts of a definition that is read already; see `read_definition`."""
    for key in info:
        if key not in KEYS:
            remedy = nearest(str(key), KEYS, "key")
            warnings.warn(
                f"key '{key}' of an array is not used; {remedy}", LfpWarning, stacklevel=3
            )
    plane = info.get("plane", "yz")
    if plane not in PLANES:
        raise InputError(f"plane is {plane!r}", remedy=nearest(str(plane), PLANES, "plane"))
    positions = _positions(info, plane)
    if info.get("center", True):
        # MEAutility moves arrays so before it sorts them
        positions = positions - positions.mean(axis=0)
    positions = _sorted(positions, info.get("sortlist"))
    axes = np.eye(3)[list(PLANES[plane])]
    shape = info.get("shape", "square")
    if shape not in SHAPES:
        raise InputError(f"shape is {shape!r}", remedy=nearest(str(shape), SHAPES, "shape"))
    radius, half_sides = _size(info.get("size", 5.0), shape) if faces else (0.0, None)
    return Contacts(
        positions=positions,
        normals=np.cross(*axes),
        tangents=axes[0],
        radius=radius,
        half_sides=half_sides,
        shape=shape,
        name=str(info.get("electrode_name", default_name)),
    )


def _load(path: Path, file_name: str) -> dict[str, Any]:
    import yaml

    try:
        info = yaml.safe_load(path.read_text(encoding="utf-8"))
    except UnicodeDecodeError as error:
        raise InputError(
            "is no YAML: not UTF-8", source=file_name, remedy="save it as UTF-8"
        ) from error
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        source_line = f"{file_name}:{mark.line + 1}" if mark else file_name
        reason = getattr(error, "problem", None) or "not well formed"
        raise InputError(
            f"is no YAML: {reason}", source=source_line, remedy="correct the line"
        ) from error
    except (RecursionError, ValueError) as error:
        raise InputError(
            "is no YAML that describes an array", source=file_name, remedy="see lfp-probe(1)"
        ) from error
    if not isinstance(info, dict):
        raise InputError(
            "is no definition of an array: it holds no keys",
            source=file_name,
            remedy="write its keys, such as pos, see lfp-probe(1)",
        )
    return info


def _positions(info: Mapping[str, Any], plane: str) -> np.ndarray:
    if "pos" in info:
        flat = _listed(info["pos"])
    elif "dim" in info:
        flat = _grid(info)
    else:
        raise InputError("array has neither 'pos' nor 'dim'", remedy="give one of them")
    if flat.shape[1] == 3:
        return flat
    offset = number(info.get("offset", 0.0), "offset")
    positions = np.full((len(flat), 3), offset)
    positions[:, list(PLANES[plane])] = flat
    return positions


def _listed(value: Any) -> np.ndarray:
    """Rows of two or three numbers."""
    rows = value if isinstance(value, list) else [value]
    if rows and not isinstance(rows[0], list):
        rows = [rows]
    if not 0 < len(rows) <= MOST_CONTACTS:
        raise InputError(
            f"'pos' lists {len(rows)} contacts, expected 1 to {MOST_CONTACTS}",
            remedy="list as many, or divide the array",
        )
    width = len(rows[0])
    positions = []
    for index, row in enumerate(rows):
        if not isinstance(row, list) or len(row) != width or width not in (2, 3):
            raise InputError(
                f"'pos' of contact {index} is not two or three numbers, as for all",
                remedy="write x, y, z for each",
            )
        positions.append([number(value, f"'pos' of contact {index}") for value in row])
    return np.array(positions)


def _grid(info: Mapping[str, Any]) -> np.ndarray:
    """Places in the plane, column by column and upwards in each, shape (C, 2)."""
    counts = _rows_of_columns(info["dim"])
    if sum(counts) > MOST_CONTACTS:
        raise InputError(
            f"'dim' makes {sum(counts)} contacts, expected at most {MOST_CONTACTS}",
            remedy="make it smaller",
        )
    if counts == [1]:
        return np.zeros((1, 2))
    pitch = info.get("pitch")
    if pitch is None:
        raise InputError("array has 'dim' and no 'pitch'", remedy="add 'pitch', um")
    pair = pitch if isinstance(pitch, list) else [pitch, pitch]
    if len(pair) != 2:
        raise InputError(
            f"'pitch' has {len(pair)} numbers, expected that of rows and of columns",
            remedy="write two numbers, um",
        )
    of_rows, of_columns = (number(value, "pitch") for value in pair)
    stagger = _stagger(info.get("stagger"), len(counts))
    return np.concatenate(
        [
            np.column_stack([np.full(n, of_columns * k), np.arange(n) * of_rows + stagger[k]])
            for k, n in enumerate(counts)
        ]
    )


def _rows_of_columns(dim: Any) -> list[int]:
    numbers = dim if isinstance(dim, list) else [dim]
    for value in numbers:
        if isinstance(value, bool) or not isinstance(value, int) or not 0 < value <= MOST_CONTACTS:
            raise InputError(
                f"'dim' is {dim!r}, expected whole numbers above 0", remedy="write whole numbers"
            )
    if not isinstance(dim, list):
        return [dim] * dim
    if len(dim) < 2:
        raise InputError(
            f"'dim' is {dim!r}, expected N, or [rows, columns], or rows per column",
            remedy="write one of these",
        )
    # two numbers are rows and columns; more are the rows of each column
    return [numbers[0]] * numbers[1] if len(numbers) == 2 else numbers


def _stagger(value: Any, columns: int) -> list[float]:
    if value is None:
        return [0.0] * columns
    if isinstance(value, list):
        if len(value) != columns:
            raise InputError(
                f"'stagger' has {len(value)} numbers for {columns} columns",
                remedy="write one for each column",
            )
        return [number(item, "stagger") for item in value]
    step = number(value, "stagger")
    return [step * (k % 2) for k in range(columns)]


def _sorted(positions: np.ndarray, order: Any) -> np.ndarray:
    if order is None:
        return positions
    if not isinstance(order, list) or sorted(map(str, order)) != sorted(
        map(str, range(len(positions)))
    ):
        raise InputError(
            f"'sortlist' is no order of the {len(positions)} contacts",
            remedy="name each contact once, from 0",
        )
    out = np.empty_like(positions)
    # the list says where each contact goes, not where it comes from
    out[[int(index) for index in order]] = positions
    return out


def _size(value: Any, shape: str) -> tuple[float, tuple[float, float] | None]:
    if shape != "rect":
        size = number(value, "size")
        if size <= 0:
            raise InputError(
                f"'size' is {size:g} um, expected more than 0",
                remedy="write half a side or a radius, um",
            )
        return size, None
    if not isinstance(value, list) or len(value) != 2:
        raise InputError(
            "'size' of rect contacts is not half a width and half a height",
            remedy="write two numbers, um",
        )
    return 0.0, (number(value[0], "size"), number(value[1], "size"))


def number(value: object, label: str) -> float:
    """`value` as a finite float; an `InputError` that names `label` where it is none."""
    try:
        # YAML reads yes and on as true, which Python takes for 1
        if isinstance(value, (int, float)) and not isinstance(value, bool):
            result = float(value)
            if np.isfinite(result):
                return result
    except OverflowError:
        pass
    raise InputError(
        f"{label} is {str(value)[:40]!r}, expected a finite number", remedy="write a number"
    )

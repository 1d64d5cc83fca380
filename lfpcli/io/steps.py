"""What stimulates from outside, as files: currents of electrodes, or potentials at segments."""

from __future__ import annotations

import os
import re
from pathlib import Path

import numpy as np

from lfpcli.errors import InputError
from lfpcli.io.npz import check_real, read_npy, read_npz
from lfpcli.io.stream import local_file
from lfpcli.io.text import is_number

_SEPARATOR = re.compile(r"[,;\s]+")


def read_currents(source: str | os.PathLike[str], electrodes: int) -> tuple[np.ndarray, np.ndarray]:
    """Read currents of electrodes that hold from one time to the next.

    Parameters
    ----------
    source : path-like
        ``.npy`` (K, 1 + E), ``.npz`` with t (K,) and i (K, E), or a table of text: a line each
        with the time and E currents, separated by commas, semicolons or blanks. A first line
        without numbers, empty lines, and lines that begin with # do not count.
    electrodes : int
        E.

    Returns
    -------
    times : ndarray, shape (K,)
        ms, ascending.
    currents : ndarray, shape (K, E)
        nA.

    Raises
    ------
    InputError
        Where the file is not of that form.
    """
    suffix = Path(source).suffix.lower()
    if suffix == ".npz":
        times, currents = _from_npz(source, "i")
    else:
        table = _from_npy(source) if suffix == ".npy" else _from_text(source)
        times, currents = table[:, 0], table[:, 1:]
    if currents.shape[1] != electrodes:
        raise InputError(
            f"has {currents.shape[1]} currents for {electrodes} electrodes",
            source=source,
            remedy="give t in ms and a current in nA per electrode",
        )
    return _checked(times, currents, source)


def read_series(source: str | os.PathLike[str]) -> tuple[np.ndarray, np.ndarray]:
    """Read a value in time, in a form that `read_currents` takes, with one column.

    Parameters
    ----------
    source : path-like
        The file.

    Returns
    -------
    times : ndarray, shape (K,)
        ms, ascending.
    values : ndarray, shape (K,)
        In the unit of what they are played into.

    Raises
    ------
    InputError
        Where the file is not of that form.
    """
    times, values = read_currents(source, 1)
    return times, values[:, 0]


def read_potentials(source: str | os.PathLike[str], segments: int) -> tuple[np.ndarray, np.ndarray]:
    """Read extracellular potentials that hold from one time to the next.

    Parameters
    ----------
    source : path-like
        ``.npz`` with t (K,) in ms and v (K, N) in mV.
    segments : int
        N, of all cells in the order of their gids.

    Returns
    -------
    times : ndarray, shape (K,)
        ms, ascending.
    potentials : ndarray, shape (K, N)
        mV.

    Raises
    ------
    InputError
        Where the file is not of that form.
    """
    times, potentials = _from_npz(source, "v")
    if potentials.shape[1] != segments:
        raise InputError(
            f"has potentials of {potentials.shape[1]} segments, the model has {segments}",
            source=source,
            remedy=f"give v with shape (times, {segments}), the cells in the order of their gids",
        )
    return _checked(times, potentials, source)


def _from_npz(source: str | os.PathLike[str], name: str) -> tuple[np.ndarray, np.ndarray]:
    arrays = read_npz(source, ("t", name))
    for key in ("t", name):
        if key not in arrays:
            raise InputError(
                f"has no array '{key}'",
                source=source,
                remedy="write t and the currents with numpy.savez",
            )
    times, values = arrays["t"], arrays[name]
    if times.ndim != 1 or values.ndim != 2 or len(times) != len(values):
        raise InputError(
            f"t has shape {times.shape} and {name} {values.shape}, expected (K,) and (K, N)",
            source=source,
            remedy="write arrays of these shapes",
        )
    return times, values


def _from_npy(source: str | os.PathLike[str]) -> np.ndarray:
    table = read_npy(source)
    if table.ndim != 2 or table.shape[1] < 2:
        raise InputError(
            f"has shape {table.shape}, expected (K, 1 + electrodes)",
            source=source,
            remedy="write a time and a current for each electrode in a row",
        )
    return table


def _from_text(source: str | os.PathLike[str]) -> np.ndarray:
    with local_file(source) as (path, name):
        try:
            lines = path.read_text(encoding="utf-8-sig").splitlines()
        except UnicodeDecodeError as error:
            raise InputError("is no text", source=name, remedy="give .csv, .npy or .npz") from error
    filled = []
    for number, line in enumerate(lines, 1):
        if line.strip() and not line.lstrip().startswith("#"):
            filled.append((number, [cell for cell in _SEPARATOR.split(line.strip()) if cell]))
    # a headline
    if filled and not any(is_number(cell) for cell in filled[0][1]):
        del filled[0]
    if not filled:
        raise InputError("holds no currents", source=name, remedy="add a column for each electrode")
    width = len(filled[0][1])
    rows = []
    for number, cells in filled:
        bad = [cell for cell in cells if not is_number(cell)]
        if bad:
            raise InputError(
                f"'{bad[0][:40]}' is no number", source=f"{name}:{number}", remedy="write a number"
            )
        if len(cells) != width or width < 2:
            raise InputError(
                f"{len(cells)} numbers, expected {max(width, 2)}",
                source=f"{name}:{number}",
                remedy="write as many in each line",
            )
        rows.append([float(cell) for cell in cells])
    return np.array(rows)


def _checked(
    times: np.ndarray, values: np.ndarray, source: str | os.PathLike[str]
) -> tuple[np.ndarray, np.ndarray]:
    for label, array in (("times", times), ("values", values)):
        check_real(array, label, source)
    times, values = times.astype(float), values.astype(float)
    if not len(times):
        raise InputError("holds no times", source=source, remedy="add a line for each step")
    late = np.flatnonzero(np.diff(times) <= 0)
    if len(late):
        raise InputError(
            f"times do not ascend: {times[late[0] + 1]:g} ms follows {times[late[0]]:g} ms",
            source=source,
            remedy="sort the lines by time",
        )
    return times, values

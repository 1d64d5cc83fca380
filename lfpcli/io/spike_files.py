"""Files of spike trains: SONATA, .npz, and text of two columns."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import h5py
import numpy as np

from lfpcli.errors import InputError, nearest
from lfpcli.guarded.hdf5 import numbers, open_hdf5, whole
from lfpcli.io import stream
from lfpcli.io.npz import npz_arrays
from lfpcli.io.text import as_text, is_number


def read_spikes(path: Path, population: str | None = None) -> tuple[np.ndarray, np.ndarray]:
    """Read spike trains.

    Parameters
    ----------
    path : Path
        A SONATA file or a recording (HDF5), an .npz with `times` and `ids`, or text of two columns,
        number of the train and time.
    population : str, optional
        Which population of a SONATA file; the only one by default.

    Returns
    -------
    times : ndarray, shape (n,)
        ms, sorted.
    ids : ndarray of int, shape (n,)
        Number of each spike's train.

    Raises
    ------
    InputError
        Where the file holds no spikes.
    """
    stream.check_input(path)
    start = stream.head(path)
    if stream.is_hdf5(start):
        times, ids = _from_sonata(path, population)
    elif start[:2] == b"PK":
        times, ids = _from_npz(path)
    else:
        times, ids = _from_text(path)
    return _checked(path, times, ids)


def _from_sonata(path: Path, population: str | None) -> tuple[np.ndarray, np.ndarray]:
    with open_hdf5(path) as file:
        group = file.get("spikes")
        if not isinstance(group, h5py.Group):
            raise InputError(
                "has no group /spikes", source=path, remedy="give SONATA spikes or a recording"
            )
        # files before version 0.1 of the format have no populations
        if "timestamps" not in group:
            group = group[_population(path, list(group), population)]
        if not isinstance(group, h5py.Group):
            raise InputError(
                "is no group of spikes", source=f"{path}:{group.name}", remedy="see lfp-format(5)"
            )
        times = numbers(group, "timestamps", str(path), ndim=1)
        factor = milliseconds(path, times.attrs.get("units", "ms"))
        ids = numbers(group, "node_ids" if "node_ids" in group else "gids", str(path), ndim=1)
        return whole(times) * factor, whole(ids, np.int64)


def _population(path: Path, names: list[str], wanted: str | None) -> str:
    if wanted in names:
        return str(wanted)
    if len(names) == 1:
        return names[0]
    raise InputError(
        f"has no spikes of '{wanted}'" if names else "holds no population",
        source=path,
        remedy=nearest(str(wanted), names, "population") + "; name it as 'spikes_population'",
    )


def milliseconds(path: Path, unit: Any) -> float:
    """What turns times in a unit that SONATA names into ms."""
    text = as_text(unit)
    factors = {"ms": 1.0, "milliseconds": 1.0, "s": 1000.0, "seconds": 1000.0}
    if text not in factors:
        raise InputError(
            f"times are in '{text}', expected ms or s", source=path, remedy="convert them"
        )
    return factors[text]


def _from_npz(path: Path) -> tuple[np.ndarray, np.ndarray]:
    arrays = npz_arrays(path, str(path))
    for times, ids in (("times", "ids"), ("times", "gids"), ("timestamps", "node_ids")):
        if times in arrays and ids in arrays:
            return arrays[times].read(), arrays[ids].read()
    raise InputError(
        f"holds {', '.join(arrays) or 'nothing'}",
        source=path,
        remedy="give the arrays 'times' and 'ids'",
    )


def _from_text(path: Path) -> tuple[Any, Any]:
    rows: list[tuple[float, float]] = []
    try:
        with path.open(encoding="utf-8") as file:
            for number, line in enumerate(file, 1):
                words = line.partition("#")[0].replace(",", " ").split()
                if not words or (not rows and not is_number(words[0])):
                    continue  # a comment, or a line of headings
                if len(words) < 2 or not all(is_number(word) for word in words[:2]):
                    raise InputError(
                        "expected the number of a train and a time in ms",
                        source=f"{path}:{number}",
                        remedy="give two numbers a line",
                    )
                rows.append((float(words[0]), float(words[1])))
    except UnicodeDecodeError as error:
        raise InputError(
            "is no file of spikes", source=path, remedy="give SONATA, .npz, or two columns of text"
        ) from error
    table = np.array(rows, float).reshape(-1, 2)
    return table[:, 1], table[:, 0]


def _checked(path: Path, times: Any, ids: Any) -> tuple[np.ndarray, np.ndarray]:
    times, ids = np.asarray(times), np.asarray(ids)
    problem = _problem(times, ids)
    if problem:
        raise InputError(
            problem, source=path, remedy="give each spike a time in ms and a train from 0 on"
        )
    order = np.lexsort((ids, times))
    return times[order].astype(float), ids[order].astype(np.int64)


def _problem(times: np.ndarray, ids: np.ndarray) -> str | None:
    """What is wrong with times and trains, None where they are right."""
    if times.ndim != 1 or times.shape != ids.shape:
        return f"has times of shape {times.shape} and trains of shape {ids.shape}"
    if times.dtype.kind not in "fiu" or ids.dtype.kind not in "fiu":
        return "has times or trains that are no numbers"
    if not np.all(np.isfinite(times)):
        return "has times that are not finite"
    if not np.all(np.isfinite(ids)) or np.any(ids < 0) or np.any(ids != np.floor(ids)):
        return "has numbers of trains that are no whole numbers >= 0"
    if len(ids) and ids.max() >= 2**62:
        return "has numbers of trains beyond 2**62"
    return None

"""Files of spike trains: SONATA, .npz, and text of columns."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from lfpcli.errors import InputError, nearest
from lfpcli.guarded.hdf5 import numbers, open_hdf5, whole
from lfpcli.guarded.signature import is_hdf5
from lfpcli.io import stream
from lfpcli.io.npz import npz_arrays, read_npy
from lfpcli.io.text import as_text, is_number

# headings of the columns of text, as simulators write them
_TIMES = (
    *("time", "times", "t", "timestamp", "timestamps"),
    *("spike_time", "spike_times", "spiketime", "spiketimes"),
)
_IDS = (
    *("gid", "gids", "id", "ids", "node_id", "node_ids", "neuron", "neuron_id"),
    *("cell", "cell_id", "sender", "senders", "train", "index", "unit", "unit_id"),
)
_POPULATIONS = ("population", "populations", "pop")
_UNITS = {
    "ms": 1.0,
    "msec": 1.0,
    "milliseconds": 1.0,
    "s": 1000.0,
    "sec": 1000.0,
    "seconds": 1000.0,
    "us": 1e-3,
    "usec": 1e-3,
    "microseconds": 1e-3,
}
# time_ms, time (ms), time[ms], time/ms
_UNIT = re.compile(
    r"(?P<name>.*?)(?:_(?P<suffix>m?s|m?sec|us|usec|(milli|micro)?seconds)"
    r"|\s*[(\[]\s*(?P<unit>\w+)\s*[)\]]|\s*/\s*(?P<over>\w+))?"
)
_ARTICLES = {"time": "a time", "id": "an id", "population": "a population"}
# a column that tables get from pandas, and no id where there is one
_ROW_NUMBER = "index"
# beyond it neighbouring whole numbers are one in double precision
LARGEST_ID = 2**53


def read_spikes(path: Path, population: str | None = None) -> tuple[np.ndarray, np.ndarray]:
    """Read spike trains.

    Parameters
    ----------
    path : Path
        A SONATA file or a recording (HDF5), an .npz with `times` and `ids`, or text. Columns of
        text are known by their headings; without, they are the id and the time.
    population : str, optional
        Which population of a file that names some; the only one by default.

    Returns
    -------
    times : ndarray, shape (n,)
        ms, sorted.
    ids : ndarray of int, shape (n,)
        Id of each spike's train.

    Raises
    ------
    InputError
        Where the file holds no spikes.
    """
    stream.check_input(path)
    start = stream.head(path)
    if is_hdf5(path):
        times, ids = _from_sonata(path, population)
    elif start[:2] == b"PK":
        times, ids = _from_npz(path)
    else:
        times, ids = _from_text(path, population)
    return _checked(path, times, ids)


def read_ids(path: Path) -> np.ndarray:
    """Read a list of ids.

    Parameters
    ----------
    path : Path
        A .npy file, or text of whole numbers; what follows a # does not count.

    Returns
    -------
    ndarray of int, shape (n,)

    Raises
    ------
    InputError
        Where the file holds no such list.
    """
    if path.suffix == ".npy":
        values = read_npy(path).ravel()
    else:
        lines = _lines(path, "is no list of ids", "give .npy or text")
        words = _words(" ".join(line for _, line in lines))
        wrong = [word for word in words if not is_number(word)]
        if wrong:
            raise InputError(
                f"'{wrong[0][:40]}' is no id", source=path, remedy="give whole numbers"
            )
        values = np.array([float(word) for word in words])
    if not len(values) or np.any(values < 0) or np.any(values != np.floor(values)):
        raise InputError(
            "holds no whole numbers >= 0", source=path, remedy="give the id of each train, in order"
        )
    return values.astype(np.int64)


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


def milliseconds(source: object, unit: Any) -> float:
    """What turns times in a unit that a file names into ms."""
    text = as_text(unit)
    if text not in _UNITS:
        raise InputError(
            f"times are in '{text}', expected ms or s", source=source, remedy="convert them"
        )
    return _UNITS[text]


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


@dataclass(frozen=True, kw_only=True)
class _Columns:
    """What the columns of a text are: numbers of columns, and ms per unit of time.

    `count` is the number of headings, None without headings.
    """

    id: int = 0
    time: int = 1
    population: int | None = None
    factor: float = 1.0
    count: int | None = None

    @property
    def last(self) -> int:
        return max(self.id, self.time, self.population or 0)


def _from_text(path: Path, population: str | None) -> tuple[Any, Any]:
    columns = _Columns()
    rows: list[tuple[str, str, str]] = []
    names: dict[str, None] = {}
    for number, line in _lines(
        path, "is no file of spikes", "give SONATA, .npz, or columns of text"
    ):
        words = _words(line)
        # a line of separators alone has no words
        if not rows and not (words and is_number(words[0])):
            columns = _headings(f"{path}:{number}", line)
            continue
        _check_separators(f"{path}:{number}", line)
        _check_words(words, columns, f"{path}:{number}")
        name = "" if columns.population is None else words[columns.population]
        names[name] = None
        rows.append((words[columns.id], words[columns.time], name))
    if columns.population is not None:
        wanted = _population(path, list(names), population)
        rows = [row for row in rows if row[2] == wanted]
    ids = np.array([float(row[0]) for row in rows])
    return np.array([float(row[1]) for row in rows]) * columns.factor, ids


def _check_words(words: list[str], columns: _Columns, source: str) -> None:
    """Raise `InputError` where a line does not hold a spike."""
    if columns.count is None and len(words) > 2:
        raise InputError(
            f"{len(words)} columns without headings",
            source=source,
            remedy="put a line of headings first, such as 'gid,time,weight'",
        )
    if len(words) <= columns.last or not is_number(words[columns.time]):
        raise InputError(
            "expected the number of a train and a time in ms",
            source=source,
            remedy="give two numbers a line, or a line of headings first",
        )
    if not is_number(words[columns.id]):
        raise InputError(
            f"'{words[columns.id][:40]}' is no number of a train",
            source=source,
            remedy="give a whole number",
        )


def _lines(path: Path, fault: str, remedy: str) -> list[tuple[int, str]]:
    """Lines that hold more than a comment, with their numbers.

    A comment that consists of headings is a line of headings, as NumPy writes it.
    """
    try:
        # a byte order mark, as spreadsheets write it, is no part of the first heading
        text = path.read_text(encoding="utf-8-sig").splitlines()
    except UnicodeDecodeError as error:
        raise InputError(f"{fault}: its text is not UTF-8", source=path, remedy=remedy) from error
    except OSError as error:
        raise InputError(
            f"cannot be read: {error.strerror or error}", source=path, remedy=remedy
        ) from error
    lines: list[tuple[int, str]] = []
    for number, line in enumerate(text, 1):
        content, _, comment = line.partition("#")
        if not content.strip() and not lines and _is_headings(comment):
            content = comment
        if content.strip():
            lines.append((number, content.strip()))
    return lines


def _is_headings(text: str) -> bool:
    known = (*_TIMES, *_IDS, *_POPULATIONS)
    words = [_named(word)[0] for word in _heading_words(text)]
    return len(words) > 1 and all(word in known for word in words)


def _words(line: str) -> list[str]:
    return [word for word in re.split(r"[\s,;\"']+", line.strip()) if word]


def _check_separators(source: str, line: str) -> None:
    """Refuse decimal commas, whose digits would be columns of their own."""
    if re.search(r"\d,\d", line) and re.search(r";|\d[ \t]+\d", line):
        raise InputError(
            f"'{line[:40]}' has decimal commas", source=source, remedy="write decimal points"
        )


def _heading_words(line: str) -> list[str]:
    """Headings of a line: between commas, semicolons or tabs where there are any, else blanks."""
    separator = r"[,;\t]" if re.search(r"[,;\t]", line.strip()) else r"\s+(?![(\[])"
    return [word.strip().strip("\"'") for word in re.split(separator, line.strip())]


def _named(heading: str) -> tuple[str, str | None]:
    """Name and unit of a heading such as ``time_ms`` or ``Time (s)``."""
    form = _UNIT.fullmatch(heading.strip().lower())
    if form is None:
        return heading.lower(), None
    name = form["name"].strip().replace(" ", "_")
    return name, form["suffix"] or form["unit"] or form["over"]


def _headings(source: str, line: str) -> _Columns:
    words = _heading_words(line)
    named = [_named(word) for word in words]
    if sum(name in _IDS for name, _ in named) > 1:
        named = [("", None) if name == _ROW_NUMBER else (name, unit) for name, unit in named]
    places: dict[str, int] = {}
    factor = 1.0
    for k, (name, unit) in enumerate(named):
        for column, known in (("time", _TIMES), ("id", _IDS), ("population", _POPULATIONS)):
            if name not in known:
                continue
            if column in places:
                raise InputError(
                    f"the headings {words[places[column]]} and {words[k]} are both that of "
                    f"{_ARTICLES[column]}",
                    source=source,
                    remedy="leave one of the columns out",
                )
            places[column] = k
            if column == "time":
                factor = milliseconds(source, unit or "ms")
    if "time" not in places or "id" not in places:
        missing = _ARTICLES["time" if "time" not in places else "id"]
        raise InputError(
            f"none of the headings {', '.join(words)[:80]} is that of {missing}",
            source=source,
            remedy="name the columns gid and time, as in 'gid,time'",
        )
    return _Columns(factor=factor, count=len(words), **places)


def _checked(path: Path, times: Any, ids: Any) -> tuple[np.ndarray, np.ndarray]:
    times, ids = np.asarray(times), np.asarray(ids)
    problem = _problem(times, ids)
    if problem:
        raise InputError(
            problem,
            source=path,
            remedy="give each spike an id from 0 on and a time in ms, in this order or under a "
            "line of headings such as 'time,gid'",
        )
    # equal times come by train, so that the order does not depend on that of the file
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
    if len(ids) and ids.max() >= LARGEST_ID:
        return "has numbers of trains beyond 2**53"
    return None

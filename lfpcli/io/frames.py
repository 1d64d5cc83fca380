"""Names of the columns of what a recording holds, and tables of pandas."""

from __future__ import annotations

import importlib.util
from collections.abc import Sequence
from typing import Any

import numpy as np

from lfpcli.errors import MissingDependencyError


def segment_names(
    cells: np.ndarray, sections: np.ndarray, x: np.ndarray, section_names: Sequence[str] | None
) -> list[str]:
    """Names of segments, such as ``3.dend[0](0.5)``.

    Parameters
    ----------
    cells : ndarray of int, shape (C,)
        The cell of each segment.
    sections : ndarray of int, shape (C,)
        The number of its section.
    x : ndarray, shape (C,)
        Its place along the section, 0 to 1.
    section_names : sequence of str, optional
        Names of the sections, where they are known.
    """
    names = []
    for gid, section, along in zip(cells.tolist(), sections.tolist(), x.tolist(), strict=True):
        name = f"section {section}" if section_names is None else section_names[section]
        names.append(f"{gid}.{name}({along:g})")
    return names


def frame(samples: np.ndarray, times: np.ndarray, columns: Sequence[str], units: str) -> Any:
    """A ``pandas.DataFrame`` of samples (T, C) at times (T,), ms.

    Parameters
    ----------
    samples : ndarray, shape (T, C)
        In `units`.
    times : ndarray, shape (T,)
        ms.
    columns : sequence of str
        Names of the channels.
    units : str
        Kept in ``attrs``.

    Raises
    ------
    MissingDependencyError
        Where pandas is not installed.
    """
    if importlib.util.find_spec("pandas") is None:
        raise MissingDependencyError(
            "tables need the package pandas", remedy="pip install 'lfpcli[frames]'"
        )
    import pandas

    index = pandas.Index(times, name="time")
    table = pandas.DataFrame(samples, index=index, columns=pandas.Index(columns, name="channel"))
    table.attrs["units"] = units
    return table

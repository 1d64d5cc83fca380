"""Whose share of a signal a dataset holds: that of all cells, a population, a cell, a current."""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import Any

from lfpcli.errors import InputError, nearest
from lfpcli.io.text import as_text
from lfpcli.vocabulary import CURRENT, GROUPS, SHARES, TOTAL

SHARE = "share"
"""Attribute that says it."""

_POPULATION, _CELL = GROUPS[1:]
_GID = re.compile(r"^(?:.*\D)?(\d+)$")
# names that shares of kinds of current had in files without the attribute
_CURRENTS = ("ipas", "icap", "isyn_e", "isyn_i")


def share_of(value: Any, name: str, populations: Collection[str], source: str) -> str:
    """Return whose share a group is.

    Parameters
    ----------
    value : object
        Its attribute, None where it has none; then the name tells, as well as it can.
    name : str
        Name of the group.
    populations : collection of str
        Names of the populations of the recording.
    source : str
        The dataset, for messages.

    Returns
    -------
    {'total', 'population', 'cell', 'current', 'group', 'projection'}

    Raises
    ------
    InputError
        Where the attribute is none of these, or a cell's group is not named by its gid.
    """
    if value is None:
        return _guess(name, populations)
    share = as_text(value)
    if share not in SHARES:
        raise InputError(
            f"attribute '{SHARE}' is '{share}'",
            source=source,
            remedy=nearest(share, SHARES, "share"),
        )
    if share == _CELL and not _GID.match(name):
        raise InputError(
            f"share of a cell, but '{name}' is no gid",
            source=source,
            remedy="name the share by the number of the cell",
        )
    return share


def _guess(name: str, populations: Collection[str]) -> str:
    if name == TOTAL:
        return TOTAL
    if name in populations:
        return _POPULATION
    if name in _CURRENTS:
        return CURRENT
    return _CELL if _GID.match(name) else _POPULATION


def gid_of(name: str) -> int:
    """Gid of the cell whose share a group of that name holds."""
    match = _GID.match(name)
    assert match is not None, name
    return int(match[1])

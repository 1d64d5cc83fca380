"""What to tell of a mechanism that a model needs and NEURON does not have."""

from __future__ import annotations

import os
from collections.abc import Iterable
from itertools import islice
from pathlib import Path

from lfpcli.errors import InputError, SimulatorError, nearest
from lfpcli.runtime.cell.points import density_mechanism_names, point_process_names
from lfpcli.runtime.mechanisms.sources import read_mod

# a model's folder is searched, a home folder that happens to hold it is not
_MOST_FILES = 400


def find_mod_near(name: str, folders: Iterable[str | os.PathLike[str]]) -> Path | None:
    """Find a .mod file that defines a mechanism.

    Parameters
    ----------
    name : str
        Name of the mechanism.
    folders : iterable of path-like
        Searched with the folders in them, two deep.

    Returns
    -------
    Path or None
        The file.
    """
    for folder in folders:
        for pattern in ("*.mod", "*/*.mod", "*/*/*.mod"):
            for path in islice(sorted(Path(folder).glob(pattern)), _MOST_FILES):
                try:
                    file = read_mod(path)
                except InputError:
                    continue  # what is no mechanism defines none
                if file.name == name:
                    return path
    return None


def missing_mechanism_error(
    name: str, section: str | None = None, folders: Iterable[str | os.PathLike[str]] = ()
) -> SimulatorError:
    """Make the error for a mechanism that a model needs and NEURON does not have.

    Parameters
    ----------
    name : str
        Name of the mechanism.
    section : str, optional
        Where it was to be inserted.
    folders : iterable of path-like
        Where a .mod file may lie.
    """
    of_section = f" in {section}" if section else ""
    mod = find_mod_near(name, folders)
    if mod is not None:
        remedy = f"{mod} defines it: add that file or its folder to 'mechanisms' in [run]"
    else:
        remedy = nearest(name, [*density_mechanism_names(), *point_process_names()], "mechanism")
        remedy += "; or name the folder of its .mod file in 'mechanisms' in [run]"
    return SimulatorError(f"unknown mechanism '{name}'{of_section}", remedy=remedy)

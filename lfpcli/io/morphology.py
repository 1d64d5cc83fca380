"""Writing morphologies to files, in the format that a suffix asks for."""

from __future__ import annotations

import os
import warnings
from collections.abc import Sequence
from pathlib import Path

from lfpcli.errors import LfpWarning, UsageError
from lfpcli.io.atomic import atomic_output
from lfpcli.morphology.hdf5 import write_hdf5
from lfpcli.morphology.losses import has_cable_of_its_own, losses
from lfpcli.morphology.swc import swc_text
from lfpcli.morphology.tree import Morphology

FORMATS = {".swc": "swc", ".h5": "h5", ".hdf5": "h5"}


def format_of(target: str | os.PathLike[str]) -> str:
    """Return the format that a file's suffix asks for; SWC on standard output.

    Raises
    ------
    UsageError
        Where no format has that suffix.
    """
    if str(target) == "-":
        return "swc"
    suffix = Path(target).suffix.lower()
    if suffix not in FORMATS:
        raise UsageError(
            f"cannot write a morphology as '{suffix or Path(target).name}'",
            remedy=f"use one of {', '.join(FORMATS)}",
        )
    return FORMATS[suffix]


def write_morphology(
    morphology: Morphology,
    target: str | os.PathLike[str],
    *,
    comments: Sequence[str] = (),
    force: bool = False,
) -> None:
    """Write a morphology in the format that the suffix asks for; what it cannot hold is told.

    Parameters
    ----------
    morphology : Morphology
        The cell.
    target : path-like
        A .swc or .h5 file, or ``-`` for SWC on standard output.
    comments : sequence of str
        Lines for the head of an SWC file, without ``#``.
    force : bool
        Whether an existing file is replaced.

    Raises
    ------
    OutputError
        Where it cannot be written.
    """
    file_format = format_of(target)
    with atomic_output(target, force=force, binary=file_format == "h5") as path:
        if file_format == "h5":
            write_hdf5(morphology, path)
        else:
            path.write_text(swc_text(morphology, comments), encoding="utf-8")
    lost = [] if file_format == "h5" else losses(morphology)
    if morphology.biophysics is not None:
        lost.append("the biophysics of the cell is left out")
    elif has_cable_of_its_own(morphology):
        lost.append("Ra and cm of its sections are left out")
    for loss in lost:
        note = f"a file of points cannot hold all: {loss} [{target}]"
        warnings.warn(note, LfpWarning, stacklevel=2)

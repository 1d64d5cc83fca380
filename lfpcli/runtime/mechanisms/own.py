"""Mechanisms that ship with the program, and are compiled with those of a model that uses them."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from pathlib import Path

from lfpcli.runtime.mechanisms.sources import find_sources

_FOLDER = Path(__file__).with_name("own")
OWN_NAMES = tuple(sorted(path.stem for path in _FOLDER.glob("*.mod")))
"""Names of the point processes; each file has the name of what it defines."""
GAP = "LfpGap"
"""One side of a gap junction."""
INTEGRATOR = "LfpIntFire1"
"""NEURON's IntFire1, which CoreNEURON has not."""
# of few circuits, so that other models need not wait for them to be compiled
_RARE = ("MembraneClamp", "ResistorClamp", INTEGRATOR)


def with_own(paths: Iterable[Path], used: Collection[str]) -> list[Path]:
    """Files to compile for a model: its own, and those that ship where it uses some of them.

    Parameters
    ----------
    paths : iterable of Path
        Folders of .mod files, and .mod files, of the model.
    used : collection of str
        Names of point processes that the model uses.

    Returns
    -------
    list of Path
        Where the model itself defines a mechanism of a shipped one's name, its own counts.
    """
    files = list(paths)
    if set(used) & set(OWN_NAMES):
        defined = {file.name for file in find_sources(files)}
        common = [name for name in OWN_NAMES if name not in _RARE]
        wanted = [name for name in _RARE if name in used]
        if set(used) & set(common):
            wanted += common
        files += [_FOLDER / f"{name}.mod" for name in sorted(wanted) if name not in defined]
    return files

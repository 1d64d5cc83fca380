"""Biophysics of a NeuroML file given to a cell whose morphology stands elsewhere.

The cells of the Allen Institute in circuits of bmtk are so: an SWC file, and a NeuroML file that
speaks of its soma, axon, dend and apic.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from lfpcli.morphology.biophysics import Biophysics
from lfpcli.runtime.hoc.allen import replace_axon
from lfpcli.runtime.morphology.biophysics import apply_biophysics
from lfpcli.runtime.protocols import NamedSections


def neuroml_hook(
    biophysics: Biophysics, folders: Sequence[Path] = ()
) -> Callable[[NamedSections], object]:
    """Make a function of a cell that replaces its axon and gives it a file's biophysics.

    Parameters
    ----------
    biophysics : Biophysics
        What the file says.
    folders : sequence of Path
        Where the .mod file of a missing mechanism may lie.

    Returns
    -------
    callable
        To be called with a `Cell` before its segments are numbered. The axon becomes two sections
        of 30 by 1 um at the middle of the soma, as in the perisomatic models that these files
        describe.
    """

    def call(cell: NamedSections) -> None:
        cell.sections, cell.names = replace_axon(cell.sections, cell.names, all_active=False)
        apply_biophysics(cell.sections, cell.names, biophysics, folders)

    return call

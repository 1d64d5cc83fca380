"""A commented model for a morphology, to begin with."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np

from lfpcli.builtin import is_builtin
from lfpcli.errors import InputError
from lfpcli.io.atomic import atomic_output
from lfpcli.io.stream import STDIN
from lfpcli.morphology.tree import Morphology
from lfpcli.runtime.morphology.reading import read_morphology

# um, from the axis of the cell to the contacts beside it
_BESIDE = 30.0
_SPACING = 50.0
_MOST_GAPS = 15

_HEAD = """\
# A model of {name}: {sections} sections ({types}), {extent}.
#   lfp sim {output} -o out.h5
#   lfp plot out.h5 -o out.png
# Every key is told by lfp-model(5), 'lfp help model'; '--set a.b.c=value' changes one for a run.

[run]
tstop = 100.0              # ms
dt = 0.025                 # ms
v_init = -65.0             # mV
celsius = 6.3              # degrees C; hh was measured here, rates grow threefold per 10 degrees
seed = 1                   # of all that is drawn below

[cell.{name}]
morphology = "{morphology}"
Ra = 150.0                 # ohm cm
cm = 1.0                   # uF/cm2
# lambda rule: no segment longer than 0.1 length constants at 100 Hz
nseg = {{rule = "d_lambda", d_lambda = 0.1, frequency = 100.0}}

[[cell.{name}.mechanism]]
name = "pas"               # leak everywhere
g = 1e-4                   # S/cm2
e = -65.0                  # mV

[[cell.{name}.mechanism]]
name = "hh"                # spikes
sections = {active}

[[input]]                  # excitation, each synapse with a train of its own
synapse = {{type = "Exp2Syn", tau1 = 0.2, tau2 = 1.8, e = 0.0}}
weight = 0.001             # uS
count = 100
location = {{sections = {targets}}}
source = {{poisson = 10.0}}  # Hz

# take away the '# ' of these lines for a current into the cell:
# [[stimulus]]
# type = "IClamp"
# delay = 10.0             # ms
# dur = 80.0               # ms
# amp = 0.5                # nA
# location = {{section = "{root}", x = 0.5}}

[[probe]]                  # contacts beside the cell, {beside:g} um from its soma
name = "LFP"
contacts = [
{contacts}
]
sigma = 0.3                # S/m
method = "line"            # segments are line sources; "soma-point", "point"

[record]
vmem = "soma"              # or "all", "none"
dipole = "total"           # current dipole moment, for lfp eeg and lfp meg
# imem = true              # membrane currents of all segments, for lfp probe later
"""


def starter_model(source: str | os.PathLike[str], output: str | os.PathLike[str]) -> str:
    """Return the text of a commented model of one cell.

    Parameters
    ----------
    source : path-like
        The morphology, or the name of one that ships.
    output : path-like
        File that the model will be in; the morphology is named relative to it.

    Raises
    ------
    InputError
        Where the morphology cannot be read, or is standard input.
    """
    if str(source) == STDIN:
        raise InputError(
            "a model names its morphology's file", source="standard input", remedy="name a file"
        )
    morphology = read_morphology(source)
    types = _types(morphology)
    # cells without any would be passive, and the model without a spike
    active = [name for name in types if name in ("soma", "axon")] or ["all"]
    targets = [name for name in types if name in ("dend", "apic")] or ["all"]
    low, high = _bounds(morphology)
    rows = [f"    [{x:.1f}, {y:.1f}, {z:.1f}]," for x, y, z in _contacts(low, high)]
    return _HEAD.format(
        name=_table_name(source),
        sections=len(morphology.sections),
        types=", ".join(types),
        extent=f"{high[0] - low[0]:.0f} x {high[1] - low[1]:.0f} x {high[2] - low[2]:.0f} um",
        output="model.toml" if str(output) == STDIN else Path(output).name,
        morphology=_reference(source, output),
        active=_list(active),
        targets=_list(targets),
        root=morphology.sections[0].name,
        beside=_BESIDE,
        contacts="\n".join(rows),
    )


def write_starter_model(
    source: str | os.PathLike[str], output: str | os.PathLike[str], *, force: bool = False
) -> None:
    """Write the text of `starter_model` to a file, or to standard output as ``-``."""
    text = starter_model(source, output)
    with atomic_output(output, force=force, binary=False) as path:
        path.write_text(text, encoding="utf-8")


def _table_name(source: str | os.PathLike[str]) -> str:
    """Name of the cell: that of the file, of letters that a bare key may have."""
    stem = Path(str(source).removeprefix("builtin:")).stem
    name = "".join(c if c.isascii() and (c.isalnum() or c in "_-") else "_" for c in stem)
    return name or "cell"


def _reference(source: str | os.PathLike[str], output: str | os.PathLike[str]) -> str:
    if is_builtin(source):
        return str(source)
    folder = Path.cwd() if str(output) == STDIN else Path(output).absolute().parent
    return Path(os.path.relpath(Path(source).absolute(), folder)).as_posix()


def _list(names: list[str]) -> str:
    return "[" + ", ".join(f'"{name}"' for name in names) + "]"


def _types(morphology: Morphology) -> list[str]:
    """Types of its sections in their order, each once."""
    names = [section.name.partition("[")[0] for section in morphology.sections]
    return list(dict.fromkeys(names))


def _bounds(morphology: Morphology) -> tuple[np.ndarray, np.ndarray]:
    """Lowest and highest coordinates about the soma, which a model puts at 0; (3,) each, um."""
    places = morphology.points[:, :3] - morphology.middle_of_soma
    return places.min(axis=0), places.max(axis=0)


def _contacts(low: np.ndarray, high: np.ndarray) -> np.ndarray:
    """Contacts beside the soma along the longer of the y and z extents, shape (C, 3), um."""
    axis = 1 + int(np.argmax((high - low)[1:]))
    spacing = max(_SPACING, (high - low)[axis] / _MOST_GAPS)
    first = np.floor(low[axis] / _SPACING) * _SPACING
    depths = np.arange(first, high[axis] + spacing, spacing)
    contacts = np.zeros((len(depths), 3))
    contacts[:, 0] = _BESIDE
    contacts[:, axis] = depths
    return contacts

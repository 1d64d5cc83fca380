"""Electrode montages: named systems, CSV and ELC files, and their projection on the scalp."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from lfpcli.errors import InputError, UsageError, nearest
from lfpcli.forward.arrays import directions, points
from lfpcli.forward.montages import SYSTEMS, montage
from lfpcli.forward.spheres import fitted_centre
from lfpcli.io import stream
from lfpcli.io.array_tables import read_table
from lfpcli.io.mne import mne_montage

UM = {"um": 1.0, "mm": 1e3, "cm": 1e4, "m": 1e6}
# um; squares of larger numbers, which no head has, would overflow
_FARTHEST = 1e9
# landmarks that say how a head lies; nothing is measured there
_FIDUCIALS = {"lpa", "rpa", "nz", "nasion"}


@dataclass
class Montage:
    """Electrodes of an EEG.

    Attributes
    ----------
    names : list of str
    positions : ndarray, shape (C, 3)
        um.
    name : str
        The system or the file they come from.
    """

    names: list[str]
    positions: np.ndarray
    name: str

    def __post_init__(self) -> None:
        if len(set(self.names)) != len(self.names):
            twice = next(n for n in self.names if self.names.count(n) > 1)
            raise InputError(
                f"electrode '{twice}' is there twice",
                source=self.name,
                remedy="leave one of them out",
            )

    def picked(self, wanted: list[str]) -> Montage:
        """Only some of the electrodes, in the order asked for."""
        for name in wanted:
            if name not in self.names:
                raise UsageError(
                    f"montage {self.name} has no electrode '{name}'",
                    remedy=nearest(name, self.names, "electrode"),
                )
        rows = [self.names.index(name) for name in wanted]
        return Montage(list(wanted), self.positions[rows], self.name)


def load_montage(source: str, radius: float | None, *, project: bool = False) -> Montage:
    """Electrodes of a system or a file.

    Parameters
    ----------
    source : str
        ``10-20``, ``10-10`` (constructed on the sphere), ``10-05`` or ``mne:NAME`` (from MNE), or
        a file: CSV with columns name, x, y, z (um), or ELC.
    radius : float or None
        Radius of the scalp, um; None where the model has none.
    project : bool
        Whether the electrodes of a file are moved onto the scalp, along the line from the
        origin (CSV) or from the centre of the sphere that fits them best (ELC, MNE). Those of a
        named system always are.

    Raises
    ------
    InputError
        Where the file is not what it should be.
    UsageError
        Where there is no such system.
    MissingDependencyError
        Where MNE is needed and not there.
    """
    if source in SYSTEMS:
        names, places = montage(source)
        return Montage(names, places * _scalp(radius, source), source)
    if source == "10-05" or source.startswith("mne:"):
        names, places = mne_montage(source.removeprefix("mne:"))
        return Montage(names, on_scalp(places, _scalp(radius, source), fit=True), source)
    if not Path(source).exists() and "." not in source and source != stream.STDIN:
        known = [*SYSTEMS, "10-05", "mne:NAME"]
        raise UsageError(
            f"no montage and no file '{source}'", remedy=nearest(source, known, "montage")
        )
    elc = source.lower().endswith(".elc")
    names, places = read_elc(source) if elc else _read_csv(source)
    far = np.flatnonzero(~(np.abs(places) < _FARTHEST).all(axis=1))
    if len(far):
        raise InputError(
            f"electrode '{names[far[0]]}' is no place on a head, {np.abs(places[far[0]]).max():g} "
            "um from the origin",
            source=source,
            remedy="check the unit of the positions",
        )
    if project:
        places = on_scalp(places, _scalp(radius, source), fit=elc)
    return Montage(names, places, str(source))


def _scalp(radius: float | None, source: str) -> float:
    if radius is None:
        raise UsageError(
            f"montage '{source}' needs a scalp to lie on, and this model has none",
            remedy="give --scalp-radius, or electrodes in um in a CSV file",
        )
    return radius


def on_scalp(places: np.ndarray, radius: float, *, fit: bool) -> np.ndarray:
    """Electrodes moved onto a sphere about the origin.

    Parameters
    ----------
    places : ndarray, shape (C, 3)
        In any unit.
    radius : float
        Radius of the sphere, um.
    fit : bool
        Whether the directions are those from the centre of the sphere that fits the
        electrodes best (least squares), instead of from the origin.

    Returns
    -------
    ndarray, shape (C, 3)
        um.
    """
    centre = fitted_centre(places) if fit else np.zeros(3)
    return directions(places - centre, "electrodes") * radius


def _read_csv(source: str | os.PathLike[str]) -> tuple[list[str], np.ndarray]:
    contacts = read_table(source)
    return list(contacts.ids), contacts.positions


def read_elc(source: str | os.PathLike[str]) -> tuple[list[str], np.ndarray]:
    """Electrodes of an ELC file (ASA), without the fiducials.

    Parameters
    ----------
    source : path-like
        The file: ``UnitPosition``, then ``Positions`` (each line three numbers, after
        ``name :`` or not), then ``Labels`` where the lines have no names.

    Returns
    -------
    names : list of str
    positions : ndarray, shape (C, 3)
        um.
    """
    with stream.local_file(source) as (path, name):
        text = path.read_text(encoding="utf-8", errors="replace")
    lines = [(k, line.strip()) for k, line in enumerate(text.splitlines(), 1)]
    lines = [(k, line) for k, line in lines if line and not line.startswith("#")]
    # files of ASA that name no unit are in mm
    unit, part, count = "mm", "", None
    names, labels, rows = list[str](), list[str](), list[list[float]]()
    for number, line in lines:
        word = line.split()[0].rstrip("=:")
        if word in ("Positions", "Labels"):
            part = word
        elif word == "UnitPosition":
            unit = line.split()[-1]
        elif word == "NumberPositions":
            count = line.split()[-1].rpartition("=")[2]
        elif part == "Positions":
            label, _, values = line.rpartition(":")
            names += [label.strip()] if label else []
            rows.append(_elc_row(values.split(), f"{name}:{number}"))
        elif part == "Labels":
            labels += line.split()
    # some programs write the names twice, beside the positions and after them
    if names and labels and names != labels:
        raise InputError(
            "names beside the positions and labels after them differ",
            source=name,
            remedy="take one of them out",
        )
    if count is not None and count != str(len(rows)):
        raise InputError(
            f"NumberPositions is {count}, but there are {len(rows)}",
            source=name,
            remedy="take a file that is complete",
        )
    return _elc_electrodes(names or labels, rows, unit, name)


def _elc_row(values: list[str], source_line: str) -> list[float]:
    try:
        row = [float(value) for value in values]
    except ValueError:
        row = []
    if len(row) != 3:
        raise InputError("expected three numbers", source=source_line, remedy="write x, y, z")
    return row


def _elc_electrodes(
    names: list[str], rows: list[list[float]], unit: str, source: str
) -> tuple[list[str], np.ndarray]:
    if unit not in UM:
        raise InputError(
            f"unknown UnitPosition '{unit}'", source=source, remedy=nearest(unit, UM, "unit")
        )
    if not rows or len(names) != len(rows):
        raise InputError(
            f"{len(rows)} positions and {len(names)} labels",
            source=source,
            remedy="expected an ELC file with as many of both",
        )
    keep = [k for k, label in enumerate(names) if label.lower() not in _FIDUCIALS]
    if not keep:
        raise InputError(
            "has fiducials only, no electrodes", source=source, remedy="add the electrodes"
        )
    with np.errstate(over="ignore"):  # what becomes infinite is refused by who asked
        places = points(rows, f"{source}: positions") * UM[unit]
    return [names[k] for k in keep], places[keep]

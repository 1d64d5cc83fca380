"""Electrode arrays by name, from files, and from lists of positions."""

from __future__ import annotations

import importlib.util
import os
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike

from lfpcli.errors import InputError, UsageError, nearest
from lfpcli.forward.contacts import Contacts
from lfpcli.forward.rotations import Rotation, RotationSpec, rotation_matrix
from lfpcli.io.array_definitions import read_definition
from lfpcli.io.array_tables import read_table
from lfpcli.io.probeinterface import read_probeinterface
from lfpcli.io.stream import STDIN
from lfpcli.vocabulary import SHAPES

DEFINITION_SUFFIXES = (".yaml", ".yml")
TABLE_SUFFIXES = (".csv", ".tsv", ".txt")
SUFFIXES = (*DEFINITION_SUFFIXES, ".csv", ".json")
"""Kinds of files in the user's own folder of arrays, the first one found counts."""

ArraySpec = str | os.PathLike[str] | ArrayLike


def load_contacts(
    spec: ArraySpec,
    shift: ArrayLike | None = None,
    rotate: Rotation | RotationSpec | None = None,
    radius: float | str | None = None,
    shape: str | None = None,
    normal: ArrayLike | None = None,
) -> Contacts:
    """Contacts of an array, in place.

    The array is turned about the mean of its contacts, normals and faces with it, and then
    shifted. The positions are those of the definition, unrounded.

    Parameters
    ----------
    spec : str, path-like or array_like
        The name of an array (see `array_files`); a file: ``.csv`` (also ``.tsv``, ``.txt``; see
        `read_table`), ``.yaml`` (see `read_definition`), ``.json`` (see `read_probeinterface`);
        ``-`` or a pipe for a table; or positions, shape (C, 3), um.
    shift : array_like, shape (3,), optional
        Shift, um.
    rotate : Rotation or mapping, optional
        Rotation, as `rotations.as_rotation` takes it, degrees.
    radius : float or 'array', optional
        Size of the contacts' faces, um: the radius of a circle, half the side of a square; 0 for
        points. ``'array'`` takes the size that the definition states. Left out, the contacts are
        points, save those of a table with a column ``radius``.
    shape : {'circle', 'square', 'rect'}, optional
        Shape of the faces, that of the definition or else a circle where left out.
    normal : array_like, shape (3,), optional
        Direction that all faces look in before the rotation, in place of the definition's.

    Returns
    -------
    Contacts

    Raises
    ------
    InputError
        Where there is no such array or file, or it does not hold an array.
    UsageError
        Where another argument makes no sense.
    """
    # faces are those of the file where asked for; a radius of the user's own replaces them
    contacts = _faced(_read(spec, faces=radius == "array"), radius, shape, normal)
    turn = rotation_matrix(rotate) if rotate else None
    offset = _checked_shift(shift)
    return contacts.moved(offset, turn, about=contacts.positions.mean(axis=0))


def array_files() -> dict[str, Path]:
    """Files that define the arrays known by name.

    Returns
    -------
    dict of str to Path
        MEAutility's arrays, and over them those in the user's own folder, `own_folder`.
    """
    files = {}
    for path in _definitions_of_meautility():
        name = re.search(r"(?m)^electrode_name:\s*(\S+)", path.read_text(encoding="utf-8"))
        files[name.group(1).strip("'\"") if name else path.stem] = path
    folder = own_folder()
    if folder.is_dir():
        # later ones replace earlier ones of the same name, so that the first suffix counts
        for suffix in reversed(SUFFIXES):
            files.update({path.stem: path for path in sorted(folder.glob(f"*{suffix}"))})
    return files


def own_folder() -> Path:
    """The user's folder of arrays, ``$XDG_DATA_HOME/lfp/arrays`` (~/.local/share/lfp/arrays)."""
    home = os.environ.get("XDG_DATA_HOME")
    base = Path(home) if home else Path(os.environ.get("HOME", "~")) / ".local" / "share"
    return base / "lfp" / "arrays"


def _definitions_of_meautility() -> list[Path]:
    # found without an import, which would load matplotlib
    package = importlib.util.find_spec("MEAutility")
    if package is None or package.origin is None:
        return []
    folder = Path(package.origin).parent / "electrodes"
    return sorted(path for path in folder.glob("*") if path.suffix in DEFINITION_SUFFIXES)


def _read(spec: ArraySpec, faces: bool) -> Contacts:
    if not isinstance(spec, (str, os.PathLike)):
        return _from_positions(spec)
    path = Path(spec)
    if path.suffix.lower() in (*SUFFIXES, *TABLE_SUFFIXES):
        return _read_file(path, faces)
    named = array_files()
    if str(spec) in named:
        return replace(_read_file(named[str(spec)], faces), name=str(spec))
    if str(spec) == STDIN or (path.exists() and not path.is_dir()):
        return read_table(path)
    if os.sep in str(spec):
        raise InputError("no such array file", source=path, remedy="check the name and the folder")
    raise InputError(f"there is no array '{spec}'", remedy=nearest(str(spec), named, "array"))


def _read_file(path: Path, faces: bool) -> Contacts:
    suffix = path.suffix.lower()
    if suffix in DEFINITION_SUFFIXES:
        return read_definition(path, faces=faces)
    if suffix == ".json":
        return read_probeinterface(path, faces=faces)
    return read_table(path)


def _from_positions(spec: ArrayLike) -> Contacts:
    contacts = Contacts(positions=np.atleast_2d(_numbers(spec, "positions")), name="contacts")
    if not len(contacts):
        raise InputError("contacts: there are none", remedy="name a contact or more")
    return contacts


def _numbers(value: ArrayLike, label: str) -> np.ndarray:
    try:
        return np.asarray(value, dtype=float)
    except (TypeError, ValueError, OverflowError):
        raise InputError(
            f"contacts: {label}: three numbers each are expected", remedy="write x, y, z in um"
        ) from None


def _faced(
    contacts: Contacts, radius: float | str | None, shape: str | None, normal: ArrayLike | None
) -> Contacts:
    if isinstance(radius, str) and radius != "array":
        raise UsageError(f"radius of contacts is '{radius}', expected a length in um or 'array'")
    if radius == "array" and not contacts.has_face:
        raise InputError(
            f"array {contacts.name} states no size of its contacts",
            remedy="give a radius in um, or add 'size' to its file",
        )
    if shape is not None and shape not in SHAPES:
        raise UsageError(
            f"unknown shape '{shape}' of contacts", remedy=nearest(shape, SHAPES, "shape")
        )
    if radius is not None and not isinstance(radius, str):
        if not 0 <= radius < np.inf:
            raise UsageError(f"radius of contacts is {radius:g} um, expected 0 or more")
        contacts = replace(contacts, radius=radius, half_sides=None)
    if shape is not None:
        half_sides = contacts.half_sides if shape == "rect" else None
        contacts = replace(contacts, shape=shape, half_sides=half_sides)
    if normal is not None:
        contacts = replace(contacts, normals=_numbers(normal, "normal"), tangents=None)
    return contacts


def _checked_shift(shift: ArrayLike | None) -> np.ndarray:
    try:
        offset = np.zeros(3) if shift is None else np.asarray(shift, dtype=float)
    except (TypeError, ValueError):
        raise UsageError(f"shift of contacts is {shift!r}, expected three numbers") from None
    if offset.shape != (3,) or not np.all(np.isfinite(offset)):
        raise UsageError(f"shift of contacts is {shift!r}, expected three finite numbers")
    return offset

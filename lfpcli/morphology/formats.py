"""Which format a morphology file is in: the one place that tells.

Content counts first, the suffix where content leaves it open. Code (.hoc) is known by its suffix
alone, and only files that are named so are ever run.
"""

from __future__ import annotations

import os
from pathlib import Path

from lfpcli.errors import InputError
from lfpcli.guarded.hdf5 import open_hdf5
from lfpcli.guarded.signature import is_hdf5

SUFFIXES = {
    ".swc": "swc",
    ".h5": "h5",
    ".hdf5": "h5",
    ".asc": "asc",
    ".hoc": "hoc",
    ".xml": "neuroml",
    ".nml": "neuroml",
}
_MODELS = (".toml", ".json")
# comments before the first line that tells may be this long
_LONGEST_HEAD = 1 << 20
# columns of SWC: id type x y z radius parent
_SWC_COLUMNS = 7


def morphology_format(path: str | os.PathLike[str], *, suffix: str | None = None) -> str | None:
    """Return the format of a morphology file: ``swc``, ``h5``, ``asc``, ``hoc`` or ``neuroml``.

    Parameters
    ----------
    path : path-like
        The file.
    suffix : str, optional
        Suffix of its name, where `path` is a copy under another name.

    Returns
    -------
    str or None
        None where neither its content nor its suffix is that of a morphology.

    Raises
    ------
    InputError
        Where the file is missing, a folder, empty, or not readable.
    """
    path = Path(path)
    head = _head(path)
    by_suffix = SUFFIXES.get((path.suffix if suffix is None else suffix).lower())
    if is_hdf5(path):
        return "h5" if _holds_morphology(path) else None
    by_content = _format_of_text(head)
    if by_content is not None:
        return by_content
    if by_suffix == "h5":
        raise InputError("is no HDF5 file", source=path, remedy="check how it was written")
    return by_suffix


def assumed_format(path: str | os.PathLike[str]) -> str:
    """Format in which to read a file that is said to be a morphology.

    What cannot be told is read as SWC, or as HDF5, whose reader then says what is wrong.

    Raises
    ------
    InputError
        Where the file is named as a model is.
    """
    known = morphology_format(path)
    if known is not None:
        return known
    if Path(path).suffix.lower() in _MODELS:
        raise InputError(
            "is no morphology, and named as a model is",
            source=path,
            remedy="name the file of its morphology; lfp sim runs models, lfp info tells of them",
        )
    return "h5" if is_hdf5(path) else "swc"


def _head(path: Path) -> bytes:
    """First bytes of a file, up to where comments end."""
    if path.is_dir():
        raise InputError("is a folder, not a file", source=path, remedy="name a file in it")
    try:
        with path.open("rb") as file:
            head = file.read(_LONGEST_HEAD)
    except FileNotFoundError:
        raise InputError(
            "no such file", source=path, remedy="check the name and the folder"
        ) from None
    except OSError as error:
        raise InputError(
            f"cannot be read: {error.strerror}", source=path, remedy="check its permissions"
        ) from error
    if not head:
        raise InputError("file is empty", source=path, remedy="write it again")
    return head


def _holds_morphology(path: Path) -> bool:
    """Whether an HDF5 file has the datasets of a morphology and is no recording."""
    try:
        with open_hdf5(path) as file:
            return "format" not in file.attrs and {"points", "structure"} <= set(file)
    except InputError:
        return False  # what is damaged about it is said where it is read


def _format_of_text(head: bytes) -> str | None:
    """Format by the first line that is no comment of SWC."""
    for line in head.splitlines():
        text = line.removeprefix(b"\xef\xbb\xbf").strip()
        if not text or text.startswith(b"#"):
            continue
        if text.startswith(b"<"):
            return "neuroml"
        if text.startswith((b"(", b";")):
            return "asc"
        return "swc" if _is_swc_row(text) else None
    return None


def _is_swc_row(line: bytes) -> bool:
    words = line.split(b"#", 1)[0].replace(b",", b" ").split()
    try:
        numbers = [float(word) for word in words[:_SWC_COLUMNS]]
    except ValueError:
        return False
    return len(numbers) == _SWC_COLUMNS

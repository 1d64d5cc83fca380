"""Mechanism source files: finding them, what each defines, and two that define one name."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from lfpcli.errors import InputError, SimulatorError

LARGEST = 8 << 20
_KINDS = {"SUFFIX": "density", "POINT_PROCESS": "point", "ARTIFICIAL_CELL": "artificial"}
# within a line: comments are blanked, and long blanks would be tried from each of their places
_INCLUDE = re.compile(r'^[ \t]*(?:#[ \t]*)?include[ \t]*"([^"\n]+)"', re.IGNORECASE | re.MULTILINE)


@dataclass(frozen=True)
class ModFile:
    """One .mod file.

    Attributes
    ----------
    path : Path
        Where it lies.
    text : str
        Its text, the names of included files replaced by those of `includes`.
    original : str
        Its text as it lies there; both have the same lines.
    name : str
        The mechanism it defines; the file's stem where it defines functions alone.
    nature : {'density', 'point', 'artificial', 'functions'}
        What the mechanism is.
    digest : str
        Of the text and all that it includes.
    includes : dict
        Text of each included file, by a name of its own.
    """

    path: Path
    text: str
    original: str
    name: str
    nature: str
    digest: str
    includes: dict[str, str] = field(default_factory=dict)

    @property
    def block(self) -> str:
        """The NEURON block without comments."""
        return neuron_block(self.text)

    @property
    def electrode(self) -> bool:
        """Whether it injects current that the cell does not see as membrane current."""
        return bool(re.search(r"\bELECTRODE_CURRENT\b", self.block))

    @property
    def pointers(self) -> list[str]:
        """Variables declared as POINTER, which CoreNEURON cannot follow."""
        return pointers_in(self.block)

    def line_of(self, pattern: str) -> int | None:
        """Line of the first match of a pattern outside comments, from 1."""
        match = re.search(pattern, without_comments(self.original))
        return None if match is None else self.original.count("\n", 0, match.start()) + 1


def pointers_in(block: str) -> list[str]:
    """Variables that a NEURON block declares as POINTER, not those that are BBCOREPOINTER."""
    return _declared_as("POINTER", block)


def core_pointers_in(block: str) -> list[str]:
    """Variables that a NEURON block declares as BBCOREPOINTER, which CoreNEURON can have."""
    return _declared_as("BBCOREPOINTER", block)


def _declared_as(word: str, block: str) -> list[str]:
    names: list[str] = []
    # other statements may follow on the line, and the list may go on in the next one
    for listed in re.findall(rf"\b{word}\s+(\w+(?:\s*,\s*\w+)*)", block):
        names += re.findall(r"\w+", listed)
    return names


def find_sources(paths: Iterable[str | os.PathLike[str]]) -> list[ModFile]:
    """Read the .mod files of folders and of single files.

    Parameters
    ----------
    paths : iterable of path-like
        Folders, whose .mod files are taken, and .mod files.

    Returns
    -------
    list of ModFile
        Each mechanism once, sorted by name.

    Raises
    ------
    InputError
        Where a file or folder is missing, empty or no text.
    SimulatorError
        Where two files define one name in different ways.
    """
    files = [read_mod(path) for path in _expand(paths)]
    by_name: dict[str, ModFile] = {}
    for file in files:
        known = by_name.setdefault(file.name, file)
        if known.digest != file.digest:
            raise SimulatorError(
                f"two different files define '{file.name}'",
                source=f"{known.path} and {file.path}",
                remedy="keep one of them, or give one another name",
            )
    return [by_name[name] for name in sorted(by_name)]


def _expand(paths: Iterable[str | os.PathLike[str]]) -> list[Path]:
    files: list[Path] = []
    for path in map(Path, paths):
        if path.is_dir():
            mods = sorted(path.glob("*.mod"))
            if not mods:
                raise InputError("no .mod files in this folder", source=path, remedy=_deeper(path))
            files += mods
        elif not path.exists():
            raise InputError("no such file", source=path, remedy="check the name and the folder")
        elif path.suffix != ".mod":
            raise InputError("is no .mod file", source=path, remedy="name .mod files or folders")
        else:
            files.append(path)
    return files


def _deeper(folder: Path) -> str:
    nearby = next(iter(sorted(folder.glob("*/*.mod"))), None)
    return "name a folder that has some" if nearby is None else f"did you mean {nearby.parent}?"


def read_mod(path: Path) -> ModFile:
    """Read one .mod file."""
    original = read_text(path)
    plain = without_comments(original)
    if not re.search(r"\bNEURON\s*\{", plain):
        raise InputError(
            "has no NEURON block", source=path, remedy="check that this is an NMODL file"
        )
    nature, name = "functions", path.stem
    for statement, meaning in _KINDS.items():
        match = re.search(rf"\b{statement}\s+(\w+)", neuron_block(original))
        # SUFFIX nothing makes functions known without any name before them
        if match and match.group(1) != "nothing":
            nature, name = meaning, match.group(1)
    includes: dict[str, str] = {}
    text = _collect_includes(original, path, includes)
    digest = hashlib.sha256(text.encode())
    for part in sorted(includes):
        digest.update(part.encode() + b"\0" + includes[part].encode() + b"\0")
    return ModFile(
        path=path,
        text=text,
        original=original,
        name=name,
        nature=nature,
        digest=digest.hexdigest(),
        includes=includes,
    )


def includes_of(file: ModFile) -> list[str]:
    """Names, as a file has them, of what it includes from its own folder."""
    names = []
    waiting = _included_names(file.original)
    for name in waiting:
        path = file.path.parent / name
        if name in names or not path.is_file():
            continue
        names.append(name)
        # the loop comes to what is included by these
        waiting += _included_names(read_text(path))
    return names


def read_text(path: Path) -> str:
    """Read a text file of a model, whatever its encoding; lines end with a newline."""
    try:
        if path.stat().st_size > LARGEST:
            raise InputError(
                "file is too large for a model file", source=path, remedy="name a text file"
            )
        raw = path.read_bytes()
    except OSError as error:
        raise InputError(
            f"cannot be read: {(error.strerror or str(error)).lower()}",
            source=path,
            remedy="check its permissions",
        ) from error
    if not raw.strip():
        raise InputError("file is empty", source=path, remedy="write it again")
    if b"\0" in raw:
        line = raw.count(b"\n", 0, raw.index(b"\0")) + 1
        raise InputError(
            "is not a text file: holds a zero byte",
            source=f"{path}:{line}",
            remedy="name a text file",
        )
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = raw.decode("latin-1")
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _included_names(text: str) -> list[str]:
    """Names of what a text includes outside of comments."""
    return [match.group(1) for match in _INCLUDE.finditer(without_comments(text))]


def _collect_includes(text: str, path: Path, includes: dict[str, str], *within: Path) -> str:
    """Rename included files to names that hold their content's digest, and keep their text.

    Parameters
    ----------
    text : str
        Text of a file.
    path : Path
        The file.
    includes : dict of str to str
        Where the texts go, by their new names.
    *within : Path
        The files that include it, the outermost first.
    """
    parts = []
    end = 0
    # what comments name is not included; they are blanked at their length
    for match in _INCLUDE.finditer(without_comments(text)):
        included = path.parent / match.group(1)
        if not included.is_file():
            continue  # one of NEURON's or of the system
        if included.resolve() in [file.resolve() for file in (*within, path)]:
            line = text.count("\n", 0, match.start(1)) + 1
            raise InputError(
                f"'{match.group(1)}' is included within itself",
                source=f"{path}:{line}",
                remedy="take one of the INCLUDE statements away",
            )
        inner = _collect_includes(read_text(included), included, includes, *within, path)
        stem = re.sub(r"\W", "_", included.stem)
        digest = hashlib.sha256(inner.encode()).hexdigest()[:12]
        name = f"{stem}_{digest}{included.suffix}"
        includes[name] = inner
        parts += [text[end : match.start(1)], name]
        end = match.end(1)
    return "".join([*parts, text[end:]])


def without_comments(text: str) -> str:
    """Blank out comments, keeping every line and column."""

    def blank(match: re.Match[str]) -> str:
        return re.sub(r"[^\n]", " ", match.group(0))

    text = re.sub(r"^[ \t]*COMMENT\b.*?\bENDCOMMENT\b", blank, text, flags=re.DOTALL | re.MULTILINE)
    text = re.sub(r"^[ \t]*TITLE\b.*$", blank, text, flags=re.MULTILINE)
    parts = re.split(r"(\bVERBATIM\b.*?\bENDVERBATIM\b)", text, flags=re.DOTALL)
    # in C code a colon and a question mark begin no comment
    parts[::2] = [re.sub(r"[:?].*$", blank, part, flags=re.MULTILINE) for part in parts[::2]]
    return "".join(parts)


def neuron_block(text: str) -> str:
    """Return what stands between the braces of the NEURON block, without comments."""
    match = re.search(r"\bNEURON\s*\{([^}]*)\}", without_comments(text))
    return match.group(1) if match else ""


def staged_stems(files: Sequence[ModFile]) -> dict[str, ModFile]:
    """Give each file a stem that is a C name and differs from all others."""
    stems: dict[str, ModFile] = {}
    for file in files:
        stem = re.sub(r"\W", "_", file.path.stem)
        while stem in stems or not (stem[0].isalpha() or stem[0] == "_"):
            stem = f"m_{stem}"
        stems[stem] = file
    return stems


def stage(files: Sequence[ModFile], folder: Path) -> dict[str, ModFile]:
    """Write the files and their includes to a folder; return them by stem."""
    folder.mkdir(parents=True, exist_ok=True)
    stems = staged_stems(files)
    for stem, file in stems.items():
        (folder / f"{stem}.mod").write_text(file.text, encoding="utf-8")
        for name, text in file.includes.items():
            (folder / name).write_text(text, encoding="utf-8")
    return stems

"""Examples that ship with the program: what each shows, and how one becomes a folder to run."""

from __future__ import annotations

import contextlib
import os
from dataclasses import dataclass
from pathlib import Path

from lfpcli.builtin import share_folder
from lfpcli.errors import InputError, OutputError, nearest
from lfpcli.io.atomic import atomic_output, kept_if_used

# a line of an example's head that is a command to type in its folder
_COMMAND = "#   "


@dataclass(frozen=True, kw_only=True)
class Example:
    """One model that ships.

    Attributes
    ----------
    name : str
        Its name, that of its file without the suffix.
    path : Path
        Its file.
    summary : str
        What it shows, one sentence.
    commands : tuple of str
        What to type in a folder that holds it.
    """

    name: str
    path: Path
    summary: str
    commands: tuple[str, ...]

    def files(self) -> list[Path]:
        """The files that the folder of the example needs: its own, and those that it names."""
        text = self.path.read_text(encoding="utf-8")
        # examples name the files that they need, so the text tells which
        neighbours = sorted(path for path in self.path.parent.iterdir() if path != self.path)
        return [self.path, *(path for path in neighbours if path.name in text)]


def examples() -> dict[str, Example]:
    """All examples by name; the first of all first."""
    paths = sorted((share_folder() / "examples").glob("*.toml"))
    paths.sort(key=lambda path: path.stem != "quickstart")
    return {path.stem: read_example(path) for path in paths}


def read_example(path: Path) -> Example:
    """Read the head of an example: comments that say what it shows, and commands."""
    words, commands = [], []
    for line in path.read_text(encoding="utf-8").splitlines():
        if not line.startswith("#"):
            break
        if line.startswith(_COMMAND):
            commands.append(line.removeprefix(_COMMAND).strip())
        else:
            words.append(line.removeprefix("#").strip())
    summary = " ".join(words)
    return Example(name=path.stem, path=path, summary=summary, commands=tuple(commands))


def write_example(name: str, folder: str | os.PathLike[str], *, force: bool = False) -> Example:
    """Write an example and what it needs into a folder, which is made where it is missing.

    Parameters
    ----------
    name : str
        Name of the example.
    folder : path-like
        The folder.
    force : bool
        Whether files of the same names are replaced.

    Returns
    -------
    Example
        The example that was written.

    Raises
    ------
    InputError
        Where there is no example of the name.
    OutputError
        Where a file is there already or cannot be written.
    """
    known = examples()
    if name not in known:
        raise InputError(f"no example '{name}'", remedy=nearest(name, known, "example"))
    example, target = known[name], Path(folder)
    if target.exists() and not target.is_dir():
        raise OutputError("is a file, not a folder", source=target, remedy="name another folder")
    present = [target / path.name for path in example.files() if (target / path.name).exists()]
    if present and not force:
        raise OutputError(
            "output exists", source=present[0], remedy="use --force to overwrite it, or name a DIR"
        )
    contents = {target / path.name: path.read_bytes() for path in example.files()}
    with kept_if_used(target), contextlib.ExitStack() as stack:
        # all get their names once all are written
        for path, content in contents.items():
            temporary = stack.enter_context(atomic_output(path, force=force))
            temporary.write_bytes(content)
    return example

"""What is changed in the text of a model's hoc file before NEURON reads it."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, replace
from pathlib import Path

from lfpcli.errors import InputError
from lfpcli.runtime.hoc.scope import Change, SectionScope
from lfpcli.runtime.hoc.text import default_sections, outside_templates, without_strings
from lfpcli.runtime.neuron import nrn

# "FILE" in quotes, or the name of a strdef that holds it
_LOAD = re.compile(
    r"\b(?P<function>load_file|xopen)\s*\(\s*(?P<again>[01]\s*,\s*)?"
    r'(?:"(?P<literal>[^"\n]*)"|(?P<variable>[A-Za-z_][\w.]*))\s*\)'
)
_QUIT = re.compile(r"\bquit\s*\(\s*\)")
# it would end the process, output or not, with exit code 0
_NO_QUIT = 'execerror("quit() in a model would end the whole program", "")'


@dataclass(frozen=True)
class Load:
    """A statement that loads a file.

    Attributes
    ----------
    name : str
        The file, as hoc names it; empty where hoc puts the name together.
    source : str
        ``file:line`` of the statement.
    folder, root : Path
        Folder of the file with the statement, and of the model.
    scope : SectionScope or None
        The sections that names of sections mean in the file.
    is_again : bool
        Whether the file is read even if it was before.
    """

    name: str
    source: str
    folder: Path
    root: Path
    scope: SectionScope | None
    is_again: bool

    def with_name(self, name: str) -> Load:
        """The same of a file whose name hoc has put together."""
        return replace(self, name=name)

    @property
    def own_file(self) -> Path | None:
        """The file of the model's own; None where there is none."""
        for folder in (self.folder, self.root):
            if self.name and (folder / self.name).is_file():
                return (folder / self.name).resolve()
        return None

    @property
    def is_of_neuron(self) -> bool:
        """Whether it is a file of NEURON's library, not of the model."""
        if self.own_file is not None or not self.name:
            return False
        folders = [Path(nrn().neuronhome()) / "lib/hoc"]
        folders += map(Path, re.split(r"[:\s]+", os.environ.get("HOC_LIBRARY_PATH", "")))
        return any((folder / self.name).is_file() for folder in folders)

    def resolved(self) -> Path:
        """The file; `InputError` where it is not there, after which NEURON alone would go on."""
        path = self.own_file
        if path is None:
            raise InputError(
                f"loads '{self.name}', which is not there",
                source=self.source,
                remedy=f"put it into {self.folder}, or correct the name",
            )
        return path


@dataclass(frozen=True)
class Rewriting:
    """A hoc file and what is changed in it.

    Attributes
    ----------
    original : str
        Its text.
    plain : str
        The same with comments blanked out.
    path : Path
        The file.
    root : Path
        Folder of the model.
    scope : SectionScope or None
        The sections that names of sections mean.
    """

    original: str
    plain: str
    path: Path
    root: Path
    scope: SectionScope | None

    def text(self, loads: list[Load]) -> str:
        """The text for NEURON.

        The loading of files is redirected, names of sections mean those of the scope, quitting is
        forbidden, and a template begins with its own first section as the default one.

        Parameters
        ----------
        loads : list of Load
            Gets what the text loads, by the numbers that stand in it.
        """
        changes = []
        if self.scope is not None:
            changes += self.scope.changes(outside_templates(self.plain))
        for default in default_sections(self.plain):
            # NEURON would take the first section that there is, of whichever cell; the statement
            # stands at the end, as the section may be declared after `init`
            changes.append((default.init, default.init, " lfp_default_() "))
            procedure = f" proc lfp_default_() {{ access {default.name} }}\n"
            changes.append((default.end, default.end, procedure))
        for match, load in self._loads():
            if (
                load.name
                and load.own_file is None
                and (load.is_of_neuron or self._is_tested(match))
            ):
                continue
            call = f"lfp_loader_.load({len(loads)})"
            if not load.name:
                call = f"lfp_loader_.load_named({len(loads)}, {match['variable']})"
            loads.append(load)
            changes.append((*match.span(), call))
        for match in _QUIT.finditer(without_strings(self.plain)):
            changes.append((*match.span(), _NO_QUIT))
        return _changed(self.original, changes)

    def own_files(self) -> list[Path]:
        """Files of the model's own that it loads by name."""
        files = [load.own_file for _, load in self._loads()]
        return [path for path in files if path is not None]

    def _loads(self) -> list[tuple[re.Match[str], Load]]:
        outside = outside_templates(self.plain)
        loads = []
        for match in _LOAD.finditer(outside):
            line = outside.count("\n", 0, match.start()) + 1
            is_again = match["function"] == "xopen" or (match["again"] or "").startswith("1")
            load = Load(
                name=match["literal"] or "",
                source=f"{self.path}:{line}",
                folder=self.path.parent,
                root=self.root,
                scope=self.scope,
                is_again=is_again,
            )
            loads.append((match, load))
        return loads

    def _is_tested(self, match: re.Match[str]) -> bool:
        """Whether the code itself looks at what loading a file returns."""
        return bool(re.search(r"[=(!&|,<>]\s*$", self.plain[: match.start()]))


def _changed(text: str, changes: list[Change]) -> str:
    for start, end, piece in sorted(changes, reverse=True):
        text = text[:start] + piece + text[end:]
    return text

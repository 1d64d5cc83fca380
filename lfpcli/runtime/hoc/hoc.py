"""Running hoc files of models: each in its folder, once, and with errors that name the file."""

from __future__ import annotations

import contextlib
import os
import re
import tempfile
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lfpcli.errors import InputError, SimulatorError
from lfpcli.runtime.capture import captured, hoc_message
from lfpcli.runtime.hoc.rewriting import Load, Rewriting
from lfpcli.runtime.hoc.scope import CONNECT, SectionScope
from lfpcli.runtime.hoc.text import (
    default_sections,
    digest,
    run_procedures,
    template_bodies,
    without_hoc_comments,
    without_strings,
)
from lfpcli.runtime.mechanisms.near import missing_mechanism_error
from lfpcli.runtime.mechanisms.sources import read_text
from lfpcli.runtime.neuron import nrn


@dataclass(frozen=True)
class OwnProcedure:
    """A procedure of NEURON's run system that a model defines in its own way.

    Attributes
    ----------
    name : str
        Such as ``init``.
    file : Path
        Where it is defined.
    digest : str
        Tells one body from another.
    of_one_cell : bool
        Whether its words for sections were bound to one cell.
    """

    name: str
    file: Path
    digest: str
    of_one_cell: bool


@dataclass
class _Known:
    """What this process has read."""

    files: set[Path] = field(default_factory=set)
    templates: dict[str, tuple[Path, str]] = field(default_factory=dict)
    procedures: dict[tuple[str, str], OwnProcedure] = field(default_factory=dict)
    loads: list[Load] = field(default_factory=list)
    failures: list[Exception] = field(default_factory=list)
    # files of the run that is going on
    current: set[Path] = field(default_factory=set)


_KNOWN = _Known()


class _Loader:
    """What hoc calls where a file names another one to load."""

    def load(self, number: float) -> float:
        """Load the file of this number; the exception waits until hoc has unwound."""
        return self._load(_KNOWN.loads[int(number)])

    def load_named(self, number: float, name: str) -> float:
        """Load a file whose name hoc has put together."""
        return self._load(_KNOWN.loads[int(number)].with_name(name))

    def _load(self, load: Load) -> float:
        try:
            if load.is_of_neuron:
                return float(nrn().load_file(load.name))
            path = load.resolved()
            if not load.is_again and _is_known(path, load.scope):
                return 1.0
            with working_folder(path.parent):
                _read(path, load.root, load.scope)
        except Exception as error:
            # hoc makes an error of its own of it, without its text
            _KNOWN.failures.append(error)
            raise
        return 1.0


def _is_known(path: Path, scope: SectionScope | None) -> bool:
    """Whether a file was read before, which hoc's ``load_file`` does once."""
    # what means the sections of one cell is read for each cell
    return path in _KNOWN.current or (scope is None and path in _KNOWN.files)


def own_procedures() -> list[OwnProcedure]:
    """The procedures of NEURON's run system that the files read so far define, in that order."""
    return list(_KNOWN.procedures.values())


def known_templates() -> list[str]:
    """Names of the templates that were read so far."""
    return list(_KNOWN.templates)


def run_hoc_file(
    path: Path,
    *,
    folder: Path | None = None,
    again: bool = False,
    scope: SectionScope | None = None,
) -> None:
    """Run a hoc file, with everything that it loads.

    Files are known by their place, not by their bare name as NEURON does it, so that two models
    may each have a ``biophysics.hoc``. A template that was defined before with the same text is
    left as it is.

    Parameters
    ----------
    path : Path
        The file.
    folder : Path, optional
        Current folder while it runs; its own by default.
    again : bool
        Whether it runs even if it did before.
    scope : SectionScope, optional
        The sections that its names of sections mean; all of NEURON's by default.

    Raises
    ------
    InputError
        Where the file, or one that it loads, is missing, empty or no text.
    SimulatorError
        Where NEURON reports an error, a template is defined in two ways, or a mechanism is
        missing.
    """
    path = path.resolve()
    if not path.exists():
        raise InputError("no such file", source=path, remedy="check the name and the folder")
    if path in _KNOWN.files and not again:
        return
    folder = folder or path.parent
    _KNOWN.current = set()
    with working_folder(folder), hoc_errors(path, folder):
        if scope is not None:
            scope.install()
        _read(path, folder, scope)


def call_hoc(function: Callable[[], Any], path: Path, folder: Path) -> Any:
    """Call something of NEURON's in a folder; its errors name the file `path`."""
    with working_folder(folder), hoc_errors(path, folder):
        return function()


def check_measures(sections: Iterable[Any], path: Path) -> None:
    """Raise `SimulatorError` where NEURON refuses a measure of sections that a file made.

    It does so when it first needs it, such as a diameter of 0, and goes on with another one.
    """
    with hoc_errors(path, path.parent):
        for section in sections:
            section(0.5).area()


@contextlib.contextmanager
def working_folder(folder: Path) -> Iterator[None]:
    """Make a folder the current one for a while, even where the usual one is gone."""
    here = os.open(".", os.O_RDONLY)
    try:
        try:
            os.chdir(folder)
        except OSError as error:
            raise InputError(
                f"cannot be the current folder: {(error.strerror or '').lower()}",
                source=folder,
                remedy="correct 'workdir'",
            ) from error
        yield
    finally:
        os.fchdir(here)
        os.close(here)


@contextlib.contextmanager
def hoc_errors(path: Path, folder: Path) -> Iterator[None]:
    """Swallow what hoc prints, and turn its errors into ones that name file and line."""
    failure: Exception | None = None
    # hoc prints its reason, and raises an error that does not hold it
    with captured() as printed:
        try:
            yield
        except (RuntimeError, TypeError, ValueError, AttributeError) as error:
            failure = error
    failures, _KNOWN.failures = _KNOWN.failures, []
    waiting = next((f for f in failures if isinstance(f, InputError | SimulatorError)), None)
    if waiting is not None and not isinstance(failure, InputError):
        raise waiting
    if isinstance(failure, InputError | SimulatorError):
        raise failure
    if failure is not None:
        raise _hoc_error(printed.text, failure, path, folder) from failure


def _hoc_error(printed: str, failure: Exception, path: Path, folder: Path) -> SimulatorError:
    message = hoc_message(printed)
    source = str(path)
    if message.file is not None:
        source = _original_name(message.file, path)
    if message.line is not None:
        source += f":{_original_line(Path(source), message.line)}"
    text = message.text
    missing = re.fullmatch(r"(\w+) is not a (?:MECHANISM|template)", text)
    if missing:
        error = missing_mechanism_error(missing.group(1), folders=[folder, path.parent])
        return SimulatorError(error.message, source=source, remedy=error.remedy)
    if text == "NEURON gave no reason":
        text = str(failure).removeprefix("hocobj_call error: ").removeprefix("hoc_execerror: ")
    return SimulatorError(f"hoc: {text}", source=source, remedy="correct the model's hoc code")


def _original_name(temporary: str, path: Path) -> str:
    """Name of the model's file whose rewritten text NEURON read."""
    name = Path(temporary).name
    for known in (path, *_KNOWN.current, *_KNOWN.files):
        if known.name == name:
            return str(known)
    return str(path)


def _original_line(path: Path, line: int) -> int:
    """Line of the model's own file for one of its rewritten text, which has some more."""
    if not path.is_file():
        return line
    plain = without_hoc_comments(read_text(path))
    for default in default_sections(plain):
        line -= plain.count("\n", 0, default.end) + 1 < line
    return line


def _read(path: Path, root: Path, scope: SectionScope | None) -> None:
    """Hand the rewritten text of a file to NEURON."""
    if any(known == path for known, _ in _KNOWN.templates.values()):
        return
    _KNOWN.current.add(path)
    text = read_text(path)
    plain = without_hoc_comments(text)
    templates = {name: digest(body) for name, (_, body) in template_bodies(plain).items()}
    _check_templates(templates, path)
    _check_joints(plain, path)
    rewriting = Rewriting(text, plain, path=path, root=root, scope=scope)
    if templates and all(name in _KNOWN.templates for name in templates):
        # the files that it loads may still define something in another way
        for target in rewriting.own_files():
            with working_folder(target.parent):
                _read(target, root, scope)
        _KNOWN.files.add(path)
        return
    h = nrn()
    if not h.name_declared("lfp_loader_"):
        h("objref lfp_loader_")
        h.lfp_loader_ = _Loader()
    with tempfile.TemporaryDirectory(prefix="lfp-hoc-") as folder:
        copy = Path(folder) / path.name
        copy.write_text(rewriting.text(_KNOWN.loads), encoding="utf-8")
        # load_file would pass over a name that it has read
        h.xopen(str(copy))
    _KNOWN.templates |= {name: (path, body) for name, body in templates.items()}
    _KNOWN.files.add(path)
    for name, body in run_procedures(plain).items():
        procedure = OwnProcedure(name, path, body, of_one_cell=scope is not None)
        _KNOWN.procedures[name, body] = procedure


def _check_joints(plain: str, path: Path) -> None:
    """Refuse what NEURON would crash at: a number where a connection has its parent."""
    bare = without_strings(plain)
    created = " ".join(re.findall(r"\bcreate\b([^\n{}]*)", bare))
    sections = set(re.findall(r"[A-Za-z_]\w*", created))
    for match in CONNECT.finditer(bare):
        name = match["parent"] or ""
        # sections are never assigned to
        if name in sections or not re.search(rf"(?<![\w.]){re.escape(name)}\s*=(?!=)", bare):
            continue
        if name.isidentifier():
            line = bare.count("\n", 0, match.start()) + 1
            raise SimulatorError(
                f"hoc: '{name}' in connect is a number, no section",
                source=f"{path}:{line}",
                remedy="correct the model's hoc code",
            )


def _check_templates(templates: dict[str, str], path: Path) -> None:
    for name, body in templates.items():
        other, known = _KNOWN.templates.get(name, (path, body))
        if known != body:
            raise SimulatorError(
                f"template '{name}' is defined in two ways",
                source=f"{other} and {path}",
                remedy="give one of them another name, or run the models one by one",
            )

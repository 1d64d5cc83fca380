"""Running hoc files of models: each in its folder, once, and with errors that name the file."""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lfpcli.errors import InputError, SimulatorError
from lfpcli.runtime.capture import captured, hoc_message
from lfpcli.runtime.hoc.scope import SectionScope, without_strings
from lfpcli.runtime.mechanisms.near import missing_mechanism_error
from lfpcli.runtime.mechanisms.sources import read_text
from lfpcli.runtime.neuron import nrn

_TEMPLATE = re.compile(r"\bbegintemplate\s+(\w+)(.*?)\bendtemplate\b", re.DOTALL)
_LOAD = re.compile(r'\b(?:load_file|xopen)\s*\(\s*(?:[01]\s*,\s*)?"([^"\n]*)"\s*\)')
_QUIT = re.compile(r"\bquit\s*\(\s*\)")
# it would end the process, output or not, with exit code 0
_NO_QUIT = 'execerror("quit() in a model would end the whole program", "")'


@dataclass
class _Known:
    """What this process has read."""

    files: set[Path] = field(default_factory=set)
    templates: dict[str, tuple[Path, str]] = field(default_factory=dict)
    nested: list[tuple[Path, Path, SectionScope | None]] = field(default_factory=list)
    failures: list[Exception] = field(default_factory=list)


_KNOWN = _Known()


class _Loader:
    """What hoc calls where a file names another one to load."""

    def load(self, number: float) -> float:
        """Load the file of this number; the exception waits until hoc has unwound."""
        path, root, scope = _KNOWN.nested[int(number)]
        try:
            with working_folder(path.parent):
                _read(path, root, scope)
        except Exception as error:
            _KNOWN.failures.append(error)
            raise
        return 1.0


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
        Where the file is missing, empty or no text.
    SimulatorError
        Where NEURON reports an error, a template is defined in two ways, or a mechanism is
        missing.
    """
    path = path.resolve()
    if not path.exists():
        raise InputError("no such file", source=path, remedy="check the name and the folder")
    if path in _KNOWN.files and not again:
        return
    folder = path.parent if folder is None else folder
    with working_folder(folder), hoc_errors(path, folder):
        if scope is not None:
            scope.install()
        _read(path, folder, scope)


def call_hoc(function: Callable[[], Any], path: Path, folder: Path) -> Any:
    """Call something of NEURON's in a folder; its errors name the file `path`."""
    with working_folder(folder), hoc_errors(path, folder):
        return function()


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
    name = str(path) if message.file is None else _original_name(message.file, path)
    place = name if message.line is None else f"{name}:{message.line}"
    text = message.text
    missing = re.fullmatch(r"(\w+) is not a MECHANISM", text)
    if missing is None:
        missing = re.fullmatch(r"(\w+) is not a template", text)
    if missing:
        error = missing_mechanism_error(missing.group(1), folders=[folder, path.parent])
        return SimulatorError(error.message, source=place, remedy=error.remedy)
    if text == "NEURON gave no reason":
        text = str(failure).removeprefix("hocobj_call error: ").removeprefix("hoc_execerror: ")
    return SimulatorError(f"hoc: {text}", source=place, remedy="correct the model's hoc code")


def _original_name(temporary: str, path: Path) -> str:
    """Name of the model's file whose rewritten text NEURON read."""
    name = Path(temporary).name
    known = [p for p in (path, *(entry[0] for entry in _KNOWN.nested)) if p.name == name]
    return str(known[0] if known else path)


def _read(path: Path, root: Path, scope: SectionScope | None) -> None:
    """Hand the rewritten text of a file to NEURON."""
    if any(known == path for known, _ in _KNOWN.templates.values()):
        return
    text = read_text(path)
    plain = without_hoc_comments(text)
    templates = {m.group(1): _digest(m.group(2)) for m in _TEMPLATE.finditer(plain)}
    _check_templates(templates, path)
    if templates and all(name in _KNOWN.templates for name in templates):
        # the files that it loads may still define something in another way
        for target in _targets(plain, path, root):
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
        copy.write_text(_rewrite(text, plain, path, root, scope), encoding="utf-8")
        h.xopen(str(copy))
    _KNOWN.templates |= {name: (path, digest) for name, digest in templates.items()}
    _KNOWN.files.add(path)


def _check_templates(templates: dict[str, str], path: Path) -> None:
    for name, digest in templates.items():
        other, known = _KNOWN.templates.get(name, (path, digest))
        if known != digest:
            raise SimulatorError(
                f"template '{name}' is defined in two ways",
                source=f"{other} and {path}",
                remedy="give one of them another name, or run the models one by one",
            )


def _digest(text: str) -> str:
    """Digest of hoc code; white space makes no difference."""
    return hashlib.sha256(" ".join(text.split()).encode()).hexdigest()


def _rewrite(text: str, plain: str, path: Path, root: Path, scope: SectionScope | None) -> str:
    """Redirect the loading of the model's own files and names of sections, and forbid to quit."""
    outside = _outside_templates(plain)
    changes = scope.changes(outside) if scope is not None else []
    for match in _LOAD.finditer(outside):
        target = _resolve(match.group(1), path.parent, root)
        if target is not None:
            _KNOWN.nested.append((target, root, scope))
            changes.append((*match.span(), f"lfp_loader_.load({len(_KNOWN.nested) - 1})"))
    for match in _QUIT.finditer(without_strings(plain)):
        changes.append((*match.span(), _NO_QUIT))
    for start, end, new in sorted(changes, reverse=True):
        text = text[:start] + new + text[end:]
    return text


def _outside_templates(plain: str) -> str:
    """Blank out templates, whose statements are the business of their objects."""
    return _TEMPLATE.sub(lambda m: re.sub(r"[^\n]", " ", m.group(0)), plain)


def _targets(plain: str, path: Path, root: Path) -> list[Path]:
    """Files of the model's own that a file loads."""
    names = _LOAD.findall(_outside_templates(plain))
    found = [_resolve(name, path.parent, root) for name in names]
    return [target for target in found if target is not None]


def _resolve(name: str, *folders: Path) -> Path | None:
    """Find a file of the model's own; None for those of NEURON."""
    for folder in folders:
        if name and (folder / name).is_file():
            return (folder / name).resolve()
    return None


def without_hoc_comments(text: str) -> str:
    """Blank out comments, keeping every line and column; strings stay."""

    def blank(match: re.Match[str]) -> str:
        found = match.group(0)
        return found if found.startswith('"') else re.sub(r"[^\n]", " ", found)

    return re.sub(r'"(?:\\.|[^"\\\n])*"|/\*.*?\*/|//[^\n]*', blank, text, flags=re.DOTALL)

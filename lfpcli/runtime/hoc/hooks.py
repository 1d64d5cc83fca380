"""Code of the user's own that finishes a cell: hoc files, and Python functions of a file."""

from __future__ import annotations

import contextlib
import hashlib
import importlib.util
import sys
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

from lfpcli.errors import InputError, LfpError, SimulatorError, nearest
from lfpcli.runtime.hoc.hoc import run_hoc_file, working_folder
from lfpcli.runtime.hoc.quits import quits_told
from lfpcli.runtime.hoc.scope import SectionScope
from lfpcli.runtime.protocols import NamedSections

# a function of the user's takes the whole cell, whatever class that is
Hook = Callable[[Any], object]
_MODULES: dict[Path, ModuleType] = {}


def hook(file: Path, function: str | None = None, workdir: Path | None = None) -> Hook:
    """Make a function of a cell out of a file of code.

    Parameters
    ----------
    file : Path
        A hoc file, or a Python file.
    function : str, optional
        The function of a Python file; it is called with the cell.
    workdir : Path, optional
        Current folder while it runs; that of `file` by default.

    Returns
    -------
    callable
        To be called with a `Cell`. In hoc code, names of sections mean those of that cell.

    Raises
    ------
    InputError
        Where the file is missing or has no such function.
    SimulatorError
        Where the code fails; the place is the line of the user's own file, and the cause keeps
        the traceback.
    """
    folder = workdir or file.parent
    if function is None:
        return lambda cell: run_hoc_code(file, cell, folder)
    target = python_function(file, function)

    def call(cell: NamedSections) -> object:
        with working_folder(folder), _user_code(file):
            return target(cell)

    return call


def run_hoc_code(file: Path, cell: NamedSections, folder: Path | None = None) -> None:
    """Run a hoc file for one cell; see `hook`."""
    scope = SectionScope(cell.sections, cell.names)
    run_hoc_file(file, folder=folder, again=True, scope=scope)


def python_function(file: Path, name: str) -> Hook:
    """Load a Python file once and return one of its functions; see `hook`."""
    path = file.resolve()
    if not path.is_file():
        raise InputError("no such file", source=file, remedy="check the name and the folder")
    if path not in _MODULES:
        import_file(path)
    function: Hook | None = getattr(_MODULES[path], name, None)
    if not callable(function):
        names = [k for k, v in vars(_MODULES[path]).items() if callable(v) and k[0] != "_"]
        raise InputError(
            f"has no function '{name}'", source=file, remedy=nearest(name, names, "function")
        )
    return function


def import_file(path: Path) -> None:
    """Run a Python file of the user's as a module, which is kept; see `hook` for its errors."""
    with _user_code(path):
        _MODULES[path] = _import(path)


def _import(path: Path) -> ModuleType:
    """Import a file under a name of its own, without writing beside it."""
    name = f"_lfp_hook_{path.stem}_{hashlib.sha256(str(path).encode()).hexdigest()[:12]}"
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise InputError("is no Python file", source=path, remedy="name a .py file")
    module = importlib.util.module_from_spec(spec)
    usual = sys.dont_write_bytecode
    sys.dont_write_bytecode = True
    # dataclasses look their module up by its name while it is imported
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise
    finally:
        sys.dont_write_bytecode = usual
    return module


@contextlib.contextmanager
def _user_code(file: Path) -> Iterator[None]:
    """Run code of the user's: neighbours of its file can be imported, its prints are no data."""
    folder = str(file.resolve().parent)
    sys.path.insert(0, folder)
    try:
        with contextlib.redirect_stdout(sys.stderr), quits_told(file):
            yield
    except LfpError as error:
        if error.source is None:
            error.source = _source_line(error, file)[0]
        raise
    # exit() in a model's code must not end the program without a word
    except (Exception, SystemExit) as error:
        source, statement = _source_line(error, file)
        message = f"model code failed: {type(error).__name__}"
        if str(error):
            message += f": {error}"
        if statement:
            message += f", in '{statement}'"
        raise SimulatorError(
            message,
            source=source,
            remedy="correct it; --debug shows the whole traceback",
        ) from error
    finally:
        sys.path.remove(folder)


def _source_line(error: BaseException, file: Path) -> tuple[str, str]:
    """The last line of the user's own code that an error passed, and its text."""
    if isinstance(error, SyntaxError) and error.filename:
        return f"{error.filename}:{error.lineno}", (error.text or "").strip()
    folder = file.resolve().parent
    for frame in reversed(traceback.extract_tb(error.__traceback__)):
        path = Path(frame.filename).resolve()
        # an environment may lie beside the user's code
        if path.is_relative_to(folder) and "site-packages" not in path.relative_to(folder).parts:
            return f"{frame.filename}:{frame.lineno}", (frame.line or "").strip()
    return str(file), ""

"""What the program finds on this machine: versions, compilers, MPI, cache, extras."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from lfpcli import __version__
from lfpcli.builtin import manual_folder, share_folder
from lfpcli.errors import LfpError
from lfpcli.kernels.threads import use_instructions
from lfpcli.runtime.mechanisms.library import cache_folder
from lfpcli.runtime.mechanisms.toolchain import toolchain
from lfpcli.runtime.neuron import nrn
from lfpcli.tasks.files.versions import OPTIONAL, REQUIRED, system


@dataclass(frozen=True, kw_only=True)
class Check:
    """One thing that was looked at.

    Attributes
    ----------
    name : str
        What it is.
    state : {'ok', 'optional', 'broken'}
        Whether it works; what is optional and missing takes a part of the program away.
    text : str
        What was found, and where something is amiss, what to do.
    """

    name: str
    state: str
    text: str


def examine() -> list[Check]:
    """Look at all there is to look at."""
    checks = [_program(), *(_package(name) for name in REQUIRED)]
    probes: tuple[Callable[[], Check], ...] = (
        _simulator,
        _kernels,
        _shipped,
        _compiler,
        _cache,
        _launcher,
    )
    checks.extend(probe() for probe in probes)
    checks.extend(_extra(name, extra) for name, extra in OPTIONAL.items())
    return checks


def _program() -> Check:
    folder = Path(__file__).parents[2]
    text = f"{__version__} in {folder}, Python {platform.python_version()} at {sys.executable}"
    return Check(name="lfp", state="ok", text=f"{text}, {system()}")


def _package(name: str) -> Check:
    try:
        return Check(name=name, state="ok", text=importlib.metadata.version(name))
    except importlib.metadata.PackageNotFoundError:
        return Check(name=name, state="broken", text=f"missing; pip install {name}")


def _extra(name: str, extra: str) -> Check:
    # looked up, not imported: MNE alone takes seconds
    try:
        return Check(name=name, state="ok", text=importlib.metadata.version(name))
    except importlib.metadata.PackageNotFoundError:
        text = f"missing; pip install 'lfpcli[{extra}]'"
        return Check(name=name, state="optional", text=text)


def _simulator() -> Check:
    """NEURON itself, which may be installed and not load."""
    try:
        return Check(name="NEURON loads", state="ok", text=str(nrn().nrnversion()))
    except (LfpError, ImportError, OSError) as error:
        return Check(name="NEURON loads", state="broken", text=f"no: {error}")


def _kernels() -> Check:
    level = use_instructions()
    threads = os.environ.get("OMP_NUM_THREADS") or f"{os.cpu_count()} cores"
    return Check(name="kernels", state="ok", text=f"instructions {level}, threads: {threads}")


def _shipped() -> Check:
    for folder in (share_folder() / "morphologies", share_folder() / "examples", manual_folder()):
        if not folder.is_dir():
            text = f"no folder {folder}; install lfp again"
            return Check(name="files that ship", state="broken", text=text)
    return Check(name="files that ship", state="ok", text=str(share_folder()))


def _compiler() -> Check:
    """The compiler of mechanisms; models without .mod files do without."""
    try:
        command = [*toolchain().compiler, "--version"]
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=20)
    except (LfpError, OSError, subprocess.TimeoutExpired) as error:
        return Check(name="C++ compiler", state="optional", text=f"{error} (for .mod files)")
    if done.returncode != 0:
        return Check(name="C++ compiler", state="optional", text=f"{command[0]} does not run")
    return Check(name="C++ compiler", state="ok", text=done.stdout.splitlines()[0])


def _cache() -> Check:
    folder = cache_folder()
    # the cache is made where the first mechanism is compiled
    nearest = next(path for path in (folder, *folder.parents) if path.exists())
    if os.access(nearest, os.W_OK):
        return Check(name="cache of mechanisms", state="ok", text=str(folder))
    text = f"{folder} cannot be written; set LFP_MECH_CACHE to a folder that can"
    return Check(name="cache of mechanisms", state="broken", text=text)


def _launcher() -> Check:
    """The launcher of processes, beside this Python or on the path."""
    beside = Path(sys.executable).parent / "mpirun"
    program = str(beside) if beside.exists() else shutil.which("mpirun")
    if program is None:
        text = "missing; pip install 'lfpcli[mpi]'"
        return Check(name="mpirun", state="optional", text=text)
    return Check(name="mpirun", state="ok", text=program)

"""NEURON's compilers of mechanisms and the C++ compiler that they need."""

from __future__ import annotations

import hashlib
import importlib.metadata
import importlib.util
import os
import platform
import re
import shlex
import shutil
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from lfpcli.errors import MissingDependencyError, SimulatorError, UsageError
from lfpcli.runtime.mechanisms.vectors import digests, instruction_flags

# flags that change no result: they neither reorder nor approximate arithmetic
PORTABLE_FLAGS = ("-O3", "-fno-math-errno", "-fno-trapping-math", "-ffp-contract=off")
_LAYOUT = "3"  # raised when the folder of a build changes its shape


@dataclass(frozen=True)
class Toolchain:
    """Programs and environment that compile mechanisms.

    Attributes
    ----------
    home : Path
        NEURON's folder with ``bin``, ``lib``, ``include`` and ``share``.
    environment : mapping
        Environment variables for its programs.
    compiler : tuple of str
        The C++ compiler and its own arguments.
    flags : tuple of str
        Additional compiler flags.
    """

    home: Path
    environment: Mapping[str, str]
    compiler: tuple[str, ...]
    flags: tuple[str, ...]

    def program(self, name: str) -> str:
        """Path of one of NEURON's programs."""
        return str(self.home / "bin" / name)

    def run(self, command: Sequence[str], folder: Path, **environment: str) -> tuple[int, str]:
        """Run a program in a folder; return its exit code and all that it printed.

        Whatever ends this process's wait ends the program and all that it started.
        """
        with subprocess.Popen(
            command,
            cwd=folder,
            env={**self.environment, **environment},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        ) as process:
            try:
                printed, _ = process.communicate()
            except BaseException:
                os.killpg(process.pid, signal.SIGKILL)
                raise
        return process.returncode, printed.decode(errors="replace")

    def standard(self, makefile: str) -> list[str]:
        """Flags that one of NEURON's makefiles compiles C++ with."""
        path = self.home / makefile
        text = path.read_text() if path.exists() else ""
        setting = re.search(r"^CXXFLAGS\s*=(.*)$", text, re.MULTILINE)
        return shlex.split(setting.group(1)) if setting else ["-std=c++17"]


def neuron_folder() -> Path:
    """Folder of the package neuron, found without importing it."""
    spec = importlib.util.find_spec("neuron")
    if spec is None or spec.origin is None:
        raise MissingDependencyError("NEURON is not installed", remedy="pip install neuron")
    return Path(spec.origin).parent


@cache
def neuron_version() -> str:
    """Version of the NEURON that is installed, found without importing it."""
    for name in ("neuron", "neuron-nightly"):
        try:
            return importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    library = next(iter(sorted(neuron_folder().glob("hoc*"))), neuron_folder())
    return f"unknown-{library.stat().st_size}-{library.stat().st_mtime_ns}"


def extra_flags() -> tuple[str, ...]:
    """Flags from ``LFP_MECH_CFLAGS``.

    Raises
    ------
    UsageError
        Where a flag has characters that a shell would take for its own.
    """
    try:
        flags = tuple(shlex.split(os.environ.get("LFP_MECH_CFLAGS", "")))
    except ValueError as error:
        raise UsageError(f"LFP_MECH_CFLAGS cannot be read: {error}") from error
    for flag in flags:
        if not re.fullmatch(r"-[-\w=+,./:@%]*", flag):
            raise UsageError(
                f"LFP_MECH_CFLAGS: '{flag}' is no compiler flag",
                remedy="give flags such as -march=native, separated by spaces",
            )
    return flags


def build_key(contents: Sequence[tuple[str, str]], *options: str) -> str:
    """Name of a build: a digest of all that decides its result.

    Parameters
    ----------
    contents : sequence of (stem, digest)
        The source files.
    *options
        What else distinguishes this build.
    """
    sources: list[str] = []
    for pair in sorted(contents):
        sources += pair
    parts = [
        _LAYOUT,
        neuron_version(),
        platform.python_version(),
        sys.platform,
        platform.machine(),
        "".join(platform.libc_ver()),
        os.environ.get("CXX", ""),
        *PORTABLE_FLAGS,
        *instruction_flags(),
        *digests(),
        *extra_flags(),
        *options,
        *sources,
    ]
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:24]


def toolchain() -> Toolchain:
    """Find NEURON's programs and a C++ compiler.

    Raises
    ------
    SimulatorError
        Where one of them is missing; the remedy says how to get it.
    """
    compiler = _compiler()
    home = _home()
    environment = dict(os.environ)
    path = [str(home / "bin"), str(Path(sys.executable).parent), os.environ.get("PATH", "")]
    environment["PATH"] = os.pathsep.join(p for p in path if p)
    environment |= {
        "NRNHOME": str(home),
        "CORENRNHOME": str(home),
        "NMODLHOME": str(home),
        "NEURONHOME": str(home / "share/nrn"),
        "NRN_PYTHONEXE": sys.executable,
        "CORENRN_PYTHONEXE": sys.executable,
        "CORENRN_PERLEXE": shutil.which("perl") or "perl",
        "CXX": shlex.join(compiler),
        "CC": os.environ.get("CC") or shutil.which("cc") or shutil.which("gcc") or "cc",
        "LC_ALL": "C",
    }
    # nmodl loads Python itself, and the modules that this process sees
    folders = [str(home / "lib"), *(p for p in sys.path if p)]
    environment["PYTHONPATH"] = os.pathsep.join(folders)
    library = _python_library()
    if library:
        environment.setdefault("NMODL_PYLIB", library)
    # an outer make or a user's flags must not change what the key of the build tells
    for name in ("MAKEFLAGS", "MFLAGS", "MAKEOVERRIDES", "CXXFLAGS", "CFLAGS"):
        environment.pop(name, None)
    return Toolchain(home, environment, tuple(compiler), (*PORTABLE_FLAGS, *extra_flags()))


def _compiler() -> list[str]:
    named = os.environ.get("CXX")
    candidates = [shlex.split(named)] if named else [["g++"], ["c++"], ["clang++"]]
    there = [command for command in candidates if command and shutil.which(command[0])]
    if not there and named:
        raise SimulatorError(f"the C++ compiler '{named}' is not there", remedy="correct CXX")
    if not there:
        raise SimulatorError(
            "no C++ compiler (g++, clang++) is there",
            remedy="apt-get install g++ make, or conda install cxx-compiler make",
        )
    if shutil.which("make") is None:
        raise SimulatorError("'make' is not there", remedy="apt-get install make")
    return there[0]


def _home() -> Path:
    bundled = neuron_folder() / ".data"
    if (bundled / "bin" / "nrnivmodl").exists():
        return bundled
    beside = Path(sys.executable).parent / "nrnivmodl"
    program = str(beside) if beside.exists() else shutil.which("nrnivmodl")
    if program is None:
        raise SimulatorError(
            "NEURON's nrnivmodl is not there", remedy="pip install --force-reinstall neuron"
        )
    return Path(program).resolve().parent.parent


def _python_library() -> str | None:
    try:
        from find_libpython import find_libpython
    except ImportError:
        return None
    return find_libpython()

"""The one door to NEURON: environment, MPI, and what every user of `h` needs set up."""

from __future__ import annotations

import contextlib
import importlib.util
import os
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any, NoReturn

from lfpcli.errors import MissingDependencyError, SimulatorError
from lfpcli.runtime.capture import captured
from lfpcli.runtime.mpi.job import launched, launcher_name


@cache
def nrn() -> Any:
    """Import NEURON and return its `h`, with MPI where a launcher started several processes.

    Raises
    ------
    SimulatorError
        Where NEURON cannot be imported, or sees another number of processes than the launcher
        started.
    """
    os.environ.setdefault("NEURON_MODULE_OPTIONS", "-nogui")
    # NEURON would load compiled mechanisms it finds in the current folder
    os.environ.pop("NRN_NMODL_PATH", None)
    ranks, _ = launched()
    if ranks > 1:
        _show_mpi_library()
    try:
        # under MPI it prints the number of processes
        with _elsewhere(), captured() if ranks > 1 else contextlib.nullcontext():
            from neuron import h
    except ImportError as error:
        raise SimulatorError(
            f"NEURON cannot be imported: {error}", remedy="pip install neuron"
        ) from error
    if ranks > 1:
        h.nrnmpi_init()
    context = h.ParallelContext()
    # it would end a process by a signal that makes no step in 20 s of the clock: a large model, a
    # busy machine, or one that was suspended
    context.timeout(0)
    if ranks > 1:
        # errors of one rank are for Python to handle
        context.mpiabort_on_error(0)
    h.load_file("stdrun.hoc")
    h.load_file("import3d.hoc")
    if int(context.nhost()) != ranks:
        _refuse_other_mpi(ranks, int(context.nhost()))
    return h


def _refuse_other_mpi(started: int, joined: int) -> NoReturn:
    """Raise the error for a launcher of one MPI whose processes are joined by another, or by none.

    Each process would run the whole model else, and all would write one file.
    """
    from mpi4py import MPI

    version = MPI.Get_library_version().strip("\0 \n").splitlines()[0].partition(",")[0]
    library = loaded_library("libmpi") or "a library that is not known"
    raise SimulatorError(
        f"the launcher ({launcher_name() or 'none'}) started {started} processes but NEURON sees"
        f" {joined}: mpi4py has loaded {version}",
        source=library,
        remedy="start it with that MPI's own launcher, or set MPI4PY_LIBMPI to the libmpi of this"
        " one, see lfp-cluster(7)",
    )


@contextlib.contextmanager
def _elsewhere() -> Iterator[None]:
    """Import from a folder without mechanisms: nothing is loaded that nobody named."""
    # a descriptor also leads back to a folder that was removed
    here = os.open(".", os.O_RDONLY)
    os.chdir("/")
    try:
        yield
    finally:
        os.fchdir(here)
        os.close(here)


def _show_mpi_library() -> None:
    """Let mpi4py start MPI and tell NEURON which library it loaded."""
    try:
        import mpi4py

        # what was started by another MPI ends the process as it begins, with words of its own
        mpi4py.rc.initialize, mpi4py.rc.finalize = False, True
        from mpi4py import MPI
    except (ImportError, RuntimeError) as error:
        is_missing = importlib.util.find_spec("mpi4py") is None
        name_library = "name its libmpi with MPI4PY_LIBMPI, see lfp-cluster(7)"
        raise MissingDependencyError(
            f"started under MPI, but mpi4py cannot be imported ({error})",
            remedy="pip install 'lfpcli[mpi]'" if is_missing else name_library,
        ) from error
    if not MPI.Is_initialized():
        if launcher_name() == "Open MPI" and MPI.get_vendor()[0] != "Open MPI":
            _refuse_other_mpi(launched()[0], 1)
        MPI.Init_thread()
    MPI.COMM_WORLD.Get_size()
    library = loaded_library("libmpi")
    if library:
        os.environ["MPI_LIB_NRN_PATH"] = library


def loaded_library(name: str) -> str | None:
    """Path of a shared library of this process, by its name up to a dot or a hyphen."""
    if sys.platform != "linux":
        return os.environ.get("MPI_LIB_NRN_PATH")
    for line in Path("/proc/self/maps").read_text().splitlines():
        path = line.rpartition(" ")[2]
        if path.startswith("/") and Path(path).name.startswith((f"{name}.", f"{name}-")):
            return path
    return None


def context() -> Any:
    """NEURON's `ParallelContext`."""
    return nrn().ParallelContext()


def part_from_others() -> None:
    """Let NEURON on each process of a job run cells without waiting for those of the others."""
    context().subworlds(1)

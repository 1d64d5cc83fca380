"""Versions of the program and of what it stands on, for reports of bugs."""

from __future__ import annotations

import importlib.metadata
import platform

from lfpcli import __version__

REQUIRED = (
    *("neuron", "numpy", "scipy", "h5py", "MEAutility", "PyYAML", "matplotlib", "rich"),
    "argcomplete",
)
# package: the extra that installs it
OPTIONAL = {
    "mpi4py": "mpi",
    "mne": "mne",
    "pynwb": "nwb",
    "zarr": "zarr",
    "edfio": "edf",
    "neo": "neo",
    "nixio": "neo",
    "spikeinterface": "spikeinterface",
    "scikit-fem": "fem",
    "meshio": "fem",
    "pyamg": "fem",
    "LFPykit": "lfpykit",
    "elephant": "elephant",
    "pandas": "frames",
    "xarray": "frames",
}


def versions() -> dict[str, str]:
    """Names and versions, the program's own first."""
    table = {"lfp": __version__, "python": platform.python_version(), "system": system()}
    for name in (*REQUIRED, *OPTIONAL):
        try:
            table[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            table[name] = "missing"
    return table


def system() -> str:
    """Name and release of the operating system, and the processor's architecture."""
    return f"{platform.system()} {platform.release()} {platform.machine()}"

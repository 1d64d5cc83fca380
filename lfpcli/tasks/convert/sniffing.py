"""Which format a file is in, told by what is in it."""

from __future__ import annotations

import json
from pathlib import Path

from lfpcli.errors import InputError
from lfpcli.guarded.hdf5 import open_hdf5
from lfpcli.guarded.signature import is_hdf5
from lfpcli.io import kernels, stream
from lfpcli.io.exchange.dipole_tables import H5IO, HEADINGS
from lfpcli.io.exchange.lfpy_files import PROBE
from lfpcli.io.exchange.registry import SOURCES
from lfpcli.io.sonata.config import is_config
from lfpcli.io.text import as_text
from lfpcli.vocabulary import LEAD_FORMAT

# what files of ours say of themselves, and the format it is here
_READ = {"lfp-recording": "lfp", "lfp-templates": "templates"}
_NOT_SAMPLED = {
    kernels.FORMAT: ("kernels", "make signals of them first: lfp convolve"),
    LEAD_FORMAT: ("lead fields", "measure with them: lfp probe --lead-field, lfp eeg"),
}


def sniffed(path: Path, label: str) -> str:
    """Name of the format that a file is in, by what is in it.

    Raises
    ------
    InputError
        Where it is of none that is known.
    """
    start = stream.head(path)
    if is_hdf5(path):
        return _sniffed_hdf5(path, label)
    if start[:2] == b"PK":
        return "gdf"
    text = start.lstrip()
    if Path(label).suffix.lower() == ".toml":
        return "model"
    if text.startswith(b"{"):
        return "circuit" if _is_config(path) else "netpyne"
    first = [line for line in text.decode("latin-1").splitlines() if line.strip("# \t")][:1]
    words = first[0].replace(",", " ").split() if first else []
    if words and words[0] in HEADINGS and "agg" in words:
        return "hnn"
    # times of hnn-core have a point, gids have none
    return "hnn" if len(words) > 1 and "." in words[0] else "gdf"


def _is_config(path: Path) -> bool:
    """Whether a JSON file is a configuration of SONATA; NetPyNE's say so by another key."""
    try:
        return is_config(json.loads(path.read_text(encoding="utf-8")))
    except (ValueError, RecursionError):
        # the reader tells what is wrong with it
        return False


def _sniffed_hdf5(path: Path, label: str) -> str:
    with open_hdf5(path, label) as file:
        names, attributes = set(file), set(file.attrs)
        stated = as_text(file.attrs.get("format", ""))
    if stated in _READ:
        return _READ[stated]
    if stated in _NOT_SAMPLED:
        noun, remedy = _NOT_SAMPLED[stated]
        raise InputError(f"holds {noun}, and no signals", source=label, remedy=remedy)
    if "leadfield" in names:
        noun, remedy = _NOT_SAMPLED[LEAD_FORMAT]
        raise InputError(f"holds {noun}, and no signals", source=label, remedy=remedy)
    if {"nwb_version", "neurodata_type"} & attributes:
        return "nwb"
    if "recordings" in names:
        return "mearec"
    if {"templates", "locations", "celltypes"} <= names:
        return "mearec-templates"
    if names & {"nodes", "edges"} and "provenance" in attributes:
        return "network"
    if names & {"spikes", "report", "reports", "ecp"}:
        return "sonata"
    if H5IO in names:
        return "hnn"
    if {"data", "srate"} <= names:
        return "hybridlfpy"
    if any(PROBE.fullmatch(name) for name in names):
        return "lfpy"
    if "electrodes" in names:
        raise InputError(
            "holds weights of electrodes, and no signals",
            source=label,
            remedy="name it in a configuration, reports.NAME.electrodes_file, and convert that",
        )
    known = ", ".join(each.name for each in SOURCES)
    raise InputError(
        "is of no known format", source=label, remedy=f"name it with --from: one of {known}"
    )

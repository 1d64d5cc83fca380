"""Recordings to the files of other tools, and their files to recordings."""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from lfpcli.errors import InputError, LfpWarning, OutputError, UsageError, nearest
from lfpcli.guarded.hdf5 import open_hdf5
from lfpcli.io import stream
from lfpcli.io.atomic import atomic_output
from lfpcli.io.exchange import recordings
from lfpcli.io.exchange.contents import Contents, Target
from lfpcli.io.exchange.registry import (
    PARTS,
    SOURCES,
    TARGETS,
    Format,
    source_format,
    target_format,
)
from lfpcli.io.provenance import digest, provenance

RECORDING_SUFFIXES = (".h5", ".hdf5")


@dataclass(frozen=True, kw_only=True)
class Selection:
    """What of a file is taken, and in which form.

    Attributes
    ----------
    signals : sequence of str
        Names of signals, ``dipole/GROUP``, ``VARIABLE/POPULATION`` or ``spikes``; all by default.
    time : (float, float), optional
        First and last time, ms.
    channels : sequence of str
        Names of channels, or ranges of numbers such as ``0:32``; all by default.
    resample : float, optional
        Sampling interval to change to, ms.
    units : str, optional
        Unit to change to.
    dtype : {'f8', 'f4'}
        Type of the samples.
    """

    signals: Sequence[str] = ()
    time: tuple[float, float] | None = None
    channels: Sequence[str] = ()
    resample: float | None = None
    units: str | None = None
    dtype: str = "f8"


def convert(
    source: str | os.PathLike[str],
    output: str | os.PathLike[str],
    selection: Selection = Selection(),
    *,
    to: str | None = None,
    from_: str | None = None,
    dt: float | None = None,
    cell_type: str | None = None,
    force: bool = False,
    command: Sequence[str] = ("lfp", "convert"),
    progress: Callable[[float], None] = lambda share: None,
) -> None:
    """Turn a file into one of another format.

    Parameters
    ----------
    source : path-like
        A recording, or a file of another tool; ``-`` is standard input.
    output : path-like
        What to write; its suffix says the format, or `to` does.
    selection : Selection
        What of it.
    to, from_ : str, optional
        Names of the formats, where suffix and contents do not tell them.
    dt : float, optional
        Sampling interval of files that do not tell it, ms.
    cell_type : str, optional
        Name of the cell of templates; the name of the file by default.
    force : bool
        Whether what is there already is replaced.
    command : sequence of str
        The command line, for the provenance.
    progress : callable
        Told the share that is done, 0 to 1.

    Raises
    ------
    UsageError
        Where a format, a name or a unit is unknown, or the format cannot hold what was chosen.
    InputError
        Where the file is not what it should be.
    OutputError
        Where the output exists or cannot be written.
    MissingDependencyError
        Where a format needs a package that is not installed.
    """
    name = str(output)
    back = to is None and Path(name).suffix.lower() in RECORDING_SUFFIXES
    target = None if back else target_format(to, name)
    writer = None if target is None else target.load()
    with stream.local_file(source) as (path, label):
        reader = source_format(from_ or sniffed(path, label))
        if reader.name == "templates" or (target is not None and target.name == "mearec"):
            _convert_templates(reader, target, path, name, cell_type=cell_type, force=force)
            return
        with _opened(reader, path, dt) as contents:
            contents.source = label
            chosen = selected(contents, selection)
            progress(0.1)
            if target is None or writer is None:
                record = provenance(command, inputs=_inputs(path, label), **_history(contents))
                _write_back(chosen, name, record, selection.dtype, force)
            else:
                _tell_losses(contents, chosen, target)
                with _destination(name, target, force) as destination:
                    writer.write(chosen, destination, Target(name=name, dtype=selection.dtype))
    progress(1.0)


def _convert_templates(
    reader: Format,
    target: Format | None,
    path: Path,
    name: str,
    *,
    cell_type: str | None,
    force: bool,
) -> None:
    """Templates go into MEArec's layout, and nothing else does."""
    if reader.name != "templates" or target is None or target.name != "mearec":
        raise UsageError(
            "templates become a file of MEArec, and only they do",
            remedy="lfp probe --placements ... -o t.h5, then lfp convert t.h5 OUT --to mearec",
        )
    with atomic_output(name, force=force) as path_to_write:
        target.load().write_templates(
            path, path_to_write, Target(name=name), cell_type=cell_type or path.stem
        )


def _history(contents: Contents) -> dict[str, Any]:
    return {"history": contents.provenance} if contents.provenance else {}


def _inputs(path: Path, label: str) -> dict[str, str]:
    return {} if label == "standard input" else {Path(label).name: digest(path)}


def _write_back(
    contents: Contents, name: str, record: dict[str, Any], dtype: str, force: bool
) -> None:
    with atomic_output(name, force=force) as path:
        recordings.write_recording(contents, path, record, float32=dtype == "f4")


@contextlib.contextmanager
def _opened(reader: Format, path: Path, dt: float | None) -> Iterator[Contents]:
    module = reader.load()
    opened = module.opened(path, dt) if reader.name == "lfpy" else module.opened(path)
    with opened as contents:
        yield contents


def sniffed(path: Path, label: str) -> str:
    """Name of the format that a file is in, by what is in it.

    Raises
    ------
    InputError
        Where it is of none that is known.
    """
    start = stream.head(path)
    if stream.is_hdf5(start):
        return _sniffed_hdf5(path, label)
    if start[:2] == b"PK":
        return "gdf"
    text = start.lstrip()
    if text.startswith(b"{"):
        return "netpyne"
    first = [line for line in text.decode("latin-1").splitlines() if line.strip("# \t")][:1]
    words = first[0].replace(",", " ").split() if first else []
    # times of hnn-core have a point, gids have none
    return "hnn" if len(words) > 1 and "." in words[0] else "gdf"


def _sniffed_hdf5(path: Path, label: str) -> str:
    with open_hdf5(path, label) as file:
        names, attributes = set(file), set(file.attrs)
        formats_of_ours = {"lfp-recording": "lfp", "lfp-templates": "templates"}
        if file.attrs.get("format") in formats_of_ours:
            return formats_of_ours[file.attrs["format"]]
    if {"nwb_version", "neurodata_type"} & attributes:
        return "nwb"
    if "recordings" in names:
        return "mearec"
    if names & {"spikes", "report", "reports", "ecp"}:
        return "sonata"
    if {"data", "srate"} <= names:
        return "hybridlfpy"
    if any(name.endswith(("Potential", "Electrode", "Density", "Moment")) for name in names):
        return "lfpy"
    known = ", ".join(each.name for each in SOURCES)
    raise InputError(
        "is of no known format", source=label, remedy=f"name it with --from: one of {known}"
    )


def selected(contents: Contents, selection: Selection) -> Contents:
    """The part of some contents that was chosen, in the chosen form.

    Raises
    ------
    UsageError
        Where a signal or a channel is not there.
    """
    known = [traces.name for traces in contents.traces]
    traces, trains = list(contents.traces), list(contents.trains)
    if selection.signals:
        for name in selection.signals:
            if name != "spikes" and name not in known:
                raise UsageError(
                    f"{contents.source} has no signal '{name}'",
                    remedy=nearest(name, [*known, "spikes"], "signal"),
                )
        traces = [contents.named(name) for name in selection.signals if name != "spikes"]
        trains = trains if "spikes" in selection.signals else []
    if selection.time is not None:
        start, stop = selection.time
        traces = [each.between(start, stop) for each in traces]
        trains = [each.between(start, stop) for each in trains]
    if selection.channels:
        traces = [
            each.of_channels(columns_of(selection.channels, each.channels)) for each in traces
        ]
    if selection.units is not None:
        traces = [each.in_units(selection.units) for each in traces]
    if selection.resample is not None:
        traces = [each.at_interval(selection.resample) for each in traces]
    geometries = {} if selection.signals or selection.channels else contents.geometries
    return replace(contents, traces=traces, trains=trains, geometries=geometries)


def columns_of(wanted: Sequence[str], channels: Sequence[str]) -> np.ndarray:
    """Numbers of channels, from their names or ranges of numbers ``FIRST:STOP``.

    Raises
    ------
    UsageError
        Where a channel is not there.
    """
    columns: list[int] = []
    for text in wanted:
        first, colon, stop = text.partition(":")
        if text in channels:
            columns.append(channels.index(text))
        elif colon and (first + stop).isdigit():
            span = range(len(channels))[slice(int(first or 0), int(stop or len(channels)))]
            columns.extend(span)
        else:
            raise UsageError(
                f"there is no channel '{text}'", remedy=nearest(text, channels, "channel")
            )
    if not columns:
        raise UsageError("no channel is chosen", remedy="give names, or ranges such as 0:32")
    return np.array(columns, np.int64)


def _tell_losses(contents: Contents, chosen: Contents, target: Format) -> None:
    """Warn of what was chosen and the format cannot hold."""
    traces = chosen.traces
    there = {
        "geometry": bool(contents.geometries),
        "parameters": any(each.parameters for each in traces),
        "signals": bool(traces),
        "spikes": bool(chosen.trains),
        "positions": any(each.positions is not None for each in traces),
        "shares": any(each.shares for each in traces),
        "dipoles": any(each.name.startswith("dipole/") for each in traces),
    }
    lost = [PARTS[part] for part in target.lacks if there[part]]
    if lost:
        warnings.warn(
            f"{target.name} does not hold {', '.join(lost)}: left out", LfpWarning, stacklevel=2
        )


@contextlib.contextmanager
def _destination(name: str, target: Format, force: bool) -> Iterator[Path]:
    """Yield the file or folder to write; it gets its name once it is whole."""
    if not target.folder:
        with atomic_output(name, force=force) as path:
            yield path
        return
    final = Path(name)
    if name == "-":
        raise UsageError(f"{target.name} is a folder", remedy="name one with -o")
    if final.exists() and not force:
        raise OutputError("output exists", source=final, remedy="use --force to overwrite it")
    if not final.parent.is_dir():
        raise OutputError(
            "output folder does not exist", source=final.parent, remedy=f"mkdir -p {final.parent}"
        )
    folder = Path(tempfile.mkdtemp(prefix=f".lfp-{final.name}-", dir=final.parent))
    try:
        yield folder
        if final.is_dir():
            shutil.rmtree(final)
        elif final.exists():
            final.unlink()
        folder.chmod(0o777 & ~_umask())
        folder.replace(final)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def formats() -> dict[str, list[dict[str, str]]]:
    """What can be written and read: name, suffixes, extra, what is kept and lacking."""
    return {
        "out": [_facts(each) for each in TARGETS],
        "in": [_facts(each) for each in SOURCES],
    }


def _facts(each: Format) -> dict[str, str]:
    return {
        "name": each.name,
        "suffixes": " ".join(each.suffixes),
        "extra": each.extra,
        "keeps": each.keeps,
        "lacks": ", ".join(PARTS[part] for part in each.lacks),
    }

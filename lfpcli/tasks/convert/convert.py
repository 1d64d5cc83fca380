"""Recordings to the files of other tools, and their files to recordings."""

from __future__ import annotations

import contextlib
import os
import warnings
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from lfpcli.errors import LfpWarning, UsageError
from lfpcli.guarded.hdf5 import open_hdf5
from lfpcli.io import stream
from lfpcli.io.atomic import atomic_folder, atomic_output, check_folder_output, check_output
from lfpcli.io.exchange import recordings
from lfpcli.io.exchange.checking import check_contents
from lfpcli.io.exchange.contents import Contents, Target
from lfpcli.io.exchange.mearec_templates import read_templates, write_templates
from lfpcli.io.exchange.registry import (
    PARTS,
    SOURCES,
    TARGETS,
    Format,
    known_by_suffix,
    source_format,
    target_format,
)
from lfpcli.io.provenance import digest, provenance, read_provenance
from lfpcli.tasks.convert.selection import Selection, selected
from lfpcli.tasks.convert.sniffing import sniffed
from lfpcli.tasks.convert.unheeded import Formats, check_options, check_spikes_alone

RECORDING = "lfp"
RECORDING_SUFFIXES = (".h5", ".hdf5")


def convert(
    source: str | os.PathLike[str],
    output: str | os.PathLike[str],
    selection: Selection | None = None,
    formats: Formats | None = None,
    *,
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
        What to write; its suffix says the format, or `formats` does.
    selection : Selection, optional
        What of it; all by default.
    formats : Formats, optional
        What the names of the files do not tell.
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
    selection, formats = selection or Selection(), formats or Formats()
    name = str(output)
    target = _target(name, formats.to)
    writer = None if target is None else target.load()
    _check_destination(name, target, force)
    with stream.local_file(source) as (path, label):
        reader = source_format(formats.from_ or sniffed(path, label))
        check_options(reader, target, selection, formats, output=name)
        if reader.name in ("templates", "mearec-templates"):
            record = provenance(command, inputs=_inputs(path, label, ()))
            with _templates_destination(reader, target, name, force) as written:
                if target is None:
                    read_templates(path, written, label, provenance=record)
                else:
                    cell_type = formats.cell_type
                    write_templates(path, written, Target(name=name), cell_type=cell_type)
            return
        if reader.name in ("model", "network") and (target is None or target.name == "sonata"):
            _convert_model(reader, target, path, label, name, force=force)
            return
        if target is not None and target.name == "bluerecording":
            _convert_weights(reader, path, label, name, selection=selection, force=force)
            return
        with _opened(reader, path, label, formats) as contents:
            contents.source = label
            chosen = selected(contents, selection)
            check_spikes_alone(chosen, selection)
            _watch(chosen, progress)
            if target is None or writer is None:
                inputs = _inputs(path, label, contents.files)
                record = provenance(command, inputs=inputs, **_history(contents))
                _write_back(chosen, name, record, dtype=selection.sample_type, force=force)
            else:
                with _destination(name, target, force) as destination:
                    file = Target(name=_told_name(name, target), dtype=selection.sample_type)
                    writer.write(chosen, destination, file)
                    # what is refused needs no word of what it would have lost
                    _tell_losses(contents, chosen, target)
    progress(1.0)


def _target(name: str, to: str | None) -> Format | None:
    """The format to write; None for a recording.

    Raises
    ------
    UsageError
        Where none is known by the name, or the name is that of another format.
    """
    suffix = Path(name).suffix.lower()
    if to is None:
        return None if suffix in RECORDING_SUFFIXES else target_format(None, name)
    if to == RECORDING:
        target = None
        allowed: tuple[str, ...] = RECORDING_SUFFIXES
    else:
        target = target_format(to, name)
        allowed = target.suffixes
    told = RECORDING if suffix in RECORDING_SUFFIXES else known_by_suffix(name)
    if name != stream.STDIN and told and suffix not in allowed and (target is None or allowed):
        raise UsageError(
            f"--to {to} and the suffix of {name}, which is that of {told}, disagree",
            remedy=f"leave out --to, or name a file that ends in {' or '.join(allowed)}",
        )
    return target


def _told_name(name: str, target: Format) -> str:
    """A name whose suffix says the format, which standard output and other names do not."""
    if not target.suffixes or Path(name).suffix.lower() in target.suffixes:
        return name
    return f"{name}{target.suffixes[0]}"


def _watch(contents: Contents, progress: Callable[[float], None]) -> None:
    """Tell the share of the samples that was read."""
    total = sum(traces.values for traces in contents.traces)
    done = 0

    def count(values: int) -> None:
        nonlocal done
        done += values
        # some formats read their samples twice
        progress(min(done / max(total, 1), 1.0))

    contents.traces = [traces.watched(count) for traces in contents.traces]


def _convert_model(
    reader: Format, target: Format | None, path: Path, label: str, name: str, *, force: bool
) -> None:
    """A model, or its network that was saved, as a circuit."""
    if target is None:
        raise UsageError(
            f"{label} is a {reader.name}, not what one recorded",
            remedy="run it: lfp sim, or name a folder with --to sonata",
        )
    from lfpcli.tasks.convert.circuits_out import write_model

    record = None
    if reader.name == "network":
        with open_hdf5(path, label) as file:
            record = read_provenance(file.attrs, label)
    with _destination(name, target, force) as folder:
        write_model(path, label, folder, record)


def _convert_weights(
    reader: Format, path: Path, label: str, name: str, *, selection: Selection, force: bool
) -> None:
    """Weights are those of a model, or of a recording that tells its model."""
    if reader.name not in ("model", "circuit", "lfp"):
        raise UsageError(
            f"{label} is of format {reader.name}, which has no weights",
            remedy="give a model whose tables [[probe]], [[eeg]] or [[meg]] measure",
        )
    from lfpcli.tasks.convert.models import write_weights

    with atomic_output(name, force=force) as written:
        write_weights(path, label, written, selection, recording=reader.name == "lfp")


@contextlib.contextmanager
def _templates_destination(
    reader: Format, target: Format | None, name: str, force: bool
) -> Iterator[Path]:
    """Templates of ours go into MEArec's layout, and theirs into ours."""
    if reader.name == "templates" and (target is None or target.name != "mearec"):
        raise UsageError(
            "templates become a file of MEArec, and nothing else",
            remedy="lfp convert t.h5 OUT --to mearec",
        )
    if reader.name == "mearec-templates" and target is not None:
        raise UsageError(
            f"templates of MEArec become a file of templates of lfp, not {target.name}",
            remedy="name an output that ends in .h5, without --to",
        )
    with atomic_output(name, force=force) as path:
        yield path


def _history(contents: Contents) -> dict[str, Any]:
    return {"history": contents.provenance} if contents.provenance else {}


def _inputs(path: Path, label: str, files: Sequence[Path]) -> dict[str, str]:
    inputs = {} if label == "standard input" else {Path(label).name: digest(path)}
    return inputs | {file.name: digest(file) for file in files if file.is_file()}


def _write_back(
    contents: Contents, name: str, record: dict[str, Any], *, dtype: str, force: bool
) -> None:
    with atomic_output(name, force=force) as path:
        recordings.write_recording(contents, path, record, float32=dtype == "f4")


@contextlib.contextmanager
def _opened(reader: Format, path: Path, label: str, formats: Formats) -> Iterator[Contents]:
    if reader.name in ("model", "network"):
        raise UsageError(
            f"{label} is a {reader.name}, not what one recorded",
            remedy="run it with lfp sim, or convert it --to sonata or bluerecording",
        )
    if formats.circuit is not None and reader.name != "sonata":
        raise UsageError(
            f"--circuit goes with reports and spikes of SONATA, {label} is of format {reader.name}",
            remedy="leave it out",
        )
    with _opener(reader, path, label, formats) as contents:
        check_contents(contents)
        yield contents


def _opener(
    reader: Format, path: Path, label: str, formats: Formats
) -> contextlib.AbstractContextManager[Contents]:
    if reader.name == "circuit":
        from lfpcli.tasks.convert.finished_runs import opened_run

        return opened_run(path)
    if formats.circuit is not None:
        from lfpcli.tasks.convert.finished_runs import opened_report

        return opened_report(path, label, Path(formats.circuit))
    contents: contextlib.AbstractContextManager[Contents]
    if reader.name == "lfpy":
        contents = reader.load().opened(path, formats.dt)
    else:
        contents = reader.load().opened(path)
    return contents


def _tell_losses(contents: Contents, chosen: Contents, target: Format) -> None:
    """Warn of what was chosen and the format cannot hold."""
    traces = chosen.traces
    there = {
        "geometry": bool(contents.geometries),
        "parameters": any(each.parameters for each in traces),
        "signals": any(not each.name.startswith("dipole/") for each in traces),
        "spikes": bool(chosen.trains),
        "positions": any(each.positions is not None for each in traces),
        "shares": any(each.shares for each in traces),
        "dipoles": any(each.name.startswith("dipole/") for each in traces),
        "names": any(each.channels != [*map(str, range(len(each.channels)))] for each in traces),
        "units": any(each.units for each in traces),
        "times": bool(traces),
        "start": any(each.t_start for each in traces),
        "truth": chosen.units is not None,
        "populations": len(chosen.trains) > 1,
    }
    lost = [PARTS[part] for part in target.lacks if there[part]]
    if lost:
        warnings.warn(
            f"{target.name} does not hold {', '.join(lost)}: left out", LfpWarning, stacklevel=2
        )


def _check_destination(name: str, target: Format | None, force: bool) -> None:
    """Raise an error where the output cannot be written, before any work."""
    if target is None or not target.folder:
        if name != stream.STDIN:
            check_output(name, force=force)
        return
    if name == stream.STDIN:
        raise UsageError(f"{target.name} is a folder", remedy="name one")
    check_folder_output(name, force=force)


@contextlib.contextmanager
def _destination(name: str, target: Format, force: bool) -> Iterator[Path]:
    """Yield the file or folder to write; it gets its name once it is whole."""
    output = atomic_folder if target.folder else atomic_output
    with output(name, force=force) as path:
        yield path


def known_formats() -> dict[str, list[dict[str, str]]]:
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

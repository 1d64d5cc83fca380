"""What a file is worth: whether it is whole, says how it came to be, and makes sense."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from lfpcli.errors import LfpError
from lfpcli.guarded.hdf5 import CheckedDataset
from lfpcli.io import kernels, lead_grids, stream, templates
from lfpcli.io.checkpoint import Checkpoint
from lfpcli.io.leaves import Contents, open_contents
from lfpcli.io.npz import StoredArray
from lfpcli.io.recording import FORMAT
from lfpcli.io.text import as_text
from lfpcli.morphology.formats import morphology_format
from lfpcli.morphology.reading import read_morphology
from lfpcli.tasks.files.check_formats import (
    kernel_findings,
    lead_findings,
    model_findings,
    network_findings,
    template_findings,
)
from lfpcli.tasks.files.check_recording import recording_findings
from lfpcli.tasks.files.finding import Finding as Finding
from lfpcli.tasks.files.finding import Report, error_finding

_BLOCK_VALUES = 1 << 20


def check(source: str | os.PathLike[str]) -> Report:
    """Look at whatever this package writes, another HDF5 or NumPy file, a morphology or a model.

    Parameters
    ----------
    source : path-like
        The file, or ``-``.

    Returns
    -------
    Report
        An error among its findings, where the file cannot be read.
    """
    report = Report("standard input" if str(source) == stream.STDIN else str(source))
    try:
        with open_contents(source) as contents:
            report.findings += _findings(contents, Path(source).suffix)
    except LfpError as error:
        report.findings.append(error_finding(error, "format"))
    return report


def _findings(contents: Contents, suffix: str) -> Iterator[Finding]:
    # the code of a hoc file is not run to see what it is worth
    morphology = morphology_format(contents.path, suffix=suffix)
    if morphology is not None and morphology != "hoc":
        yield from _morphology(contents)
    elif contents.format_name == "text" and suffix.lower() in (".toml", ".json"):
        yield from model_findings(contents)
    elif contents.format_name in ("text", "binary"):
        yield Finding("error", "format", "is of no known format")
    else:
        yield Finding("ok", "format", contents.format_name)
        yield from _datasets(contents)
    if contents.file is None:
        return
    if "checkpoint" in contents.file:
        yield from _checkpoint(contents)
    elif {"nodes", "edges"} & set(contents.file) and "provenance" in contents.file.attrs:
        yield from network_findings(contents)
    looks = {
        FORMAT: recording_findings,
        templates.FORMAT: template_findings,
        kernels.FORMAT: kernel_findings,
        lead_grids.FORMAT: lead_findings,
    }
    look = looks.get(as_text(contents.file.attrs.get("format", "")))
    if look is not None:
        yield from look(contents)


def _morphology(contents: Contents) -> Iterator[Finding]:
    try:
        cell = read_morphology(contents.path, name=contents.name)
    except LfpError as error:
        yield error_finding(error, "format")
        return
    yield Finding("ok", "format", f"morphology of {len(cell.points)} points")


def _datasets(contents: Contents) -> Iterator[Finding]:
    """Read all data, which verifies their checksums, and look for what is not finite."""
    bare, whole, damaged = [], 0, 0
    for path, leaf in contents.leaves.items():
        if not leaf.is_array:
            continue
        try:
            finite = _is_finite(leaf.data)
        except LfpError as error:
            damaged += 1
            yield error_finding(error, "checksums")
            continue
        whole += 1
        if not finite:
            yield Finding("error", "values", "holds NaN or infinity", path)
        if isinstance(leaf.data, CheckedDataset) and _lacks_checksum(leaf.data.dataset):
            bare.append(path)
    text = f"{whole} datasets were read"
    if bare:
        yield Finding("warning", "checksums", f"{text}, {len(bare)} without a checksum", bare[0])
    elif not damaged:
        yield Finding("ok", "checksums", text)


def _lacks_checksum(dataset: h5py.Dataset) -> bool:
    return bool(dataset.size) and not dataset.fletcher32


def _is_finite(data: Any) -> bool:
    """Whether an array is finite, read in blocks; text is."""
    if isinstance(data, StoredArray):
        # a member of an archive can be read from its begin alone, and has its checksum at its end
        is_finite = True
        for block in data.blocks():
            is_finite &= block.dtype.kind not in "fc" or bool(np.all(np.isfinite(block)))
        return is_finite
    if data.shape is None or data.dtype.kind not in "fc":
        # it is read all the same: that verifies its checksums
        _ = None if data.shape is None else data[()]
        return True
    if not data.shape:
        return bool(np.isfinite(data[()]))
    row = max(int(np.prod(data.shape[1:])), 1)
    step = max(_BLOCK_VALUES // row, 1)
    blocks = (data[first : first + step] for first in range(0, data.shape[0], step))
    return all(bool(np.all(np.isfinite(block))) for block in blocks)


def _checkpoint(contents: Contents) -> Iterator[Finding]:
    assert contents.file is not None
    try:
        checkpoint = Checkpoint(contents.file, contents.path)
    except LfpError as error:
        yield Finding("error", "digest", error.message)
        return
    yield Finding("ok", "digest", f"state of the run with seed {checkpoint.key.get('seed')}")

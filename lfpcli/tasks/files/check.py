"""What a file is worth: whether it is whole, says how it came to be, and makes sense."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from lfpcli.errors import LfpError
from lfpcli.guarded.hdf5 import CheckedDataset
from lfpcli.io import stream
from lfpcli.io.axes import loose_axes
from lfpcli.io.checkpoint import Checkpoint
from lfpcli.io.leaves import Contents, open_contents
from lfpcli.io.recording import FORMAT, Recording
from lfpcli.io.text import as_text
from lfpcli.morphology.formats import morphology_format
from lfpcli.morphology.reading import read_morphology

_BLOCK_VALUES = 1 << 20
# membrane currents add to zero up to rounding of their sum over cells
_BALANCE = 1e-6
# a contact nearer than this to the axis of a segment sees its own singularity, um
_NEAR = 1.0
# contacts farther than this many extents of the cells see their dipole, within some share
_FAR, _FAR_SHARE = 10.0, 0.1


@dataclass
class Finding:
    """One thing that was looked at.

    Attributes
    ----------
    state : {'ok', 'warning', 'error'}
        What came out; an error makes the file worthless as it is.
    subject : str
        What was looked at: format, checksums, provenance, values ...
    text : str
        What was seen.
    source : str
        Dataset, empty for the whole file.
    """

    state: str
    subject: str
    text: str
    source: str = ""


@dataclass
class Report:
    """What a file is worth.

    Attributes
    ----------
    file : str
        Its name.
    findings : list of Finding
        In the order of the looks.
    """

    file: str
    findings: list[Finding] = field(default_factory=list)

    @property
    def is_sound(self) -> bool:
        """Whether nothing is wrong with it; warnings are let be."""
        return all(finding.state != "error" for finding in self.findings)


def check(source: str | os.PathLike[str]) -> Report:
    """Look at a recording, a checkpoint, another HDF5 or NumPy file, or a morphology.

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
        report.findings.append(_error(error, "format"))
    return report


def _error(error: LfpError, subject: str) -> Finding:
    return Finding("error", subject, error.message, error.source or "")


def _findings(contents: Contents, suffix: str) -> Iterator[Finding]:
    # the code of a hoc file is not run to see what it is worth
    morphology = morphology_format(contents.path, suffix=suffix)
    if morphology is not None and morphology != "hoc":
        yield from _morphology(contents)
    elif contents.format_name in ("text", "binary"):
        yield Finding("error", "format", "is of no known format")
    else:
        yield Finding("ok", "format", contents.format_name)
        yield from _datasets(contents)
    if contents.file is None:
        return
    if "checkpoint" in contents.file:
        yield from _checkpoint(contents)
    elif as_text(contents.file.attrs.get("format", "")) == FORMAT:
        yield from _recording(contents)


def _morphology(contents: Contents) -> Iterator[Finding]:
    try:
        cell = read_morphology(contents.path, name=contents.name)
    except LfpError as error:
        yield _error(error, "format")
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
            yield _error(error, "checksums")
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


def _recording(contents: Contents) -> Iterator[Finding]:
    """Look at what a recording says, part by part: what is wrong with one is told of it alone."""
    try:
        recording = Recording(contents.file, contents.name)
        yield from _provenance(recording)
    except LfpError as error:
        yield _error(error, "format")
        return
    for look in (_geometry, _axes, _balance, _contacts, _far_field):
        try:
            yield from look(recording)
        except LfpError as error:
            yield _error(error, look.__name__.strip("_").replace("_", " "))


def _provenance(recording: Recording) -> Iterator[Finding]:
    record = recording.provenance
    if not record:
        yield Finding("warning", "provenance", "does not say how it came to be")
        return
    steps = [*record.get("history", []), record]
    commands = " | ".join(" ".join(map(str, step.get("command", [])[:2])) for step in steps)
    unnamed = [step for step in steps if not step.get("command")]
    # of any type: damage may have made a number of one
    digests: list[object] = []
    for step in steps:
        digests += dict(step.get("inputs", {})).values()
    if unnamed:
        yield Finding("warning", "provenance", f"{len(unnamed)} of {len(steps)} steps name none")
    elif not all(isinstance(d, str) and len(d) == 64 for d in digests):
        yield Finding("error", "provenance", "holds a digest that is none")
    else:
        yield Finding("ok", "provenance", f"{commands}; {len(digests)} inputs with digests")


def _geometry(recording: Recording) -> Iterator[Finding]:
    for name in [*recording.populations, *recording.spike_populations]:
        if name in recording.populations:
            geometry = recording.geometry(name)
            flat = int(np.count_nonzero(geometry.area <= 0))
            if flat:
                text = f"{flat} of {len(geometry)} segments have no membrane"
                yield Finding("warning", "geometry", text, f"/geometry/{name}/area")
        if name in recording.spike_populations:
            recording.spikes(name)
    for variable, populations in recording.reports.items():
        for population in populations:
            recording.report(variable, population)


def _axes(recording: Recording) -> Iterator[Finding]:
    """Other tools that copy a part of a file leave its axes as addresses in the old one."""
    for path in loose_axes(recording.file):
        text = "its named axes lead elsewhere: lfp reads it, xarray needs engine='lfp'"
        yield Finding("warning", "axes", text, path)


def _balance(recording: Recording) -> Iterator[Finding]:
    """Membrane currents of a cell add to zero, unless an electrode injects some."""
    for population in recording.reports.get("imem", []):
        report = recording.report("imem", population)
        source = f"/reports/imem/{population}/data"
        largest = peak = 0.0
        for first, last in _blocks(*report.data.shape):
            block = np.asarray(report.data[first:last], float)
            # reduceat would give a cell without columns the value of the next one
            bounds = report.pointers[:-1][np.diff(report.pointers) > 0]
            if not block.size or not len(bounds):
                continue
            sums = np.add.reduceat(block, bounds, axis=1)
            largest = max(largest, float(np.abs(sums).max()))
            peak = max(peak, float(np.abs(block).max()))
        if largest > _BALANCE * peak:
            text = f"currents of a cell add to {largest:.3g} nA, of {peak:.3g} nA at most"
            yield Finding("warning", "charge balance", text, source)
        else:
            yield Finding("ok", "charge balance", f"within {largest:.1e} nA", source)


def _blocks(rows: int, columns: int) -> Iterator[tuple[int, int]]:
    step = max(_BLOCK_VALUES // max(columns, 1), 1)
    for first in range(0, rows, step):
        yield first, min(first + step, rows)


def _contacts(recording: Recording) -> Iterator[Finding]:
    """Contacts within a segment see what no electrode would."""
    for name in recording.signals:
        signal = recording.signal(name)
        if signal.positions is None or not len(signal.positions):
            continue
        near = 0
        for population in recording.populations:
            geometry = recording.geometry(population)
            for position in signal.positions:
                gap = _distances(position, geometry.start, geometry.end)
                near += bool(np.any(gap < np.maximum(_NEAR, 0.5 * geometry.diam)))
        source = f"/signals/{name}/positions"
        if near:
            text = f"{near} contacts lie inside a segment or within {_NEAR:g} um of one"
            yield Finding("warning", "contacts", text, source)
        elif recording.populations:
            yield Finding("ok", "contacts", f"{len(signal.positions)} outside the cells", source)


def _distances(point: np.ndarray, start: np.ndarray, end: np.ndarray) -> np.ndarray:
    """Distances of a point from line segments, shape (N,), um."""
    along = end - start
    # a segment of no length is its start
    length = np.maximum(np.einsum("nk,nk->n", along, along), 1e-300)
    share = np.clip(np.einsum("nk,nk->n", point - start, along) / length, 0.0, 1.0)
    return np.asarray(np.linalg.norm(start + share[:, None] * along - point, axis=1))


def _far_field(recording: Recording) -> Iterator[Finding]:
    """Far away in an infinite medium, potentials are those of the total current dipole."""
    if "total" not in recording.dipole_groups:
        return
    moment = recording.dipole("total")
    cells = [recording.geometry(population) for population in recording.populations]
    if not cells:
        return
    ends = np.concatenate([np.concatenate([cell.start, cell.end]) for cell in cells])
    if not len(ends):
        return
    centre, extent = ends.mean(axis=0), float(np.ptp(ends, axis=0).max())
    for name in recording.signals:
        signal = recording.signal(name)
        sigma = signal.parameters.get("sigma")
        fits = signal.units == "mV" and signal.data.shape[0] == moment.data.shape[0]
        if signal.positions is None or not fits or not isinstance(sigma, float):
            continue
        arms = signal.positions - centre
        distances = np.linalg.norm(arms, axis=1)
        far = np.flatnonzero(distances > _FAR * max(extent, 1.0))
        if not len(far):
            continue
        # phi = p r / (4 pi sigma r^3), mV of nA um, S/m and um
        weights = arms[far] / (4 * np.pi * sigma * distances[far, None] ** 3)
        expected = np.asarray(moment.data[:], float) @ weights.T
        measured = np.asarray(signal.data[:], float)[:, far]
        apart = float(np.abs(measured - expected).max()) / max(
            float(np.abs(expected).max()), 1e-300
        )
        source = f"/signals/{name}/data"
        if apart > _FAR_SHARE:
            text = f"{100 * apart:.3g} % from the field of the dipole at {len(far)} far contacts"
            yield Finding("warning", "far field", text, source)
        else:
            yield Finding("ok", "far field", f"within {100 * apart:.2g} % of the dipole", source)

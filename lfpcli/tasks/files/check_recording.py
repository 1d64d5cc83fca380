"""Whether what a recording holds makes sense: balance of charge, contacts, far fields, units."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from lfpcli.errors import LfpError
from lfpcli.io.axes import loose_axes
from lfpcli.io.leaves import Contents
from lfpcli.io.recording import Recording
from lfpcli.io.units import GROUP, read_units
from lfpcli.tasks.files.finding import Finding, error_finding, provenance_finding

_BLOCK_VALUES = 1 << 20
# membrane currents add to zero up to rounding of their sum over cells
_BALANCE = 1e-6
# a contact nearer than this to the axis of a segment sees its own singularity, um
_NEAR = 1.0
# contacts farther than this many extents of the cells see their dipole, within some share
_FAR, _FAR_SHARE = 10.0, 0.1


def recording_findings(contents: Contents) -> Iterator[Finding]:
    """Look at what a recording says, part by part: what is wrong with one is told of it alone."""
    try:
        recording = Recording(contents.file, contents.name)
        yield provenance_finding(recording.provenance)
    except LfpError as error:
        yield error_finding(error, "format")
        return
    for look in (_geometry, _spikes, _axes, _balance, _contacts, _far_field, _units):
        try:
            yield from look(recording)
        except LfpError as error:
            yield error_finding(error, look.__name__.strip("_").replace("_", " "))


def _geometry(recording: Recording) -> Iterator[Finding]:
    for name in recording.populations:
        geometry = recording.geometry(name)
        flat = int(np.count_nonzero(geometry.area <= 0))
        if flat:
            text = f"{flat} of {len(geometry)} segments have no membrane"
            yield Finding("warning", "geometry", text, f"/geometry/{name}/area")
    for variable, populations in recording.reports.items():
        for population in populations:
            recording.report(variable, population)


def _spikes(recording: Recording) -> Iterator[Finding]:
    """Spikes are those of cells that are there, while the signals last."""
    spans = [
        (signal.t_start, signal.t_start + signal.dt * len(signal.data))
        for signal in map(recording.signal, recording.signals)
    ]
    for name in recording.spike_populations:
        times, ids = recording.spikes(name)
        source = f"/spikes/{name}"
        if name in recording.populations:
            strange = int(np.count_nonzero(~np.isin(ids, recording.geometry(name).gid)))
            if strange:
                text = f"{strange} of {len(ids)} spikes are of cells without geometry"
                yield Finding("warning", "spikes", text, f"{source}/node_ids")
        if spans and len(times):
            first, last = min(begin for begin, _ in spans), max(end for _, end in spans)
            outside = int(np.count_nonzero((times < first) | (times > last)))
            if outside:
                text = f"{outside} of {len(times)} spikes lie outside the signals' {first:g} to "
                yield Finding("warning", "spikes", f"{text}{last:g} ms", f"{source}/timestamps")


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


def _units(recording: Recording) -> Iterator[Finding]:
    """The ground truth of a recording: each unit has a waveform, and the spikes are of units."""
    units = read_units(recording.file, recording.name)
    if units is None:
        return
    source = f"/{GROUP}"
    silent = int(np.count_nonzero(units.troughs.max(axis=1, initial=0.0) <= 0))
    strange = 0
    for population in recording.spike_populations:
        _, ids = recording.spikes(population)
        strange += int(np.count_nonzero(~np.isin(ids, units.ids)))
    if strange:
        yield Finding("error", "units", f"{strange} spikes are of no unit", source)
    elif silent:
        text = f"{silent} of {len(units.ids)} units have no trough at any contact"
        yield Finding("warning", "units", text, source)
    else:
        yield Finding("ok", "units", f"{len(units.ids)} units, each with its waveform", source)

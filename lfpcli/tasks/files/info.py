"""What a file holds, as a tree of facts."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from lfpcli.errors import InputError
from lfpcli.io import kernels, templates
from lfpcli.io.leaves import Contents, Leaf, open_contents
from lfpcli.io.provenance import read_provenance
from lfpcli.io.recording import FORMAT, Recording, Sampled
from lfpcli.io.text import as_text
from lfpcli.io.units import read_units
from lfpcli.morphology.formats import morphology_format
from lfpcli.morphology.reading import read_morphology
from lfpcli.morphology.section import APICAL, AXON, DENDRITE, SOMA
from lfpcli.vocabulary import LEAD_FORMAT

_TYPES = {SOMA: "soma", AXON: "axon", DENDRITE: "basal", APICAL: "apical"}


def info(source: str | os.PathLike[str]) -> dict[str, Any]:
    """Describe a recording, another HDF5 file, NumPy arrays, or a morphology.

    Parameters
    ----------
    source : path-like
        The file, ``-`` for standard input.

    Returns
    -------
    dict
        ``file``, ``kind`` and ``bytes``; for a recording the ``populations``, ``spikes``,
        ``reports``, ``dipoles``, ``signals`` and ``provenance``; for HDF5 and NumPy files the
        ``datasets``, and of templates the ``provenance``; for lead fields the ``medium`` and the
        ``contacts`` with their errors; for a morphology the numbers of ``points``.

    Raises
    ------
    InputError
        Where the file cannot be read or is of no known kind.
    """
    with open_contents(source) as contents:
        facts: dict[str, Any] = {
            "file": contents.name,
            "kind": contents.format_name,
            "bytes": contents.path.stat().st_size,
        }
        file_format = morphology_format(contents.path, suffix=Path(source).suffix)
        # hoc code is not run to tell what it makes
        if file_format is not None and file_format != "hoc":
            facts |= _morphology(contents, file_format)
        elif contents.format_name in ("text", "binary"):
            raise InputError(
                "format is not known",
                source=contents.name,
                remedy="HDF5, .npy, .npz and morphologies (.swc, .asc, .h5, .nml) are read",
            )
        if contents.format_name == "hdf5":
            facts |= _hdf5(contents)
        facts["datasets"] = [
            _dataset(path, leaf) for path, leaf in contents.leaves.items() if leaf.data is not None
        ]
        return facts


def _hdf5(contents: Contents) -> dict[str, Any]:
    assert contents.file is not None
    attributes = {k: _plain(v) for k, v in contents.leaves["/"].attributes.items()}
    if attributes.get("format") == templates.FORMAT:
        record = read_provenance(attributes, contents.name)
        attributes.pop("provenance", None)
        return {"attributes": attributes, "provenance": record}
    if attributes.get("format") == kernels.FORMAT:
        record = read_provenance(attributes, contents.name)
        stored = kernels.read_kernels(contents.file, contents.name)
        facts = {signal.name: _kernels(signal) for signal in stored}
        return {"kind": "kernels", "kernels": facts, "provenance": record}
    if attributes.get("format") == LEAD_FORMAT:
        # its grids take scipy, which is long to import
        from lfpcli.io.lead_grids import lead_facts

        record = read_provenance(attributes, contents.name)
        facts = lead_facts(contents.file, contents.name)
        return {"kind": "lead fields", **facts, "provenance": record}
    if attributes.get("format") != FORMAT:
        # such as lead fields of heads, which have a layout but no name
        record = read_provenance(attributes, contents.name) if "provenance" in attributes else {}
        if record:
            attributes.pop("provenance")
            return {"attributes": attributes, "provenance": record}
        return {"attributes": attributes}
    return _recording(Recording(contents.file, contents.name))


def _kernels(signal: kernels.Kernels) -> dict[str, Any]:
    """Facts of the kernels of a signal; the peak is the value furthest from 0."""
    pairs = []
    for (pre, post), values in signal.values.items():
        row, channel = np.unravel_index(int(np.argmax(np.abs(values))), values.shape)
        pairs.append(
            {
                "pre": pre,
                "post": post,
                "peak": float(values[row, channel]),
                "peak_ms": float(row * signal.dt),
                "channel": signal.names[channel] if signal.names else int(channel),
            }
        )
    samples, channels = next(iter(signal.values.values())).shape
    return {
        "units": signal.units,
        "model": signal.model,
        "dt_ms": signal.dt,
        "length_ms": signal.dt * (samples - 1),
        "channels": channels,
        "pairs": pairs,
    }


def _units(recording: Recording) -> dict[str, Any]:
    """Number, cell types and range of troughs of the units of each population."""
    units = read_units(recording.file, recording.name)
    if units is None:
        return {}
    facts: dict[str, Any] = {}
    troughs = units.troughs.max(axis=1)
    for name in dict.fromkeys(units.populations):
        members = [k for k, population in enumerate(units.populations) if population == name]
        facts[name] = {
            "number": len(members),
            "cell_types": sorted({units.cell_types[k] for k in members}),
            "trough_mV": [float(troughs[members].min()), float(troughs[members].max())],
        }
    return facts


def _plain(value: Any) -> Any:
    if isinstance(value, h5py.Empty):
        return None
    if isinstance(value, bytes):
        return as_text(value)
    return value.tolist() if isinstance(value, (np.ndarray, np.generic)) else value


def _dataset(path: str, leaf: Leaf) -> dict[str, Any]:
    if not leaf.is_array:
        return {"path": path, "link": leaf.data}
    data = leaf.data
    facts = {
        "path": path,
        "shape": None if data.shape is None else list(data.shape),
        "type": "text" if h5py.check_string_dtype(data.dtype) else str(data.dtype),
    }
    if "units" in leaf.attributes:
        facts["units"] = _plain(leaf.attributes["units"])
    return facts


def _recording(recording: Recording) -> dict[str, Any]:
    provenance = recording.provenance
    spans = _spans(recording)
    cells = {name: _population(recording, name) for name in recording.populations}
    start, stop = min((s[0] for s in spans), default=0.0), max((s[1] for s in spans), default=0.0)
    return {
        "kind": "recording",
        "format_version": _plain(recording.file.attrs["format_version"]),
        **({"time": {"t_start": start, "t_stop": stop}} if spans else {}),
        "populations": cells,
        "spikes": {
            name: _spikes(recording, name, cells.get(name, {}).get("cells"), spans)
            for name in recording.spike_populations
        },
        "reports": {
            variable: _reports(recording, variable, names)
            for variable, names in recording.reports.items()
        },
        "dipoles": {name: _dipole(recording, name) for name in recording.dipole_groups},
        "signals": {name: _signal(recording, name) for name in recording.signals},
        "units": _units(recording),
        "provenance": provenance,
    }


def _reports(recording: Recording, variable: str, populations: Sequence[str]) -> dict[str, Any]:
    facts = {}
    for population in populations:
        report = recording.report(variable, population)
        facts[population] = {**_sampled(report), "cells": len(report.node_ids)}
    return facts


def _spans(recording: Recording) -> list[tuple[float, float]]:
    """First and last time of all that is sampled, ms."""
    sampled: list[Sampled] = [recording.dipole(g) for g in recording.dipole_groups]
    sampled += [recording.signal(n) for n in recording.signals]
    for variable, populations in recording.reports.items():
        sampled += [recording.report(variable, population) for population in populations]
    return [
        (s.t_start, s.t_start + s.dt * (s.data.shape[0] - 1)) for s in sampled if s.data.shape[0]
    ]


def _population(recording: Recording, name: str) -> dict[str, Any]:
    geometry = recording.geometry(name)
    facts: dict[str, Any] = {
        "cells": len(np.unique(geometry.gid)),
        "segments": len(geometry),
        "sections": len(np.unique(np.stack([geometry.gid, geometry.section]), axis=1).T),
    }
    if len(geometry):
        points = np.concatenate([geometry.start, geometry.end])
        facts["gids"] = [int(geometry.gid.min()), int(geometry.gid.max())]
        facts["area_um2"] = float(geometry.area.sum())
        facts["length_um"] = float(geometry.length.sum())
        facts["low_um"] = points.min(axis=0).tolist()
        facts["high_um"] = points.max(axis=0).tolist()
    return facts


def _spikes(
    recording: Recording, name: str, cells: int | None, spans: list[tuple[float, float]]
) -> dict[str, Any]:
    times, gids = recording.spikes(name)
    facts: dict[str, Any] = {"number": len(times), "cells_firing": len(np.unique(gids))}
    if len(times):
        facts |= {"first_ms": float(times[0]), "last_ms": float(times[-1])}
    # spikes do not say how long the run was, what is sampled does
    duration = max((stop - start for start, stop in spans), default=0.0)
    if cells and duration > 0:
        facts["rate_hz"] = 1e3 * len(times) / duration / cells
    return facts


def _sampled(sampled: Sampled) -> dict[str, Any]:
    samples = int(sampled.data.shape[0])
    return {
        "shape": list(sampled.data.shape),
        "type": str(sampled.data.dtype),
        "units": sampled.units,
        "dt_ms": sampled.dt,
        "rate_hz": 1e3 / sampled.dt,
        "t_start_ms": sampled.t_start,
        "t_stop_ms": sampled.t_start + sampled.dt * max(samples - 1, 0),
    }


def _signal(recording: Recording, name: str) -> dict[str, Any]:
    signal = recording.signal(name)
    facts = _sampled(signal) | {"model": signal.model, "parameters": signal.parameters}
    if signal.positions is not None and len(signal.positions):
        facts["low_um"] = signal.positions.min(axis=0).tolist()
        facts["high_um"] = signal.positions.max(axis=0).tolist()
    if signal.names:
        facts["names"] = signal.names
    if signal.groups:
        facts["groups"] = list(signal.groups)
        facts["shares"] = signal.shares
    return facts


def _dipole(recording: Recording, name: str) -> dict[str, Any]:
    moment = recording.dipole(name)
    return _sampled(moment) | {"share": moment.share}


def _morphology(contents: Contents, file_format: str) -> dict[str, Any]:
    """Numbers of points of a morphology, by type, and its extent."""
    cell = read_morphology(contents.path, name=contents.name)
    codes, numbers = np.unique(cell.types, return_counts=True)
    types = {}
    for code, number in zip(codes.tolist(), numbers.tolist(), strict=True):
        types[_TYPES.get(code, f"type {code}")] = number
    return {
        "kind": file_format,
        "points": len(cell),
        "roots": int(np.count_nonzero(cell.parents < 0)),
        "types": dict(sorted(types.items())),
        "low_um": cell.points[:, :3].min(axis=0).tolist(),
        "high_um": cell.points[:, :3].max(axis=0).tolist(),
    }

"""Whether templates, kernels, lead fields, networks and models go together and make sense."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from lfpcli.errors import InputError, LfpError
from lfpcli.guarded.hdf5 import numbers, whole
from lfpcli.io.kernels import read_kernels
from lfpcli.io.lead_grids import read_lead_grids
from lfpcli.io.leaves import Contents
from lfpcli.io.provenance import read_provenance
from lfpcli.io.sonata.config import read_config
from lfpcli.io.templates import open_templates
from lfpcli.model import check_files, load_model
from lfpcli.tasks.circuits.simulation_model import is_config_file, simulation_tree
from lfpcli.tasks.circuits.summary import circuit_facts
from lfpcli.tasks.files.finding import Finding, error_finding, provenance_finding

# of its peak; what is larger at an end was cut off there
_END_SHARE = 0.2
# median error of a lead field about its contact that is told in the papers' tolerance
_LEAD_ERROR = 1e-2
_AGAIN = "write it again: lfp sim --save-network"


def template_findings(contents: Contents) -> Iterator[Finding]:
    """Templates: arrays go together, the window holds the whole spike, each has a trough."""
    assert contents.file is not None
    try:
        yield _provenance(contents)
        with open_templates(contents.path) as file:
            shape = " x ".join(map(str, file.templates.shape))
            yield Finding("ok", "templates", f"{shape} (placements, contacts, samples)")
            yield from _waveforms(file.templates)
    except LfpError as error:
        yield error_finding(error, "templates")


def _waveforms(templates: Any) -> Iterator[Finding]:
    """The window of templates (P, C, T), mV, placement by placement."""
    cut = flat = 0
    for number in range(templates.shape[0]):
        values = np.asarray(templates[number], float)
        peak = float(np.abs(values).max(initial=0.0))
        flat += peak == 0
        ends = float(np.abs(values[:, [0, -1]]).max(initial=0.0)) if values.shape[1] else 0.0
        cut += ends > _END_SHARE * peak
    if flat:
        yield Finding("warning", "waveforms", f"{flat} are zero everywhere", "/templates")
    if cut:
        text = f"{cut} are not back at rest at an end of their window"
        yield Finding("warning", "waveforms", text, "/templates")
    if not flat and not cut:
        yield Finding("ok", "waveforms", "at rest at the ends of their window", "/templates")


def kernel_findings(contents: Contents) -> Iterator[Finding]:
    """Kernels: arrays go together, and what a spike causes has died away by their end."""
    assert contents.file is not None
    try:
        yield _provenance(contents)
        signals = read_kernels(contents.file, contents.name)
    except LfpError as error:
        yield error_finding(error, "kernels")
        return
    for signal in signals:
        source = f"/kernels/{signal.name}"
        cut = 0
        for values in signal.values.values():
            peak = float(np.abs(values).max(initial=0.0))
            cut += bool(len(values)) and float(np.abs(values[-1]).max(initial=0.0)) > (
                _END_SHARE * peak
            )
        if cut:
            text = f"{cut} of {len(signal.values)} have not died away: --length"
            yield Finding("warning", "kernels", text, source)
        else:
            yield Finding("ok", "kernels", f"{len(signal.values)}, died away by their end", source)


def lead_findings(contents: Contents) -> Iterator[Finding]:
    """Lead fields: grids go together, and how far they can be trusted."""
    assert contents.file is not None
    try:
        yield _provenance(contents)
        lead = read_lead_grids(contents.path)
    except LfpError as error:
        yield error_finding(error, "lead fields")
        return
    worst = max((field.error for field in lead.fields), default=0.0)
    text = f"{len(lead.fields)} contacts, error {worst:.1e} at most (median about a contact)"
    state = "ok" if worst <= _LEAD_ERROR else "warning"
    yield Finding(state, "lead fields", text)


def network_findings(contents: Contents) -> Iterator[Finding]:
    """Networks: each synapse joins nodes that are there, with a weight and a delay."""
    assert contents.file is not None
    try:
        yield _provenance(contents)
        sizes = {}
        for name, nodes in _groups(contents, "nodes"):
            sizes[name] = len(whole(numbers(nodes, "node_type_id", contents.name), np.int64))
        count = 0
        for name, edges in _groups(contents, "edges"):
            count += _edge_count(edges, sizes, f"{contents.name}:/edges/{name}")
    except LfpError as error:
        yield error_finding(error, "network")
        return
    cells = ", ".join(f"{name} {size}" for name, size in sizes.items())
    yield Finding("ok", "network", f"{cells}; {count} synapses, each between nodes that are there")


def _groups(contents: Contents, part: str) -> Iterator[tuple[str, h5py.Group]]:
    assert contents.file is not None
    group = contents.file.get(part)
    if group is None:
        return
    if not isinstance(group, h5py.Group):
        raise InputError("is no group", source=f"{contents.name}:/{part}", remedy=_AGAIN)
    for name in group:
        if not isinstance(group[name], h5py.Group):
            source = f"{contents.name}:/{part}/{name}"
            raise InputError("is no group", source=source, remedy=_AGAIN)
        yield name, group[name]


def _edge_count(edges: h5py.Group, sizes: dict[str, int], source: str) -> int:
    """Number of synapses of a population of edges, whose ends, weights and delays are seen."""
    count = 0
    for end in ("source", "target"):
        ids = numbers(edges, f"{end}_node_id", source)
        population = str(ids.attrs.get("node_population", ""))
        values = whole(ids, np.int64)
        count = len(values)
        if population not in sizes:
            raise InputError(
                f"names no population that is there: '{population}'",
                source=ids.source,
                remedy=_AGAIN,
            )
        if count and not 0 <= values.min() <= values.max() < sizes[population]:
            raise InputError(
                f"names nodes {values.min()} to {values.max()} of {sizes[population]}",
                source=ids.source,
                remedy=_AGAIN,
            )
    for key in ("0/syn_weight", "0/delay"):
        if len(whole(numbers(edges, key, source))) != count:
            raise InputError(f"has not {count} rows", source=f"{source}/{key}", remedy=_AGAIN)
    return count


def _provenance(contents: Contents) -> Finding:
    assert contents.file is not None
    return provenance_finding(read_provenance(dict(contents.file.attrs), contents.name))


def model_findings(contents: Contents) -> Iterator[Finding]:
    """A model: its keys are known, and the files that it names are there; no code is run."""
    try:
        if is_config_file(contents.path):
            yield from _circuit_findings(contents.path)
            return
        model = load_model(contents.path)
        check_files(model)
    except LfpError as error:
        yield error_finding(error, "format")
        return
    yield Finding("ok", "format", f"model of {', '.join(model.resolved_populations())}")


def _circuit_findings(path: Path) -> Iterator[Finding]:
    """A configuration of SONATA: its files are there, and a run takes all parts of it."""
    facts = circuit_facts(path)
    if read_config(path).simulates:
        load_model(simulation_tree(path), name=str(path), folder=path.parent)
    sizes = ", ".join(f"{name} ({size})" for name, size in facts["populations"].items())
    yield Finding("ok", "format", f"SONATA configuration of {sizes or 'no nodes'}")
    for text in facts["refused"]:
        yield Finding("error", "circuit", text)

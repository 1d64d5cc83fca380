"""Say what a file holds: datasets, shapes, units, time span, populations, spikes, signals with
their models, and how the file came to be. Reads recordings, other HDF5 files, .npy, .npz and
morphologies, and gathers the runs of a sweep. Of a model or a SONATA configuration (.toml, .json)
it says what a run would be and what code it names, and runs none of it."""

from __future__ import annotations

import argparse
import json
import os
import shlex
from collections.abc import Iterator
from typing import Any

from lfpcli.cli import options
from lfpcli.cli.facts import count_text, show, size_text, table, to_json
from lfpcli.vocabulary import MODEL_SUFFIXES

EPILOG = """\
examples:
  lfp info lfp.h5
  lfp info lfp.h5 --json
  lfp info lfp.h5 -v
  lfp info model.toml
  lfp info sweep/
  lfp probe out.h5 --array Neuropixels-128 | lfp info -"""


MORPHOLOGIES = {"swc": "SWC", "h5": "HDF5", "asc": "Neurolucida", "neuroml": "NeuroML"}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("input", metavar="FILE", help="file to describe; - is standard input")
    options.add_json(parser)


def run(args: argparse.Namespace) -> None:
    """Describe the file."""
    if args.input.lower().endswith(MODEL_SUFFIXES):
        _model_facts(args)
        return
    if os.path.isdir(args.input):  # noqa: PTH112
        _sweep_facts(args)
        return
    from lfpcli.tasks.files.info import info

    facts = info(args.input)
    if args.json:
        print(to_json(facts))
    else:
        show(_lines(facts, verbose=bool(args.verbose)))


def _model_facts(args: argparse.Namespace) -> None:
    """Say what a model would do, without running the code that it names."""
    from lfpcli.cli.model_facts import look_lines
    from lfpcli.tasks.simulate.look import look_at_file

    facts = {"file": args.input, **look_at_file(args.input)}
    if args.json:
        print(to_json(facts))
    else:
        show(look_lines(facts))


def _sweep_facts(args: argparse.Namespace) -> None:
    """Say what a sweep varies, and what came out of each run."""
    from pathlib import Path

    from lfpcli.tasks.sweep.table import columns, sweep_facts

    facts = sweep_facts(Path(args.input))
    if args.json:
        print(to_json(facts))
        return
    runs = facts["runs"]
    done = sum(run["state"] == "done" for run in runs)
    seed = "" if facts["seed"] is None else f", seed {facts['seed']}"
    heads = columns(runs)
    rows = [heads]
    for run in runs:
        rows.append([_cell(run.get(name, "")) for name in heads])
    head = f"{args.input}: sweep of {facts['model']}, {done} of {len(runs)} runs done{seed}"
    show([head, *table(rows)])


def _cell(value: Any) -> str:
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def _lines(facts: dict[str, Any], verbose: bool) -> Iterator[str]:
    size = size_text(facts["bytes"])
    if facts["kind"] == "recording":
        yield f"{facts['file']}: recording, format version {facts['format_version']}, {size}"
        yield from _recording(facts)
        if verbose:
            yield "datasets"
            yield from _datasets(facts["datasets"])
    elif facts["kind"] == "kernels":
        yield f"{facts['file']}: kernels, {size}"
        yield from _kernels(facts["kernels"])
        yield from _provenance(facts["provenance"])
        if verbose:
            yield from _datasets(facts["datasets"])
    elif facts["kind"] == "lead fields":
        yield f"{facts['file']}: lead fields, {size}"
        yield from _lead_fields(facts, verbose)
        yield from _provenance(facts["provenance"])
        if verbose:
            yield from _datasets(facts["datasets"])
    elif facts["kind"] in MORPHOLOGIES:
        yield f"{facts['file']}: {MORPHOLOGIES[facts['kind']]} morphology, {size}"
        types = ", ".join(f"{number} {name}" for name, number in facts["types"].items())
        points, roots = count_text(facts["points"], "point"), count_text(facts["roots"], "root")
        yield f"  {points} ({types}), {roots}"
        yield f"  {_box(facts)}"
        if verbose:
            yield from _datasets(facts["datasets"])
    else:
        format_name = {"hdf5": "HDF5", "npy": "NumPy array", "npz": "NumPy archive"}[facts["kind"]]
        yield f"{facts['file']}: {format_name}, {size}"
        for key, value in facts.get("attributes", {}).items():
            yield f"  @{key} = {value}"
        yield from _datasets(facts["datasets"])
        yield from _provenance(facts.get("provenance", {}))


def _kernels(signals: dict[str, Any]) -> Iterator[str]:
    for name, signal in signals.items():
        channels = count_text(signal["channels"], "channel")
        span = f"{signal['length_ms']:g} ms every {signal['dt_ms']:g} ms"
        yield f"kernels of {name}: {channels}, {span}, {signal['units']} for a spike"
        for pair in signal["pairs"]:
            yield (
                f"  {pair['pre']} to {pair['post']}: peak {pair['peak']:.4g} {signal['units']} at"
                f" {pair['peak_ms']:g} ms, channel {pair['channel']}"
            )


def _lead_fields(facts: dict[str, Any], verbose: bool) -> Iterator[str]:
    contacts = facts["contacts"]
    worst = max((contact["error"] for contact in contacts), default=0.0)
    yield f"{count_text(len(contacts), 'contact')}, error at most {worst:.1e}"
    yield f"  medium: {json.dumps(facts['medium'])}"
    if verbose:
        rows = [["contact", "x", "y", "z", "error", "largest", "cells"]]
        for contact in contacts:
            errors = [f"{contact[key]:.1e}" for key in ("error", "largest_error")]
            place = [f"{value:g}" for value in contact["position_um"]]
            rows.append([contact["name"], *place, *errors, str(contact["cells"])])
        yield from table(rows)


def _units(populations: dict[str, Any]) -> Iterator[str]:
    for name, facts in populations.items():
        low, high = facts["trough_mV"]
        types = ", ".join(facts["cell_types"])
        number = count_text(facts["number"], "unit")
        yield f"{number} of {name}: troughs {low:.3g} to {high:.3g} mV; {types}"


def _recording(facts: dict[str, Any]) -> Iterator[str]:
    if "time" in facts:
        yield f"time: {facts['time']['t_start']:g} to {facts['time']['t_stop']:g} ms"
    for name, population in facts["populations"].items():
        numbers = (count_text(population[f"{n}s"], n) for n in ("cell", "section", "segment"))
        yield f"population {name}: {', '.join(numbers)}"
        if "area_um2" in population:
            area, length = population["area_um2"], population["length_um"]
            yield f"  area {area:.6g} um2, length {length:.6g} um, {_box(population)}"
    for name, spikes in facts["spikes"].items():
        rate = f", {spikes['rate_hz']:.3g} Hz a cell" if "rate_hz" in spikes else ""
        firing = count_text(spikes["cells_firing"], "cell")
        yield f"spikes of {name}: {spikes['number']} from {firing}{rate}"
    yield from _units(facts["units"])
    for variable, populations in facts["reports"].items():
        for name, report in populations.items():
            cells = count_text(report["cells"], "cell")
            yield f"report {variable} of {name}: {_span(report)}, {cells}"
    for name, dipole in facts["dipoles"].items():
        yield f"dipole {name}: {_span(dipole)}"
    for name, signal in facts["signals"].items():
        yield f"signal {name}: {_span(signal)}"
        yield from _model(signal)
    yield from _provenance(facts["provenance"])


def _span(sampled: dict[str, Any]) -> str:
    rows, columns = sampled["shape"]
    span = f"{sampled['t_start_ms']:g} to {sampled['t_stop_ms']:g} ms at dt {sampled['dt_ms']:g} ms"
    return f"{rows} x {columns} {sampled['type']}, {sampled['units'] or 'no unit'}, {span}"


def _model(signal: dict[str, Any]) -> Iterator[str]:
    parameters = ", ".join(f"{k} = {v}" for k, v in signal["parameters"].items())
    if signal["model"] or parameters:
        yield f"  model {signal['model'] or 'unnamed'}" + (f": {parameters}" if parameters else "")
    if "low_um" in signal:
        yield f"  contacts: {_box(signal)}"
    if "groups" in signal:
        yield f"  shares of {', '.join(signal['groups'])}"


def _box(facts: dict[str, Any]) -> str:
    spans = zip("xyz", facts["low_um"], facts["high_um"], strict=True)
    return ", ".join(f"{axis} {low:.6g} to {high:.6g}" for axis, low, high in spans) + " um"


def _provenance(record: dict[str, Any]) -> Iterator[str]:
    if not record:
        return
    facts = [f"{record.get('program', '?')} {record.get('version', '?')}"]
    facts += [f"{key} {record[key]}" for key in ("engine", "seed") if key in record]
    yield "made by " + ", ".join(facts)
    for step in [*record.get("history", []), record]:
        yield f"  $ {shlex.join(map(str, step.get('command', [])))}"


def _datasets(datasets: list[dict[str, Any]]) -> list[str]:
    rows = []
    for dataset in datasets:
        if "link" in dataset:
            rows.append((dataset["path"], dataset["link"], "", ""))
            continue
        shape = "empty" if dataset["shape"] is None else " x ".join(map(str, dataset["shape"]))
        rows.append(
            (dataset["path"], shape or "scalar", dataset["type"], str(dataset.get("units", "")))
        )
    return table(rows) if rows else ["  no datasets"]

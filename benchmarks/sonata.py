"""A circuit in the SONATA format with extracellular potentials: this program against bmtk.

Usage: python benchmarks/sonata.py EXAMPLES [--quick] [--tstop 500]

EXAMPLES is the folder of bmtk's examples, with bio_components and bio_450cells (300 cells of 46,840
segments, 150 point neurons, 48,274 edges), or with --quick bio_14cells. Each program runs in a
process of its own, from start to file: bmtk with the potentials and without, this one with them.
Mechanisms are compiled before, for both.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from common import add_compare, machine, print_table, save

CONTACTS = "bio_components/recXelectrodes/linear_electrode.csv"
MODS = "bio_components/mechanisms/modfiles"


def configuration(examples: Path, name: str, tstop: float, *, measured: bool) -> dict[str, Any]:
    """The simulation of an example as one tree with absolute paths."""
    folder = (examples / name).resolve()
    simulation = json.loads((folder / "config.simulation.json").read_text())
    circuit = json.loads((folder / "config.circuit.json").read_text())
    simulation.pop("network")
    tree = circuit | simulation
    tree["manifest"] = circuit["manifest"] | simulation["manifest"] | {"$BASE_DIR": str(folder)}
    tree["run"]["tstop"] = tstop
    tree["reports"] = {}
    if measured:
        tree["reports"]["ecp"] = {
            "cells": "all",
            "variable_name": "v",
            "module": "extracellular",
            "electrode_positions": str(examples.resolve() / CONTACTS),
            "file_name": "ecp.h5",
            "electrode_channels": "all",
            "minimum_distance": "auto",
        }
    tree["output"] = {"log_file": "log.txt", "spikes_file": "spikes.h5"}
    tree["output"] |= {"overwrite_output_dir": True, "spikes_sort_order": "time"}
    return tree


def write(tree: dict[str, Any], output: Path, **components: str | None) -> Path:
    """Write a configuration whose files go to a folder; returns its path."""
    tree["output"]["output_dir"] = str(output)
    for name, value in components.items():
        tree["components"].pop(name)
        if value is not None:
            tree["components"][name] = value
    path = output.with_suffix(".json")
    path.write_text(json.dumps(tree))
    return path


def run_bmtk(config: str, library: str) -> None:
    """Run a configuration with bmtk; the process ends here."""
    from bmtk.simulator import bionet
    from neuron import h

    h.nrn_load_dll(library)
    read = bionet.Config.from_json(config, validate=False)
    read.build_env()
    network = bionet.BioNetwork.from_config(read)
    bionet.BioSimulator.from_config(read, network=network).run()
    sys.stdout.flush()
    # with NEURON 9 it crashes at the end of the process; its files are whole
    os._exit(0)


def measured(command: list[str], folder: Path) -> dict[str, float]:
    """Seconds a user waits, those of the processor, and memory (MB) of a command."""
    begin = time.perf_counter()
    environment = {**os.environ, "NEURON_MODULE_OPTIONS": "-nogui", "OMP_NUM_THREADS": "1"}
    with (folder / "printed.txt").open("w") as printed:
        process = subprocess.Popen(
            command, cwd=folder, env=environment, stdout=printed, stderr=printed
        )
        _, status, used = os.wait4(process.pid, 0)
    if status:
        raise SystemExit(f"{' '.join(command[:4])}: {(folder / 'printed.txt').read_text()[-2000:]}")
    return {
        "wall": time.perf_counter() - begin,
        "processor": used.ru_utime + used.ru_stime,
        "memory": used.ru_maxrss / 1024,
    }


def difference(theirs: Path, ours: Path) -> tuple[float, int, int]:
    """Largest difference of the potentials, of their peak; numbers of equal and of all spikes."""
    with h5py.File(theirs / "ecp.h5") as one, h5py.File(ours / "ecp.h5") as other:
        expected, signal = one["ecp/data"][:], other["ecp/data"][:]
    largest = float(np.abs(signal - expected).max() / np.abs(expected).max())
    return largest, *_equal_spikes(theirs / "spikes.h5", ours / "spikes.h5")


def _equal_spikes(one: Path, other: Path) -> tuple[int, int]:
    sets = []
    for path in (one, other):
        with h5py.File(path) as file:
            pairs: set[tuple[str, int, float]] = set()
            for name, group in file["spikes"].items():
                times = np.round(group["timestamps"][:], 3).tolist()
                for node, moment in zip(group["node_ids"][:].tolist(), times, strict=True):
                    pairs.add((name, node, moment))
        sets.append(pairs)
    return len(sets[0] & sets[1]), len(sets[0] | sets[1])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("examples", type=Path)
    parser.add_argument("--quick", action="store_true", help="bio_14cells and 200 ms")
    parser.add_argument("--tstop", type=float, help="ms")
    parser.add_argument("--part", help=argparse.SUPPRESS)
    add_compare(parser)
    args = parser.parse_args()
    if args.part:
        run_bmtk(str(args.examples), args.part)
    name = "bio_14cells" if args.quick else "bio_450cells"
    tstop = args.tstop or (200.0 if args.quick else 500.0)
    lfp = [sys.executable, "-m", "lfpcli"]
    mods = args.examples / MODS
    compiled = subprocess.run(
        [*lfp, "mechs", str(mods)], capture_output=True, text=True, check=True
    )
    library = compiled.stdout.split()[-1]
    rows: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        for program, has_potentials in (("bmtk", False), ("bmtk", True), ("lfp", True)):
            tree = configuration(args.examples, name, tstop, measured=has_potentials)
            label = f"{program}, {'with' if has_potentials else 'without'} potentials"
            output = folder / f"{program}{int(has_potentials)}"
            if program == "bmtk":
                config = write(tree, output, mechanisms_dir=None)
                command = [sys.executable, __file__, str(config), "--part", library]
            else:
                config = write(tree, output, mechanisms_dir=str(mods.resolve()))
                command = [*lfp, "sim", str(config), "-o", str(folder / "out.h5"), "--seed", "1"]
            rows.append({"program": label, **measured(command, folder)})
        largest, equal, either = difference(folder / "bmtk1", folder / "lfp1")
    ours = rows[-1]
    print(machine())
    print(f"{name}, {tstop:g} ms; start to file; ratios are to lfp with potentials")
    heads = ["program", "wall s", "processor s", "memory MB", "ratio", "ratio of memory"]
    table = []
    for row in rows:
        # seconds of the processor: on a shared machine those of the clock tell little
        ratios = [row["processor"] / ours["processor"], row["memory"] / ours["memory"]]
        table.append([row["program"], row["wall"], row["processor"], row["memory"], *ratios])
    print_table(heads, table)
    print(f"potentials differ by {largest:.2g} of their peak; {equal} of {either} spikes are equal")
    save("sonata", compare=args.compare)


if __name__ == "__main__":
    main()

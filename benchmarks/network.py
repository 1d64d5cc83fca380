"""A network: this program against LFPy and plain NEURON, on one and two ranks, and as it grows.

Usage: python benchmarks/network.py [--quick] [--repeats 2] [--skip-lfpy] [--cells 500,1000]

The network is share/examples/network.toml with the step and the method of LFPy: 320 ball-and-stick
cells, 200 ms at 2^-4 ms, 13 contacts that are averaged over their faces, dipoles per population.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
from common import add_compare, machine, print_table, save
from lfpy_network import DT

HERE = Path(__file__).parent
MODEL = HERE.parent / "share/examples/network.toml"
# ms; a run of the example, and one of the growing network, whose time is scaled to a second
TSTOP = 200.0
GROWTH_TSTOP = 50.0
# those of LFPy, which knows no other method
STEP = {"method": "backward-euler", "dt": DT}
# of the quick run
QUICK_TSTOP = 20.0
ONLY_SPIKES = {"dipole": "none", "vmem": "none", "spikes": False}


def mpirun(ranks: int) -> list[str]:
    """Command that starts so many processes; by the launcher beside this Python, if there is."""
    if ranks == 1:
        return []
    beside = Path(sys.executable).parent / "mpirun"
    launcher = str(beside) if beside.exists() else "mpirun"
    return [launcher, "--oversubscribe", "-n", str(ranks)]


def launch(command: list[str]) -> float:
    """Run a command and return the seconds it took."""
    environment = {
        **os.environ,
        "OMPI_ALLOW_RUN_AS_ROOT": "1",
        "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1",
        "OPENBLAS_NUM_THREADS": "1",
    }
    begin = time.perf_counter()
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    if done.returncode:
        raise SystemExit(f"{' '.join(command)}: {done.stderr}")
    return time.perf_counter() - begin


def timed(source: str, target: str) -> None:
    """Build and run a model on this rank, and save on rank 0 how long it took, and the memory."""
    from lfpcli.io.writer import RecordingWriter
    from lfpcli.model import load_model
    from lfpcli.runtime.mpi.team import Team
    from lfpcli.runtime.neuron import nrn
    from lfpcli.tasks.simulate import simulation as sim

    team, model = Team(), load_model(Path(source))
    nrn()
    team.exchange(None)
    begin = time.perf_counter()
    build, ended = sim.build, []

    def timed_build(*arguments: Any, **options: Any) -> Any:
        result = build(*arguments, **options)
        team.exchange(None)
        ended.append(time.perf_counter())
        return result

    sim.build = timed_build
    simulation = sim.Simulation(model, team)
    team.exchange(None)
    ready = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        writer = RecordingWriter(Path(folder) / "out.h5", {}) if team.leads else None
        simulation.run(writer, lambda time: None)
        if writer is not None:
            writer.__exit__(None, None, None)
    team.exchange(None)
    done = time.perf_counter()
    memory = team.exchange(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
    if team.leads:
        facts = {
            "build": ended[0] - begin,
            "prepare": ready - ended[0],
            "run": done - ready,
            "memory": max(memory),
            "segments": simulation.plan.segments,
            "synapses": simulation.plan.synapses,
            "points": simulation.plan.points,
        }
        Path(target).write_text(json.dumps(facts))


def measure(model: dict[str, Any], ranks: int = 1) -> dict[str, float]:
    """Build and run a model in fresh processes."""
    with tempfile.TemporaryDirectory() as folder:
        source, target = Path(folder) / "model.json", Path(folder) / "facts.json"
        source.write_text(json.dumps(model))
        script = [sys.executable, str(Path(__file__)), "--part", "timed"]
        launch([*mpirun(ranks), *script, "--files", str(source), str(target)])
        return dict(json.loads(target.read_text()))


def example(**run: Any) -> dict[str, Any]:
    """The example as a tree; keys of ``[run]`` may be changed."""
    from lfpcli.model import load_model

    tree = load_model(MODEL).to_dict()
    tree["run"] |= {**STEP, **run}
    return tree


def bare(tree: dict[str, Any]) -> dict[str, Any]:
    """The same model with nothing recorded."""
    kept = {key: value for key, value in tree.items() if key != "probe"}
    return {**kept, "record": ONLY_SPIKES}


def grown(cells: int, **run: Any) -> dict[str, Any]:
    """A network of cells of 200 segments with 500 synapses each, like the example else."""
    tree = example(tstop=GROWTH_TSTOP, **run)
    for cell in tree["cell"].values():
        cell["nseg"] = {"rule": "length", "max": 3.1}
    sizes = {"E": cells * 4 // 5, "I": cells // 5}
    for name, population in tree["population"].items():
        population["size"] = sizes[name]
        population["place"]["radius"] = 100.0 * np.sqrt(cells / 320)
    for connection, count in zip(tree["connection"], (118, 118, 200, 200), strict=True):
        connection["rule"] = {"indegree": count if connection["pre"] == "E" else count // 5}
        connection["count"] = 2 if connection["pre"] == "E" else 5
    return tree


def against_lfpy(repeats: int, tstop: float) -> None:
    """Whole wall time, building and run loop of the example, against LFPy's."""
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "lfpy.npz"
        script = [sys.executable, str(HERE / "lfpy_network.py")]
        wall = launch([*script, str(out), "--tstop", str(tstop)])
        with np.load(out) as arrays:
            build, run = float(arrays["build"]), float(arrays["run"])
        for engine in ("coreneuron", "neuron"):
            command = [sys.executable, "-m", "lfpcli", "sim", str(MODEL), "-q", "-f"]
            command += ["-o", str(Path(folder) / "out.h5"), "--set", f"run.engine={engine}"]
            for key, value in {**STEP, "tstop": tstop}.items():
                command += ["--set", f"run.{key}={value}"]
            walls = [launch(command) for _ in range(repeats)]
            parts = [measure(example(engine=engine, tstop=tstop)) for _ in range(repeats)]
            ours = {
                "start to file": (wall, min(walls)),
                "building": (build, min(p["build"] for p in parts)),
                # LFPy finds its transfer matrices as it runs
                "matrices and run loop": (run, min(p["prepare"] + p["run"] for p in parts)),
            }
            rows += [[name, engine, *times, times[0] / times[1]] for name, times in ours.items()]
    print_table(["part", "engine", "LFPy s", "lfp s", "ratio"], rows)


def against_neuron(repeats: int, tstop: float) -> None:
    """Run loop with all recording against that of plain NEURON, one point process per synapse."""
    variants = {
        "plain NEURON, no recording": bare(example(engine="neuron", merge=False, tstop=tstop)),
        "lfp, NEURON": example(engine="neuron", tstop=tstop),
        "lfp, CoreNEURON": example(engine="coreneuron", tstop=tstop),
    }
    found = {name: [measure(tree) for _ in range(repeats)] for name, tree in variants.items()}
    times = {name: min(facts["run"] for facts in parts) for name, parts in found.items()}
    plain = times["plain NEURON, no recording"]
    rows = [[n, int(found[n][0]["points"]), t, t / plain] for n, t in times.items()]
    print_table(["run loop", "point processes", "s", "of plain"], rows)


def two_ranks(repeats: int) -> None:
    """Two ranks against one, on the example for 500 ms and on a larger network."""
    rows = []
    for name, tree in (
        ("example, 500 ms, NEURON", example(tstop=500.0, engine="neuron")),
        ("example, 500 ms, CoreNEURON", example(tstop=500.0, engine="coreneuron")),
        ("500 cells of 200 segments, NEURON", grown(500, engine="neuron")),
    ):
        one = [measure(tree, 1) for _ in range(repeats)]
        two = [measure(tree, 2) for _ in range(repeats)]
        for part in ("build", "run"):
            times = [min(facts[part] for facts in parts) for parts in (one, two)]
            rows.append([name, part, *times, times[0] / times[1]])
    print_table(["network", "part", "1 rank s", "2 ranks s", "ratio"], rows)


def growth(sizes: list[int]) -> None:
    """How time and memory grow with the number of cells, on two ranks."""
    rows = []
    for cells in sizes:
        facts = measure(grown(cells, engine="neuron"), 2)
        second = facts["run"] * 1000.0 / GROWTH_TSTOP
        rows.append(
            [
                cells,
                int(facts["segments"]),
                int(facts["synapses"]),
                facts["build"],
                second,
                facts["memory"],
            ]
        )
    head = ["cells", "segments", "synapses", "build s", "run s per s", "MB per rank"]
    print_table(head, rows)
    table = np.array(rows, float)
    cells = 100_000 / 128
    estimates = [np.polyval(np.polyfit(table[:, 0] / 2, table[:, k], 1), cells) for k in (3, 4, 5)]
    print(
        "\n100,000 such cells on 128 ranks, 781 each, by the straight lines through the table and "
        f"without the\nexchange of spikes between nodes: build {estimates[0]:.0f} s, run "
        f"{estimates[1] / 3600:.2f} h per simulated second, {estimates[2]:.0f} MB per rank"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--part", choices=["timed"])
    parser.add_argument("--files", nargs=2)
    parser.add_argument("--quick", action="store_true", help="a short run, not kept")
    parser.add_argument("--repeats", type=int, default=2)
    parser.add_argument("--skip-lfpy", action="store_true")
    parser.add_argument("--cells", default="500,1000")
    add_compare(parser)
    args = parser.parse_args()
    if args.part == "timed":
        timed(*args.files)
        return
    tstop, repeats = (QUICK_TSTOP, 1) if args.quick else (TSTOP, args.repeats)
    print(machine(), end="\n\n")
    if not args.skip_lfpy:
        against_lfpy(repeats, tstop)
        print()
    against_neuron(repeats, tstop)
    print()
    if args.quick:
        return
    two_ranks(repeats)
    print()
    growth([int(n) for n in args.cells.split(",")])
    save("network", compare=args.compare)


if __name__ == "__main__":
    main()

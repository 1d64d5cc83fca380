"""Growing networks: seconds, memory and files as they grow, and what `lfp sim --dry-run` predicts.

Usage: python benchmarks/scale.py [--quick] [--parts growth,million,ranks,predictions]

Cells of a number of segments with synapses from each other and from outside, 16 contacts, and cells
of the Allen Cell Types Database; each row is one run in processes of its own. Memory is the most
that the rank with the most took, and that of rank 0; seconds are those of the busiest rank's
processor, which a crowded machine does not stretch; the file is that on disk. A ratio is what was
predicted over what it took. Exponents of growth are given over all sizes of a series, by a straight
line through logarithms, and between the two largest, where what any run takes is small. Of seconds
the least of two runs counts, and of two predictions. Beside the exponent of the run stands that of
the solver alone, for the same steps of the same model with nothing recorded: above 1 it is the
machine's caches.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from common import add_compare, keep, machine, print_table, save

HERE = Path(__file__).parent
STICK = "builtin:ball_and_stick"
# number of processes, and of cells, that no machine here has
FAR_RANKS, FAR_CELLS = 128, 100_000
MOST_EXPONENT = 1.05
# columns of the table of exponents, and what they are the growth of
GROWING = {
    "seconds": "seconds took",
    "start": "start",
    "run": "run",
    "solver alone": "plain",
    "memory": "memory took",
}


@dataclass(frozen=True, kw_only=True)
class Case:
    """A network.

    Attributes
    ----------
    cells, segments, synapses : int
        Cells, and how many segments and synapses from others each has.
    inputs : int
        Synapses of each cell with Poisson trains of their own.
    tstop : float
        ms.
    engine : str
        What integrates.
    per : str
        What is kept of the LFP beside the total.
    imem : bool
        Whether membrane currents are stored.
    trains : int
        Poisson trains outside, each of 20 Hz, of which each cell listens to 10.
    kind : str
        "stick", or "allen" for cells with ten mechanisms, whose segments are their own.
    """

    cells: int
    segments: int = 100
    synapses: int = 100
    inputs: int = 10
    tstop: float = 10.0
    engine: str = "neuron"
    per: str = "population"
    imem: bool = False
    trains: int = 0
    kind: str = "stick"


STICKS = Case(cells=0, segments=200, synapses=50, tstop=5.0)
ALLEN = Case(cells=0, kind="allen", segments=0, synapses=20, tstop=25.0)
ENGINES = ("neuron", "coreneuron")
GROWTH = {
    "sticks": (STICKS, (125, 1000, 4000)),
    "Allen cells": (ALLEN, (10, 100, 300)),
}
QUICK_GROWTH = {"sticks": (STICKS, (60, 125)), "Allen cells": (ALLEN, (3, 10))}
MILLION = Case(cells=5000, segments=200, synapses=0, inputs=1, tstop=0.5, engine="coreneuron")
# cells of the runs on many processes of few cores
CROWD = replace(STICKS, cells=1600, tstop=50.0, engine="coreneuron")
PREDICTED = (
    Case(cells=10, tstop=100.0),
    Case(cells=100, segments=400, synapses=20),
    Case(cells=1, segments=1000, synapses=0, tstop=200.0, imem=True),
    Case(cells=1000, segments=20, synapses=300),
    Case(cells=200, per="cell"),
    Case(cells=100, trains=20000, inputs=500, tstop=500.0, segments=5),
)


def run_table(case: Case) -> dict[str, Any]:
    """How a case runs."""
    run: dict[str, Any] = {"tstop": case.tstop, "dt": 0.1, "seed": 1, "engine": case.engine}
    run["method"] = "backward-euler"
    if case.kind == "allen":
        run["mechanisms"] = [str(allen_folder() / "mechanisms/modfiles")]
    return run


def cell_table(case: Case) -> dict[str, Any]:
    """The cell of a case."""
    if case.kind == "allen":
        return {
            "morphology": str(allen_folder() / "morphologies/Scnn1a_473845048_m.swc"),
            "allen": str(allen_folder() / "biophysical_neuron_models/472363762_fit.json"),
        }
    return {
        "morphology": STICK,
        # two sections of as many segments each
        "nseg": max(case.segments // 2, 1),
        "mechanism": [
            {"name": "hh", "sections": ["soma"]},
            {"name": "pas", "sections": ["dend"], "g": 2e-4},
        ],
    }


def allen_folder() -> Path:
    """Where bmtk keeps cells of the Allen Cell Types Database."""
    import bmtk

    return Path(bmtk.__file__).parent / "utils/scripts/bionet"


def model(case: Case) -> dict[str, Any]:
    """The model of a case."""
    excites = {"type": "Exp2Syn", "tau1": 0.2, "tau2": 1.8, "e": 0.0}
    inhibits = {"type": "Exp2Syn", "tau1": 0.1, "tau2": 9.0, "e": -80.0}
    inhibitory = max(case.cells // 5, 1)
    sizes = {"E": max(case.cells - inhibitory, 1), "I": inhibitory}
    connections = []
    for pre, synapse, share in (("E", excites, 0.8), ("I", inhibits, 0.2)):
        number = min(round(share * case.synapses), sizes[pre] - 1)
        for post in sizes:
            connections.append(
                {
                    "pre": pre,
                    "post": post,
                    "rule": {"indegree": number},
                    "synapse": synapse,
                    "weight": {"dist": "norm", "loc": 2e-4, "scale": 2e-5, "min": 0.0},
                    "delay": {"dist": "norm", "loc": 1.5, "scale": 0.3, "min": 0.3},
                }
            )
    populations: dict[str, Any] = {
        name: {"cell": "c", "size": size, "place": {"shape": "cylinder", "radius": 500.0}}
        for name, size in sizes.items()
    }
    if case.trains:
        populations["outside"] = {"size": case.trains, "rate": 20.0}
        rule = {"indegree": 10}
        outer = {"pre": "outside", "post": "E", "rule": rule, "synapse": excites, "weight": 1e-4}
        connections.append(outer)
    return {
        "run": run_table(case),
        "cell": {"c": cell_table(case)},
        "population": populations,
        "connection": connections,
        "input": [
            {
                "synapse": excites,
                "weight": 0.001,
                "count": case.inputs,
                "source": {"poisson": 10.0},
            }
        ],
        "probe": [
            {
                "name": "LFP",
                "contacts": [[0.0, 0.0, 75.0 * k - 300.0] for k in range(16)],
                "per": case.per,
            }
        ],
        "record": {"imem": case.imem},
    }


def measured(case: Case, ranks: int, repeats: int = 1) -> dict[str, Any]:
    """Predict and run a case; what it took, and ratios of what was predicted to that.

    Of several predictions, and of several runs, the one with the least seconds counts.
    """
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        path, out, report = folder / "model.json", folder / "out.h5", folder / "used"
        path.write_text(json.dumps(model(case)))
        lfp = [sys.executable, "-m", "lfpcli", "sim", str(path)]
        plans = []
        for _ in range(repeats):
            plans.append(json.loads(_run([*lfp, "--dry-run", "--json", "--ranks", str(ranks)])))
        predicted = min(plans, key=lambda plan: plan["seconds"])
        wrapped = [sys.executable, str(HERE / "measured_run.py"), str(report), "sim", str(path)]
        runs = []
        for _ in range(repeats):
            _run([*_launcher(ranks), *wrapped, "-q", "-f", "-o", str(out)])
            runs.append([json.loads(Path(f"{report}.{r}").read_text()) for r in range(ranks)])
        used = min(runs, key=lambda run: max(rank["seconds"] for rank in run))
        size = out.stat().st_size
    took = {
        "memory": max(rank["memory"] for rank in used),
        "rank 0": used[0]["memory"],
        "seconds": max(rank["seconds"] for rank in used),
        "file": size,
    }
    told = {
        "memory": predicted["memory bytes"],
        "rank 0": predicted["rank 0 bytes"],
        "seconds": predicted["seconds"],
        "file": predicted["file bytes"],
    }
    facts: dict[str, Any] = {n: predicted[n] for n in ("segments", "synapses", "points", "batch")}
    for name in ("build", "start", "run", "plain", "until begin"):
        facts[name] = max(rank[name] for rank in used)
    for name, value in took.items():
        facts[f"{name} took"], facts[f"{name} ratio"] = value, told[name] / value
    facts["ranks of it"] = used
    return facts


def _launcher(ranks: int) -> list[str]:
    if ranks == 1:
        return []
    beside = Path(sys.executable).parent / "mpirun"
    launcher = str(beside) if beside.exists() else "mpirun"
    return [launcher, "--oversubscribe", "-n", str(ranks)]


def _run(command: list[str]) -> str:
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    environment |= {"OMPI_ALLOW_RUN_AS_ROOT": "1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1"}
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    if done.returncode:
        raise SystemExit(f"{' '.join(command)}: {done.stderr}")
    return done.stdout


def rows_of(
    cases: Sequence[Case], ranks: Sequence[int], name: str, *, repeats: int = 1
) -> Iterator[dict[str, Any]]:
    """Measure each case on each number of ranks."""
    for case in cases:
        for count in ranks:
            if count > 1 and case.cells < count:
                continue
            facts = measured(case, count, repeats)
            row = {"series": name, **asdict(case), "ranks": count, **facts}
            del row["ranks of it"]
            print(_line(row), flush=True)
            yield row


def growth(is_quick: bool) -> list[dict[str, Any]]:
    """Seconds and memory of series of networks, and their exponents."""
    table: list[dict[str, Any]] = []
    exponents = []
    for name, (case, sizes) in (QUICK_GROWTH if is_quick else GROWTH).items():
        for engine in ENGINES:
            cases = [replace(case, cells=cells, engine=engine) for cells in sizes]
            for ranks in (1, 2):
                series = list(rows_of(cases, [ranks], name, repeats=1 if is_quick else 2))
                table += series
                whole, largest = _exponents(series), _exponents(series[-2:])
                exponents.append([name, engine, ranks, "all", *whole])
                exponents.append([name, engine, ranks, "largest", *largest])
    print()
    print_table(["series", "engine", "ranks", "sizes", *GROWING], exponents)
    for sizes in ("all", "largest"):
        chosen = np.array([row[4:] for row in exponents if row[3] == sizes])
        seconds, start, run, plain, memory = chosen.max(axis=0)
        print(
            f"largest exponents, {sizes} sizes: seconds {seconds:.3f}, start {start:.3f}, memory "
            f"{memory:.3f}, run {run:.3f}, at most {MOST_EXPONENT} wanted; the solver alone "
            f"{plain:.3f}"
        )
    return table


def _exponents(series: Sequence[dict[str, Any]]) -> list[float]:
    """Exponents of what `GROWING` names, along a series."""
    cells = np.log([row["cells"] for row in series])
    exponents = []
    for quantity in GROWING.values():
        values = np.log([row[quantity] for row in series])
        exponents.append(float(np.polyfit(cells, values, 1)[0]))
    return exponents


def million(is_quick: bool) -> list[dict[str, Any]]:
    """How long a million segments take on one rank until their run begins."""
    case = replace(MILLION, cells=100) if is_quick else MILLION
    (row,) = rows_of([case], [1], "million")
    print(
        f"{row['segments']:,} segments on one rank begin after {row['until begin']:.1f} s, "
        "at most 30 wanted"
    )
    return [row]


def crowd(is_quick: bool) -> None:
    """Work of rank 0 and of the others, where there are more ranks than cores."""
    case, ranks = (replace(CROWD, cells=60), 4) if is_quick else (CROWD, 16)
    # the solver's own share of a rank, in which none waits for others, goes by its segments
    solver = measured(case, 1)["ranks of it"][0]["solver"]
    used = measured(case, ranks)["ranks of it"]
    segments = np.array([rank["segments"] for rank in used])
    work = np.array([rank["work"] for rank in used]) + solver * segments / segments.sum()
    others = float(work[1:].mean())
    rows = [
        [ranks, float(work[0]), others, float(work[1:].max()), float(work[0]) / others],
    ]
    print_table(["ranks", "rank 0 s", "others s", "most of others s", "rank 0 of others"], rows)
    print("seconds of the processor without waiting; at most 1.1 wanted")


def far(table: Sequence[dict[str, Any]]) -> None:
    """What the straight lines through the growing networks say of a large machine."""
    with tempfile.TemporaryDirectory() as name:
        path = Path(name) / "model.json"
        path.write_text(json.dumps(model(replace(STICKS, cells=FAR_CELLS, engine="coreneuron"))))
        lfp = [sys.executable, "-m", "lfpcli", "sim", str(path), "--dry-run", "--json"]
        plan = json.loads(_run([*lfp, "--ranks", str(FAR_RANKS)]))
    rows = []
    for engine in ENGINES:
        series = [r for r in table if r["series"] == "sticks" and r["engine"] == engine]
        series = [row for row in series if row["ranks"] == 2]
        cells = np.array([row["cells"] / row["ranks"] for row in series])
        row: list[Any] = [engine]
        for quantity, scale in (("start", 1.0), ("run", 1e3 / STICKS.tstop), ("memory took", 1e-6)):
            line = np.polyfit(cells, [entry[quantity] for entry in series], 1)
            row.append(float(np.polyval(line, FAR_CELLS / FAR_RANKS)) * scale)
        rows.append(row)
    head = ["engine", "s until it runs", "s per s", "MB per rank"]
    print_table(head, rows)
    largest = max(row["cells"] for row in table)
    print(
        f"{FAR_CELLS:,} cells of {STICKS.segments} segments with {STICKS.synapses} synapses each "
        f"on {FAR_RANKS} ranks, by straight lines through the sticks on two ranks.\n"
        f"Measured: up to {largest} cells, 2 ranks, and the work of rank 0 beside others.\n"
        "Not measured: spikes exchanged between computers, memory that the ranks of one share, "
        "and its disks."
    )
    memory, of_rank_0 = plan["memory bytes"] / 1e6, plan["rank 0 bytes"] / 1e6
    print(
        f"lfp sim --dry-run --ranks {FAR_RANKS}: {memory:.0f} MB per rank, rank 0 {of_rank_0:.0f} "
        f"MB, {plan['seconds']} s for {STICKS.tstop:g} ms\n{plan['batch']}"
    )


def predictions(table: Sequence[dict[str, Any]]) -> None:
    """The largest errors of what was predicted."""
    quantities = ("memory", "rank 0", "seconds", "file")
    rows = []
    for name in quantities:
        ratios = [row[f"{name} ratio"] for row in table]
        rows.append([name, min(ratios), max(ratios), float(np.median(ratios))])
    print_table(["prediction over actual", "least", "most", "median"], rows)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="few and small cases")
    parser.add_argument("--parts", default="growth,million,ranks,predictions")
    add_compare(parser)
    args = parser.parse_args()
    parts = args.parts.split(",")
    print(machine(), end="\n\n")
    table: list[dict[str, Any]] = []
    if "growth" in parts:
        table += growth(args.quick)
        print()
        far(table)
        print()
    if "million" in parts:
        table += million(args.quick)
        print()
    if "ranks" in parts:
        crowd(args.quick)
        print()
    if "predictions" in parts:
        cases = PREDICTED[:2] if args.quick else PREDICTED
        for engine in ENGINES:
            chosen = [replace(case, engine=engine) for case in cases]
            counts, repeats = ((1,), 1) if args.quick else ((1, 2), 2)
            table += rows_of(chosen, counts, "predictions", repeats=repeats)
        print()
    if table:
        predictions(table)
        heads = [head for head in table[0] if head != "batch"]
        keep([{head: row[head] for head in heads} for row in table])
    if not args.quick:
        save("scale", compare=args.compare)


def _line(row: dict[str, Any]) -> str:
    head = f"{row['cells']:6} cells {row['segments']:8} segments {row['synapses']:8} synapses"
    head += f" {row['engine']:10} {row['ranks']} ranks: start {row['start']:.2f} s"
    head += f"  run {row['run']:.2f} s (alone {row['plain']:.2f})"
    for name in ("memory", "rank 0", "file"):
        head += f"  {name} {row[f'{name} took'] / 1e6:.1f} MB ({row[f'{name} ratio']:.2f})"
    return head + f"  {row['seconds took']:.1f} s ({row['seconds ratio']:.2f})"


if __name__ == "__main__":
    main()

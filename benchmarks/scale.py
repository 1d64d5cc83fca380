"""Growing networks: what `lfp sim --dry-run` predicts, and what it takes.

Usage: python benchmarks/scale.py [--quick] [--ranks 1,2]

Cells of a number of segments with synapses from each other and from outside, 16 contacts; each row
is one run in processes of its own. Memory is the most that the rank with the most took, and that of
rank 0; seconds are those of the busiest rank's processor, which a crowded machine does not stretch;
the file is that on disk. A ratio is what was predicted over what it took.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from common import print_table, save

HERE = Path(__file__).parent
STICK = HERE.parent / "share/morphologies/ball_and_stick.swc"
# runs the program, and writes what its process took, a file a rank
WRAPPER = """
import json, os, resource, sys
from lfpcli.cli.main import main
code = main(sys.argv[2:])
used = resource.getrusage(resource.RUSAGE_SELF)
rank = os.environ.get("OMPI_COMM_WORLD_RANK", os.environ.get("PMI_RANK", "0"))
with open(f"{sys.argv[1]}.{rank}", "w") as file:
    json.dump({"memory": 1024 * used.ru_maxrss, "seconds": used.ru_utime + used.ru_stime}, file)
sys.exit(int(code))
"""


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


QUICK = (
    Case(cells=10, tstop=100.0),
    Case(cells=200),
    Case(cells=200, engine="coreneuron"),
    Case(cells=100, segments=400, synapses=20),
)
WHOLE = (
    *QUICK,
    Case(cells=1),
    Case(cells=1, segments=1000, synapses=0, tstop=200.0, imem=True),
    Case(cells=500),
    Case(cells=500, engine="coreneuron"),
    Case(cells=1000, segments=20, synapses=300),
    Case(cells=125, segments=200, synapses=50, tstop=50.0),
    Case(cells=500, segments=200, synapses=50, tstop=50.0, engine="coreneuron"),
    Case(cells=2000, segments=200, synapses=50, engine="coreneuron"),
    Case(cells=4000, segments=50, synapses=50),
    Case(cells=200, per="cell"),
    Case(cells=100, trains=20000, inputs=500, tstop=500.0, segments=5),
)


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
        "run": {"tstop": case.tstop, "dt": 0.1, "seed": 1, "engine": case.engine},
        "cell": {
            "c": {
                "morphology": str(STICK),
                "nseg": case.segments,
                "mechanism": [
                    {"name": "hh", "sections": ["soma"]},
                    {"name": "pas", "sections": ["dend"], "g": 2e-4},
                ],
            }
        },
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


def measured(case: Case, ranks: int, folder: Path) -> dict[str, float]:
    """Predict and run a case; ratios of what was predicted to what it took."""
    path, out = folder / "model.json", folder / "out.h5"
    path.write_text(json.dumps(model(case)))
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    environment |= {"OMPI_ALLOW_RUN_AS_ROOT": "1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1"}
    lfp = [sys.executable, "-m", "lfpcli", "sim", str(path)]
    plan = _run([*lfp, "--dry-run", "--json", "--ranks", str(ranks)], environment)
    predicted = json.loads(plan)
    begin = []
    if ranks > 1:
        launcher = Path(sys.executable).parent / "mpirun"
        begin = [str(launcher if launcher.exists() else "mpirun"), "--oversubscribe", "-n"]
        begin += [str(ranks)]
    report = folder / "used"
    wrapped = [sys.executable, "-c", WRAPPER, str(report), "sim", str(path), "-q", "-f"]
    _run([*begin, *wrapped, "-o", str(out)], environment)
    used = [json.loads(Path(f"{report}.{rank}").read_text()) for rank in range(ranks)]
    took = {
        "memory": max(rank["memory"] for rank in used),
        "rank 0": used[0]["memory"],
        "seconds": max(rank["seconds"] for rank in used),
        "file": out.stat().st_size,
    }
    told = {
        "memory": predicted["memory bytes"],
        "rank 0": predicted["rank 0 bytes"],
        "seconds": predicted["seconds"],
        "file": predicted["file bytes"],
    }
    sizes = {name: predicted[name] for name in ("segments", "synapses", "points")}
    return {
        **sizes,
        **{f"{name} took": value for name, value in took.items()},
        **{f"{name} ratio": told[name] / took[name] for name in took},
    }


def _run(command: list[str], environment: dict[str, str]) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    if done.returncode:
        raise SystemExit(f"{' '.join(command)}: {done.stderr}")
    return done.stdout


def rows(cases: tuple[Case, ...], ranks: list[int]) -> Iterator[dict[str, Any]]:
    """Measure each case on each number of ranks."""
    for case in cases:
        for count in ranks:
            if count > 1 and case.cells < count:
                continue
            with tempfile.TemporaryDirectory() as folder:
                yield {**asdict(case), "ranks": count, **measured(case, count, Path(folder))}


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="few and small cases")
    parser.add_argument("--ranks", default="1,2", help="numbers of ranks")
    args = parser.parse_args()
    table = []
    for row in rows(QUICK if args.quick else WHOLE, [int(n) for n in args.ranks.split(",")]):
        table.append(row)
        print(_line(row), flush=True)
    worst = {
        name: max((abs(row[f"{name} ratio"] - 1.0) for row in table), default=0.0)
        for name in ("memory", "rank 0", "seconds", "file")
    }
    shown = [(name, f"{100 * error:.0f} %") for name, error in worst.items()]
    print_table(("prediction", "largest error"), shown)
    save("scale")


def _line(row: dict[str, Any]) -> str:
    head = f"{row['cells']:6} x {row['segments']:8} segments {row['synapses']:9} synapses"
    head += f" {row['engine']:10} {row['ranks']} ranks:"
    for name, unit, scale in (("memory", "MB", 1e6), ("rank 0", "MB", 1e6), ("file", "MB", 1e6)):
        took, ratio = row[f"{name} took"] / scale, row[f"{name} ratio"]
        head += f"  {name} {took:.1f} {unit} ({ratio:.2f})"
    return head + f"  {row['seconds took']:.1f} s ({row['seconds ratio']:.2f})"


if __name__ == "__main__":
    main()

"""How long it takes until something is there: imports, help, completion, the first picture.

Usage: python benchmarks/startup.py [--repeats 3] [--python PATH ...]

Each is a process of its own, the fastest of several; CPU time counts children. LFPy, bmtk and
NetPyNE are measured where they are installed, also in the interpreters that --python names. The
first run of each writes byte code, as an installation does: that of this program included, which
runs from its sources here.
"""

from __future__ import annotations

import argparse
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from common import machine, print_table, save

IMPORTS = {
    "lfpcli": "import lfpcli",
    "lfpcli.compat.lfpy": "import lfpcli.compat.lfpy",
    "LFPy": "import LFPy",
    "bmtk": "from bmtk.simulator import bionet",
    "NetPyNE": "from netpyne import sim",
}
# a passive cell, one synapse, 20 ms, one contact, and a picture of its potential
SCRIPT = """
import {module} as LFPy
import matplotlib
matplotlib.use("Agg")
import matplotlib.pyplot as plt
cell = LFPy.Cell(morphology={morphology!r}, passive=True, tstop=20.0)
synapse = LFPy.Synapse(cell, idx=3, syntype="ExpSyn", weight=0.01, tau=2.0, e=0.0)
import numpy as np
synapse.set_spike_times(np.array([5.0]))
electrode = LFPy.RecExtElectrode(cell, x=np.array([30.0]), y=np.zeros(1), z=np.zeros(1))
cell.simulate(probes=[electrode])
plt.plot(cell.tvec, electrode.data[0])
plt.savefig("lfp.png")
"""


def measured(command: list[str], repeats: int, **options: object) -> tuple[float, float] | None:
    """Fastest wall and CPU time of a command, s; None where it fails."""
    walls, cpus = [], []
    for _ in range(repeats):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        start = time.perf_counter()
        done = subprocess.run(command, capture_output=True, check=False, **options)  # type: ignore[call-overload]
        walls.append(time.perf_counter() - start)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        cpus.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
        if done.returncode:
            return None
    return min(walls), min(cpus)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--python", action="append", default=[], help="another interpreter")
    args = parser.parse_args()
    print(machine())
    folder = tempfile.mkdtemp()
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    os.environ["PYTHONPYCACHEPREFIX"] = str(Path(folder, "byte-code"))
    lfp = [sys.executable, "-m", "lfpcli"]
    share = Path(__file__).parents[1] / "share" / "morphologies" / "ball_and_sticks.swc"
    quick = "builtin:ball_and_sticks --passive --input dend:0.01@5 --contacts 30,0,0 --tstop 20"
    first_plot = f"{' '.join(lfp)} sim {quick} -o - | {' '.join(lfp)} plot - -o lfp.png --force"
    commands = {"python": [sys.executable, "-c", "pass"]}
    for name, code in IMPORTS.items():
        for python in (sys.executable, *args.python):
            commands.setdefault(f"import {name}", [python, "-c", code])
            if measured([python, "-c", code], 1, cwd=folder):
                commands[f"import {name}"] = [python, "-c", code]
                break
    commands["lfp --help"] = [*lfp, "--help"]
    commands["lfp sim --help"] = [*lfp, "sim", "--help"]
    for module in ("LFPy", "lfpcli.compat.lfpy"):
        code = SCRIPT.format(module=module, morphology=str(share))
        commands[f"first picture, {module}"] = [sys.executable, "-c", code]
    commands["first picture, lfp sim | lfp plot"] = ["bash", "-c", first_plot]
    rows = []
    for name, command in commands.items():
        times = measured(command, args.repeats, cwd=folder)
        wall, cpu = times if times is not None else (float("nan"), float("nan"))
        rows.append([name, wall, cpu])
    line = "lfp sim --dry"
    shell = {**os.environ, "_ARGCOMPLETE": "1", "COMP_LINE": line, "COMP_POINT": str(len(line))}
    shell |= {"_ARGCOMPLETE_STDOUT_FILENAME": str(Path(folder, "words")), "_ARGCOMPLETE_IFS": " "}
    times = measured(lfp, args.repeats, cwd=folder, env=shell)
    rows.append(["completion of an option", *(times or (float("nan"), float("nan")))])
    print_table(["what", "wall s", "CPU s"], rows)
    save("startup")


if __name__ == "__main__":
    main()

"""A Blue Brain pyramidal cell and 32 contacts: this program against plain NEURON, in one run.

Usage: python benchmarks/real_cell.py [--quick] [--repeats 3]

TTPC1 as MEArec carries it, a step of 1 nA into the soma, 200 ms at 2^-5 ms and 34 degrees Celsius.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path
from typing import Any

import numpy as np
from common import add_compare, in_process, machine, print_table, save

DT, TSTOP = 2**-5, 200.0
FOLDER = "cell_models/bbp/L5_TTPC1_cADpyr232_1"
TEMPLATE = "cADpyr232_L5_TTPC1_0fb1ca4724"
ENGINES = ("neuron", "coreneuron")


def load_cell(tstop: float = TSTOP) -> tuple[Any, Any]:
    """TTPC1 with a step of current into its soma, and the template that keeps its sections."""
    import MEArec

    from lfpcli import Cell, StimIntElectrode
    from lfpcli.runtime.hoc.templates import load_template
    from lfpcli.runtime.mechanisms.build import build
    from lfpcli.runtime.mechanisms.load import load

    folder = Path(MEArec.__file__).parent / FOLDER
    library = build([folder / "mechanisms"], skip_broken=True)
    load(library)
    made = load_template(
        folder / "template.hoc",
        TEMPLATE,
        [0],
        code=[folder / "constants.hoc"],
        stand_ins=library.skipped_names,
    )
    settings = {"dt": DT, "tstop": tstop, "celsius": 34.0, "v_init": -70.0}
    cell = Cell(made.sections, names=made.names, nseg={"rule": "keep"}, **settings)
    StimIntElectrode(cell, int(cell.somaidx[0]), "IClamp", amp=1.0, delay=20.0, dur=150.0)
    return cell, made


def run_ours(repeats: int) -> dict[str, object]:
    """Seconds of plain NEURON and of the run loop with the probe, per engine."""
    from lfpcli import RecExtElectrode, load_contacts
    from lfpcli.runtime.neuron import context, nrn

    cell, _template = load_cell()
    contacts = load_contacts("Neuronexus-32", shift=[30.0, 0.0, 0.0])
    probe = RecExtElectrode(cell, probe=contacts)

    def plain() -> float:
        h, pc = nrn(), context()
        h.CVode().use_fast_imem(False)
        h.dt, h.celsius = DT, 34.0
        pc.set_maxstep(10)
        h.finitialize(-70.0)
        begin = time.perf_counter()
        pc.psolve(TSTOP)
        return time.perf_counter() - begin

    times: dict[str, list[float]] = {"plain": [], **{engine: [] for engine in ENGINES}}
    signals = {}
    for _ in range(repeats):
        times["plain"].append(plain())
        for engine in ENGINES:
            begin = time.perf_counter()
            cell.simulate([probe], engine=engine)
            times[engine].append(time.perf_counter() - begin)
            signals[engine] = np.asarray(probe.data)
    one, other = (signals[engine] for engine in ENGINES)
    difference = float(np.abs(one - other).max() / np.abs(one).max())
    spikes = int(np.sum((cell.somav[1:] > -10) & (cell.somav[:-1] <= -10)))
    return {
        "segments": cell.totnsegs,
        "times": times,
        "difference": difference,
        "spikes": spikes,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="one run of each, not kept")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--part", choices=["ours"])
    add_compare(parser)
    args = parser.parse_args()
    repeats = 1 if args.quick else args.repeats
    if args.part:
        print(json.dumps(run_ours(args.repeats)))
        return
    found = in_process(__file__, "ours", f"--repeats={repeats}")
    best = {name: min(times) for name, times in found["times"].items()}
    print(machine())
    print(
        f"TTPC1, {found['segments']} segments, {found['spikes']} spikes, 32 contacts, {TSTOP:g} ms "
        f"at {DT:g} ms; seconds, best of {repeats}"
    )
    print_table(
        ["what", "seconds", "of plain NEURON"],
        [
            ["plain NEURON, nothing recorded", best["plain"], 1.0],
            *(
                [f"lfp, engine {name}, probe", best[name], best[name] / best["plain"]]
                for name in ENGINES
            ),
        ],
    )
    print(f"largest difference of the engines' LFP, of the peak: {found['difference']:.2g}")
    if not args.quick:
        save("real_cell", compare=args.compare)


if __name__ == "__main__":
    main()

"""One cell and 384 contacts: this program against plain NEURON and LFPy, in one run.

Usage: python benchmarks/single_cell.py [--quick] [--repeats 3]

An Allen cell at segments of 5 um with hh everywhere, 1 nA into the soma, 100 ms at 2^-5 ms.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path

import numpy as np
from common import add_compare, in_process, machine, print_table, save

DT, TSTOP, SEGMENT = 2**-5, 100.0, 5.0
STIMULUS = {"amp": 1.0, "delay": 5.0, "dur": 90.0}
ENGINES = ("neuron", "coreneuron")


def morphology() -> Path:
    """The Allen cell Scnn1a that comes with bmtk."""
    import bmtk

    folder = Path(bmtk.__file__).parent / "utils/scripts/bionet/morphologies"
    return folder / "Scnn1a_473845048_m.swc"


def positions() -> np.ndarray:
    """Contacts beside the cell, um."""
    from lfpcli.io.arrays import load_contacts

    return load_contacts("Neuropixels-384", shift=[30.0, 0.0, 0.0]).positions


def run_ours(repeats: int) -> dict[str, object]:
    """Seconds of plain NEURON and of the run loop with the probe, per engine."""
    from lfpcli import Cell, RecExtElectrode, StimIntElectrode
    from lfpcli.runtime.neuron import context, nrn

    cell = Cell(
        morphology(),
        nseg={"rule": "length", "max": SEGMENT},
        custom_fun=[lambda cell: cell.insert("hh")],
        dt=DT,
        tstop=TSTOP,
    )
    StimIntElectrode(cell, int(cell.somaidx[0]), "IClamp", **STIMULUS)
    x, y, z = positions().T
    probe = RecExtElectrode(cell, x=x, y=y, z=z, sigma=0.3, method="linesource")

    def plain() -> float:
        h, pc = nrn(), context()
        h.CVode().use_fast_imem(False)
        h.dt = DT
        pc.set_maxstep(10)
        h.finitialize(-65)
        begin = time.perf_counter()
        pc.psolve(TSTOP)
        return time.perf_counter() - begin

    def ours(engine: str) -> float:
        begin = time.perf_counter()
        cell.simulate([probe], engine=engine)
        return time.perf_counter() - begin

    times: dict[str, list[float]] = {"plain": [], **{engine: [] for engine in ENGINES}}
    for _ in range(repeats):
        times["plain"].append(plain())
        for engine in ENGINES:
            times[engine].append(ours(engine))
    data = np.asarray(probe.data)
    return {"segments": cell.totnsegs, "times": times, "peak": float(np.abs(data).max())}


def run_lfpy(repeats: int) -> dict[str, object]:
    """Seconds of LFPy's run loop with the probe."""
    import LFPy
    import lfpykit

    times, peak = [], 0.0
    for _ in range(repeats):
        cell = LFPy.Cell(
            str(morphology()),
            v_init=-65,
            nsegs_method="fixed_length",
            max_nsegs_length=SEGMENT,
            dt=DT,
            tstop=TSTOP,
            custom_fun=[lambda cell: [section.insert("hh") for section in cell.allseclist]],
            custom_fun_args=[{}],
        )
        LFPy.StimIntElectrode(cell, int(cell.somaidx[0]), pptype="IClamp", **STIMULUS)
        x, y, z = positions().T
        probe = lfpykit.RecExtElectrode(cell, x=x, y=y, z=z, sigma=0.3, method="linesource")
        begin = time.perf_counter()
        cell.simulate(probes=[probe])
        times.append(time.perf_counter() - begin)
        peak = float(np.abs(probe.data).max())
    return {"segments": cell.totnsegs, "times": {"lfpy": times}, "peak": peak}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="one run of each, not kept")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--part", choices=["ours", "lfpy"])
    add_compare(parser)
    args = parser.parse_args()
    repeats = 1 if args.quick else args.repeats
    if args.part:
        print(json.dumps({"ours": run_ours, "lfpy": run_lfpy}[args.part](args.repeats)))
        return
    found = [in_process(__file__, part, f"--repeats={repeats}") for part in ("ours", "lfpy")]
    best = {name: min(times) for part in found for name, times in part["times"].items()}
    print(machine())
    print(
        f"{found[0]['segments']} segments, 384 contacts, {TSTOP:g} ms at {DT:g} ms; "
        f"seconds, best of {repeats}"
    )
    print_table(
        ["what", "seconds", "of plain NEURON"],
        [
            ["(a) plain NEURON, nothing recorded", best["plain"], 1.0],
            ["(b) lfp, engine neuron, probe", best["neuron"], best["neuron"] / best["plain"]],
            [
                "(b) lfp, engine coreneuron, probe",
                best["coreneuron"],
                best["coreneuron"] / best["plain"],
            ],
            ["(c) LFPy, probe", best["lfpy"], best["lfpy"] / best["plain"]],
        ],
    )
    ratios = ", ".join(f"{best['lfpy'] / best[engine]:.1f} ({engine})" for engine in ENGINES)
    peaks = f"{found[0]['peak']:.6g} and {found[1]['peak']:.6g} mV"
    print(f"(c)/(b) {ratios}; peaks {peaks}")
    if not args.quick:
        save("single_cell", compare=args.compare)


if __name__ == "__main__":
    main()

"""The network of share/examples/network.toml in LFPy, for comparison.

Usage: python benchmarks/lfpy_network.py OUT.npz [--seed 1] [--tstop 200]
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(__file__).parent.parent
MODEL = ROOT / "share/examples/network.toml"
# ms
DT = 2.0**-4

# what hoc's import puts the sections into
TEMPLATE = """
begintemplate BallStick
public soma, dend, all, somatic, basal
create soma[1], dend[1]
objref all, somatic, basal, axonal, apical
proc init() {
    all = new SectionList()
    somatic = new SectionList()
    basal = new SectionList()
    axonal = new SectionList()
    apical = new SectionList()
}
endtemplate BallStick
"""


def mechanisms(cell: Any, kind: Any) -> None:
    """Insert what the model inserts."""
    for section in cell.allseclist:
        for mechanism in kind.mechanism:
            if any(name in section.name() for name in mechanism.sections):
                section.insert(mechanism.name)
                for segment in section:
                    for name, value in mechanism.params.items():
                        setattr(segment, f"{name}_{mechanism.name}", value)


def build(model: Any, folder: Path, tstop: float, seed: int) -> Any:
    """Return LFPy's network, connected and with its input."""
    import LFPy
    import neuron

    np.random.seed(seed)
    (folder / "template.hoc").write_text(TEMPLATE)
    run = model.run
    network = LFPy.Network(
        dt=DT, tstop=tstop, v_init=run.v_init, celsius=run.celsius, OUTPUTPATH=str(folder)
    )
    # LFPy keeps the temperature to itself
    neuron.h.celsius = run.celsius
    for name in model.populations:
        add_population(network, model, name, folder / "template.hoc")
        for cell in network.populations[name].cells:
            background(cell, model.inputs[0], tstop)
    for table in model.connections:
        connect(network, table)
    return network


def add_population(network: Any, model: Any, name: str, template: Path) -> None:
    """Put the cells of a population into LFPy's network."""
    import LFPy

    population = model.populations[name]
    kind = model.cells[population.cell]
    z = population.place.z.params
    network.create_population(
        Cell=LFPy.NetworkCell,
        name=name,
        POP_SIZE=population.size,
        cell_args={
            "morphology": str(kind.morphology),
            "templatefile": str(template),
            "templatename": "BallStick",
            "templateargs": None,
            "Ra": kind.Ra,
            "cm": kind.cm,
            "passive": False,
            "delete_sections": False,
            "custom_fun": [lambda cell: mechanisms(cell, kind)],
            "custom_fun_args": [{}],
        },
        pop_args={"radius": population.place.radius, "loc": z["loc"], "scale": z["scale"]},
        rotation_args={"x": 0.0, "y": 0.0},
    )


def connect(network: Any, table: Any) -> None:
    """Connect two populations as a table says."""
    import neuron
    from scipy import stats

    depth = table.location.depth
    pairs = network.get_connectivity_rand(
        pre=table.pre, post=table.post, connprob=table.rule.probability
    )
    network.connect(
        pre=table.pre,
        post=table.post,
        connectivity=pairs,
        syntype=neuron.h.Exp2Syn,
        synparams=table.synapse.params,
        weightfun=np.random.normal,
        weightargs=table.weight.params,
        minweight=table.weight.min,
        delayfun=np.random.normal,
        delayargs=table.delay.params,
        mindelay=table.delay.min,
        multapsefun=stats.norm,
        multapseargs=table.count.params,
        syn_pos_args={
            "section": list(table.location.sections),
            "fun": [stats.norm] * len(depth),
            "funargs": [term.params for term in depth],
            "funweights": [term.weight for term in depth],
        },
    )


def background(cell: Any, table: Any, tstop: float) -> None:
    """Give a cell its background synapses, each with a Poisson train of its own."""
    import LFPy

    count = int(table.count.value)
    for index in cell.get_rand_idx_area_norm(section="allsec", nidx=count):
        synapse = LFPy.Synapse(
            cell, idx=index, syntype="Exp2Syn", weight=table.weight.value, **table.synapse.params
        )
        number = np.random.poisson(table.source.poisson * tstop / 1000.0)
        synapse.set_spike_times(np.sort(np.random.uniform(0.0, tstop, number)))


def main() -> None:
    """Run it and save spikes, potentials, and how long each part took."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("output", type=Path)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--tstop", type=float, default=200.0)
    args = parser.parse_args()
    import LFPy

    from lfpcli.model import load_model
    from lfpcli.tasks.measure.instruments import contacts_of

    model = load_model(MODEL)
    contacts = contacts_of(model.probes[0])
    x, y, z = contacts.positions.T
    with tempfile.TemporaryDirectory() as folder:
        begin = time.perf_counter()
        network = build(model, Path(folder), args.tstop, args.seed)
        built = time.perf_counter()
        electrode = LFPy.RecExtElectrode(
            cell=None, x=x, y=y, z=z, N=contacts.normals, r=5.0, n=50, sigma=0.3
        )
        dipole = LFPy.CurrentDipoleMoment(cell=None)
        spikes = network.simulate(
            probes=[electrode, dipole], rec_pop_contributions=True, to_memory=True
        )
        done = time.perf_counter()
    times = [np.concatenate([np.ravel(t) for t in p] or [np.zeros(0)]) for p in spikes["times"]]
    np.savez(
        args.output,
        lfp=electrode.data["imem"].T,
        dipole=dipole.data["imem"].T,
        build=built - begin,
        run=done - built,
        synapses=sum(len(c.netconsynapses) for p in network.populations.values() for c in p.cells),
        **dict(zip(model.populations, times, strict=True)),
    )


if __name__ == "__main__":
    main()

"""Cells, synapses and background of the netParams of NetPyNE, built with NEURON alone.

It takes what netparams.json has: sections with geometry, topology and mechanisms, point synapses,
NetStims, and connections by probability. NetPyNE itself can stand here as well: a script that calls
its sim.create() is attached in the same way.
"""

import json
from pathlib import Path

from neuron import h

SEED = 1
PARAMS = json.loads((Path(__file__).parent / "netparams.json").read_text())["net"]["params"]
pc = h.ParallelContext()
# what NEURON would forget at the end of this script
KEPT = []


def make_section(name, spec, start):
    """A section along z from where its parent ends."""
    section = h.Section(name=name)
    geometry = dict(spec["geom"])
    length, diameter = geometry.pop("L"), geometry.pop("diam")
    for z in (start[2], start[2] + length):
        section.pt3dadd(start[0], start[1], z, diameter)
    for key, value in geometry.items():
        setattr(section, key, value)
    for mechanism, values in spec.get("mechs", {}).items():
        section.insert(mechanism)
        for key, value in values.items():
            setattr(section, f"{key}_{mechanism}", value)
    return section


def make_cell(gid, cell_type, place):
    """The sections of a cell by name; its spikes are those of its soma."""
    sections = {}
    for name, spec in PARAMS["cellParams"][cell_type]["secs"].items():
        topology = spec.get("topol")
        start = place
        if topology:
            parent = sections[topology["parentSec"]]
            start = (place[0], place[1], parent.z3d(parent.n3d() - 1))
        sections[name] = make_section(f"{cell_type}_{gid}_{name}", spec, start)
        if topology:
            sections[name].connect(parent(topology["parentX"]), topology["childX"])
    pc.set_gid2node(gid, int(pc.id()))
    detector = h.NetCon(sections["soma"](0.5)._ref_v, None, sec=sections["soma"])
    detector.threshold = 10.0
    pc.cell(gid, detector)
    KEPT.append(sections)
    return sections


def make_synapse(spec, sections):
    """A point process where a table of connections says."""
    values = dict(PARAMS["synMechParams"][spec["synMech"]])
    synapse = getattr(h, values.pop("mod"))(sections[spec["sec"]](spec["loc"]))
    for key, value in values.items():
        setattr(synapse, key, value)
    KEPT.append(synapse)
    return synapse


def connect(spec, netcon):
    """Give a connection its weight and delay."""
    netcon.weight[0], netcon.delay = spec["weight"], spec["delay"]
    KEPT.append(netcon)


def make_stimulus(spec, gid, synapse):
    """Background for a cell, with a random stream of its own."""
    source = PARAMS["stimSourceParams"][spec["source"]]
    stimulus = h.NetStim()
    stimulus.interval, stimulus.noise = 1000.0 / source["rate"], source["noise"]
    stimulus.number, stimulus.start = 1e9, 0.0
    stimulus.noiseFromRandom123(SEED, gid, 1)
    KEPT.append(stimulus)
    connect(spec, h.NetCon(stimulus, synapse))


cells, gids = {}, {}
for population, spec in PARAMS["popParams"].items():
    first = sum(map(len, gids.values()))
    gids[population] = range(first, first + spec["numCells"])
    for gid in gids[population]:
        # every process makes some of the cells
        if gid % int(pc.nhost()) == int(pc.id()):
            cells[gid] = make_cell(gid, spec["cellType"], (30.0 * (gid - first), 0.0, 0.0))
for spec in PARAMS["stimTargetParams"].values():
    for gid in gids[spec["conds"]["pop"]]:
        if gid in cells:
            make_stimulus(spec, gid, make_synapse(spec, cells[gid]))
for number, spec in enumerate(PARAMS["connParams"].values()):
    for post in gids[spec["postConds"]["pop"]]:
        if post not in cells:
            continue
        draws = h.Random()
        draws.Random123(SEED, post, 2 + number)
        draws.uniform(0, 1)
        for pre in gids[spec["preConds"]["pop"]]:
            if draws.repick() < spec["probability"] and pre != post:
                connect(spec, pc.gid_connect(pre, make_synapse(spec, cells[post])))
h.celsius, h.v_init = 6.3, -65.0

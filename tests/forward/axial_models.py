"""NEURON models of many topologies: runs one and saves what the axial tests compare.

Usage: axial_models.py MODEL OUT.npz
"""

from __future__ import annotations

import sys
from typing import Any

import numpy as np
from neuron import h

from lfpcli.runtime.cell.axial import axial_network

SECTIONS: list[Any] = []


def section(name: str, parent: Any = None, end: float = 0.0, **values: float) -> Any:
    made = h.Section(name=name)
    made.L, made.diam = values.get("L", 200.0), values.get("diam", 2.0)
    made.nseg = int(values.get("nseg", 5))
    if parent is not None:
        made.connect(parent, end)
    SECTIONS.append(made)
    return made


def soma() -> Any:
    return section("soma", L=20.0, diam=20.0, nseg=1)


def ball_and_stick() -> None:
    section("dend", soma()(1), L=500.0, nseg=11)


def branch_at_end() -> None:
    trunk = section("trunk", soma()(1))
    section("left", trunk(1), diam=1.0)
    section("right", trunk(1), diam=0.5, nseg=4)


def branch_in_the_middle() -> None:
    trunk = section("trunk", soma()(0.5), nseg=5)
    section("left", trunk(0.5))
    section("right", trunk(0.5), diam=1.0)
    section("even", section("host", trunk(1), nseg=4)(0.5))


def child_on_the_start_of_a_child() -> None:
    trunk = section("trunk", soma()(1))
    side = section("side", trunk(0), diam=1.0)
    section("deeper", side(0), diam=0.7)
    section("tip", side(1))


def child_on_the_start_inside_a_section() -> None:
    trunk = section("trunk", soma()(1))
    side = section("side", trunk(0.3), diam=1.0)
    section("deeper", side(0), diam=0.7)


def children_on_the_start_of_the_root() -> None:
    root = soma()
    section("dend1", root(0))
    section("dend10", root(0), diam=1.0)
    section("axon", section("dend100", root(1))(0), diam=0.3)


def hung_by_the_other_end() -> None:
    trunk = section("trunk", soma()(1))
    turned = section("turned", trunk(1), end=1.0, diam=1.5, nseg=4)
    section("far", turned(0))
    section("near", turned(1), diam=0.8)
    section("inside", turned(0.3), diam=0.6)


def two_cells() -> None:
    branch_at_end()
    child_on_the_start_of_a_child()


def tree() -> None:
    rng = np.random.default_rng(29)
    soma()
    for index in range(40):
        parent = SECTIONS[rng.integers(len(SECTIONS))]
        x = rng.choice([0.0, 0.25, 0.5, 0.9, 1.0, 1.0, 1.0])
        end = float(rng.random() < 0.2)
        section(
            f"dend{index}",
            parent(x),
            end,
            L=rng.uniform(10, 300),
            diam=rng.uniform(0.3, 4),
            nseg=rng.integers(1, 8),
        )


def tapered() -> None:
    """Sections with 3-D points that taper, so that the two halves of a segment differ."""
    root = soma()
    for index, at in enumerate([1.0, 1.0, 0.5]):
        made = section(f"dend{index}", root(at), nseg=3)
        made.pt3dclear()
        for step in range(6):
            made.pt3dadd(10.0 + 20 * step, 30.0 * index * step, 4.0 * step**2, 4.0 - 0.6 * step)
    section("end", SECTIONS[1](1), nseg=2)


def run() -> tuple[np.ndarray, np.ndarray]:
    """Potentials and membrane currents, shape (N, T), with synapses on every third segment."""
    segments = [segment for sec in SECTIONS for segment in sec]
    kept = []
    for index, segment in enumerate(segments):
        segment.sec.insert("pas" if index else "hh")
        if index % 3 == 1:
            synapse = h.Exp2Syn(segment)
            synapse.tau1, synapse.tau2, synapse.e = 0.5, 3.0, 0.0
            source = h.NetStim()
            source.number, source.start = 1, 1.0 + 0.3 * (index % 7)
            connection = h.NetCon(source, synapse)
            connection.weight[0], connection.delay = 0.005, 0.1
            kept += [synapse, source, connection]
    h.CVode().use_fast_imem(1)
    vmem = [h.Vector().record(segment._ref_v) for segment in segments]
    imem = [h.Vector().record(segment._ref_i_membrane_) for segment in segments]
    h.dt, h.tstop = 0.025, 10.0
    h.finitialize(-65.0)
    h.continuerun(h.tstop)
    return np.array([v.as_numpy() for v in vmem]), np.array([i.as_numpy() for i in imem])


def ends() -> tuple[np.ndarray, np.ndarray]:
    """Start and end points of all segments, shape (N, 3), along the 3-D points."""
    bounds = []
    for sec in SECTIONS:
        arc = np.array([sec.arc3d(i) for i in range(sec.n3d())]) / sec.L
        edges = np.linspace(0, 1, sec.nseg + 1)
        points = [
            np.interp(edges, arc, [getattr(sec, axis)(i) for i in range(sec.n3d())])
            for axis in ("x3d", "y3d", "z3d")
        ]
        bounds.append((np.transpose(points)[:-1], np.transpose(points)[1:]))
    return np.concatenate([b[0] for b in bounds]), np.concatenate([b[1] for b in bounds])


def main(model: str, out: str) -> None:
    h.load_file("stdrun.hoc")
    globals()[model]()
    # the points that this makes are float32 and change lengths, thus resistances, by 1e-8
    h.define_shape()
    vmem, imem = run()
    start, end = ends()
    network = axial_network(SECTIONS)
    np.savez(
        out,
        vmem=vmem,
        imem=imem,
        start=start,
        end=end,
        parent=network.parent,
        attach=network.attach,
        r_proximal=network.r_proximal,
        r_distal=network.r_distal,
        flipped=network.flipped,
    )


if __name__ == "__main__":
    main(*sys.argv[1:])

"""`--multi-dipole` against the tree of a plain NEURON model."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from lfpcli.forward.four_sphere import FourSphereVolumeConductor
from lfpcli.forward.montages import montage
from lfpcli.io.recording import open_recording

# a dendrite that folds back beside itself, one that turns off, and the far one as a second child
FOLD = """\
1 1 0 0 -5 5 -1
2 1 0 0 0 5 1
3 1 0 0 5 5 2
4 3 0 0 5 1 3
5 3 0 0 105 1 4
6 3 0 0 205 1 5
7 3 10 0 150 1 6
8 3 20 0 95 1 7
9 3 100 0 300 1 6
10 3 0 0 -5 0.5 1
11 3 0 -200 40 0.5 10
"""
PLACE = np.array([0.0, 20000.0, 70000.0])


def axial(results, swc) -> None:
    """Axial currents (nA) and the corners of their paths (um), by NEURON's tree alone."""
    from neuron import h

    h.load_file("stdrun.hoc")
    h.load_file("import3d.hoc")
    reader = h.Import3d_SWC_read()
    reader.quiet = 1
    reader.input(swc)
    h.Import3d_GUI(reader, 0).instantiate(None)
    sections = list(h.allsec())
    h.define_shape()
    for section in sections:
        section.Ra, section.cm, section.nseg = 150, 1, 1 + 2 * int(section.L / 40)
        section.insert("pas")
        section.g_pas, section.e_pas = 1e-4, -65
    synapse = h.ExpSyn(next(s for s in sections if s.name() == "dend[1]")(0.9))
    synapse.tau = 2
    source = h.NetStim()
    source.number, source.start = 1, 1
    connection = h.NetCon(source, synapse)
    connection.delay, connection.weight[0] = 0.0, 0.005
    h.CVode().use_fast_imem(1)
    segments = [segment for section in sections for segment in section]
    vectors = [h.Vector().record(segment._ref_i_membrane_) for segment in segments]
    h.dt, h.steps_per_ms = 0.025, 40
    h.finitialize(-65)
    h.continuerun(5)

    def place(section, x):
        count = section.n3d()
        shares = [section.arc3d(k) / section.arc3d(count - 1) for k in range(count)]
        axes = ([f(k) for k in range(count)] for f in (section.x3d, section.y3d, section.z3d))
        return [np.interp(x, shares, axis) for axis in axes]

    beyond = {segment: np.array(v) for segment, v in zip(segments, vectors, strict=True)}
    currents, corners = [], []
    # NEURON makes sections after their parents here, so that ends come first backwards
    for section in reversed(sections):
        above = section.parentseg()
        for number in reversed(range(section.nseg)):
            segment = section((number + 0.5) / section.nseg)
            parent = section((number - 0.5) / section.nseg) if number else above
            if parent is None:
                continue
            # the segment that holds a place at the very end of its section
            inside = min(max(parent.x, 0.5 / parent.sec.nseg), 1 - 0.5 / parent.sec.nseg)
            parent = parent.sec(inside)
            beyond[parent] = beyond[parent] + beyond[segment]
            currents.append(beyond[segment])
            middle = place(parent.sec, (int(parent.x * parent.sec.nseg) + 0.5) / parent.sec.nseg)
            near = place(section, number / section.nseg)
            corners.append([middle, near, place(section, segment.x)])
    soma = np.mean([place(sections[0], 0), place(sections[0], 1)], axis=0)
    results["currents"], results["corners"] = np.array(currents), np.array(corners) - soma


def test_dipoles_follow_the_tree_where_dendrites_fold_back(
    neuron_process, shell, tmp_path: Path
) -> None:
    (tmp_path / "fold.swc").write_text(FOLD)
    tree = neuron_process(axial, swc="fold.swc")
    passive = ["--passive", "g=1e-4,e=-65", "--set", "cell.cell.Ra=150", "--v-init", "-65"]
    nseg = ["--set", 'cell.cell.nseg={rule="allen"}', "--synapse", "ExpSyn:tau=2,e=0"]
    run = ["--input", "dend[1](0.9):0.005@1", "--tstop", "5", "--seed", "1"]
    shell("sim", tmp_path / "fold.swc", *passive, *nseg, *run, "-o", tmp_path / "run.h5")
    at = ",".join(f"{x:g}" for x in PLACE)
    shell("eeg", tmp_path / "run.h5", "--position", at, "--multi-dipole", "-o", tmp_path / "e.h5")
    with open_recording(tmp_path / "e.h5") as recording:
        got = recording.signal("eeg").data[()]
    head = FourSphereVolumeConductor(90000.0 * montage("10-20")[1])
    wanted = 0.0
    for current, (parent, near, own) in zip(tree["currents"], tree["corners"], strict=True):
        for begin, end in ((parent, near), (near, own)):
            moment = np.outer(end - begin, current)
            wanted = wanted + head.get_dipole_potential(moment, PLACE + (begin + end) / 2).T
    # what a tree guessed from distances gives is off by more than a percent
    assert got[2:] == pytest.approx(wanted[2:], abs=1e-9 * np.abs(wanted).max())

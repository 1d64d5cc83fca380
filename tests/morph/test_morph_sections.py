"""Sections are those of NEURON's Import3d, bit for bit, and are made in NEURON as there."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from random_trees import random_swc

from lfpcli.morphology.swc import read_swc


def compare(results, paths) -> None:
    """Dumps what two lists of sections hold; names, points, parents and lengths."""
    import os
    import warnings

    warnings.simplefilter("ignore")
    from lfpcli.runtime.morphology.reading import load_sections
    from lfpcli.runtime.neuron import nrn

    h = nrn()
    os.dup2(2, 1)

    def state(sections):
        def parent(section):
            at = section.parentseg()
            return None if at is None else (at.sec.name(), at.x)

        return [
            (
                s.name(),
                s.L,
                s.orientation(),
                parent(s),
                [(s.x3d(i), s.y3d(i), s.z3d(i), s.diam3d(i)) for i in range(s.n3d())],
                [segment.area() for segment in s],
            )
            for s in sections
        ]

    def import3d(path):
        before = set(h.allsec())
        reader = h.Import3d_SWC_read()
        reader.quiet = 1
        reader.input(path)
        h.Import3d_GUI(reader, 0).instantiate(h.nil)
        h.define_shape()
        return [s for s in h.allsec() if s not in before]

    differ, count = [], 0
    for path in paths:
        loaded = load_sections(path)
        # NEURON lays both out
        h.define_shape()
        mine = state(loaded.sections)
        del loaded
        theirs = import3d(path)
        count += len(mine)
        if mine != state(theirs):
            differ.append(path)
        for section in theirs:
            h.delete_section(sec=section)
    results["differ"], results["count"] = np.array(differ, dtype=str), count


def allen_cells() -> list[str]:
    bmtk = pytest.importorskip("bmtk")
    folder = Path(bmtk.__file__).parent
    return sorted(str(path) for path in folder.rglob("*.swc"))


def test_allen_cells_are_those_of_import3d(neuron_process):
    paths = allen_cells()
    assert len(paths) >= 5
    found = neuron_process(compare, paths=paths)
    assert found["differ"].tolist() == []
    assert found["count"] > 300


def test_shipped_cells_are_those_of_import3d(neuron_process, share):
    paths = sorted(str(path) for path in (share / "morphologies").glob("*.swc"))
    assert len(paths) >= 6
    assert neuron_process(compare, paths=paths)["differ"].tolist() == []


def test_random_trees_are_those_of_import3d(neuron_process, tmp_path):
    paths = []
    for seed in range(120):
        paths.append(str(tmp_path / f"{seed}.swc"))
        Path(paths[-1]).write_text(random_swc(seed))
    found = neuron_process(compare, paths=paths)
    assert found["differ"].tolist() == []
    assert found["count"] > 500


SOMATA = {
    "one point": "1 1 1 2 3 5 -1\n2 3 1 7 3 1 1\n3 3 1 20 3 1 2\n4 3 1 30 9 1 2\n",
    "three points": "1 1 0 0 0 5 -1\n2 1 0 -5 0 5 1\n3 1 0 5 0 5 1\n4 3 0 0 5 1 1\n5 3 0 0 9 1 4\n",
    "two points": "1 1 0 0 0 5 -1\n2 1 0 9 0 5 1\n3 3 0 9 2 1 2\n4 3 0 9 9 1 3\n",
    "cylinders": "1 1 0 0 0 3 -1\n2 1 0 5 0 5 1\n3 1 0 10 0 4 2\n4 3 5 5 0 1 2\n5 3 9 5 0 1 4\n",
    "branched": "1 1 0 0 0 3 -1\n2 1 0 5 0 5 1\n3 1 5 9 0 4 2\n4 1 -5 9 0 1 2\n5 3 9 5 0 1 4\n"
    "6 3 19 5 0 1 5\n",
    "single-point dendrites": "1 1 0 0 0 5 -1\n2 3 9 0 0 1 1\n3 3 0 9 0 1 1\n4 2 0 0 -9 1 1\n",
    "in the middle": "1 3 0 0 0 1 -1\n2 3 9 0 0 1 1\n3 1 15 0 0 5 2\n4 1 20 0 0 5 3\n"
    "5 2 30 0 0 1 4\n6 2 40 0 0 1 5\n",
}


def test_somata_are_those_of_import3d(neuron_process, tmp_path):
    paths = []
    for name, text in SOMATA.items():
        paths.append(str(tmp_path / f"{name}.swc"))
        Path(paths[-1]).write_text(text)
    assert neuron_process(compare, paths=paths)["differ"].tolist() == []


def test_a_lone_wired_branch_keeps_to_its_own_branch(tmp_path):
    # Import3d runs from point 2 on into point 3, which hangs elsewhere
    path = tmp_path / "cell.swc"
    path.write_text(
        "1 1 0 0 0 5 -1\n2 2 0 0 -9 1 1\n3 3 9 0 0 1 1\n4 4 0 9 0 1 1\n5 3 19 0 0 1 3\n"
    )
    cell = read_swc(path)
    for section in cell.sections:
        if section.type != 1:
            assert section.type == cell.types[section.start]
    assert [s.name for s in cell.sections] == [
        "soma[0]",
        "axon[0]",
        "dend[0]",
        "dend[1]",
        "apic[0]",
    ]


def test_segments_are_counted_as_neuron_counts_them(neuron_process, share):
    paths = [*allen_cells(), str(share / "morphologies" / "l5_pyramidal.swc")]

    def model(results, paths) -> None:
        from lfpcli.morphology.measures import Segmentation, segment_count
        from lfpcli.runtime.morphology.reading import load_sections, read_morphology
        from lfpcli.runtime.neuron import nrn

        h, mine, theirs = nrn(), [], []
        for path in paths:
            cell = read_morphology(path)
            sections = load_sections(cell).sections
            for d_lambda, frequency, Ra, cm in (0.1, 100, 150, 1), (0.02, 700, 35.4, 0.9):
                rule = Segmentation(d_lambda, frequency, Ra, cm)
                for own, section in zip(cell.sections, sections, strict=True):
                    section.Ra, section.cm = Ra, cm
                    unit = d_lambda * h.lambda_f(frequency, sec=section)
                    theirs.append(int((section.L / unit + 0.9) / 2) * 2 + 1)
                    mine.append(segment_count(own, rule))
        results["mine"], results["theirs"] = mine, theirs

    found = neuron_process(
        model,
        paths=paths,
    )
    assert np.array_equal(found["mine"], found["theirs"])
    assert found["mine"].max() > 20


def test_cells_live_side_by_side(neuron_process, share):
    def model(results, path) -> None:
        from lfpcli.morphology.swc import read_swc
        from lfpcli.runtime.morphology.reading import load_sections
        from lfpcli.runtime.neuron import nrn

        cell = read_swc(path)
        first, second = load_sections(path), load_sections(cell)
        results["names"] = [first.names == second.names, first.names[0] == "soma[0]"]
        results["kinds"] = np.array([first.format_name, second.format_name])
        results["count"] = len(list(nrn().allsec())) == len(first.sections) + len(second.sections)
        first.sections[1].diam = 7
        results["apart"] = second.sections[1].diam != 7

    found = neuron_process(
        model,
        path=str(share / "morphologies" / "basket.swc"),
    )
    assert found["names"].all()
    assert found["kinds"].tolist() == ["swc", "memory"]
    assert found["count"]
    assert found["apart"]


def test_sections_can_be_made_for_hoc_code(neuron_process, share):
    def model(results, path) -> None:
        from lfpcli.errors import SimulatorError
        from lfpcli.runtime.morphology.reading import load_sections
        from lfpcli.runtime.neuron import nrn

        h = nrn()
        h("""begintemplate Kind
        public all, somatic, soma, dend, axon
        objref all, somatic
        create soma[1], dend[1], axon[1]
        proc init() { all = new SectionList() somatic = new SectionList() }
        endtemplate Kind""")
        one, two = h.Kind(), h.Kind()
        load_sections(path, into=one)
        made = load_sections(path, into=two)
        results["names"] = np.array(made.names[:2])
        results["listed"] = [len(list(one.all)), len(list(two.all)), len(list(two.somatic))]
        load_sections(path, into=h)
        h("access soma[0]")
        h("dend[3] { nseg = 7 }")
        results["nseg"] = h.dend[3].nseg
        try:
            load_sections(path, into=h)
        except SimulatorError as error:
            results["error"] = str(error)

    found = neuron_process(
        model,
        path=str(share / "morphologies" / "basket.swc"),
    )
    assert found["names"].tolist() == ["Kind[1].soma[0]", "Kind[1].axon[0]"]
    assert found["listed"].tolist() == [38, 38, 1]
    assert found["nseg"] == 7
    assert "would be deleted" in str(found["error"])

"""Hoc cells as files of points: NEURON reads the area that it made of the hoc code."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from lfpcli.morphology.cylinders import frusta
from lfpcli.morphology.layout import laid_on_path
from lfpcli.morphology.section import Section

SOMA = "pt3dadd(-10,0,0,20) pt3dadd(0,0,0,16) pt3dadd(10,0,0,12)"


def random_hoc(seed: int, count: int = 7) -> str:
    """Sections with and without 3-d points, that hang by either end on any place of others."""
    rng = np.random.default_rng(seed)
    lines = [f"create soma, dend[{count}]", f"soma {{ {SOMA} }}"]
    names = ["soma", *(f"dend[{k}]" for k in range(count))]
    for k, name in enumerate(names[1:]):
        nseg = rng.integers(1, 6)
        if rng.random() < 0.5:
            points = rng.normal(0, 40, (3, 3)).round(2)
            drawn = [f"pt3dadd({x},{y},{z},{rng.uniform(0.5, 6):.2f})" for x, y, z in points]
            lines.append(f"{name} {{ {' '.join(drawn)} nseg = {nseg} }}")
        else:
            length, begin, end = rng.uniform(10, 100), *rng.uniform(0.5, 9, 2)
            lines.append(f"{name} {{ L = {length} nseg = {nseg} diam(0:1) = {begin}:{end} }}")
        x = rng.choice([0, 1, 1, 1, 0.5, rng.random()])
        end = rng.choice([0, 0, 0, 1])
        lines.append(f"connect {name}({end}), {names[rng.integers(0, k + 1)]}({x})")
    return "\n".join(lines) + "\n"


def convert(results, count) -> None:
    """Areas and lengths that NEURON has of each cell, of its hoc code and of its points."""
    import warnings
    from pathlib import Path

    warnings.simplefilter("ignore")
    from neuron import h

    from lfpcli.io.morphology import write_morphology
    from lfpcli.runtime.morphology.reading import read_morphology

    h.load_file("import3d.hoc")

    def measured():
        area = sum(segment.area() for section in h.allsec() for segment in section)
        length = sum(section.L for section in h.allsec())
        for section in list(h.allsec()):
            h.delete_section(sec=section)
        return area, length

    for seed in range(count):
        path = Path(f"{seed}.hoc")
        path.write_text(random_hoc(seed))
        h.load_file(1, str(path))
        drawn = measured()
        write_morphology(read_morphology(path), path.with_suffix(".swc"))
        reader = h.Import3d_SWC_read()
        reader.quiet = 1
        reader.input(str(path.with_suffix(".swc")))
        h.Import3d_GUI(reader, 0).instantiate(None)
        results[f"cell{seed}"] = np.array([drawn, measured()])


def test_random_hoc_cells_keep_their_area(neuron_process):
    measured = neuron_process(convert, count=12)
    for seed in range(12):
        drawn, written = measured[f"cell{seed}"]
        assert written == pytest.approx(drawn, rel=1e-5), seed


BENT = """\
create soma, dend[3]
soma {{ pt3dadd(-10,0,0,20) pt3dadd(10,0,0,20) }}
dend[0] {{ pt3dadd(10,0,0,4) pt3dadd(50,30,0,4) pt3dadd(90,0,0,4) }}
dend[1] {{ pt3dadd({begin},0,1) pt3dadd({end},0,1) }}
dend[2] {{ L = 10 nseg = 5 diam(0:1) = 8:2 }}
connect dend[0](0), soma(1)
connect dend[1](0), dend[0](0.5)
connect dend[2](0), soma(0.5)
"""


def test_a_branch_in_the_middle_of_a_bent_section_begins_on_its_path(shell, tmp_path):
    """NEURON's layout moves it to the straight line between the ends of the section."""
    (tmp_path / "cell.hoc").write_text(BENT.format(begin="50,30", end="50,80"))
    err = shell("morph", tmp_path / "cell.hoc", "-o", tmp_path / "cell.swc").err
    assert "moved to touch what they hang on: dend[1] by 30.0 um [" in err
    assert "area changes" not in err
    assert [50, 80, 0] in np.loadtxt(tmp_path / "cell.swc")[:, 2:5].tolist()


TAPER = "create soma\nsoma { L = 10 nseg = 5 diam(0:1) = 8:2 }\n"


@pytest.mark.parametrize("suffix", [".swc", ".h5"])
def test_what_a_file_of_points_leaves_out_is_told(shell, tmp_path: Path, suffix: str) -> None:
    path, out = tmp_path / "cell.hoc", tmp_path / f"cell{suffix}"
    for text, said in ((TAPER, ""), (TAPER + "forall cm = 2\n", "Ra and cm of its sections")):
        path.write_text(text)
        err = shell("morph", path, "-o", out, "-f").err
        assert ("are left out" in err) is bool(said) and said in err
    total = json.loads(shell("morph", out, "--json").out)["total"]
    assert total["area_um2"] == pytest.approx(np.pi * 5 * 10, rel=1e-5)


def test_cylinders_become_frusta_of_the_same_area():
    rng = np.random.default_rng(3)
    for _ in range(50):
        cylinders = np.exp(rng.normal(0, 0.8, rng.integers(2, 12)))
        length = 10 ** rng.uniform(0.5, 2.5)
        line = frusta(np.array([[0, 0, 0, 1.0], [length, 0, 0, 1.0]]), cylinders)
        steps, widths = np.diff(line[:, 0]), line[:, 3]
        slant = np.hypot(steps, np.diff(widths) / 2)
        areas = (np.pi * (widths[1:] + widths[:-1]) / 2 * slant).reshape(-1, 2).sum(axis=1)
        assert areas == pytest.approx(np.pi * cylinders * length / len(cylinders), rel=1e-8)


def test_equal_cylinders_keep_their_points():
    points = np.array([[0, 0, 0, 2.0], [5, 1, 0, 2.0], [9, 0, 0, 2.0]])
    assert np.array_equal(frusta(points, np.array([2.0, 2.0, 2.0])), points)


def test_what_hangs_on_a_soma_stays_where_its_wire_reaches_it():
    bent = np.array([[0, 0, 0, 9], [5, 5, 0, 9], [10, 0, 0, 9.0]])
    child = np.array([[5, 0, 0, 1], [5, 20, 0, 1.0]])
    for code, start in ((1, [5, 0, 0]), (3, [5, 5, 0])):
        parent = Section(name="a", type=code, points=bent, parent=-1)
        branch = Section(name="b", type=3, points=child, parent=0, parent_x=0.5)
        assert laid_on_path([parent, branch])[1].points[0, :3].tolist() == start

"""Neurolucida files: the sections of NEURON's Import3d, bit for bit, and errors with lines."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from random_asc import random_asc

from lfpcli.errors import InputError, LfpWarning
from lfpcli.morphology.asc import read_asc
from lfpcli.morphology.measures import section_area
from lfpcli.morphology.reading import read_morphology


def compare(results, paths) -> None:
    """Dumps what two lists of sections hold; names, points, parents, lengths and areas."""
    import os
    import warnings

    warnings.simplefilter("ignore")
    from lfpcli.runtime.morphology.reading import load_sections
    from lfpcli.runtime.neuron import nrn

    h = nrn()
    os.dup2(2, 1)

    def state(sections):
        def parent(section):
            above = section.parentseg()
            return None if above is None else (above.sec.name(), above.x)

        return [
            (
                s.name(),
                s.L,
                parent(s),
                [(s.x3d(i), s.y3d(i), s.z3d(i), s.diam3d(i)) for i in range(s.n3d())],
                [segment.area() for segment in s],
            )
            for s in sections
        ]

    def import3d(path):
        before = set(h.allsec())
        reader = h.Import3d_Neurolucida3()
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


SOMA = """\
("CellBody"
  (Color Red)
  (CellBody)
  (-8 0 0 0.5)
  (0 -8 0 0.5)
  (8 0 0 0.5)
  (0 8 0 0.5)
)
"""
DENDRITE = "( (Dendrite)\n (0 8 0 4)\n (0 30 0 4)\n ((5 40 0 1) (10 60 0 1) | (-5 40 0 1)))\n"


def read(folder: Path, text: str | bytes, name: str = "cell.asc"):
    path = folder / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return read_asc(path)


def test_cells_of_blue_brain_are_those_of_import3d(neuron_process):
    mearec = pytest.importorskip("MEArec")
    paths = sorted(str(path) for path in Path(mearec.__file__).parent.rglob("*.asc"))
    assert len(paths) >= 13
    compared = neuron_process(compare, paths=paths)
    assert compared["differ"].tolist() == []
    assert compared["count"] > 4000


def test_random_cells_are_those_of_import3d(neuron_process, tmp_path):
    paths = []
    for seed in range(150):
        paths.append(str(tmp_path / f"{seed}.asc"))
        Path(paths[-1]).write_text(random_asc(seed))
    compared = neuron_process(compare, paths=paths)
    assert compared["differ"].tolist() == []
    assert compared["count"] > 1500


def test_branches_begin_with_their_own_diameter(tmp_path):
    axon = "( (Axon)\n (0 -8 0 1)\n (0 -60 0 1)\n)\n"
    cell = read(tmp_path, SOMA + DENDRITE.replace("(-5 40 0 1)", "(-5 40 0 1) (-10 60 0 1)") + axon)
    assert [section.name for section in cell.sections] == [
        "soma[0]", "axon[0]", "dend[0]", "dend[1]", "dend[2]",
    ]  # fmt: skip
    assert cell.sections[3].points[0].tolist() == [0, 30, 0, 1]
    assert sum(section_area(section) for section in cell.sections) == pytest.approx(
        891.16, abs=0.01
    )


ODDITIES = {
    "soma without axon": SOMA + DENDRITE,
    "line ends of Windows": (SOMA + DENDRITE).replace("\n", "\r\n"),
    "line ends of old Macs": (SOMA + DENDRITE).replace("\n", "\r"),
    "byte order mark": "\ufeff" + SOMA + DENDRITE,
    "thumbnail": "(Thumbnail (Cols 2) (Rows 2)\n (00 00 ff 0a 1) (1 2 3))\n" + SOMA + DENDRITE,
    "image": '(ImageCoords Filename\n"C:\\a\\b.jpx" Merge 65535 65535 (1 2 3 4))' + SOMA + DENDRITE,
    "comments": "; V3 text file ( written\n" + SOMA.replace("\n", " ; ) 1, 2\n") + DENDRITE,
    "resolution": SOMA + DENDRITE.replace("(Dendrite)", "(Dendrite) (Resolution 0.5)"),
    "set of a tree": SOMA + DENDRITE.replace("(Dendrite)", '(Dendrite) (Set "main")'),
    "set of objects": f'(Set "all"\n{SOMA}{DENDRITE})',
    "spines": SOMA + DENDRITE.replace("(0 30 0 4)", '(0 30 0 4) <(Class 1 "x") (0 31 0 1)>'),
    "markers": SOMA + DENDRITE.replace("(5 40 0 1)", "(Dot (Color Red) (1 1 1 1)) (5 40 0 1)"),
    "markers between points": SOMA
    + DENDRITE.replace("(10 60 0 1)", '(Cross (Color Red) (Name "a") (9 9 9 1)) (10 60 0 1)'),
    "marker at the top": '(FilledStar (Color Red) (Name "m") (1 2 3 4))' + SOMA + DENDRITE,
    "text": '( (Color Red) (1 2 3 4) "hello")' + SOMA + DENDRITE,
    "commas and labels": SOMA.replace("-8 0 0 0.5", "-8, 0, 0, 0.5, S1") + DENDRITE,
    "contour of the cortex": '("Pia" (Color Red) (0 0 0 1) (500 0 0 1))' + SOMA + DENDRITE,
    "ends of branches": SOMA + DENDRITE.replace("(-5 40 0 1))", "(-5 40 0 1) Normal ) Incomplete"),
    "colour of three numbers": SOMA.replace("Color Red", "Color RGB (255, 0, 0)") + DENDRITE,
}


@pytest.mark.parametrize("name", ODDITIES)
def test_what_is_no_cell_is_passed_over(tmp_path, name):
    plain = read(tmp_path, SOMA + DENDRITE, "plain.asc")
    odd = read(tmp_path, ODDITIES[name])
    assert [section.name for section in odd.sections] == [s.name for s in plain.sections]
    for one, two in zip(odd.sections, plain.sections, strict=True):
        assert np.array_equal(one.points, two.points)
        assert one.parent == two.parent


def test_what_is_passed_over_is_told(tmp_path):
    text = ODDITIES["spines"] + ODDITIES["contour of the cortex"].removesuffix(SOMA + DENDRITE)
    assert read(tmp_path, text).notes == (
        "left out: 1 x contour that is no soma",
        "left out: 1 x spine",
    )


@pytest.mark.parametrize("points", ["", "(1 2 3 9)", "(1 2 3 9)\n(5 2 3 9)"])
def test_a_soma_of_too_few_points_is_left_out_aloud(tmp_path, points):
    """NEURON ignores such a contour, and says so among its words."""
    text = DENDRITE + f'\n("CellBody" (Color Red)\n{points})\n'
    with pytest.warns(LfpWarning, match="encloses nothing and is left out") as caught:
        cell = read(tmp_path, text)
    line = DENDRITE.count("\n") + 2
    assert f"cell.asc:{line}]; draw 3 points or more" in str(caught[0].message)
    assert [section.name for section in cell.sections] == ["dend[0]", "dend[1]", "dend[2]"]
    assert cell.notes == ()


def test_paths_of_any_kind(tmp_path):
    folder = tmp_path / "a b \u00fc%s"
    folder.mkdir()
    assert len(read(folder, SOMA + DENDRITE, "\u03b1 'cell' (1).asc").sections) == 4


def test_a_stack_of_contours_is_one_soma(tmp_path):
    upper = SOMA.replace(" 0 0.5", " 5 0.5")
    cell = read(tmp_path, SOMA + upper + DENDRITE)
    assert [section.name for section in cell.sections if section.type == 1] == ["soma[0]"]
    assert cell.sections[0].points[:, 2].tolist() == [0, 5]


def test_cells_without_soma_are_roots(tmp_path):
    cell = read(tmp_path, DENDRITE)
    assert [section.parent for section in cell.sections] == [-1, 0, 0]


def test_points_carry_their_lines(tmp_path):
    cell = read(tmp_path, SOMA + DENDRITE)
    start = cell.sections[1].start
    assert cell.source_of(start).endswith("cell.asc:10")


@pytest.mark.parametrize(
    ("text", "message", "line"),
    [
        ("hello", "'hello' stands outside of any object", 1),
        (SOMA + DENDRITE.removesuffix(")\n"), "parenthesis is never closed, the file ends", 9),
        (SOMA + DENDRITE + ")", "')' stands outside of any object", 13),
        (SOMA + "( (Dendrite)\n (0 8 0 2)\n (0 x 0 1)\n)", "'x' stands in a point", 11),
        (SOMA + "( (Dendrite)\n (0 8 0 2)\n (0 9 0 1 3 4)\n)", "point has 6 numbers", 11),
        (SOMA + "( (Dendrite)\n (0 8 0 2)\n (0 9 0)\n)", "radius is zero", 11),
        (SOMA + "( (Dendrite)\n (0 8 0 2)\n (0 9 0 -1)\n)", "radius is negative", 11),
        (SOMA + "( (Dendrite)\n (0 8 0 2)\n (0 1e9 0 1)\n)", "coordinate is beyond 1 m", 11),
        (SOMA + "( (Dendrite)\n (0 8 0 2)\n ( | (0 9 0 1)))", "branch without points", 11),
        (SOMA + '( (Dendrite)\n "name\n (0 8 0 2))', "quotation mark is never closed", 10),
        (SOMA.replace('"CellBody"', '"CellBody') + DENDRITE, "quotation mark is never closed", 1),
        (SOMA + "( (Dendrite) (0 8 0 2) | (0 9 0 1))", "'|' outside of a split", 9),
        (SOMA + "( (Dendrite) (0 8 0 2)\n Normal\n (0 9 0 1))", "after the end", 11),
        ('("CellBody" (1 1 1 1) (1 1 1 1) (1 1 1 1))', "has no extent", 1),
        ('("CellBody" (1 1 1 1) (2 1 1 1) (3 1 1 1))', "encloses nothing", 1),
        ("(1 2 3 4)\n", "stands outside of any object", 1),
        ('("Pia" (0 0 0 1) (500 0 0 1))', "draws no soma and no tree", None),
        (b"(\0)", "binary data", 1),
    ],
)
def test_what_is_wrong_is_told_with_its_line(tmp_path, text, message, line):
    with pytest.raises(InputError) as caught:
        read(tmp_path, text)
    assert message in caught.value.message
    source = str(tmp_path / "cell.asc")
    assert caught.value.source == (source if line is None else f"{source}:{line}")
    assert caught.value.remedy


def test_nesting_has_no_bottom(tmp_path):
    depth = 20_000
    text = "(" + "(1 2 3 4)(1 2 4 4)(" * depth + "(1 2 3 4)" + ")" * (depth + 1)
    assert len(read(tmp_path, text).sections) == depth + 1
    for text in ("(" * depth, "((Dendrite)" + "<" * depth, "(" + " " * 10**6 + "1"):
        with pytest.raises(InputError):
            read(tmp_path, text)


def test_the_same_cell_through_every_reader(tmp_path):
    (tmp_path / "cell.dat").write_text(SOMA + DENDRITE)
    assert len(read_morphology(tmp_path / "cell.dat").sections) == 4

"""Reading SWC: what is taken, what is refused, and what repair does."""

from __future__ import annotations

import io
import json

import numpy as np
import pytest

from lfpcli.errors import InputError, LfpWarning
from lfpcli.io.morphology import write_morphology
from lfpcli.morphology.checks import check
from lfpcli.morphology.faults import FaultyFileError
from lfpcli.morphology.measures import section_area
from lfpcli.morphology.reading import read_morphology
from lfpcli.morphology.swc import read_swc

SOMA = "1 1 0 0 0 5 -1\n"
DENDRITE = "2 3 5 0 0 1 1\n3 3 15 0 0 0.5 2\n"


def read(text: str, **options):
    return read_swc(io.StringIO(text), name="cell.swc", **options)


@pytest.mark.parametrize(
    "text",
    [
        SOMA + DENDRITE,
        "   # indented\n\n" + SOMA + " \t \n" + DENDRITE.replace(" ", "\t") + "\n\n# end",
        "\ufeff" + (SOMA + DENDRITE).replace("\n", "\r\n"),
        (SOMA + DENDRITE).replace(" ", ","),
        (SOMA + DENDRITE).replace("\n", " 0 0 extra\n"),
        "3 3 15 0 0 0.5 2\n" + SOMA + "2 3 5 0 0 1 1\n",
        "7 1 0 0 0 5 -1\n70 3 5 0 0 1 7\n700 3 15 0 0 0.5 70\n",
        "0 1 0 0 0 5 -1\n1 3 5 0 0 1 0\n2 3 15 0 0 0.5 1\n",
        "1 1 0 0 0 5 0\n" + DENDRITE,
        "9 1 0 0 0 5 -1\n2 3 5 0 0 1 9\n3 3 15 0 0 0.5 2\n",
        "1.0 1 0 0 0 5 -1.0\n2 3 5e0 0 0 +1 1\n3 3 15 0 0 .5 2\n",
    ],
    ids=[
        "plain",
        "spaces",
        "crlf",
        "commas",
        "more",
        "unsorted",
        "gaps",
        "zero",
        "rootzero",
        "backward",
        "floats",
    ],
)
def test_dialects_give_the_same_cell(text):
    cell = read(text)
    assert cell.types.tolist() == [1, 3, 3]
    assert cell.parents.tolist() == [-1, 0, 1]
    assert cell.points.tolist() == [[0, 0, 0, 10], [5, 0, 0, 2], [15, 0, 0, 1]]
    assert [s.name for s in cell.sections] == ["soma[0]", "dend[0]"]


@pytest.mark.parametrize(
    ("text", "what", "line"),
    [
        (SOMA + "2 3 5 0 0 1 9\n", "parent 9 of point 2 does not exist", 2),
        (SOMA + "2 3 5 0 nan 1 1\n", "coordinate is not finite", 2),
        (SOMA + "\n2 3 5 0 0 inf 1\n", "radius is not finite", 3),
        (SOMA + "2 3 5 0 0 1 3\n3 3 9 0 0 1 2\n", "point 2 hangs on a loop", 2),
        (SOMA + "2 3 5 0 0 1 2\n", "point 2 hangs on a loop", 2),
        (SOMA + "2 3 five 0 0 1 1\n", "'five' is not a number", 2),
        (SOMA + "hello\n", "'hello' has 1 columns, expected 7", 2),
        (SOMA + "2 3 5 0 0 1\n", "has 6 columns, expected 7", 2),
        (SOMA + "2 3 1_0 0 0 1 1\n", "'1_0' is not a number", 2),
        (SOMA + "2.5 3 5 0 0 1 1\n", "'2.5' is not a whole number", 2),
        (SOMA + "2 3 5 0 0 1 1e30\n", "'1e30' is not a whole number", 2),
        (SOMA + "1 3 5 0 0 1 1\n", "id 1 occurs twice, first in line 1", 2),
        (SOMA + "2 3 5 0 0 -1 1\n", "radius is negative", 2),
        (SOMA + "2 3 5 0 0 0 1\n", "radius is zero", 2),
        (SOMA + "2 3 5e9 0 0 1 1\n", "coordinate is beyond 1 m", 2),
        (SOMA + "2 3 5 0 0 1e9 1\n", "radius is beyond 1 cm", 2),
        (SOMA + "2 3 5 0 0 1 1\n3 3 5 0 0 1 2\n4 3 5 0 0 1 3\n", "dend[0] has no length", 2),
        (SOMA + "2 3 \x00 0 0 1 1\n", "binary data", 2),
        ("7" * 20000, "line is too long", 1),
        ("#" * 20_000_000, "line is too long", 1),
    ],
)
def test_what_is_wrong_is_told_with_its_line(text, what, line):
    with pytest.raises(InputError) as caught:
        read(text)
    assert what in caught.value.message
    assert caught.value.source == f"cell.swc:{line}"


def test_remedies_name_repair():
    with pytest.raises(InputError, match="--repair"):
        read(SOMA + "2 3 5 0 0 1 9\n")


def test_all_faults_are_told_at_once():
    text = SOMA + "2 3 5 0 0 0 1\n3 9 5 0 0 1 2\n4 3 900 0 0 1 3\n5 3 1 1 1 x 4\n"
    with pytest.raises(FaultyFileError) as caught:
        read(text)
    assert caught.value.source == "cell.swc:2"
    assert [(fault.line, fault.message) for fault in caught.value.faults] == [
        (2, "radius is zero"),
        (3, "type 9 is none of soma, axon, dendrite, apical (1 to 4)"),
        (4, "point is 895 um from its parent"),
        (5, "'x' is not a number"),
    ]
    assert "further faults: line 3: type 9" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_many_faults_stay_one_line():
    with pytest.raises(FaultyFileError) as caught:
        read(SOMA + "".join(f"{k} 3 5 0 0 0 1\n" for k in range(2, 100)))
    assert len(caught.value.faults) == 98
    assert "; 91 more)" in caught.value.message


def test_ids_of_sixty_three_bits():
    numbers = (2**53 + 1, 2**53 + 3, 9_000_000_000)
    cell = read(
        "".join(
            f"{number} {kind} {x} 0 0 1 {parent}\n"
            for number, kind, x, parent in zip(
                numbers, (1, 3, 3), (0, 5, 9), (-1, numbers[0], numbers[1]), strict=True
            )
        )
    )
    assert sorted(cell.points[:, 0].tolist()) == [0, 5, 9]
    assert np.count_nonzero(cell.parents < 0) == 1
    with pytest.raises(InputError, match="at most 63 bits") as caught:
        read(f"{2**63} 1 0 0 0 5 -1\n")
    assert "repair" not in str(caught.value) and "number the points anew" in str(caught.value)


COMMAS = "1 1 0,000 0,000 0,000 5,00 -1\n2 3 5,000 0,0 0,0 1,5 1\n3 3 15 0 0 0,5 2\n"


def test_decimal_commas_are_named():
    with pytest.raises(InputError, match="decimal commas in 3 lines") as caught:
        read(COMMAS)
    assert caught.value.remedy is not None and "decimal points" in caught.value.remedy
    cell = read(COMMAS, repair=True)
    assert cell.points[:, 3].tolist() == [10, 3, 1]
    assert cell.repairs == ("read decimal commas as points: lines 1, 2, 3",)


def ring(radius: float) -> str:
    """An ellipse of 12 points with half axes of 10 and 6 um, and two dendrites on it."""
    angle = np.arange(12) * np.pi / 6
    outline = zip((10 * np.cos(angle)).tolist(), (6 * np.sin(angle)).tolist(), strict=True)
    rows = [f"{k} 1 {x} {y} 0 {radius} {k - 1 or -1}" for k, (x, y) in enumerate(outline, 1)]
    return "\n".join([*rows, "13 3 10 0 0 1 1", "14 3 99 0 0 1 13", "15 3 -10 0 0 1 7",
                      "16 3 -99 0 0 1 15"])  # fmt: skip


@pytest.mark.parametrize("radius", [0.0, 0.2])
def test_repair_makes_an_outline_an_equivalent_soma(radius):
    cell = read(ring(radius), repair=True)
    assert [section.name for section in cell.sections] == ["soma[0]", "dend[0]", "dend[1]"]
    # an ellipsoid of the same axes has 663 um2
    assert section_area(cell.sections[0]) == pytest.approx(663, rel=0.02)
    assert [section.parent_x for section in cell.sections[1:]] == [0.5, 0.5]
    assert [section.points[0, 0] for section in cell.sections[1:]] == [10, -10]
    assert cell.repairs[0].startswith("replaced the contour by an equivalent soma of 65")


def test_a_ring_with_radii_stays_one_without_repair():
    assert any("thin ring" in line for line in check(read(ring(0.2))))


def test_repair_makes_the_soma_the_root():
    text = "1 3 0 0 0 1 -1\n2 3 20 0 0 1 1\n3 1 30 0 0 5 2\n4 3 35 0 0 1 3\n5 3 60 0 0 1 4\n"
    assert any("the root is no soma" in line for line in check(read(text)))
    cell = read(text, repair=True)
    assert cell.types[0] == 1 and cell.parents[0] == -1
    assert sorted(cell.points[:, 0].tolist()) == [0, 20, 30, 35, 60]
    assert [section.name for section in cell.sections] == ["soma[0]", "dend[0]", "dend[1]"]
    assert "made the soma the root: line 3" in cell.repairs


def test_a_placed_cell_says_so(tmp_path, share):
    cell = read_swc(share / "morphologies" / "stick.swc")
    assert not cell.placed and not cell.transformed(np.eye(3)).placed
    moved = cell.transformed(np.eye(3), (0.0, 0.0, 100.0))
    assert moved.placed
    for suffix in (".swc", ".h5"):
        write_morphology(moved, tmp_path / f"moved{suffix}")
        write_morphology(cell, tmp_path / f"still{suffix}")
        assert read_morphology(tmp_path / f"moved{suffix}").placed
        assert not read_morphology(tmp_path / f"still{suffix}").placed


@pytest.mark.parametrize("text", ["", "# only a comment\n", "\n\n"])
def test_a_file_without_points_is_refused(text):
    with pytest.raises(InputError, match="has no points"):
        read(text)


def test_endless_input_is_refused(monkeypatch):
    from lfpcli.morphology import table

    monkeypatch.setattr(table, "MAX_LINES", 1000)
    with pytest.raises(InputError, match="more than 1,000 lines"):
        read("# again\n" * 2000)


def test_missing_and_unreadable_files(tmp_path):
    with pytest.raises(InputError, match="cannot be read"):
        read_swc(tmp_path / "none.swc")
    (tmp_path / "latin.swc").write_bytes(b"# \xe9\n1 1 0 0 0 5 -1\n")
    assert len(read_swc(tmp_path / "latin.swc")) == 1


def test_separate_trees_are_warned_of_and_stay_apart():
    with pytest.warns(LfpWarning, match=r"2 separate trees, joined by nothing \[cell.swc:4\]"):
        cell = read(SOMA + DENDRITE + "4 2 0 0 -6 1 -1\n5 2 0 0 -20 1 4\n")
    assert [s.parent for s in cell.sections] == [-1, -1, 0]


def test_sections_without_extent_vanish_with_a_warning():
    with pytest.warns(LfpWarning, match=r"1 section without extent left out \[cell.swc:2\]"):
        cell = read(SOMA + "2 3 5 0 0 1 1\n3 3 5 0 0 1 2\n4 4 9 0 0 1 3\n5 4 0 9 0 1 3\n")
    assert [s.name for s in cell.sections] == ["soma[0]", "apic[0]", "apic[1]"]
    assert [s.parent for s in cell.sections] == [-1, 0, 0]


BROKEN = """\
1 1 0 0 0 5 -1
what is this
2 3 5 0 0 1 1
3 3 10 0 0 nan 2
4 3 15 0 0 -1 3
4 3 15 0 0 1 3
5 3 nan 0 0 1 4
6 3 20 0 0 1 5
7 3 20 0 0 1 6
8 3 30 0 0 1 99
9 3 40 0 0 1 10
10 3 45 0 0 1 9
11 2 0 0 -6 0.5 -1
12 2 0 0 -16 0.5 11
20 3 60 0 0 1 8
"""


def test_repair_mends_and_says_what():
    cell = read(BROKEN, repair=True)
    assert np.isfinite(cell.points).all()
    assert (cell.points[:, 3] > 0).all()
    assert np.count_nonzero(cell.parents < 0) == 1
    place = {int(x): k for k, x in enumerate(cell.points[:, 0]) if cell.types[k] == 3}
    assert cell.parents[place[5]] == 0
    assert cell.parents[place[20]] == place[15]
    assert cell.parents[place[30]] == place[20]
    assert cell.parents[place[60]] == place[30]
    assert cell.points[place[10], 3] == cell.points[place[15], 3] == 2.0
    axon = np.flatnonzero(cell.types == 2)
    assert cell.parents[axon].tolist() == [0, axon[0]]
    assert list(cell.repairs) == [
        "dropped what is no point: line 2",
        "dropped points whose id occurred before: line 6",
        "cut loops of parents: line 11",
        "dropped points without a finite place: line 7",
        "took radii from neighbours: lines 4, 5",
        "joined trees to the nearest membrane: line 13",
        "joined points without a parent to the nearest membrane: lines 10, 11",
        "dropped points on top of their parent: line 9",
        "put branches in order: line 15",
    ]


def test_repair_leaves_a_good_file_alone(share):
    path = share / "morphologies" / "l5_pyramidal.swc"
    mended, plain = read_swc(path, repair=True), read_swc(path)
    assert mended.repairs == ()
    assert np.array_equal(mended.points, plain.points)
    assert np.array_equal(mended.parents, plain.parents)


def test_repair_puts_scattered_branches_in_order():
    scattered = SOMA + "2 3 5 0 0 1 1\n3 3 0 5 0 1 1\n4 3 9 0 0 1 2\n5 3 0 9 0 1 3\n"
    assert len(read(scattered).sections) == 5
    mended = read(scattered, repair=True)
    assert len(mended.sections) == 3
    assert mended.points[:, :2].tolist() == [[0, 0], [5, 0], [9, 0], [0, 5], [0, 9]]


@pytest.mark.parametrize("seed", range(40))
def test_repair_gives_a_readable_file_from_noise(seed):
    rng = np.random.default_rng(seed)
    rows = []
    for _ in range(30):
        words = [str(v) for v in rng.integers(-2, 12, 7)]
        words[int(rng.integers(7))] = str(rng.choice(["nan", "x", "inf", "-3", "1e12", "4"]))
        rows.append(" ".join(words))
    try:
        cell = read("1 1 0 0 0 5 -1\n40 3 9 9 9 1 1\n" + "\n".join(rows), repair=True)
    except InputError as error:
        pytest.fail(f"still broken: {error}")
    assert np.count_nonzero(cell.parents < 0) == 1
    assert (cell.points[:, 3] > 0).all()


def test_all_faults_of_a_file_are_told(lfp, tmp_path):
    """Those of lines, of values, and of what points hang on; but not what follows from another."""
    (tmp_path / "faulty.swc").write_text(
        "1 1 0 0 0 5 -1\n2 3 5 0 0 1 1\n3 3 50 0 0 0.8 9\n4 3 x 0 0 1 2\n5 3 100 0 0 -1 4\n"
        "5 3 110 0 0 1 2\n"
    )
    told = json.loads(lfp("morph", tmp_path / "faulty.swc", "--json", code=3).out)["faults"]
    assert [fault["line"] for fault in told] == [3, 4, 5, 6]
    assert told[0]["fault"] == "parent 9 of point 3 does not exist"


def test_semicolons_separate_columns_and_commas_are_decimal(lfp, tmp_path):
    file = tmp_path / "sheet.swc"
    file.write_text("1;1;0,0;0,0;0,0;5,0;-1\n2;3;5,0;0,0;0,0;1,0;1\n3;3;50,5;0,0;0,0;1,0;2\n")
    assert "decimal commas in 3 lines" in lfp("morph", file, code=3).err
    total = json.loads(lfp("morph", file, "--repair", "--json").out)["total"]
    assert total["length_um"] == pytest.approx(55.5)
    file.write_text(file.read_text().replace(",", "."))
    assert json.loads(lfp("morph", file, "--json").out)["total"] == total


@pytest.mark.parametrize("largest", [2**63 - 1, 2**31, 10**18])
def test_ids_up_to_63_bits_stay_apart(lfp, tmp_path, largest):
    file = tmp_path / "ids.swc"
    a, b, c = largest - 2, largest - 1, largest
    file.write_text(f"{a} 1 0 0 0 5 -1\n{b} 3 5 0 0 1 {a}\n{c} 3 60 0 0 1 {b}\n")
    facts = json.loads(lfp("morph", file, "--json").out)
    assert facts["points"] == 3 and facts["total"]["length_um"] == pytest.approx(65)


@pytest.mark.parametrize("place", ["nan 0 0", "0 inf 0", "0 0 1e400"])
def test_points_that_lie_nowhere_cannot_be_mended(lfp, tmp_path, place):
    path = tmp_path / "cell.swc"
    path.write_text(f"1 1 {place} 5 -1\n")
    said = lfp("morph", path, "--repair", "-o", tmp_path / "out.swc", code=3).err
    assert "no point that can be mended" in said and f"[{path}]; " in said

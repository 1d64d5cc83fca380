"""Reading SWC: what is taken, what is refused, and what repair does."""

from __future__ import annotations

import io

import numpy as np
import pytest

from lfpcli.errors import InputError, LfpWarning
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

"""Reading .mod files: names, kinds, comments, included files, and two files of one name."""

from __future__ import annotations

import pytest
from mech_sources import FUNCTIONS, LEAK, POINTER, STIMULUS, write

from lfpcli.errors import InputError, SimulatorError
from lfpcli.runtime.mechanisms.sources import (
    find_sources,
    includes_of,
    read_mod,
    staged_stems,
)


def test_names_and_kinds(tmp_path):
    folder = write(tmp_path, leak=LEAK, stim=STIMULUS, ptr=POINTER, fun=FUNCTIONS)
    found = {f.name: f for f in find_sources([folder])}
    assert {n: f.nature for n, f in found.items()} == {
        "Ramp": "point",
        "follower": "density",
        "fun": "functions",
        "leaky": "density",
    }
    assert [n for n, f in found.items() if f.electrode] == ["Ramp"]
    assert found["follower"].pointers == ["other"]
    assert found["leaky"].pointers == []


@pytest.mark.parametrize(
    ("statements", "pointers"),
    [
        ("POINTER one NONSPECIFIC_CURRENT i", ["one"]),
        ("POINTER one, two RANGE g POINTER three", ["one", "two", "three"]),
        ("POINTER one,\n two", ["one", "two"]),
    ],
)
def test_other_statements_may_follow_on_the_line_of_pointers(tmp_path, statements, pointers):
    text = f"NEURON {{ POINT_PROCESS Line {statements} }}\n"
    assert read_mod(write(tmp_path, a=text) / "a.mod").pointers == pointers


def test_bbcore_pointer_is_no_pointer(tmp_path):
    text = POINTER.replace("POINTER other", "BBCOREPOINTER other")
    assert read_mod(write(tmp_path, a=text) / "a.mod").pointers == []


def test_comments_and_verbatim_hide_nothing_else(tmp_path):
    text = LEAK.replace("NEURON {", "? NEURON { SUFFIX wrong }\nNEURON {")
    text += "VERBATIM\nint k = 1 ? 2 : 3; // POINTER\nENDVERBATIM\n"
    file = read_mod(write(tmp_path, a=text) / "a.mod")
    assert file.name == "leaky"
    assert file.line_of(r"int k = 1 \? 2 : 3") == text.count("\n", 0, text.index("int k")) + 1


def test_line_endings_and_encoding_make_no_difference(tmp_path):
    plain = read_mod(write(tmp_path, a=LEAK) / "a.mod")
    (tmp_path / "b.mod").write_bytes(LEAK.replace("\n", "\r\n").encode())
    assert read_mod(tmp_path / "b.mod").digest == plain.digest
    (tmp_path / "c.mod").write_bytes(LEAK.replace("nonsense", "\u00b5m").encode("latin-1"))
    assert read_mod(tmp_path / "c.mod").name == "leaky"


def test_same_content_twice_is_fine(tmp_path):
    one, two = write(tmp_path / "one", leak=LEAK), write(tmp_path / "two", other=LEAK)
    assert [f.path.parent for f in find_sources([one, two])] == [one]


def test_different_content_of_one_name_names_both_files(tmp_path):
    one = write(tmp_path / "one", leak=LEAK)
    two = write(tmp_path / "two", leak=LEAK.replace("2e-4", "3e-4"))
    with pytest.raises(SimulatorError) as caught:
        find_sources([one, two])
    assert str(one / "leak.mod") in str(caught.value)
    assert str(two / "leak.mod") in str(caught.value)
    assert int(caught.value.code) == 5


def test_an_included_file_is_part_of_the_content(tmp_path):
    mod = write(tmp_path, a=LEAK + 'INCLUDE "sub/more.inc"\n') / "a.mod"
    (tmp_path / "sub").mkdir()
    included = tmp_path / "sub" / "more.inc"
    included.write_text("FUNCTION f(x) { f = x }\n")
    before = read_mod(mod)
    included.write_text("FUNCTION f(x) { f = 2 * x }\n")
    after = read_mod(mod)
    assert before.digest != after.digest
    assert list(after.includes.values()) == ["FUNCTION f(x) { f = 2 * x }\n"]
    assert "sub/" not in after.text
    assert len(after.text.splitlines()) == len(after.original.splitlines())


def test_what_comments_include_is_left_alone_and_circles_are_refused(tmp_path):
    inner = tmp_path / "net.inc"
    commented = 'COMMENT\nINCLUDE "net.inc"\nENDCOMMENT\n: INCLUDE "net.inc"\n'
    inner.write_text(commented + "PROCEDURE p() { }\n")
    mod = write(tmp_path, a=LEAK + 'INCLUDE "net.inc"\n') / "a.mod"
    file = read_mod(mod)
    assert list(file.includes.values()) == [inner.read_text()]
    assert includes_of(file) == ["net.inc"]
    inner.write_text('PROCEDURE p() { }\nINCLUDE "more.inc"\n')
    (tmp_path / "more.inc").write_text('INCLUDE "net.inc"\n')
    with pytest.raises(InputError, match=r"'net\.inc' is included within itself") as caught:
        read_mod(mod)
    assert "more.inc:1" in str(caught.value)


def test_stems_are_c_names_and_differ(tmp_path):
    write(tmp_path / "x", **{"my-mech": LEAK, "3d": STIMULUS})
    write(tmp_path / "y", **{"my-mech": POINTER})
    stems = staged_stems(find_sources([tmp_path / "x", tmp_path / "y"]))
    assert len(stems) == 3
    assert all(stem.isidentifier() for stem in stems)


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"", "file is empty"),
        (b"  \n", "file is empty"),
        (b"NEURON { SUFFIX a }\0", "not a text file"),
        (b"PARAMETER { a = 1 }", "no NEURON block"),
    ],
)
def test_bad_files_are_told(tmp_path, content, expected):
    path = tmp_path / "a.mod"
    path.write_bytes(content)
    with pytest.raises(InputError, match=expected) as caught:
        find_sources([path])
    assert str(path) in str(caught.value)


def test_bad_paths_are_told(tmp_path):
    with pytest.raises(InputError, match="no such file"):
        find_sources([tmp_path / "nowhere"])
    (tmp_path / "a.txt").write_text(LEAK)
    with pytest.raises(InputError, match=r"is no \.mod file"):
        find_sources([tmp_path / "a.txt"])
    inner = write(tmp_path / "inner", a=LEAK)
    with pytest.raises(InputError, match=r"no .mod files") as caught:
        find_sources([tmp_path])
    assert str(inner) in str(caught.value)


def test_long_comments_are_no_work(tmp_path):
    """Blanks in place of comments were searched from each of their places: minutes, not seconds."""
    comment = "COMMENT\n" + (60 * " " + "\n") * 4000 + 100000 * " " + "\n" + "ENDCOMMENT\n"
    file = read_mod(write(tmp_path, a=comment + LEAK) / "a.mod")
    assert file.name == "leaky" and not file.includes

"""Models, tables and archives that ask for the impossible, or for what nobody should do."""

from __future__ import annotations

import io
import json
import os
import pickle
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from fault_samples import MOD, SHARE, recording

from lfpcli.cli.facts import data_text
from lfpcli.errors import InputError
from lfpcli.runtime.cell.sections import Discretisation

STICK = SHARE / "morphologies" / "ball_and_stick.swc"
CELL = f'[run]\ntstop = 1.0\nseed = 1\n[cell.c]\nmorphology = "{STICK}"\n'
POPULATION = '[population.E]\ncell = "c"\nsize = {size}\nplace = {{{place}}}\n'


def crowded(size: int, place: str) -> str:
    return CELL + POPULATION.format(size=size, place=place)


# what asks for more than there is, or is named as nothing can be, is refused before it is built
IMPOSSIBLE = {
    "crowded cylinder": crowded(1000, 'shape = "cylinder", radius = 1.0, min_distance = 100.0'),
    "crowded sphere": crowded(3000, 'shape = "sphere", radius = 9.0, min_distance = 50.0'),
    "crowded box": crowded(500, 'shape = "box", size = [9.0, 9.0, 9.0], min_distance = 20.0'),
    "crowded line": crowded(99, 'shape = "cylinder", radius = 1e-9, min_distance = 1.0'),
    "negative distance": crowded(9, 'shape = "cylinder", radius = 9.0, min_distance = -1.0'),
    "many cells": CELL + '[population.E]\ncell = "c"\nsize = 99999999999\n',
    "no cells": CELL + '[population.E]\ncell = "c"\nsize = -3\n',
    "many segments": CELL + "nseg = 100000\n",
    "segments of a rule": CELL + 'nseg = {rule = "length", max = 1e-9}\n',
    "segments of no cable": CELL + "Ra = 1e308\ncm = 1e308\n",
    "segments of no length": CELL + 'nseg = {rule = "length", max = 1e-320}\n',
    "no segments": CELL + "nseg = 0\n",
    "even segments": CELL + "nseg = 2.5\n",
    "segments as text": CELL + 'nseg = "many"\n',
    "mechanism of the language": CELL + '[[cell.c.mechanism]]\nname = "morphology"\n',
    "mechanism of hoc": CELL + '[[cell.c.mechanism]]\nname = "xopen"\n',
    "mechanism of a statement": CELL + '[[cell.c.mechanism]]\nname = "hh} system(1) {"\n',
    "mechanism without a name": CELL + '[[cell.c.mechanism]]\nname = ""\n',
    "mechanism with an escape": CELL + '[[cell.c.mechanism]]\nname = "\\u001b[31m"\n',
    "variable of Python": CELL + '[record]\nvariables = ["sec"]\n',
    "variable of a statement": CELL + '[record]\nvariables = ["v; quit()"]\n',
    "variable of a method": CELL + '[record]\nvariables = ["allseg"]\n',
    "variable of dunder": CELL + '[record]\nvariables = ["__class__"]\n',
    "variable without a name": CELL + '[record]\nvariables = [""]\n',
    "population without a name": CELL + '[population.""]\ncell = "c"\n',
    "population of a path": CELL + '[population."../x"]\ncell = "c"\n',
    "population of a dot": CELL + '[population."."]\ncell = "c"\n',
    "population of two lines": CELL + '[population."a\\nb"]\ncell = "c"\n',
    "population with a zero": CELL + '[population."a\\u0000b"]\ncell = "c"\n',
    "probe without a name": CELL + '[[probe]]\nname = ""\ncontacts = [[9.0, 0.0, 0.0]]\n',
    "probe of a path": CELL + '[[probe]]\nname = "a/b"\ncontacts = [[9.0, 0.0, 0.0]]\n',
    "endless run": CELL.replace("1.0", "inf"),
    "long run": CELL.replace("1.0", "1e300"),
    "run of NaN": CELL.replace("1.0", "nan"),
    "small step": CELL.replace("seed", "dt = 1e-300\nseed"),
    "step of nothing": CELL.replace("seed", "dt = 0.0\nseed"),
    "huge seed": CELL.replace("seed = 1", "seed = 99999999999999999999999999"),
    "deep table": "a = " + "[" * 90_000 + "]" * 90_000 + "\n",
    "deep keys": ".".join(["a"] * 90_000) + " = 1\n",
    "deep expression": CELL + f'nseg = {{expr = "{"(" * 20_000}1{")" * 20_000}"}}\n',
    "power tower": CELL + '[[cell.c.mechanism]]\nname = "pas"\ng = {expr = "9**9**9**9**9"}\n',
    "code in an expression": CELL
    + "[[cell.c.mechanism]]\nname = \"pas\"\ng = {expr = \"__import__('os').system('true')\"}\n",
    "many contacts": CELL + '[[probe]]\nname = "p"\ncontacts = {dim = [99999, 99999], pitch = 1}\n',
    "contact at infinity": CELL + '[[probe]]\nname = "p"\ncontacts = [[inf, 0.0, 0.0]]\n',
}


@pytest.mark.parametrize("name", IMPOSSIBLE)
def test_impossible_models(shell: Callable[..., Any], tmp_path: Path, name: str) -> None:
    path = tmp_path / "m.toml"
    path.write_text(IMPOSSIBLE[name])
    said = shell("sim", path, "--dry-run", "-q", code=_code(name)).err
    assert "error: " in said and said.count("\n") == 1 and "; " in said
    # what only NEURON knows is named by its table
    assert (
        (str(path) in said or "[[record] variables]" in said)
        and said.rstrip("\n").isprintable()
        and len(said) < 1200
    )


def _code(name: str) -> int:
    # what only NEURON knows is a failure of the simulator
    unknown = ("mechanism of hoc", "mechanism of a statement", "mechanism with an escape")
    return 5 if name in unknown else 3


@pytest.mark.parametrize(
    "text",
    [
        "[" * 100_000 + "]" * 100_000,
        '{"a":' * 100_000 + "1" + "}" * 100_000,
        '{"run": {"tstop": 1e999}}',
        '{"run": {"tstop": ' + "9" * 9999 + "}}",
        '{"run": {"seed": ' + "9" * 4999 + "}}",
        '{"cell": {"c": {}, "c": {}}}',
        '{"cell": "\\ud800"}',
        "[]",
        "NaN",
        '{"run": NaN}',
    ],
    ids=["lists", "tables", "huge", "digits", "seed", "twice", "surrogate", "list", "NaN", "run"],
)
def test_impossible_json(lfp: Callable[..., Any], tmp_path: Path, text: str) -> None:
    path = tmp_path / "m.json"
    path.write_text(text)
    said = lfp("info", path, code=3).err
    assert str(path) in said and "; " in said and said.count("\n") == 1 and len(said) < 1200


class Mark:
    """What leaves a mark where it is unpickled."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, (str(self.mark),)


@pytest.mark.parametrize("name", ["a.npy", "a.npz", "a.pkl", "a.json", "a.csv", "a.swc", "a.h5"])
def test_nothing_is_unpickled(lfp: Callable[..., Any], tmp_path: Path, name: str) -> None:
    path, mark = tmp_path / name, tmp_path / "mark"
    array = np.array([Mark(mark)], object)
    if name == "a.npy":
        np.save(path, array, allow_pickle=True)
    elif name == "a.npz":
        np.savez(path, times=array, positions=array, t=array)
    else:
        path.write_bytes(pickle.dumps(Mark(mark)))
    signals = recording(tmp_path / "r.h5")
    out = ("-o", tmp_path / "out.h5", "-q")
    probe = ("probe", signals, *out)
    for words in (
        ("info", path),
        ("morph", path),
        ("plot", path, "-o", tmp_path / "a.png"),
        ("convert", "-q", path, tmp_path / "out.h5"),
        (*probe, "--contacts", path),
        (*probe, "--contacts", "30,0,0", "--placements", path, "--spike-window", "1,2"),
        ("eeg", signals, "--position", "0,0,78000", "--montage", path, *out),
        ("spikes", "--rates", path, "--duration", "1", "--seed", "1", *out),
        ("convolve", path, signals, "--seed", "1", *out),
    ):
        said = lfp(*words, code=3).err
        assert "; " in said and said.count("\n") == 1, words
    assert not mark.exists()


def header(shape: tuple[int, ...], descr: str = "<f8") -> bytes:
    buffer = io.BytesIO()
    facts = {"descr": descr, "fortran_order": False, "shape": shape}
    np.lib.format.write_array_header_1_0(buffer, facts)
    return buffer.getvalue()


BOMBS = {
    "rows": header((1 << 40, 3)),
    "negative axes": header((-5,)),
    "many axes": header((1,) * 60),
    "objects": header((3,), "|O"),
    "long items": header((3,), f"|S{1 << 30}"),
    "unknown type": header((3,), "<f8").replace(b"<f8", b"<x9"),
    "code for a header": b"\x93NUMPY\x01\x00\x76\x00" + b"__import__('os').abort()".ljust(118),
    "endless header": b"\x93NUMPY\x02\x00\xff\xff\xff\x7f{",
}


@pytest.mark.parametrize("name", BOMBS)
def test_header_bombs_of_numpy(lfp: Callable[..., Any], tmp_path: Path, name: str) -> None:
    alone, archive = tmp_path / "a.npy", tmp_path / "a.npz"
    alone.write_bytes(BOMBS[name])
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("times.npy", BOMBS[name])
        file.writestr("positions.npy", BOMBS[name])
    for path in (alone, archive):
        for command in (("info", path), ("stats", path)):
            said = lfp(*command, code=3).err
            assert str(path) in said and "; " in said and said.count("\n") == 1


def test_members_of_archives_are_unpacked_once(
    lfp: Callable[..., Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.npz"
    members = {f"a{k}": np.arange(3.0) for k in range(30)}
    np.savez_compressed(path, large=np.zeros(3 << 20), text=np.array(["a", "b"]), **members)
    usual, usual_open, counts = zipfile.ZipFile.__init__, zipfile.ZipFile.open, [0, 0]

    def counted(archive: zipfile.ZipFile, *arguments: Any, **options: Any) -> None:
        counts[0] += 1
        usual(archive, *arguments, **options)

    def counted_open(archive: zipfile.ZipFile, *arguments: Any, **options: Any) -> Any:
        counts[1] += 1
        return usual_open(archive, *arguments, **options)

    monkeypatch.setattr(zipfile.ZipFile, "__init__", counted)
    monkeypatch.setattr(zipfile.ZipFile, "open", counted_open)
    assert lfp("check", path, "-q").out == f"{path}: sound\n"
    # what the file is, and its directory; the header and the values of each member
    assert counts == [2, 2 * 32]
    assert lfp("diff", path, path, code=0)
    monkeypatch.undo()
    content = path.read_bytes()
    np.savez(path, large=np.append(np.zeros(3 << 20), np.nan))
    assert "NaN" in lfp("check", path, code=1).out
    # a wrong checksum of the last member
    entry = content.rindex(b"PK\x01\x02")
    path.write_bytes(content[: entry + 16] + b"\0\0\0\0" + content[entry + 20 :])
    assert "Bad CRC-32" in lfp("check", path, code=1).out


def test_zip_bombs(lfp: Callable[..., Any], tmp_path: Path) -> None:
    """An archive of kilobytes that unpacks to gigabytes: nothing of it is unpacked."""
    path = tmp_path / "a.npz"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        content = header((1 << 22,)) + bytes(1 << 25)
        for number in range(20):
            file.writestr(f"{number}.npy", content)
    assert path.stat().st_size < 1 << 20
    assert len(json.loads(lfp("info", path, "--json").out)["datasets"]) == 20
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("times.npy", content)
        with pytest.warns(UserWarning, match="Duplicate name"):
            file.writestr("times.npy", content)
    assert "is there twice" in lfp("info", path, code=3).err


# where a model may name code, with code that leaves a mark
HOSTILE = {
    "hoc": '[cell.c]\nhoc = "bad.hoc"\n',
    "template": '[cell.c]\ntemplate = "bad.hoc:Cell"\n',
    "code in hoc": CELL + 'code = ["bad.hoc"]\n',
    "code in Python": CELL + 'code = ["bad.py"]\n',
    "function in Python": CELL + 'code = ["bad.py:insert"]\n',
    "morphology in hoc": '[cell.c]\nmorphology = "bad.hoc"\n',
    "script": 'run = {attach = "bad.py"}\n',
    "mechanisms": CELL.replace("seed", 'mechanisms = ["bad.mod"]\nseed'),
    "placements": CELL + '[population.E]\ncell = "c"\nsize = 1\npositions = "bad.npz"\n',
}


@pytest.mark.parametrize("name", HOSTILE)
@pytest.mark.parametrize(
    "command",
    [("info",), ("sim", "--dry-run", "--no-code"), ("check",)],
    ids=lambda words: words[0],
)
def test_a_look_runs_no_code(tmp_path: Path, name: str, command: tuple[str, ...]) -> None:
    mark = tmp_path / "mark"
    cache = tmp_path / "cache"
    (tmp_path / "bad.hoc").write_text(
        f'system("touch {mark}")\nbegintemplate Cell\npublic soma\ncreate soma\nendtemplate Cell\n'
    )
    (tmp_path / "bad.py").write_text(f"import os\nos.mkdir({str(mark)!r})\ndef insert(c): pass\n")
    verbatim = f'INITIAL {{ VERBATIM\n system("touch {mark}");\n ENDVERBATIM }}\n'.encode()
    (tmp_path / "bad.mod").write_bytes(MOD + verbatim)
    np.savez(tmp_path / "bad.npz", positions=np.array([Mark(mark)], object))
    (tmp_path / "m.toml").write_text(HOSTILE[name])
    environment = {**os.environ, "LFP_MECH_CACHE": str(cache)}
    words = [sys.executable, "-m", "lfpcli", *command, str(tmp_path / "m.toml")]
    said = subprocess.run(words, capture_output=True, text=True, check=False, env=environment)
    # whether it could run is not what is asked
    assert said.returncode in (0, 1, 3), said.stderr
    assert not mark.exists() and not cache.exists()
    if command[0] != "check" and name not in ("placements",):
        assert "bad." in said.stdout + said.stderr


def test_control_characters_of_a_model(lfp: Callable[..., Any], tmp_path: Path) -> None:
    for text in ("\x1b]0;title\x07", "\x9b31m", "\u202egnp", "a\rb", "a\x08b"):
        path = tmp_path / "m.json"
        path.write_text(json.dumps({"cell": {"c": {"morphology": text}}, text: {}}))
        for words in (("info", path), ("sim", path, "--dry-run", "--no-code"), ("check", path)):
            said = lfp(*words, code=1 if words[0] == "check" else 3)
            shown = (said.out + said.err).replace("\n", "")
            assert shown.isprintable(), (words, text)


def test_a_cell_of_no_length(shell: Callable[..., Any], tmp_path: Path) -> None:
    path = tmp_path / "cell.asc"
    path.write_text("((Dendrite) (0 0 0 1) (0 0 0 1) (0 0 0 1))\n")
    said = shell("sim", path, "--passive", "--tstop", "1", "--dry-run", "-q", code=3).err
    assert "section dend[0] has no length [" in said and said.count("\n") == 1


def test_a_ring_of_sections(shell: Callable[..., Any], tmp_path: Path) -> None:
    path = tmp_path / "ring.hoc"
    path.write_text("create a[2]\nconnect a[0](0), a[1](1)\nconnect a[1](0), a[0](1)\n")
    said = shell("morph", path, code=3).err
    assert "in a ring" in said and str(path) in said


def test_a_cell_of_lengths_in_other_units() -> None:
    """Small files of long branches would take all memory as segments."""
    sections = [SimpleNamespace(name=lambda: "dend", nseg=1) for _ in range(33)]
    with pytest.raises(InputError, match="1,081,311 segments, more than 1,048,576"):
        Discretisation(rule="fixed", n=32767).apply(sections)
    assert {section.nseg for section in sections} == {1}
    Discretisation(rule="fixed", n=31775).apply(sections)
    assert {section.nseg for section in sections} == {31775}


def test_names_of_files_with_line_breaks_and_escapes(
    lfp: Callable[..., Any], tmp_path: Path
) -> None:
    path = tmp_path / "a\n1 b\x1b[31m.swc"
    path.write_bytes(STICK.read_bytes())
    written = lfp("morph", path).out
    assert written.startswith("#") and "\\n1 b\\x1b[31m.swc: 12 points" in written
    (tmp_path / "again.swc").write_text(written)
    assert lfp("diff", tmp_path / "again.swc", path, code=0)


@pytest.mark.parametrize(
    ("name", "word"),
    [("plain", "plain"), ("two words", "'two words'"), ("a'\x1b[1m\n", r"$'a\'\x1b[1m\n'")],
)
def test_printed_commands_can_be_typed(
    lfp: Callable[..., Any],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    word: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    assert lfp("example", "head", name).out.splitlines()[0] == f"cd {word}"
    assert (tmp_path / name / "head.toml").exists()


def test_data_on_a_terminal_do_not_steer_it(monkeypatch: pytest.MonkeyPatch) -> None:
    text = "+a\x1b[31m\n-b\n"
    assert data_text(text) == text
    monkeypatch.setattr("sys.stdout.isatty", lambda: True, raising=False)
    assert data_text(text) == "+a\\x1b[31m\n-b\n"

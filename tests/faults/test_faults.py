"""Damaged files of every format: a small campaign, and what the rule is made of."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fault_campaign import COLUMNS, run
from fault_formats import formats
from fault_kills import KINDS, kill_runs_of
from fault_mutators import BYTES, TEXT
from fault_readers import Format, command, library
from fault_samples import JSON, SHARE

from lfpcli import errors
from lfpcli.errors import InputError, LfpError, printable
from lfpcli.io.attributes import as_plain
from lfpcli.io.text import as_text

ROOT = Path(__file__).parent.parent.parent / "lfpcli"
EACH = 12
STICK = str(SHARE / "morphologies" / "ball_and_stick.swc")


@pytest.fixture(scope="module")
def forms(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Format]:
    return {form.name: form for form in formats(tmp_path_factory.mktemp("faults"))}


NAMES = (
    *("recording", "pictures", "checkpoint", "lead field", "converted", "converted, heavy"),
    *("plots", "pipes", "templates", "kernels", "trains", "rates", "trains tables", "media"),
    *("lead grids", "sweeps", "runs of sweeps", "placed", "swc", "asc", "morphology h5"),
    *("neuroml", "npy", "npz", "placements", "spikes h5", "contacts", "arrays", "montages"),
    *("sensors", "places text", "spikes text", "foreign h5", "foreign text", "nwb"),
    *("other tools", "zarr", "sensors fif", "forward fif", "toml", "json", "toml, no code", "mod"),
    *("resumed", "toml, dry run", "swc, dry run", "asc, dry run", "neuroml, dry run"),
    *("morphology h5, dry run", "hoc", "sonata json", "sonata h5"),
    "sonata tables",
)
# formats of packages that may not be there
OPTIONAL = {"nwb": "pynwb", "sensors fif": "mne", "forward fif": "mne", "zarr": "zarr"}
# rooms that meet files of users
ROOMS = ("io", "model", "morphology", "guarded", "plotting", "runtime", "tasks")
# their errors get a place from who calls them: the file that is opened, or the table of a model
RELOCATED = {
    *("io/array_definitions.py", "io/arrays.py", "io/probeinterface.py", "model/expression.py"),
    *("model/load.py", "model/location.py", "model/text.py", "plotting/scalp.py"),
    *("runtime/cell/axial.py", "runtime/cell/points.py", "runtime/cell/sections.py"),
    *("runtime/cell/shape.py", "io/sensors.py", "model/spectral.py", "tasks/simulate/layout.py"),
    *("tasks/measure/instruments.py", "tasks/simulate/neurodamus.py"),
    *("runtime/cell/stimulated.py", "runtime/engine/field.py", "tasks/files/examples.py"),
    *("runtime/engine/record.py", "tasks/head/lfpykit_heads.py", "tasks/response/linear_cell.py"),
    "tasks/response/expected.py",
    *("tasks/head/instruments.py", "tasks/head/poses.py", "tasks/measure/cell_currents.py"),
    *("tasks/simulate/fields.py", "tasks/simulate/instruments.py", "tasks/simulate/wiring.py"),
    *("tasks/statistics/fields.py", "tasks/statistics/spectra.py"),
}


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize("name", NAMES)
def test_damaged_files(forms: dict[str, Format], name: str, tmp_path: Path) -> None:
    if name in OPTIONAL:
        pytest.importorskip(OPTIONAL[name])
    form = forms[name]
    # what takes long to read is left to the campaign
    count = EACH if form.weight >= 0.1 else 2
    tally = run(form, range(1000, 1000 + count), tmp_path)
    assert not tally.failures, "\n".join(tally.failures)
    assert tally.counts["inputs"] == count == tally.counts["accepted"] + tally.counts["refused"]


def test_all_formats_are_tried(forms: dict[str, Format]) -> None:
    assert set(forms) <= set(NAMES)
    assert set(NAMES) - set(forms) <= set(OPTIONAL)


MUTATORS = list(dict.fromkeys([*BYTES, *TEXT]))


@pytest.mark.parametrize("mutator", MUTATORS, ids=lambda mutator: mutator.__name__)
def test_mutators_damage_the_same_way_again(mutator: Any) -> None:
    content = b"1 1 0 0 0 5 -1\n2 3 0 0 9 1 1\n" * 10
    first, second = (mutator(content, np.random.default_rng(3)) for _ in range(2))
    assert first == second != content


def test_the_campaign_sees_what_must_not_be(tmp_path: Path) -> None:
    """Bugs, crashes and loops of a reader are counted as such."""

    def crash(path: Path, folder: Path) -> int:
        import ctypes
        import faulthandler

        # the crash is meant, and its traceback would look like a failure
        faulthandler.disable()
        ctypes.string_at(1)
        return 0

    def refuse(path: Path) -> None:
        raise InputError("is wrong", source=path)

    def nameless(path: Path) -> None:
        raise InputError("is wrong")

    def bug(path: Path) -> None:
        raise ZeroDivisionError

    for reader, kind in (
        (crash, "signals"),
        (library(refuse), "refused"),
        (library(nameless), "words"),
        (library(bug), "70"),
        (command("info", "/nowhere"), "refused"),
    ):
        form = Format("x", {"a": b"abc"}, (reader,), is_sound=False)
        assert run(form, [1], tmp_path).counts[kind] == 1 and kind in COLUMNS


def raises() -> Iterator[tuple[str, ast.Call]]:
    """All places in the package where an error of its own is made."""
    classes = {
        name
        for name in dir(errors)
        if isinstance(getattr(errors, name), type) and issubclass(getattr(errors, name), LfpError)
    }
    for path in sorted(ROOT.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and ast.unparse(node.func) in classes:
                yield f"{path.relative_to(ROOT)}:{node.lineno}", node


def test_each_error_has_a_remedy() -> None:
    """By its own words or by its class; and never an empty one."""
    for name in ("InputError", "UsageError", "OutputError", "SimulatorError", "LfpError"):
        error = getattr(errors, name)("is wrong", source="a:1")
        assert str(error).startswith("is wrong [a:1]; ") and len(error.usual_remedy) > 5
    for location, call in raises():
        for keyword in call.keywords:
            if keyword.arg == "remedy" and isinstance(keyword.value, ast.Constant):
                assert keyword.value.value, location


def lacking(keyword: str, classes: tuple[str, ...]) -> list[str]:
    """Where the rooms that meet files make errors of some classes without a keyword."""
    return [
        location
        for location, call in raises()
        if location.split("/")[0] in ROOMS
        and ast.unparse(call.func) in classes
        and not {keyword, None} & {each.arg for each in call.keywords}
    ]


def test_errors_of_files_name_a_source() -> None:
    """Each names its file, or is named by who calls."""
    bare = lacking("source", ("InputError", "OutputError"))
    bare = [location for location in bare if location.split(":")[0] not in RELOCATED]
    assert not bare, "\n".join(bare)


def test_errors_of_files_have_a_remedy_of_their_own() -> None:
    bare = lacking("remedy", ("InputError", "OutputError", "SimulatorError"))
    assert not bare, "\n".join(bare)


@pytest.mark.parametrize("text", ["\x1b[31mred", "a\rb", "\x9b1m", "\u202egnp", "\ud800", "\x7f"])
def test_control_characters_never_reach_the_terminal(
    text: str, lfp: Callable[..., Any], tmp_path: Path
) -> None:
    assert printable(text).isprintable()
    assert str(InputError(text, source=text, remedy=text)).isprintable()
    from lfpcli.cli.facts import lines, to_json

    assert lines([text, "b"]).split("\n")[1] == "b" and to_json({text: text}).isascii()
    if text.isascii() or text == "\x9b1m":
        path = tmp_path / "cell.swc"
        path.write_text(f"1 1 0 0 0 {text} -1\n", newline="")
        said = lfp("info", path, code=3).err
        assert said.rstrip("\n").isprintable()


# children of this process would inherit what the tests have made of it
COLD = [kind for kind in KINDS if not kind.warm and kind.ranks == 1]


@pytest.mark.parametrize("kind", COLD, ids=lambda kind: kind.name)
def test_killed_runs_leave_nothing_half(kind: Any, tmp_path: Path) -> None:
    kills = kill_runs_of(kind, range(2), tmp_path)
    assert not kills.failures, "\n".join(kills.failures)
    assert kills.counts["resumed"] == kills.counts["same bytes"] == 2


def test_long_messages_are_shortened() -> None:
    """A line of a damaged file may be all of the file."""
    text = str(InputError("a" + 9000 * "{" + "z", source="file:1", remedy="correct it"))
    assert len(text) < 700 and text.startswith("a{{") and "{z [file:1]; correct it" in text


def test_errors_without_a_place_name_the_file_that_is_read(
    lfp: Callable[..., Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(source: str) -> None:
        raise InputError("is wrong")

    monkeypatch.setattr("lfpcli.tasks.files.info.info", fail)
    assert lfp("info", "some.h5", code=3).err == "lfp info: error: is wrong [some.h5]; correct it\n"


def test_names_that_are_too_long_are_no_bug(lfp: Callable[..., Any], tmp_path: Path) -> None:
    path = tmp_path / "m.json"
    path.write_bytes(JSON.replace(b"CELL", STICK.encode()).replace(b"Neuropixels", b"N" * 5000))
    said = lfp("info", path, code=3).err
    assert "too long" in said and f"[{path}]; correct the name" in said
    said = lfp("example", "network", tmp_path / ("n" * 300), code=3).err
    assert "too long" in said and "[command line]; correct the name" in said


def test_archives_of_an_unknown_version_are_refused(
    lfp: Callable[..., Any], tmp_path: Path
) -> None:
    path = tmp_path / "a.npz"
    np.savez(path, a=np.arange(4.0))
    content = bytearray(path.read_bytes())
    # the version that a reader must know, in the directory of the archive
    content[content.index(b"PK\x01\x02") + 6] = 173
    path.write_bytes(content)
    assert "format is not known" in lfp("info", path, code=3).err


def test_archives_whose_names_are_no_text_are_refused(
    lfp: Callable[..., Any], tmp_path: Path
) -> None:
    path = tmp_path / "a.npz"
    np.savez(path, ä=np.arange(4.0))
    content = path.read_bytes()
    path.write_bytes(content.replace("ä".encode(), b"\x94\x94"))
    for word in ("info", "check", "stats"):
        said = lfp(word, path, code=1 if word == "check" else 3)
        assert str(path) in said.out + said.err


@pytest.mark.parametrize("text", ["a\udcff", "a\ud800b", b"\xff\xfe", "plain \u00e4"])
def test_texts_of_files_can_be_written(text: str | bytes) -> None:
    """h5py keeps bytes that are no UTF-8 as surrogates."""
    assert as_text(text).encode() and as_plain(text) == as_text(text)

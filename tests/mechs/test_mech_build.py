"""Compilation: one build for many processes, nothing left of a killed one, errors with lines."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from mech_sources import (
    BAD_NAME,
    BAD_SYNTAX,
    BAD_VERBATIM,
    GLOBAL_WRITTEN,
    LEAK,
    POINTER,
    STIMULUS,
    write,
)
from sources import program

from lfpcli.errors import OutputError, SimulatorError, UsageError
from lfpcli.runtime.mechanisms.build import build
from lfpcli.runtime.mechanisms.check import check
from lfpcli.runtime.mechanisms.library import cache_folder, cached_libraries, read_library
from lfpcli.runtime.mechanisms.sources import find_sources


def build_and_tell() -> None:
    import sys

    library = build(sys.argv[1:], report=lambda text: print("BUILDING", flush=True))
    assert "neuron" not in sys.modules
    print(library.path, library.core_path)


def ask(folder: Path, cache: Path, cwd: Path) -> subprocess.Popen[bytes]:
    environment = {**os.environ, "LFP_MECH_CACHE": str(cache)}
    return subprocess.Popen(
        [sys.executable, "-c", program(build_and_tell), str(folder)],
        cwd=cwd,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )


@pytest.mark.parametrize("count", [6, pytest.param(50, marks=pytest.mark.slow)])
def test_many_processes_make_one_build_after_one_was_killed(tmp_path, count):
    folder = write(tmp_path / "my mods", leak=LEAK)
    cache, cwd = tmp_path / "the cache", tmp_path / "cwd"
    cwd.mkdir()
    victim = ask(folder, cache, cwd)
    assert victim.stdout is not None
    assert victim.stdout.readline() == b"BUILDING\n"
    time.sleep(0.5)
    victim.send_signal(signal.SIGKILL)
    victim.wait()
    victim.communicate()
    assert [p for p in cache.iterdir() if p.suffix != ".lock"] == []

    outputs = [p.communicate(timeout=280) for p in [ask(folder, cache, cwd) for _ in range(count)]]
    assert [err for _, err in outputs if err] == []
    assert sum(b"BUILDING" in out for out, _ in outputs) == 1
    paths = {out.splitlines()[-1] for out, _ in outputs}
    assert len(paths) == 1
    assert str(cache).encode() in paths.pop()
    assert list(cwd.iterdir()) == []
    assert len([p for p in cache.iterdir() if p.suffix != ".lock"]) == 1


def test_a_folder_without_its_libraries_is_not_taken_for_a_build(tmp_path):
    (tmp_path / "manifest.json").write_text(
        '{"digests": {}, "mechanisms": [], "skipped": [], "skipped_names": []}'
    )
    assert read_library(tmp_path) is None
    (tmp_path / "libnrnmech.so").touch()
    assert read_library(tmp_path) is not None
    (tmp_path / "manifest.json").write_text('{"mechanisms": [')
    assert read_library(tmp_path) is None


def test_findings_name_the_lines(tmp_path):
    folder = write(
        tmp_path,
        a_leak=LEAK,
        b_syntax=BAD_SYNTAX,
        c_name=BAD_NAME,
        d_verbatim=BAD_VERBATIM,
        e_global=GLOBAL_WRITTEN,
        f_pointer=POINTER,
    )
    findings = check(find_sources([folder]))
    told = {(Path(f.file).stem, f.line, f.engine) for f in findings}
    assert told == {
        ("b_syntax", 8, "neuron"),
        ("c_name", 7, "neuron"),
        ("d_verbatim", 6, "neuron"),
        ("e_global", 4, "coreneuron"),
        ("f_pointer", 5, "coreneuron"),
    }
    texts = {Path(f.file).stem: f.text for f in findings}
    assert "forgotten" in texts["c_name"]
    assert "not_there" in texts["d_verbatim"]
    assert "RANGE" in texts["e_global"]
    assert "POINTER other" in texts["f_pointer"]


def test_a_broken_file_is_an_error_or_is_left_out(tmp_path, monkeypatch):
    monkeypatch.setenv("LFP_MECH_CACHE", str(tmp_path / "cache"))
    folder = write(tmp_path / "mods", good=STIMULUS, bad=BAD_NAME, ptr=POINTER)
    with pytest.raises(SimulatorError) as caught:
        build([folder])
    assert caught.value.source == f"{folder / 'bad.mod'}:7"
    assert "forgotten" in str(caught.value)
    assert cached_libraries() == []

    library = build([folder], skip_broken=True)
    assert [m.name for m in library.mechanisms] == ["Ramp", "follower"]
    assert library.skipped_names == ("badname",)
    assert [f.line for f in library.skipped] == [7]
    assert library.refused == {"follower": "POINTER other"}
    assert library.core_path is not None
    again = build([folder], skip_broken=True, report=lambda text: pytest.fail(text))
    assert again == library

    moved = folder.rename(tmp_path / "elsewhere")
    assert build([moved], skip_broken=True).mechanisms[0].file == str(moved / "good.mod")


def test_a_folder_of_broken_files_alone_is_an_error(tmp_path, monkeypatch):
    monkeypatch.setenv("LFP_MECH_CACHE", str(tmp_path / "cache"))
    folder = write(tmp_path / "mods", bad=BAD_SYNTAX)
    with pytest.raises(SimulatorError, match="does not compile"):
        build([folder], skip_broken=True)


def test_the_key_tells_flags_and_content_apart(tmp_path, monkeypatch):
    from lfpcli.runtime.mechanisms.toolchain import build_key

    monkeypatch.delenv("LFP_MECH_CFLAGS", raising=False)
    plain = build_key([("a", "1"), ("b", "2")])
    assert plain == build_key([("b", "2"), ("a", "1")])
    assert plain != build_key([("a", "2"), ("b", "1")])
    assert plain != build_key([("a", "1"), ("b", "2")], "skip broken")
    monkeypatch.setenv("LFP_MECH_CFLAGS", "-march=native")
    assert plain != build_key([("a", "1"), ("b", "2")])


@pytest.mark.parametrize("flags", ["-O3; touch x", "$(touch x)", "x", "-D'a b", "-Da='b c'"])
def test_flags_that_are_none_are_refused(flags, tmp_path, monkeypatch):
    monkeypatch.setenv("LFP_MECH_CFLAGS", flags)
    monkeypatch.setenv("LFP_MECH_CACHE", str(tmp_path / "cache"))
    with pytest.raises(UsageError, match="LFP_MECH_CFLAGS"):
        build([write(tmp_path / "mods", leak=LEAK)])


def test_a_flag_that_the_compiler_does_not_know_is_told(tmp_path, monkeypatch):
    monkeypatch.setenv("LFP_MECH_CFLAGS", "-fno-such-flag-at-all")
    monkeypatch.setenv("LFP_MECH_CACHE", str(tmp_path / "cache"))
    with pytest.raises(SimulatorError, match="-fno-such-flag-at-all") as caught:
        build([write(tmp_path / "mods", leak=LEAK)])
    assert "LFP_MECH_CFLAGS" in str(caught.value)


def test_a_missing_compiler_is_told(tmp_path, monkeypatch):
    monkeypatch.setenv("LFP_MECH_CACHE", str(tmp_path / "cache"))
    folder = write(tmp_path / "mods", leak=LEAK)
    monkeypatch.setenv("CXX", "no-such-compiler -O1")
    with pytest.raises(SimulatorError, match="no-such-compiler"):
        build([folder])
    monkeypatch.delenv("CXX")
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(SimulatorError, match=r"no C\+\+ compiler") as caught:
        build([folder])
    assert "apt-get install" in str(caught.value)


def test_a_cache_that_cannot_be_written_is_told(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("LFP_MECH_CACHE", str(tmp_path / "file" / "cache"))
    with pytest.raises(OutputError, match="cache of mechanisms") as caught:
        build([write(tmp_path / "mods", leak=LEAK)])
    assert "LFP_MECH_CACHE" in str(caught.value)


def test_where_the_cache_is(tmp_path, monkeypatch):
    monkeypatch.delenv("LFP_MECH_CACHE", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert cache_folder() == tmp_path / "lfp" / "mechanisms"
    monkeypatch.setenv("XDG_CACHE_HOME", "relative")
    assert cache_folder() == Path.home() / ".cache" / "lfp" / "mechanisms"
    monkeypatch.setenv("LFP_MECH_CACHE", str(tmp_path / "own"))
    assert cache_folder() == tmp_path / "own"

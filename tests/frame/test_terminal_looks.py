"""What terminals get: subjects that stand out, bars, and neither where they are not wanted."""

from __future__ import annotations

import os
import pty
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from lfpcli.io.recording import Signal
from lfpcli.io.writer import RecordingWriter

BAR = """
import time
from lfpcli.cli.console import Console
console = Console("lfp sim", quiet={quiet})
with console.progress("running", 10.0, "ms") as progress:
    progress(4.0)
    time.sleep(0.3)
    progress(10.0)
"""


def on_terminal(command: list[str], **environment: str) -> str:
    """What a process writes where standard output and error are a terminal."""
    ours, theirs = pty.openpty()
    settings = {k: v for k, v in os.environ.items() if k not in ("NO_COLOR", "COLUMNS")}
    settings |= {"TERM": "xterm-256color", "COLUMNS": "100", **environment}
    process = subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=theirs, stderr=theirs, env=settings
    )
    os.close(theirs)
    text = b""
    while True:
        try:
            block = os.read(ours, 1 << 16)
        except OSError:  # the other end is closed
            break
        if not block:
            break
        text += block
    os.close(ours)
    assert process.wait() == 0, text
    return text.decode()


@pytest.fixture(scope="module")
def recording(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("looks") / "a.h5"
    with RecordingWriter(path, {}) as writer:
        writer.spikes("E", np.array([1.0, 2.0]), np.array([0, 1]))
        writer.signal("lfp", Signal(np.random.default_rng(1).normal(size=(99, 2)), "mV", 0.1))
    return path


def lfp_command(*words: object) -> list[str]:
    return [sys.executable, "-m", "lfpcli", *map(str, words)]


COLOUR = re.compile("\x1b\\[[0-9;]*[34]8;")


@pytest.mark.parametrize("command", ["info", "stats"])
def test_subjects_stand_out(recording: Path, command: str) -> None:
    coloured = on_terminal(lfp_command(command, recording))
    assert COLOUR.search(coloured) and "\x1b[1;" in coloured
    without = on_terminal(lfp_command(command, recording), NO_COLOR="1")
    assert "\x1b[1m" in without and not COLOUR.search(without)
    plain = subprocess.run(
        lfp_command(command, recording), capture_output=True, text=True, check=True
    ).stdout
    assert "\x1b" not in plain
    for text in (coloured, without, on_terminal(lfp_command(command, recording), TERM="dumb")):
        assert re.sub("\x1b\\[[0-9;]*m", "", text).replace("\r\n", "\n") == plain


def test_json_is_plain_on_a_terminal(recording: Path) -> None:
    assert "\x1b" not in on_terminal(lfp_command("info", recording, "--json"))


def test_bars() -> None:
    show = [sys.executable, "-c", BAR.format(quiet=False)]
    coloured = on_terminal(show)
    assert "running" in coloured and "4.0/10.0 ms" in coloured and COLOUR.search(coloured)
    without = on_terminal(show, NO_COLOR="1")
    assert "4.0/10.0 ms" in without and not COLOUR.search(without)
    assert on_terminal([sys.executable, "-c", BAR.format(quiet=True)]) == ""
    done = subprocess.run(show, capture_output=True, text=True, check=True)
    assert (done.stdout, done.stderr) == ("", "")


@pytest.mark.parametrize("width", [40, 80, 200])
def test_pictures_are_as_wide_as_the_terminal(recording: Path, width: int) -> None:
    command = lfp_command("plot", recording, "--terminal")
    text = on_terminal(command, COLUMNS=str(width))
    bare = re.sub("\x1b\\[[0-9;]*m", "", text).replace("\r\n", "\n").splitlines()
    assert max(map(len, bare)) == width
    assert COLOUR.search(text)
    assert not COLOUR.search(on_terminal(command, COLUMNS=str(width), NO_COLOR="1"))

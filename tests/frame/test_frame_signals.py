"""How commands end: broken pipes, Ctrl-C and SIGTERM, without a word and without leftovers."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

import h5py
import pytest

# a command that has begun its output and then takes its time
SLEEPER = """
import sys, time, types
from lfpcli.cli import main as entry, options
command = types.ModuleType("lfpcli.cli.nap")
command.__doc__ = "Sleep."
command.add_arguments = lambda parser: options.add_output(parser, "file")
def run(args):
    from lfpcli.io.atomic import atomic_output
    with atomic_output(args.output) as path:
        path.write_bytes(b"half")
        print("ready", file=sys.stderr, flush=True)
        time.sleep(60)
command.run = run
sys.modules["lfpcli.cli.nap"] = command
entry.COMMANDS["nap"] = "sleep"
sys.exit(entry.main(sys.argv[1:]))
"""


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)], ids=["TERM", "INT"]
)
def test_signal_removes_temporaries(tmp_path, number, code):
    process = subprocess.Popen(
        [sys.executable, "-c", SLEEPER, "nap", "-o", str(tmp_path / "a.bin")],
        stderr=subprocess.PIPE,
        text=True,
    )
    with process:
        assert process.stderr.readline() == "ready\n"
        assert len(list(tmp_path.iterdir())) == 1
        process.send_signal(number)
        assert process.wait(timeout=30) == code
        assert process.stderr.read() == ""
    assert list(tmp_path.iterdir()) == []


def test_signal_while_reading_standard_input_removes_the_spool(tmp_path):
    process = subprocess.Popen(
        [sys.executable, "-m", "lfpcli", "info", "-"],
        stdin=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**os.environ, "TMPDIR": str(tmp_path)},
    )
    with process:
        process.stdin.write(bytes(4 << 20))
        process.stdin.flush()
        while not any(path.stat().st_size for path in tmp_path.iterdir()):
            assert process.poll() is None
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=30) == 143
        assert process.stderr.read() == b""
    assert list(tmp_path.iterdir()) == []


def test_reader_that_has_enough_ends_quietly(tmp_path):
    path = tmp_path / "many.h5"
    with h5py.File(path, "w") as file:
        for k in range(3000):
            file[f"a_dataset_with_a_long_name_{k:05d}"] = k
    process = subprocess.Popen(
        [sys.executable, "-m", "lfpcli", "info", str(path)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    with process:
        process.stdout.read(1)
        process.stdout.close()
        assert process.stderr.read() == b""
        assert process.wait(timeout=30) == 141

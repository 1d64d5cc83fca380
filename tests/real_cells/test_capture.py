"""What NEURON prints: off standard output, and its errors picked out."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
from sources import program

from lfpcli.runtime.capture import captured, hoc_message


def print_from_hoc() -> None:
    from lfpcli.runtime.capture import prints_to_stderr
    from lfpcli.runtime.neuron import nrn

    h = nrn()
    prints_to_stderr()
    h('{printf("from hoc\\n")}')
    with captured() as printed:
        h('{printf("caught\\n")}')
    assert printed.text == "caught\n", printed.text
    print("data")


def test_hoc_prints_go_to_standard_error():
    done = subprocess.run(
        [sys.executable, "-c", program(print_from_hoc)], capture_output=True, check=False
    )
    assert done.returncode == 0, done.stderr.decode()
    assert done.stdout == b"data\n"
    assert done.stderr == b"from hoc\n"


def test_everything_is_caught_and_streams_come_back(capfd):
    with pytest.raises(KeyError), captured() as printed:
        print("python")
        os.write(1, b"descriptor\n")
        os.write(2, b"error\n")
        raise KeyError
    assert sorted(printed.text.split()) == ["descriptor", "error", "python"]
    print("after")
    assert capfd.readouterr() == ("after\n", "")


@pytest.mark.parametrize(
    ("printed", "text", "file", "line"),
    [
        ("NEURON: syntax error\n in a b.hoc near line 7\n  x =\n", "syntax error", "a b.hoc", 7),
        (
            "hh mechanism not inserted\nNEURON: \n near line 0\n",
            "hh mechanism not inserted",
            None,
            None,
        ),
        ("NEURON: foo undefined\n near line 0\n ^\n", "foo undefined", None, None),
        (
            "1 NEURON: no value\n1  in a.hoc near line 12\n1  f()\n    ^\n  1 a()\nand others\n",
            "no value",
            "a.hoc",
            12,
        ),
        ("only a word\n", "only a word", None, None),
        ("", "NEURON gave no reason", None, None),
    ],
)
def test_the_error_is_picked_out(printed, text, file, line):
    message = hoc_message(printed)
    assert (message.text, message.file, message.line) == (text, file, line)

"""Help, and what a wrong command line is told."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys

import pytest
from sources import program

from lfpcli import __version__
from lfpcli.cli import main as entry
from lfpcli.cli.main import COMMANDS
from lfpcli.errors import UsageError


def tell_imports() -> None:
    """Run a command, and print its code and what it has imported from outside."""
    import sys

    before = set(sys.modules)
    from lfpcli.cli.main import main

    code = main(sys.argv[1:])
    roots = {name.partition(".")[0] for name in set(sys.modules) - before}
    print(json.dumps([code, sorted(roots - set(sys.stdlib_module_names) - {"lfpcli"})]))


@pytest.mark.parametrize("arguments", [["--help"], *([c, "--help"] for c in COMMANDS)])
def test_help_imports_the_standard_library_alone(arguments):
    done = subprocess.run(
        [sys.executable, "-c", program(tell_imports), *arguments],
        capture_output=True,
        text=True,
        check=True,
    )
    code, foreign = json.loads(done.stdout.splitlines()[-1])
    assert (code, foreign) == (0, [])
    assert "usage: " in done.stdout


@pytest.mark.parametrize("command", COMMANDS)
def test_each_command_shows_examples_and_common_options(lfp, command):
    text = lfp(command, "--help").out
    assert f"usage: lfp {command}" in text
    for expected in ("example", "--quiet", "--debug"):
        assert expected in text


def test_top_help_names_the_commands_and_exit_codes(lfp):
    text = lfp("--help").out
    assert all(name in text and line in text for name, line in COMMANDS.items())
    assert "128+N" in text


def test_no_command_is_a_usage_error_that_shows_the_help(lfp):
    assert "commands:" in lfp(code=2).out


def test_version(lfp):
    assert lfp("--version").out == f"lfp {__version__}\n"


def test_unknown_command_names_the_nearest(lfp):
    got = lfp("plto", code=2)
    assert got.err == "lfp: error: unknown command 'plto'; did you mean 'plot'?\n"
    assert got.out == ""


def test_unknown_option_names_the_nearest(lfp):
    got = lfp("plot", "a.h5", "--titel", "x", code=2)
    assert got.err == "lfp plot: error: unknown option '--titel'; did you mean '--title'?\n"


def test_an_option_like_no_other_is_answered_with_the_help(lfp):
    # two dashes are no likeness
    err = lfp("eeg", "a.h5", "--channels", "x", code=2).err
    assert "unknown option '--channels'; see 'lfp eeg --help'" in err


def test_options_are_not_abbreviated(lfp):
    assert "unknown option '--tit'" in lfp("plot", "a.h5", "--tit", "x", code=2).err


def test_missing_operand(lfp):
    got = lfp("plot", code=2)
    assert got.err.startswith("lfp plot: error: the following arguments are required: FILE")


def test_surplus_operand(lfp):
    assert "unexpected argument 'c.h5'" in lfp("diff", "a.h5", "b.h5", "c.h5", code=2).err


def test_debug_shows_the_traceback(lfp):
    assert "Traceback" not in lfp("info", "none.h5", code=3).err
    assert "Traceback" in lfp("info", "none.h5", "--debug", code=3).err


# operands of commands that take several
OPERANDS = {
    "convert": ("a.h5", "b.npz"),
    "convolve": ("a.h5", "b.h5", "c.h5"),
    "diff": ("a.h5", "b.h5"),
    "plot": ("a.h5", "b.h5"),
    "check": ("a.h5", "b.h5"),
    "mechs": ("a", "b"),
    "example": ("network", "folder"),
    "info": ("a.h5",),
    "morph": ("a.swc",),
    "sim": ("m.toml",),
}


@pytest.mark.parametrize("command", OPERANDS)
def test_options_stand_anywhere(command: str) -> None:
    parser = entry.command_parser(command, entry.load(command))
    words = OPERANDS[command]
    expected = vars(parser.parse_args([*words, "-q"]))
    assert expected["quiet"]
    for place in range(len(words)):
        mixed = [*words[:place], "-q", *words[place:]]
        assert vars(parser.parse_args(mixed)) == expected
    with pytest.raises(UsageError, match="unknown option '--quiett'"):
        parser.parse_args([*words[:1], "--quiett", *words[1:]])


@pytest.mark.parametrize("command", entry.COMMANDS)
def test_negative_numbers_and_dashes_are_operands(command: str) -> None:
    """Two passes of the parser see the same words."""
    parser = entry.command_parser(command, entry.load(command))
    with contextlib.suppress(UsageError):
        parsed = parser.parse_args(["-"])
        assert "-" in [v[0] if isinstance(v, list) and v else v for v in vars(parsed).values()]

"""Examples of the manual page and of the help are commands that are understood."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from lfpcli.cli import probe
from lfpcli.cli.main import command_parser

PAGE = Path(__file__).parents[2] / "man" / "lfp-probe.1"


def examples() -> list[str]:
    page = PAGE.read_text(encoding="utf-8").split(".SH EXAMPLES\n.nf\n")[1].split("\n.fi\n")[0]
    lines = page.replace(r"\(aq", "'").replace(r"\-", "-").splitlines()
    lines += re.findall(r"^  (lfp probe .*)$", probe.EPILOG, flags=re.M)
    return sorted({part.strip() for line in lines for part in line.split("|") if "probe" in part})


@pytest.mark.parametrize("line", examples())
def test_example_is_understood(line: str) -> None:
    command, name, *arguments = shlex.split(line)
    assert (command, name) == ("lfp", "probe")
    args = command_parser("probe", probe).parse_args(arguments)
    if not args.list:
        probe._spec(args)


def test_there_are_examples_of_all_that_measures() -> None:
    text = "\n".join(examples())
    for option in ("--array", "--contacts", "--csd", "--medium", "--placements", "--list"):
        assert option in text

"""Manual pages: they typeset without a warning, and tell the options that there are."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from lfpcli.cli.main import COMMANDS, command_parser, load

FOLDER = Path(__file__).parents[2] / "man"
PAGES = sorted(FOLDER.glob("*.[1-9]"))
# lfp(1) tells these
COMMON = {"--help", "--quiet", "--verbose", "--debug", "--output", "--force"}


def long_options(parser) -> set[str]:
    return {o for a in parser._actions for o in a.option_strings if o.startswith("--")}


@pytest.mark.skipif(shutil.which("groff") is None, reason="groff is not installed")
@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.name)
def test_page_typesets_without_a_warning(page):
    done = subprocess.run(
        ["groff", "-man", "-ww", "-rLL=78n", "-Tutf8", "-Kutf8", str(page)],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stderr == ""
    assert len(done.stdout) > 1000


@pytest.mark.parametrize("name", [n for n in COMMANDS if (FOLDER / f"lfp-{n}.1").exists()])
def test_page_tells_all_options_and_no_others(name):
    text = (FOLDER / f"lfp-{name}.1").read_text(encoding="utf-8").replace("\\-", "-")
    there = long_options(command_parser(name, load(name)))
    mentioned = set(re.findall(r"--[a-z][a-z0-9-]*", text))
    assert there - COMMON - mentioned == set()
    heads = set(re.findall(r"^\.TP\n\.B[RI]? [^\n]*?(--[a-z][a-z0-9-]*)", text, flags=re.M))
    assert heads - there == set()


def test_top_page_tells_all_commands():
    text = (FOLDER / "lfp.1").read_text(encoding="utf-8")
    assert set(re.findall(r"^\.TP\n\.B (\w+)\n", text, flags=re.M)) >= set(COMMANDS)

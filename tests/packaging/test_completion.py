"""Completion of the command line by the tab key, in real shells."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

# what bash sets, and calls, when the tab key is hit behind a line
BASH = """\
eval "$(python -c 'import argcomplete; print(argcomplete.shellcode(["lfp"]))')"
COMP_LINE='{line}' COMP_POINT={point} COMP_TYPE=9
COMP_WORDS=({line}) COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1))
_python_argcomplete lfp
printf '%s\\n' "${{COMPREPLY[@]}}"
"""
FISH = """\
python -c 'import argcomplete; print(argcomplete.shellcode(["lfp"], shell="fish"))' | source
complete --do-complete '{line}'
"""
CASES = [
    ("lfp plo", "plot"),
    ("lfp sim --dry", "--dry-run"),
    ("lfp example quick", "quickstart"),
    ("lfp help accu", "accuracy"),
    ("lfp probe --method soma", "soma-point"),
]


def run(shell: list[str], script: str) -> set[str]:
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        [*shell, script],
        env={**os.environ, "PATH": path},
        capture_output=True,
        text=True,
        check=True,
    )
    return {line.split("\t")[0].strip() for line in done.stdout.splitlines()}


@pytest.mark.parametrize(("line", "expected"), CASES)
def test_bash_completes(line: str, expected: str) -> None:
    script = BASH.format(line=line, point=len(line))
    assert run(["bash", "--norc", "-c"], script) == {expected}


@pytest.mark.skipif(shutil.which("fish") is None, reason="fish is not installed")
@pytest.mark.parametrize(("line", "expected"), CASES)
def test_fish_completes(line: str, expected: str) -> None:
    assert run(["fish", "--no-config", "-c"], FISH.format(line=line)) == {expected}

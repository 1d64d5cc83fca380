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
    ("lfp probe out.h5 --array Neuropixels-38", "Neuropixels-384"),
    ("lfp eeg out.h5 --montage 10-2", "10-20"),
    ("lfp sim cell.swc --insert extra", "extracellular"),
    ("lfp sim cell.swc --stim ap", "apic:"),
    ("lfp sim builtin:quickstart --set probe.0.con", "probe.0.contacts="),
    ("lfp sweep builtin:quickstart --set run.cel", "run.celsius="),
]
ZSH = """\
_ARGCOMPLETE=1 _ARGCOMPLETE_SHELL=zsh _ARGCOMPLETE_SUPPRESS_SPACE=1 _ARGCOMPLETE_IFS=$'\\n' \\
COMP_LINE='{line}' COMP_POINT={point} lfp 8>&1 9>&2 >/dev/null 2>&1
"""


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


@pytest.mark.skipif(shutil.which("zsh") is None, reason="zsh is not installed")
@pytest.mark.parametrize(("line", "expected"), CASES)
def test_zsh_completes(line: str, expected: str) -> None:
    words = run(["zsh", "-f", "-c"], ZSH.format(line=line, point=len(line)))
    # zsh gets words with their help behind a colon, where there is any
    assert {word.replace("\\:", "\0").partition(":")[0].replace("\0", ":") for word in words} == {
        expected
    }


def test_signals_of_a_file_are_offered(shell, tmp_path: Path) -> None:
    recording = tmp_path / "out.h5"
    shell("sim", "builtin:quickstart", "--tstop", 1, "-o", recording, "-q")
    for line in (f"lfp stats {recording} --signal L", f"lfp plot {recording} --what LF"):
        script = BASH.format(line=line, point=len(line))
        assert run(["bash", "--norc", "-c"], script) == {"LFP"}

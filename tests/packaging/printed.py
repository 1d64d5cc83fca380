"""Commands that README, help texts, manual pages and examples print."""

from __future__ import annotations

import argparse
import re
import shlex
from dataclasses import dataclass
from pathlib import Path

from lfpcli.builtin import manual_folder
from lfpcli.cli.main import COMMANDS, command_parser, load
from lfpcli.cli.manual import unescaped
from lfpcli.tasks.files.examples import examples

ROOT = Path(__file__).parents[2]
# what a machine of its own has: a batch system, data of others
FOREIGN = ("srun", "sbatch", "SLURM", "sa_nyhead.mat", "sample_raw.fif", "simulation_config.json")
# what programs of finite elements write
FOREIGN += ("comsol.txt", "head.msh", "head-model head.h5")
_BLOCK = re.compile(r"^\.(?:EX|nf)\n(.*?)^\.(?:EE|fi)$", re.DOTALL | re.MULTILINE)
_COMMAND = re.compile(r"(?:mpirun [^|]*)?lfp [a-z-]")


@dataclass(frozen=True)
class Printed:
    """A line of shell, and where it is printed."""

    source: str
    line: str

    @property
    def runs_here(self) -> bool:
        """Whether it needs nothing that only some machines have."""
        return not any(word in self.line for word in FOREIGN)


def joined_lines(text: str) -> list[str]:
    """Lines of shell, with those put together that a backslash continues."""
    lines = re.sub(r"\\\n\s*", "", text).splitlines()
    return [line.strip() for line in lines if line.strip()]


def of_help() -> list[Printed]:
    """Examples of the help texts."""
    printed = []
    for name in COMMANDS:
        epilog = str(getattr(load(name), "EPILOG", ""))
        lines = [line for line in joined_lines(epilog) if line.startswith("lfp ")]
        printed.extend(Printed(f"lfp {name} --help", line) for line in lines)
    return printed


def of_pages() -> list[Printed]:
    """Examples of the manual pages."""
    printed = []
    for page in sorted(manual_folder().glob("lfp*.[1-9]")):
        for block in _BLOCK.findall(page.read_text(encoding="utf-8")):
            lines = joined_lines(unescaped(block.replace("\\e\n", "\\\n")))
            commands = [line for line in lines if _COMMAND.match(line)]
            printed.extend(Printed(page.name, line) for line in commands)
    return printed


def of_examples() -> list[tuple[str, list[Printed]]]:
    """The lines of each example, in order."""
    return [
        (name, [Printed(name, line) for line in example.commands])
        for name, example in examples().items()
    ]


def of_readme() -> list[list[Printed]]:
    """Blocks of shell of the README, each in order."""
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    blocks = re.findall(r"^```sh\n(.*?)^```", text, flags=re.DOTALL | re.MULTILINE)
    return [[Printed("README.md", line) for line in joined_lines(block)] for block in blocks]


def commands_in(line: str) -> list[list[str]]:
    """Calls of lfp in a line of shell, each as its words after the name of the program."""
    # the batch system puts a number there
    line = line.replace("$SLURM_ARRAY_TASK_ID", "1")
    lexer = shlex.shlex(line, posix=True, punctuation_chars="|;&<>")
    lexer.whitespace_split = True
    lexer.commenters = "#"
    calls: list[list[str]] = []
    current: list[str] | None = None
    for word in lexer:
        if word == "lfp":
            current = []
            calls.append(current)
        elif set(word) <= set("|;&<>"):
            current = None
        elif current is not None:
            current.append(word)
    return calls


def parsed(words: list[str]) -> argparse.Namespace | None:
    """Options of one call; None where it is one without a command."""
    if words[0].startswith("-"):
        return None
    name = words[0]
    args: argparse.Namespace = command_parser(name, load(name)).parse_args(words[1:])
    return args

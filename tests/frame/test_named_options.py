"""Options that messages and help texts name are options that a command has."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import lfpcli
from lfpcli.cli.main import COMMANDS, command_parser, load

OPTION = re.compile(r"(?<![\w-])--[a-z][a-z0-9-]*")
# of other programs: mpirun, Slurm, pip, NMODL, compilers, CoreNEURON
OTHERS = {
    *("--bind-to", "--oversubscribe", "--ntasks", "--cpus-per-task", "--mem-per-cpu"),
    *("--c", "--force-reinstall", "--include", "--inline", "--mindelay"),
}


def test_named_options_are_there() -> None:
    known = {"--debug", "--version", "--help", *OTHERS}
    for name in COMMANDS:
        for action in command_parser(name, load(name))._actions:
            known.update(action.option_strings)
    package = Path(lfpcli.__file__).parent
    missing = []
    for path in sorted(package.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                names = set(OPTION.findall(node.value)) - known
                missing += [f"{path.relative_to(package)}:{node.lineno}: {each}" for each in names]
    assert not missing, "\n".join(missing)

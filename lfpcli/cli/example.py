"""Write an example that runs at once into a folder, or list the examples.

NAME is a model that ships with lfp; its folder gets the model and the files that it names. The
commands to run there are printed, and stand at the top of the model."""

from __future__ import annotations

import argparse
import shlex
from typing import TYPE_CHECKING, Any

from lfpcli.cli import options
from lfpcli.cli.facts import to_json
from lfpcli.errors import printable

if TYPE_CHECKING:
    from lfpcli.tasks.files.examples import Example

EPILOG = """\
examples:
  lfp example
  lfp example quickstart
  lfp example network my_network

exit codes: 0 done, 2 usage, 3 no such example, 4 a file exists or cannot be written"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    name = parser.add_argument(
        "name", nargs="?", metavar="NAME", help="the example; without it, a list"
    )
    options.completed(name, _names)
    parser.add_argument("folder", nargs="?", metavar="DIR", help="where it goes (./NAME)")
    parser.add_argument("-f", "--force", action="store_true", help="overwrite existing files")
    options.add_json(parser)


def _shell_word(text: str) -> str:
    """A name as a shell takes it; one with control characters in the quotes of bash and zsh."""
    if text.isprintable():
        return shlex.quote(text)
    escaped = text.replace("\\", "\\\\").replace("'", "\\'")
    return f"$'{printable(escaped)}'"


def run(args: argparse.Namespace) -> None:
    """Write the example."""
    from lfpcli.tasks.files.examples import examples, write_example

    if args.name is None:
        known = examples().values()
        if args.json:
            print(to_json([_facts(example) for example in known]))
            return
        width = max(len(example.name) for example in known)
        for example in known:
            print(f"{example.name:{width}}  {example.summary}")
        return
    folder = args.folder or args.name
    example = write_example(args.name, folder, force=args.force)
    if args.json:
        files = [path.name for path in example.files()]
        print(to_json({"folder": folder, "files": files, "commands": example.commands}))
        return
    print(f"cd {_shell_word(folder)}")
    for command in example.commands:
        print(command)


def _names() -> list[str]:
    from lfpcli.builtin import builtin_names

    return [name for name, path in builtin_names().items() if path.suffix == ".toml"]


def _facts(example: Example) -> dict[str, Any]:
    return {"name": example.name, "shows": example.summary, "commands": example.commands}

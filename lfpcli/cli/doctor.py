"""Check what lfp stands on: packages and their versions, kernels, the compiler of mechanisms,
its cache, MPI, optional packages.

Each line says ok, optional (a part of the program is missing) or broken, and what to do."""

from __future__ import annotations

import argparse

from lfpcli.cli import options
from lfpcli.cli.facts import to_json
from lfpcli.errors import ExitCode, printable

EPILOG = """\
examples:
  lfp doctor
  lfp doctor --json
  lfp --version --verbose

exit codes: 0 all that is required works, 1 something is broken"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    options.add_json(parser)


def run(args: argparse.Namespace) -> int:
    """Print what was found."""
    from lfpcli.tasks.files.doctor import examine

    checks = examine()
    if args.json:
        print(to_json([{"name": c.name, "state": c.state, "text": c.text} for c in checks]))
    else:
        width = max(len(check.name) for check in checks)
        for check in checks:
            print(printable(f"{check.state:8}  {check.name:{width}}  {check.text}"))
    broken = any(check.state == "broken" for check in checks)
    return int(ExitCode.FAILED if broken else ExitCode.OK)

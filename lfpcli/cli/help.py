"""Show a page of the manual, or list the pages.

TOPIC is a command (sim), a format (model, format) or a subject (accuracy, cluster, python). On a
terminal man shows the page, where it is installed; elsewhere it is printed as text."""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
from pathlib import Path

from lfpcli.cli import options
from lfpcli.cli.manual import plain_text, summary
from lfpcli.errors import InputError, nearest

EPILOG = """\
examples:
  lfp help
  lfp help sim
  lfp help model | less

exit codes: 0 done, 2 usage, 3 no such page"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    topic = parser.add_argument(
        "topic", nargs="?", metavar="TOPIC", help="the page; without it, a list"
    )
    options.completed(topic, manual_pages)


def run(args: argparse.Namespace) -> None:
    """Show the page."""
    pages = manual_pages()
    if args.topic is None:
        width = max(len(topic) for topic in pages)
        for topic, path in pages.items():
            print(f"{topic:{width}}  {summary(path.read_text(encoding='utf-8'))}")
        return
    topic = args.topic.removeprefix("lfp-").partition(".")[0]
    if topic not in pages:
        raise InputError(f"no page '{args.topic}'", remedy=nearest(topic, pages, "page"))
    show(pages[topic])


def manual_pages() -> dict[str, Path]:
    """Pages by topic: the program, its commands, formats, and the rest."""
    from lfpcli.builtin import manual_folder

    paths = sorted(manual_folder().glob("lfp*.[1-9]"), key=lambda path: (path.suffix, path.stem))
    return {path.stem.removeprefix("lfp-"): path for path in paths}


def show(path: Path) -> None:
    """Show a page by man on a terminal, as text elsewhere."""
    program = shutil.which("man")
    if program is not None and sys.stdout.isatty():
        done = subprocess.run([program, str(path)], check=False)
        if done.returncode == 0:
            return
    width = min(shutil.get_terminal_size((80, 24)).columns - 2, 100)
    text = plain_text(path.read_text(encoding="utf-8"), width)
    sys.stdout.write(text.replace("\n", os.linesep))

"""Write the examples as notebooks: ``python tools/make_notebooks.py [FOLDER]``.

Each has what the example shows, its lines of shell, and the pictures that they draw. The committed
ones in doc/notebooks are these, which a test holds.
"""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import Any

from lfpcli.tasks.files.examples import Example, examples

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / "doc" / "notebooks"


def cell(kind: str, number: int, text: str) -> dict[str, Any]:
    """One cell of a notebook."""
    lines = text.splitlines(keepends=True)
    body: dict[str, Any] = {"cell_type": kind, "id": f"cell-{number}", "metadata": {}}
    if kind == "code":
        body |= {"execution_count": None, "outputs": []}
    return {**body, "source": lines}


def rerunnable(command: str) -> str:
    """A line whose cell may be run again: what it writes replaces what is there."""
    # the folder of a sweep, with a slash, is gone on with
    command = re.sub(r"(?<=-o )([\w.]+)(?=\s|$)", r"\1 --force", command)
    return re.sub(r"(lfp convert \S+ \S+)", r"\1 --force", command)


def notebook(example: Example) -> dict[str, Any]:
    """An example as a notebook."""
    shell = "\n".join(rerunnable(command) for command in example.commands)
    texts = [
        ("markdown", f"# {example.name}\n\n{example.summary}"),
        ("code", f"!lfp example {example.name} {example.name} --force"),
        ("code", f"!cat {example.name}/{example.name}.toml"),
        # a line that fails ends the cell with an error, and the notebook
        ("code", f"%%bash\nset -eo pipefail\ncd {example.name}\n{shell}"),
    ]
    pictures = re.findall(r"-o (\S+\.png)", shell)
    if pictures:
        shown = "\n".join(f'display(Image("{example.name}/{name}"))' for name in pictures)
        texts.append(("code", f"from IPython.display import Image, display\n\n{shown}"))
    return {
        "cells": [cell(kind, number, text) for number, (kind, text) in enumerate(texts)],
        "metadata": {
            "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
            "language_info": {"name": "python"},
        },
        "nbformat": 4,
        "nbformat_minor": 5,
    }


def notebook_text(example: Example) -> str:
    """An example as the text of a notebook's file."""
    return json.dumps(notebook(example), indent=1, ensure_ascii=False) + "\n"


def main(folder: Path = FOLDER) -> None:
    """Write all notebooks into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, example in examples().items():
        (folder / f"{name}.ipynb").write_text(notebook_text(example), encoding="utf-8")


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))

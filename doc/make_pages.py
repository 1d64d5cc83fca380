"""Write the pages of the site that come from elsewhere: manual, examples, library.

``python make_pages.py [--without-pictures]`` in this folder; `make html` calls it. Manual pages are
set by mandoc; the pictures of the gallery are drawn by running the examples.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
from pathlib import Path

import lfpcli
from lfpcli.cli.help import manual_pages
from lfpcli.cli.manual import summary
from lfpcli.model.text import parse
from lfpcli.tasks.files.examples import Example, examples

FOLDER = Path(__file__).resolve().parent
TARGET = FOLDER / "manual"
# how mandoc sets `.BR lfp\-sim (1)`
_REFERENCE = re.compile(r"<b>(lfp(?:-\w+)?)</b>\((\d)\)")
GROUPS = {
    ".1": ("commands", "Commands"),
    ".5": ("files", "Files"),
    ".7": ("subjects", "Subjects"),
}


def title(text: str, line: str = "=") -> str:
    """A heading of reStructuredText."""
    return f"{text}\n{line * len(text)}\n\n"


def page_text(path: Path) -> str:
    """A manual page as a page of the site, set by mandoc."""
    done = subprocess.run(
        ["mandoc", "-T", "html", "-O", "fragment,man=%N.html", str(path)],
        capture_output=True,
        text=True,
        check=True,
    )
    # only pages of ours are on the site
    html = re.sub(r'<a class="Xr" href="(?!lfp)[^"]*">(.*?)</a>', r"\1", done.stdout)
    html = _REFERENCE.sub(r'<a href="\1.html"><b>\1</b></a>(\2)', html)
    indented = "\n".join("   " + line for line in html.splitlines())
    head = title(path.name.replace(".", "(") + ")")
    body = f'.. raw:: html\n\n   <div class="manual">\n{indented}\n   </div>\n'
    return head + body


def write_manual() -> None:
    """Write one page per manual page, and the lists of them."""
    for suffix, (name, heading) in GROUPS.items():
        paths = [path for path in manual_pages().values() if path.suffix == suffix]
        lines = [title(heading), ".. toctree::\n   :hidden:\n\n"]
        lines += [f"   {path.stem}\n" for path in paths]
        lines.append("\n")
        for path in paths:
            text = path.read_text(encoding="utf-8")
            lines.append(f":doc:`{path.stem}`\n    {summary(text)}\n\n")
            (TARGET / f"{path.stem}.rst").write_text(page_text(path), encoding="utf-8")
        (TARGET / f"{name}.rst").write_text("".join(lines), encoding="utf-8")


def drawn(example: Example) -> list[str]:
    """Run an example and keep its pictures; return their names."""
    pictures = re.findall(r"-o (\S+\.png)", "\n".join(example.commands))
    with tempfile.TemporaryDirectory() as folder:
        for path in example.files():
            Path(folder, path.name).write_bytes(path.read_bytes())
        for command in example.commands:
            subprocess.run(["bash", "-c", command], cwd=folder, check=True, capture_output=True)
        for picture in pictures:
            (TARGET / picture).write_bytes(Path(folder, picture).read_bytes())
    return pictures


def write_gallery(*, pictures: bool) -> None:
    """Write the page of the examples, each with its lines and pictures."""
    parts = [title("Examples")]
    for name, example in examples().items():
        parts.append(title(name, "-") + example.summary + "\n\n.. code-block:: sh\n\n")
        parts += [f"   {line}\n" for line in (f"lfp example {name}", f"cd {name}")]
        parts += [f"   {line}\n" for line in example.commands]
        parts.append("\n")
        for picture in drawn(example) if pictures else []:
            parts.append(f".. image:: {picture}\n   :width: 90%\n   :alt: {name}\n\n")
        text = example.path.read_text(encoding="utf-8")
        model = "\n".join(f"   {line}" for line in text.splitlines())
        parts.append(f".. code-block:: toml\n\n{model}\n\n")
    (TARGET / "gallery.rst").write_text("".join(parts), encoding="utf-8")


def write_figures() -> None:
    """Write the page of the kinds of figures, each with its lines and its picture."""
    facts = parse((FOLDER / "gallery.toml").read_text(encoding="utf-8"), "gallery.toml")[0]
    runs = {run["name"]: run["commands"] for run in facts["run"]}
    parts = [title("Figures")]
    parts.append("Each kind of figure, drawn of an example that ships; see :doc:`lfp-plot`.\n\n")
    for figure in facts["figure"]:
        picture = figure["command"].split()[-1]
        parts.append(title(figure["name"].replace("_", " "), "-") + figure["text"] + "\n\n")
        parts.append(".. code-block:: sh\n\n")
        commands = [*runs.get(figure.get("run"), []), figure["command"]]
        parts += [f"   {command}\n" for command in commands]
        parts.append(f"\n.. image:: ../images/gallery/{picture}\n   :alt: {figure['text']}\n\n")
    (TARGET / "figures.rst").write_text("".join(parts), encoding="utf-8")


def write_library() -> None:
    """Write the reference of the library from its docstrings."""
    parts = [title("Library")]
    parts.append("From Python, with examples: :doc:`lfp-python`. Arrays have samples first.\n\n")
    for name in lfpcli.__all__:
        if name == "__version__":
            continue
        thing = getattr(lfpcli, name)
        directive = "autoclass" if isinstance(thing, type) else "autofunction"
        parts.append(f".. {directive}:: lfpcli.{name}\n")
        if directive == "autoclass":
            parts.append("   :members:\n")
        parts.append("\n")
    (TARGET / "library.rst").write_text("".join(parts), encoding="utf-8")


def main() -> None:
    TARGET.mkdir(exist_ok=True)
    write_manual()
    write_gallery(pictures="--without-pictures" not in sys.argv)
    write_figures()
    write_library()


if __name__ == "__main__":
    main()

"""The site: its pages come from the manual, and its tutorial runs as printed."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

DOC = Path(__file__).parents[2] / "doc"
NEEDED = ("sphinx", "furo", "latex2mathml")


def tutorial() -> list[str]:
    """Lines of shell of the tutorial, in order."""
    text = (DOC / "tutorial.rst").read_text(encoding="utf-8")
    return re.findall(r"^ +(lfp .*)$", text, flags=re.MULTILINE)


def test_the_tutorial_has_ten_steps() -> None:
    steps = re.findall(r"^(\d+)\. \*\*", (DOC / "tutorial.rst").read_text(), flags=re.MULTILINE)
    assert [int(step) for step in steps] == list(range(1, 11))
    assert len(tutorial()) >= 12


@pytest.mark.slow
def test_the_tutorial_runs_in_an_empty_folder(tmp_path: Path) -> None:
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    for line in tutorial():
        done = subprocess.run(
            ["bash", "-o", "pipefail", "-c", line],
            cwd=tmp_path,
            env={**os.environ, "PATH": path},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, f"{line}\n{done.stderr}"
    assert {"csd.h5", "shank.csv"} <= {path.name for path in tmp_path.iterdir()}
    for picture in (DOC / "images/tutorial").iterdir():
        assert (tmp_path / picture.name).stat().st_size > 5000


@pytest.mark.slow
@pytest.mark.skipif(
    shutil.which("mandoc") is None or not all(map(find_spec, NEEDED)),
    reason="the site needs mandoc, and pip install 'lfpcli[doc]'",
)
def test_the_site_builds_without_a_warning(tmp_path: Path) -> None:
    doc = tmp_path / "doc"
    shutil.copytree(DOC, doc, ignore=shutil.ignore_patterns("_build", "manual"))
    for command in (
        ["make_pages.py", "--without-pictures"],
        ["-m", "sphinx", "-W", "-q", "-b", "html", ".", "html"],
    ):
        subprocess.run([sys.executable, *command], cwd=doc, check=True)
    page = (doc / "html/manual/lfp-model.html").read_text(encoding="utf-8")
    assert "morphology" in page and 'class="manual"' in page

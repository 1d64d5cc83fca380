"""Each kind of figure from an example that ships, against pictures that were looked at."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from gallery import BASELINES, DPI, ROOT, difference, draw, gallery, make_run
from PIL import Image

FIGURES = gallery()["figure"]


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A folder with the recordings of a run, made once."""
    folder = tmp_path_factory.mktemp("gallery")
    made: set[str] = set()

    def folder_of(name: str | None) -> Path:
        if name is not None and name not in made:
            make_run(name, folder)
            made.add(name)
        return folder

    return folder_of


@pytest.mark.slow
@pytest.mark.parametrize("figure", FIGURES, ids=[figure["name"] for figure in FIGURES])
def test_figure_is_as_it_was_looked_at(figure: dict[str, Any], runs: Any) -> None:
    path = draw(figure, runs(figure.get("run")))
    assert not difference(path, BASELINES / path.name)


def test_each_figure_has_a_small_picture_and_each_run_says_its_step() -> None:
    names = [shlex.split(figure["command"])[-1] for figure in FIGURES]
    assert sorted(names) == sorted(path.name for path in BASELINES.iterdir())
    assert sum((BASELINES / name).stat().st_size for name in names) < 900_000
    for run in gallery()["run"]:
        for command in run["commands"]:
            assert "lfp sim" not in command or "dt" in command, command
    for figure in FIGURES:
        assert "run" not in figure or figure["run"] in {run["name"] for run in gallery()["run"]}


def test_morphology_is_as_it_was_looked_at(tmp_path: Path) -> None:
    """One of them without a run, in every suite."""
    (figure,) = (figure for figure in FIGURES if figure["name"] == "morphology")
    path = draw(figure, tmp_path)
    assert not difference(path, BASELINES / path.name)


def test_differences_are_seen(tmp_path: Path) -> None:
    """A picture of other things, or with a line more, is told from its baseline."""
    baseline = BASELINES / "morphology.png"
    with Image.open(baseline) as image:
        levels = np.array(image.convert("RGB"))
    levels[:, 200:210] = 0
    Image.fromarray(levels).save(tmp_path / "a.png")
    assert "blocks differ" in difference(tmp_path / "a.png", baseline)
    Image.fromarray(levels[:-40]).save(tmp_path / "b.png")
    assert "the baseline" in difference(tmp_path / "b.png", baseline)
    assert not difference(baseline, baseline)
    assert levels.shape[1] >= 3 * DPI and (ROOT / "doc" / "gallery.toml").is_file()

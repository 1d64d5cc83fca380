"""The figures of the gallery: the runs behind them, how they are drawn, and how two are compared.

``python tests/plotting/gallery.py [NAME ...]`` draws them anew into doc/images/gallery. Look at
each before it is committed.
"""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from lfpcli.model.text import parse

ROOT = Path(__file__).parents[2]
BASELINES = ROOT / "doc" / "images" / "gallery"
# pixels an inch, and colours: what a page of the site shows, in few bytes
DPI, COLOURS = 100, 256
# how two pictures may differ: letters and edges are drawn a little otherwise by each version of the
# libraries; in blocks of pixels the mean of levels of 255, and the share of blocks far apart
BLOCK, MEAN, APART, SHARE = 8, 2.0, 24.0, 0.02


def gallery() -> dict[str, Any]:
    """Runs and figures, as doc/gallery.toml has them."""
    return parse((ROOT / "doc" / "gallery.toml").read_text(encoding="utf-8"), "gallery.toml")[0]


def run(command: str, folder: Path) -> None:
    """Run a command of `lfp` with this Python in a folder."""
    words = [sys.executable, "-m", "lfpcli", *shlex.split(command)[1:]]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        words, cwd=folder, capture_output=True, text=True, check=False, env=environment
    )
    if done.returncode:
        raise RuntimeError(f"{command}: {done.stderr}")


def make_run(name: str, folder: Path) -> None:
    """Make the recordings of a run."""
    shutil.copy(ROOT / "share" / "examples" / "linear.csv", folder / "line.csv")
    for entry in gallery()["run"]:
        if entry["name"] == name:
            for command in entry["commands"]:
                run(command, folder)


def draw(figure: dict[str, Any], folder: Path) -> Path:
    """Draw a figure, whose run is there, and return its file."""
    words = figure["command"]
    if "--dpi" not in words:
        words += f" --dpi {DPI}"
    run(words, folder)
    return folder / shlex.split(figure["command"])[-1]


def blocks(path: Path) -> np.ndarray:
    """Mean red, green and blue of blocks of pixels of the first picture, shape (h, w, 3)."""
    with Image.open(path) as image:
        levels = np.asarray(image.convert("RGB"), dtype=float)
    high, wide = (side // BLOCK for side in levels.shape[:2])
    cut = levels[: high * BLOCK, : wide * BLOCK]
    return cut.reshape(high, BLOCK, wide, BLOCK, 3).mean(axis=(1, 3))


def difference(path: Path, baseline: Path) -> str:
    """How a picture differs from another by more than it may; empty where it does not."""
    one, other = blocks(path), blocks(baseline)
    if one.shape != other.shape:
        return f"{path.name} has {one.shape} blocks, the baseline {other.shape}"
    apart = np.abs(one - other).max(axis=2)
    mean, share = float(apart.mean()), float(np.mean(apart > APART))
    if mean > MEAN or share > SHARE:
        return f"{path.name}: blocks differ by {mean:.3g} of 255, {share:.2%} by over {APART:g}"
    return ""


def main() -> None:
    wanted = sys.argv[1:]
    BASELINES.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as name:
        folder, made = Path(name), set()
        for figure in gallery()["figure"]:
            if wanted and figure["name"] not in wanted:
                continue
            if "run" in figure and figure["run"] not in made:
                make_run(figure["run"], folder)
                made.add(figure["run"])
            path = draw(figure, folder)
            target = BASELINES / path.name
            if path.suffix == ".png":
                with Image.open(path) as image:
                    image.convert("RGB").quantize(COLOURS).save(target, optimize=True)
            else:
                shutil.copy(path, target)
            print(f"{target.name}: {target.stat().st_size / 1e3:.1f} kB", flush=True)


if __name__ == "__main__":
    main()

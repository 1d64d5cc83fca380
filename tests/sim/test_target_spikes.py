"""The current that makes a cell fire so many spikes."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import pytest

from lfpcli.tasks.simulate.target_spikes import _Search

MODEL = """
[run]
tstop = 60.0
dt = 0.05
celsius = 6.3
[cell.c]
morphology = "builtin:ball_and_stick"
[[cell.c.mechanism]]
name = "hh"
[[stimulus]]
type = "IClamp"
delay = 5.0
dur = 50.0
amp = {amp}
[record]
imem = true
balance = true
"""


def model(folder: Path, amp: float = 0.05) -> Path:
    path = folder / "m.toml"
    path.write_text(MODEL.format(amp=amp))
    return path


@pytest.mark.parametrize("amp", [0.15, 5.0])
def test_a_current_is_found_from_either_side(
    shell: Callable[..., Any], tmp_path: Path, amp: float
) -> None:
    out = tmp_path / "o.h5"
    ran = shell("sim", model(tmp_path, amp), "--target-spikes", "3,4", "-o", out)
    told = re.search(r"amp ([\d.]+) nA makes (\d) spikes, found in (\d+) runs", ran.err)
    assert told is not None
    with h5py.File(out) as file:
        assert len(file["spikes/c/timestamps"]) == int(told[2]) in (3, 4)
        stored = json.loads(file.attrs["provenance"])["model"]["stimulus"][0]["amp"]
    assert stored == pytest.approx(float(told[1]), rel=1e-5)
    # the run is the one of the model with that current
    again = tmp_path / "again.h5"
    shell("sim", model(tmp_path, stored), "-o", again)
    with h5py.File(out) as file, h5py.File(again) as other:
        assert (file["spikes/c/timestamps"][:] == other["spikes/c/timestamps"][:]).all()


def test_a_search_ends_where_no_current_does_it() -> None:
    # what a membrane fires that is held up by large currents
    counts = {0.0: 0, 0.2: 1, 0.5: 4, 1.0: 7, 2.0: 3, 4.0: 1}
    for begin, least, most in ((0.1, 20, 30), (5.0, 20, 30), (0.1, 4, 7), (5.0, 4, 7)):
        search = _Search(least=least, most=most, amplitude=begin)
        for _ in range(24):
            spikes = max(
                (size, count) for size, count in counts.items() if size <= search.amplitude
            )[1]
            if least <= spikes <= most:
                break
            search.go_on(spikes)
            if search.is_over:
                break
        assert least <= spikes <= most or search.is_over
        assert (least <= spikes <= most) == (least == 4)


@pytest.mark.parametrize(
    ("change", "options", "fault"),
    [
        (("", ""), ("--target-spikes", "200,300"), "no current makes 200 to 300 spikes"),
        (("", ""), ("--target-spikes", "3,2"), "no range"),
        (("", ""), ("--target-spikes", "1.5,2"), "whole numbers"),
        (("amp = 0.05", ""), ("--target-spikes", "3,5"), "no amp to begin with"),
        (('"IClamp"', '"SEClamp"'), ("--target-spikes", "3,5"), "one IClamp"),
        (
            ("[record]", "[population.p]\ncell='c'\nsize=2\n[record]"),
            ("--target-spikes", "3,5"),
            "of one cell",
        ),
        (("", ""), ("--target-spikes", "3,5", "--dry-run"), "leave out --dry-run"),
    ],
)
def test_what_has_no_such_current(
    shell: Callable[..., Any],
    tmp_path: Path,
    change: tuple[str, str],
    options: tuple[str, ...],
    fault: str,
) -> None:
    path = model(tmp_path)
    if change[1] == "" and change[0]:
        path.write_text(path.read_text().replace(*change))
    elif change[0]:
        text = path.read_text().replace(*change)
        path.write_text(
            text.replace("delay = 5.0\ndur = 50.0\namp = 0.05\n", "")
            if "SEC" in change[1]
            else text
        )
    ran = shell("sim", path, *options, "-o", tmp_path / "o.h5", code=2)
    assert fault in ran.err
    assert not (tmp_path / "o.h5").exists()

"""Which spikes templates show, which placements are taken, and where troughs lie."""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np
import pytest
from scipy import stats

from lfpcli.errors import UsageError
from lfpcli.forward.placing import random_placements
from lfpcli.tasks.measure.cell_currents import chosen_spikes
from lfpcli.tasks.measure.spike_shapes import Shapes, aligned

ARRAY = ["--array", "Neuropixels-24", "--shift", "20,0,0"]
NEAR = ["--placement-box", "30,60,-40,40,-40,40", "--spike-window", "1,2", "--seed", 1]
BOX = [[10.0, 80.0], [-60.0, 60.0], [-60.0, 60.0]]


def measured(lfp, run: Path, tmp_path: Path, *options: object) -> dict[str, np.ndarray]:
    path = tmp_path / "templates.h5"
    lfp("probe", run, *ARRAY, "--cell", 1, *options, "-o", path, "-f")
    with h5py.File(path) as file:
        return {name: file[name][()] for name in file} | dict(file["templates"].attrs)


@pytest.mark.parametrize(
    ("spike", "chosen"),
    [
        ("mean", [3, 5, 9]),
        ("rest", [5, 9]),
        ("first", [3]),
        ("last", [9]),
        ("1", [3]),
        ("2", [5]),
        ("3", [9]),
    ],
)
def test_spikes_are_chosen(spike: str, chosen: list[int]) -> None:
    assert chosen_spikes(np.array([3, 5, 9]), spike).tolist() == chosen


def test_templates_tell_their_spike(lfp, run: Path, tmp_path: Path) -> None:
    shown = measured(lfp, run, tmp_path, "--placements", 2, *NEAR, "--spike", "last")
    assert (shown["spike"], shown["spikes"]) == ("last", 1)


def test_troughs_lie_on_the_spike(lfp, run: Path, tmp_path: Path) -> None:
    plain = measured(lfp, run, tmp_path, "--placements", 6, *NEAR)
    moved = measured(lfp, run, tmp_path, "--placements", 6, *NEAR, "--align", "trough")
    middle = round(-plain["t_start"] / plain["dt"])
    assert (moved["templates"].min(axis=1).argmin(axis=1) == middle).all()
    for before, after in zip(plain["templates"], moved["templates"], strict=True):
        shift = int(before.min(axis=0).argmin()) - middle
        inner = slice(max(shift, 0), before.shape[1] + min(shift, 0))
        assert np.array_equal(np.roll(after, shift, axis=1)[:, inner], before[:, inner])


def test_alignment_repeats_ends() -> None:
    waves = np.zeros((2, 2, 6))
    waves[0, 1], waves[1, 0] = [1, 2, 3, -9, 4, 5], [7, -8, 0, 0, 0, 6]
    moved = aligned(waves, 2)
    assert moved[0, 1].tolist() == [2, 3, -9, 4, 5, 5]
    assert moved[1, 0].tolist() == [7, 7, -8, 0, 0, 0]


def test_weak_placements_are_drawn_again(lfp, run: Path, tmp_path: Path) -> None:
    free = measured(lfp, run, tmp_path, "--placements", 12, *NEAR)
    depth = -free["templates"].min(axis=(1, 2))
    low, high = np.quantile(depth, [0.3, 0.9])
    options = ("--amplitude", f"{low},{high}", "--check-shape")
    kept = measured(lfp, run, tmp_path, "--placements", 12, *NEAR, *options)
    depths = -kept["templates"].min(axis=(1, 2))
    assert ((depths >= low) & (depths <= high)).all()
    assert (depths >= kept["templates"].max(axis=(1, 2))).all()
    fitting = Shapes(amplitude=(low, high), troughs=True).fit(free["templates"])
    assert 0 < np.count_nonzero(fitting) < 12
    # placements that fit at once are those that are drawn without a choice
    assert np.array_equal(kept["positions"][fitting], free["positions"][fitting])
    assert not np.array_equal(kept["positions"][~fitting], free["positions"][~fitting])
    measured(lfp, run, tmp_path, "--placements", 12, *NEAR)
    source = tmp_path / "templates.h5"
    words = ("probe", run, *ARRAY, "--cell", 1, "--spike-window", "1,2", "--placements", source)
    ran = lfp(*words, *options, "-o", tmp_path / "o.h5", code=3)
    assert f"{np.count_nonzero(~fitting)} of 12 placements" in ran.err


def test_an_insulating_plane_doubles(lfp, run: Path, tmp_path: Path) -> None:
    free = measured(lfp, run, tmp_path, "--placements", 3, *NEAR)
    plane = measured(lfp, run, tmp_path, "--placements", 3, *NEAR, "--plane", "x")
    assert np.allclose(plane["templates"], 2.0 * free["templates"], rtol=1e-12)
    assert plane["plane"] == "x"
    ran = lfp(
        *("probe", run, *ARRAY, "--cell", 1, *NEAR, "--placements", 3, "--plane", "z"),
        *("-o", tmp_path / "o.h5"),
        code=2,
    )
    assert "on no plane normal to z" in ran.err


@pytest.mark.parametrize("axis", ["x", "y", "z"])
def test_turns_about_an_axis(axis: str) -> None:
    turns = random_placements(400, BOX, 3, turn=axis).rotations
    number = "xyz".index(axis)
    assert np.allclose(turns[:, number, number], 1.0)
    others = [k for k in range(3) if k != number]
    angles = np.arctan2(turns[:, others[1], others[0]], turns[:, others[0], others[0]])
    assert stats.kstest(angles, stats.uniform(-np.pi, 2 * np.pi).cdf).pvalue > 1e-3


def test_tilts_are_uniform_over_the_cap() -> None:
    turns = random_placements(2000, BOX, 4, turn="tilt15").rotations
    height = turns[:, 2, 2]
    least = np.cos(np.radians(15.0))
    assert height.min() >= least
    assert stats.kstest(height, stats.uniform(least, 1.0 - least).cdf).pvalue > 1e-3
    # the rotations of all orientations that stay within 60 degrees, and those drawn so
    free = random_placements(8000, BOX, 5).rotations
    free = free[free[:, 2, 2] >= 0.5]
    drawn = random_placements(2000, BOX, 6, turn="tilt60").rotations
    for row, column in ((0, 0), (0, 1), (1, 2), (2, 0), (2, 2)):
        test = stats.ks_2samp(free[:, row, column], drawn[:, row, column])
        assert test.pvalue > 1e-3, (row, column)


def test_distances_by_a_beta_distribution() -> None:
    places = random_placements(2000, BOX, 7, beta=(1.5, 5.0)).positions
    shares = (places[:, 0] - 10.0) / 70.0
    assert stats.kstest(shares, stats.beta(1.5, 5.0).cdf).pvalue > 1e-3
    assert stats.kstest(places[:, 1], stats.uniform(-60.0, 120.0).cdf).pvalue > 1e-3


@pytest.mark.parametrize(
    ("code", "options", "text"),
    [
        (2, ["--turn", "tilt200"], "unknown turn 'tilt200'"),
        (2, ["--turn", "w"], "unknown turn 'w'"),
        (2, ["--beta=-1,5"], "expected numbers above zero"),
        (2, ["--spike", "0"], "unknown spike '0'"),
        (3, ["--spike", "99"], "--spike 99 of"),
        (2, ["--amplitude", "2,1"], "are no range"),
        (3, ["--amplitude", "50,60"], "have another amplitude"),
    ],
)
def test_wrong_choices(lfp, run: Path, tmp_path: Path, code, options, text) -> None:
    words = ("probe", run, *ARRAY, "--cell", 1, *NEAR, "--placements", 1, *options)
    ran = lfp(*words, "-o", tmp_path / "o.h5", code=code)
    assert text in ran.err
    assert not (tmp_path / "o.h5").exists()


def test_options_of_spikes_go_with_spikes(lfp, run: Path, tmp_path: Path) -> None:
    words = ("probe", run, *ARRAY, "--cell", 1, "--placements", 1, "--spike", "first")
    assert "--spike goes with --spike-window" in lfp(*words, "-o", tmp_path / "o", code=2).err
    with pytest.raises(UsageError, match="no range"):
        Shapes(amplitude=(-1.0, 2.0))

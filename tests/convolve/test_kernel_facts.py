"""What lfp info and lfp plot show of kernels, and of the units of recordings."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from lfpcli.io.kernels import Kernels, KernelWriter


@pytest.fixture
def kernels(tmp_path: Path) -> Path:
    values = {("E", "E"): np.zeros((41, 30)), ("I", "E"): np.zeros((41, 30))}
    values["E", "E"][10, 4], values["I", "E"][20, 3] = -2e-5, 1e-5
    path = tmp_path / "kernels.h5"
    positions = np.column_stack([np.zeros((30, 2)), 20.0 * np.arange(30)])
    with KernelWriter(path, {"program": "lfp", "version": "0", "command": ["lfp"]}) as writer:
        writer.kernels(
            Kernels(name="shank", units="mV", dt=0.5, values=values, positions=positions)
        )
    return path


def test_info_tells_pairs(lfp: Callable[..., object], kernels: Path) -> None:
    shown = lfp("info", kernels).out
    assert "kernels of shank: 30 channels, 20 ms every 0.5 ms, mV for a spike" in shown
    assert "E to E: peak -2e-05 mV at 5 ms, channel 4" in shown
    assert "I to E: peak 1e-05 mV at 10 ms, channel 3" in shown
    facts = json.loads(lfp("info", kernels, "--json").out)
    assert [pair["peak_ms"] for pair in facts["kernels"]["shank"]["pairs"]] == [5.0, 10.0]


def test_plot_draws_pairs(lfp: Callable[..., object], kernels: Path, tmp_path: Path) -> None:
    lfp("plot", kernels, "-o", tmp_path / "k.svg")
    text = (tmp_path / "k.svg").read_text()
    assert text.count("<path") > 48
    assert (
        "no signal" in lfp("plot", kernels, "--signal", "x", "-o", tmp_path / "o.png", code=2).err
    )
    assert (
        "kernels are drawn whole"
        in lfp("plot", kernels, "--what", "spikes", "-o", tmp_path / "o.png", code=2).err
    )


def test_figures_have_a_panel_a_pair(kernels: Path) -> None:
    from lfpcli.tasks.figures.kernels import draw_kernels

    figure = draw_kernels(kernels)
    titles = {axes.get_title() for axes in figure.axes} | {
        axes.get_title(loc="left") for axes in figure.axes
    }
    assert "shank: a spike of E, by the cells of E" in titles
    assert "shank: a spike of I, by the cells of E" in titles
    drawn = [axes for axes in figure.axes if len(axes.lines) >= 24]
    assert len(drawn) == 2


def test_info_tells_units(
    lfp: Callable[..., object],
    write_templates: Callable[..., Path],
    write_trains: Callable[..., Path],
    tmp_path: Path,
) -> None:
    trains = write_trains({"E": [[10.0], [20.0]], "I": [[30.0]]}, 100.0)
    path = tmp_path / "r.h5"
    lfp("convolve", write_templates(), trains, "--amplitude", "0,1", "--seed", 1, "-o", path)
    shown = lfp("info", path).out
    assert "2 units of E: troughs 0." in shown
    assert "1 unit of I: troughs 0." in shown

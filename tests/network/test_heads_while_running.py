"""EEG and MEG that are measured while a model runs: the numbers of afterwards, on any ranks."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from network_models import needs_mpi, network, ranks, simulated, write

from lfpcli.io.recording import Signal, open_recording

PLACED = "gid,x,y,z,nx,ny,nz\n" + "".join(
    f"{gid},{1000 * gid},{-1000 * gid + 5000},{60000 + 300 * gid},{gid % 3},1,{gid % 2}\n"
    for gid in range(20)
)
CAP = {"model": "four-sphere", "position": [10e3, 20e3, 65e3], "normal": True}
HELMET = {"sensors": "helmet-306", "position": [0.0, 40e3, 50e3], "direction": [1.0, 0.0, 1.0]}


def heads(folder: Path) -> dict[str, Any]:
    """The small network with heads around it, whose cells have places of their own in some."""
    (folder / "placed.csv").write_text(PLACED)
    tree = network()
    tree["run"]["tstop"] = 10.0
    tree["eeg"] = [
        {**CAP, "per": "population"},
        {"name": "placed", "montage": "10-10", "placements": "placed.csv", "per": "cell"},
        {**CAP, "name": "axial", "multi_dipole": True, "reference": "average"},
    ]
    tree["meg"] = [HELMET]
    return tree


def signals(path: Path) -> dict[str, Signal]:
    """All signals of a recording, read."""
    read = {}
    with open_recording(path) as recording:
        for name in recording.signals:
            signal = recording.signal(name)
            signal.data = signal.data[()]
            signal.groups = {group: data[()] for group, data in signal.groups.items()}
            read[name] = signal
    return read


def test_numbers_of_afterwards(lfp: Callable[..., Any], tmp_path: Path) -> None:
    path = write(tmp_path, heads(tmp_path))
    ran = simulated(path, tmp_path / "run.h5")
    during = signals(ran)
    assert set(during) == {"LFP", "eeg", "placed", "axial", "meg_mag", "meg_grad"}
    at = ("--position", "10000,20000,65000", "--normal")
    commands = {
        "eeg": ("eeg", *at, "--per", "population"),
        "placed": (
            *("eeg", "--montage", "10-10", "--per", "cell"),
            *("--placements", tmp_path / "placed.csv"),
        ),
        "axial": ("eeg", *at, "--multi-dipole", "--reference", "average"),
        "meg": (
            *("meg", "--sensors", "helmet-306", "--position", "0,40000,50000"),
            *("--direction", "1,0,1"),
        ),
    }
    for name, (command, *options) in commands.items():
        out = tmp_path / f"{name}.h5"
        lfp(command, ran, *options, "--name", name, "-o", out)
        for signal, after in signals(out).items():
            if not signal.startswith(name):
                continue
            same(during[signal], after)


def same(during: Signal, after: Signal) -> None:
    assert during.units == after.units and during.names == after.names
    assert during.model == after.model
    volatile = {"placements", "sensors"}
    for key in set(during.parameters) - volatile:
        assert during.parameters[key] == after.parameters[key]
    peak = np.abs(after.data).max()
    assert peak > 0
    np.testing.assert_allclose(during.data, after.data, rtol=0, atol=1e-12 * peak)
    assert set(during.groups) == set(after.groups)
    for group, data in after.groups.items():
        np.testing.assert_allclose(during.groups[group], data, rtol=0, atol=1e-12 * peak)


@needs_mpi
def test_same_bits_on_two_ranks(shell: Callable[..., Any], tmp_path: Path) -> None:
    path = write(tmp_path, heads(tmp_path))
    simulated(path, tmp_path / "1.h5")
    ranks(2, "sim", path, "-o", tmp_path / "2.h5", "-q")
    shell("diff", "--exact", tmp_path / "1.h5", tmp_path / "2.h5")


@pytest.mark.parametrize(
    ("table", "keys", "message"),
    [
        ("eeg", {"position": [0, 0, 85e3]}, "dipole 0 lies outside the brain"),
        ("eeg", {}, "needs one of 'position', 'placements'"),
        ("eeg", {"position": [0, 0, 7e4], "radii": [9e4]}, "1 radii and 4 conductivities"),
        ("eeg", {"position": [0, 0, 7e4], "montage": "10-2"}, "no montage and no file '10-2'"),
        ("eeg", {"position": [0, 0, 7e4], "name": "LFP"}, "'LFP' is the name of two signals"),
        (
            "meg",
            {"position": [0, 0, 7e4], "sensors": "helm"},
            "did you mean 'helmet'?",
        ),
        ("meg", {"position": [0, 0, 7e4]}, "sensors and no head model file"),
    ],
)
def test_mistakes_are_located(
    shell: Callable[..., Any], tmp_path: Path, table: str, keys: dict[str, Any], message: str
) -> None:
    tree = network()
    tree[table] = [keys]
    path = write(tmp_path, tree)
    err = shell("sim", path, "-o", tmp_path / "a.h5", "-q", code=3).err
    assert message in err and err.count("\n") == 1
    assert str(path) in err
    assert not (tmp_path / "a.h5").exists()


def test_far_field_of_a_cell_off_its_reversal(shell: Callable[..., Any], tmp_path: Path) -> None:
    """Its first sample is in balance, so that the dipole stands for the cell from there on."""
    cell = Path(__file__).parents[2] / "share/morphologies/ball_and_stick.swc"
    run = (*("--passive", "g=1e-4,e=-70", "--input", "soma:0.005@5"), *("--seed", "1"))
    shell("sim", cell, *run, "--tstop", "20", "-q", "-o", tmp_path / "a.h5")
    place = ("--position", "0,0,70000", "-v", "-o", tmp_path / "b.h5")
    err = shell("eeg", tmp_path / "a.h5", *place).err
    (ratio,) = re.findall(r"far field .* cell: (\d+\.\d+)", err)
    assert float(ratio) == pytest.approx(1.0, abs=2e-3)


def test_dry_run_counts_the_channels(shell: Callable[..., Any], tmp_path: Path) -> None:
    plain = write(tmp_path, network(), "plain.json")
    with_heads = write(tmp_path, heads(tmp_path))
    sizes = [
        shell("sim", path, "--dry-run", "--json", "-o", tmp_path / "a.h5").out
        for path in (plain, with_heads)
    ]
    assert sizes[0] != sizes[1]

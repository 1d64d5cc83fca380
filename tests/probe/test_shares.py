"""Whose share a group is stands in the file, so that no name of a population hides cells."""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np
import pytest

from lfpcli.errors import InputError
from lfpcli.geometry import Geometry
from lfpcli.io.provenance import provenance
from lfpcli.io.recording import Sampled, Signal, open_recording
from lfpcli.io.shares import gid_of
from lfpcli.io.writer import RecordingWriter

DATA = np.arange(12.0).reshape(4, 3)


def write(path: Path, *, population: str, groups: dict[str, str]) -> Path:
    """A recording of one population with dipole moments and a signal of groups."""
    cell = Geometry(start=np.zeros((1, 3)), end=np.ones((1, 3)), diam=np.ones(1))
    with RecordingWriter(path, provenance(["lfp"])) as writer:
        writer.geometry(population, cell)
        for name, share in groups.items():
            writer.dipole(name, Sampled(DATA, "nA um", 0.1, share=share))
        shares = {name: share for name, share in groups.items() if share != "total"}
        signal = Signal(DATA, "mV", 0.1, groups=dict.fromkeys(shares, DATA), shares=shares)
        writer.signal("LFP", signal)
    return path


GROUPS = {"total": "total", "0": "cell", "1": "cell", "2": "cell"}


def test_cells_of_a_population_called_1_are_cells(tmp_path: Path) -> None:
    with open_recording(write(tmp_path / "r.h5", population="1", groups=GROUPS)) as recording:
        assert {g: recording.dipole(g).share for g in recording.dipole_groups} == GROUPS
        assert recording.signal("LFP").shares == dict.fromkeys("012", "cell")
        assert "share" not in recording.signal("LFP").parameters


def test_files_without_the_attribute_are_guessed_at(tmp_path: Path) -> None:
    path = write(tmp_path / "r.h5", population="E", groups={**GROUPS, "E": "population"})
    with h5py.File(path, "r+") as file:
        for group in file["dipole"].values():
            del group["data"].attrs["share"]
        del file["signals/LFP/groups/1"].attrs["share"]
        file["signals/LFP/groups/isyn_e"] = file["signals/LFP/data"][:]
    with open_recording(path) as recording:
        shares = {g: recording.dipole(g).share for g in recording.dipole_groups}
        assert shares == {**GROUPS, "E": "population"}
        assert recording.signal("LFP").shares == {
            "0": "cell",
            "1": "cell",
            "2": "cell",
            "E": "population",
            "isyn_e": "current",
        }


@pytest.mark.parametrize(
    ("name", "share", "message"),
    [("0", "cells", "did you mean 'cell'"), ("E", "cell", "'E' is no gid")],
)
def test_a_wrong_attribute_is_refused(tmp_path: Path, name: str, share: str, message: str) -> None:
    path = write(tmp_path / "r.h5", population="E", groups={name: share})
    with open_recording(path) as recording, pytest.raises(InputError) as caught:
        recording.dipole(name)
    assert message in str(caught.value)
    assert f"/dipole/{name}/data" in str(caught.value)


def test_gids_are_read_from_names() -> None:
    assert gid_of("17") == 17
    assert gid_of("cell_3") == 3


def test_diff_takes_a_missing_share_for_the_same(lfp, tmp_path: Path) -> None:
    old, new = (write(tmp_path / n, population="E", groups=GROUPS) for n in ("a.h5", "b.h5"))
    with h5py.File(old, "r+") as file:
        del file["dipole/0/data"].attrs["share"]
    lfp("diff", "--exact", old, new)
    with h5py.File(old, "r+") as file:
        file["dipole/0/data"].attrs["share"] = "population"
    lfp("diff", "--exact", old, new, code=1)


def test_eeg_of_cells_finds_those_of_any_population(lfp, tmp_path: Path) -> None:
    path = write(tmp_path / "r.h5", population="1", groups=GROUPS)
    out = tmp_path / "eeg.h5"
    lfp("eeg", path, "--per", "cell", "--position", "0,0,70000", "-o", out)
    with open_recording(out) as recording:
        assert list(recording.signal("eeg").groups) == ["0", "1", "2"]

"""Files of spike trains: which column is what, which train is which, and what is refused."""

from __future__ import annotations

import re
import warnings
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from network_models import network

from lfpcli.errors import InputError, LfpWarning
from lfpcli.io.spike_files import read_ids, read_spikes
from lfpcli.model import load_model
from lfpcli.runtime.synapses.events import spikes_between
from lfpcli.tasks.simulate.sources import population_trains, train_count

SPIKES = ([1.0, 2.5, 5.0], [0, 7, 2])


def test_spike_files(tmp_path: Path) -> None:
    times, ids = np.array([5.0, 1.0, 2.5]), np.array([2, 0, 7])
    np.savez(tmp_path / "s.npz", times=times, ids=ids)
    (tmp_path / "s.txt").write_text("gid time\n2 5\n0 1.0\n7\t2.5\n")
    for name, unit, factor in (("ms.h5", "ms", 1.0), ("s.h5", "s", 1e-3)):
        with h5py.File(tmp_path / name, "w") as file:
            file["spikes/thalamus/timestamps"] = times * factor
            file["spikes/thalamus/timestamps"].attrs["units"] = unit
            file["spikes/thalamus/node_ids"] = ids
    for name in ("s.npz", "s.txt", "ms.h5", "s.h5"):
        got = read_spikes(tmp_path / name, "thalamus")
        assert np.allclose(got[0], [1.0, 2.5, 5.0]) and got[1].tolist() == [0, 7, 2], name


@pytest.mark.parametrize(
    ("name", "content", "what"),
    [
        ("s.txt", b"1 2\nx y\n", "expected the number"),
        ("s.txt", b"1 nan\n", "finite"),
        ("s.txt", b"-1 2\n", "whole"),
        ("s.txt", b"\xff\xfe\x00", "no file of spikes"),
        ("s.npz", b"PK\x03\x04damaged", "npz"),
        ("s.h5", b"\x89HDF\r\n\x1a\ndamaged", "truncated or damaged"),
    ],
)
def test_mistakes_in_spike_files(tmp_path: Path, name: str, content: bytes, what: str) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(InputError, match=what) as caught:
        read_spikes(tmp_path / name)
    assert name in str(caught.value.source)


@pytest.mark.parametrize("units", ["min", np.bytes_(b"\xff")])
def test_units_of_spike_times_that_are_not_known(tmp_path: Path, units: object) -> None:
    with h5py.File(tmp_path / "s.h5", "w") as file:
        file["spikes/A/timestamps"] = np.ones(2)
        file["spikes/A/timestamps"].attrs["units"] = units
        file["spikes/A/node_ids"] = np.zeros(2, int)
    with pytest.raises(InputError, match="expected ms or s"):
        read_spikes(tmp_path / "s.h5")


@pytest.mark.parametrize(
    "text",
    [
        "gid time\n2 5\n0 1.0\n7\t2.5\n",
        "time,gid\n5,2\n1,0\n2.5,7\n",
        "t (s);id\n0.005;2\n0.001;0\n0.0025;7\n",
        "# time gid\n5 2\n1 0\n2.5 7\n",
        "# NEST version: 3.6\n# version: 2\nsender\ttime_ms\n2\t5.0\n0\t1\n7\t2.5\n",
        "timestamps population node_ids\n5 th 2\n1.0 th 0\n2.5 th 7\n",
        "node_ids timestamps population\n2 5 th\n0 1.0 th\n7 2.5 th\n9 9 other\n",
        "\ufefftimestamps,node_ids\r\n5,2\r\n1,0\r\n2.5,7\r\n",
        '"Time [ms]", "Neuron ID"\n5, 2\n1, 0\n2.5, 7\n',
        '"node_ids","timestamps"\n"2","5"\n"0","1.0"\n"7","2.5"\n',
        "index,gid,time/ms\n0,2,5\n1,0,1\n2,7,2.5\n",
        "Neuron ID,Spike Time (sec)\n2,0.005\n0,0.001\n7,0.0025\n",
        "gid,time_us,weight\n2,5000,1\n0,1000,1\n7,2500,1\n",
    ],
)
def test_headings_say_what_the_columns_are(tmp_path: Path, text: str) -> None:
    (tmp_path / "s.csv").write_bytes(text.encode())
    times, ids = read_spikes(tmp_path / "s.csv", "th")
    assert (times.tolist(), ids.tolist()) == SPIKES


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a,b\n1,2\n", "none of the headings a, b is that of a time"),
        ("time,b\n1,2\n", "is that of an id"),
        ("time_h,gid\n1,2\n", "none of the headings time_h, gid is that of a time"),
        ("time (h),gid\n1,2\n", "times are in 'h'"),
        ("timestamps population node_ids\n1 a 2\n1 b 2\n", "no spikes of 'th'"),
        ("5.5 2\n", "in this order or under a line of headings"),
        ("time,gid\n1,x\n", "'x' is no number of a train"),
        ("gid;time\n3;5,25\n", "'3;5,25' has decimal commas"),
        ("3 5,25\n", "has decimal commas"),
        ("3 5.25 1\n", "3 columns without headings"),
        ("gid,unit,time\n3,0,5\n", "the headings gid and unit are both that of an id"),
        ("gid,time,timestamps\n3,0,5\n", "time and timestamps are both that of a time"),
        ("9007199254740993 1\n", "beyond 2**53"),
    ],
)
def test_columns_that_are_not_known(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "s.csv").write_text(text)
    with pytest.raises(InputError) as caught:
        read_spikes(tmp_path / "s.csv", "th")
    assert message in str(caught.value) and "s.csv" in str(caught.value.source)


def spikes_of(folder: Path, **keys: Any) -> tuple[list[float], list[int]]:
    """Spikes of a population numbered from 10 on, whose files say ids and times (ms)."""
    (folder / "a.gdf").write_text("5 2.0\n13 4.0\n")
    (folder / "b.gdf").write_text("9 3.0\n13 41.0\n")
    tree = network()
    tree["population"]["outside"] = {"spikes": "a.gdf", **keys}
    model = load_model(tree, folder=folder)
    population = model.populations["outside"]
    numbers = range(10, 10 + train_count(population))
    trains = population_trains(population, numbers, model, 1)
    times, source = spikes_between([trains], -np.inf, np.inf)
    return times.tolist(), source.tolist()


def test_ids_count_from_the_first_one(tmp_path: Path) -> None:
    assert spikes_of(tmp_path) == ([2.0, 4.0], [15, 23])
    assert spikes_of(tmp_path, size=20) == ([2.0, 4.0], [15, 23])
    assert spikes_of(tmp_path, size=10, first_id=4) == ([2.0, 4.0], [11, 19])
    assert spikes_of(tmp_path, first_id=5) == ([2.0, 4.0], [10, 18])


def test_files_without_spikes_need_a_size(tmp_path: Path) -> None:
    (tmp_path / "none.csv").write_text("gid,time\n")
    assert spikes_of(tmp_path, spikes="none.csv", size=3) == ([], [])
    with pytest.raises(InputError, match="has no spikes in its files") as caught:
        spikes_of(tmp_path, spikes="none.csv")
    assert caught.value.remedy == "give its size, or other files"


def test_several_files_are_one_population(tmp_path: Path) -> None:
    both = spikes_of(tmp_path, spikes=["a.gdf", "b.gdf"], first_id=4)
    assert both == ([2.0, 3.0, 4.0], [11, 15, 19])


def test_a_table_of_ids_names_the_trains(tmp_path: Path) -> None:
    (tmp_path / "ids.txt").write_text("# ids\n13 5\n9\n")
    np.save(tmp_path / "ids.npy", np.array([13, 5, 9]))
    for ids in ("ids.txt", "ids.npy", [13, 5, 9]):
        both = spikes_of(tmp_path, spikes=["a.gdf", "b.gdf"], ids=ids)
        assert both == ([2.0, 3.0, 4.0], [11, 12, 10])
    with pytest.warns(LfpWarning, match="1 ids that 'ids' does not name are left out, the first"):
        assert spikes_of(tmp_path, ids=[1, 13]) == ([4.0], [11])
    with pytest.raises(InputError, match="has 13 twice"):
        spikes_of(tmp_path, ids=[13, 13])


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ({"size": 10}, "has the ids 0 to 9, but its spikes are of 5 to 13"),
        ({"size": 9, "first_id": 4}, "has the ids 4 to 12"),
        ({"size": 30, "first_id": 6}, "has the ids 6 to 35"),
    ],
)
def test_ids_are_never_guessed(tmp_path: Path, keys: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=re.escape(message)) as caught:
        spikes_of(tmp_path, **keys)
    assert "first_id" in str(caught.value.remedy)


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ({"ids": [1], "first_id": 3}, "does not go with 'first_id'"),
        ({"spikes": None, "rate": 5.0, "size": 2, "first_id": 3}, "belongs to 'spikes'"),
        ({"spikes": None, "rate": 5.0, "size": 2, "ids": [3]}, "belongs to 'spikes'"),
    ],
)
def test_keys_that_do_not_go_together(keys: dict[str, Any], message: str) -> None:
    tree = network()
    table = {"spikes": "a.gdf", **keys}
    tree["population"]["outside"] = {k: v for k, v in table.items() if v is not None}
    with pytest.raises(InputError, match=message):
        load_model(tree)


def test_spikes_before_the_run_are_told(tmp_path: Path) -> None:
    (tmp_path / "early.gdf").write_text("0 -5.0\n1 0.0\n0 -1\n1 3\n")
    with pytest.warns(LfpWarning, match="2 spikes before the start of the run, 0 ms, are left out"):
        assert spikes_of(tmp_path, spikes="early.gdf") == ([0.0, 3.0], [11, 11])


def test_lists_of_ids_that_are_none(tmp_path: Path) -> None:
    for text in ("", "1 x", "-1", "1.5"):
        (tmp_path / "ids.txt").write_text(text)
        with pytest.raises(InputError, match=r"no id|whole") as caught:
            read_ids(tmp_path / "ids.txt")
        assert "ids.txt" in str(caught.value.source)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        (tmp_path / "ids.txt").write_text("3, 4;5\n")
        assert read_ids(tmp_path / "ids.txt").tolist() == [3, 4, 5]

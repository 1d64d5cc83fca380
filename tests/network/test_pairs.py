"""Rules of connections, spike trains and their files, and who lives where; without NEURON."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from network_models import connection, network

from lfpcli import seeds
from lfpcli.errors import InputError
from lfpcli.io.spike_files import read_spikes
from lfpcli.model import SpikeSource, load_model
from lfpcli.tasks.simulate.layout import assign
from lfpcli.tasks.simulate.pairs import Pairs
from lfpcli.tasks.simulate.trains import draw_trains

SIZES = {"E": range(40), "I": range(40, 60)}


def pairs(
    rule: dict[str, Any], pre: str = "E", post: str = "E", **keys: Any
) -> list[tuple[int, int]]:
    """All pairs of a rule, asked for in two halves as two processes would."""
    tree = network()
    tree["connection"] = [connection(pre, post, rule, **keys)]
    table = load_model(tree).connections[0]
    found = []
    for half in (np.arange(0, len(SIZES[post]), 2), np.arange(1, len(SIZES[post]), 2)):
        drawn = Pairs(table, 0, pre=SIZES[pre], post=SIZES[post], seed=3, wanted=half)
        for index in half.tolist():
            rng = seeds.generator(3, "connection", 0, index)
            found += [(int(source), index) for source in drawn.of(index, rng)]
    return found


def counts(found: list[tuple], end: int, size: int) -> np.ndarray:
    return np.bincount([pair[end] for pair in found], minlength=size)


def test_probability_is_that_of_each_pair() -> None:
    found = pairs({"probability": 0.3})
    assert len(set(found)) == len(found)
    assert all(a != b for a, b in found)
    expected = 0.3 * 40 * 39
    assert abs(len(found) - expected) < 4 * np.sqrt(0.7 * expected)


def test_all_but_oneself() -> None:
    assert len(pairs({"all": True})) == 40 * 39
    assert len(pairs({"all": True}, self=True)) == 40 * 40
    assert len(pairs({"all": True}, post="I")) == 40 * 20


@pytest.mark.parametrize("post", ["E", "I"])
def test_indegree_and_outdegree_are_exact_and_without_repeats(post: str) -> None:
    size = len(SIZES[post])
    found = pairs({"indegree": 11}, post=post)
    assert np.all(counts(found, 1, size) == 11) and len(set(found)) == len(found)
    found = pairs({"outdegree": 7}, post=post)
    assert np.all(counts(found, 0, 40) == 7) and len(set(found)) == len(found)
    assert post != "E" or all(a != b for a, b in found)


def test_a_total_is_drawn_with_replacement() -> None:
    found = pairs({"total": 5000})
    assert len(found) == 5000 and len(set(found)) < 1560
    assert all(a != b for a, b in found)


def test_pairs_of_a_file(tmp_path: Path) -> None:
    wanted = [(3, 2), (3, 2), (0, 19)]
    np.save(tmp_path / "p.npy", np.array(wanted))
    assert sorted(pairs({"pairs": str(tmp_path / "p.npy")}, post="I")) == sorted(wanted)
    (tmp_path / "p.txt").write_text("# pre post\n3 2\n3, 2\n\n0 19\n")
    assert sorted(pairs({"pairs": str(tmp_path / "p.txt")}, post="I")) == sorted(wanted)


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("40 0\n", "index 40 in 'pre' of 40"),
        ("1 -1\n", "index -1"),
        ("1 2 3\n", "shape"),
        ("1.5 2\n", "whole"),
        ("a b\n", "pairs"),
    ],
)
def test_mistakes_in_files_of_pairs(tmp_path: Path, text: str, what: str) -> None:
    (tmp_path / "p.txt").write_text(text)
    with pytest.raises(InputError, match=what) as caught:
        pairs({"pairs": str(tmp_path / "p.txt")}, post="I")
    assert "p.txt" in str(caught.value.source)


def test_more_cells_than_there_are() -> None:
    with pytest.raises(InputError, match="40 cells"):
        pairs({"indegree": 40})


def draw(source: SpikeSource, count: int, tstop: float) -> tuple[np.ndarray, np.ndarray]:
    return draw_trains(
        source,
        count,
        rng=seeds.generator(1, "spikes"),
        labels=seeds.generator(1, "labels"),
        tstop=tstop,
        tstart=0.0,
    )


@pytest.mark.parametrize(
    "source",
    [SpikeSource(poisson=20.0), SpikeSource(dist="gamma", params={"a": 2.0, "scale": 25.0})],
    ids=["poisson", "gamma"],
)
def test_trains_of_one_draw(source: SpikeSource) -> None:
    times, index = draw(source, 50, 4000.0)
    assert np.all(np.diff(times) >= 0)
    number = np.bincount(index, minlength=50)
    assert abs(number.mean() - 80.0) < 4 * number.std() / np.sqrt(50)
    spread = number.var() / number.mean()
    assert spread == pytest.approx(1.0 if source.poisson else 0.5, rel=0.6)
    gaps = np.concatenate([np.diff(times[index == k]) for k in range(50)])
    assert gaps.std() / gaps.mean() == pytest.approx(1.0 if source.poisson else 2**-0.5, rel=0.08)
    early, whose = draw(source, 50, 1000.0)
    assert np.array_equal(early, times[: len(early)])
    assert np.array_equal(whose, index[: len(whose)])


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
        ("s.h5", b"\x89HDF\r\n\x1a\ndamaged", "SONATA"),
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


def test_cells_are_dealt_out_by_their_work() -> None:
    cells = {"E": range(90), "I": range(90, 100)}
    costs = {"E": 100.0, "I": 1000.0}
    for size in (2, 3, 7):
        ranks = assign(costs, cells, size, {0: 0, 90: 1})
        assert ranks["E"][0] == 0 and ranks["I"][0] == 1
        load = sum(costs[name] * np.bincount(ranks[name], minlength=size) for name in cells)
        assert load.max() - load.min() <= 1000.0
    alone = assign(costs, {"E": range(2), "I": range(2, 3)}, 8, {})
    assert len({*alone["E"], *alone["I"]}) == 3

"""Rules of connections, and who lives where; without NEURON."""

from __future__ import annotations

import dataclasses
import itertools
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from network_models import connection, network
from scipy import stats

from lfpcli import seeds
from lfpcli.errors import InputError
from lfpcli.model import Connection, load_model
from lfpcli.tasks.simulate.estimate import expected_sources
from lfpcli.tasks.simulate.layout import assign
from lfpcli.tasks.simulate.pairs import Pairs, Places

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


def table_of(rule: dict[str, Any], pre: str = "E", post: str = "E") -> Connection:
    tree = network()
    tree["connection"] = [connection(pre, post, rule)]
    return load_model(tree).connections[0]


def by_distance(expression: str, somata: np.ndarray, seed: int = 3) -> np.ndarray:
    """Pairs among cells at some places, (n, 2)."""
    table, size = table_of({"probability": {"expr": expression}}), len(somata)
    drawn = Pairs(
        table,
        0,
        pre=range(size),
        post=range(size),
        seed=seed,
        wanted=np.arange(size),
        places=Places(somata, somata),
    )
    found = []
    for index in range(size):
        for source in drawn.of(index, seeds.generator(seed, "connection", 0, index)):
            found.append((int(source), index))
    return np.array(found)


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


def test_totals_and_outdegrees_spread_evenly_over_the_targets() -> None:
    for rule, spread in (({"total": 8000}, 1.0), ({"outdegree": 10}, 0.75)):
        for post in ("E", "I"):
            if post == "I" and "outdegree" in rule:
                spread = 0.5
            size = len(SIZES[post])
            number = counts(pairs(rule, post=post), 1, size)
            expected = number.sum() / size
            # of the sum of squares, in units of what a multinomial or a choice without repeats has
            deviation = ((number - expected) ** 2).sum() / (spread * expected)
            assert stats.chi2(size - 1).sf(deviation) > 1e-3, (rule, post)
            assert stats.chi2(size - 1).cdf(deviation) > 1e-3, (rule, post)


def test_probability_by_distance_is_that_of_each_distance() -> None:
    somata = np.random.default_rng(1).uniform(0, 300, (400, 3))
    found = by_distance("0.6 * exp(-d / 80)", somata)
    assert np.all(found[:, 0] != found[:, 1])
    every = np.linalg.norm(somata[:, None] - somata[None], axis=2)
    drawn = every[found[:, 0], found[:, 1]]
    edges = np.linspace(20, 300, 15)
    off_diagonal = every[~np.eye(len(somata), dtype=bool)]
    number, _ = np.histogram(drawn, edges)
    for k, (low, high) in enumerate(itertools.pairwise(edges)):
        chances = 0.6 * np.exp(-off_diagonal[(off_diagonal >= low) & (off_diagonal < high)] / 80)
        spread = np.sqrt((chances * (1 - chances)).sum())
        assert abs(number[k] - chances.sum()) < 4 * spread


def test_probability_by_place_knows_directions() -> None:
    somata = np.array([[0.0, 0, 0], [10, 0, 0], [0, 10, 0], [3, 4, 50]])
    # z of the presynaptic soma above the postsynaptic one
    assert by_distance("max(0, min(1, z))", somata).tolist() == [[3, 0], [3, 1], [3, 2]]
    assert by_distance("max(0, min(1, 6 - r))", somata).tolist() == [[3, 0], [0, 3]]
    # an expression that is a number draws what the number draws
    same = by_distance("0.3", somata).tolist()
    table = table_of({"probability": 0.3})
    number = Pairs(table, 0, pre=range(4), post=range(4), seed=3, wanted=np.arange(4))
    for index in range(4):
        sources = number.of(index, seeds.generator(3, "connection", 0, index)).tolist()
        assert sources == [source for source, post in same if post == index]


def test_probabilities_that_are_none_are_named() -> None:
    somata = np.array([[0.0, 0, 0], [10, 0, 0]])
    with pytest.raises(InputError, match="probability is 2 at a distance of 0 um"):
        by_distance("2 - d / 100", somata)
    with pytest.raises(InputError, match="a probability by distance needs cells, 'T' has none"):
        rule = {"probability": {"expr": "exp(-d)"}}
        Pairs(
            dataclasses.replace(table_of(rule), pre="T"),
            0,
            pre=range(2),
            post=range(2),
            seed=1,
            wanted=np.arange(2),
        )
    with pytest.raises(InputError, match="belongs to 'indegree'"):
        table_of({"probability": 0.1, "replace": True})


def test_expected_numbers_are_means_over_places() -> None:
    table = table_of({"probability": {"expr": "0.5 * exp(-d / 50)"}})
    somata = np.random.default_rng(2).uniform(0, 100, (50, 3))
    every = 0.5 * np.exp(-np.linalg.norm(somata[:, None] - somata[None], axis=2) / 50)
    mean = (every.sum() - np.trace(every)) / 50
    assert np.isclose(expected_sources(table, 50, 50, Places(somata, somata)), mean)


def test_indegree_with_replacement_repeats_pairs() -> None:
    found = pairs({"indegree": 60, "replace": True})
    assert np.all(counts(found, 1, 40) == 60) and all(a != b for a, b in found)
    # of 60 draws of 39 cells, 39 (1 - (1 - 1/39)^60) differ in the mean
    different = np.array([len({a for a, b in found if b == post}) for post in range(40)])
    expected = 39 * (1 - (1 - 1 / 39) ** 60)
    assert abs(different.mean() - expected) < 4 * 2.0 / np.sqrt(40)
    number = counts(found, 0, 40)
    deviation = ((number - 60.0) ** 2).sum() / 60.0
    assert stats.chi2(39).sf(deviation) > 1e-3 and stats.chi2(39).cdf(deviation) > 1e-3


def test_no_pair_can_be_drawn() -> None:
    tree = network()
    tree["connection"] = [connection("E", "E", {"total": 3})]
    table = load_model(tree).connections[0]
    with pytest.raises(InputError, match="there is no pair to draw"):
        Pairs(table, 0, pre=range(1), post=range(1), seed=1, wanted=np.arange(1))


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
        ("a b\n", "no column 'pre'"),
        ("pre,post\n1,x\n", "column 'post' holds 'x'"),
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

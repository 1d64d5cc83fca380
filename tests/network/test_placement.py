"""Somata that come too near one another."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from lfpcli.errors import InputError
from lfpcli.model import load_model
from lfpcli.tasks.simulate import somata as placement
from lfpcli.tasks.simulate.layout import lay_out


@pytest.mark.parametrize("distance", [0.0, 5.0, 20.0])
def test_few_and_many_points_are_told_apart_alike(
    distance: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    points = np.random.default_rng(1).uniform(0, 100, (300, 3))
    points[17] = points[5]
    few = placement._too_near(points, distance)
    monkeypatch.setattr(placement, "_FEW", 0)
    np.testing.assert_array_equal(placement._too_near(points, distance), few)
    gaps = np.linalg.norm(points[:, None] - points, axis=2)
    expected = [k for k in range(300) if distance > 0 and (gaps[k, :k] <= distance).any()]
    assert few.tolist() == expected
    assert (17 in few) == (distance > 0)


def positions(place: dict, size: int, *, others: dict | None = None) -> dict[str, np.ndarray]:
    tree = {
        "run": {"seed": 3},
        "cell": {"c": {"morphology": "c.swc"}},
        "population": {
            **(others or {}),
            "S": {"cell": "c", "size": size, "place": {"shape": "cylinder", **place}},
        },
    }
    return lay_out(load_model(tree), 3).positions


@pytest.mark.parametrize(
    ("place", "size", "most"),
    [
        ({"radius": 20.0, "min_distance": 5.0}, 1000, 73),
        ({"radius": 1.0, "min_distance": 100.0}, 1000, 1),
        ({"radius": 0.0, "min_distance": 1.0, "z": {"dist": "uniform", "scale": 9.0}}, 13, 11),
        ({"radius": 50.0, "min_distance": 40.0, "z": {"dist": "norm", "scale": 30.0}}, 100, 88),
    ],
)
def test_a_crowd_that_fits_in_no_arrangement_is_refused_at_once(
    monkeypatch: pytest.MonkeyPatch, place: dict, size: int, most: int
) -> None:
    # not one round of drawing
    monkeypatch.setattr(placement, "_draw", None)
    with pytest.raises(InputError, match=f"holds more than {most}") as caught:
        positions(place, size)
    assert "smaller min_distance" in str(caught.value)


def test_the_bound_refuses_nothing_that_fits() -> None:
    # the densest plane, a hexagonal lattice, in a disc about one of its points
    lattice = [
        (i + 0.5 * j, np.sqrt(0.75) * j) for i, j in itertools.product(range(-60, 61), repeat=2)
    ]
    reach = np.hypot(*np.transpose(lattice))
    for radius in (0.0, 0.5, 1.0, 3.3, 10.0, 25.0):
        assert np.count_nonzero(reach <= radius) <= placement._most_points(radius, 0.0, 1.0)
    # the densest space, a face-centred cubic lattice of neighbours at distance 1
    cubic = np.array(list(itertools.product(range(-12, 13), repeat=3)))
    cubic = cubic[cubic.sum(axis=1) % 2 == 0] / np.sqrt(2.0)
    for radius, height in ((1.0, 0.5), (2.0, 3.0), (4.0, 10.0), (0.0, 8.0)):
        inside = (np.hypot(cubic[:, 0], cubic[:, 1]) <= radius) & (
            np.abs(cubic[:, 2]) <= height / 2
        )
        assert np.count_nonzero(inside) <= placement._most_points(radius, height, 1.0)


def test_other_populations_are_kept_apart_from_where_asked() -> None:
    first = {"A": {"cell": "c", "size": 60, "place": {"shape": "cylinder", "radius": 60.0}}}
    place = {"radius": 60.0, "min_distance": 6.0}
    alone = positions(place, 40, others=first)
    apart = positions({**place, "apart_from": ["A"]}, 40, others=first)

    def gap(points: dict[str, np.ndarray]) -> float:
        return float(np.linalg.norm(points["A"][:, None] - points["S"], axis=2).min())

    assert gap(alone) < 6.0 < gap(apart)
    own = np.linalg.norm(apart["S"][:, None] - apart["S"], axis=2) + 1e9 * np.eye(40)
    assert own.min() > 6.0
    with pytest.raises(InputError, match="'S', which is no population of cells before"):
        positions({**place, "apart_from": ["S"]}, 4, others=first)
    with pytest.raises(InputError, match="belongs to 'min_distance'"):
        positions({"radius": 60.0, "apart_from": ["A"]}, 4, others=first)


def test_a_crowd_that_random_places_do_not_hold_is_given_up(shell, share, tmp_path) -> None:
    """A third of the cylinder is filled: an ordered arrangement would hold them all."""
    model = tmp_path / "jam.toml"
    model.write_text(
        f"""
[run]
tstop = 1.0
seed = 1
[cell.c]
morphology = "{share}/morphologies/stick.swc"
[population.S]
cell = "c"
size = 500
place = {{shape = "cylinder", radius = 50.0, z = {{dist = "uniform", loc = -50.0, scale = 100.0}}, min_distance = 10.0}}
"""  # noqa: E501
    )
    err = shell("sim", model, "-o", tmp_path / "o.h5", code=3).err
    assert "500 cells do not fit at random" in err and "find no room" in err
    assert not (tmp_path / "o.h5").exists()

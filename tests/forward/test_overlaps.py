"""Regions that overlap: what is meant, and what the order alone would decide."""

from __future__ import annotations

import numpy as np
import pytest

from lfpcli.errors import InputError
from lfpcli.forward.overlaps import check_order, overlaps
from lfpcli.forward.regions import METAL, Ball, Box, Cylinder, Medium, Region, Shape

INF = np.inf


def region(shape: Shape, sigma: float) -> Region:
    return Region(shape=shape, sigma=METAL if np.isinf(sigma) else (sigma,) * 3)


def slab(low: float, high: float, sigma: float) -> Region:
    return region(Box(low=(-INF, -INF, low), high=(INF, INF, high)), sigma)


def ball(z: float, radius: float, sigma: float) -> Region:
    return region(Ball(centre=(0, 0, z), radius=radius), sigma)


def rod(radius: float, low: float, high: float, sigma: float, axis: int = 2) -> Region:
    return region(Cylinder(axis=axis, centre=(0, 0), radius=radius, low=low, high=high), sigma)


LAYER = slab(0, 100, 0.3)
BOX = region(Box(low=(-10, -10, 0), high=(10, 10, 20)), 1.0)


@pytest.mark.parametrize(
    "regions",
    [
        (LAYER, slab(100, 200, 1.0)),
        # within, up to faces that touch
        (LAYER, ball(50, 50, 1.0)),
        (LAYER, BOX),
        (LAYER, rod(5, 0, 100, 1.0)),
        (ball(0, 90, 0.3), ball(0, 85, 0.01), ball(0, 80, 1.5)),
        (rod(20, -INF, INF, 1.0), rod(10, -INF, INF, 0.1)),
        (ball(0, 50, 0.3), rod(29, -40, 40, 1.0)),
        # bodies that stand in several layers
        (LAYER, slab(100, 200, 1.0), rod(10, -INF, INF, 0.0)),
        (LAYER, slab(100, 200, 1.0), rod(10, 80, 120, INF)),
        # extents that overlap of shapes that do not
        (ball(0, 50, 0.3), region(Ball(centre=(80, 80, 0), radius=50), 1.0)),
        (ball(0, 50, 0.3), region(Box(low=(40, 40, -9), high=(90, 90, 9)), 1.0)),
        # of one conductivity nothing is to be told apart
        (LAYER, ball(100, 20, 0.3)),
    ],
)
def test_what_is_meant_is_taken(regions: tuple[Region, ...]) -> None:
    check_order(Medium(regions=regions), [False] * len(regions))


@pytest.mark.parametrize(
    ("regions", "fault"),
    [
        ((LAYER, ball(100, 20, 1.0)), r"regions\[0\] and regions\[1\] overlap"),
        ((LAYER, slab(90, 200, 1.0)), r"regions\[0\] and regions\[1\] overlap"),
        ((BOX, ball(20, 8, 0.1)), r"regions\[0\] and regions\[1\] overlap"),
        ((ball(0, 50, 0.3), rod(31, -40, 40, 1.0)), r"regions\[0\] and regions\[1\] overlap"),
        ((rod(9, -9, 9, 1.0), rod(9, -50, 50, 2.0, axis=0)), "neither lies within the other"),
        # tissue over a part of the body of a probe, and metal over an insulator
        ((rod(10, 0, INF, 0.0), slab(50, 90, 1.0)), r"give .* or regions\[1\] the key over = true"),
        ((LAYER, rod(10, 0, 50, 0.0), rod(5, 40, 60, INF)), r"regions\[1\] and regions\[2\]"),
        ((BOX, slab(-10, 30, 0.3)), r"regions\[0\] lies within regions\[1\], .* hides it"),
    ],
)
def test_what_the_order_would_decide_is_refused(regions: tuple[Region, ...], fault: str) -> None:
    medium = Medium(regions=regions)
    with pytest.raises(InputError, match=fault):
        check_order(medium, [False] * len(regions))
    check_order(medium, [True] * len(regions))


def test_overlaps_are_told() -> None:
    body = rod(10, -INF, INF, 0.0)
    assert overlaps(Medium(regions=(LAYER, slab(100, 200, 1.0), body))) == [(0, 2), (1, 2)]
    assert overlaps(Medium(regions=(LAYER, slab(-INF, 0, 0.0)))) == []

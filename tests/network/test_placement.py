"""Somata that come too near one another."""

from __future__ import annotations

import numpy as np
import pytest

from lfpcli.tasks.simulate import somata as placement


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

"""Slices say what would bring a cell in, and bring it in where they are asked to."""

from __future__ import annotations

import numpy as np
import pytest

from lfpcli.errors import InputError
from lfpcli.forward.media import Slice
from lfpcli.geometry import Geometry


def sticks(*spans: tuple[float, float]) -> Geometry:
    """One upright segment for each cell."""
    start = np.array([[10.0 * k, 0.0, low] for k, (low, _) in enumerate(spans)])
    end = np.array([[10.0 * k, 0.0, high] for k, (_, high) in enumerate(spans)])
    return Geometry(start, end, np.ones(len(spans)), gid=np.arange(len(spans)))


def test_the_shift_that_is_needed_is_told() -> None:
    with pytest.raises(InputError, match=r"from z = -40 to 120 um: shift it by 40 um along z"):
        Slice(200.0).prepare(sticks((20.0, 80.0), (-40.0, 120.0)))
    with pytest.raises(InputError, match=r"shift it by -30 um along z, or set fit = true"):
        Slice(200.0).prepare(sticks((100.0, 230.0)))


def test_a_cell_that_is_too_large_is_to_be_squeezed() -> None:
    for fit in (False, True):
        with pytest.raises(InputError, match=r"squeeze it by more than 0\.2"):
            Slice(200.0, fit=fit).prepare(sticks((0.0, 250.0)))


def test_each_cell_is_moved_as_little_as_is_needed() -> None:
    geometry = sticks((20.0, 80.0), (-40.0, 120.0), (100.0, 230.0))
    fitted = Slice(200.0, fit=True).prepare(geometry)
    np.testing.assert_allclose(fitted.start[:, 2], [20.0, 0.0, 70.0])
    np.testing.assert_allclose(fitted.end[:, 2], [80.0, 160.0, 200.0])
    np.testing.assert_array_equal(fitted.start[:, :2], geometry.start[:, :2])
    shifted = Slice(200.0, z_shift=-100.0, fit=True).prepare(sticks((-150.0, -50.0)))
    np.testing.assert_allclose(shifted.start[0, 2], -100.0)

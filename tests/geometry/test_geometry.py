"""Segments and the names of their sections."""

from __future__ import annotations

import numpy as np
import pytest

from lfpcli.errors import InputError
from lfpcli.geometry import Geometry, select_sections

NAMES = ["Pyr[0].soma[0]", "Pyr[0].dend[1]", "Pyr[0].dend[10]", "dend2", "apic_1[0]", "axon"]


@pytest.mark.parametrize(
    ("patterns", "found"),
    [
        (["all"], [0, 1, 2, 3, 4, 5]),
        (["soma"], [0]),
        (["dend"], [1, 2, 3]),
        (["dend[1]"], [1]),
        (["dend[1*]"], [1, 2]),
        (["Pyr[0].dend[10]"], [2]),
        (["apic", "axon"], [4, 5]),
        (["*"], [0, 1, 2, 3, 4, 5]),
    ],
)
def test_patterns_name_sections(patterns: list[str], found: list[int]) -> None:
    assert select_sections(NAMES, patterns).tolist() == found


@pytest.mark.parametrize(("pattern", "near"), [("smoa", "soma"), ("dend[2]", "dend[1]")])
def test_unknown_section_names_the_nearest(pattern: str, near: str) -> None:
    with pytest.raises(InputError, match="there is no section") as caught:
        select_sections(NAMES, [pattern])
    assert caught.value.remedy is not None
    assert near in caught.value.remedy


def test_geometry_fills_what_is_left_out() -> None:
    geometry = Geometry([[0, 0, 0], [0, 0, 10]], [[0, 0, 10], [0, 0, 30]], [2.0, 1.0])
    np.testing.assert_allclose(geometry.length, [10.0, 20.0])
    np.testing.assert_allclose(geometry.area, np.pi * np.array([20.0, 20.0]))
    np.testing.assert_allclose(geometry.middle[:, 2], [5.0, 20.0])
    assert geometry.is_soma.tolist() == [True, True]


def test_first_segment_stands_in_for_a_missing_soma() -> None:
    ends = np.zeros((4, 3))
    geometry = Geometry(
        ends, ends + 1, np.ones(4), gid=np.array([0, 0, 1, 1]), section_names=["dend"]
    )
    assert geometry.is_soma.tolist() == [True, False, True, False]


def test_parts_of_different_length_are_an_error() -> None:
    with pytest.raises(InputError, match="'diam' has 1 rows, 'start' has 2"):
        Geometry(np.zeros((2, 3)), np.ones((2, 3)), np.ones(1))

"""Paths of axial currents follow the tree, also where a dendrite folds back to its parent."""

from __future__ import annotations

import numpy as np

from lfpcli.forward.tree_dipoles import tree_dipoles
from lfpcli.geometry import Geometry


def cell(x: list[float], section: list[int]) -> Geometry:
    """A parent along z, and a dendrite that comes back to the parent's middle."""
    return Geometry(
        start=[[0, 0, 0], [0, 0, 100], [60, 0, 100], [40, 0, 60]],
        end=[[0, 0, 100], [60, 0, 100], [40, 0, 60], [1, 0, 50]],
        diam=np.ones(4),
        gid=np.zeros(4, int),
        section=np.array(section),
        parent=np.array([-1, 0, 1, 2]),
        x=np.array(x),
        section_names=["soma[0]", "dend[0]", "dend[1]", "dend[2]"],
    )


def test_a_segment_hangs_on_its_parent_by_its_start() -> None:
    for x, section in (
        ([0.5, 0.1, 0.5, 0.9], [0, 1, 1, 1]),
        ([0.5, 0.5, 0.5, 0.5], [0, 1, 2, 3]),
    ):
        geometry = cell(x, section)
        _, vectors, _ = tree_dipoles(geometry)
        np.testing.assert_array_equal(vectors[::2], geometry.start[1:] - geometry.middle[:-1])


def test_a_section_connected_by_its_end_is_followed_from_there() -> None:
    geometry = cell([0.5, 0.9, 0.5, 0.1], [0, 1, 1, 1])
    turned = Geometry(
        start=np.vstack([geometry.start[:1], geometry.end[1:]]),
        end=np.vstack([geometry.end[:1], geometry.start[1:]]),
        diam=geometry.diam,
        section=geometry.section,
        parent=geometry.parent,
        x=geometry.x,
        section_names=geometry.section_names,
    )
    _, vectors, _ = tree_dipoles(turned)
    np.testing.assert_array_equal(vectors[::2], turned.end[1:] - turned.middle[:-1])

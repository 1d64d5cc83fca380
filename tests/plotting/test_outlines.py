"""Geometry of what is drawn of cells."""

from __future__ import annotations

import numpy as np
import pytest
import synthetic

from lfpcli.geometry import Geometry
from lfpcli.plotting.morphology import Cones, end_diameters, extent, outlines


def cone(start, end, first, last):
    return Cones(
        np.array([start], float), np.array([end], float), np.array([first]), np.array([last])
    )


def area(polygon):
    x, y = polygon.T
    return 0.5 * abs(np.dot(x, np.roll(y, 1)) - np.dot(y, np.roll(x, 1)))


def test_cone_in_the_plane_is_a_trapezium():
    (polygon,) = outlines(cone((0, 5, 0), (0, 5, 10), 4.0, 2.0))
    assert area(polygon) == pytest.approx(10 * 3.0, rel=1e-12)
    assert polygon.min(axis=0) == pytest.approx([-2.0, 0.0])
    assert polygon.max(axis=0) == pytest.approx([2.0, 10.0])


def test_cylinder_from_its_end_is_a_circle():
    (polygon,) = outlines(cone((3, 0, 7), (3, 10, 7), 4.0, 4.0))
    assert np.linalg.norm(polygon - (3, 7), axis=1) == pytest.approx(np.full(len(polygon), 2.0))
    assert area(polygon) == pytest.approx(np.pi * 4.0, rel=0.03)


def test_oblique_cylinder_has_caps_of_ellipses():
    (polygon,) = outlines(cone((0, 0, 0), (0, 10, 10), 2.0, 2.0))
    # the axis is seen 10 um long, and each cap bulges by the radius times the cosine of 45 degrees
    assert polygon[:, 1].max() == pytest.approx(10 + np.sqrt(0.5))
    assert polygon[:, 1].min() == pytest.approx(-np.sqrt(0.5))


@pytest.mark.parametrize("view", ["xz", "yz", "xy"])
def test_views_take_the_named_axes(view):
    (polygon,) = outlines(cone((1, 2, 3), (1, 2, 3), 0.0, 0.0), view)
    wanted = np.array([(1, 2, 3)["xyz".index(c)] for c in view], float)
    assert polygon == pytest.approx(np.tile(wanted, (len(polygon), 1)))


def test_diameters_meet_within_a_section_only():
    geometry = Geometry(
        np.array([[0, 0, 0], [0, 0, 10], [0, 0, 20]]),
        np.array([[0, 0, 10], [0, 0, 20], [0, 0, 30]]),
        np.array([4.0, 2.0, 1.0]),
        section=np.array([0, 0, 1]),
        parent=np.array([-1, 0, 1]),
        section_names=["soma[0]", "dend[0]"],
    )
    first, last = end_diameters(geometry)
    assert first.tolist() == [4.0, 3.0, 1.0]
    assert last.tolist() == [3.0, 2.0, 1.0]


def test_far_contacts_are_outside_the_picture():
    from lfpcli.plotting.morphology import Sites

    tree = synthetic.tree(np.random.default_rng(1))
    points = np.concatenate([tree.start, tree.end])
    near = Sites(np.array([[300.0, 0.0, 0.0]]))
    far = Sites(np.array([[9e4, 0.0, 0.0]]))
    assert extent(points, [far])[1] == pytest.approx(extent(points)[1])
    assert extent(points, [near])[1][0] > 300

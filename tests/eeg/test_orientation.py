"""Turning cells onto normals, and dipoles of axial currents."""

from __future__ import annotations

import numpy as np
import pytest

from lfpcli.errors import InputError
from lfpcli.forward.far_field import far_field_ratio
from lfpcli.forward.orientation import rotations_onto
from lfpcli.forward.tree_dipoles import tree_dipoles
from lfpcli.geometry import Geometry

NORMALS = [[0, 0, 1], [0, 0, -1], [1e-9, 0, -1], [0, -1e-12, -1], [1, 0, 0], [0, -3, 4], [1, 2, -2]]


@pytest.mark.parametrize("normal", NORMALS)
def test_z_goes_onto_the_normal_by_a_proper_rotation(normal: list[float]) -> None:
    turn = rotations_onto(normal)[0]
    np.testing.assert_allclose(turn @ [0, 0, 1], normal / np.linalg.norm(normal), atol=1e-15)
    np.testing.assert_allclose(turn @ turn.T, np.eye(3), atol=1e-15)
    assert np.linalg.det(turn) == pytest.approx(1.0)


def test_the_shortest_rotation_is_taken() -> None:
    """What is perpendicular to both z and the normal stays where it is."""
    normals = np.random.default_rng(1).standard_normal((20, 3))
    for normal, turn in zip(normals, rotations_onto(normals), strict=True):
        axis = np.cross([0, 0, 1], normal)
        np.testing.assert_allclose(turn @ axis, axis, atol=1e-14)


def test_zero_normal() -> None:
    with pytest.raises(InputError, match="number 1 has no direction"):
        rotations_onto([[0, 0, 1], [0, 0, 0]])


def branched() -> Geometry:
    """Two cells; in the first, two branches, one of which hangs by its other end."""
    points = np.array(
        [
            [[0, 0, -5], [0, 0, 5]],
            [[0, 0, 5], [0, 0, 50]],
            [[0, 0, 50], [30, 10, 90]],
            [[-40, 5, 80], [0, 0, 50]],
            [[500, 0, 0], [500, 0, 20]],
            [[500, 0, 20], [510, 0, 90]],
        ],
        dtype=float,
    )
    return Geometry(
        points[:, 0],
        points[:, 1],
        np.full(6, 2.0),
        gid=np.array([0, 0, 0, 0, 1, 1]),
        parent=np.array([-1, 0, 1, 1, -1, 4]),
    )


def balanced(geometry: Geometry, seed: int = 2) -> np.ndarray:
    imem = np.random.default_rng(seed).standard_normal((len(geometry), 7))
    for gid in np.unique(geometry.gid):
        imem[geometry.gid == gid] -= imem[geometry.gid == gid].mean(axis=0)
    return imem


def test_axial_dipoles_add_to_the_dipole_moment() -> None:
    geometry = branched()
    imem = balanced(geometry)
    currents, vectors, _ = tree_dipoles(geometry)
    got = vectors.T @ (currents @ imem)
    np.testing.assert_allclose(got, geometry.middle.T @ imem, rtol=1e-12)


def test_axial_current_is_what_leaves_beyond() -> None:
    geometry = branched()
    imem = balanced(geometry)
    currents, vectors, positions = tree_dipoles(geometry)
    into = currents @ imem
    assert into.shape == (8, 7)
    np.testing.assert_allclose(into[0], imem[1:4].sum(axis=0))
    np.testing.assert_allclose(into[2], imem[2])
    # the branch stored from its tip hangs by the end that is near its parent
    np.testing.assert_allclose(vectors[4], [0, 0, 50 - 27.5])
    np.testing.assert_allclose(positions[5], [-10, 1.25, 57.5])


def test_parents_in_a_circle() -> None:
    geometry = branched()
    geometry.parent[:3] = [2, 0, 1]
    with pytest.raises(InputError, match="circle"):
        tree_dipoles(geometry)


def test_far_away_the_dipole_stands_for_the_cell() -> None:
    geometry = branched()
    imem = balanced(geometry)
    assert far_field_ratio(geometry, imem, 1e6) == pytest.approx(1.0, abs=1e-4)
    near = abs(far_field_ratio(geometry, imem, 1000.0) - 1)
    assert near > 10 * abs(far_field_ratio(geometry, imem, 10000.0) - 1)


def test_a_monopole_spoils_the_far_field() -> None:
    geometry = branched()
    imem = balanced(geometry)
    imem[0] += 1.0
    assert far_field_ratio(geometry, imem, 1e5) > 10


def test_without_currents_there_is_no_ratio() -> None:
    assert np.isnan(far_field_ratio(branched(), np.zeros((6, 3))))

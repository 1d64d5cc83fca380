"""Rotations and other changes of place, and their text forms."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from lfpcli.errors import UsageError
from lfpcli.forward import transforms
from lfpcli.geometry import Geometry


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(11)


@pytest.fixture
def two_cells(rng: np.random.Generator) -> Geometry:
    start = rng.normal(scale=100.0, size=(8, 3))
    return Geometry(
        start=start,
        end=start + rng.normal(scale=20.0, size=(8, 3)),
        diam=rng.uniform(0.5, 3.0, 8),
        gid=np.repeat([3, 7], 4),
        section=np.array([0, 0, 1, 1, 2, 2, 1, 1]),
        section_names=("soma[0]", "dend[0]", "apic[0]"),
    )


@pytest.mark.parametrize("order", ["xyz", "zyx", "yxz", "zxy"])
def test_matrix_is_that_of_fixed_axes_in_order(order: str, rng: np.random.Generator) -> None:
    angles = dict(zip("xyz", rng.uniform(-180, 180, 3), strict=True))
    expected = Rotation.from_euler(order, [angles[a] for a in order], degrees=True).as_matrix()
    got = transforms.rotation_matrix({**angles, "order": order})
    np.testing.assert_allclose(got, expected, rtol=0, atol=1e-15)


def test_quarter_turns_are_exact() -> None:
    turn = transforms.rotation_matrix({"z": 90.0})
    np.testing.assert_array_equal(turn @ [1.0, 0.0, 0.0], [0.0, 1.0, 0.0])
    back = transforms.rotation_matrix({"z": -450.0})
    np.testing.assert_array_equal(back @ turn, np.eye(3))


def test_negative_angles_in_reverse_order_restore(rng: np.random.Generator) -> None:
    x, y, z = rng.uniform(-180, 180, 3)
    there = transforms.rotation_matrix({"x": x, "y": y, "z": z})
    back = transforms.rotation_matrix({"x": -x, "y": -y, "z": -z, "order": "zyx"})
    np.testing.assert_allclose(back @ there, np.eye(3), atol=1e-15)


def test_axis_angle_agrees_with_rotation_vector(rng: np.random.Generator) -> None:
    axis = rng.normal(size=3)
    unit = axis / np.linalg.norm(axis)
    expected = Rotation.from_rotvec(np.deg2rad(37.0) * unit).as_matrix()
    got = transforms.rotation_matrix({"axis": 1e200 * axis, "angle": 37.0})
    np.testing.assert_allclose(got, expected, atol=1e-15)


def test_tilt_tips_z_towards_the_azimuth() -> None:
    turn = transforms.rotation_matrix({"tilt": 30.0, "azimuth": 90.0})
    np.testing.assert_allclose(turn @ [0, 0, 1.0], [0, 0.5, np.sqrt(0.75)], atol=1e-15)
    np.testing.assert_allclose(turn @ [1.0, 0, 0], [1.0, 0, 0], atol=1e-15)


def test_random_angle_needs_and_uses_the_generator() -> None:
    spec = {"x": 10.0, "z": "random"}
    first = transforms.rotation_matrix(spec, np.random.default_rng(1))
    again = transforms.rotation_matrix(spec, np.random.default_rng(1))
    other = transforms.rotation_matrix(spec, np.random.default_rng(2))
    np.testing.assert_array_equal(first, again)
    assert np.abs(first - other).max() > 1e-3
    with pytest.raises(UsageError, match="'random' where nothing is drawn"):
        transforms.rotation_matrix(spec)


def test_random_rotations_are_uniform(rng: np.random.Generator) -> None:
    turns = np.array([transforms.random_rotation(rng) for _ in range(4000)])
    np.testing.assert_allclose(
        turns @ turns.transpose(0, 2, 1), np.eye(3)[None] + 0 * turns, atol=1e-14
    )
    np.testing.assert_allclose(np.linalg.det(turns), 1.0, atol=1e-14)
    images = turns[:, :, 2]
    # a uniform direction has mean 0 and second moment 1/3 along each axis
    assert np.abs(images.mean(axis=0)).max() < 4 / np.sqrt(3 * 4000)
    np.testing.assert_allclose((images**2).mean(axis=0), 1 / 3, atol=0.02)
    # the rotation angle has density (1 - cos a) / pi: mean of the trace is 0
    assert abs(np.trace(turns, axis1=1, axis2=2).mean()) < 4 / np.sqrt(4000)


def test_soma_place_is_per_cell_and_falls_back_to_the_first_segment(two_cells: Geometry) -> None:
    places = transforms.soma_places(two_cells)
    np.testing.assert_allclose(places[0], two_cells.middle[:2].mean(axis=0), rtol=1e-14)
    np.testing.assert_array_equal(places[4:], np.broadcast_to(two_cells.middle[4], (4, 3)))


def test_rotation_keeps_the_soma_lengths_and_areas(two_cells: Geometry) -> None:
    turned = transforms.rotate(two_cells, transforms.rotation_matrix({"x": 50.0, "y": 20.0}))
    np.testing.assert_allclose(
        transforms.soma_places(turned), transforms.soma_places(two_cells), rtol=1e-13
    )
    np.testing.assert_allclose(turned.length, two_cells.length, rtol=1e-13)
    np.testing.assert_array_equal(turned.area, two_cells.area)


def test_rotation_takes_the_documented_sense() -> None:
    ends = np.array([[0.0, 0.0, 0.0], [-25.0, 10.0, 0.0]])
    cell = Geometry(
        start=ends,
        end=ends,
        diam=np.ones(2),
        section=np.array([0, 1]),
        section_names=("soma[0]", "dend[0]"),
    )
    turned = transforms.rotate(cell, transforms.rotation_matrix({"z": 90.0}))
    np.testing.assert_array_equal(turned.start[1], [-10.0, -25.0, 0.0])


def test_rotation_about_a_point_is_rigid(two_cells: Geometry) -> None:
    turn = transforms.rotation_matrix({"y": 33.0})
    turned = transforms.rotate(two_cells, turn, about=(5.0, 0.0, 0.0))
    np.testing.assert_allclose(
        turned.end[5] - turned.start[0], turn @ (two_cells.end[5] - two_cells.start[0]), rtol=1e-12
    )
    still = transforms.rotate(two_cells, turn, about=two_cells.end[3])
    np.testing.assert_array_equal(still.end[3], two_cells.end[3])


def test_place_puts_each_soma_and_move_shifts(two_cells: Geometry) -> None:
    placed = transforms.place(two_cells, (1.0, 2.0, 3.0))
    np.testing.assert_allclose(
        transforms.soma_places(placed), np.broadcast_to([1.0, 2.0, 3.0], (8, 3)), atol=1e-13
    )
    moved = transforms.move(two_cells, (0.0, 0.0, 100.0))
    np.testing.assert_array_equal(moved.end - two_cells.end, np.tile([0.0, 0.0, 100.0], (8, 1)))


def test_mirror_twice_is_the_identity(two_cells: Geometry) -> None:
    once = transforms.mirror(two_cells, "y")
    soma = transforms.soma_places(two_cells)
    np.testing.assert_allclose(once.start[:, 1] - soma[:, 1], soma[:, 1] - two_cells.start[:, 1])
    np.testing.assert_allclose(once.start[:, 0], two_cells.start[:, 0], rtol=1e-13)
    np.testing.assert_allclose(transforms.mirror(once, "y").start, two_cells.start, atol=1e-13)


def test_distortion_scales_about_the_soma(two_cells: Geometry) -> None:
    got = transforms.distort(two_cells, 0.2, axis="x", nu=0.5)
    soma = transforms.soma_places(two_cells)
    np.testing.assert_allclose(got.end - soma, (two_cells.end - soma) * [0.8, 1.1, 1.1], rtol=1e-12)
    np.testing.assert_array_equal(got.area, two_cells.area)


def test_transforms_leave_their_argument_alone(two_cells: Geometry) -> None:
    before = two_cells.start.copy()
    transforms.rotate(two_cells, transforms.rotation_matrix({"x": 5.0}))
    transforms.distort(two_cells, 0.5)
    transforms.place(two_cells, (9.0, 9.0, 9.0))
    np.testing.assert_array_equal(two_cells.start, before)


@pytest.mark.parametrize(
    ("text", "spec"),
    [
        ("x=90,z=30", {"x": 90.0, "z": 30.0}),
        (" x = 90 , order = zyx ", {"x": 90.0, "order": "zyx"}),
        ("z=random", {"z": "random"}),
        ("axis=0:1:1,angle=-3e1", {"axis": (0.0, 1.0, 1.0), "angle": -30.0}),
        ("tilt=20,azimuth=90", {"tilt": 20.0, "azimuth": 90.0}),
    ],
)
def test_rotation_texts(text: str, spec: dict[str, object]) -> None:
    assert transforms.parse_rotation(text) == spec


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "has no key=value"),
        ("90", "has no key=value"),
        ("x=", "has no key=value"),
        ("x=1,x=2", "gives 'x' twice"),
        ("x=ninety", "'x' is 'ninety', expected a number"),
        ("x=nan", "expected a finite number"),
        ("x=1e999", "expected a finite number"),
        ("q=3", "unknown key 'q'"),
        ("ordr=xyz", "did you mean 'order'"),
        ("x=3,order=xyx", "expected axes"),
        ("x=3,order=abc", "letters other"),
        ("x=3,order=yz", "leaves out 'x'"),
        ("x=3,axis=0:0:1", "cannot have the keys axis, x together"),
        ("azimuth=3", "cannot have the keys azimuth together"),
        ("axis=0:0:0,angle=3", "zero vector"),
        ("axis=0:0,angle=3", "has 2 numbers, expected 3"),
        ("axis=0:0:1", "'angle' is None, expected a number"),
    ],
)
def test_bad_rotation_texts(text: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        transforms.parse_rotation(text)


def test_vector_texts() -> None:
    np.testing.assert_array_equal(transforms.parse_vector("0, -1e2,100"), [0.0, -100.0, 100.0])


@pytest.mark.parametrize("text", ["", "1,2", "1,2,3,4", "1,2,x", "1,2,inf", "1;2;3", "1,,3"])
def test_bad_vector_texts(text: str) -> None:
    with pytest.raises(UsageError, match="shift"):
        transforms.parse_vector(text, "shift")


def test_distortion_texts() -> None:
    assert transforms.parse_distortion("y=0.2,nu=0.3") == {"factor": 0.2, "axis": "y", "nu": 0.3}
    assert transforms.parse_distortion("z=-0.5") == {"factor": -0.5, "axis": "z", "nu": 0.0}


@pytest.mark.parametrize("text", ["0.2", "q=0.2", "x=0.1,y=0.2", "nu=0.3", "z=big"])
def test_bad_distortion_texts(text: str) -> None:
    with pytest.raises(UsageError, match="distortion"):
        transforms.parse_distortion(text)


@pytest.mark.parametrize(
    ("factor", "axis", "nu"),
    [(1.0, "z", 0.0), (np.nan, "z", 0.0), (0.1, "w", 0.0), (0.1, "z", 0.6)],
)
def test_bad_distortions(two_cells: Geometry, factor: float, axis: str, nu: float) -> None:
    with pytest.raises(UsageError):
        transforms.distort(two_cells, factor, axis, nu)


@pytest.mark.parametrize("shift", [(1.0, 2.0), (1.0, 2.0, np.nan), "abc", [[1.0, 2.0, 3.0]]])
def test_bad_shifts(two_cells: Geometry, shift: object) -> None:
    with pytest.raises(UsageError, match="shift"):
        transforms.move(two_cells, shift)  # type: ignore[arg-type]

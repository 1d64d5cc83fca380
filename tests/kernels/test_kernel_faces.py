"""Mean potentials over faces against fine grids of steps, and closed forms."""

from __future__ import annotations

import numpy as np
import pytest

from lfpcli.errors import UsageError
from lfpcli.kernels.faces import Faces, face_means

STEPS = 900


def face(shape: str, size: tuple[float, float]) -> Faces:
    return Faces(
        centre=np.zeros((1, 3)),
        first=np.array([[size[0], 0.0, 0.0]]),
        second=np.array([[0.0, size[1], 0.0]]),
        shape=shape,
    )


def mean(start, end, radius, shape: str, size) -> float:
    rows = np.zeros(1, int)
    ends = (np.array([start], float), np.array([end], float))
    return float(face_means(*ends, np.array([radius]), face(shape, size), rows, rows)[0])


def grid(shape: str, size) -> tuple[np.ndarray, np.ndarray]:
    """Points (Q, 2) of equal steps on the face, and their weights (Q,)."""
    steps = (np.arange(STEPS) + 0.5) / STEPS
    if shape == "circle":
        rho, angle = (a.ravel() for a in np.meshgrid(steps, 2 * np.pi * steps))
        points = np.column_stack([rho * np.cos(angle), rho * np.sin(angle)])
        return points * size, 2 * rho / STEPS**2
    u, v = (a.ravel() for a in np.meshgrid(2 * steps - 1, 2 * steps - 1))
    return np.column_stack([u, v]) * size, np.full(STEPS**2, 1 / STEPS**2)


def stepped(start, end, radius, shape: str, size) -> float:
    """Mean over the grid of what Holt and Koch's formula says, never within the radius."""
    points, weights = grid(shape, size)
    x, y, z = points[:, 0] - start[0], points[:, 1] - start[1], -start[2]
    along = np.subtract(end, start)
    length = np.linalg.norm(along)
    if length == 0:
        distance = np.sqrt(x * x + y * y + z * z)
        return float(weights @ (1 / np.maximum(distance, radius)) / (4 * np.pi))
    ux, uy, uz = along / length
    h = x * ux + y * uy + z * uz
    beyond = h - np.clip(h, 0, length)
    rho2 = np.maximum(x * x + y * y + z * z - h * h, radius**2 - beyond**2)
    rho = np.sqrt(np.maximum(rho2, 1e-30))
    value = np.arcsinh(h / rho) - np.arcsinh((h - length) / rho)
    return float(weights @ value / (4 * np.pi * length))


@pytest.mark.parametrize(
    ("shape", "size"),
    [
        ("circle", (7.5, 7.5)),
        ("square", (6.0, 6.0)),
        ("rect", (4.0, 12.0)),
        ("circle", (40.0, 40.0)),
    ],
)
@pytest.mark.parametrize("point", [False, True])
def test_near_sources_are_averaged_within_1e_4(shape: str, size, point: bool) -> None:
    rng = np.random.default_rng(3)
    for height in (0.0, 0.0, 0.3, 1.0, 3.0, 8.0):
        middle = rng.uniform(-1, 1, 3) * [*size, 0] + [0, 0, height]
        # into the plane of the face, out of it, and across
        vector = rng.normal(size=3) * [1, 1, rng.choice([0.0, 0.2, 3.0])]
        half = 0 if point else rng.choice([1.0, 5.0, 15.0]) / np.linalg.norm(vector) * vector
        radius = rng.choice([0.05, 0.2, 0.8]) * min(size)
        pair = (middle - half, middle + half, radius, shape, size)
        assert mean(*pair) == pytest.approx(stepped(*pair), rel=1e-4), pair


@pytest.mark.parametrize("height", [0.01, 0.3, 1.0, 5.0, 50.0])
@pytest.mark.parametrize("size", [2.0, 7.5, 500.0])
def test_disc_on_its_axis_is_the_closed_form(height: float, size: float) -> None:
    got = mean([0, 0, height], [0, 0, height], 1e-3, "circle", (size, size))
    want = 2 * (np.hypot(size, height) - height) / size**2 / (4 * np.pi)
    assert got == pytest.approx(want, rel=1e-5)


@pytest.mark.parametrize("height", [0.01, 0.3, 5.0])
def test_square_over_its_middle_is_the_closed_form(height: float) -> None:
    """Eight right triangles from the middle to the rim."""
    a = 6.0
    root = np.sqrt(2 * a * a + height**2)
    whole = 8 * a * np.arcsinh(a / np.hypot(a, height)) - 4 * height * np.arctan(
        a * a / (height * root)
    )
    got = mean([0, 0, height], [0, 0, height], 1e-3, "square", (a, a))
    assert got == pytest.approx(whole / (4 * a * a) / (4 * np.pi), rel=1e-5)


def test_a_stretched_source_is_that_of_stretched_places() -> None:
    """Away from the least distance all is as if everything were where it is stretched to."""
    stretch = np.array([0.7, 1.3, 0.9])
    start, end, radius = np.array([[1.0, 2, 4]]), np.array([[-6.0, 3, 5]]), np.array([0.1])
    rows = np.zeros(1, int)
    disc = face("rect", (5.0, 3.0))
    got = face_means(start, end, radius, disc, rows, rows, stretch=stretch)
    moved = Faces(
        centre=disc.centre, first=disc.first * stretch, second=disc.second * stretch, shape="rect"
    )
    want = face_means(start * stretch, end * stretch, radius, moved, rows, rows)
    assert got == pytest.approx(want, rel=1e-5)


def test_bad_pairs_are_refused() -> None:
    start, radius, rows = np.zeros((2, 3)), np.ones(2), np.zeros(3, int)
    with pytest.raises(UsageError, match="beyond the 2"):
        face_means(start, start, radius, face("circle", (1, 1)), rows, rows + 2)
    with pytest.raises(UsageError, match="beyond the 1"):
        face_means(start, start, radius, face("circle", (1, 1)), rows - 1, rows)
    with pytest.raises(UsageError, match="pairs"):
        face_means(start, start, radius, face("circle", (1, 1)), rows, rows[:2])
    with pytest.raises(UsageError, match="ends"):
        face_means(start[:1], start, radius, face("circle", (1, 1)), rows, rows)

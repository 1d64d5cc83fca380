"""The kernels of point and line potentials against NumPy twins and high precision."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from collections.abc import Callable

import mpmath
import numpy as np
import pytest
from sources import program

from lfpcli.errors import UsageError
from lfpcli.kernels import potentials as kernel
from lfpcli.kernels.threads import LEVELS, limit_threads, threads_for, use_instructions


def point_table(middle: np.ndarray, radius: np.ndarray) -> kernel.Table:
    return kernel.source_table(middle, middle, radius, as_points=True)


def segments(count: int, seed: int = 1) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    start = rng.uniform(-200, 200, (count, 3))
    end = start + rng.normal(size=(count, 3)) * rng.uniform(0.1, 30, (count, 1))
    return start, end, rng.uniform(0.1, 5, count)


def contacts(count: int, seed: int = 2) -> np.ndarray:
    return np.random.default_rng(seed).uniform(-300, 300, (count, 3))


def line_twin(
    start: np.ndarray, end: np.ndarray, radius: np.ndarray, points: np.ndarray
) -> np.ndarray:
    """Holt and Koch's formula by inverse hyperbolic sines, with the distance kept at the radius."""
    along = end - start
    length = np.linalg.norm(along, axis=1)
    offset = points[:, None] - start
    h = np.sum(offset * along, axis=2) / length
    rho2 = np.sum(np.cross(offset, along) ** 2, axis=2) / length**2
    beyond = h - np.clip(h, 0, length)
    rho = np.sqrt(np.maximum(rho2, radius**2 - beyond**2))
    return (np.arcsinh(h / rho) - np.arcsinh((h - length) / rho)) / (4 * np.pi * length)


def line_exact(start, end, radius, point) -> float:
    """The same in 60 digits, for one pair."""
    with mpmath.workdps(60):
        a, b, p = (mpmath.matrix([mpmath.mpf(float(v)) for v in x]) for x in (start, end, point))
        along, offset = b - a, p - a
        length = mpmath.norm(along)
        h = (offset.T * along)[0] / length
        rho2 = mpmath.norm(offset) ** 2 - h**2
        beyond = h - min(max(h, 0), length)
        rho = mpmath.sqrt(max(rho2, mpmath.mpf(float(radius)) ** 2 - beyond**2))
        if rho < mpmath.mpf(10) ** -25:
            near, far = sorted([abs(h), abs(h - length)])
            return float(mpmath.log(far / near) / (4 * mpmath.pi * length))
        value = mpmath.asinh(h / rho) - mpmath.asinh((h - length) / rho)
        return float(value / (4 * mpmath.pi * length))


def test_line_is_its_numpy_twin() -> None:
    start, end, radius = segments(700)
    points = contacts(40)
    got = kernel.potential(kernel.line_table(start, end, radius), points)
    np.testing.assert_allclose(got, line_twin(start, end, radius, points), rtol=1e-10)


def test_point_is_its_numpy_twin() -> None:
    middle, _, radius = segments(700)
    points = np.concatenate([contacts(40), middle[:20] + 0.01])
    got = kernel.potential(point_table(middle, radius), points)
    distance = np.linalg.norm(points[:, None] - middle, axis=2)
    np.testing.assert_allclose(got, 1 / (4 * np.pi * np.maximum(distance, radius)), rtol=1e-15 * 4)


@pytest.mark.parametrize("length", [1e-3, 1.0, 20.0, 3000.0])
@pytest.mark.parametrize(
    "place",
    [
        (0.5, 0.0),
        (0.5, 1e-6),
        (0.5, 0.51),
        (0.01, 3.0),
        (1.0, 0.0),
        (1.0, 0.1),
        (1.2, 0.0),
        (-3.0, 0.0),
        (-3.0, 1e-9),
        (50.0, 0.0),
        (0.5, 1e6),
        (1e6, 1e3),
    ],
)
def test_line_keeps_its_digits_everywhere(length: float, place: tuple[float, float]) -> None:
    unit = np.array([2.0, -1.0, 2.0]) / 3.0
    across = np.array([1.0, 2.0, 0.0]) / np.sqrt(5)
    start = np.array([[10.0, -20.0, 5.0]])
    end, radius = start + length * unit, np.array([0.5])
    point = start + place[0] * length * unit + place[1] * across
    got = kernel.potential(kernel.line_table(start, end, radius), point)[0, 0]
    want = line_exact(start[0], end[0], 0.5, point[0])
    # rounding of the coordinates themselves weighs most beside a short segment
    assert got == pytest.approx(want, rel=1e-14 * max(1.0, 30.0 / length))


def test_random_lines_keep_their_digits() -> None:
    start, end, radius = segments(60, seed=8)
    points = contacts(5, seed=9)
    got = kernel.potential(kernel.line_table(start, end, radius), points)
    want = [
        [line_exact(a, b, r, p) for a, b, r in zip(start, end, radius, strict=True)] for p in points
    ]
    np.testing.assert_allclose(got, want, rtol=1e-13)


@pytest.mark.parametrize("scale", [1e-3, 1.0, 1e3, 1e9])
def test_lines_keep_their_digits_at_every_distance_and_scale(scale: float) -> None:
    rng = np.random.default_rng(11)
    unit, away = rng.normal(size=(2, 90, 3))
    unit /= np.linalg.norm(unit, axis=1, keepdims=True)
    away /= np.linalg.norm(away, axis=1, keepdims=True)
    length = scale * 10 ** rng.uniform(-2, 0, (90, 1))
    # beside the distance from which on segments are far, 3 lengths, and from near to very far
    distance = 10 ** np.concatenate([rng.uniform(-0.3, 0.8, 30), rng.uniform(0.8, 5, 30)])
    distance = np.concatenate([distance, 3 + 1e-5 * rng.normal(size=30)])[:, None]
    start, end, radius = np.zeros((90, 3)), length * unit, 0.1 * length[:, 0]
    points = 0.5 * end + distance * length * away
    got = np.diagonal(kernel.potential(kernel.line_table(start, end, radius), points))
    want = [line_exact(*pair) for pair in zip(start, end, radius, points, strict=True)]
    np.testing.assert_allclose(got, want, rtol=2e-15)


@pytest.mark.parametrize("as_points", [False, True])
def test_very_large_and_very_small_coordinates(as_points: bool) -> None:
    start, end, radius = segments(5)
    points, table = contacts(3), kernel.source_table(start, end, radius, as_points)
    usual = kernel.potential(table, points)
    for scale in (1e-70, 1e-30, 1e30, 1e70):
        scaled = kernel.source_table(start * scale, end * scale, radius * scale, as_points)
        got = kernel.potential(scaled, points * scale)
        np.testing.assert_allclose(got * scale, usual, rtol=1e-13)
    for scale in (1e80, 1e100):
        scaled = kernel.source_table(start * scale, end * scale, radius, as_points)
        assert np.all(np.isfinite(kernel.potential(scaled, points)))
        assert np.all(kernel.potential(table, points * scale) < 1e-70)


def test_segments_without_length_are_points() -> None:
    middle, _, radius = segments(300)
    points = np.concatenate([contacts(20), middle[:5]])
    line = kernel.potential(kernel.line_table(middle, middle, radius), points)
    point = kernel.potential(point_table(middle, radius), points)
    np.testing.assert_allclose(line, point, rtol=2e-15)


def test_potential_is_continuous_where_the_least_distance_begins() -> None:
    table = kernel.line_table(np.zeros((1, 3)), np.array([[0.0, 0, 10]]), np.array([2.0]))
    for height in (-1.5, -1e-9, 0.0, 5.0, 10.0, 11.9):
        reach = np.sqrt(4 - min(0.0, height) ** 2 - max(0.0, height - 10) ** 2)
        inside, outside = kernel.potential(
            table, [[reach - 1e-9, 0, height], [reach + 1e-9, 0, height]]
        )
        assert inside == pytest.approx(outside, rel=1e-8)


@pytest.mark.parametrize("kind", ["line", "point"])
def test_bits_do_not_depend_on_the_vector_width(kind: str) -> None:
    start, end, radius = segments(1001)
    points = np.concatenate([contacts(31), 0.5 * (start + end)[:20]])
    seen = {}
    try:
        for level in LEVELS:
            used = use_instructions(level)
            table = kernel.source_table(start, end, radius, kind == "point")
            seen.setdefault(used, []).append(kernel.potential(table, points))
    finally:
        best = use_instructions()
    for level in seen:
        for got in seen[level]:
            if level == "baseline":
                np.testing.assert_allclose(got, seen[best][0], rtol=1e-14)
            else:
                assert np.array_equal(got, seen[best][0])


def test_columns_depend_on_their_segment_alone() -> None:
    start, end, radius = segments(777)
    order = np.random.default_rng(5).permutation(777)[:300]
    # from inside segments to far away: each way that a tile can take
    middle = 0.5 * (start + end)[:40]
    points = np.concatenate([contacts(9), middle, middle + 8.0, 1e4 + contacts(5)])
    whole = kernel.potential(kernel.line_table(start, end, radius), points)
    part = kernel.potential(kernel.line_table(start[order], end[order], radius[order]), points)
    assert np.array_equal(whole[:, order], part)


def tell_bits() -> None:
    out = kernel.potential(kernel.line_table(*segments(3000)), contacts(64))
    print(threads_for(out.size), hashlib.sha256(out.tobytes()).hexdigest())


def run_python(function: Callable[[], None], **environment: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", program(function)],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_bits_do_not_depend_on_the_threads() -> None:
    answers = [run_python(tell_bits, OMP_NUM_THREADS=n).split() for n in ("1", "2", "3")]
    assert {a[1] for a in answers} == {
        hashlib.sha256(
            kernel.potential(kernel.line_table(*segments(3000)), contacts(64)).tobytes()
        ).hexdigest()
    }
    assert answers[0][0] == "1"


def fork() -> None:
    rng = np.random.default_rng(1)
    table = point_table(rng.normal(size=(5000, 3)), np.ones(5000))
    points = rng.normal(size=(100, 3))
    first = kernel.potential(table, points)
    child = os.fork()
    if child == 0:
        os._exit(0 if np.array_equal(kernel.potential(table, points), first) else 1)
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))


def tell_threads() -> None:
    from lfpcli.kernels._potentials import max_threads

    print(max_threads(), threads_for(10**9), limit_threads(1), threads_for(10**9))


def tell_spins() -> None:
    for name in ("GOMP_SPINCOUNT", "OMP_WAIT_POLICY"):
        if not os.environ.get(name):
            os.environ.pop(name, None)
    # the variables are set by its import
    from lfpcli.kernels import threads  # noqa: F401

    print(os.environ.get("GOMP_SPINCOUNT"))


def test_a_forked_child_computes_too() -> None:
    assert run_python(fork, OMP_NUM_THREADS="2", PYTHONWARNINGS="ignore").strip() == "0"


def test_small_problems_start_one_thread() -> None:
    assert threads_for(1000) == 1
    assert threads_for(0) == 1


def test_threads_can_be_limited() -> None:
    most, before, limit, after = run_python(tell_threads, OMP_NUM_THREADS="2").split()
    # a build without OpenMP has one thread
    assert most == before == limit in ("1", "2")
    assert after == "1"
    with pytest.raises(UsageError, match="at least 1"):
        limit_threads(0)


@pytest.mark.parametrize(
    ("given", "spins"),
    [({}, "1000"), ({"GOMP_SPINCOUNT": "7"}, "7"), ({"OMP_WAIT_POLICY": "active"}, "None")],
)
def test_threads_do_not_spin_for_long_unless_told_to(given: dict, spins: str) -> None:
    environment = {"GOMP_SPINCOUNT": "", "OMP_WAIT_POLICY": "", **given}
    assert run_python(tell_spins, **environment).strip() == spins


def test_float32_is_the_rounded_result() -> None:
    table, points = kernel.line_table(*segments(500)), contacts(20)
    full = kernel.potential(table, points)
    half = kernel.potential(table, points, dtype=np.float32)
    assert half.dtype == np.float32
    assert np.array_equal(half, full.astype(np.float32))


def test_weighted_points_add_up() -> None:
    table = kernel.line_table(*segments(300))
    points = contacts(12).reshape(4, 3, 3)
    weights = np.array([[1.0, -0.5, 2.0]] * 4)
    each = kernel.potential(table, points.reshape(-1, 3)).reshape(4, 3, -1)
    np.testing.assert_allclose(
        kernel.potential(table, points, weights),
        np.einsum("cq,cqn->cn", weights, each),
        rtol=1e-12,
        atol=1e-15,
    )


def test_points_without_weight_may_lie_anywhere() -> None:
    table = kernel.line_table(*segments(300))
    points = contacts(2)[:, None, :].repeat(2, axis=1)
    points[:, 1] = np.nan
    got = kernel.potential(table, points, [[1.0, 0.0]] * 2)
    assert np.array_equal(got, kernel.potential(table, contacts(2)))


@pytest.mark.parametrize(("count", "points"), [(0, 3), (5, 0), (0, 0)])
def test_nothing_to_compute(count: int, points: int) -> None:
    table = kernel.line_table(*segments(count))
    assert kernel.potential(table, contacts(points)).shape == (points, count)
    near = kernel.near_pairs(*segments(count), contacts(points))
    assert [len(part) for part in near] == [0, 0, 0]


def test_near_pairs_are_those_of_brute_force() -> None:
    start, end, radius = segments(2000)
    rng = np.random.default_rng(4)
    inside = rng.integers(0, 2000, 25)
    points = start[inside] + rng.uniform(-0.2, 1.2, (25, 1)) * (end - start)[inside]
    points = np.concatenate([points + rng.normal(size=(25, 3)), contacts(25)])
    point, segment, distance = kernel.near_pairs(start, end, radius * 3, points)
    along, offset = end - start, points[:, None] - start
    share = np.clip(np.sum(offset * along, axis=2) / np.sum(along**2, axis=1), 0, 1)
    every = np.linalg.norm(offset - share[..., None] * along, axis=2)
    want = np.argwhere(every < radius * 3)
    assert len(want) > 10
    assert np.array_equal(np.column_stack([point, segment]), want)
    np.testing.assert_allclose(distance, every[tuple(want.T)], rtol=1e-12)


@pytest.mark.parametrize(
    "call",
    [
        lambda table: kernel.potential(table, np.zeros((2, 2))),
        lambda table: kernel.potential(table, np.zeros((2, 3)), np.ones(3)),
        lambda table: kernel.potential(table, np.zeros((2, 3)), out=np.zeros((3, 2))),
        lambda table: kernel.potential(table, np.zeros((2, 3)), out=np.zeros((5, 2)).T),
        lambda table: kernel.potential(table, np.zeros((2, 3)), dtype=int),
        lambda table: kernel.near_pairs(*segments(5), np.zeros((2, 2))),
        lambda table: kernel.line_table(np.zeros((3, 3)), np.zeros((3, 3)), np.ones(4)),
        lambda table: point_table(np.zeros((3, 2)), np.ones(3)),
    ],
)
def test_what_does_not_fit_is_refused(call) -> None:
    with pytest.raises(UsageError):
        call(kernel.line_table(*segments(5)))


def test_unknown_instructions_are_refused() -> None:
    with pytest.raises(UsageError, match="unknown vector instructions"):
        use_instructions("mmx")

"""The kernel of currents times transfer matrices against NumPy, and what its bits depend on."""

from __future__ import annotations

import numpy as np
import pytest

from lfpcli.errors import UsageError
from lfpcli.kernels.contraction import contract, packed
from lfpcli.kernels.threads import LEVELS, use_instructions

BOUNDS = [1.5 * 2.0**25, 1.5 * 2.0**-20, 2.0**20]
WIDTHS, GROUPS = (5, 0, 1, 130), (1, 0, 0, 1)


def case(samples: int, channels: int) -> tuple[np.ndarray, list[np.ndarray]]:
    rng = np.random.default_rng(samples + channels)
    currents = rng.normal(size=(samples, sum(WIDTHS)))
    return currents, [rng.normal(size=(width, channels)) for width in WIDTHS]


def added(
    currents: np.ndarray,
    matrices: list[np.ndarray],
    cells: tuple[int, ...] = (0, 1, 2, 3),
    threads: int = 1,
) -> tuple[np.ndarray, bool]:
    """Parts of the sums (2, 2, n, C), of some of the cells."""
    channels = matrices[0].shape[1]
    parts = np.zeros((2, 2, len(currents), channels))
    columns = np.cumsum((0, *WIDTHS))[list(cells)]
    groups = np.array(GROUPS)[list(cells)]
    bounds = np.repeat(np.array(BOUNDS)[:, None], channels, axis=1)
    chosen = packed([matrices[k] for k in cells], columns=columns, groups=groups, channels=channels)
    return parts, contract(currents, chosen, bounds, parts, threads=threads)


@pytest.mark.parametrize("channels", [1, 3, 8, 13, 24])
@pytest.mark.parametrize("samples", [1, 3, 4, 63, 64, 130])
def test_sums_are_those_of_numpy(samples: int, channels: int) -> None:
    currents, matrices = case(samples, channels)
    parts, fits = added(currents, matrices)
    assert fits
    pieces = np.split(currents, np.cumsum(WIDTHS)[:-1], axis=1)
    for group in (0, 1):
        products = [x @ m for x, m, g in zip(pieces, matrices, GROUPS, strict=True) if g == group]
        got = parts[group].sum(axis=0)
        np.testing.assert_allclose(got, sum(products), rtol=0, atol=2e-13)


def test_bits_depend_on_no_layout_level_thread_or_neighbour() -> None:
    currents, matrices = case(200, 13)
    whole, _ = added(currents, matrices)
    gaps = np.zeros((400, 2 * currents.shape[1]))
    gaps[::2, ::2] = currents
    for same in (np.asfortranarray(currents), gaps[::2, ::2]):
        np.testing.assert_array_equal(added(same, matrices)[0], whole)
    try:
        for level in LEVELS:
            use_instructions(level)
            np.testing.assert_array_equal(added(currents, matrices)[0], whole)
    finally:
        use_instructions()
    np.testing.assert_array_equal(added(currents, matrices, threads=3)[0], whole)
    for cut in (1, 30, 65):
        split = [added(part, matrices)[0] for part in (currents[:cut], currents[cut:])]
        np.testing.assert_array_equal(np.concatenate(split, axis=2), whole)
    ranks = [added(currents, matrices, cells)[0] for cells in ((3, 0), (2,), (1,))]
    np.testing.assert_array_equal(ranks[0] + ranks[1] + ranks[2], whole)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 2.0**21, -(2.0**21)])
def test_what_is_beyond_reason_is_told(value: float) -> None:
    currents, matrices = case(70, 3)
    assert added(currents, matrices)[1]
    matrices[2][:] = 1.0
    currents[69, 5] = value
    assert not added(currents, matrices)[1]
    assert not added(currents, matrices, threads=2)[1]


def test_what_does_not_fit_is_refused() -> None:
    currents, parts = np.zeros((4, 6)), np.zeros((1, 2, 4, 3))
    bounds = np.repeat(np.array(BOUNDS)[:, None], 3, axis=1)

    def call(column: int, width: int, group: int, rows: int = 4, bound: int = 3) -> bool:
        matrices = packed(
            [np.zeros((width, 3))],
            columns=np.array([column]),
            groups=np.array([group]),
            channels=3,
        )
        return contract(currents, matrices, bounds[:, :bound], parts[:, :, :rows].copy())

    assert call(1, 5, 0)
    for wrong in ((2, 5, 0), (-1, 5, 0), (1, 5, 1), (1, 5, 0, 3), (1, 5, 0, 4, 2)):
        with pytest.raises(UsageError):
            call(*wrong)
    one = np.array([0])
    for matrices, columns in (([np.zeros((2, 2))], one), ([np.zeros(3)], one), ([], one)):
        with pytest.raises(UsageError):
            packed(matrices, columns=columns, groups=one, channels=3)
    whole = packed([np.zeros((6, 3))], columns=one, groups=one, channels=3)
    for bad in (currents.astype(np.float32), currents[0]):
        with pytest.raises(UsageError):
            contract(bad, whole, bounds, parts)
    for bad in (parts.astype(np.float32), np.zeros((1, 2, 4, 6))[..., ::2]):
        with pytest.raises(UsageError):
            contract(currents, whole, bounds, bad)

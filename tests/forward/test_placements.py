"""One cell at many places gives what each place alone gives."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from chance import contacts, rotation, segments

from lfpcli.errors import InputError, UsageError
from lfpcli.forward import placements as module
from lfpcli.forward.contacts import Contacts
from lfpcli.forward.media import as_medium
from lfpcli.forward.placements import Placements, matrix_blocks, signal_blocks, signals
from lfpcli.forward.potentials import PotentialModel, transfer_matrix

PROBE = Contacts(contacts(9), normals=[0, 1.0, 0], radius=5.0)
PLACES = Placements(
    np.random.default_rng(1).uniform(160, 240, (7, 3)),
    np.array([rotation(k) for k in range(7)]),
)


def as_model(options: dict) -> PotentialModel:
    return PotentialModel(**{**options, "medium": as_medium(options.get("medium"))})


def moved(geometry, place: int):
    soma, turn = geometry.middle[0], PLACES.rotations[place]
    start, end = (
        (e - soma) @ turn.T + PLACES.positions[place] for e in (geometry.start, geometry.end)
    )
    return replace(geometry, start=start, end=end)


@pytest.mark.parametrize(
    "model",
    [
        {},
        {"method": "point", "sigma": 0.5},
        {"method": "soma-point", "quadrature": 4},
        {"sigma": [0.3, 0.2, 0.4]},
        {"medium": {"slice": 900.0, "z_shift": -300.0, "sigma_glass": 0.1}},
        {"medium": {"slice": 900.0, "z_shift": -300.0, "squeeze": 0.2, "sigma_glass": 0.1}},
        {"medium": {"sphere": 1000.0}},
        {"medium": {"sphere": 1000.0}, "tolerance": 1e-3},
        {"medium": {"slice": 900.0, "z_shift": -300.0, "squeeze": 0.2}, "tolerance": 1e-3},
    ],
)
@pytest.mark.parametrize("block", [1, 3000, 10**9])
def test_placements_are_what_moved_cells_give(model: dict, block: int, monkeypatch) -> None:
    monkeypatch.setattr(module, "BLOCK_ENTRIES", block)
    geometry = segments(60, spread=60.0)
    seen = 0
    for first, matrices in matrix_blocks(geometry, PROBE, PLACES, model=as_model(model)):
        assert first == seen
        for matrix in matrices:
            want = transfer_matrix(moved(geometry, seen), PROBE, **model)
            np.testing.assert_allclose(matrix, want, rtol=1e-10)
            seen += 1
    assert seen == 7


@pytest.mark.parametrize(("dtype", "rtol"), [(np.float64, 1e-11), (np.float32, 1e-5)])
def test_signals_are_products(dtype: type, rtol: float) -> None:
    geometry = segments(60, spread=60.0)
    currents = np.random.default_rng(2).normal(size=(60, 13))
    got = signals(geometry, PROBE, currents, PLACES, dtype=dtype)
    assert got.shape == (7, 9, 13) and got.dtype == dtype
    for place in range(7):
        want = transfer_matrix(moved(geometry, place), PROBE) @ currents
        np.testing.assert_allclose(got[place], want, rtol=rtol, atol=rtol * np.abs(want).max())


def test_compressed_currents_give_the_same_signals() -> None:
    geometry, t = segments(60, spread=60.0), np.linspace(0, 7, 90)
    delay = np.linspace(1, 3, 60)[:, None]
    currents = (t - delay) * np.exp(-((t - delay) ** 2) / 0.5)
    exact = signals(geometry, PROBE, currents, PLACES)
    got = signals(geometry, PROBE, currents, PLACES, compress=1e-9)
    assert 0 < np.abs(got - exact).max() < 1e-8 * np.abs(exact).max()
    silent = signals(geometry, PROBE, 0 * currents, PLACES, compress=1e-9)
    assert not np.any(silent)
    with pytest.raises(UsageError, match="compress"):
        signals(geometry, PROBE, currents, PLACES, compress=1.0)


def test_a_placement_outside_the_slice_is_refused() -> None:
    with pytest.raises(InputError, match="outside"):
        list(matrix_blocks(segments(), PROBE, PLACES, model=as_model({"medium": {"slice": 250.0}})))


@pytest.mark.parametrize(
    ("positions", "rotations"),
    [
        ([[0, 0]], None),
        ([[0, 0, np.nan]], None),
        ([[0, 0, 0]], np.eye(3)),
        ([[0, 0, 0]], [-np.eye(3)]),
        ([[0, 0, 0]], [2 * np.eye(3)]),
    ],
)
def test_bad_placements(positions, rotations) -> None:
    with pytest.raises(InputError):
        Placements(positions) if rotations is None else Placements(positions, rotations)


@pytest.mark.parametrize("currents", [np.ones((5, 2)), np.ones(60), np.full((60, 2), np.nan)])
def test_bad_currents(currents: np.ndarray) -> None:
    with pytest.raises(InputError):
        next(signal_blocks(segments(60), PROBE, currents, PLACES))


def test_several_cells_are_refused() -> None:
    geometry = segments(10)
    geometry.gid[5:] = 1
    with pytest.raises(InputError, match="one cell"):
        next(matrix_blocks(geometry, PROBE, PLACES))

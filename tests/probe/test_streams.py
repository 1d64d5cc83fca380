"""One loop contracts currents and dipole moments, whatever the instrument sees of a cell."""

from __future__ import annotations

import numpy as np
import pytest

from lfpcli.errors import InputError, SimulatorError
from lfpcli.forward.instrument import NO_CELL, Instrument, dipole_instrument
from lfpcli.forward.sums import LARGEST_MOMENT
from lfpcli.geometry import Geometry
from lfpcli.io.recording import Sampled
from lfpcli.runtime.mpi.team import Team
from lfpcli.tasks.measure.streams import (
    Contributor,
    Member,
    Stream,
    cells_of,
    contract_stored,
    group_names,
    moments_of,
)

SEGMENTS = (3, 1, 5)


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(10)


@pytest.fixture
def members(rng: np.random.Generator) -> list[Member]:
    cells = []
    for gid, size in enumerate(SEGMENTS):
        start = rng.uniform(-100, 100, (size, 3))
        geometry = Geometry(
            start=start,
            end=start + rng.uniform(1, 10, (size, 3)),
            diam=np.ones(size),
            gid=np.full(size, gid),
        )
        cells.append(Member(gid, "ab"[gid // 2], geometry))
    return cells


def head_instrument(lead: np.ndarray, per: str = "total") -> Instrument:
    """An instrument of C channels that sees the dipole of each cell with a lead (cells, C, 3)."""
    return Instrument(
        name="EEG",
        units="mV",
        channels=lead.shape[1],
        matrix=lambda cells: np.einsum("nck,nk->cn", lead[cells.gid], cells.middle),
        moment_matrix=lambda gids: lead[gids],
        per=per,
    )


def stream_of_cells(instrument: Instrument, members: list[Member]) -> Stream:
    groups = group_names(instrument.per, ["a", "b"], range(len(members)))
    contributors = cells_of(instrument, members)
    return Stream(instrument, contributors, groups=groups, count=len(members), team=Team())


@pytest.mark.parametrize("per", ["total", "population", "cell"])
def test_a_matrix_may_depend_on_the_cell(
    rng: np.random.Generator, members: list[Member], per: str
) -> None:
    lead = rng.normal(size=(3, 4, 3))
    currents = rng.normal(size=(70, sum(SEGMENTS)))
    signals = stream_of_cells(head_instrument(lead, per), members).contract(currents)
    columns = np.split(currents, np.cumsum(SEGMENTS)[:-1], axis=1)
    shares = [
        block @ member.geometry.middle @ lead[member.gid].T
        for block, member in zip(columns, members, strict=True)
    ]
    expected = {"total": {}, "population": {"a": [0, 1], "b": [2]}}.get(
        per, {"0": [0], "1": [1], "2": [2]}
    )
    assert list(signals) == ["", *expected]
    np.testing.assert_allclose(signals[""], sum(shares), rtol=1e-12, atol=1e-10)
    for group, cells in expected.items():
        np.testing.assert_allclose(
            signals[group], sum(shares[k] for k in cells), rtol=1e-12, atol=1e-10
        )


def test_moments_give_what_the_currents_give(
    rng: np.random.Generator, members: list[Member]
) -> None:
    lead = rng.normal(size=(3, 4, 3))
    currents = rng.normal(size=(9, sum(SEGMENTS)))
    moments = stream_of_cells(dipole_instrument("cell"), members).contract(currents)
    instrument = head_instrument(lead)
    stream = Stream(
        instrument,
        moments_of(instrument, [0, 1, 2], ["0", "1", "2"]),
        groups=[],
        count=3,
        team=Team(),
        largest=LARGEST_MOMENT,
    )
    samples = np.concatenate([moments[name] for name in "012"], axis=1)
    np.testing.assert_allclose(
        stream.contract(samples)[""],
        stream_of_cells(instrument, members).contract(currents)[""],
        rtol=1e-12,
        atol=1e-10,
    )


def test_order_of_the_cells_is_of_no_consequence(
    rng: np.random.Generator, members: list[Member]
) -> None:
    lead, currents = rng.normal(size=(3, 4, 3)), rng.normal(size=(9, sum(SEGMENTS)))
    forwards = stream_of_cells(head_instrument(lead), members).contract(currents)[""]
    columns = np.split(currents, np.cumsum(SEGMENTS)[:-1], axis=1)[::-1]
    backwards = stream_of_cells(head_instrument(lead), members[::-1])
    np.testing.assert_array_equal(backwards.contract(np.concatenate(columns, axis=1))[""], forwards)


def test_a_moment_may_be_larger_than_any_current() -> None:
    instrument = dipole_instrument()
    samples = np.array([[3e6, -2e7, 0.0]])

    def contract(**options: float) -> np.ndarray:
        contributors = moments_of(instrument, [NO_CELL], [""])
        stream = Stream(instrument, contributors, groups=[], count=1, team=Team(), **options)
        return stream.contract(samples)[""]

    with pytest.raises(SimulatorError, match="beyond all reason"):
        contract()
    np.testing.assert_array_equal(contract(largest=LARGEST_MOMENT), samples)


@pytest.mark.parametrize(
    ("others", "message"),
    [
        (Sampled(np.full((5, 1), np.nan), "nA", 0.1), "NaN"),
        (Sampled(np.zeros((4, 1)), "nA", 0.1), "differs in samples"),
        (Sampled(np.zeros((5, 1)), "nA", 0.2), "differs in samples"),
    ],
)
def test_stored_samples_must_fit(others: Sampled, message: str) -> None:
    instrument = head_instrument(np.zeros((2, 4, 3)))
    contributors = [Contributor(share="", matrix=np.ones((1, 4)))] * 2
    stream = Stream(instrument, contributors, groups=[], count=2, team=Team())
    stored = [Sampled(np.zeros((5, 1)), "nA", 0.1), others]
    with pytest.raises(InputError, match=message):
        contract_stored(stream, stored, {}, source="file.h5")

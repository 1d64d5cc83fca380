"""Trains of current pulses."""

from __future__ import annotations

import numpy as np
import pytest

from lfpcli.errors import UsageError
from lfpcli.forward.pulses import PulseTrain

DT = 0.1
TIMES = DT * np.arange(400)


def test_one_pulse_is_on_from_its_begin_and_off_at_its_end() -> None:
    current = PulseTrain(amp=-10.0, delay=3.0, dur=0.6).at(TIMES)
    assert set(np.flatnonzero(current)) == {30, 31, 32, 33, 34, 35}
    assert set(current) == {0.0, -10.0}


def test_steps_hold_the_same_train() -> None:
    second = {"biphasic": True, "interphase": 0.2, "amp2": -1.0, "dur2": 1.0}
    train = PulseTrain(2.0, 1.0, 0.5, number=3, period=4.0, **second)  # type: ignore[arg-type]
    times, currents = train.steps()
    np.testing.assert_allclose(times[:4], [1.0, 1.5, 1.7, 2.7])
    np.testing.assert_array_equal(currents, [2.0, 0.0, -1.0, 0.0] * 3)
    np.testing.assert_allclose(times[4:], np.concatenate([times[:4] + 4.0, times[:4] + 8.0]))
    sampled = train.at(TIMES)
    held = currents[np.searchsorted(times, TIMES + 1e-6, side="right") - 1]
    np.testing.assert_array_equal(sampled, np.where(TIMES + 1e-6 >= 1.0, held, 0.0))


def test_biphasic_pulses_leave_no_charge() -> None:
    current = PulseTrain(7.0, 0.5, 0.3, number=5, period=2.0, biphasic=True).at(TIMES)
    assert np.count_nonzero(current) == 5 * 2 * 3
    assert abs(current.sum()) < 1e-12


def test_pulses_that_touch_merge_without_a_gap() -> None:
    train = PulseTrain(1.0, 0.1, 0.1, number=30, period=0.1)
    assert np.all(np.diff(train.steps()[0]) > 0)
    np.testing.assert_array_equal(np.flatnonzero(train.at(TIMES)), np.arange(1, 31))


def test_a_pulse_that_begins_before_the_run_is_on_at_its_start() -> None:
    current = PulseTrain(1.0, -5.0, 6.0).at(TIMES)
    np.testing.assert_array_equal(np.flatnonzero(current), np.arange(10))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"amp": np.nan}, "'amp' is nan"),
        ({"delay": np.inf}, "'delay' is inf"),
        ({"dur": 0.0}, "'dur' is 0 ms"),
        ({"dur": -1.0}, "'dur' is -1 ms"),
        ({"number": 0}, "'number' is 0"),
        ({"number": 10**9}, "'number' is 1000000000"),
        ({"number": 2}, "needs 'period'"),
        ({"number": 2, "period": 0.5}, "shorter than a pulse of 1 ms"),
        ({"number": 2, "period": 1.5, "biphasic": True}, "shorter than a pulse of 2 ms"),
        ({"period": -1.0}, "'period' is -1 ms"),
        ({"interphase": -1.0, "biphasic": True}, "'interphase' is -1 ms"),
        ({"amp2": 3.0}, "set biphasic"),
        ({"dur2": 0.0, "biphasic": True}, "'dur2' is 0 ms"),
    ],
)
def test_bad_trains(changes: dict[str, object], message: str) -> None:
    values: dict[str, object] = {"amp": 1.0, "delay": 2.0, "dur": 1.0}
    with pytest.raises(UsageError, match=message):
        PulseTrain(**{**values, **changes})  # type: ignore[arg-type]

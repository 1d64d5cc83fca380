"""Variables that all instances share and that do no harm: constants, and totals nobody reads."""

from __future__ import annotations

import pytest

from lfpcli.runtime.engine.hidden import shared_memory

# a factor for the temperature that a procedure sets anew, as in channels of Mainen and Sejnowski
CHANNEL = """
NEURON { SUFFIX warm RANGE gbar, g GLOBAL q10, temp, tadj }
PARAMETER { gbar = 1 temp = 23 q10 = 2.3 celsius }
ASSIGNED { v g tadj minf }
STATE { m }
INITIAL {
    tadj = q10^((celsius - temp)/(10 (degC)))
    rates(v)
    m = minf
}
BREAKPOINT { SOLVE step METHOD cnexp
    g = tadj*gbar*m
}
DERIVATIVE step {
    rates(v)
    m' = minf - m
}
PROCEDURE rates(v) {
    tadj = q10^((celsius - temp)/10)
    minf = v
}
"""
SYNAPSE = """
NEURON { POINT_PROCESS Sums RANGE g GLOBAL total }
ASSIGNED { total }
STATE { g }
INITIAL { total = 0 g = 0 }
BREAKPOINT { SOLVE step METHOD cnexp }
DERIVATIVE step { g' = -g }
NET_RECEIVE (w) {
    g = g + w
    total = total + w
}
"""
SET = "    tadj = q10^((celsius - temp)/10)"


@pytest.mark.parametrize(
    ("old", "new", "is_told"),
    [
        ("", "", False),
        # another factor, one of the instance's own, of the potential, of what changes, of two lines
        (SET, "    tadj = q10^((celsius - temp)/11)", True),
        ("PARAMETER { gbar", "ASSIGNED { h } PARAMETER { gbar", False),
        ("RANGE gbar", "RANGE temp, gbar", True),
        ("(celsius - temp)", "(celsius - v)", True),
        ("minf = v", "temp = v  minf = v", True),
        (SET, SET + "\n        + v", True),
        # not set at the begin, or read there first
        ("    tadj = q10^((celsius - temp)/(10 (degC)))\n    rates(v)\n", "", True),
        ("    rates(v)\n    m = minf", "    m = tadj", False),
        ("INITIAL {\n", "INITIAL {\n    m = tadj\n", True),
    ],
)
def test_factors_for_the_temperature(old: str, new: str, is_told: bool) -> None:
    text = CHANNEL.replace(old, new) if old else CHANNEL
    assert text != CHANNEL or not old
    assert (shared_memory(text) is not None) == is_told


@pytest.mark.parametrize(
    ("old", "new", "is_told"),
    [
        ("", "", False),
        ("g = g + w\n", "g = g + w*total\n", True),
        ("g' = -g", "g' = -g*total", True),
        ("total = total + w", "total = total + w  if (total > 9) { net_event(t) }", True),
        ("total = total + w", "total = total + w  tell(total)", True),
    ],
)
def test_totals_of_events(old: str, new: str, is_told: bool) -> None:
    text = SYNAPSE.replace(old, new) if old else SYNAPSE
    assert text != SYNAPSE or not old
    assert (shared_memory(text) is not None) == is_told

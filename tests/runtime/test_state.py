"""What a checkpoint keeps of mechanisms, and what is refused since it cannot."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from lfpcli.runtime.engine.hidden import hidden_state, shared_memory

SYNAPSE = """
NEURON {{ POINT_PROCESS Syn RANGE tau, g, e{ranges} NONSPECIFIC_CURRENT i {more} }}
PARAMETER {{ tau = 2 (ms) e = 0 (mV) trec = 200 (ms) }}
ASSIGNED {{ v (mV) i (nA) R tlast (ms) }}
STATE {{ g (uS) }}
INITIAL {{ g = 0 R = 1 }}
BREAKPOINT {{ SOLVE state METHOD cnexp i = g*(v - e)*R/trec }}
DERIVATIVE state {{ g' = -g/tau }}
{events}
"""

CHANNEL = """
NEURON {{ SUFFIX chan USEION k READ ek WRITE ik RANGE gbar }}
PARAMETER {{ gbar = 0.1 (S/cm2) half = -30 (mV) }}
ASSIGNED {{ v (mV) ek (mV) ik (mA/cm2) ninf ntau (ms) peak (mV) }}
STATE {{ n }}
INITIAL {{ rates(v) n = ninf peak = v }}
BREAKPOINT {{ SOLVE states METHOD cnexp ik = gbar*n*(v - ek) {more} }}
DERIVATIVE states {{ rates(v) n' = (ninf - n)/ntau }}
PROCEDURE rates(v (mV)) {{
    ninf = 1/(1 + exp(-(v - half)/9))
    if (v < -40) {{ ntau = 5 }} else {{ ntau = 2 }}
}}
"""


@pytest.mark.parametrize(
    ("events", "options", "expected"),
    [
        ("NET_RECEIVE(w (uS)) { g = g + w }", {}, None),
        ("NET_RECEIVE(w (uS), n) { INITIAL { n = 1 } g = g + w*n }", {}, None),
        ("NET_RECEIVE(w (uS), n) { g = g + w*n n = n + 1 }", {}, None),
        ("NET_RECEIVE(w) { R = 0.5 tlast = t }", {}, None),
        ("NET_RECEIVE(w) { R = 0.5 }", {"more": "GLOBAL R"}, "'R', which events change"),
        ("NET_RECEIVE(w) { trec = 10 }", {"ranges": ", trec"}, None),
        ("NET_RECEIVE(w) { trec = 10 }", {}, "'trec', which events change"),
        ("NET_RECEIVE(w) { less() }\nPROCEDURE less() { trec = 9 }", {}, "'trec', which events"),
        ("NET_RECEIVE(w) { net_send(1, 1) }", {}, None),
        ("NET_RECEIVE(w) { if (flag == 1) { WATCH (v > 0) 2 } }", {}, "uses WATCH"),
        ("NET_RECEIVE(w) { if (scop_random() < 0.5) { g = g + w } }", {}, "uses scop_random"),
        ("NET_RECEIVE(w) { g = g + w }", {"more": "RANDOM r"}, None),
        ("NET_RECEIVE(w) { keep() }\nVERBATIM\nstatic int n;\nENDVERBATIM", {}, "code in C"),
        ("VERBATIM\n#include <math.h>\nreturn 0;\nENDVERBATIM", {}, None),
    ],
)
def test_what_events_leave_behind(
    events: str, options: dict[str, str], expected: str | None
) -> None:
    text = SYNAPSE.format(events=events, **{"ranges": "", "more": "", **options})
    told = hidden_state(text)
    assert told == expected or (told is not None and expected is not None and expected in told)


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ("", None),
        ("if (v > peak) { peak = v }", None),
        ("if (v > half) { half = v }", "remembers 'half'"),
        ("half = half + 1e-3", "remembers 'half'"),
        ("peak = v", None),
    ],
)
def test_what_steps_leave_behind(more: str, expected: str | None) -> None:
    told = hidden_state(CHANNEL.format(more=more))
    assert told == expected or (told is not None and expected is not None and expected in told)


def test_sources_that_are_no_nmodl_do_no_harm() -> None:
    for text in ("", "}}}", "{{{", "NEURON {", "PROCEDURE", "= = {= }"):
        hidden_state(text)


SHELLS = """
NEURON { SUFFIX shells NONSPECIFIC_CURRENT i RANGE c, last }
ASSIGNED { v (mV) i (mA/cm2) last[2] peak (mV) }
STATE { c[3] }
INITIAL { FROM k = 0 TO 2 { c[k] = k } last[0] = 0 last[1] = 0 peak = v }
BREAKPOINT {
    SOLVE state METHOD sparse
    if (v > peak) { peak = v }
    i = 1e-6*(v + 65) last[0] = v last[1] = c[1]
}
KINETIC state {
    ~ c[0] <-> c[1] (0.1, 0.2)
    ~ c[1] <-> c[2] (0.3, 0.1)
}
"""


def test_variables_of_a_cell_come_back_with_elements_of_arrays(
    neuron_process, share: Path, tmp_path: Path
) -> None:
    (tmp_path / "shells.mod").write_text(SHELLS)

    def model(results, morphology, mod) -> None:
        from lfpcli.runtime.mechanisms.build import build
        from lfpcli.runtime.mechanisms.load import load

        load(build([mod]))
        from lfpcli import Cell, StimIntElectrode, Synapse
        from lfpcli.errors import SimulatorError
        from lfpcli.runtime.engine.obstacles import obstacle
        from lfpcli.runtime.engine.state import ProcessMemory
        from lfpcli.runtime.neuron import nrn

        cell = Cell(
            morphology,
            passive=True,
            custom_fun=[lambda c: c.insert("hh"), lambda c: c.insert("shells", ["soma"])],
        )
        Synapse(cell, 1, "Exp2Syn", weight=0.01).set_spike_times([0.5])
        StimIntElectrode(cell, 0, "IClamp", amp=1.0, delay=0.5, dur=9.0)
        cell.simulate(tstop=4.0)
        whole = ProcessMemory([cell])
        memory = whole.cells[cell.gid]
        kept = memory.values()
        results["shells"] = np.array([cell.segments[0].c_shells[k] for k in range(3)])
        nrn().finitialize(-65.0)
        results["initial"] = memory.values()
        memory.restore(kept)
        results["kept"], results["again"] = kept, memory.values()
        results["labels"] = np.array(memory.labels())
        results["shells again"] = np.array([cell.segments[0].c_shells[k] for k in range(3)])
        results["obstacle"] = str(obstacle(whole))
        try:
            memory.restore(kept[1:])
        except SimulatorError as error:
            results["error"] = str(error)
        stray = nrn().NetStim()
        results["stray"] = str(obstacle(whole))
        del stray

    found = neuron_process(
        model,
        morphology=str(share / "morphologies/ball_and_stick.swc"),
        mod=str(tmp_path / "shells.mod"),
    )
    np.testing.assert_array_equal(found["again"], found["kept"])
    np.testing.assert_array_equal(found["shells again"], found["shells"])
    assert np.all(np.abs(found["shells"] - [0.0, 1.0, 2.0]) > 1e-3)
    assert np.abs(found["initial"] - found["kept"]).max() > 1.0
    assert str(found["obstacle"]) == "None"
    assert "the checkpoint has" in str(found["error"])
    assert "'NetStim'" in str(found["stray"])
    # every value has a name, also those that Python does not reach
    assert len(found["labels"]) == len(found["kept"])
    assert any("'peak' of mechanism 'shells'" in label for label in found["labels"])


def test_locals_of_deep_blocks_are_not_remembered() -> None:
    body = "if (w > 0) { if (w > 1) { FROM k = 0 TO 2 { released = released + 1 } } }"
    text = "NEURON { POINT_PROCESS Deep }\n"
    text += "NET_RECEIVE (w) {\n    LOCAL released\n    released = 0\n    " + body + "\n}\n"
    assert shared_memory(text) is None
    assert "released" in str(shared_memory("LOCAL released\n" + text))


SHARED = """
NEURON {{ SUFFIX look USEION k READ ek WRITE ik GLOBAL first, second RANGE own }}
PARAMETER {{ scale = 3 other = 1 }}
ASSIGNED {{ v (mV) ek (mV) ik (mA/cm2) first second own celsius (degC) }}
STATE {{ n }}
LOCAL outer
INITIAL {{ {initial} n = 0 }}
BREAKPOINT {{ SOLVE states METHOD cnexp {step} ik = own*n }}
DERIVATIVE states {{ {state} n' = -n/2 }}
PROCEDURE rates(v (mV)) {{
    TABLE first DEPEND celsius FROM -100 TO 100 WITH 200
    first = exp(v/9)
}}
FUNCTION twice(x) {{ twice = 2*x + outer }}
PROCEDURE sets() {{ if (v > 0) {{ second = 1 }} else {{ second = 2 }} }}
"""


@pytest.mark.parametrize(
    ("statements", "expected"),
    [
        ({"step": "first = v own = first"}, None),
        ({"step": "own = first first = v"}, "first"),
        ({"state": "rates(v) own = first"}, None),
        # another instance has set it since
        ({"state": "rates(v)", "step": "own = first"}, "first"),
        ({"step": "if (v > 0) { first = 1 } else { first = 2 } own = first"}, None),
        ({"step": "if (v > 0) { first = 1 } else if (v < -9) { first = 2 } own = first"}, "first"),
        ({"step": "if (v > 0) { first = 1 } if (v <= 0) { first = 2 } own = first"}, None),
        ({"step": "if (v > 0) { first = 1 } if (v < 0) { first = 2 } own = first"}, "first"),
        ({"step": "if (v > 0) { first = 1 own = first }"}, None),
        ({"step": "if (v > first) { first = v }"}, "first"),
        ({"step": "sets() own = second"}, None),
        ({"step": "own = second sets()"}, "second"),
        ({"step": "own = twice(v) outer = v"}, "outer"),
        ({"step": "outer = v own = twice(v)"}, None),
        ({"step": "FROM k = 0 TO 3 { first = k } own = first"}, None),
        ({"step": "while (v > 0) { first = 1 } own = first"}, "first"),
        ({"step": "{ LOCAL first first = first + 1 }"}, None),
        ({"initial": "second = 2^(celsius/10)", "step": "own = second*scale"}, None),
        ({"initial": "second = v", "step": "own = second"}, "second"),
        ({"step": "own = own + 1"}, None),
    ],
)
def test_what_instances_leave_to_each_other(
    statements: dict[str, str], expected: str | None
) -> None:
    text = SHARED.format(**{"initial": "", "step": "", "state": "", **statements})
    told = shared_memory(text)
    assert told == (expected and f"remembers '{expected}', which all instances share")

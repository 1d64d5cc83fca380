"""What would end NEURON, or give numbers of chance, is an error before the run."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from lfpcli.errors import SimulatorError
from lfpcli.runtime.engine import checks, hidden
from lfpcli.runtime.mechanisms.library import Mechanism

GAP = """
NEURON { POINT_PROCESS Gap NONSPECIFIC_CURRENT i RANGE g POINTER vgap }
PARAMETER { g = 0.001 (uS) }
ASSIGNED { v (mV) vgap (mV) i (nA) }
BREAKPOINT { i = g*(v - vgap) }
"""
CHANCE = """
NEURON { POINT_PROCESS Chance NONSPECIFIC_CURRENT i }
ASSIGNED { v (mV) i (nA) }
STATE { g (uS) }
INITIAL { g = 0 }
BREAKPOINT { SOLVE state METHOD cnexp i = g*v }
DERIVATIVE state { g' = -g/2 }
NET_RECEIVE(w (uS)) { if (scop_random() < 0.5) { g = g + w } }
"""
# NEURON's translation of C code has one variable less than CoreNEURON's has without a mend
# a number that another mechanism is to give, and a stream that C code wants to set itself
NUMBER = """
NEURON { THREADSAFE POINT_PROCESS Number NONSPECIFIC_CURRENT i BBCOREPOINTER glu }
ASSIGNED { v (mV) i (nA) glu }
BREAKPOINT { i = 1e-4*glu*v }
VERBATIM
static void bbcore_write(double* d, int* x, int* dof, int* xof, _threadargsproto_) { }
static void bbcore_read(double* d, int* x, int* dof, int* xof, _threadargsproto_) { }
ENDVERBATIM
"""
EMPTY = """
NEURON { THREADSAFE POINT_PROCESS Empty NONSPECIFIC_CURRENT i BBCOREPOINTER rng }
ASSIGNED { v (mV) i (nA) rng }
BREAKPOINT { i = 1e-4*v }
VERBATIM
static void bbcore_write(double* d, int* x, int* dof, int* xof, _threadargsproto_) { }
static void bbcore_read(double* d, int* x, int* dof, int* xof, _threadargsproto_) {
  assert(!_p_rng);
}
ENDVERBATIM
"""
RETURNS = """
NEURON { SUFFIX returns USEION k READ ek WRITE ik RANGE gbar, ninf }
PARAMETER { gbar = 0.001 (S/cm2) }
STATE { n }
ASSIGNED { ik (mA/cm2) v (mV) ek (mV) ninf }
BREAKPOINT { SOLVE st METHOD cnexp ik = gbar*n*(v-ek) }
INITIAL { rates(v) n = ninf }
DERIVATIVE st { rates(v) n' = (ninf-n)/5 }
PROCEDURE rates(v (mV)) {
  ninf = 1/(1+exp(-(v+30)/9))
  VERBATIM
  return 0;
  ENDVERBATIM
}
"""


# several of one class on a segment, whose currents a pool of calcium reads
CALCIUM = """
NEURON { THREADSAFE POINT_PROCESS Calcium USEION ca WRITE ica RANGE g }
ASSIGNED { v (mV) ica (nA) }
PARAMETER { g = 0.001 (uS) }
BREAKPOINT { ica = g*(v-40) }
"""
POOL = """
NEURON { THREADSAFE SUFFIX pool USEION ca READ ica WRITE cai }
ASSIGNED { ica (mA/cm2) }
STATE { cai (mM) }
INITIAL { cai = 1e-4 }
BREAKPOINT { SOLVE s METHOD cnexp }
DERIVATIVE s { cai' = -ica*0.1 - (cai-1e-4)/20 }
"""

OTHER_POOL = POOL.replace("SUFFIX pool", "SUFFIX other")


@pytest.fixture(scope="module")
def mods(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("mods")
    texts = {"gap": GAP, "chance": CHANCE, "returns": RETURNS, "calcium": CALCIUM, "pool": POOL}
    texts["other"] = OTHER_POOL
    for name, text in texts.items():
        (folder / f"{name}.mod").write_text(text)
    return folder


def test_mechanisms_that_would_end_neuron_are_named(
    neuron_process, share: Path, mods: Path
) -> None:
    def model(results, morphology, mods) -> None:
        import warnings

        from lfpcli.runtime.mechanisms.build import build
        from lfpcli.runtime.mechanisms.load import load

        library = build([mods])
        results["refused"] = [f"{m.name}: {m.refused}" for m in library.mechanisms]
        load(library)
        from lfpcli import Cell, StimIntElectrode, Synapse
        from lfpcli.errors import SimulatorError

        cell = Cell(morphology, passive=True)
        gap = StimIntElectrode(cell, 0, "Gap", g=0.01)
        try:
            cell.simulate(tstop=1.0)
        except SimulatorError as error:
            results["unset"] = str(error)
        gap.point._ref_vgap = cell.segments[1]._ref_v
        cell.simulate(tstop=1.0)
        results["set"] = cell.somav
        Synapse(cell, 0, "Chance").set_spike_times([0.5])
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            cell.simulate(tstop=1.0)
        results["chance"] = [str(w.message) for w in caught]
        for name in ("IntFire1", "NetStim"):
            try:
                Synapse(cell, 0, name)
            except SimulatorError as error:
                results[name] = str(error)

    told = neuron_process(
        model,
        morphology=str(share / "morphologies/stick.swc"),
        mods=str(mods),
    )
    assert "POINTER 'vgap' of mechanism 'Gap' is not set" in str(told["unset"])
    assert "gap.mod" in str(told["unset"])
    assert np.all(np.isfinite(told["set"]))
    (chance,) = told["chance"].tolist()
    assert "'Chance' draws from scop_random" in chance
    assert "artificial cell" in str(told["IntFire1"]) and "artificial" in str(told["NetStim"])
    refused = dict(text.split(": ", 1) for text in told["refused"].tolist())
    assert refused["returns"] == "None"
    assert refused["Gap"].startswith("POINTER")


def test_pointers_of_coreneuron_are_not_followed_nowhere(
    neuron_process, share: Path, tmp_path: Path
) -> None:
    def model(results, morphology, mods) -> None:
        from lfpcli.runtime.mechanisms.build import build
        from lfpcli.runtime.mechanisms.load import load

        load(build([mods]))
        from lfpcli import Cell, StimIntElectrode
        from lfpcli.errors import SimulatorError
        from lfpcli.runtime.engine.coreneuron import obstacle

        cell = Cell(morphology, passive=True)
        StimIntElectrode(cell, 0, "Empty")
        results["obstacle"] = obstacle()
        # nobody reads its pointer
        cell.simulate(tstop=1.0, engine="neuron")
        number = StimIntElectrode(cell, 0, "Number")
        try:
            cell.simulate(tstop=1.0, engine="neuron")
        except SimulatorError as error:
            results["unset"] = str(error)
        number.point._ref_glu = cell.segments[1]._ref_v
        cell.simulate(tstop=1.0, engine="neuron")
        results["set"] = cell.somav

    (tmp_path / "number.mod").write_text(NUMBER)
    (tmp_path / "empty.mod").write_text(EMPTY)
    told = neuron_process(
        model, morphology=str(share / "morphologies/stick.swc"), mods=str(tmp_path)
    )
    assert "C code of 'Empty' ends the process" in str(told["obstacle"])
    assert "POINTER 'glu' of mechanism 'Number' is not set" in str(told["unset"])
    assert np.all(np.isfinite(told["set"]))


def test_c_code_runs_in_both_engines(neuron_process, share: Path, mods: Path) -> None:
    def model(results, morphology, mods) -> None:
        from lfpcli.runtime.mechanisms.build import build
        from lfpcli.runtime.mechanisms.load import load

        load(build([mods]))
        from lfpcli import Cell

        cell = Cell(morphology, passive=True)
        cell.insert("returns", gbar=0.002)
        for engine in ("neuron", "coreneuron"):
            cell.simulate(tstop=20.0, engine=engine, rec_variables=["n_returns"])
            results[engine] = np.vstack([cell.somav, cell.variables["n_returns"][0]])

    told = neuron_process(
        model,
        morphology=str(share / "morphologies/stick.swc"),
        mods=str(mods),
    )
    np.testing.assert_allclose(told["coreneuron"], told["neuron"], rtol=0, atol=1e-9)
    assert np.all(np.ptp(told["neuron"], axis=1) > 1e-4)


def test_currents_of_equal_point_processes_add_up_in_both_engines(
    neuron_process, share: Path, mods: Path
) -> None:
    def model(results, morphology, mods) -> None:
        from lfpcli.runtime.mechanisms.build import build
        from lfpcli.runtime.mechanisms.load import load

        load(build([mods]))
        from lfpcli import Cell, StimIntElectrode

        cell = Cell(morphology, passive=True)
        cell.insert("pool")
        for number in range(11):
            # one, two and eight on a segment
            index = (0, 1, 1, *(8 * [2]))[number]
            StimIntElectrode(cell, index, "Calcium", g=0.001 * (number + 1))
        for engine in ("neuron", "coreneuron"):
            cell.simulate(tstop=10.0, engine=engine, rec_variables=["cai", "ica"])
            results[engine] = np.vstack([cell.variables["cai"], cell.variables["ica"]])

    told = neuron_process(
        model,
        morphology=str(share / "morphologies/stick.swc"),
        mods=str(mods),
    )
    peak = np.abs(told["neuron"]).max(axis=1, keepdims=True)
    assert np.all(peak[:3] > 1.1e-4)
    error = np.abs(told["coreneuron"] - told["neuron"]) / np.maximum(peak, 1e-12)
    assert error.max() < 1e-9


def test_two_mechanisms_that_write_one_concentration_are_named(
    neuron_process, tmp_path: Path, share: Path, mods: Path
) -> None:
    told = neuron_process(
        """
        import contextlib, io, json, warnings
        from pathlib import Path
        from lfpcli.model.load import load_model
        from lfpcli.runtime.mpi.team import Team
        from lfpcli.tasks.simulate.simulation import Simulation
        path = Path("m.json")
        pools = [{"name": "pool"}, {"name": "other", "sections": ["soma"]}]
        path.write_text(json.dumps({
            "run": {"tstop": 1.0, "seed": 1, "mechanisms": [mods]},
            "cell": {"c": {"morphology": morphology, "mechanism": pools}},
            "population": {"P": {"cell": "c", "size": 2}},
        }))
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            with contextlib.redirect_stderr(io.StringIO()) as printed:
                simulation = Simulation(load_model(path), Team())
        results["printed"] = printed.getvalue().count("at the same location")
        results["told"] = [str(warning.message) for warning in caught]
        """,
        morphology=str(share / "morphologies/ball_and_stick.swc"),
        mods=str(mods),
    )
    (sentence,) = [text for text in told["told"].tolist() if "written by" in text]
    assert sentence.startswith("cai is written by 'other' and 'pool' in soma")
    assert "m.json" in sentence
    # NEURON says so of each segment of each cell, each time that their number changes
    assert told["printed"] == 1


def test_a_step_near_the_delays_runs(neuron_process, share: Path) -> None:
    def model(results, morphology) -> None:
        from lfpcli import Cell, Synapse

        cell = Cell(morphology, passive=True)
        Synapse(cell, 0, "ExpSyn", weight=0.01).set_spike_times([1.4])
        for engine in ("neuron", "coreneuron"):
            cell.simulate(dt=0.7, tstop=20.0, engine=engine)
            results[engine] = cell.somav

    told = neuron_process(
        model,
        morphology=str(share / "morphologies/stick.swc"),
    )
    np.testing.assert_allclose(told["coreneuron"], told["neuron"], rtol=0, atol=1e-9)
    assert np.ptp(told["neuron"]) > 1.0


@pytest.mark.parametrize(
    ("engine", "shortest", "ranks", "expected"),
    [
        ("coreneuron", 1.0, 2, "less than 2 steps of dt = 0.7 ms"),
        ("coreneuron", 1.4, 2, None),
        ("coreneuron", 0.1, 1, None),
        ("neuron", 1.0, 2, None),
        ("neuron", 0.5, 2, "less than one step"),
    ],
)
def test_delays_between_processes(
    monkeypatch: pytest.MonkeyPatch, engine: str, shortest: float, ranks: int, expected: str | None
) -> None:
    from types import SimpleNamespace

    from lfpcli.errors import SimulatorError
    from lfpcli.runtime.engine import checks
    from lfpcli.runtime.engine.settings import RunSettings

    monkeypatch.setattr(checks, "context", lambda: SimpleNamespace(nhost=lambda: ranks))
    settings = RunSettings(tstop=1.0, dt=0.7, engine=engine)
    if expected is None:
        checks.check_delays(shortest, settings)
        return
    with pytest.raises(SimulatorError, match=expected):
        checks.check_delays(shortest, settings)


def test_what_all_cells_of_a_process_remember_together_is_refused_on_several(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(checks, "launched", lambda: (2, 0))
    counts = "NET_RECEIVE(w) { count = count + 1 if (count > 9) { net_event(t) } }"
    texts = {
        "GLOBAL count": "ASSIGNED { count v (mV) } " + counts,
        "GLOBAL peak": "ASSIGNED { peak v (mV) } BREAKPOINT { if (v > peak) { peak = v } }",
        "GLOBAL inf": "ASSIGNED { inf v (mV) } BREAKPOINT { inf = 1/(1 + exp(-v)) i = inf }",
        "RANGE count": "ASSIGNED { count v (mV) } " + counts,
    }
    told = {}
    for declaration, rest in texts.items():
        text = f"NEURON {{ POINT_PROCESS Sums {declaration} }}\n{rest}"
        monkeypatch.setattr(checks, "_source", lambda mechanism, text=text: text)
        mechanism = Mechanism("Sums", "point", "mods/Sums.mod", "", False)
        try:
            checks._check_mechanism(mechanism, 1)
        except SimulatorError as error:
            told[declaration] = str(error)
    assert list(told) == ["GLOBAL count", "GLOBAL peak"]
    assert "'Sums' remembers 'count'" in told["GLOBAL count"]
    assert "number of processes" in told["GLOBAL peak"] and "mods/Sums.mod" in told["GLOBAL peak"]
    # one process is the same in any run
    monkeypatch.setattr(checks, "launched", lambda: (1, 0))
    monkeypatch.setattr(checks, "_source", lambda mechanism: f"NEURON {{ GLOBAL count }} {counts}")
    checks._check_mechanism(Mechanism("Sums", "point", "mods/Sums.mod", "", False), 1)


@pytest.mark.parametrize(
    ("initial", "receive", "argument"),
    [
        ("net_send(9, 1)", "if (flag == 1) { g = g + n } else { n = n + 1 }", "n"),
        ("net_send(9, 1)", "g = g + w", "w"),
        ("net_send(0, 2)", "if (flag == 0) { g = w } else if (flag == 2) { x = n }", "n"),
        ("net_send(0, 2)", "if (flag == 1) { g = w } else { if (t > 5) { n = 0 } }", "n"),
        ("net_send(9, 1)", "if (flag == 1) { x = x + 1 net_send(9, 1) } else { n = w }", None),
        ("net_send(0, 3)", "if (flag == 0) { g = w } else if (flag == 1) { n = w }", None),
        ("net_send(9, 1)", "if (flag == 1) { FOR_NETCONS(w, n) { n = w } } else { g = w }", None),
        ("x = 0", "g = g + w*n", None),
    ],
)
def test_events_of_no_connection_need_none(
    initial: str, receive: str, argument: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = f"NEURON {{ POINT_PROCESS Own RANGE g }}\nINITIAL {{ {initial} }}\n"
    text += f"NET_RECEIVE(w (uS), n) {{\n  INITIAL {{ n = 0 }}\n  {receive}\n}}\n"
    monkeypatch.setattr(checks, "_source", lambda mechanism: text)
    mechanism = Mechanism("Own", "point", "mods/Own.mod", "", False)
    if argument is None:
        checks._check_mechanism(mechanism, 1)
        return
    with pytest.raises(SimulatorError, match=f"'Own' needs '{argument}'.*INITIAL"):
        checks._check_mechanism(mechanism, 1)


def test_streams_are_told_where_all_stands_on_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    text = "NEURON { RANDOM draws, more POINT_PROCESS Own RANGE g RANDOM last } ASSIGNED { v }"
    monkeypatch.setattr(hidden, "source_of", lambda mechanism: text)
    assert hidden.stream_names.__wrapped__("Own") == ("draws", "more", "last")


def watched(results) -> None:
    from lfpcli.runtime.neuron import context

    # it answers with what held before
    results["seconds"] = context().timeout(20)


def test_no_clock_ends_a_process_that_is_slow(neuron_process) -> None:
    # NEURON's default ends one that makes no step in 20 s
    assert neuron_process(watched)["seconds"] == 0

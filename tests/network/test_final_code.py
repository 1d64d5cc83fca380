"""Code that sees synapses: it can do what a table of each synapse says, on any process."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from network_models import ball_and_stick, needs_mpi, ranks, write

PYTHON = """\
def graded(cell):
    sections = cell.geometry.section
    for synapse in cell.table_synapses:
        assert synapse.mechanism == "ExpSyn"
        assert synapse.point.get_segment() == cell.segments[synapse.idx]
        if synapse.table == "connection" and synapse.number == 0:
            synapse.point.tau = 2.0 + 3.0 * sections[synapse.idx]
            for netcon in synapse.netcons:
                netcon.weight[0] = 2e-3
    assert [electrode.mechanism for electrode in cell.electrodes] == ["IClamp"]

def later(cell):
    from neuron import h
    h.celsius = 30

def finer(cell):
    cell.sections[-1].nseg += 2
"""
HOC = """\
objref points
points = lfp_synapses
for k = 0, points.count() - 1 { points.o(k).e = points.o(k).e - 10 }
lfp_electrodes.o(0).amp = 0.35
"""


def sticks(tau: Any, weight: float, e: float, amp: float) -> dict[str, Any]:
    """Four cells, one after the other; each has two synapses in each section."""
    exp = {"type": "ExpSyn", "tau": tau, "e": e}
    return {
        "run": {"tstop": 15.0, "dt": 0.0625, "seed": 4},
        "cell": {"stick": ball_and_stick()},
        "population": {
            "E": {"cell": "stick", "size": 4, "place": {"shape": "cylinder", "radius": 50.0}},
            "T": {"rate": 200.0, "size": 3},
        },
        "connection": [
            {
                "pre": pre,
                "post": "E",
                "rule": {"all": True},
                "synapse": exp,
                "weight": weight,
                "delay": 1.0,
                "location": {"each": ["soma", "dend"]},
            }
            for pre in ("T", "E")
        ],
        "input": [
            {
                "synapse": {"type": "ExpSyn", "tau": 2.0, "e": e},
                "weight": 1e-3,
                "count": 5,
                "source": {"poisson": 100.0},
            }
        ],
        "stimulus": [{"type": "IClamp", "amp": amp, "delay": 2.0, "dur": 5.0}],
        "record": {"vmem": "all"},
    }


@needs_mpi
def test_code_does_what_tables_say(shell, tmp_path):
    told = sticks({"expr": "2 + min(3, s)"}, weight=2e-3, e=-10.0, amp=0.35)
    told["connection"][1]["synapse"] = {"type": "ExpSyn", "tau": 2.0, "e": -10.0}
    told["connection"][1]["weight"] = 5e-4
    told["run"]["merge"] = False
    shell("sim", write(tmp_path, told, "told.json"), "-o", tmp_path / "told.h5")
    coded = sticks(2.0, weight=5e-4, e=0.0, amp=0.1)
    coded["cell"]["stick"]["final_code"] = ["code.py:graded", "code.hoc"]
    (tmp_path / "code.py").write_text(PYTHON)
    (tmp_path / "code.hoc").write_text(HOC)
    model = write(tmp_path, coded, "coded.json")
    shell("sim", model, "-o", tmp_path / "coded.h5")
    assert shell("diff", tmp_path / "told.h5", tmp_path / "coded.h5", "--atol", "1e-9").code == 0
    ranks(3, "sim", model, "-o", tmp_path / "ranks.h5")
    assert shell("diff", "--exact", tmp_path / "coded.h5", tmp_path / "ranks.h5").code == 0


@pytest.mark.parametrize(
    ("function", "text"),
    [
        ("later", "final code sets celsius"),
        ("finer", "changes the number of segments"),
        ("nothing", "has no function 'nothing'"),
    ],
)
def test_what_comes_too_late_is_refused(shell, tmp_path: Path, function, text):
    tree = sticks(2.0, weight=5e-4, e=0.0, amp=0.1)
    tree["cell"]["stick"]["final_code"] = [f"code.py:{function}"]
    (tmp_path / "code.py").write_text(PYTHON)
    wrong = shell("sim", write(tmp_path, tree), "-o", tmp_path / "o.h5", code=3)
    assert text in wrong.err
    assert "code.py" in wrong.err

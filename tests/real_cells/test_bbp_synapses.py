"""Blue Brain cells with their stochastic synapses, whose files are ported first."""

from __future__ import annotations

import json
import re
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

spec = find_spec("MEArec")
if spec is None or spec.origin is None:
    pytest.skip("MEArec is not installed", allow_module_level=True)
BBP = Path(spec.origin).parent / "cell_models/bbp"
CELLS = sorted(path.parent.name for path in BBP.glob("*/template.hoc"))
SMALL, PYRAMIDAL, MARTINOTTI = "L5_NBC_bAC217_1", "L5_TTPC1_cADpyr232_1", "L5_MC_bAC217_1"
# the synapses of a template are off until somebody gives them their weights
SWITCH = """\
def on(cell):
    synapses = cell.owner.synapses
    for k in range(int(synapses.netcon_list.count())):
        synapses.netcon_list.o(k).weight[0] = synapses.weights.x[k]
"""


@pytest.fixture(scope="module")
def ported(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The mechanisms of all cells, ported into one folder."""
    from lfpcli.tasks.mechs import port_mechanisms

    folder = tmp_path_factory.mktemp("bbp") / "ported"
    before = {path: path.stat().st_mtime_ns for path in BBP.rglob("*.mod")}
    files = port_mechanisms(sorted(BBP.glob("*/mechanisms")), folder)
    assert {path: path.stat().st_mtime_ns for path in BBP.rglob("*.mod")} == before
    assert {file.source.stem for file in files if file.changes} == {
        "ProbAMPANMDA_EMS",
        "ProbGABAAB_EMS",
    }
    assert not any(file.findings for file in files)
    return folder


def template(name: str, with_synapses: int) -> dict[str, Any]:
    """A kind of cell."""
    file = BBP / name / "template.hoc"
    (main,) = re.findall(r"^begintemplate\s+(\w+)", file.read_text(errors="replace"), re.M)
    return {
        "template": f"{file}:{main}",
        "args": [with_synapses],
        "code": [str(BBP / name / "constants.hoc")],
    }


def run_in_both_engines(
    shell: Any, folder: Path, ported: Path, name: str
) -> tuple[np.ndarray, np.ndarray]:
    """Compare spikes and potentials of the engines, and return those of NEURON."""
    (folder / "switch.py").write_text(SWITCH)
    cell = template(name, 1)
    cell["code"].append(f"{folder / 'switch.py'}:on")
    tree = {
        "run": {"tstop": 30.0, "dt": 0.025, "seed": 3, "mechanisms": [str(ported)]},
        "cell": {"c": cell},
        "population": {"P": {"cell": "c", "size": 1}},
        "probe": [{"name": "LFP", "contacts": [[40.0, 0.0, 0.0], [40.0, 40.0, 100.0]]}],
    }
    path = folder / f"{name}.json"
    path.write_text(json.dumps(tree))
    results = []
    for engine in ("neuron", "coreneuron"):
        out = folder / f"{name}-{engine}.h5"
        shell("sim", path, "-o", out, "-q", "--set", f"run.engine='{engine}'")
        with h5py.File(out) as file:
            results.append((file["spikes/P/timestamps"][()], file["signals/LFP/data"][()]))
    (times, signal), (core_times, core_signal) = results
    np.testing.assert_allclose(core_times, times, rtol=0, atol=1e-9)
    peak = np.abs(signal).max()
    assert peak > 1e-4
    np.testing.assert_allclose(core_signal, signal, rtol=0, atol=1e-9 * peak)
    return times, signal


def test_an_interneuron_with_its_synapses_on(shell, tmp_path, ported):
    run_in_both_engines(shell, tmp_path, ported, SMALL)


@pytest.mark.slow
def test_all_cells_with_their_synapses_on(shell, tmp_path, ported):
    assert len(CELLS) == 13
    spikes = [len(run_in_both_engines(shell, tmp_path, ported, name)[0]) for name in CELLS]
    assert sum(spikes) > 10


def column(ported: Path, counts: tuple[int, int]) -> dict[str, Any]:
    """Pyramidal and Martinotti cells, which stochastic synapses connect and drive."""
    excites = {"type": "ProbAMPANMDA_EMS", "Use": 0.5, "Dep": 671.0, "Fac": 17.0}
    inhibits = {"type": "ProbGABAAB_EMS", "Use": 0.25, "Dep": 706.0, "Fac": 21.0}
    facilitates = {"type": "ProbAMPANMDA_EMS", "Use": 0.09, "Dep": 138.0, "Fac": 670.0}
    place = {"shape": "cylinder", "radius": 100.0}

    def connection(pre: str, post: str, synapse: dict[str, Any], weight: float) -> dict[str, Any]:
        return {
            "pre": pre,
            "post": post,
            "rule": {"probability": 0.3},
            "synapse": synapse,
            "weight": weight,
            "delay": 1.5,
            "count": 5,
        }

    return {
        "run": {"tstop": 25.0, "dt": 0.05, "seed": 8, "mechanisms": [str(ported)]},
        "cell": {"pyramidal": template(PYRAMIDAL, 0), "martinotti": template(MARTINOTTI, 0)},
        "population": {
            "E": {
                "cell": "pyramidal",
                "size": counts[0],
                "place": place,
                "rotate": {"z": "random"},
            },
            "I": {"cell": "martinotti", "size": counts[1], "place": place},
        },
        "connection": [
            connection("E", "E", excites, 1.5),
            connection("E", "I", facilitates, 1.5),
            connection("I", "E", inhibits, 2.0),
        ],
        "input": [
            {"synapse": excites, "weight": 3.0, "count": 200, "source": {"poisson": 40.0}},
        ],
        "probe": [{"name": "LFP", "contacts": [[0.0, 0.0, 100.0 * k] for k in range(5)]}],
    }


@pytest.mark.slow
@pytest.mark.parametrize("engine", ["neuron", "coreneuron"])
def test_a_column_has_the_same_bits_on_any_number_of_ranks(shell, tmp_path, ported, engine):
    path = tmp_path / "column.json"
    path.write_text(json.dumps(column(ported, (14, 6))))
    chosen = ["--set", f"run.engine='{engine}'", "-q"]
    shell("sim", path, "-o", tmp_path / "1.h5", *chosen)
    for count in (2, 3):
        out = tmp_path / f"{count}.h5"
        shell("sim", path, "-o", out, "--ranks", count, *chosen)
        shell("diff", "--exact", tmp_path / "1.h5", out)
    with h5py.File(tmp_path / "1.h5") as file:
        assert len(file["spikes/E/timestamps"]) > 0

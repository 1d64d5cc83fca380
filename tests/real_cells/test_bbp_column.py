"""A column of Blue Brain cells with stochastic synapses, after that of LFPy 2.0, on several ranks.

Hagen et al. 2018, Front Neuroinform 12:92.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import h5py
import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "network"))

from network_models import MPIRUN, needs_mpi

spec = find_spec("MEArec")
if spec is None or spec.origin is None:
    pytest.skip("MEArec is not installed", allow_module_level=True)
BBP = Path(spec.origin).parent / "cell_models/bbp"
PYRAMIDAL, MARTINOTTI = "L5_TTPC1_cADpyr232_1", "L5_MC_bAC217_1"
EXCITES = {
    "type": "ProbAMPANMDA_EMS",
    "tau_r_AMPA": 0.3,
    "tau_d_AMPA": 3.0,
    "Use": 0.5,
    "Dep": 100.0,
    "Fac": 10.0,
    "u0": 0.0,
}
INHIBITS = {
    "type": "ProbGABAAB_EMS",
    "tau_r_GABAA": 0.2,
    "tau_d_GABAA": 8.0,
    "Use": 0.25,
    "Dep": 700.0,
    "Fac": 20.0,
    "u0": 0.0,
}


def cell(name: str) -> dict[str, Any]:
    """A kind of cell without the synapses of its template."""
    file = BBP / name / "template.hoc"
    (template,) = re.findall(r"^begintemplate\s+(\w+)", file.read_text(errors="replace"), re.M)
    return {
        "template": f"{file}:{template}",
        "args": [0],
        "code": [str(BBP / name / "constants.hoc")],
    }


def column(mechanisms: Path) -> dict[str, Any]:
    """16 pyramidal cells and 4 Martinotti cells of layer 5."""
    z = {"dist": "norm", "scale": 50.0}
    place = {"shape": "cylinder", "radius": 100.0, "z": z, "min_distance": 20.0}
    turned = {"place": place, "rotate": {"z": "random"}}
    drive = {**EXCITES, "Use": 0.8, "Dep": 10.0, "Fac": 1.0}
    joined = {"delay": 1.0, "weight": 1.5, "count": 5, "synapse": EXCITES}
    dendrites = {"sections": ["dend", "apic"]}
    return {
        "run": {
            "tstop": 15.0,
            "dt": 0.05,
            "celsius": 34.0,
            "v_init": -70.0,
            "seed": 5,
            "mechanisms": [str(mechanisms)],
        },
        "cell": {"TTPC1": cell(PYRAMIDAL), "MC": cell(MARTINOTTI)},
        "population": {
            "E": {"cell": "TTPC1", "size": 16, **turned},
            "I": {"cell": "MC", "size": 4, **turned},
        },
        "connection": [
            {**joined, "pre": "E", "post": "E", "rule": {"probability": 0.3}}
            | {"location": dendrites},
            {**joined, "pre": "E", "post": "I", "rule": {"probability": 0.5}}
            | {"location": "dend"},
            {**joined, "pre": "I", "post": "E", "rule": {"probability": 0.5}}
            | {"location": dendrites, "synapse": INHIBITS, "weight": 2.0, "count": 10},
        ],
        "input": [
            {
                "synapse": drive,
                "weight": 4.0,
                "count": 60,
                "location": {"sections": ["soma", "dend"]},
                "source": {"poisson": 120.0},
            }
        ],
        "probe": [
            {
                "name": "shank",
                "contacts": [[0.0, 0.0, -200.0], [0.0, 0.0, 0.0], [0.0, 0.0, 400.0]],
                "per": "population",
            }
        ],
    }


@needs_mpi
@pytest.mark.slow
def test_stochastic_synapses_are_the_same_on_any_number_of_ranks(tmp_path: Path) -> None:
    from lfpcli.tasks.mechs import port_mechanisms

    folders = [BBP / name / "mechanisms" for name in (PYRAMIDAL, MARTINOTTI)]
    port_mechanisms(folders, tmp_path / "ported")
    (tmp_path / "column.json").write_text(json.dumps(column(tmp_path / "ported")))
    files = []
    for ranks in (1, 2, 3):
        out = tmp_path / f"out{ranks}.h5"
        launcher = [str(MPIRUN), "--oversubscribe", "-n", str(ranks)] if ranks > 1 else []
        environment = {**os.environ, "OMP_NUM_THREADS": "1"}
        for name in ("OMPI_ALLOW_RUN_AS_ROOT", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM"):
            environment[name] = "1"
        done = subprocess.run(
            [*launcher, sys.executable, "-m", "lfpcli", "sim", "column.json", "-o", out, "-q"],
            cwd=tmp_path,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        files.append(out.read_bytes())
    assert files[0] == files[1] == files[2]
    with h5py.File(tmp_path / "out1.h5") as file:
        assert len(file["spikes/E/timestamps"]) > 10
        assert len(file["spikes/I/timestamps"]) > 2

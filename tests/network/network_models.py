"""Small networks for the tests."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

SHARE = Path(__file__).parent.parent.parent / "share"
EXCITES = {"type": "Exp2Syn", "tau1": 0.2, "tau2": 1.8, "e": 0.0}
INHIBITS = {"type": "Exp2Syn", "tau1": 0.1, "tau2": 9.0, "e": -80.0}
MPIRUN = shutil.which(
    "mpirun", path=os.pathsep.join([str(Path(sys.executable).parent), *os.get_exec_path()])
)
needs_mpi = pytest.mark.skipif(MPIRUN is None, reason="no mpirun; pip install 'lfpcli[mpi]'")


def ball_and_stick() -> dict[str, Any]:
    """A kind of cell with a spiking soma and a passive dendrite."""
    return {
        "morphology": str(SHARE / "morphologies/ball_and_stick.swc"),
        "Ra": 100.0,
        "cm": 1.0,
        "mechanism": [
            {"name": "hh", "sections": ["soma"]},
            {"name": "pas", "sections": ["dend"], "g": 2e-4, "e": -65.0},
        ],
    }


def connection(pre: str, post: str, rule: dict[str, Any], **keys: Any) -> dict[str, Any]:
    """A table of connections."""
    table = {
        "pre": pre,
        "post": post,
        "rule": rule,
        "synapse": INHIBITS if pre == "I" else EXCITES,
        "weight": {"dist": "norm", "loc": 0.002, "scale": 0.0002, "min": 0.0},
        "delay": {"dist": "norm", "loc": 1.5, "scale": 0.3, "min": 0.3},
    }
    return {**table, **keys}


def network() -> dict[str, Any]:
    """Excitatory and inhibitory cells, trains from outside, background, a probe."""
    return {
        "run": {"tstop": 40.0, "dt": 0.0625, "seed": 4, "engine": "neuron"},
        "cell": {"stick": ball_and_stick()},
        "population": {
            "E": {
                "cell": "stick",
                "size": 7,
                "place": {"shape": "cylinder", "radius": 60.0, "min_distance": 1.0},
                "rotate": {"z": "random"},
            },
            "outside": {"rate": {"poisson": 30.0}, "size": 10},
            "I": {"cell": "stick", "size": 3, "place": {"shape": "cylinder", "radius": 60.0}},
        },
        "connection": [
            connection("E", "I", {"probability": 0.4}),
            # equal delays: spikes that arrive at one time
            connection("I", "E", {"indegree": 2}, weight=0.01, delay=1.5, count=3),
            connection("E", "E", {"outdegree": 4}, delay=1.0),
            connection("outside", "E", {"total": 60}, delay=2.0),
        ],
        "input": [
            {"synapse": EXCITES, "weight": 0.002, "count": 40, "source": {"poisson": 25.0}},
            {
                "synapse": EXCITES,
                "population": "I",
                "weight": {"dist": "norm", "loc": 0.002, "scale": 0.0002, "min": 0.0},
                "count": 10,
                "source": {"times": [10.0, 20.0, 30.0]},
            },
        ],
        "probe": [
            {
                "name": "LFP",
                "contacts": [[80.0, 0.0, 0.0], [80.0, 0.0, 300.0]],
                "radius": 5.0,
                "normal": [0.0, 1.0, 0.0],
                "per": "population",
            }
        ],
        "record": {"dipole": "population", "vmem": "all", "imem": True, "variables": ["ina"]},
    }


def write(folder: Path, tree: dict[str, Any], name: str = "model.json") -> Path:
    """Write a model."""
    path = folder / name
    path.write_text(json.dumps(tree))
    return path


def simulated(path: Path, out: Path, *arguments: object) -> Path:
    """Run a model in a process of its own, and return its recording."""
    command = ["sim", path, "-o", out, "-q", *arguments]
    subprocess.run([sys.executable, "-m", "lfpcli", *map(str, command)], check=True, timeout=1200)
    return out


def ranks(
    count: int,
    *arguments: object,
    code: int = 0,
    program: str = "",
    timeout: float = 1200.0,
    **options: Any,
) -> subprocess.CompletedProcess[str]:
    """Run `lfp` on several ranks, or a program that runs it in its way."""
    environment = {
        **os.environ,
        "OMPI_ALLOW_RUN_AS_ROOT": "1",
        "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1",
    }
    started = [str(Path(sys.executable).parent / "lfp")]
    if program:
        started = [sys.executable, "-c", program]
    command = [str(MPIRUN), "--oversubscribe", "-n", str(count), *started]
    done = subprocess.run(
        [*command, *map(str, arguments)],
        capture_output=True,
        check=False,
        timeout=timeout,
        env=environment,
        **options,
    )
    done.stderr = done.stderr.decode()
    assert done.returncode == code, done.stderr
    return done

"""What `lfp sim` compiles for CoreNEURON by itself, and what it does where no compiler is there."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pytest

needs_compiler = pytest.mark.skipif(
    shutil.which("g++") is None or not sys.platform.startswith("linux"), reason="needs g++, Linux"
)


MODEL = """
[run]
tstop = 2.0
dt = 0.05
method = "backward-euler"
engine = "coreneuron"
[cell.c]
morphology = "builtin:ball_and_sticks"
nseg = 1000
[[cell.c.mechanism]]
name = "hh"
[population.p]
cell = "c"
size = 1
[[stimulus]]
type = "IClamp"
amp = 0.5
dur = 2.0
[record]
imem = true
"""


def run(shell: Callable, cache: Path, out: Path, **environment: str) -> tuple[str, np.ndarray]:
    """What a run of a model without .mod files says, and its membrane currents."""
    model = out.with_suffix(".toml")
    model.write_text(MODEL)
    variables = {**os.environ, "LFP_MECH_CACHE": str(cache), "NO_COLOR": "1", **environment}
    ran = shell("sim", model, "-o", out, env=variables)
    with h5py.File(out) as file:
        (report,) = file["reports/imem"].values()
        return ran.err, report["data"][()]


@needs_compiler
def test_what_is_compiled_is_said_once(shell: Callable, tmp_path: Path) -> None:
    said, currents = run(shell, tmp_path / "cache", tmp_path / "one.h5")
    assert said.count("compiling the recorder of CoreNEURON, once for this machine") == 1
    assert said.count("compiling NEURON's mechanisms for CoreNEURON, once for this machine") == 1
    said, again = run(shell, tmp_path / "cache", tmp_path / "two.h5")
    assert "compiling" not in said
    assert np.array_equal(currents, again)


def test_without_a_compiler_vectors_record(shell: Callable, tmp_path: Path) -> None:
    # a path without programs, as on a machine where nothing compiles
    said, currents = run(shell, tmp_path / "cache", tmp_path / "one.h5", PATH="/nowhere", CXX="")
    assert "compiling" not in said
    assert said.count("there is no tap: no C++ compiler") == 1
    _, usual = run(shell, tmp_path / "cache", tmp_path / "two.h5")
    assert currents.shape == usual.shape
    # the wheel's own library has the functions of the C library
    assert np.abs(currents - usual).max() < 1e-9 * np.abs(usual).max()

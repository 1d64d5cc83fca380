"""Elements of array variables of mechanisms, recorded by either engine."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np

COUNTER = """
NEURON { SUFFIX Counter RANGE x, y NONSPECIFIC_CURRENT i }
ASSIGNED { v (mV) i (mA/cm2) y }
STATE { x[3] }
INITIAL { x[0] = 1 x[1] = 2 x[2] = 3 y = 5 }
BREAKPOINT { SOLVE count METHOD after_cvode i = 1e-6*(v + 65) }
PROCEDURE count() { x[0] = x[0] + 1 x[1] = x[1] + 2 x[2] = x[2] + v y = v }
"""


def model(folder: Path, *variables: str) -> Path:
    """A cell with the mechanism in its soma alone, which is two segments."""
    (folder / "Counter.mod").write_text(COUNTER)
    tree = {
        "run": {"tstop": 2.0, "dt": 0.125, "seed": 1, "mechanisms": [str(folder / "Counter.mod")]},
        "cell": {
            "stick": {
                "morphology": "builtin:ball_and_stick",
                "nseg": 2,
                "mechanism": [{"name": "Counter", "sections": ["soma"]}, {"name": "pas"}],
            }
        },
        "population": {"P": {"cell": "stick", "size": 2}},
        "record": {"variables": list(variables), "vmem": "none"},
    }
    path = folder / "model.json"
    path.write_text(json.dumps(tree))
    return path


def test_elements_are_those_of_the_mechanism_with_both_engines(
    shell: Callable[..., Any], tmp_path: Path
) -> None:
    names = ["x_Counter[0]", "x_Counter[1]", "x_Counter[2]", "y_Counter"]
    path = model(tmp_path, *names)
    for engine in ("neuron", "coreneuron"):
        out = tmp_path / f"{engine}.h5"
        shell("sim", path, "-o", out, "-q", "--set", f"run.engine={engine}")
        with h5py.File(out) as file:
            rows = {name: file[f"reports/{name}/P/data"][:] for name in names}
        steps = np.arange(17.0)[:, None] * np.ones(4)
        np.testing.assert_array_equal(rows[names[0]], 1.0 + steps)
        np.testing.assert_array_equal(rows[names[1]], 2.0 + 2.0 * steps)
        sums = 3.0 + np.cumsum(rows[names[3]][1:], axis=0)
        np.testing.assert_allclose(rows[names[2]][1:], sums, rtol=1e-12)


def test_an_array_is_no_number(shell: Callable[..., Any], tmp_path: Path) -> None:
    out = tmp_path / "o.h5"
    for name in ("x_Counter", "x_Counter[3]"):
        said = shell("sim", model(tmp_path, name), "-o", out, "-q", code=3).err
        assert "array of 3" in said and "x_Counter[0] to x_Counter[2]" in said
    said = shell("sim", model(tmp_path, "y_Counter[0]"), "-o", out, "-q", code=3).err
    assert "no segment has the variable" in said
    assert not out.exists()

"""What is told of mechanisms: asked of NEURON, and read in their sources."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from sources import program

from lfpcli.runtime.mechanisms.describe import _ions, builtin_mechanisms, describe


def tell(target: str) -> None:
    """Write what NEURON says of some mechanisms into a file."""
    names = ("hh", "pas", "ExpSyn", "Exp2Syn", "IClamp", "SEClamp", "NetStim", "extracellular")
    points = ("IClamp", "SEClamp", "ExpSyn")
    facts = {
        "described": {name: describe(name) for name in names},
        "all": builtin_mechanisms(),
        "electrodes": [describe(name)["electrode_current"] for name in points],
    }
    Path(target).write_text(json.dumps(facts))


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What one process of NEURON tells."""
    target = tmp_path_factory.mktemp("describe") / "told.json"
    done = subprocess.run(
        [sys.executable, "-c", program(tell, str(target))], capture_output=True, check=False
    )
    assert done.returncode == 0, done.stderr.decode()
    facts: dict[str, Any] = json.loads(target.read_text())
    return facts


def names(variables: list[dict[str, Any]]) -> list[str]:
    return [variable["name"] for variable in variables]


def test_every_mechanism_is_of_one_nature_and_ions_are_none(told: dict[str, Any]) -> None:
    natures = {m["name"]: m["kind"] for m in told["all"]}
    assert natures["hh"] == natures["extracellular"] == "density"
    assert natures["ExpSyn"] == natures["IClamp"] == "point"
    assert natures["NetStim"] == natures["IntFire1"] == "artificial"
    assert not [name for name in natures if name.endswith("_ion") or name == "morphology"]


def test_a_channel(told: dict[str, Any]) -> None:
    hh = told["described"]["hh"]
    assert not hh["electrode_current"] and not hh["events"]
    assert {ion["ion"]: ion["writes"] for ion in hh["ions"]} == {"na": ["ina"], "k": ["ik"]}
    by_name = {parameter["name"]: parameter for parameter in hh["parameters"]}
    assert by_name["gnabar"] == {"name": "gnabar", "units": "S/cm2", "size": 1, "default": 0.12}
    assert names(hh["states"]) == ["m", "h", "n"]
    assert names(hh["globals"]) == ["usetable"] and "gna" in names(hh["assigned"])


def test_synapses_take_events_and_electrodes_do_not(told: dict[str, Any]) -> None:
    described = told["described"]
    assert described["ExpSyn"]["events"] and described["Exp2Syn"]["events"]
    assert not described["IClamp"]["events"]
    by_name = {parameter["name"]: parameter for parameter in described["Exp2Syn"]["parameters"]}
    assert by_name["tau2"]["units"] == "ms"
    assert told["electrodes"] == [True, True, False]
    assert described["SEClamp"]["electrode_current"]


def test_arrays_have_one_default_per_element(told: dict[str, Any]) -> None:
    extracellular = told["described"]["extracellular"]["parameters"]
    arrays = [parameter for parameter in extracellular if parameter["size"] > 1]
    assert arrays
    for parameter in arrays:
        assert len(parameter["default"]) == parameter["size"]


@pytest.mark.parametrize(
    ("block", "expected"),
    [
        ("SUFFIX a", []),
        (
            "USEION ca READ cai, eca WRITE ica VALENCE 2 USEION k READ ek",
            [("ca", ["cai", "eca"], ["ica"]), ("k", ["ek"], [])],
        ),
        ("USEION mg\nRANGE g", [("mg", [], [])]),
    ],
)
def test_ions_are_read_in_the_source(block: str, expected: list[Any]) -> None:
    ions = [(ion["ion"], ion["reads"], ion["writes"]) for ion in _ions(block)]
    assert ions == expected

"""Reports that ask for a part: spans, intervals, kinds of sections, variables, single cells."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from circuits import configuration, write_circuit

from lfpcli.errors import InputError
from lfpcli.tasks.circuits.report_times import report_times
from lfpcli.tasks.circuits.simulation_model import simulation_tree

TIMES = {"start_time": 4.0, "end_time": 9.0, "dt": 0.5}


@pytest.fixture(scope="module")
def outputs(tmp_path_factory: pytest.TempPathFactory, shell: Callable[..., Any]) -> Path:
    """The folder of what a circuit has written."""
    config = write_circuit(tmp_path_factory.mktemp("reports") / "c")
    tree = configuration()
    # with three segments in a soma
    tree["run"] |= {"tstop": 12.0, "dL": 5.0}
    tree["reports"]["v"]["cells"] = "all"
    whole = {"module": "membrane_report", "cells": [1], "variable_name": "v"}
    tree["reports"] |= {
        "whole": whole,
        "part": {**whole, **TIMES},
        "trees": {**whole, "sections": ["basal", "apical"]},
        "two": {**whole, "variable_name": ["v", "ina"], "sections": "soma"},
        "g": {"module": "netcon_report", "variable_name": "g", "cells": [1], **TIMES},
        "some": {
            **tree["reports"]["ecp"],
            "cells": [0, 2],
            "file_name": "some.h5",
            "contributions_dir": "parts",
        },
    }
    config.write_text(json.dumps(tree))
    shell("sim", config, "-o", config.with_name("out.h5"), "--seed", "1")
    return config.parent / "output"


@pytest.fixture(scope="module")
def shell(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Any]:
    """Run the program in a process of its own."""
    import subprocess
    import sys

    def run(*arguments: object) -> None:
        command = [sys.executable, "-m", "lfpcli", *map(str, arguments)]
        subprocess.run(command, check=True, capture_output=True, timeout=300)

    return run


def report(path: Path) -> dict[str, Any]:
    with h5py.File(path) as file:
        group = file["report/v1"]
        mapping = {name: dataset[()] for name, dataset in group["mapping"].items()}
        return {"data": group["data"][()], **dict(group["data"].attrs), **mapping}


def test_a_report_has_the_rows_of_its_span(outputs: Path) -> None:
    whole, part = report(outputs / "whole.h5"), report(outputs / "part.h5")
    assert len(whole["data"]) == 120
    # of the steps that begin at 4.0, 4.5, ... 8.5 ms
    np.testing.assert_array_equal(part["data"], whole["data"][40:90:5])
    np.testing.assert_allclose(part["time"], [4.0, 9.0, 0.5])
    assert part["t_start"] == pytest.approx(4.1)
    assert report(outputs / "g.h5")["data"].shape[0] == 10


def test_sections_may_be_several(outputs: Path) -> None:
    whole, trees = report(outputs / "whole.h5"), report(outputs / "trees.h5")
    chosen = np.isin(whole["element_ids"], trees["element_ids"])
    assert 0 < chosen.sum() < len(chosen)
    # the soma and the stub of the axon are left out, which are first and last
    assert not chosen[0] and not chosen[-1]
    np.testing.assert_array_equal(trees["data"], whole["data"][:, chosen])


def test_several_variables_are_a_file_each(outputs: Path) -> None:
    soma = report(outputs / "v.h5")
    v, ina = report(outputs / "two_v.h5"), report(outputs / "two_ina.h5")
    assert (v["variable"], ina["variable"]) == ("v", "ina")
    assert v["data"].shape == ina["data"].shape == (120, 1)
    np.testing.assert_array_equal(v["data"][:, 0], soma["data"][:, 1])
    assert ina["data"].min() < 0 < 1e-3 + ina["data"].max()


def test_cells_contribute_to_potentials(outputs: Path) -> None:
    assert sorted(path.name for path in (outputs / "parts").iterdir()) == ["0.h5", "2.h5"]
    parts = []
    for name in ("parts/0.h5", "parts/2.h5", "some.h5", "ecp.h5"):
        with h5py.File(outputs / name) as file:
            parts.append(file["ecp/data"][()])
    first, second, some, everything = parts
    peak = np.abs(some).max()
    np.testing.assert_allclose(first + second, some, rtol=0, atol=1e-12 * peak)
    assert np.abs(everything - some).max() > 1e-3 * peak


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"dt": 0.25}, "dt 0.25 ms is no multiple of the time step, 0.1 ms"),
        ({"dt": "fine"}, "dt is 'fine'"),
        ({"start_time": 20.0, "end_time": 10.0}, "leave no row"),
        ({"end_time": 90.0}, "end_time 90 ms is beyond tstop, 60 ms"),
        ({"sections": ["soma", "spine"]}, "sections are"),
        ({"variable_name": []}, r"variable_name is \[\]"),
    ],
)
def test_what_a_report_cannot_have_is_told_before_the_run(
    tmp_path: Path, change: dict[str, Any], text: str
) -> None:
    config = write_circuit(tmp_path / "c")
    tree = configuration()
    tree["reports"]["v"] |= change
    config.write_text(json.dumps(tree))
    with pytest.raises(InputError, match=text) as refused:
        simulation_tree(config)
    assert "reports.v" in str(refused.value)


def test_times_hold_whatever_the_run_is(tmp_path: Path) -> None:
    times = report_times({"start_time": 0.3, "dt": 0.2}, {}, "r")
    # the first multiple of the interval that is not before the start
    assert times.rows(10, 0.1) == slice(4, 10, 2)
    assert report_times({"end_time": 5.0}, {"dt": 0.1, "tstop": 5.0}, "r").rows(20, 0.1) == slice(
        0, 20, 1
    )


def test_folders_of_contributions_are_not_overwritten(tmp_path: Path, lfp: Any) -> None:
    config = write_circuit(tmp_path / "c")
    tree = configuration()
    tree["output"]["overwrite_output_dir"] = False
    tree["reports"]["ecp"]["contributions_dir"] = "parts"
    config.write_text(json.dumps(tree))
    folder = tmp_path / "c/output/parts"
    folder.mkdir(parents=True)
    (folder / "7.h5").write_bytes(b"mine")
    wrong = lfp("sim", config, "-o", tmp_path / "o.h5", code=4)
    assert "parts/7.h5" in wrong.err
    assert (folder / "7.h5").read_bytes() == b"mine"

"""Models are read with all keys, defaults and relations."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from model_trees import MINIMAL, network
from sources import program

from lfpcli.errors import InputError
from lfpcli.forward.rotations import AxisTurn, Rotation, Tilt, Turns, rotation_matrix
from lfpcli.model import (
    CellSpec,
    CodeRef,
    Location,
    Model,
    Nseg,
    Population,
    Pulses,
    Record,
    Run,
    Slice,
    check_files,
    load_model,
    model_files,
)
from lfpcli.model.cell import TemplateRef

TOML = """
[run]
tstop = 20.0
dt = 0.025

[cell.pyr]
morphology = "pyr.swc"

[[cell.pyr.mechanism]]
name = "pas"
g = 3e-5

[[stimulus]]
type = "IClamp"
amp = 0.5
"""


def test_smallest_model_has_the_documented_defaults() -> None:
    model = load_model(MINIMAL)
    assert model.run == Run()
    assert (model.run.tstop, model.run.dt, model.run.tstart) == (100.0, 0.025, 0.0)
    assert (model.run.v_init, model.run.celsius, model.run.seed) == (-65.0, 6.3, None)
    assert model.record == Record()
    assert (model.record.dipole, model.record.vmem, model.record.every) == ("total", "soma", 1)
    cell = model.cells["pyr"]
    assert (cell.Ra, cell.cm, cell.mechanism, cell.shift) == (None, None, (), (0.0, 0.0, 0.0))
    assert cell.nseg == Nseg(rule="d_lambda", d_lambda=0.1, frequency=100.0)


def test_every_table_of_a_network_arrives() -> None:
    model = load_model(network(), folder="/models")
    pyr, basket = model.cells["pyr"], model.cells["basket"]
    assert pyr.morphology == Path("/models/pyr.swc")
    assert pyr.code == (
        CodeRef(Path("/models/biophysics.hoc")),
        CodeRef(Path("/models/channels.py"), "insert"),
    )
    assert basket.template == TemplateRef(Path("/models/basket.hoc"), "Basket")
    assert basket.nseg == Nseg(rule="keep")
    assert basket.args == (0.0, "x")
    connection = model.connections[0]
    assert connection.rule.name == "probability"
    assert connection.synapse.params == {"tau1": 0.2, "tau2": 1.8, "e": 0.0}
    assert connection.self is False
    assert model.populations["I"].size == 2
    assert model.populations["thalamus"].size is None
    assert model.populations["background"].rate.poisson == 10.0  # type: ignore[union-attr]
    assert model.stimuli[0].params == {"delay": 1.0, "dur": 5.0, "amp": 0.5}
    assert model.stimuli[0].location == Location(section="soma", x=0.5)
    assert model.inputs[0].location == Location(sections=("dend",))
    assert isinstance(model.fields[0].current, Pulses)
    assert model.probes[0].array == "Neuropixels-128"
    assert model.probes[1].name == "probe1"
    assert model.probes[2].csd.layers == 24  # type: ignore[union-attr]
    assert model.probes[3].medium == Slice(slice=300.0)
    assert model.probes[3].contacts == Path("/models/contacts.csv")


def test_toml_json_streams_and_dictionaries_agree(tmp_path: Path) -> None:
    path = tmp_path / "m.toml"
    path.write_text(TOML)
    model = load_model(path)
    assert model.path == path
    assert model.folder == tmp_path
    tree = model.to_dict()
    other = tmp_path / "m.json"
    other.write_text(json.dumps(tree))
    assert load_model(str(other)) == model
    assert load_model(io.BytesIO(TOML.encode()), folder=tmp_path) == model
    assert load_model(io.StringIO(json.dumps(tree)), folder=tmp_path) == model
    with_mark = b"\xef\xbb\xbf" + TOML.replace("\n", "\r\n").encode()
    assert load_model(io.BytesIO(with_mark), folder=tmp_path) == model


def test_paths_of_a_stream_count_from_the_current_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    model = load_model(io.StringIO(TOML), name="standard input")
    assert model.cells["pyr"].morphology == tmp_path / "pyr.swc"


def test_dictionaries_may_hold_numpy_and_path_values() -> None:
    tree = {
        "cell": {"pyr": {"morphology": Path("pyr.swc"), "shift": np.zeros(3)}},
        "probe": [{"contacts": np.arange(6.0).reshape(2, 3), "sigma": np.float64(0.4)}],
        "run": {"seed": np.int64(3)},
    }
    model = load_model(tree)
    assert model.probes[0].contacts == ((0.0, 1.0, 2.0), (3.0, 4.0, 5.0))
    assert model.probes[0].sigma == 0.4
    assert model.run.seed == 3


def test_source_is_left_as_it_was() -> None:
    tree = network()
    load_model(tree, overrides=["run.tstop=3", "cell.pyr.mechanism.pas.g=1"])
    assert tree == network()


def test_tables_cannot_be_changed() -> None:
    model = load_model(MINIMAL)
    with pytest.raises(AttributeError):
        model.run.tstop = 3.0  # type: ignore[misc]


def test_model_without_populations_has_one_cell() -> None:
    model = load_model(MINIMAL)
    assert model.resolved_populations() == {"pyr": Population(name="pyr", cell="pyr")}
    assert model.resolved_populations()["pyr"].size == 1


def test_cell_joins_populations_of_spike_trains() -> None:
    tree = {**MINIMAL, "population": {"bg": {"rate": 5.0, "size": 3}}}
    assert list(load_model(tree).resolved_populations()) == ["pyr", "bg"]


def test_populations_keep_their_order() -> None:
    model = load_model(network())
    assert list(model.resolved_populations()) == ["E", "I", "thalamus", "background"]


def test_adaptive_step_has_an_interval_of_output() -> None:
    run = load_model({**MINIMAL, "run": {"dt": "adaptive", "dt_out": 0.5}}).run
    assert (run.is_adaptive, run.interval) == (True, 0.5)
    run = load_model({**MINIMAL, "run": {"dt": 0.1}}).run
    assert (run.is_adaptive, run.interval) == (False, 0.1)


@pytest.mark.parametrize(
    ("keys", "rotation"),
    [
        ({}, Turns()),
        ({"x": 90.0}, Turns((("x", 90.0),))),
        ({"x": 1, "z": 0, "y": 3, "order": "zyx"}, Turns((("y", 3.0), ("x", 1.0)))),
        ({"z": "random", "order": "zyx"}, Turns((("z", "random"),))),
        ({"axis": [0, 1, 0], "angle": 30}, AxisTurn((0.0, 1.0, 0.0), 30.0)),
        ({"tilt": 20}, Tilt(20.0, 0.0)),
    ],
)
def test_rotations_are_those_of_the_forward_models(
    keys: dict[str, Any], rotation: Rotation
) -> None:
    tree = {"cell": {"pyr": {"morphology": "a.swc", "rotate": keys}}}
    rotate = load_model(tree).cells["pyr"].rotate
    assert rotate is not None
    assert rotate.rotation == rotation
    matrix = rotate.rotation.matrix(np.random.default_rng(1))
    np.testing.assert_array_equal(matrix, rotation_matrix(keys, np.random.default_rng(1)))


def test_places_in_the_text_are_known(tmp_path: Path) -> None:
    path = tmp_path / "m.toml"
    path.write_text(TOML)
    model = load_model(path)
    assert model.stimuli[0].source_line == f"{path}:13"
    assert model.cells["pyr"].mechanism[0].source_line == f"{path}:9"


def test_files_of_a_model_are_listed_and_checked(tmp_path: Path) -> None:
    tree = network()
    model = load_model(tree, folder=tmp_path)
    named = {path.relative_to(tmp_path).as_posix() for _, path in model_files(model)}
    assert named == {
        "mods",
        "pyr.swc",
        "biophysics.hoc",
        "channels.py",
        "basket.hoc",
        ".",
        "spikes.h5",
        "contacts.csv",
    }
    (tmp_path / "mods").mkdir()
    for name in named - {"mods", "."}:
        (tmp_path / name).write_text("x")
    check_files(model)
    (tmp_path / "contacts.csv").unlink()
    with pytest.raises(InputError, match=r"\[probe.3\] key 'contacts': no such file"):
        check_files(model)
    (tmp_path / "contacts.csv").mkdir()
    with pytest.raises(InputError, match="is a folder, not a file"):
        check_files(model)
    (tmp_path / "contacts.csv").rmdir()
    (tmp_path / "contacts.csv").touch()
    with pytest.raises(InputError, match=r"contacts.csv' is empty"):
        check_files(model)


def test_names_that_no_file_can_have_are_missing_files() -> None:
    model = load_model({"cell": {"pyr": {"morphology": "x" * 5000}}})
    with pytest.raises(InputError, match="no such file"):
        check_files(model)


def load_and_look() -> None:
    import sys

    load_model({"cell": {"a": {"morphology": "a.swc"}}})
    sys.exit("scipy" in sys.modules or "neuron" in sys.modules)


def test_importing_and_loading_need_no_scipy() -> None:
    import subprocess
    import sys

    command = [sys.executable, "-c", program(load_and_look)]
    assert subprocess.run(command, check=False).returncode == 0


def test_tables_can_be_made_without_a_file() -> None:
    model = Model(cells={"a": CellSpec(name="a", morphology=Path.cwd() / "a.swc")})
    assert load_model(model.to_dict()) == model

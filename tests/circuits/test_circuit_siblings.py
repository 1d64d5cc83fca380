"""Circuits written in other ways, and those that name what is not there."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from lfpcli.errors import InputError, LfpWarning
from lfpcli.io.sonata.edges import open_edges
from lfpcli.model import load_model
from lfpcli.tasks.circuits.circuit import Circuit, read_circuit
from lfpcli.tasks.circuits.drives import SpikeInput
from lfpcli.tasks.circuits.inputs import inputs_of
from lfpcli.tasks.circuits.output_files import check_outputs
from lfpcli.tasks.circuits.places import TargetCell
from lfpcli.tasks.circuits.simulation_model import circuit_files, simulation_tree
from lfpcli.tasks.circuits.synapses import Wiring, synapse_model
from lfpcli.tasks.files.check import check

sys.path.insert(0, str(Path(__file__).parent))

from circuits import configuration, write_circuit


def circuit(folder: Path, change: Callable[[dict[str, Any], Path], Any] | None = None) -> Circuit:
    """The circuit of the tests after a change of its configuration or files."""
    config = write_circuit(folder / "c")
    tree = configuration()
    if change is not None:
        tree = change(tree, folder / "c") or tree
    config.write_text(json.dumps(tree))
    return read_circuit(config)


def edges_by_name(of: Circuit) -> dict[str, int]:
    """Number of edges onto all nodes, by population."""
    counts = {}
    for pair in of.config.edges:
        with open_edges(pair) as populations:
            counts |= {each.name: len(each.onto(range(4))) for each in populations}
    return counts


def braces(tree: dict[str, Any], folder: Path) -> Any:
    return json.loads(json.dumps(tree).replace("$BASE_DIR/", "${BASE_DIR}/"))


def nested(tree: dict[str, Any], folder: Path) -> None:
    variables = {"$C": "$B/components", "$B": "$A", "$A": ".", "$BASE_DIR": "$A"}
    tree["manifest"] = variables | {"$COMPONENTS": "$C"}


def absolute(tree: dict[str, Any], folder: Path) -> Any:
    return json.loads(json.dumps(tree).replace("$BASE_DIR/", f"{folder}/"))


def no_index(tree: dict[str, Any], folder: Path) -> None:
    for name in ("v1", "lgn"):
        with h5py.File(folder / f"{name}_v1_edges.h5", "r+") as file:
            for group in file["edges"].values():
                del group["indices"]


def one_file(tree: dict[str, Any], folder: Path) -> None:
    tree["networks"]["edges"] = tree["networks"]["edges"][:1]
    with (
        h5py.File(folder / "v1_v1_edges.h5", "r+") as file,
        h5py.File(folder / "lgn_v1_edges.h5") as other,
    ):
        other.copy("edges/lgn_to_v1", file["edges"])


def quotes(tree: dict[str, Any], folder: Path) -> None:
    types = folder / "v1_node_types.csv"
    text = types.read_text().replace("perisomatic e", 'perisomatic "e"').replace("NULL i", "NONE i")
    # as a spreadsheet writes it
    types.write_bytes(text.replace("\n", "\r\n").encode("utf-8-sig"))


@pytest.mark.parametrize("change", [braces, nested, absolute, no_index, one_file, quotes])
def test_other_ways_to_write_it_are_read(tmp_path: Path, change: Any) -> None:
    read = circuit(tmp_path, change)
    assert edges_by_name(read) == {"v1_to_v1": 5, "lgn_to_v1": 4}
    assert {name: len(nodes) for name, nodes in read.nodes.items()} == {"v1": 4, "lgn": 3}
    assert read.node_set({"ei": "e"}, "here")["v1"].tolist() == [0, 1]


def gathered_positions(name: str, rows: Any) -> Callable[[dict[str, Any], Path], None]:
    """Put the positions into one column, as builders of bmtk do."""

    def change(tree: dict[str, Any], folder: Path) -> None:
        with h5py.File(folder / "v1_nodes.h5", "r+") as file:
            group = file["nodes/v1/0"]
            for axis in "xyz":
                del group[axis]
            group[name] = rows

    return change


@pytest.mark.parametrize("name", ["position", "positions"])
def test_positions_in_one_column_are_read(tmp_path: Path, name: str) -> None:
    rows = [[0.0, 0.0, 0.0], [50.0, 10.0, 5.0], [-40.0, 20.0, -30.0]]
    read = circuit(tmp_path, gathered_positions(name, rows))
    # the point neuron has none
    assert read.cells["v1"].positions.tolist() == [*rows, [0.0, 0.0, 0.0]]


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ([1.0, 2.0], "attribute 'positions' of node 0 is .1.0, 2.0."),
        ([1.0, 2.0, float("nan")], "holds NaN"),
        (7.0, "attribute 'positions' of node 0 is 7.0"),
    ],
)
def test_positions_that_are_none_are_refused(tmp_path: Path, row: Any, message: str) -> None:
    with pytest.raises(InputError, match=message):
        circuit(tmp_path, gathered_positions("positions", [row] * 3))


def test_reports_of_somata_keep_no_other_segments(tmp_path: Path) -> None:
    config = write_circuit(tmp_path / "c")
    tree = configuration()
    report = {"cells": "all", "module": "membrane_report", "sections": "soma"}
    for name in ("cai", "vext"):
        tree["reports"][name] = report | {"variable_name": name}
    tree["reports"]["m"] = report | {"variable_name": "m_hh"}
    tree["reports"]["whole"] = report | {"variable_name": "m_hh", "sections": "all"}
    config.write_text(json.dumps(tree))
    record = simulation_tree(config)["record"]
    assert record["variables"] == ["m_hh"]
    assert [(table["name"], table["location"]) for table in record["report"]] == [
        ("cai", {"sections": ["soma"]}),
        ("vext[0]", {"sections": ["soma"]}),
    ]


def split(folder: Path) -> Path:
    """The configuration of the tests in three files, as SONATA's examples are."""
    config = write_circuit(folder / "c")
    tree = configuration()
    circuit_keys = {"manifest", "networks", "components"}
    parts = {
        "circuit.json": {key: tree[key] for key in circuit_keys},
        "simulation.json": {
            key: tree[key] for key in tree if key not in circuit_keys - {"manifest"}
        },
        "config.json": {"network": "./circuit.json", "simulation": "./simulation.json"},
    }
    for name, part in parts.items():
        (folder / "c" / name).write_text(json.dumps(part))
    return config


def test_one_file_may_name_circuit_and_simulation(tmp_path: Path) -> None:
    config = split(tmp_path)
    whole = simulation_tree(write_circuit(tmp_path / "whole"))
    tree = simulation_tree(config)
    assert tree["record"] == whole["record"] and tree["run"] == whole["run"]
    assert len(read_circuit(config).cells["v1"]) == 4
    names = [file.name for file in circuit_files(config)]
    assert names[:3] == ["simulation.json", "config.json", "circuit.json"]
    (tmp_path / "c/simulation.json").write_text('{"simulation": "config.json"}')
    with pytest.raises(InputError, match="names another simulation"):
        simulation_tree(config)


def test_check_says_what_configurations_are_worth(tmp_path: Path) -> None:
    config = split(tmp_path)
    for name in ("config.json", "circuit.json"):
        (finding,) = check(tmp_path / "c" / name).findings
        assert (finding.state, finding.subject) == ("ok", "format")
        assert finding.text == "SONATA configuration of v1 (4), lgn (3)"
    (tmp_path / "c/components/cell.swc").unlink()
    findings = check(config).findings
    assert [finding.state for finding in findings] == ["ok", "error"]
    assert "cell.swc" in findings[1].text
    (tmp_path / "c/v1_nodes.h5").unlink()
    (finding,) = check(config).findings
    assert finding.state == "error" and "v1_nodes.h5" in finding.source


@pytest.mark.parametrize(
    ("manifest", "message"),
    [
        ({"$A": "$B", "$B": "$A/x"}, "in a circle: A, B"),
        ({"$A": "$A"}, "in a circle: A"),
        ({"$A": "${C}"}, "'\\$C' is not in the manifest"),
        # each is ten times the one before
        ({f"$V{k}": f"$V{k - 1}" * 10 if k else "x" * 10 for k in range(12)}, "make a text of"),
    ],
)
def test_manifests_without_an_end_are_refused(
    tmp_path: Path, manifest: dict[str, str], message: str
) -> None:
    def change(tree: dict[str, Any], folder: Path) -> None:
        tree["manifest"] |= manifest

    with pytest.raises(InputError, match=message):
        circuit(tmp_path, change)


def test_variables_may_be_numbers(tmp_path: Path) -> None:
    def change(tree: dict[str, Any], folder: Path) -> None:
        tree["manifest"] |= {"$STEP": 0.05, "$LENGTH": 10.0}
        tree["run"] |= {"dt": "$STEP", "dL": "${LENGTH}"}

    read = circuit(tmp_path, change)
    assert read.config.run["dt"] == 0.05 and read.config.run["dL"] == 10.0


def test_node_sets_of_all_kinds(tmp_path: Path) -> None:
    def change(tree: dict[str, Any], folder: Path) -> None:
        tree["node_sets"] = {
            "exc": {"ei": "e", "population": "v1"},
            "both": ["exc", "lgn"],
            "again": "both",
            "tuned": {"tuning_angle": [10.0, 45.0]},
            "layers": {"layer": 4},
        }

    read = circuit(tmp_path, change)

    def nodes(name: Any) -> dict[str, list[int]]:
        return {key: index.tolist() for key, index in read.node_set(name, "here").items()}

    assert nodes("again") == {"v1": [0, 1], "lgn": [0, 1, 2]}
    assert nodes("tuned") == {"v1": [0, 3]}
    assert nodes({"ei": "i", "model_type": "biophysical"}) == {"v1": [2]}
    for unknown in ("layers", {"layer": 4}):
        with pytest.raises(InputError, match="nodes have no attribute 'layer'"):
            nodes(unknown)


def test_potentials_are_of_the_cells_that_a_report_names(tmp_path: Path) -> None:
    config = write_circuit(tmp_path / "c")
    tree = configuration()
    tree["reports"]["ecp"] |= {"minimum_distance": 5, "contributions_dir": "parts"}
    tree["reports"]["part"] = {**tree["reports"]["ecp"], "cells": {"ei": "e"}, "file_name": "p.h5"}
    del tree["reports"]["part"]["contributions_dir"]
    config.write_text(json.dumps(tree))
    tables = simulation_tree(config)
    assert tables["group"] == {"part_v1": {"populations": ["v1"], "cells": [0, 1]}}
    assert [probe.get("per") for probe in tables["probe"]] == ["cell", "group"]
    assert [probe["minimum_distance"] for probe in tables["probe"]] == [5.0, 5.0]
    # node 3 is a point neuron, which makes no potential
    for bounds, groups in (([0, 3], None), ([1, 3], {"populations": ["v1"], "cells": [1, 2]})):
        tree["reports"] = {"part": {**tree["reports"]["part"], "cell_bounds": bounds}}
        config.write_text(json.dumps(tree))
        assert simulation_tree(config).get("group", {}).get("part_v1") == groups
    tree["reports"]["part"]["cell_bounds"] = [3, 3]
    config.write_text(json.dumps(tree))
    with pytest.raises(InputError, match="none of which has segments"):
        simulation_tree(config)
    tree["reports"]["part"]["cell_bounds"] = "all"
    config.write_text(json.dumps(tree))
    with pytest.raises(InputError, match="cell_bounds is 'all'"):
        simulation_tree(config)


def test_edges_of_a_population_that_is_not_there_are_refused(tmp_path: Path) -> None:
    def change(tree: dict[str, Any], folder: Path) -> None:
        with h5py.File(folder / "lgn_v1_edges.h5", "r+") as file:
            file["edges/lgn_to_v1/source_node_id"].attrs["node_population"] = "pulvinar"

    with pytest.raises(InputError, match="source nodes are of population 'pulvinar'"):
        Wiring(circuit(tmp_path, change), [])


def test_an_index_that_does_not_fit_is_refused(tmp_path: Path) -> None:
    def change(tree: dict[str, Any], folder: Path) -> None:
        with h5py.File(folder / "v1_v1_edges.h5", "r+") as file:
            file["edges/v1_to_v1/target_node_id"][0] = 77

    with pytest.raises(InputError, match="leads to another node than it does, 77"):
        edges_by_name(circuit(tmp_path, change))


@pytest.mark.parametrize(
    ("name", "separator"), [("tabs", "\t"), ("commas", ","), ("semicolons", ";")]
)
def test_tables_that_are_not_separated_by_spaces_are_told(
    tmp_path: Path, name: str, separator: str
) -> None:
    def change(tree: dict[str, Any], folder: Path) -> None:
        types = folder / "v1_node_types.csv"
        types.write_text(types.read_text().replace(" ", separator))

    with pytest.raises(InputError, match=f"separates its columns by {name}") as refused:
        circuit(tmp_path, change)
    assert "v1_node_types.csv:1" in str(refused.value)
    assert "one space each" in str(refused.value)


def with_column(name: str, values: list[Any]) -> Callable[[dict[str, Any], Path], None]:
    """Give an attribute of the edges that are drawn, or of those whose places are given."""

    def change(tree: dict[str, Any], folder: Path) -> None:
        file, edges = ("v1_v1", "v1_to_v1") if name == "nsyns" else ("lgn_v1", "lgn_to_v1")
        with h5py.File(folder / f"{file}_edges.h5", "r+") as h5:
            group = h5[f"edges/{edges}/0"]
            del group[name]
            group[name] = values

    return change


def in_types(old: str, new: str) -> Callable[[dict[str, Any], Path], None]:
    def change(tree: dict[str, Any], folder: Path) -> None:
        types = folder / "edge_types.csv"
        types.write_text(types.read_text().replace(old, new))

    return change


class Shape:
    """Segments of a cell onto which edges lead."""

    section_names = ("soma[0]", "dend[0]", "apic[0]", "axon[0]")
    section = np.array([0, 1, 1, 2, 3])


def rows_of(read: Circuit) -> list[Any]:
    """Synapses onto the cells of a circuit."""
    targets = [
        TargetCell(
            index=k,
            node_id=k,
            geometry=Shape(),
            distance=np.array([5.0, 40.0, 90.0, 50.0, 100.0]),
            length=np.full(5, 40.0),
            stream=np.random.RandomState(k),
        )
        for k in range(3)
    ]
    times, index = np.array([1.0]), np.array([0])
    drives = [SpikeInput(population="lgn", times=times, index=index)]
    wiring = Wiring(read, drives)
    wiring.onto_point_neurons("v1", {3: 3})
    return [part for parts in wiring.onto_cells("v1", targets).values() for part in parts]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (with_column("nsyns", [-1, 2, 3, 4, 5]), "nsyns is -1"),
        (with_column("nsyns", [2**40, 2, 3, 4, 5]), "nsyns is 1099511627776"),
        (with_column("nsyns", [1.0, np.nan, 3.0, 4.0, 5.0]), "nsyns is nan"),
        (with_column("afferent_section_id", [1e30, 1.0, 1.0, 1.0]), "onto section -1 of node 0"),
        (with_column("afferent_section_pos", [0.5, 5.0, 0.5, 0.5]), "at 5 along its section"),
        (with_column("afferent_section_pos", [0.5, 0.5, np.nan, 0.5]), "at nan along"),
        (in_types("[30.0, 150.0]", "['a', 'b']"), "distance_range is .'a', 'b'."),
        (in_types(" 2.0 exc", " -2.0 exc"), "delay is -2 ms"),
    ],
)
def test_edges_that_are_none_are_refused(tmp_path: Path, change: Any, message: str) -> None:
    with pytest.raises(InputError, match=message):
        rows_of(circuit(tmp_path, change))


@pytest.mark.parametrize("nothing", ["NULL", "NaN", "<NA>", "n/a"])
def test_tables_say_in_several_ways_that_there_is_nothing(tmp_path: Path, nothing: str) -> None:
    rows = rows_of(circuit(tmp_path, in_types("NULL", nothing)))
    assert sum(len(part.segment) for part in rows) == 18


def test_edges_onto_nodes_that_are_not_there_are_told(tmp_path: Path) -> None:
    def no_last_node(tree: dict[str, Any], folder: Path) -> None:
        with h5py.File(folder / "v1_nodes.h5", "r+") as file:
            group = file["nodes/v1"]
            for name in ("node_id", "node_type_id", "node_group_id", "node_group_index"):
                values = group[name][:3]
                del group[name]
                group[name] = values

    read = circuit(tmp_path, no_last_node)
    with pytest.warns(LfpWarning, match="edges onto 1 nodes that are not there, such as 3"):
        Wiring(read, [])
    with h5py.File(tmp_path / "c/v1_v1_edges.h5", "r+") as file:
        del file["edges/v1_to_v1/indices"]
    with pytest.warns(LfpWarning, match="such as 3"):
        Wiring(read, [])


def test_node_sets_are_compared_and_end(tmp_path: Path) -> None:
    def change(tree: dict[str, Any], folder: Path) -> None:
        tree["node_sets"] = {"a": ["b"], "b": ["lgn", "a"], "me": "me"}

    read = circuit(tmp_path, change)
    assert read.node_set({"tuning_angle": {"$gt": 20, "$lte": 80.0}}, "here")["v1"].tolist() == [
        1,
        3,
    ]
    assert list(read.node_set({"populations": ["lgn"]}, "here")) == ["lgn"]
    for wanted, message in (
        ("a", "in a circle: a, b"),
        ("me", "in a circle: me"),
        ({"population": "V1"}, "no population of nodes 'V1'.*did you mean 'v1'"),
        ({"ei": {"$near": 1}}, "'.near' compares no nodes"),
        ({"ei": {"$gt": 1}}, "attribute 'ei' does not compare"),
        ([0, "x"], "is no node set"),
        ([0.5], "is no node set"),
    ):
        with pytest.raises(InputError, match=message):
            read.node_set(wanted, "here")


@pytest.mark.parametrize(
    ("keys", "value", "message"),
    [
        (("run", "tstop"), "long", "'tstop': expected a number"),
        (("conditions", "celsius"), "warm", "'celsius': expected a number"),
        (("output", "spikes_file"), ["a.h5"], "spikes_file is"),
        (("reports", "v", "file_name"), "ecp.h5", "2 outputs go into ecp.h5"),
        (("inputs", "clamp", "section_dist"), "mid", "at 'mid' is no place"),
        (("reports", "v", "cells"), {"population": "V1"}, "no population of nodes 'V1'"),
        (("x",), json.loads("[" * 900 + "]" * 900), "nested too deeply"),
    ],
)
def test_values_that_are_none_are_refused(
    tmp_path: Path, keys: tuple[str, ...], value: Any, message: str
) -> None:
    def change(tree: dict[str, Any], folder: Path) -> None:
        *tables, last = keys
        for table in tables:
            tree = tree[table]
        tree[last] = value

    with pytest.raises(InputError, match=message):
        read = circuit(tmp_path, change)
        load_model(simulation_tree(read.config.file), overrides=(), name="c", folder=tmp_path)
        check_outputs(read.config.file, force=False)
        inputs_of(read, lambda purpose, number: np.random.default_rng(number), 0.1)


def test_names_of_reports_may_have_any_characters(tmp_path: Path) -> None:
    def change(tree: dict[str, Any], folder: Path) -> None:
        tree["reports"]["e c/p \u00e9"] = tree["reports"].pop("ecp") | {"cells": [0]}

    tables = simulation_tree(circuit(tmp_path, change).config.file)
    assert [probe["name"] for probe in tables["probe"]] == ["e_c_p__"]
    assert list(tables["group"]) == ["e_c_p___v1"]


def test_synapses_with_plasticity_have_what_bmtk_sets(tmp_path: Path) -> None:
    read = circuit(tmp_path)
    numbers = {"erev": -70.0, "tau_1": 3.0, "tau_r0": 2000.0, "tau_FDR": 500.0, "p0": 0.3}
    file = tmp_path / "c/components/stp.json"
    file.write_text(json.dumps(numbers | {"a_FDR": 0.6}))
    with pytest.warns(LfpWarning, match="stp.json: a_FDR of stp2syn keep what the mechanism has"):
        model = synapse_model("stp2syn", "stp.json", circuit=read, source="here")
    assert dict(model.params) == {"e": -70.0} | {k: v for k, v in numbers.items() if k != "erev"}

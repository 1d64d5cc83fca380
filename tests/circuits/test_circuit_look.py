"""What a circuit would do and what code it names, without running any."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from circuits import NODE_TYPES, write_circuit


def test_info_and_no_code_tell_the_same_of_a_circuit(
    lfp: Callable[..., Any], tmp_path: Path
) -> None:
    config = write_circuit(tmp_path)
    facts = json.loads(lfp("info", config, "--json").out)
    assert facts["populations"] == {"v1": 4, "lgn": 3} and facts["code"] == []
    assert {"config.json", "components/cell.swc", "components/fit.json"} <= set(facts["files"])
    plan = json.loads(lfp("sim", config, "--dry-run", "--no-code", "--json").out)
    assert plan == {key: facts[key] for key in plan}


def test_code_of_a_circuit_is_named_and_not_run(lfp: Callable[..., Any], tmp_path: Path) -> None:
    config = write_circuit(tmp_path)
    types = NODE_TYPES.replace(
        "ctdb:Biophys1.hoc cell.swc fit.json aibs_perisomatic e", "hoc:Evil cell.swc NULL NULL e"
    )
    (tmp_path / "v1_node_types.csv").write_text(types)
    (tmp_path / "templates").mkdir()
    proof = tmp_path / "was_run"
    (tmp_path / "templates" / "Evil.hoc").write_text(f'system("touch {proof}")\n')
    (tmp_path / "mechanisms").mkdir()
    (tmp_path / "mechanisms" / "a.mod").write_text("NEURON { SUFFIX a }\n")
    tree = json.loads(config.read_text())
    tree["components"] |= {
        "templates_dir": "$BASE_DIR/templates",
        "mechanisms_dir": "$BASE_DIR/mechanisms",
    }
    config.write_text(json.dumps(tree))
    facts = json.loads(lfp("info", config, "--json").out)
    languages = {code["language"]: code["file"] for code in facts["code"]}
    assert languages == {"mod": "mechanisms", "hoc": "templates/Evil.hoc"}
    assert not proof.exists()


def test_info_tells_types_edges_inputs_and_reports(lfp: Callable[..., Any], tmp_path: Path) -> None:
    config = write_circuit(tmp_path)
    facts = json.loads(lfp("info", config, "--json").out)
    assert facts["refused"] == []
    nodes = {(row["population"], row["type"]): row["nodes"] for row in facts["types"]}
    assert nodes == {("v1", 100): 2, ("v1", 101): 1, ("v1", 102): 1, ("lgn", 300): 3}
    edges = {(row["source"], row["target"], row["type"]): row for row in facts["connections"]}
    assert {key: row["edges"] for key, row in edges.items()} == {
        ("v1", "v1", 200): 2,
        ("v1", "v1", 201): 2,
        ("v1", "v1", 202): 1,
        ("lgn", "v1", 200): 4,
    }
    assert edges["v1", "v1", 200]["synapse"] == "exp2syn"
    assert [row["name"] for row in facts["inputs"]] == ["lgn", "clamp"]
    assert {row["name"]: row["module"] for row in facts["reports"]} == {
        "v": "membrane_report",
        "ecp": "extracellular",
    }
    lines = lfp("info", config).out.splitlines()
    assert "edges:        lgn to v1: 4 of type 200 exp2syn" in lines
    assert "input:        clamp (current_clamp, IClamp, [0, 1])" in lines


def test_info_names_what_a_run_would_refuse(lfp: Callable[..., Any], tmp_path: Path) -> None:
    config = write_circuit(tmp_path)
    tree = json.loads(config.read_text())
    tree["inputs"]["stim"] = {"input_type": "spikes", "module": "function", "node_set": "all"}
    tree["reports"]["syn"] = {"module": "save_synapses", "network_dir": "connections"}
    config.write_text(json.dumps(tree))
    types = tmp_path / "edge_types.csv"
    types.write_text(types.read_text().replace("gaussianLL", "DirectionRule"))
    facts = json.loads(lfp("info", config, "--json").out)
    refused = "; ".join(facts["refused"])
    for part in ("'spikes' with module 'function'", "inputs.stim", "DirectionRule", "reports.syn"):
        assert part in refused
    nodes = tmp_path / "v1_node_types.csv"
    nodes.write_text(nodes.read_text().replace("ctdb:Biophys1.hoc", "python:my_loader"))
    facts = json.loads(lfp("info", config, "--json").out)
    assert "python:my_loader" in "; ".join(facts["refused"])


def test_info_describes_a_circuit_without_a_simulation(
    lfp: Callable[..., Any], tmp_path: Path
) -> None:
    config = write_circuit(tmp_path)
    whole = json.loads(config.read_text())
    circuit = {key: whole[key] for key in ("manifest", "components", "networks")}
    config.write_text(json.dumps(circuit))
    facts = json.loads(lfp("info", config, "--json").out)
    assert facts["kind"] == "circuit" and facts["populations"] == {"v1": 4, "lgn": 3}
    assert "steps" not in facts and facts["inputs"] == []
    assert "components/cell.swc" in facts["files"]

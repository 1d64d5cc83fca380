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

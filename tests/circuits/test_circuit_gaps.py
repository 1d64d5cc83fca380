"""Gap junctions of circuits: as bmtk has them, on any number of processes."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import h5py
import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parent))

from circuits import configuration, run_bmtk, write_circuit

# what users of bmtk have to bring along
GAP_MOD = """\
NEURON { POINT_PROCESS Gap ELECTRODE_CURRENT i RANGE g, i, vgap }
PARAMETER { g = 1 (microsiemens) }
ASSIGNED { v (millivolt) vgap (millivolt) i (nanoamp) }
BREAKPOINT { i = g * (vgap - v) }
"""


def write_gaps(folder: Path) -> Path:
    """A circuit whose cells 0 and 1, 1 and 2 are joined; returns its configuration."""
    config = write_circuit(folder)
    types = folder / "edge_types.csv"
    header, *rows = types.read_text().splitlines()
    rows = [f"{row} NULL" for row in rows]
    rows.append(
        "203 * * NULL 0.003 1.0 exc.json \"['basal', 'apical']\" \"[10.0, 150.0]\" wmax NULL True"
    )
    types.write_text("\n".join([f"{header} is_gap_junction", *rows]) + "\n")
    with h5py.File(folder / "v1_v1_edges.h5", "r+") as file:
        group = file["edges/v1_to_v1"]
        numbers = group["edge_type_id"][:]
        numbers[numbers == 200] = 203
        group["edge_type_id"][:] = numbers
        joined = numbers == 203
        sources, targets = group["source_node_id"][:][joined], group["target_node_id"][:][joined]
    with h5py.File(folder / "v1_gap_juncs.h5", "w") as file:
        file["source_ids"], file["target_ids"] = sources, targets
        file["src_gap_ids"] = 2 * np.arange(len(sources))
        file["trg_gap_ids"] = 2 * np.arange(len(sources)) + 1
    tree = configuration()
    tree["reports"]["v"] = {**tree["reports"]["v"], "sections": "all"}
    config.write_text(json.dumps(tree))
    return config


@pytest.fixture(scope="module")
def joined(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a circuit with gap junctions that was run."""
    folder = tmp_path_factory.mktemp("gaps")
    write_gaps(folder)
    run(folder, "out.h5")
    return folder


def run(folder: Path, out: str, *launcher: str, arguments: tuple[str, ...] = ()) -> str:
    command = [*launcher, sys.executable, "-m", "lfpcli", "sim", "config.json", "--seed", "1"]
    environment = {
        **os.environ,
        "OMPI_ALLOW_RUN_AS_ROOT": "1",
        "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1",
    }
    done = subprocess.run(
        [*command, "-o", out, "--force", *arguments],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    return done.stderr


def test_bmtk_gives_the_same(joined, shell, tmp_path):
    bmtk = pytest.importorskip("bmtk")
    mods = Path(bmtk.__file__).parent / "utils/scripts/bionet/mechanisms/modfiles"
    (tmp_path / "gap.mod").write_text(GAP_MOD)
    library = shell("mechs", mods / "vecevent.mod", tmp_path / "gap.mod").out.split()[-1]
    folder = tmp_path / "bmtk"
    shutil.copytree(joined, folder)
    tree = json.loads((folder / "config.json").read_text())
    tree["output"]["output_dir"] = "$BASE_DIR/theirs"
    tree["networks"]["gap_juncs"] = [{"gap_juncs_file": "$BASE_DIR/v1_gap_juncs.h5"}]
    (folder / "config.json").write_text(json.dumps(tree))
    run_bmtk(folder, library)
    with (
        h5py.File(folder / "theirs" / "v.h5") as theirs,
        h5py.File(joined / "output" / "v.h5") as ours,
    ):
        expected = theirs["report/v1/data"][:]
        np.testing.assert_allclose(ours["report/v1/data"][:], expected, rtol=0, atol=1e-6)
        assert np.abs(expected - expected[0]).max() > 50


def test_ranks_give_the_same_bits(joined, shell, tmp_path):
    mpirun = shutil.which("mpirun")
    if mpirun is None:
        pytest.skip("no mpirun")
    folder = tmp_path / "ranks"
    shutil.copytree(joined, folder)
    for count in (2, 3):
        run(folder, "out.h5", mpirun, "-n", str(count), "--oversubscribe")
        assert shell("diff", "--exact", joined / "out.h5", folder / "out.h5").code == 0


def test_a_resume_would_go_on_with_the_same_bits(joined):
    # it ends with an error where it would not
    run(joined, "again.h5", arguments=("--verify-resume",))
    assert (joined / "again.h5").exists()


def test_gap_junctions_between_populations_are_refused(shell, tmp_path):
    config = write_gaps(tmp_path)
    with h5py.File(tmp_path / "lgn_v1_edges.h5", "r+") as file:
        file["edges/lgn_to_v1/edge_type_id"][0] = 203
    wrong = shell("sim", config, "-o", tmp_path / "o.h5", code=3)
    assert "gap junctions lead from 'lgn' to 'v1'" in wrong.err

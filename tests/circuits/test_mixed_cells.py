"""Reports of a population whose cells have different sections: those of each cell, as in bmtk."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parent))

from circuits import configuration, run_bmtk, write_circuit
from test_circuit_gaps import run

from lfpcli.geometry import Geometry
from lfpcli.io.recording import open_recording

# more basal dendrites than the other cell, and no apical ones
BARE = """\
1 1 0 0 0 5 -1
2 1 0 5 0 5 1
3 1 0 -5 0 5 1
4 3 6 0 0 1 1
5 3 90 20 0 0.7 4
6 3 -7 0 5 1.1 1
7 3 -70 10 60 0.9 6
8 3 -110 60 90 0.5 7
9 3 -120 -30 90 0.5 7
10 3 0 7 3 1 1
11 3 0 80 3 1 10
12 2 0 0 -8 0.7 1
13 2 0 0 -80 0.5 12
"""
VARIABLES = ("v", "i_membrane")
SECTIONS = ("soma", "apic", "axon", "all")


def write_mixed(folder: Path) -> None:
    """A circuit without synapses, whose cells 0 and 1 are bare and whose cell 2 is not."""
    config = write_circuit(folder)
    (folder / "components" / "bare.swc").write_text(BARE)
    types = folder / "v1_node_types.csv"
    text = types.read_text().replace("aibs_perisomatic", "aibs_perisomatic,extracellular")
    types.write_text(text.replace("hoc cell.swc", "hoc bare.swc", 1))
    tree = configuration()
    tree["run"]["tstop"] = 8.0
    tree["networks"]["edges"] = []
    del tree["inputs"]["lgn"]
    tree["reports"] = {}
    for variable in VARIABLES:
        for sections in SECTIONS:
            tree["reports"][f"{variable}_{sections}"] = {
                "cells": [0, 1, 2],
                "variable_name": variable,
                "module": "membrane_report",
                "sections": sections,
            }
    # contacts in and beside the cells that are chosen, and in the one that is not
    rows = ["0 0 0 4", "1 6 2 1", "2 90 12 2", "3 52 10 5", "4 -40 20 -28"]
    (folder / "near.csv").write_text("\n".join(["channel x_pos y_pos z_pos", *rows]) + "\n")
    # bmtk moves cells once more for each further report of potentials
    tree["reports"]["ecp"] = {
        "cells": {"population": "v1", "node_id": [0, 2]},
        "variable_name": "v",
        "module": "extracellular",
        "electrode_positions": "$BASE_DIR/near.csv",
        "file_name": "ecp.h5",
        "electrode_channels": "all",
        "minimum_distance": 12.5,
    }
    config.write_text(json.dumps(tree))


@pytest.fixture(scope="module")
def mixed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of such a circuit that was run."""
    folder = tmp_path_factory.mktemp("mixed")
    write_mixed(folder)
    run(folder, "out.h5")
    return folder


def of_cells(path: Path) -> dict[int, tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """Numbers of sections, places and samples of the cells of a report that have some."""
    parts = {}
    with h5py.File(path) as file:
        group = file["report/v1"]
        mapping = {key: values[()] for key, values in group["mapping"].items()}
        bounds = mapping["index_pointer"].astype(int)
        for k, node_id in enumerate(mapping["node_ids"].tolist()):
            columns = slice(bounds[k], bounds[k + 1])
            if bounds[k + 1] > bounds[k]:
                parts[node_id] = (
                    mapping["element_ids"][columns],
                    mapping["element_pos"][columns],
                    group["data"][:, columns],
                )
    return parts


def test_bmtk_reports_the_same_sections(mixed: Path, tmp_path: Path) -> None:
    pytest.importorskip("bmtk")
    theirs = tmp_path / "theirs"
    shutil.copytree(mixed, theirs, ignore=shutil.ignore_patterns("output"))
    # nothing of this circuit needs mechanisms, so that NEURON's own library does
    run_bmtk(theirs, "")
    for variable in VARIABLES:
        for sections in SECTIONS:
            name = f"{variable}_{sections}.h5"
            ours, expected = of_cells(mixed / "output" / name), of_cells(theirs / "output" / name)
            assert sorted(ours) == sorted(expected), name
            for node_id, (elements, places, samples) in expected.items():
                assert ours[node_id][0].tolist() == elements.tolist(), name
                np.testing.assert_allclose(ours[node_id][1], places, rtol=0, atol=1e-12)
                np.testing.assert_allclose(ours[node_id][2], samples, rtol=0, atol=1e-6)

    with (
        h5py.File(mixed / "output/ecp.h5") as ours,
        h5py.File(theirs / "output/ecp.h5") as measured,
    ):
        potentials = measured["ecp/data"][:]
        atol = 1e-6 * np.abs(potentials).max()
        np.testing.assert_allclose(ours["ecp/data"][:], potentials, rtol=0, atol=atol)


def test_reports_are_those_of_the_sections_of_each_cell(mixed: Path) -> None:
    with open_recording(mixed / "out.h5") as recording:
        geometry = recording.geometry("v1")
        names = np.array(geometry.section_names)[geometry.section]
        columns = {
            "v": np.asarray(recording.report("vmem", "v1").data)[1:],
            "i_membrane": np.asarray(recording.report("imem", "v1").data)[1:] * 100 / geometry.area,
        }
        elements = recording.report("vmem", "v1").element_ids
        np.testing.assert_array_equal(elements, geometry.section)
    for variable in VARIABLES:
        for sections, cells in (("apic", [2]), ("axon", [0, 1, 2]), ("soma", [0, 1, 2])):
            inside = np.char.startswith(names, sections)
            parts = of_cells(mixed / "output" / f"{variable}_{sections}.h5")
            assert sorted(parts) == cells
            samples = np.concatenate([parts[node_id][2] for node_id in cells], axis=1)
            # one more rounding where a factor is applied in another order
            np.testing.assert_allclose(samples, columns[variable][:, inside], rtol=1e-14)
    # bare cells have six sections before their axons, the other cell has five
    axons = of_cells(mixed / "output" / "v_axon.h5")
    numbers = {node_id: part[0].tolist() for node_id, part in axons.items()}
    assert numbers == {0: [6, 7], 1: [6, 7], 2: [5, 6]}


def test_conversion_counts_sections_in_cells(
    mixed: Path, shell: Callable[..., Any], tmp_path: Path
) -> None:
    shell("convert", mixed / "out.h5", tmp_path / "sonata", "--to", "sonata")
    parts = of_cells(tmp_path / "sonata" / "vmem_v1.h5")
    expected = of_cells(mixed / "output" / "v_all.h5")
    for node_id, (elements, _, _) in expected.items():
        assert parts[node_id][0].tolist() == elements.tolist()


def test_sections_of_one_name_are_one_in_several_cells_but_not_in_one() -> None:
    cells = []
    for gid, names in enumerate((["a", "b", "b"], ["b", "c"], ["b", "b", "a"])):
        count = 2 * len(names)
        section = np.repeat(np.arange(len(names)), 2)
        ends = np.zeros((count, 3)), np.ones((count, 3)), np.ones(count)
        gids = np.full(count, gid)
        cells.append(Geometry(*ends, gid=gids, section=section, section_names=names))
    joined = Geometry.joined(cells)
    assert joined.section_names == ["a", "b", "b", "c"]
    assert joined.section[::2].tolist() == [0, 1, 2, 1, 3, 1, 2, 0]
    numbers = joined.sections_in_cells(joined.gid, joined.section)
    assert numbers[::2].tolist() == [0, 1, 2, 0, 1, 0, 1, 2]

"""Files of other tools whose parts are not what they should be: refused with the dataset's name."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from fault_samples import foreign_hdf5

sys.path.append(str(Path(__file__).parent.parent / "circuits"))

Change = Callable[[h5py.File], None]


def put(path: str, value: Any) -> Change:
    """Put another value in the place of a dataset."""

    def change(file: h5py.File) -> None:
        attributes = dict(file[path].attrs) if path in file else {}
        if path in file:
            del file[path]
        file[path] = value
        file[path].attrs.update(attributes)

    return change


def remove(path: str) -> Change:
    def change(file: h5py.File) -> None:
        del file[path]

    return change


def link(path: str) -> Change:
    def change(file: h5py.File) -> None:
        del file[path]
        file[path] = h5py.ExternalLink("/etc/passwd", "/")

    return change


HYBRID, MEAREC, ECP = "hybrid.h5", "mearec.h5", "ecp.h5"
SPIKES, REPORT = "sonata_spikes.h5", "report.h5"
CASES = (
    (HYBRID, put("srate", -1.0), "a rate of -1 Hz"),
    (HYBRID, put("srate", np.nan), "holds NaN"),
    (HYBRID, put("srate", [1.0, 2.0]), "holds 2 numbers, expected one"),
    (HYBRID, put("data", np.zeros(4)), "has 1 axes"),
    (HYBRID, put("data", np.full((3, 50), np.inf)), "sample 0 is NaN"),
    (HYBRID, put("data", np.zeros((3, 50), complex)), "expected numbers"),
    (HYBRID, link("data"), "is a link to another file"),
    (MEAREC, remove("info/recordings/fs"), "dataset is missing"),
    (MEAREC, put("recordings", "text"), "has 0 axes"),
    (MEAREC, put("channel_positions", np.zeros((3, 3))), "no finite x, y, z for each of 4"),
    (MEAREC, put("spiketrains/x/times", [1.0]), "unit 'x' has no number"),
    (MEAREC, put("spiketrains/0/times", [np.nan]), "holds NaN"),
    (ECP, put("ecp/time", [0.0, 4.0, -0.1]), "a sampling interval of -0.1 ms"),
    (ECP, put("ecp/time", [0.0, 4.0]), "has no start, stop and dt"),
    (ECP, put("ecp/data", np.full((40, 3), np.nan)), "sample 0 is NaN"),
    (SPIKES, put("spikes/v1/node_ids", np.arange(3)), "9 times and 3 cells"),
    (SPIKES, put("spikes/v1/node_ids", np.arange(9) + 0.5), "holds no whole numbers"),
    (SPIKES, put("spikes/v1/node_ids", np.arange(9) - 4), "a negative number"),
    (SPIKES, put("spikes/v1/timestamps", np.full(9, np.inf)), "holds NaN or infinity"),
    (REPORT, put("report/v1/mapping/index_pointers", [0, 4, 2]), "maps 2 cells"),
)


@pytest.mark.parametrize(("name", "change", "text"), CASES, ids=lambda value: str(value)[:30])
def test_wrong_parts_are_refused(
    lfp: Callable[..., Any], tmp_path: Path, name: str, change: Change, text: str
) -> None:
    foreign_hdf5(tmp_path)
    with h5py.File(tmp_path / name, "r+") as file:
        change(file)
    said = lfp("convert", tmp_path / name, tmp_path / "out.h5", code=3).err
    assert text in said and "[" in said and "; " in said
    assert not (tmp_path / "out.h5").exists()


@pytest.mark.parametrize(
    ("path", "value", "text"),
    [
        ("edge_type_id", np.zeros(2, np.uint32), "has 2 rows for 5 edges"),
        ("source_node_id", 3, "has 0 axes"),
        ("indices/target_to_source/range_to_edge_id", [[0, 1 << 40]] * 5, "does not fit"),
        ("indices/target_to_source/range_to_edge_id", [[-5, 2]] * 5, "does not fit"),
        ("indices/target_to_source/node_id_to_range", [[0, 99]] * 4, "names span 99"),
        ("edge_group_index", np.full(5, 77), "the index names rows 77 to 77"),
        ("edge_group_index", np.full(5, -1), "the index names rows -1 to -1"),
        ("0/nsyns", ["a", "b"], "others are asked for"),
    ],
)
def test_indices_of_edges_stay_within_the_file(
    tmp_path: Path, path: str, value: Any, text: str
) -> None:
    from circuits import write_circuit

    from lfpcli.errors import InputError
    from lfpcli.io.sonata.config import read_config
    from lfpcli.io.sonata.edges import open_edges

    config = read_config(write_circuit(tmp_path))
    with h5py.File(tmp_path / "v1_v1_edges.h5", "r+") as file:
        put(f"edges/v1_to_v1/{path}", value)(file)
        for part in ("source_node_id", "target_node_id"):
            file[f"edges/v1_to_v1/{part}"].attrs["node_population"] = "v1"
    with (
        pytest.raises(InputError, match=text),
        open_edges(config.edges[0]) as populations,
    ):
        populations[0].onto([0, 1, 2, 3])


def test_rows_of_nodes_stay_within_the_file(tmp_path: Path) -> None:
    from circuits import write_circuit

    from lfpcli.errors import InputError
    from lfpcli.io.sonata.config import read_config
    from lfpcli.io.sonata.nodes import read_nodes

    config = read_config(write_circuit(tmp_path))
    with h5py.File(tmp_path / "v1_nodes.h5", "r+") as file:
        put("nodes/v1/node_group_index", np.array([0, 1, -1, 0]))(file)
    with pytest.raises(InputError, match="others are asked for"):
        read_nodes(config.nodes[0])


@pytest.mark.parametrize("name", ["\x1b[31mred", "two\nlines", "\x9b2J", "\u202egnp"])
def test_names_of_a_recording_do_not_steer_the_terminal(
    capfd: pytest.CaptureFixture[str], tmp_path: Path, name: str
) -> None:
    from fault_samples import recording

    from lfpcli.cli.main import main

    path = recording(tmp_path / "r.h5")
    with h5py.File(path, "r+") as file:
        file.move("signals/shank", f"signals/{name}")
    for words in (("info",), ("stats",), ("stats", "--csv"), ("check",), ("plot", "--terminal")):
        assert main([words[0], str(path), *words[1:]]) in (0, 1)
        said = capfd.readouterr()
        lines = (said.out + said.err).split("\n")
        assert len(lines) > 3 and all(line.isprintable() for line in lines), words

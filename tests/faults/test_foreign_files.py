"""Files of other tools whose parts are not what they should be: refused with the dataset's name."""

from __future__ import annotations

import json
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


@pytest.mark.parametrize(
    ("table", "text"),
    [
        ({"keys": ["a", "b"]}, "2 keys, values of 1"),
        ({"values": [[]]}, "and 0 runs"),
        ({"values": [["1"] * 9999, ["1"] * 9999], "keys": ["a", "b"]}, "and 99980001 runs"),
        ({"values": 3}, "no index"),
        ({"seed": "many"}, "has a seed that is none"),
        ({"version": 9}, "of version 1"),
        ("[" * 100_000, "no index"),
    ],
)
def test_the_index_of_a_sweep_goes_together(
    lfp: Callable[..., Any], tmp_path: Path, table: Any, text: str
) -> None:
    sound = {"format": "lfp-sweep", "version": 1, "model": "m.toml", "digest": "", "seed": 1}
    content = (
        table
        if isinstance(table, str)
        else json.dumps({**sound, "keys": ["a"], "values": [["1"]], **table})
    )
    (tmp_path / "sweep.json").write_text(content)
    for words in (("info", tmp_path), ("convert", tmp_path, tmp_path / "out.csv")):
        said = lfp(*words, code=3).err
        assert text in said and f"[{tmp_path / 'sweep.json'}]; " in said
    assert f"{tmp_path}: not sound" in lfp("check", tmp_path, code=1).out


@pytest.mark.parametrize("sigma", [1e308, 1e-320, [0.2, 1e308, 0.4]])
def test_conductivities_are_of_matter(lfp: Callable[..., Any], tmp_path: Path, sigma: Any) -> None:
    medium = tmp_path / "medium.toml"
    medium.write_text(
        f"background = 0.3\nregions = [{{slab = {{high = -9.0}}, sigma = {sigma}}}]\n"
    )
    words = ("leadfield", "30,0,0", "--medium", medium, "-o", tmp_path / "lead.h5")
    assert "is that of no matter" in lfp(*words, code=3).err


@pytest.mark.parametrize(
    "keys",
    [
        "gamma = 60.0\nrate_sd = 1e308",
        "gamma = 60.0\nrate_sd = 1.0\nrate_min = 1e308",
        "gamma = 60.0\nsize = 99999999",
        "poisson = 9.0\ncorrelation = 0.1\njitter = 1e20",
    ],
)
def test_trains_without_end_are_not_begun(
    lfp: Callable[..., Any], tmp_path: Path, keys: str
) -> None:
    (tmp_path / "trains.toml").write_text(f"[E]\n{keys}\n")
    words = ("spikes", tmp_path / "trains.toml", "--duration", "9", "--seed", "1")
    said = lfp(*words, "-o", tmp_path / "out.h5", code=3).err
    assert "more than" in said and str(tmp_path / "trains.toml") in said


def test_statistics_of_endless_spans(lfp: Callable[..., Any], tmp_path: Path) -> None:
    from fault_samples import trains

    path = trains(tmp_path)
    with h5py.File(path, "r+") as file:
        file["spikes/E/timestamps"][-1] = 1e12
        file["spikes/E"].attrs["duration"] = 1e12
    said = lfp("stats", path, code=2).err
    assert "bins of" in said and "--bin" in said


def test_damage_of_templates_that_are_drawn(lfp: Callable[..., Any], tmp_path: Path) -> None:
    from fault_samples import recording, templates

    path = templates(tmp_path, recording(tmp_path / "r.h5"))
    with h5py.File(path) as file:
        chunk = file["templates"].id.get_chunk_info(0)
    content = bytearray(path.read_bytes())
    content[chunk.byte_offset + chunk.size // 2] ^= 1
    path.write_bytes(content)
    said = lfp("plot", path, "-o", tmp_path / "a.png", code=3).err
    assert f"a checksum is wrong [{path}:/templates]" in said


def test_reports_that_are_no_group(lfp: Callable[..., Any], tmp_path: Path) -> None:
    path = tmp_path / "a.h5"
    with h5py.File(path, "w") as file:
        file["report"], file["spikes"] = 3.0, "none"
    said = lfp("convert", "-q", path, tmp_path / "out.h5", code=3).err
    assert "holds no SONATA spikes, report or ecp" in said


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


@pytest.mark.parametrize("places", [[[0, 0], [9, 9]], [[0], [9]], [[1, 2, 3, 4], [5, 6, 7, 8]]])
def test_electrodes_of_netpyne_lie_in_space(
    lfp: Callable[..., Any], tmp_path: Path, places: list[list[int]]
) -> None:
    facts = {"simConfig": {"recordLFP": places}, "simData": {"LFP": [[0.1, 0.2], [0.3, 0.4]]}}
    path = tmp_path / "run.json"
    path.write_text(json.dumps(facts))
    said = lfp("convert", "-q", path, tmp_path / "out.h5", "--from", "netpyne", code=3).err
    assert "coordinates of an electrode" in said and str(path) in said


@pytest.mark.parametrize("text", [",,\n30,0,0\n", ",\n", ";;\n1;2\n", "\t,\t\n", "1,2\n,,\n"])
def test_lines_of_separators_alone(lfp: Callable[..., Any], tmp_path: Path, text: str) -> None:
    path = tmp_path / "spikes.csv"
    path.write_text(text)
    said = lfp("convert", path, tmp_path / "a.h5", code=3).err
    assert str(path) in said and "; " in said and said.count("\n") == 1


def test_attributes_of_nodes_that_lead_to_themselves(tmp_path: Path) -> None:
    from circuits import write_circuit

    from lfpcli.io.sonata.config import read_config
    from lfpcli.io.sonata.nodes import read_nodes

    config = read_config(write_circuit(tmp_path))
    before = read_nodes(config.nodes[0])
    with h5py.File(tmp_path / "v1_nodes.h5", "r+") as file:
        file["nodes/v1/0/more/again"] = file["nodes/v1/0"]
        file["nodes/v1/0/more/up"] = file["nodes/v1/0/more"]
    after = read_nodes(config.nodes[0])
    assert [population.name for population in after] == [population.name for population in before]

"""Networks that run: spikes arrive, shared point processes change nothing, shares add up."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from network_models import EXCITES, connection, network, simulated, write

Run = Callable[..., h5py.File]


@pytest.fixture
def run(shell: Callable[..., Any], tmp_path: Path) -> Run:
    """Run a model in a process of its own and open its recording."""

    def go(tree: dict[str, Any], *arguments: object) -> h5py.File:
        number = len(list(tmp_path.glob("out*.h5")))
        path, out = write(tmp_path, tree, f"m{number}.json"), tmp_path / f"out{number}.h5"
        shell("sim", path, "-o", out, "-q", *arguments)
        return h5py.File(out, "r")

    return go


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Iterator[h5py.File]:
    """The recording of the network as it is."""
    folder = tmp_path_factory.mktemp("plain")
    with h5py.File(simulated(write(folder, network()), folder / "out.h5"), "r") as file:
        yield file


def relative(a: np.ndarray, b: np.ndarray) -> float:
    return float(np.abs(a - b).max() / np.abs(b).max())


def pair(**keys: Any) -> dict[str, Any]:
    """A cell that spikes at a given input, and one that it excites."""
    tree = network()
    tree["population"] = {
        "A": {"cell": "stick", "size": 1},
        "B": {"cell": "stick", "size": 1, "place": {"positions": [[200.0, 0.0, 0.0]]}},
    }
    tree["connection"] = [connection("A", "B", {"all": True}, weight=0.004, **keys)]
    kick = {"synapse": EXCITES, "weight": 0.05, "source": {"times": [5.0, 25.0]}}
    tree["input"] = [{**kick, "population": "A", "location": "soma(0.5)"}]
    tree["probe"] = []
    return tree


def test_a_spike_arrives_after_its_delay(run: Run) -> None:
    with run(pair(delay=3.0, location="soma(0.5)", record=["g"])) as file:
        spikes = file["spikes/A/timestamps"][:]
        conductance = file["reports/g_connection0/B/data"][:, 0]
        assert file["reports/g_connection0/B/data"].attrs["units"] == "uS"
        assert "g_connection0/A" not in file["reports"]
    assert len(spikes) == 2
    for spike in spikes:
        onset = (spike + 3.0) / 0.0625
        before, after = int(np.floor(onset - 0.5)), int(np.ceil(onset + 0.5))
        assert conductance[before] <= 1e-3 * conductance.max()
        assert conductance[after + 2] > 0.05 * conductance.max()


def test_a_cell_in_a_network_is_the_cell_alone_with_the_same_spikes(run: Run) -> None:
    tree = pair(delay=1.7, location="dend(0.3)")
    with run(tree) as file:
        spikes = file["spikes/A/timestamps"][:]
        inside = {v: file[f"reports/{v}/B/data"][:] for v in ("imem", "vmem", "ina")}
        fired = file["spikes/B/timestamps"][:]
    tree["population"].pop("A")
    tree["connection"] = []
    source = {"times": (spikes + 1.7).tolist()}
    tree["input"] = [
        {"synapse": EXCITES, "weight": 0.004, "location": "dend(0.3)", "source": source}
    ]
    with run(tree) as file:
        for name, values in inside.items():
            assert np.array_equal(values, file[f"reports/{name}/B/data"][:]), name
        assert np.array_equal(fired, file["spikes/B/timestamps"][:])
    assert np.ptp(inside["vmem"]) > 1.0


def test_shared_point_processes_change_nothing(run: Run, plain: h5py.File) -> None:
    with run(network(), "--set", "run.merge=false") as single:
        for name in ("E", "I"):
            assert len(plain[f"spikes/{name}/timestamps"]) > 5
            for part in ("timestamps", "node_ids"):
                both = (file[f"spikes/{name}/{part}"][:] for file in (plain, single))
                assert np.array_equal(*both)
            for report in ("vmem", "imem"):
                both = [file[f"reports/{report}/{name}/data"][:] for file in (plain, single)]
                assert relative(*both) < 1e-9


def test_fewer_point_processes_are_made(shell: Callable[..., Any], tmp_path: Path) -> None:
    path = write(tmp_path, network())
    plans = [
        json.loads(shell("sim", path, "--dry-run", "--json", *more).out)
        for more in ((), ("--set", "run.merge=false"))
    ]
    assert plans[0]["synapses"] == plans[1]["synapses"] == plans[1]["points"]
    assert plans[0]["points"] < 0.6 * plans[0]["synapses"]
    tree = network()
    tree["input"][0]["record"] = ["i"]
    recorded = json.loads(shell("sim", write(tmp_path, tree, "r.json"), "--dry-run", "--json").out)
    assert recorded["points"] >= 40 * 10


def test_trains_from_outside_are_those_of_a_file(
    run: Run, tmp_path: Path, plain: h5py.File
) -> None:
    tree = network()
    times = plain["spikes/outside/timestamps"][:]
    gids = plain["spikes/outside/node_ids"][:]
    fired = plain["spikes/E/timestamps"][:]
    assert gids.min() >= 7 and gids.max() < 17 and len(times) > 5
    rows = zip((gids - 7).tolist(), times.tolist(), strict=True)
    (tmp_path / "outside.txt").write_text("".join(f"{g} {t!r}\n" for g, t in rows))
    tree["population"]["outside"] = {"spikes": str(tmp_path / "outside.txt"), "size": 10}
    with run(tree) as read:
        assert np.array_equal(read["spikes/outside/timestamps"][:], times)
        assert np.array_equal(read["spikes/E/timestamps"][:], fired)


def test_shares_of_kinds_of_currents_add_up(run: Run) -> None:
    tree = network()
    tree["cell"]["stick"]["mechanism"] = [
        {"name": "pas", "sections": ["all"], "g": 2e-4, "e": -65.0}
    ]
    tree["record"] = {"vmem": "none", "dipole": "none"}
    tree["connection"] = []
    inhibition = {**EXCITES, "e": -80.0}
    tree["input"].append(
        {"synapse": inhibition, "weight": 0.004, "count": 20, "source": {"poisson": 50.0}}
    )
    tree["probe"][0]["per"] = "current"
    with run(tree) as file:
        total = file["signals/LFP/data"][:]
        kinds = {name: data[:] for name, data in file["signals/LFP/groups"].items()}
    assert set(kinds) == {"ipas", "icap", "isyn_e", "isyn_i"}
    peak = np.abs(total).max()
    assert all(np.abs(values).max() > 1e-3 * peak for values in kinds.values())
    assert np.abs(sum(kinds.values()) - total).max() < 1e-12 * peak


def test_totals_are_the_sum_of_cells(run: Run) -> None:
    tree = network()
    tree["probe"][0]["per"] = tree["record"]["dipole"] = "cell"
    with run(tree) as file:
        groups = file["signals/LFP/groups"]
        assert set(groups) == {str(k) for k in (*range(7), 17, 18, 19)}
        total = sum(data[:] for data in groups.values())
        assert relative(total, file["signals/LFP/data"][:]) < 1e-12
        dipoles = sum(file[f"dipole/{k}/data"][:] for k in groups)
        assert relative(dipoles, file["dipole/total/data"][:]) < 1e-12


def test_engines_agree(run: Run, plain: h5py.File) -> None:
    """Figures of lfp-accuracy(7)."""
    tree = network()
    tree["run"]["engine"] = "coreneuron"
    with run(tree) as file:
        for population in ("E", "I"):
            for name in ("timestamps", "node_ids"):
                path = f"spikes/{population}/{name}"
                assert np.array_equal(file[path][:], plain[path][:])
        assert len(file["spikes/E/timestamps"]) > 5
        assert relative(file["signals/LFP/data"][:], plain["signals/LFP/data"][:]) < 1e-11


@pytest.mark.parametrize(
    ("change", "code", "what"),
    [
        (
            lambda t: t["connection"][0].update(delay={"dist": "norm", "loc": 1.0}),
            3,
            "a delay of",
        ),
        (lambda t: t["connection"][1].update(rule={"indegree": 4}), 3, "4 cells are to be drawn"),
        (lambda t: t["connection"][0].update(synapse={"type": "IClamp"}), 5, "takes no events"),
        (lambda t: t["connection"][0].update(location="apic(0.5)"), 3, "apic"),
        (lambda t: t["connection"][0].update(record=["foo"]), 3, "no variable 'foo'"),
    ],
    ids=["delay", "indegree", "electrode", "location", "variable"],
)
def test_mistakes_in_networks(
    shell: Callable[..., Any], tmp_path: Path, change: Callable[..., Any], code: int, what: str
) -> None:
    tree = network()
    change(tree)
    said = shell("sim", write(tmp_path, tree), "-o", tmp_path / "o.h5", code=code).err
    assert what in said and said.count("\n") == 1
    assert not (tmp_path / "o.h5").exists()


def test_gids_count_through_all_populations(plain: h5py.File) -> None:
    assert set(plain["geometry/I/gid"][:]) == {17, 18, 19}
    assert set(plain["spikes/I/node_ids"][:]) <= {17, 18, 19}
    assert plain["reports/vmem/E/mapping/node_ids"][:].tolist() == list(range(7))

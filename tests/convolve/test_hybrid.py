"""Networks of points, layer tables, and cells that spikes drive, against full simulations."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from lfpcli.errors import InputError
from lfpcli.forward.point_network import Neuron, PointNetwork, point_spikes
from lfpcli.model import load_model
from lfpcli.model.point_network import read_point_network
from lfpcli.tasks.response.batches import check_batches

SHARE = Path(__file__).parents[2] / "share/examples"
MODEL = """
[run]
tstop = 60.0
dt = 0.1
seed = 3
method = "{method}"
v_init = -65.0
mechanisms = ["{mod}"]
[cell.c]
morphology = "builtin:ball_and_sticks"
[[cell.c.mechanism]]
name = "pas"
g = 1e-4
e = -65.0
[population.X]
spikes = "x.gdf"
first_id = 1
size = 30
[population.E]
cell = "c"
size = 5
place = {{shape = "cylinder", radius = 100.0}}
rotate = {{z = "random"}}
[population.I]
cell = "c"
size = 3
place = {{shape = "cylinder", radius = 100.0}}
[[connection]]
pre = "X"
post = "E"
rule = {{indegree = 10}}
synapse = {{type = "ExpCurrent", tau = 0.5}}
weight = {{dist = "norm", loc = 0.1, scale = 0.01}}
delay = {{dist = "norm", loc = 1.5, scale = 0.5, min = 0.2}}
location = {{z_min = 100.0}}
[[connection]]
layers = "layers.csv"
synapse = {{type = "ExpCurrent", tau = 2.0}}
delay = 1.0
[[input]]
population = "I"
synapse = {{type = "ExpCurrent", tau = 1.0}}
weight = 0.02
count = 3
source = {{poisson = 50.0}}
[[probe]]
name = "LFP"
contacts = [[20.0, 0.0, 300.0], [20.0, 0.0, 0.0]]
per = "population"
[record]
dipole = "population"
vmem = "none"
"""
LAYERS = """# synapses of a cell in each layer
pre,post,z_min,z_max,synapses,weight
X,E,-200,100,4,-0.1
X,I,-200,100,3,-0.1
X,I,100,900,5,0.05
X,I,0,900,0,7
"""


def write_model(folder: Path, method: str = "backward-euler") -> Path:
    """A model of passive cells that 30 trains drive, with its layer table and spikes."""
    folder.mkdir(exist_ok=True)
    path = folder / "model.toml"
    path.write_text(MODEL.format(mod=SHARE / "exp_current.mod", method=method))
    (folder / "layers.csv").write_text(LAYERS)
    rng = np.random.default_rng(5)
    moments = np.sort(rng.uniform(0.0, 59.0, 60))
    # as NEST writes them: ids from 1 on, times on its grid
    lines = [f"{rng.integers(1, 31)}\t{moment:.1f}" for moment in moments]
    (folder / "x.gdf").write_text("\n".join(lines) + "\n")
    return path


@pytest.mark.parametrize("method", ["backward-euler", "crank-nicolson"])
def test_impulse_responses_make_what_a_simulation_does(
    shell: Callable[..., Any], tmp_path: Path, method: str
) -> None:
    model = write_model(tmp_path, method)
    shell("sim", model, "-o", tmp_path / "full.h5")
    ran = shell("convolve", model, "-o", tmp_path / "fast.h5")
    assert "8 cells" in ran.err
    with h5py.File(tmp_path / "full.h5") as full, h5py.File(tmp_path / "fast.h5") as fast:
        for name in ("signals/LFP/data", "signals/LFP/groups/E", "signals/LFP/groups/I"):
            expected = full[name][:]
            assert expected.shape == fast[name].shape
            assert np.abs(fast[name][:] - expected).max() < 1e-11 * np.abs(expected).max()
        for name in ("signals/LFP", "dipole/total"):
            assert fast[name].attrs["t_start"] == full[name].attrs["t_start"]
        for name in ("dipole/total/data", "dipole/I/data"):
            expected = full[name][:]
            assert np.abs(fast[name][:] - expected).max() < 1e-11 * np.abs(expected).max()
        assert np.array_equal(
            fast["spikes/X/timestamps"][:], np.sort(full["spikes/X/timestamps"][:])
        )


def test_windows_and_recordings_change_nothing(
    shell: Callable[..., Any], lfp: Callable[..., Any], tmp_path: Path
) -> None:
    model = write_model(tmp_path)
    shell("convolve", model, "-o", tmp_path / "own.h5")
    # the spikes that it was made of, taken from its file
    shell("convolve", model, tmp_path / "own.h5", "-o", tmp_path / "again.h5")
    with h5py.File(tmp_path / "own.h5") as own, h5py.File(tmp_path / "again.h5") as again:
        assert np.array_equal(own["signals/LFP/data"][:], again["signals/LFP/data"][:])
    code = (
        "from lfpcli.tasks.response import impulses; impulses.WINDOW = 137\n"
        "from lfpcli.cli.main import main; import sys; sys.exit(main(sys.argv[1:]))"
    )
    words = ["convolve", str(model), "-o", str(tmp_path / "windows.h5")]
    subprocess.run([sys.executable, "-c", code, *words], check=True, capture_output=True)
    with h5py.File(tmp_path / "own.h5") as own, h5py.File(tmp_path / "windows.h5") as parts:
        expected = own["signals/LFP/data"][:]
        assert (
            np.abs(parts["signals/LFP/data"][:] - expected).max() < 1e-12 * np.abs(expected).max()
        )


def write_firing_model(folder: Path) -> Path:
    """The model of `write_model` with cells that fire, more than a batch of them."""
    model = write_model(folder)
    text = model.read_text().replace('name = "pas"\ng = 1e-4\ne = -65.0', 'name = "hh"')
    text = text.replace("size = 5", "size = 36").replace("tstop = 60.0", "tstop = 20.0")
    text = text.replace(
        'synapse = {type = "ExpCurrent", tau = 1.0}\nweight = 0.02',
        'synapse = {type = "Exp2Syn", tau1 = 0.5, tau2 = 2.0, e = 0.0}\nweight = 0.05',
    )
    model.write_text(text.replace('vmem = "none"', 'vmem = "none"\nspikes = true'))
    return model


@pytest.mark.parametrize("options", [[], ["--simulate"]])
def test_cells_are_the_same_bits_on_two_ranks(tmp_path: Path, options: list[str]) -> None:
    model = write_firing_model(tmp_path) if options else write_model(tmp_path)
    launcher = Path(sys.executable).parent / "mpirun"
    if not launcher.exists():
        pytest.skip("no mpirun beside Python")
    digests = []
    for count in (1, 2):
        allowed = {"OMPI_ALLOW_RUN_AS_ROOT": "1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1"}
        folder = tmp_path / str(count)
        folder.mkdir()
        words = [sys.executable, "-m", "lfpcli", "convolve", str(model), *options, "-o", "lfp.h5"]
        subprocess.run(
            [str(launcher), "--oversubscribe", "-n", str(count), *words],
            check=True,
            capture_output=True,
            cwd=folder,
            env={**os.environ, **allowed},
            timeout=900,
        )
        digests.append(hashlib.sha256((folder / "lfp.h5").read_bytes()).hexdigest())
    assert digests[0] == digests[1]


@pytest.mark.parametrize(
    ("change", "code", "fault"),
    [
        (('"pas"\ng = 1e-4\ne = -65.0', '"hh"'), 3, "cell 'c' has hh"),
        (("e = -65.0", "e = -70.0"), 3, "run.v_init = -70"),
        (
            ('{type = "ExpCurrent", tau = 2.0}', '{type = "ExpSyn", tau = 2.0}'),
            5,
            "on the potential",
        ),
        (('pre = "X"', 'pre = "I"'), 3, "'I' has cells"),
        (("dt = 0.1", 'dt = "adaptive"'), 2, "give dt in ms"),
        (('per = "population"', 'per = "cell"'), 2, 'per = "population"'),
    ],
)
def test_what_is_not_linear_is_refused(
    shell: Callable[..., Any], tmp_path: Path, change: tuple[str, str], code: int, fault: str
) -> None:
    model = write_model(tmp_path)
    model.write_text(model.read_text().replace(*change))
    ran = shell("convolve", model, "-o", tmp_path / "o.h5", code=code)
    assert fault in ran.err
    assert not (tmp_path / "o.h5").exists()


def test_rows_of_layers_are_connections(tmp_path: Path) -> None:
    model = load_model(write_model(tmp_path))
    rows = model.connections[1:]
    assert [(r.post, r.rule.indegree, r.weight.mean) for r in rows] == [
        ("E", 4, -0.1),
        ("I", 3, -0.1),
        ("I", 5, 0.05),
    ]
    assert all(row.rule.replace and row.delay.mean == 1.0 for row in rows)
    assert (rows[2].location.z_min, rows[2].location.z_max) == (100.0, 900.0)
    assert load_model(model.to_dict(), folder=model.folder) == model


@pytest.mark.parametrize(
    ("table", "fault"),
    [
        ("pre,post,z_min,z_max\nX,E,0,1\n", "column 'synapses' is missing"),
        ("pre,post,z_min,z_max,synapses\nX,E,0,1,2.5\n", "layers.csv:2"),
        ("pre,post,z_min,z_max,synapses\nX,E,0,x,2\n", "'x' in column 'z_max' is no number"),
        ("pre,post,z_min,z_max,synapses\nX,E,0,1\n", "4 values, expected 5"),
        ("pre,post,z_min,z_max,synapses\nX,E,0,100,2\n", "needs the key 'weight'"),
        ("pre,post,z_min,z_max,synapses,weight\nY,E,0,100,2,1\n", 'no population "Y"'),
        ("pre,post,z_min,z_max,synapses\nX,E,100,0,2\n", "z_max"),
        ("pre,post,z_min,z_max,synapses,depth\n", "unknown column 'depth'"),
        ("# nothing\n", "no rows"),
    ],
)
def test_wrong_layer_tables(
    shell: Callable[..., Any], tmp_path: Path, table: str, fault: str
) -> None:
    model = write_model(tmp_path)
    (tmp_path / "layers.csv").write_text(table)
    ran = shell("sim", model, "--dry-run", code=3)
    assert fault in ran.err


def network(size: int = 50, **changes: Any) -> PointNetwork:
    values: dict[str, Any] = {
        "sizes": np.array([size]),
        "indegrees": np.array([[0]]),
        "weights": np.array([[0.0]]),
        "spread": 0.0,
        "delays": np.array([1.5]),
        "delay_spreads": np.array([0.0]),
        "background": np.array([0.0]),
        "background_weight": 0.0,
        "currents": np.array([0.0]),
    }
    return PointNetwork(**{**values, **changes})


def test_a_driven_neuron_fires_as_its_equation_says() -> None:
    times, neurons = point_spikes(network(4, currents=np.array([500.0])), 1000.0, seed=1)
    # 500 pA on 40 MOhm is 20 mV: the threshold at 15 mV is reached after tau ln(20 / 5)
    period = 2.0 + 10.0 * np.log(4.0)
    for neuron in range(4):
        intervals = np.diff(times[neurons == neuron])
        # spikes fall on the grid of steps behind the crossing
        assert np.all((intervals > period - 1e-9) & (intervals <= period + 0.2 + 1e-9))


def test_events_from_outside_have_their_mean_and_spread() -> None:
    # without a threshold the mean is R w tau_syn rate, the variance that of shot noise (Campbell)
    cell = Neuron(v_threshold=1e9, v_reset=-65.0)
    rate, weight = 4000.0, 50.0
    driven = network(400, background=np.array([rate]), background_weight=weight, neuron=cell)
    from lfpcli.forward import point_network as room

    empty = room._wired(driven, 2)
    state = room._State(driven, empty, 2)
    state._v[:] = -65.0
    kept = []
    for step in range(3000):
        state.advance(step)
        if step >= 1000 and step % 100 == 0:
            kept.append(state._v.copy())
    drawn = np.concatenate(kept) + 65.0
    tau_m, tau_s, capacitance = 10.0, 0.5, 250.0
    mean = rate / 1000.0 * weight * tau_s * tau_m / capacitance
    share = weight * tau_m * tau_s / (capacitance * (tau_m - tau_s))
    square = tau_m / 2 + tau_s / 2 - 2 * tau_m * tau_s / (tau_m + tau_s)
    spread = np.sqrt(rate / 1000.0 * share**2 * square)
    assert drawn.mean() == pytest.approx(mean, rel=0.03)
    assert drawn.std() == pytest.approx(spread, rel=0.05)


def test_networks_of_points_keep_their_begin_and_their_seed() -> None:
    driven = network(
        100,
        indegrees=np.array([[10]]),
        weights=np.array([[20.0]]),
        background=np.array([12000.0]),
        background_weight=87.8,
    )
    long = point_spikes(driven, 120.0, seed=4)
    short = point_spikes(driven, 60.0, seed=4)
    inside = long[0] <= 60.0
    assert np.array_equal(long[0][inside], short[0])
    assert np.array_equal(long[1][inside], short[1])
    assert len(short[0]) > 20
    other = point_spikes(driven, 60.0, seed=5)
    assert not np.array_equal(other[0], short[0])


def test_the_microcircuit_has_the_rates_that_were_published() -> None:
    file = read_point_network(SHARE / "microcircuit_spikes.json")
    assert file is not None
    sizes, scaled = file.scaled()
    assert list(sizes.values()) == [414, 117, 438, 110, 97, 21, 288, 59]
    # Potjans and Diesmann 2014: 2,200 synapses of a cell of layer 2/3 from its own population
    assert scaled.indegrees[0, 0] == 44
    times, neurons = point_spikes(scaled, 1000.0, seed=1)
    edges = np.cumsum([0, *sizes.values()])
    late = neurons[times > 100.0]
    rates = np.histogram(late, edges)[0] / np.diff(edges) / 0.9
    expected = np.array(file.network.rates)
    # a network of 2 % has other correlations: rates within a factor of 2, and as published those
    # of excitatory cells of layers 2/3 and 6 below all others
    assert np.all((rates > 0.5 * expected) & (rates < 2.0 * expected))
    assert set(np.argsort(rates)[:2].tolist()) == {0, 6}


def test_networks_of_points_are_run_by_spikes(lfp: Callable[..., Any], tmp_path: Path) -> None:
    out = tmp_path / "spikes.h5"
    source = SHARE / "microcircuit_spikes.json"
    ran = lfp("spikes", source, "--duration", 0.05, "--seed", 2, "-o", out)
    assert "L23E: 414 neurons" in ran.err
    with h5py.File(out) as file:
        assert file["spikes/L4E"].attrs["size"] == 438
        assert file["spikes/L4E"].attrs["first_id"] == 531
        assert file["spikes/L4E/node_ids"][:].min() >= 531
    ran = lfp("spikes", source, "--poisson", 3, "--duration", 1, "-o", tmp_path / "o", code=2)
    assert "--poisson does not go with a file" in ran.err


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        (('"sizes": [20683, ', '"sizes": ['), "has 7 values for 8 populations"),
        (('"scale": 0.02', '"scale": 2'), "key 'scale'"),
        (('"rates"', '"rate"'), "did you mean 'rates'"),
        (("[0.1009, ", "[1.5, "), "not from 0 to below 1"),
        (("[0.1009, ", "["), "no table of 8 rows"),
        (('"inhibitory": ["L23I"', '"inhibitory": ["L1I"'), "names 'L1I'"),
        (('"v_reset": -65.0', '"v_reset": -40.0'), "below v_threshold"),
    ],
)
def test_wrong_networks_of_points(
    lfp: Callable[..., Any], tmp_path: Path, change: tuple[str, str], fault: str
) -> None:
    text = (SHARE / "microcircuit_spikes.json").read_text()
    assert change[0] in text
    (tmp_path / "n.json").write_text(text.replace(*change))
    ran = lfp("spikes", tmp_path / "n.json", "--duration", 1, "-o", tmp_path / "o.h5", code=3)
    assert fault in ran.err
    assert not (tmp_path / "o.h5").exists()


def test_active_cells_are_simulated_batch_by_batch(
    shell: Callable[..., Any], tmp_path: Path
) -> None:
    model = write_firing_model(tmp_path)
    err = shell("convolve", model, "-o", tmp_path / "no.h5", code=3).err
    assert "has hh" in err and "--simulate" in err
    shell("sim", model, "--set", "run.engine=neuron", "-o", tmp_path / "full.h5")
    shell("convolve", model, "--simulate", "-o", tmp_path / "parts.h5")
    with h5py.File(tmp_path / "full.h5") as full, h5py.File(tmp_path / "parts.h5") as parts:
        for name in ("signals/LFP/data", "signals/LFP/groups/I", "dipole/total/data"):
            expected = full[name][:]
            assert np.abs(parts[name][:] - expected).max() < 1e-11 * np.abs(expected).max()
        for name in ("spikes/I/timestamps", "spikes/E/node_ids"):
            assert np.array_equal(parts[name][:], full[name][:])
        assert len(full["spikes/I/timestamps"]) > 0


def test_what_batches_cannot_do(tmp_path: Path, lfp: Callable[..., Any]) -> None:
    path = write_model(tmp_path)
    check_batches(load_model(path))
    text = path.read_text().replace(
        "[population.X]",
        '[population.A]\nartificial = {type = "IntFire1"}\nsize = 2\n[population.X]',
    )
    path.write_text(text)
    with pytest.raises(InputError, match="'A' is of artificial cells"):
        check_batches(load_model(path))
    err = lfp("convolve", "a.h5", "b.h5", "--simulate", "-o", tmp_path / "c.h5", code=2).err
    assert "--simulate goes with a model" in err

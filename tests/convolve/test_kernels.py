"""Kernels against full simulations, closed forms and each other."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from lfpcli.forward.axial import AxialNetwork
from lfpcli.forward.convolution import binned, convolved
from lfpcli.forward.passive import LinearCable
from lfpcli.model.distribution import Distribution
from lfpcli.tasks.response.comparison import _agreement
from lfpcli.tasks.response.expected import delay_weights

NETWORK = """
[run]
tstop = 300.0
dt = 0.125
v_init = -65.0
method = "backward-euler"
engine = "neuron"
seed = 12
[cell.c]
morphology = "builtin:ball_and_stick"
Ra = 100.0
cm = 1.0
[[cell.c.mechanism]]
name = "pas"
g = 2e-4
e = -65.0
[population.X]
rate = {poisson = 20.0}
size = 10
[population.E]
cell = "c"
size = 30
place = {shape = "cylinder", radius = 50.0, z = {dist = "norm", loc = 0.0, scale = 20.0}}
[[connection]]
pre = "X"
post = "E"
rule = {all = true}
synapse = {type = "Exp2Syn", tau1 = 0.5, tau2 = 3.0, e = 0.0}
weight = 0.00002
delay = {dist = "uniform", loc = 1.0, scale = 2.0}
count = 20
location = {sections = ["soma", "dend"], depth = [{dist = "norm", loc = 400.0, scale = 100.0}]}
[[probe]]
name = "LFP"
contacts = [[60.0, 0.0, 450.0], [60.0, 0.0, 0.0]]
per = "population"
[record]
dipole = "population"
vmem = "soma"
"""


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("network") / "network.toml"
    text = NETWORK
    path.write_text(text)
    return path


def test_kernels_explain_a_network_of_passive_cells(
    shell: Callable[..., Any], model: Path, tmp_path: Path
) -> None:
    run, kernels, signals = (tmp_path / name for name in ("run.h5", "k.h5", "lfp.h5"))
    shell("sim", model, "-o", run)
    ran = shell("kernel", model, "--from", run, "--length", 60, "-o", kernels)
    shares = [float(text) for text in re.findall(r"explain ([\d.]+) %", ran.err)]
    assert len(shares) == 2 and min(shares) > 97.0
    shell("convolve", kernels, run, "-o", signals)
    with h5py.File(run) as full, h5py.File(signals) as linear:
        whole, response = (f["dipole/total/data"][:, 2] for f in (full, linear))
        assert np.allclose(
            linear["signals/LFP/groups/E"][:], linear["signals/LFP/data"][:], atol=1e-15
        )
    inside = slice(len(whole) // 4, min(len(whole), len(response)))
    ratio = np.std(response[inside]) / np.std(whole[inside])
    assert ratio == pytest.approx(1.0, abs=0.04)


def test_kernels_add_over_posts_and_are_scaled_by_rates(
    shell: Callable[..., Any], model: Path, tmp_path: Path
) -> None:
    one, two = tmp_path / "one.h5", tmp_path / "two.h5"
    shell("kernel", model, "--signal", "LFP", "--cells", 2, "-o", one, "--rates", "E=0")
    # ten times the input makes the membranes leak more, and the kernels smaller and faster
    shell(
        *("kernel", model, "--signal", "LFP", "--cells", 2, "-o", two),
        *("--rates", "E=0,X=20000"),
    )
    with h5py.File(one) as first, h5py.File(two) as second:
        assert list(first["kernels"]) == ["LFP"]
        slow, fast = (f["kernels/LFP/values/0"][:, 0] for f in (first, second))
    assert np.abs(fast).max() < np.abs(slow).max()
    assert np.abs(fast[300:]).sum() < 0.5 * np.abs(slow[300:]).sum()


def test_what_has_no_kernel_is_told(shell: Callable[..., Any], model: Path, tmp_path: Path) -> None:
    out = tmp_path / "k.h5"
    for options, code, fault in (
        (("--rates", "E=1", "--pre", "Y"), 2, "no population 'Y'"),
        (("--rates", "E=1", "--pre", "E"), 2, "no connection"),
        (("--rates", "E=1", "--signal", "LFO"), 2, "did you mean 'LFP'"),
        (("--rates", "E"), 2, "E=2.5"),
        (("--set", 'connection.0.pre="E"'), 2, "--rates E=HZ"),
        (("--from", "none.h5"), 3, "no such file"),
    ):
        ran = shell("kernel", model, *options, "-o", out, code=code)
        assert fault in ran.err
        assert not out.exists()
    alone = shell("kernel", "builtin:quickstart", "--rates", "pyramidal=1", "-o", out, code=3)
    assert "a model without [[connection]] has no kernels" in alone.err


def test_convolving_needs_the_spikes(
    shell: Callable[..., Any], lfp: Callable[..., Any], model: Path, tmp_path: Path
) -> None:
    kernels, trains = tmp_path / "k.h5", tmp_path / "trains.h5"
    shell("kernel", model, "--rates", "E=1", "--cells", 1, "-o", kernels)
    lfp("spikes", "--poisson", 5, "--duration", 1, "--seed", 1, "-o", trains)
    ran = lfp("convolve", kernels, trains, "-o", tmp_path / "out.h5", code=3)
    assert "no spikes of 'X'" in ran.err
    ran = lfp("convolve", kernels, trains, "--noise", "white:1", "-o", tmp_path / "out.h5", code=2)
    assert "--noise goes with templates" in ran.err


def test_two_compartments_even_out_as_they_must() -> None:
    alone = AxialNetwork(
        parent=np.array([-1, 0]),
        attach=np.array([0.0, 1.0]),
        r_proximal=np.array([10.0, 10.0]),
        r_distal=np.array([10.0, 10.0]),
    )
    cable = LinearCable(alone, np.array([0.1, 0.1]), np.array([0.01, 0.01]))
    course = np.zeros(400)
    course[1] = 1.0
    currents = cable.membrane_currents(np.array([1.0, 0.0]), course, 0.025)
    assert np.allclose(currents.sum(axis=1), 0.0, atol=1e-14)
    # the difference of the two potentials decays with g + 2 g_axial over c
    rate = (0.01 + 2 * 0.05) / 0.1
    late = currents[50:, 1]
    assert np.allclose(np.diff(np.log(late)), -rate * 0.025, rtol=1e-6)


def test_time_courses_between_samples_are_exact() -> None:
    network = AxialNetwork(
        parent=np.array([-1, 0]),
        attach=np.array([0.0, 1.0]),
        r_proximal=np.array([5.0, 8.0]),
        r_distal=np.array([5.0, 8.0]),
    )
    cable = LinearCable(network, np.array([0.2, 0.05]), np.array([0.01, 0.0]))
    coarse = np.interp(np.arange(21) * 0.5, [0.0, 2.0, 10.0], [0.0, 1.0, 0.0])
    fine = np.interp(np.arange(2001) * 0.005, [0.0, 2.0, 10.0], [0.0, 1.0, 0.0])
    strengths = np.array([0.3, 1.0])
    expected = cable.membrane_currents(strengths, fine, 0.005)[::100]
    assert np.allclose(cable.membrane_currents(strengths, coarse, 0.5), expected, atol=1e-12)


def test_synapses_that_open_the_membrane_shunt_themselves() -> None:
    """One compartment and a constant conductance: the potential goes to where currents balance."""
    network = AxialNetwork(
        parent=np.array([-1, 0]),
        attach=np.array([0.0, 1.0]),
        r_proximal=np.array([5.0, 8.0]),
        r_distal=np.array([5.0, 8.0]),
    )
    leak, held, force = np.array([0.01, 0.02]), 0.05, -9.0
    cable = LinearCable(network, np.array([0.2, 0.05]), leak)
    time = 0.01 * np.arange(40_001)
    opened = held * np.minimum(time / 0.5, 1.0)
    currents = cable.currents(
        cable.shunted(np.array([0, 0]), currents=-opened * force, conductances=opened, dt=0.01)
    )
    # two synapses: (leak + 2 held) v and the axial currents balance 2 held force
    axial = -network.vmem_to_imem().toarray()
    total = axial + np.diag(leak) + np.diag([2 * held, 0.0])
    potentials = np.linalg.solve(total, [2 * held * force, 0.0])
    assert currents[-1] == pytest.approx(-axial @ potentials, rel=1e-6)
    # where nothing is opened it is the linear response
    course = np.interp(time[:2001], [0.0, 2.0, 10.0], [0.0, 1.0, 0.0])
    alone = cable.currents(cable.shunted(np.array([1]), course, 0 * course, 0.01))
    linear = cable.membrane_currents(np.array([0.0, 1.0]), -course, 0.01)
    assert np.allclose(alone, linear, atol=1e-13)


@pytest.mark.parametrize(
    "delay",
    [
        Distribution.constant(1.3),
        Distribution(dist="uniform", params={"loc": 1.0, "scale": 2.0}),
        Distribution(dist="norm", min=0.3, params={"loc": 1.5, "scale": 0.3}),
    ],
)
def test_delays_keep_their_mean(delay: Distribution) -> None:
    weights = delay_weights(delay, 0.25)
    assert weights.sum() == pytest.approx(1.0)
    assert weights @ (0.25 * np.arange(len(weights))) == pytest.approx(delay.mean, rel=2e-3)


def test_blocks_of_a_convolution_are_its_parts() -> None:
    rng = np.random.default_rng(1)
    counts = binned(np.sort(rng.uniform(0, 50, 40)), 0.1, 501)
    kernel = rng.standard_normal((60, 3))
    whole = np.array([np.convolve(counts, kernel[:, k])[:501] for k in range(3)]).T
    parts = np.concatenate(
        [convolved(counts, kernel, k, min(k + 97, 501)) for k in range(0, 501, 97)]
    )
    assert np.allclose(parts, whole, atol=1e-12)
    assert counts.sum() == pytest.approx(40.0)


def test_kernels_are_checked_in_one_command(
    shell: Callable[..., Any], model: Path, tmp_path: Path
) -> None:
    ran = shell("kernel", model, "--check", "--length", 60, "-o", tmp_path / "k.h5")
    shares = [float(text) for text in re.findall(r"explain ([\d.]+) %", ran.err)]
    assert len(shares) == 2 and min(shares) > 97.0
    words = ("kernel", model, "--check", "--from", "run.h5", "-o", tmp_path / "o.h5")
    assert "both --check and --from" in shell(*words, code=2).err


def test_kernels_hold_the_own_spikes_of_cells(
    shell: Callable[..., Any], model: Path, tmp_path: Path
) -> None:
    """A population that nothing listens to: its spikes are seen all the same."""
    text = model.read_text().replace(
        'name = "pas"\ng = 2e-4',
        'name = "hh"\nsections = ["soma"]\n'
        '[[cell.c.mechanism]]\nname = "pas"\nsections = ["dend"]\ng = 2e-4',
    )
    text = text.replace("all = true", "probability = 0.3").replace("size = 10", "size = 60")
    active = tmp_path / "active.toml"
    active.write_text(text.replace("weight = 0.00002", "weight = 0.0008"))
    run, kernels = tmp_path / "run.h5", tmp_path / "k.h5"
    shell("sim", active, "-o", run)
    with h5py.File(run) as file:
        assert len(file["spikes/E/timestamps"]) > 50
    ran = shell("kernel", active, "--from", run, "--length", 60, "-o", kernels)
    dipole = float(re.findall(r"dipole: kernels and spikes explain ([\d.]+) %", ran.err)[0])
    with h5py.File(kernels) as file:
        values = file["kernels/dipole/values"]
        ends = [(each.attrs["pre"], each.attrs["post"]) for each in values.values()]
        assert ends == [("X", "E"), ("E", "E")]
        own = values["1"][:, 2]
    # of a network of points, which has no such spikes, they are left out
    points, out = tmp_path / "points.h5", tmp_path / "out.h5"
    shell("spikes", "--poisson", 5, "--population", "X", "--duration", 0.2, "-o", points)
    assert "is without the own spikes" in shell("convolve", kernels, points, "-o", out).err
    # the soma draws current in first, and the dipole points to it
    assert np.abs(own).argmax() < 3.0 / 0.125 and own[np.abs(own).argmax()] > 0
    shell("kernel", active, "--from", run, "--pre", "X", "--length", 60, "-o", tmp_path / "x.h5")
    with h5py.File(tmp_path / "x.h5") as file:
        assert len(file["kernels/dipole/values"]) == 1
    assert dipole > 70.0, dipole


def test_agreement_of_half_a_signal() -> None:
    rng = np.random.default_rng(2)
    whole = rng.standard_normal((4000, 2))
    half = _agreement(whole, 0.5 * whole + 3.0, dt=0.5, first=100)
    assert half.variance == pytest.approx(0.75) and half.low == pytest.approx(0.75, abs=0.01)
    assert half.correlation == pytest.approx(1.0)
    other = _agreement(whole, rng.standard_normal((4000, 2)), dt=2.0, first=0)
    assert other.variance == pytest.approx(-1.0, abs=0.1) and abs(other.correlation) < 0.05
    assert np.isnan(other.low)
    assert np.isnan(_agreement(0 * whole, whole, dt=0.5, first=0).variance)


def held_cells(results: dict[str, np.ndarray]) -> None:
    from pathlib import Path

    from lfpcli.runtime.cell.cell import Cell
    from lfpcli.runtime.cell.own_spike import HeldState, held_cell

    swc = Path("cell.swc")
    swc.write_text("1 1 0 0 0 10 -1\n2 3 0 0 10 1 1\n3 3 0 0 300 1 2\n")
    for name, mechanism, opened, reversal in (
        ("rest", "hh", 2e-3, -65.0),
        ("passive", "pas", 2e-3, -65.0),
        ("driven", "hh", 2e-2, 0.0),
    ):
        cell = Cell(swc, v_init=-65.0)
        cell.insert(mechanism, ("soma",))
        cell.insert("pas", ("dend",), g=1e-4, e=-65.0)
        count = len(cell.segments)
        state = HeldState(
            potential=-65.0,
            conductance=np.full(count, opened),
            reversal=np.full(count, reversal),
            threshold=-10.0,
            celsius=6.3,
            dt=0.025,
        )
        held = held_cell(cell, state, 2000)
        results[f"{name} potentials"] = held.potentials
        results[f"{name} spike"] = np.zeros(0) if held.spike is None else held.spike
        results[f"{name} soma"] = cell.geometry.is_soma


def test_a_held_cell_fires_once_moved(neuron_process: Callable[..., dict[str, Any]]) -> None:
    got = neuron_process(held_cells)
    spike, soma = got["rest spike"], got["rest soma"]
    # membrane currents add up to nothing, and the soma draws in what leaves elsewhere
    assert np.abs(spike.sum(axis=1)).max() < 1e-9 * np.abs(spike).max()
    assert spike[:20, soma].sum(axis=1).min() < 0
    assert np.abs(spike[-1]).max() < 1e-2 * np.abs(spike).max()
    assert got["rest potentials"] == pytest.approx(-65.0, abs=0.2)
    assert got["passive spike"].size == 0
    # what fires by itself has no rest
    assert got["driven spike"].size == 0 and np.all(got["driven potentials"] == -65.0)


MEDIA = """
[[probe]]
name = "slice"
contacts = [[60.0, 0.0, 0.0], [60.0, 0.0, 250.0]]
medium = {slice = 300.0, sigma_saline = 1.5}
[[probe]]
name = "tensor"
contacts = [[60.0, 0.0, 100.0]]
sigma = [0.2, 0.3, 0.4]
[[probe]]
name = "regions"
contacts = [[60.0, 0.0, 100.0]]
medium = {background = 1.5, regions = [{slab = {low = 0.0, high = 300.0}, sigma = 0.3}]}
[[probe]]
name = "lead"
lead_field = "lead.h5"
"""


def test_kernels_in_media(shell: Callable[..., Any], model: Path, tmp_path: Path) -> None:
    """Slices, tensors, regions and lead fields: what is explained is the same as without them."""
    text = model.read_text().replace(
        "z = {dist =", 'z = {dist = "uniform", loc = 140.0, scale = 20.0}}\n# {'
    )
    text = text.replace("[population.E]", "[population.E]\nrotate = {x = 90.0}")
    text = text.replace(
        'location = {sections = ["soma", "dend"], depth',
        'location = {sections = ["dend"]}\n# {depth',
    )
    text = text.replace("tstop = 300.0", "tstop = 200.0").replace("size = 30", "size = 12")
    path = tmp_path / "media.toml"
    path.write_text(text.replace("[record]", f"{MEDIA}[record]"))
    medium = "background=1.5, regions=[{slab={low=0, high=300}, sigma=0.3}]"
    shell("leadfield", "60,0,100", "--medium", medium, "-o", tmp_path / "lead.h5")
    ran = shell("kernel", path, "--check", "--length", 50, "-o", tmp_path / "k.h5")
    told = dict(re.findall(r"(\w+): kernels and spikes explain ([\d.]+) %", ran.err))
    assert set(told) == {"dipole", "LFP", "slice", "tensor", "regions", "lead"}
    assert min(map(float, told.values())) > 90.0, told
    with h5py.File(tmp_path / "k.h5") as file:
        values = {name: file[f"kernels/{name}/values/0"][:, 0] for name in told}
    # the grid of the lead field is that of the regions, which the slice is but for its glass
    size = np.abs(values["regions"]).max()
    assert np.abs(values["lead"] - values["regions"]).max() < 1e-9 * size
    assert np.abs(values["slice"] - values["regions"]).max() > 0.01 * size

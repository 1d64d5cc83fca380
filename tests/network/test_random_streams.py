"""Random numbers in mechanisms: streams bound to the seed and to the place in the model."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from network_models import needs_mpi, network, ranks, write

# a synapse that releases by chance, and channels whose conductance fluctuates
RELEASE = """\
NEURON { THREADSAFE POINT_PROCESS Release NONSPECIFIC_CURRENT i RANGE g, e, p, n RANDOM rng }
PARAMETER { e = 0 (mV) p = 0.5 }
ASSIGNED { v (mV) i (nA) n }
STATE { g (uS) }
INITIAL { g = 0 n = 0 }
BREAKPOINT { SOLVE s METHOD cnexp i = g*(v-e) }
DERIVATIVE s { g' = -g/2 }
NET_RECEIVE (w (uS)) { n = n + 1 if (random_uniform(rng) < p) { g = g + w } }
"""
FLICKER = """\
NEURON { THREADSAFE SUFFIX flicker NONSPECIFIC_CURRENT i RANGE g RANDOM first, second }
PARAMETER { g = 1e-5 (S/cm2) }
ASSIGNED { v (mV) i (mA/cm2) x }
INITIAL { x = 0 }
BREAKPOINT { SOLVE fluctuate i = g*x*(v+65) }
PROCEDURE fluctuate() { x = random_uniform(first) + random_uniform(second) }
"""
# a generator of hoc behind a pointer, as older synapses have it; what it draws is in the comment
POINTED = """\
NEURON { THREADSAFE POINT_PROCESS Pointed NONSPECIFIC_CURRENT i RANGE g POINTER rng }
ASSIGNED { v (mV) i (nA) rng }
STATE { g (uS) }
INITIAL { g = 0 }
BREAKPOINT { SOLVE s METHOD cnexp i = g*v }
DERIVATIVE s { g' = -g/2 }
NET_RECEIVE (w (uS)) { g = g + 2*w*draw() }
FUNCTION draw() {
VERBATIM
    /* it must be set to Random.uniform(0,1) */
    if (_p_rng) { _ldraw = nrn_random_pick((Rand*) _p_rng); } else { _ldraw = 0.; }
ENDVERBATIM
}
PROCEDURE setRNG() {
VERBATIM
    void** pv = (void**)(&_p_rng);
    if (ifarg(1)) { *pv = nrn_random_arg(1); } else { *pv = (void*)0; }
ENDVERBATIM
}
"""
# the same with the numbers of a stream
NUMBERED = POINTED.replace("Pointed", "Numbered").replace(
    "nrn_random_pick((Rand*) _p_rng)", "nrnran123_dblpick((nrnran123_State*) _p_rng)"
)
NUMBERED = NUMBERED.replace(
    "if (ifarg(1)) { *pv = nrn_random_arg(1); } else { *pv = (void*)0; }",
    "*pv = nrnran123_newstream3((uint32_t) *getarg(1), (uint32_t) *getarg(2),"
    " (uint32_t) *getarg(3));",
)


FICKLE = """\
NEURON { ARTIFICIAL_CELL Fickle RANDOM rng }
NET_RECEIVE(w) { if (random_uniform(rng) < 0.5) { net_event(t) } }
"""


@pytest.fixture(scope="module")
def mods(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("mods")
    texts = {"release": RELEASE, "flicker": FLICKER, "pointed": POINTED, "numbered": NUMBERED}
    texts["fickle"] = FICKLE
    for name, text in texts.items():
        (folder / f"{name}.mod").write_text(text)
    return folder


def stochastic(mods: Path, engine: str) -> dict[str, Any]:
    """The network, with synapses and channels that draw."""
    tree = network()
    tree["run"] |= {"engine": engine, "mechanisms": [str(mods)], "tstop": 30.0}
    tree["cell"]["stick"]["mechanism"].append({"name": "flicker", "sections": ["dend"]})
    for table in (*tree["connection"], *tree["input"]):
        table["synapse"] = {"type": "Release", "e": table["synapse"]["e"]}
    if engine == "neuron":
        tree["input"][0]["synapse"] = {"type": "Pointed"}
        tree["input"][1]["synapse"] = {"type": "Numbered"}
        # artificial cells that draw, and trains that all processes draw whole
        tree["population"]["fickle"] = {"artificial": {"type": "Fickle"}, "size": 3}
        tree["population"]["renewal"] = {"rate": {"gamma": 200.0, "refractory": 1.0}, "size": 5}
        events = {"rule": {"all": True}, "synapse": {"type": "event"}, "weight": 1.0}
        tree["connection"].append({"pre": "renewal", "post": "fickle", **events})
    tree["stimulus"] = [{"population": "I", "type": "Release", "p": 0.5}]
    return tree


def spikes_and_signal(path: Path) -> tuple[np.ndarray, np.ndarray]:
    with h5py.File(path) as file:
        return file["spikes/E/timestamps"][()], file["signals/LFP/data"][()]


@needs_mpi
@pytest.mark.parametrize("engine", ["neuron", "coreneuron"])
def test_the_same_bits_on_any_number_of_ranks(shell, tmp_path, mods, engine):
    path = write(tmp_path, stochastic(mods, engine))
    shell("sim", path, "-o", tmp_path / "1.h5", "-q")
    for count in (2, 3):
        ranks(count, "sim", path, "-o", tmp_path / f"{count}.h5", "-q")
        shell("diff", "--exact", tmp_path / "1.h5", tmp_path / f"{count}.h5")
    other = ["sim", path, "-o", tmp_path / "other.h5", "-q", "--seed", "77"]
    shell(*other)
    assert not np.array_equal(
        spikes_and_signal(tmp_path / "1.h5")[1], spikes_and_signal(tmp_path / "other.h5")[1]
    )
    if engine == "neuron":
        with h5py.File(tmp_path / "1.h5") as file:
            counts = [len(file[f"spikes/{name}/timestamps"]) for name in ("renewal", "fickle")]
        # half of the events of three cells pass, and each train is there once
        assert 0 < counts[1] < 3 * counts[0] and 10 < counts[0] < 60
    if engine == "coreneuron":
        reference = tmp_path / "neuron.h5"
        shell("sim", path, "-o", reference, "-q", "--set", "run.engine='neuron'")
        times, signal = spikes_and_signal(reference)
        core_times, core_signal = spikes_and_signal(tmp_path / "1.h5")
        np.testing.assert_allclose(core_times, times, rtol=0, atol=1e-9)
        peak = np.abs(signal).max()
        np.testing.assert_allclose(core_signal, signal, rtol=0, atol=1e-9 * peak)


TEMPLATE = """\
begintemplate Chancy
public soma, all, own, other, stim
create soma
objref all, own, other, stim, nc, g
proc init() {
    soma { L = 20 diam = 20 nseg = 1 insert pas own = new Release(0.5) other = new Release(0.5) }
    all = new SectionList()
    soma all.append()
    own.rng.set_ids(7, 8, 9)
    stim = new NetStim()
    stim.noise = 1
    nc = new NetCon(stim, own)
}
endtemplate Chancy
"""


def test_streams_that_a_template_sets_hold_and_others_depend_on_the_gid(
    neuron_process, tmp_path, mods
):
    (tmp_path / "chancy.hoc").write_text(TEMPLATE)

    def bound(results: dict[str, Any], folder: str, mods: str) -> None:
        from pathlib import Path

        from lfpcli.model.load import load_model
        from lfpcli.runtime.mpi.team import Team
        from lfpcli.tasks.simulate.simulation import Simulation

        text = f"""
        run = {{tstop = 1.0, seed = 3, mechanisms = ["{mods}"], engine = "neuron"}}
        cell.c.template = "{folder}/chancy.hoc:Chancy"
        population.P = {{cell = "c", size = 3}}
        """
        path = Path(folder) / "model.toml"
        path.write_text(text)
        simulation = Simulation(load_model(path), Team())
        for stream in simulation.built.streams:
            key = f"{stream.gid}/{stream.mechanism}"
            results.setdefault(key, []).append([*stream.ids, stream.is_own])
            now = getattr(stream.owner, stream.variable).get_ids()
            assert tuple(int(number) for number in now) == stream.ids

    told = neuron_process(bound, folder=str(tmp_path), mods=str(mods))
    assert sorted(told) == sorted(f"{g}/{m}" for g in range(3) for m in ("NetStim", "Release"))
    for gid in range(3):
        own, other = told[f"{gid}/Release"].tolist()
        assert own == [7, 8, 9, 1]
        assert other[1:] == [gid, 1, 0] and other[0] == told["0/Release"][1][0]
        assert told[f"{gid}/NetStim"].tolist()[0][1:] == [gid, 0, 0]


def test_what_a_generator_must_draw_is_asked_for(tmp_path, mods, share):
    folder = tmp_path / "silent"
    folder.mkdir()
    text = POINTED.replace("it must be set to Random.uniform(0,1)", "draws")
    (folder / "pointed.mod").write_text(text)
    tree = network()
    tree["run"] |= {"mechanisms": [str(folder)]}
    tree["input"] = [{"synapse": {"type": "Pointed"}, "weight": 0.001, "source": {"times": [1.0]}}]
    command = [sys.executable, "-m", "lfpcli", "sim", write(tmp_path, tree), "-o", "o.h5"]
    done = subprocess.run(
        [str(word) for word in command],
        cwd=tmp_path,
        capture_output=True,
        check=False,
        text=True,
        env=dict(os.environ),
    )
    assert done.returncode == 5, done.stderr
    assert "mechanism 'Pointed' draws from a generator that nothing has set" in done.stderr
    assert "pointed.mod" in done.stderr and "setRNG()" in done.stderr
    assert not (tmp_path / "o.h5").exists()


CHANCE = RELEASE.replace("THREADSAFE ", "").replace(" RANDOM rng", "").replace("Release", "Chance")
CHANCE = CHANCE.replace("random_uniform(rng)", "scop_random()")


@needs_mpi
def test_the_stream_of_a_process_has_the_seed_of_the_run(shell, tmp_path):
    """What draws from scop_random: seeded on one process, refused on several."""
    (tmp_path / "chance.mod").write_text(CHANCE)
    tree = network()
    tree["run"] |= {"engine": "auto", "mechanisms": [str(tmp_path)], "tstop": 20.0}
    for table in tree["input"]:
        table["synapse"] = {"type": "Chance", "e": table["synapse"]["e"]}
    path = write(tmp_path, tree)
    signals = []
    for seed in (3, 3, 4):
        out = tmp_path / f"{len(signals)}.h5"
        err = shell("sim", path, "-o", out, "--seed", seed).err
        assert "engine neuron" in err and "warning" not in err
        signals.append(spikes_and_signal(out)[1])
    np.testing.assert_array_equal(signals[0], signals[1])
    assert not np.array_equal(signals[0], signals[2])
    ran = ranks(2, "sim", path, "-o", tmp_path / "ranks.h5", code=5).stderr
    assert "'Chance' draws from scop_random" in ran and "--port" in ran

"""Membrane currents add up to the electrodes' current at every sample, the first one included."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest


def model(results, seed, extracellular, tstart, engine, adaptive, uneven) -> None:
    import lfpcli.runtime.engine.run as loop
    from lfpcli import Cell, StimIntElectrode, Synapse
    from lfpcli.runtime.engine.electrodes import electrode_currents
    from lfpcli.runtime.engine.record import membrane_currents, variable
    from lfpcli.runtime.engine.settings import RunSettings
    from lfpcli.runtime.neuron import nrn

    h, rng = nrn(), np.random.default_rng(seed)
    sections = [h.Section(name=f"s{k}") for k in range(int(rng.integers(2, 9)))]
    for k, section in enumerate(sections):
        section.L, section.diam = rng.uniform(20, 300), rng.uniform(0.5, 12)
        section.nseg, section.Ra = int(rng.integers(1, 8)), rng.uniform(50, 250)
        if k:
            place = rng.choice([0.0, 1.0, rng.random()])
            section.connect(sections[int(rng.integers(k))](place), int(rng.integers(2)))
    cell = Cell(
        sections,
        nseg={"rule": "keep"},
        passive={"g": 1e-4, "e": -72.0},
        extracellular=extracellular,
    )
    for section in sections:
        if rng.random() < 0.5:
            section.insert("hh")

    if uneven:
        cell.begin_at({k: -60.0 - rng.uniform(0, 20) for k in range(0, cell.totnsegs, 2)})

    def anywhere():
        return int(rng.integers(cell.totnsegs))

    for _ in range(int(rng.integers(1, 4))):
        StimIntElectrode(
            cell,
            anywhere(),
            "IClamp",
            amp=rng.normal(),
            delay=rng.choice([0.0, 0.4]),
            dur=rng.choice([0.4, 5.0]),
        )
    StimIntElectrode(cell, anywhere(), "SEClamp", amp1=-40.0, dur1=rng.choice([0.7, 9.0]), rs=20.0)
    Synapse(cell, anywhere(), "ExpSyn", weight=0.01, tau=2.0).set_spike_times([tstart, 0.0, 0.55])
    settings = RunSettings(
        tstop=2.0, dt=0.05, tstart=tstart, v_init=-60.0, engine=engine, adaptive=adaptive
    )
    recorders = {
        "imem": membrane_currents([cell]),
        "electrodes": electrode_currents([cell]),
        "i_pas": variable([cell], "i_pas"),
    }
    chunks = []
    loop.run([cell], settings, recorders, chunks.append)
    for name in recorders:
        results[name] = np.concatenate([chunk.blocks[name] for chunk in chunks])
    results["index"] = recorders["electrodes"].index[0]


MODELS = [
    {},
    {"uneven": True},
    {"tstart": -5.0},
    {"engine": "coreneuron", "uneven": True},
    # with this step NEURON's time has rounding errors at 0
    {"engine": "coreneuron", "tstart": -5.0},
    {"adaptive": True},
    {"adaptive": True, "tstart": -3.0},
    {"extracellular": True},
    {"extracellular": True, "tstart": -3.0},
]
ORDINARY = {
    "tstart": 0.0,
    "engine": "neuron",
    "adaptive": False,
    "extracellular": False,
    "uneven": False,
}


@pytest.mark.parametrize("number", range(len(MODELS)))
def test_currents_balance_at_every_sample(neuron_process, number: int) -> None:
    chosen = {**ORDINARY, **MODELS[number]}
    run = neuron_process(model, seed=number, **chosen)
    inside, outside = run["imem"].sum(axis=1), run["electrodes"].sum(axis=1)
    assert len(inside) == 41
    assert np.abs(outside[0]) > 0.0
    np.testing.assert_allclose(inside, outside, atol=1e-10 * np.abs(run["imem"]).max())


@pytest.mark.parametrize("engine", ["neuron", "coreneuron"])
def test_a_uniform_potential_has_no_currents_but_the_electrodes(
    neuron_process, engine: str
) -> None:
    run = neuron_process(model, seed=20, **{**ORDINARY, "engine": engine})
    expected = np.zeros(run["imem"].shape[1])
    np.add.at(expected, run["index"], run["electrodes"][0])
    np.testing.assert_allclose(run["imem"][0], expected, atol=1e-12)
    # the leak itself is that of the initial potential
    np.testing.assert_allclose(run["i_pas"][0], 1e-4 * (-60.0 + 72.0), rtol=1e-12)


def test_a_cell_off_its_reversal_has_no_dipole_at_first(shell, tmp_path: Path, share: Path) -> None:
    import h5py

    out = tmp_path / "out.h5"
    swc = share / "morphologies/ball_and_sticks.swc"
    cell = [swc, "--passive", "g=1e-4,e=-70", "--input", "soma:0.005@1"]
    shell("sim", *cell, "--tstop", "2", "--seed", "1", "-o", out)
    with h5py.File(out) as file:
        currents = file["reports/imem/cell/data"][:]
        dipole = file["dipole/total/data"][:]
    assert np.abs(currents[0]).max() < 1e-12 < 1e-6 < np.abs(currents[1:]).max()
    assert np.abs(dipole[0]).max() < 1e-9 < 1e-3 < np.abs(dipole[1:]).max()

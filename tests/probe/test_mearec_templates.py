"""Templates of MEArec and ours, of one cell, probe and set of placements."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

MODEL = """
[run]
tstop = 30.0
dt = 0.03125
v_init = -65.0
celsius = 6.3
[cell.c]
morphology = "{swc}"
Ra = 150.0
nseg = {{rule = "d_lambda", d_lambda = 0.1, frequency = 100.0}}
[[cell.c.mechanism]]
name = "hh"
[[stimulus]]
type = "IClamp"
delay = 1.0
dur = 1e9
amp = 0.5
[record]
imem = true
"""


def mearec_templates(results: dict[str, np.ndarray], swc: str, folder: str) -> None:
    """Run MEArec on a cell of one morphology with Hodgkin-Huxley channels; two spikes in all."""
    import warnings

    warnings.simplefilter("ignore")
    import LFPy
    from MEArec.simulate_cells import calc_extracellular, run_cell_model
    from MEAutility import return_mea

    def cell_of(model: str, *, end_T: float, dt: float, start_T: float) -> Any:
        del model
        cell = LFPy.Cell(morphology=swc, cm=1.0, Ra=150.0, v_init=-65.0, dt=dt, tstop=end_T)
        for section in cell.allseclist:
            section.insert("hh")
        return cell

    common = {"sim_time": 0.030, "dt": 0.03125, "cut_out": [2.0, 5.0], "delay": 1.0, "seed": 4}
    run_cell_model(
        "c",
        sim_folder=folder,
        custom_return_cell_function=cell_of,
        weights=[0.5, 1.75],
        target_spikes=[1, 3],
        **common,
    )
    eaps, places, turns = calc_extracellular(
        0,
        "c",
        load_sim_folder=folder,
        save=False,
        position=None,
        custom_return_cell_function=cell_of,
        rot="3drot",
        probe="Neuronexus-32",
        ncontacts=1,
        n=6,
        overhang=30.0,
        xlim=[20.0, 60.0],
        ylim=None,
        zlim=None,
        x_distr="uniform",
        beta_distr_params=[1.5, 5.0],
        min_amp=0.1,
        check_eap_shape=True,
        drifting=False,
        **common,
    )
    results["eaps"], results["places"], results["turns"] = eaps, places, turns
    results["contacts"] = return_mea("Neuronexus-32").positions


def test_templates_are_those_of_mearec(
    lfp: Callable[..., Any], neuron_process: Callable[..., dict[str, np.ndarray]], tmp_path: Path
) -> None:
    pytest.importorskip("MEArec")
    pytest.importorskip("LFPy")
    swc = Path(__file__).parents[2] / "share/morphologies/ball_and_stick.swc"
    theirs = neuron_process(mearec_templates, swc=str(swc), folder=str(tmp_path / "c"))
    (tmp_path / "m.toml").write_text(MODEL.format(swc=swc))
    table = np.column_stack([theirs["places"], np.degrees(theirs["turns"])])
    heading = "x,y,z,rx,ry,rz"
    np.savetxt(tmp_path / "p.csv", table, delimiter=",", header=heading, comments="", fmt="%.17g")
    np.savetxt(
        tmp_path / "a.csv",
        theirs["contacts"],
        delimiter=",",
        header="x,y,z",
        comments="",
        fmt="%.9g",
    )
    lfp("sim", tmp_path / "m.toml", "-o", tmp_path / "run.h5")
    lfp(
        *("probe", tmp_path / "run.h5", "--array", tmp_path / "a.csv", "--plane", "x"),
        *("--placements", tmp_path / "p.csv", "--spike-window", "2,5", "--spike", 2),
        *("--align", "trough", "-o", tmp_path / "t.h5"),
    )
    with h5py.File(tmp_path / "t.h5") as file:
        ours = 1e3 * file["templates"][:]
    eaps = theirs["eaps"]
    # MEArec's window has no sample at its end, and begins at the peak of the potential: what
    # alignment fills in at the ends differs
    inside = slice(32, 192)
    trough = -eaps.min(axis=(1, 2))
    assert (eaps.min(axis=1).argmin(axis=1) == 64).all()
    difference = np.abs(ours[:, :, inside] - eaps[:, :, inside]).max(axis=(1, 2))
    assert (difference <= 1e-4 * trough).all(), difference / trough

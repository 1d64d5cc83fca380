"""Templates of a Blue Brain cell that MEArec carries, by MEArec itself and by ours."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from lfpcli.io.recording import open_recording

spec = find_spec("MEArec")
if spec is None or spec.origin is None or find_spec("LFPy") is None:
    pytest.skip("MEArec is not installed", allow_module_level=True)
BBP = Path(spec.origin).parent / "cell_models/bbp"
NAME = "L5_NBC_bAC217_1"
AMP, DURATION = 0.3, 45.0
PLACES = 12


def templates_of_mearec(
    results: dict[str, np.ndarray],
    cell_folder: str,
    mechanisms: str,
    folder: str,
    amp: float,
    duration: float,
    places: int,
) -> None:
    """Run MEArec on the cell, whose mechanisms were ported; LFPy keeps the model's own segments."""
    import os
    import re
    import time
    import warnings
    from pathlib import Path

    warnings.simplefilter("ignore")
    import LFPy
    import neuron
    from MEArec.simulate_cells import calc_extracellular, run_cell_model
    from MEAutility import return_mea

    from lfpcli.runtime.mechanisms.build import build
    from lfpcli.runtime.mechanisms.load import load

    load(build([Path(mechanisms)]))
    files = ("morphology.hoc", "biophysics.hoc", "synapses/synapses.hoc", "template.hoc")

    def cell_of(model: str, *, end_T: float, dt: float, start_T: float) -> Any:
        del model
        h = neuron.h
        h.load_file("stdrun.hoc")
        h.load_file("import3d.hoc")
        before = Path.cwd()
        os.chdir(cell_folder)
        h.load_file(1, "constants.hoc")
        for file in files:
            text = Path(file).read_text(errors="replace")
            main = re.search(r"^begintemplate\s+(\w+)", text, re.M)[1]
            if not hasattr(h, main):
                h.load_file(1, file)
        cell = LFPy.TemplateCell(
            morphology=str(next(Path("morphology").iterdir())),
            templatefile=str(Path("template.hoc").absolute()),
            templatename=main,
            templateargs=0,
            tstart=start_T,
            tstop=end_T,
            dt=dt,
            v_init=-70,
            pt3d=True,
            delete_sections=True,
            nsegs_method=None,
        )
        os.chdir(before)
        return cell

    name = Path(cell_folder).name
    common = {
        "sim_time": duration / 1e3,
        "dt": 0.03125,
        "cut_out": [2.0, 5.0],
        "delay": 1.0,
        "seed": 4,
    }
    start = time.process_time()
    run_cell_model(
        name,
        sim_folder=folder,
        custom_return_cell_function=cell_of,
        weights=[amp, 1.75],
        target_spikes=[1, 3],
        **common,
    )
    # of those after the first MEArec draws one for each place: leave it a single one
    for file in Path(folder).glob("?mem_*.npy"):
        np.save(file, np.load(file)[:1])
    eaps, somata, turns = calc_extracellular(
        0,
        name,
        load_sim_folder=folder,
        save=False,
        position=None,
        custom_return_cell_function=cell_of,
        rot="3drot",
        probe="Neuronexus-32",
        ncontacts=1,
        n=places,
        overhang=30.0,
        xlim=[10.0, 80.0],
        ylim=None,
        zlim=None,
        x_distr="uniform",
        beta_distr_params=[1.5, 5.0],
        min_amp=5.0,
        check_eap_shape=True,
        drifting=False,
        **common,
    )
    results["seconds"] = np.array(time.process_time() - start)
    results["eaps"], results["places"], results["turns"] = eaps, somata, turns
    results["contacts"] = return_mea("Neuronexus-32").positions


def not_in_line(run: Path, templates: h5py.File) -> np.ndarray:
    """Which contacts (P, C) lie beyond no end of the soma, within its radius of its axis.

    LFPykit takes those at the radius, too, though they are far from it; see lfp-accuracy(7).
    """
    with open_recording(run) as recording:
        geometry = recording.geometry(recording.populations[0])
    (index,) = np.flatnonzero(geometry.is_soma)
    contacts, masks = templates["contacts"][:], []
    for place, turn in zip(templates["positions"][:], templates["rotations"][:], strict=True):
        start, end = (point[index] @ turn.T + place for point in (geometry.start, geometry.end))
        axis = (end - start) / np.linalg.norm(end - start)
        along = (contacts - start) @ axis
        away = np.linalg.norm(contacts - start - along[:, None] * axis, axis=1)
        masks.append(away >= geometry.diam[index] / 2)
    return np.array(masks)


@pytest.mark.slow
def test_templates_of_a_blue_brain_cell_are_those_of_mearec(
    shell: Callable[..., Any], neuron_process: Callable[..., dict[str, np.ndarray]], tmp_path: Path
) -> None:
    from lfpcli.tasks.mechs import port_mechanisms

    ported = tmp_path / "ported"
    port_mechanisms([BBP / NAME / "mechanisms"], ported)
    theirs = neuron_process(
        templates_of_mearec,
        cell_folder=str(BBP / NAME),
        mechanisms=str(ported),
        folder=str(tmp_path / "mearec"),
        amp=AMP,
        duration=DURATION,
        places=PLACES,
    )
    file = BBP / NAME / "template.hoc"
    (main,) = re.findall(r"^begintemplate\s+(\w+)", file.read_text(errors="replace"), re.M)
    model = {
        "run": {
            "tstop": DURATION,
            "dt": 0.03125,
            "v_init": -70.0,
            "mechanisms": [str(ported)],
        },
        "cell": {
            "c": {
                "template": f"{file}:{main}",
                "args": [0],
                "code": [str(BBP / NAME / "constants.hoc")],
            }
        },
        "stimulus": [{"type": "IClamp", "delay": 1.0, "dur": 1e9, "amp": AMP}],
        "record": {"imem": True},
    }
    (tmp_path / "m.json").write_text(json.dumps(model))
    table = np.column_stack([theirs["places"], np.degrees(theirs["turns"])])
    tables = {"p.csv": ("x,y,z,rx,ry,rz", table), "a.csv": ("x,y,z", theirs["contacts"])}
    for name, (header, rows) in tables.items():
        np.savetxt(tmp_path / name, rows, delimiter=",", header=header, comments="", fmt="%.17g")
    shell("sim", tmp_path / "m.json", "-o", tmp_path / "run.h5")
    shell(
        *("probe", tmp_path / "run.h5", "--array", tmp_path / "a.csv", "--plane", "x"),
        *("--placements", tmp_path / "p.csv", "--spike-window", "2,5", "--spike", 2),
        *("--align", "trough", "-o", tmp_path / "t.h5"),
    )
    with h5py.File(tmp_path / "t.h5") as templates:
        ours = 1e3 * templates["templates"][:]
        aside = not_in_line(tmp_path / "run.h5", templates)
    assert 0 < np.count_nonzero(~aside) < 0.01 * aside.size
    eaps = theirs["eaps"]
    assert len(eaps) == PLACES
    # what alignment fills in at the ends differs, see test_mearec_templates
    inside = slice(32, 192)
    trough = -eaps.min(axis=(1, 2))
    apart = np.abs(ours[:, :, inside] - eaps[:, :, inside]).max(axis=2)
    difference = np.where(aside, apart, 0.0).max(axis=1)
    assert (difference <= 1e-5 * trough).all(), difference / trough
    # in line with the soma the distances are different ones, and the cell is far
    assert (apart.max(axis=1) <= 2e-3 * trough).all(), apart.max(axis=1) / trough

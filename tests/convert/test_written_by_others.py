"""Files that LFPy and MEArec write themselves, and what is read of them."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import h5py
import numpy as np
import pytest

from lfpcli.io.recording import open_recording

NETWORK = """
import os, sys
try:
    import numpy as np, LFPy
except (ImportError, RuntimeError):
    sys.exit(77)
files = os.path.join(LFPy.__path__[0], "test")
network = LFPy.Network(dt=0.0625, tstop=10.0, v_init=-65.0, celsius=6.3, OUTPUTPATH=".")
for name in ("E", "I"):
    network.create_population(
        CWD=None, CELLPATH=None, Cell=LFPy.NetworkCell, POP_SIZE=2, name=name,
        cell_args=dict(
            morphology=os.path.join(files, "ball_and_sticks_w_lists.hoc"),
            templatefile=os.path.join(files, "ball_and_stick_template.hoc"),
            templatename="ball_and_stick_template", templateargs=None, passive=True,
            dt=0.0625, tstop=10.0, delete_sections=False,
        ),
        pop_args=dict(radius=100.0, loc=0.0, scale=20.0), rotation_args={},
    )
for population in network.populations.values():
    for cell in population.cells:
        synapse = LFPy.Synapse(cell=cell, idx=0, syntype="ExpSyn", weight=0.1, tau=1.0, e=0.0)
        synapse.set_spike_times(np.array([3.0]))
probes = [
    LFPy.RecExtElectrode(cell=None, x=np.full(2, 30.0), y=np.zeros(2), z=np.array([0.0, 50.0])),
    LFPy.CurrentDipoleMoment(cell=None),
]
network.simulate(
    probes=probes, to_file=True, to_memory=False, file_name="OUTPUT.h5", rec_pop_contributions=True
)
"""

RECORDING = """
import sys, warnings
warnings.simplefilter("ignore")
try:
    import MEArec
    # imports mpi4py, which ends where no MPI library is
    import elephant.spike_train_generation
except (ImportError, RuntimeError):
    sys.exit(77)
templates = MEArec.load_templates("ours.h5", return_h5_objects=False)
MEArec.save_template_generator(templates, "templates.h5", verbose=False)
params = MEArec.get_default_recordings_params()
params["spiketrains"].update(duration=1.0, n_exc=2, n_inh=0, f_exc=20, seed=1)
params["templates"].update(
    min_dist=0.1, min_amp=1.0, max_amp=1000.0, n_jitters=2, upsample=4, seed=1, overlap_threshold=2
)
params["recordings"].update(noise_level=2.0, filter=False, dtype="int16", adc_bit_depth=12)
params["seeds"] = dict.fromkeys(("spiketrains", "templates", "convolution", "noise"), 1)
recordings = MEArec.gen_recordings(
    params=params, tempgen=MEArec.load_templates("templates.h5"), verbose=False, n_jobs=1
)
MEArec.save_recording_generator(recordings, "recordings.h5", verbose=False)
"""


def run_or_skip(program: str, folder: Path) -> None:
    """Run a program of another package; skip the test where the package is not there."""
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=folder, capture_output=True, text=True, check=False
    )
    if done.returncode == 77:
        pytest.skip("the package is not installed")
    assert done.returncode == 0, done.stderr


def test_networks_of_lfpy(lfp, tmp_path):
    run_or_skip(NETWORK, tmp_path)
    lfp("convert", "-q", tmp_path / "OUTPUT.h5", tmp_path / "o.h5", "--dt", "0.0625")
    with open_recording(tmp_path / "o.h5") as ours, h5py.File(tmp_path / "OUTPUT.h5") as theirs:
        signal, potentials = ours.signal("RecExtElectrode0"), theirs["RecExtElectrode0"]
        assert signal.units == "mV"
        assert np.abs(potentials["imem"]).max() > 0
        assert np.array_equal(signal.data[:], potentials["imem"].T)
        assert signal.shares == {"E": "population", "I": "population"}
        for name, share in signal.groups.items():
            assert np.array_equal(share[:], potentials[name].T)
        moments = theirs["CurrentDipoleMoment0"]
        for group, field in (("total", "imem"), ("E", "E"), ("I", "I")):
            assert np.array_equal(ours.dipole(group).data[:], moments[field].T)


def write_templates(path: Path) -> None:
    """Templates of 6 places with troughs of 50 uV and more on one of four contacts."""
    rng = np.random.default_rng(2)
    waves = 1e-4 * rng.normal(size=(6, 4, 225))
    course = -np.exp(-(((np.arange(225) - 64) / 6.0) ** 2))
    for unit in range(6):
        waves[unit, unit % 4] += (0.08 + 0.01 * unit) * course
    with h5py.File(path, "w") as file:
        file.attrs["format"] = "lfp-templates"
        file["templates"] = waves
        file["templates"].attrs.update({"dt": 1 / 32, "t_start": -2.0, "units": "mV"})
        file["positions"] = 100.0 * rng.normal(size=(6, 3))
        file["rotations"] = np.tile(np.eye(3), (6, 1, 1))
        file["contacts"] = [[0.0, y, z] for y in (0, 20) for z in (0, 20)]
        file["contact_names"] = np.array(["0", "1", "2", "3"], "S1")


def test_templates_and_recordings_of_mearec(lfp, tmp_path):
    write_templates(tmp_path / "t.h5")
    options = ("--to", "mearec", "--cell-type", "L5_TTPC1_a_1")
    lfp("convert", "-q", tmp_path / "t.h5", tmp_path / "ours.h5", *options)
    run_or_skip(RECORDING, tmp_path)
    lfp("convert", "-q", tmp_path / "templates.h5", tmp_path / "back.h5")
    with h5py.File(tmp_path / "back.h5") as back, h5py.File(tmp_path / "templates.h5") as theirs:
        np.testing.assert_allclose(1e3 * back["templates"][:], theirs["templates"][:], rtol=1e-6)
        assert np.array_equal(back["positions"][:], theirs["locations"][:])
    lfp("convert", "-q", tmp_path / "recordings.h5", tmp_path / "o.h5")
    with open_recording(tmp_path / "o.h5") as ours, h5py.File(tmp_path / "recordings.h5") as theirs:
        (name,) = ours.signals
        signal, data = ours.signal(name), theirs["recordings"]
        gain = float(data.attrs["gain_to_uV"])
        assert data.dtype == np.int16
        np.testing.assert_allclose(1e3 * signal.data[:], gain * data[:], rtol=1e-12)
        assert signal.dt == pytest.approx(1e3 / theirs["info/recordings/fs"][()])
        assert np.array_equal(signal.positions, theirs["channel_positions"][:])
        times, units = ours.spikes("units")
        for unit in ("0", "1"):
            spikes = 1e3 * theirs[f"spiketrains/{unit}/times"][:]
            np.testing.assert_allclose(times[units == int(unit)], spikes, rtol=1e-12)
            assert len(spikes) > 3

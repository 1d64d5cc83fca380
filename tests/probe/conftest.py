"""One run of two populations, with probes that measured while it went."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

PROBES = {
    "line": {"options": [], "keys": ""},
    "point": {"options": ["--method", "point"], "keys": 'method = "point"'},
    "soma": {"options": ["--method", "soma-point"], "keys": 'method = "soma-point"'},
    "anisotropic": {"options": ["--sigma", "0.3,0.2,0.45"], "keys": "sigma = [0.3, 0.2, 0.45]"},
    "disc": {
        "options": ["--radius", "7.5", "--normal", "1,0,0", "--quadrature", "20"],
        "keys": "radius = 7.5\nnormal = [1, 0, 0]\nquadrature = 20",
    },
    "slice": {
        "options": ["--medium", "slice=2000, z_shift=-600, sigma_glass=0.05, tolerance=1e-6"],
        "keys": "medium = {slice = 2000, z_shift = -600, sigma_glass = 0.05, tolerance = 1e-6}",
    },
    "sphere": {
        "options": ["--medium", "sphere=3000, sigma_out=0.1, centre=[0, 0, 100]"],
        "keys": "medium = {sphere = 3000, sigma_out = 0.1, centre = [0, 0, 100]}",
    },
    "half space": {
        "options": ["--medium", "half_space=1500, sigma_other=1.5"],
        "keys": "medium = {half_space = 1500, sigma_other = 1.5}",
    },
}
CONTACTS = "x,y,z\n30,0,0\n40,5,150\n60,-20,300\n0,0,-150\n"

MODEL = """
[run]
tstop = 20.0
dt = 0.0625
seed = 3
engine = "neuron"
[cell.ball]
morphology = "{share}/morphologies/ball_and_sticks.swc"
[[cell.ball.mechanism]]
name = "pas"
e = -65.0
[[cell.ball.mechanism]]
name = "hh"
sections = ["soma"]
[population.A]
cell = "ball"
size = 2
place = {{positions = [[0, 0, 0], [60, 0, 20]]}}
[population.B]
cell = "ball"
size = 1
rotate = {{x = 40.0}}
place = {{positions = [[-50, 30, 100]]}}
[[input]]
synapse = {{type = "Exp2Syn", tau1 = 0.2, tau2 = 2.0, e = 0.0}}
weight = 0.02
count = 5
source = {{poisson = 100.0}}
[record]
imem = true
"""


@pytest.fixture(scope="session")
def contacts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("contacts") / "contacts.csv"
    path.write_text(CONTACTS)
    return path


@pytest.fixture(scope="session")
def run(tmp_path_factory: pytest.TempPathFactory, contacts: Path) -> Path:
    """Recording with currents and the signals of all of `PROBES`, total and shares."""
    share = Path(__file__).parents[2] / "share"
    folder = tmp_path_factory.mktemp("run")
    text = MODEL.format(share=share)
    for name, probe in PROBES.items():
        for per in ("total", "population", "cell"):
            text += f'[[probe]]\nname = "{name} {per}"\ncontacts = "{contacts}"\nper = "{per}"\n'
            text += probe["keys"] + "\n"
    text += (
        '[[probe]]\nname = "csd"\ncsd = {z = [-200.0, 800.0], dz = 50.0, radius = 400.0}\n'
        'per = "cell"\n[[probe]]\nname = "boxes"\nper = "population"\n'
        "csd = {origin = [-900, -900, -900], size = [1800, 1800, 1800], n = [2, 3, 12]}\n"
    )
    (folder / "model.toml").write_text(text)
    done = subprocess.run(
        [sys.executable, "-m", "lfpcli", "sim", folder / "model.toml", "-o", folder / "out.h5"],
        capture_output=True,
        check=False,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr.decode()
    return folder / "out.h5"

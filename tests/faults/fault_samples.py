"""Sound files of every format, which the campaign damages."""

from __future__ import annotations

import importlib.util
import os
import shutil
import zipfile
from pathlib import Path
from typing import Any, NoReturn

import h5py
import numpy as np

SHARE = Path(__file__).parent.parent.parent / "share"
ASC = b"""; a cell
("CellBody" (Color Red) (CellBody)
 (-5 -5 0 1) (5 -5 0 1) (5 5 0 1) (-5 5 0 1))
((Dendrite)
 (0 5 0 2) (0 20 0 1.5) (0 40 0 1.2)
 ((0 60 5 1) (0 80 9 0.9) | (0 60 -5 1) (0 90 -9 0.8)))
((Axon) (0 -5 0 1) (0 -90 0 0.5))
"""
NEUROML = b"""<neuroml xmlns="http://www.neuroml.org/schema/neuroml2" id="n">
<cell id="c"><morphology id="m">
<segment id="0" name="soma"><proximal x="0" y="0" z="0" diameter="10"/>
<distal x="0" y="0" z="10" diameter="10"/></segment>
<segment id="1" name="dend"><parent segment="0"/><distal x="0" y="0" z="90" diameter="1"/></segment>
</morphology></cell></neuroml>
"""
SPIKES = b"# train, time\n" + b"".join(b"%d,%d.5\n" % (k % 7, 3 * k) for k in range(40))
PLACES = b"x,y,z,rx,ry,rz\n0,0,0,0,0,0\n10,20,30,90,0,45\n"
JSON = b"""{"run": {"tstop": 5.0}, "cell": {"c": {"morphology": "CELL"}},
"population": {"E": {"cell": "c", "size": 3}}, "record": {"imem": true},
"probe": [{"name": "shank", "array": "Neuropixels-128", "sigma": 0.3}]}"""
MOD = b"""NEURON { SUFFIX leak NONSPECIFIC_CURRENT i RANGE g, e }
PARAMETER { g = 0.001 (S/cm2) e = -65 (mV) }
ASSIGNED { v (mV) i (mA/cm2) }
BREAKPOINT { i = g * (v - e) }
"""
HOC = b"""create soma, dend[2]
access soma
soma { L = 20 diam = 20 insert hh }
for i = 0, 1 { connect dend[i](0), soma(1)
  dend[i] { L = 200 diam = 2 - i insert pas e_pas = -65 g_pas = 0.0001 } }
celsius = 20
"""
TEMPLATE = b"""begintemplate Cell
public soma, dend
create soma, dend
proc init() { soma { L = 10 diam = 10 insert hh }
  dend { L = 100 diam = 1 insert pas } connect dend(0), soma(1) }
endtemplate Cell
"""
GDF = b"".join(b"%d\t%d.25\n" % (k % 7, 3 * k) for k in range(40))
HNN = b"".join(
    b"%.3f %.6f %.6f %.6f\n" % (0.5 * k, 1e-3 * k, 4e-4 * k, 6e-4 * k) for k in range(40)
)
NETPYNE = b"""{"simConfig": {"recordStep": 0.1, "recordLFP": [[0, 0, 0], [10, 20, 30]]},
"simData": {"LFP": [[0.1, 0.2], [0.3, 0.4], [0.5, 0.6]], "spkt": [1.0, 2.0], "spkid": [0, 3]}}"""
ELC = b"""# ASA
ReferenceLabel avg
UnitPosition mm
NumberPositions= 3
Positions
Cz : 0.0 0.0 90.0
Fz : 0.0 62.0 65.0
Pz : 0.0 -62.0 65.0
Labels
Cz Fz Pz
"""
YAML = b"""electrode_name: four
description: four in a row
sortlist: null
pitch: [20.0, 20.0]
dim: [2, 2]
size: 5
plane: yz
shape: circle
type: mea
"""
PROBE = b"""{"specification": "probeinterface", "version": "0.2.21", "probes": [{"ndim": 2,
"si_units": "um", "contact_positions": [[0, 0], [0, 20], [0, 40]],
"contact_plane_axes": [[[1, 0], [0, 1]], [[1, 0], [0, 1]], [[1, 0], [0, 1]]],
"contact_shapes": ["circle", "circle", "circle"],
"contact_shape_params": [{"radius": 5}, {"radius": 5}, {"radius": 5}],
"contact_ids": ["a", "b", "c"]}]}"""
RATES = b"time,rate\n" + b"".join(b"%d,%d.5\n" % (k, 10 + k % 5) for k in range(0, 60, 5))
TRAINS = b"""{"E": {"size": 3, "poisson": 80.0, "refractory": 2.0},
 "I": {"size": 2, "gamma": 50.0, "shape": 2.0, "burst": 3.0, "burst_interval": 4.0}}"""
TRAINS_TOML = b"""[E]
size = 3
poisson = 80.0
correlation = 0.1
jitter = 2.0
[I]
size = 2
gamma = 60.0
rate_sd = 5.0
rate_min = 1.0
"""
MEDIUM = b"""background = 0.3
tolerance = 0.1
regions = [
    {slab = {high = -90.0}, sigma = 0.0},
    {ball = {centre = [0.0, 0.0, 300.0], radius = 40.0}, sigma = [0.2, 0.2, 0.4]},
]
"""
SMALL = b"""[run]
tstop = 5.0
dt = 0.1
seed = 3
[cell.c]
morphology = "cell.swc"
Ra = 120.0
[[cell.c.mechanism]]
name = "pas"
sections = ["all"]
g = 0.0001
e = -70.0
[population.E]
cell = "c"
size = 2
place = { shape = "cylinder", radius = 50.0 }
[[input]]
population = "E"
synapse = { type = "ExpSyn", tau = 2.0 }
weight = 0.001
source = { poisson = 100.0 }
[[stimulus]]
type = "IClamp"
amp = 0.1
del = 1.0
dur = 2.0
[record]
imem = true
dipole = "total"
[[probe]]
name = "p"
contacts = [[30.0, 0.0, 0.0], [30.0, 0.0, 50.0]]
"""


def recording(path: Path) -> Path:
    """A cell of forty segments, with all that a recording may hold."""
    from lfpcli.geometry import Geometry
    from lfpcli.io.recording import Report, Sampled, Signal
    from lfpcli.io.writer import RecordingWriter

    rng = np.random.default_rng(2)
    count, samples = 40, 200
    start = np.arange(count)[:, None] * np.array([0.0, 0.0, 10.0])
    currents = rng.normal(size=(samples, count))
    currents -= currents.mean(axis=1, keepdims=True)
    geometry = Geometry(
        start=start,
        end=start + np.array([0.0, 0.0, 10.0]),
        diam=np.ones(count),
        parent=np.arange(count) - 1,
    )
    middles = 0.5 * (geometry.start + geometry.end)
    report = Report(
        currents,
        "nA",
        0.1,
        node_ids=np.arange(1),
        pointers=np.array([0, count]),
        element_ids=np.zeros(count, np.int64),
        element_pos=np.linspace(0.0, 1.0, count),
    )
    signal = Signal(
        rng.normal(size=(samples, 3)),
        "mV",
        0.1,
        positions=np.array([[30.0, 0.0, z] for z in (0, 50, 100)]),
        names=["a", "b", "c"],
        model="point source",
        parameters={"sigma": 0.3},
    )
    with RecordingWriter(path, {"program": "lfp", "command": ["lfp", "sim"]}) as writer:
        writer.geometry("E", geometry)
        writer.report("imem", "E", report)
        writer.dipole("total", Sampled(currents @ middles, "nA um", 0.1, share="total"))
        writer.signal("shank", signal)
        writer.spikes("E", np.array([1.0, 5.0, 9.0]), np.zeros(3, np.int64))
    return path


def checkpoint(folder: Path) -> dict[str, bytes]:
    from lfpcli.io.checkpoint import write_checkpoint
    from lfpcli.io.recording import Sampled
    from lfpcli.io.writer import RecordingWriter
    from lfpcli.runtime.engine.state import RunState

    rng = np.random.default_rng(1)
    path = folder / "a.h5.checkpoint"
    with RecordingWriter(folder / "a.h5", {"program": "lfp", "command": ["lfp"]}) as writer:
        track = writer.dipole("total", Sampled(np.empty((0, 3)), "nA um", 0.1))
        writer.keep_in_step([track])
        track.append(rng.normal(size=(3000, 3)))
        state = RunState(
            sample=2999,
            time=299.9,
            cells={k: rng.normal(size=20) for k in range(5)},
            times=np.arange(5.0),
            gids=np.arange(5),
        )
        write_checkpoint(path, writer, state, {"seed": 1})
    return {path.name: path.read_bytes()}


def morphology_h5(folder: Path) -> dict[str, bytes]:
    from lfpcli.cli.main import main

    path = folder / "cell.h5"
    assert (
        main(["morph", str(SHARE / "morphologies" / "ball_and_sticks.swc"), "-o", str(path), "-f"])
        == 0
    )
    return {path.name: path.read_bytes()}


def npy(folder: Path) -> bytes:
    np.save(folder / "a.npy", np.arange(60.0).reshape(20, 3))
    return (folder / "a.npy").read_bytes()


def npz(folder: Path) -> dict[str, bytes]:
    arrays = {"times": np.arange(50.0), "ids": np.arange(50) % 5}
    np.savez(folder / "a.npz", **arrays)
    np.savez_compressed(folder / "b.npz", **arrays)
    with zipfile.ZipFile(folder / "b.npz") as archive:
        assert archive.namelist()
    return {name: (folder / name).read_bytes() for name in ("a.npz", "b.npz")}


def lead_field(folder: Path) -> dict[str, bytes]:
    path = folder / "head.h5"
    rng = np.random.default_rng(3)
    with h5py.File(path, "w") as file:
        file["leadfield"] = rng.normal(size=(30, 3, 5))
        file["leadfield"].attrs["units"] = "uV/(nA m)"
        file["positions"] = 1e4 * rng.normal(size=(30, 3))
        file["positions"].attrs["units"] = "um"
        file["electrodes/positions"] = 9e4 * rng.normal(size=(5, 3))
        file["electrodes/positions"].attrs["units"] = "um"
        file["electrodes/names"] = ["a", "b", "c", "d", "e"]
    return {path.name: path.read_bytes()}


def models() -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted((SHARE / "examples").glob("*.toml"))}


def foreign_hdf5(folder: Path) -> dict[str, bytes]:
    """Files of other tools that convert reads."""
    rng = np.random.default_rng(4)
    with h5py.File(folder / "hybrid.h5", "w") as file:
        file["data"] = rng.normal(size=(3, 50))
        file["srate"] = 1000.0
    with h5py.File(folder / "mearec.h5", "w") as file:
        file.attrs["mearec_version"] = "1.9.0"
        file["recordings"] = rng.normal(size=(50, 4)).astype("f4")
        file["info/recordings/fs"] = 32000.0
        file["channel_positions"] = rng.normal(size=(4, 3))
        file["spiketrains/0/times"] = np.array([0.001, 0.002])
    with h5py.File(folder / "ecp.h5", "w") as file:
        file["ecp/data"] = rng.normal(size=(40, 3))
        file["ecp/data"].attrs["units"] = "mV"
        file["ecp/time"] = [0.0, 4.0, 0.1]
        file["ecp/channel_id"] = np.arange(3)
    with h5py.File(folder / "report.h5", "w") as file:
        file["report/v1/data"] = rng.normal(size=(20, 5)).astype("f4")
        file["report/v1/data"].attrs["units"] = "mV"
        mapping = file.create_group("report/v1/mapping")
        mapping["node_ids"] = np.array([0, 3], np.uint64)
        mapping["index_pointers"] = np.array([0, 2, 5], np.uint64)
        mapping["element_ids"] = np.array([0, 1, 0, 1, 2], np.uint32)
        mapping["element_pos"] = np.full(5, 0.5)
        mapping["time"] = [0.0, 2.0, 0.1]
    with h5py.File(folder / "sonata_spikes.h5", "w") as file:
        file["spikes/v1/timestamps"] = np.arange(9.0)
        file["spikes/v1/timestamps"].attrs["units"] = "ms"
        file["spikes/v1/node_ids"] = np.arange(9, dtype=np.uint64) % 4
    names = ("hybrid.h5", "mearec.h5", "ecp.h5", "report.h5", "sonata_spikes.h5")
    return {name: (folder / name).read_bytes() for name in names}


def nwb(folder: Path, source: Path) -> dict[str, bytes]:
    """A recording in NWB."""
    from lfpcli.cli.main import main

    assert main(["convert", "-q", str(source), str(folder / "a.nwb")]) == 0
    return {"a.nwb": (folder / "a.nwb").read_bytes()}


def templates(folder: Path, source: Path) -> Path:
    """Spike templates of six placements."""
    from lfpcli.cli.main import main

    rows = b"".join(b"%d,%d,0\n" % (20 * k, -10 * k) for k in range(6))
    (folder / "six.csv").write_bytes(b"x,y,z\n" + rows)
    words = ["--array", "Neuropixels-128", "--placements", str(folder / "six.csv")]
    path = folder / "templates.h5"
    code = main(["probe", str(source), *words, "--spike-window", "1,2", "-o", str(path), "-q"])
    assert code == 0
    return path


def trains(folder: Path) -> Path:
    """Spike trains of two populations."""
    from lfpcli.cli.main import main

    (folder / "trains.json").write_bytes(TRAINS)
    path = folder / "trains.h5"
    drawn = ["--duration", "0.1", "--seed", "1", "-o", str(path), "-q"]
    assert main(["spikes", str(folder / "trains.json"), *drawn]) == 0
    return path


def kernels(folder: Path) -> Path:
    """Kernels of the populations of `trains` at two channels."""
    from lfpcli.io.kernels import Kernels, KernelWriter

    rng = np.random.default_rng(9)
    path = folder / "kernels.h5"
    pairs = [(pre, post) for pre in "EI" for post in "EI"]
    signal = Kernels(
        name="shank",
        units="mV",
        model="point source",
        parameters={"sigma": 0.3},
        positions=np.array([[30.0, 0.0, 0.0], [30.0, 0.0, 50.0]]),
        names=["a", "b"],
        dt=0.1,
        values={pair: rng.normal(size=(50, 2)) for pair in pairs},
    )
    with KernelWriter(path, {"program": "lfp", "command": ["lfp", "kernel"]}) as writer:
        writer.kernels(signal)
    return path


def lead_grids(folder: Path) -> Path:
    """Lead fields of a contact above an insulator."""
    from lfpcli.cli.main import main

    path = folder / "grids.h5"
    medium = "regions=[{slab={high=-90}, sigma=0}], tolerance=0.1"
    assert main(["leadfield", "30,0,0", "--medium", medium, "-o", str(path), "-q"]) == 0
    return path


def sweep(folder: Path, source: Path) -> dict[str, Path]:
    """The folder of a sweep of which one run of two is done."""
    from lfpcli.tasks.sweep.index import Sweep, write_sweep

    base = folder / "sweep"
    keys, values = ("run.tstop", "run.seed"), (("5.0",), ("1", "2"))
    write_sweep(base, Sweep(model="m.toml", digest="0" * 64, seed=None, keys=keys, values=values))
    (base / "0000.h5").write_bytes(source.read_bytes())
    return files_of(base)


def files_of(base: Path) -> dict[str, Path]:
    """The files of a folder, by their path from there, or with it where it is a store."""
    root = base.parent if base.suffix else base
    files = sorted(path for path in base.rglob("*") if path.is_file())
    return {str(path.relative_to(root)): path for path in files}


def targets(folder: Path, source: Path) -> dict[str, bytes]:
    """A recording in formats of other tools, as far as their packages are there."""
    from lfpcli.cli.main import main

    names = ("mat", "nc", "edf", "bdf", "dip", "nix", "zarr", "csv")
    for name in names:
        signal = "dipole/total" if name == "dip" else "shank"
        # a package may be missing
        main(["convert", "-q", str(source), str(folder / f"a.{name}"), "--signal", signal])
    paths = [folder / f"a.{name}" for name in names]
    return {path.name: path.read_bytes() for path in paths if path.is_file()}


def sensors_fif(folder: Path) -> Path | None:
    """Coils of MEG in a file of MNE."""
    if importlib.util.find_spec("mne") is None:
        return None
    import mne

    names = ["MEG0111", "MEG0112"]
    info = mne.create_info(names, 1000.0, ["mag", "grad"], verbose=False)
    with info._unlock():
        info["dev_head_t"] = mne.Transform("meg", "head", np.eye(4))
        for channel, coil in zip(info["chs"], (3024, 3012), strict=True):
            channel["coil_type"] = coil
            channel["loc"][:] = [0, 0, 0.12, 1, 0, 0, 0, 1, 0, 0, 0, 1]
    path = folder / "coils-raw.fif"
    mne.io.RawArray(np.zeros((2, 10)), info, verbose=False).save(path, verbose=False)
    return path


def forward_fif(folder: Path) -> Path | None:
    """A forward solution of MNE for EEG."""
    if importlib.util.find_spec("mne") is None:
        return None
    import mne

    place = np.array([[0.01, 0.02, 0.05]])
    sources = mne.setup_volume_source_space(
        pos={"rr": place, "nn": np.array([[0, 0, 1.0]])}, sphere_units="m", verbose=False
    )
    sphere = mne.make_sphere_model((0.0, 0.0, 0.0), 0.09, verbose=False)
    names = ["Cz", "Fz", "Pz"]
    montage = mne.channels.make_dig_montage(
        dict(zip(names, 0.09 * np.eye(3), strict=True)), coord_frame="head"
    )
    info = mne.create_info(names, 1000.0, "eeg", verbose=False)
    info.set_montage(montage, verbose=False)
    with info._unlock():
        info["dev_head_t"] = mne.Transform("meg", "head", np.eye(4))
    solution = mne.make_forward_solution(
        info, None, sources, sphere, meg=False, eeg=True, verbose=False
    )
    path = folder / "head-fwd.fif"
    mne.write_forward_solution(path, solution, verbose=False)
    return path


def placements(folder: Path) -> dict[str, bytes]:
    """Placements as NumPy and HDF5 files."""
    rng = np.random.default_rng(6)
    arrays = {"positions": rng.normal(size=(3, 3)), "rotations": np.tile(np.eye(3), (3, 1, 1))}
    np.savez(folder / "places.npz", **arrays)
    with h5py.File(folder / "places.h5", "w") as file:
        for name, array in arrays.items():
            file[name] = array
    return {name: (folder / name).read_bytes() for name in ("places.npz", "places.h5")}


def resumable(folder: Path) -> dict[str, Path]:
    """A model, its morphology, and a checkpoint of its run, by their name in a folder."""
    base = folder / "resumable"
    base.mkdir()
    (base / "m.toml").write_bytes(SMALL)
    stick = SHARE / "morphologies" / "ball_and_stick.swc"
    (base / "cell.swc").write_bytes(stick.read_bytes())
    child = os.fork()
    if child == 0:
        try:
            _run_and_keep(base)
        finally:
            os._exit(70)
    assert os.waitpid(child, 0)[1] == 0
    (base / "run.h5").unlink()
    return {path.name: path for path in base.iterdir()}


def _run_and_keep(base: Path) -> NoReturn:
    """Run a model, and keep the checkpoint that goes when the run is done."""
    from lfpcli.cli.main import main
    from lfpcli.tasks.simulate import checkpoint as room

    write = room.write_checkpoint

    def kept(path: Path, *rest: Any, **options: Any) -> None:
        write(path, *rest, **options)
        shutil.copyfile(path, base / "out.h5.checkpoint")

    room.write_checkpoint = kept
    os.chdir(base)
    words = ["m.toml", "-o", "run.h5", "--checkpoint", "2", "-q"]
    os._exit(main(["sim", *words]))


def circuit(folder: Path) -> dict[str, Path]:
    """The files of a circuit in SONATA's format, by their name in its folder."""
    from circuits import write_circuit

    base = folder / "circuit"
    write_circuit(base)
    return {str(path.relative_to(base)): path for path in base.rglob("*") if path.is_file()}

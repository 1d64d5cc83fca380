"""Recordings with ground truth: time and memory of `lfp convolve` and of MEArec on one library.

Usage: python benchmarks/convolve.py [--duration 60] [--channels 384] [--units 100] [--folder /tmp]
       [--programs lfp MEArec] [--integers]

Both make a recording of the same templates, in MEArec's layout and converted: the same Poisson
trains, amplitudes that vary by 5 % from spike to spike and contact to contact, white noise of
10 uV, a filter from 300 to 6000 Hz, single precision or integers. Each is a process of its own that
writes its file. MEArec keeps its samples in files that it maps into memory, of which those pages
count as resident that the system leaves there; they and its output take twelve bytes a sample and
channel, six of integers.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from common import add_compare, machine, print_table, save
from convert import run

DT, BEFORE, SAMPLES = 0.03125, 64, 224
RATE = 5.0
MEAREC = """
import pathlib, sys, warnings
warnings.simplefilter("ignore")
# Elephant, which MEArec imports, stops where mpi4py is there and no library of MPI is
sys.modules["mpi4py"] = None
import h5py
import MEArec as mr
import neo
library, trains, output, folder, duration, dtype = sys.argv[1:]
with h5py.File(trains) as file:
    group = next(iter(file["spikes"].values()))
    times, ids = group["timestamps"][:] / 1000.0, group["node_ids"][:]
    count = int(group.attrs["size"])
spiketrains = []
for unit in range(count):
    train = neo.SpikeTrain(times[ids == unit], t_stop=float(duration), units="s")
    train.annotate(cell_type="E")
    spiketrains.append(train)
generator = mr.SpikeTrainGenerator(spiketrains=spiketrains, params={"custom": True})
params = {
    "cell_types": {"excitatory": ["E"], "inhibitory": ["I"]},
    "templates": {"min_dist": 0, "min_amp": 1, "max_amp": 1e4, "n_jitters": 10, "upsample": 8},
    "recordings": {"dtype": dtype, "adc_bit_depth": 16 if dtype == "int16" else None,
                   "modulation": "electrode",
                   "sdrand": 0.05, "noise_level": 10, "noise_mode": "uncorrelated", "filter": True,
                   "filter_cutoff": [300, 6000], "chunk_duration": 10, "drifting": False},
    "seeds": {"templates": 1, "convolution": 1, "noise": 1},
}
recording = mr.gen_recordings(params=params, templates=library, spgen=generator, verbose=False,
                              tmp_folder=folder, tmp_mode="memmap", n_jobs=1)
# noise has been added: its file takes as much of the disk as the recording
for path in pathlib.Path(folder).glob("*noise_file.raw"):
    path.unlink()
mr.save_recording_generator(recording, output, verbose=False)
"""


def write_library(path: Path, units: int, channels: int) -> None:
    """Write templates of units beside a probe of two columns, in MEArec's layout."""
    rng = np.random.default_rng(1)
    rows = -(-channels // 2)
    heights = 20.0 * np.repeat(np.arange(rows), 2)[:channels]
    contacts = np.column_stack([np.zeros(channels), 16.0 * (np.arange(channels) % 2), heights])
    contacts -= contacts.mean(axis=0)
    top = float(np.abs(contacts[:, 2]).max())
    places = rng.uniform([15.0, -20.0, -top], [40.0, 20.0, top], (units, 3))
    times = DT * (np.arange(SAMPLES) - BEFORE)
    # a trough of 0.3 ms and a slower hump behind it
    wave = -np.exp(-((times / 0.15) ** 2)) + 0.3 * np.exp(-(((times - 0.6) / 0.4) ** 2))
    distance = np.linalg.norm(places[:, None] - contacts, axis=2)
    depth = 150.0 * (30.0 / np.maximum(distance, 10.0)) ** 2
    with h5py.File(path, "w") as file:
        file["templates"] = (depth[:, :, None] * wave).astype("f4")
        file["locations"] = places
        file["rotations"] = np.zeros((units, 3))
        names = np.full(units, "E_cell", object)
        file.create_dataset("celltypes", data=names, dtype=h5py.string_dtype("ascii"))
        params = {"dt": DT, "cut_out": [2.0, 5.0], "drifting": False, "n": units}
        for key, value in params.items():
            file[f"info/params/{key}"] = value
        record: dict[str, Any] = {
            "electrode_name": "two-columns",
            "description": "two columns",
            "pos": contacts,
            "size": 6.0,
            "shape": "square",
            "plane": "yz",
            "type": "mea",
            "sortlist": "null",
            "center": True,
        }
        for key, value in record.items():
            file[f"info/electrodes/{key}"] = value


def commands(folder: Path, duration: float, units: int, *, integers: bool) -> dict[str, list[str]]:
    """The command of each program."""
    lfp = [sys.executable, "-m", "lfpcli"]
    ours, theirs, trains = (str(folder / name) for name in ("ours.h5", "theirs.h5", "trains.h5"))
    subprocess.run([*lfp, "convert", "-q", theirs, ours], check=True)
    drawn = ["--poisson", f"{RATE:g}", "--size", f"{units}", "--duration", f"{duration:g}"]
    command = [*lfp, "spikes", "-q", *drawn, "--refractory", "2", "--seed", "1", "-o", trains]
    subprocess.run(command, check=True)
    options = ["--noise", "white:0.01", "--filter", "300:6000", "--spread", "0.05:contact"]
    choice = ["--amplitude", "0,100", "--min-distance", "0", "--seed", "1"]
    samples = "--integers" if integers else "--float32"
    convolve = [*lfp, "convolve", "-q", ours, trains, *options, *choice, samples]
    output = str(folder / "mearec.h5")
    script = [sys.executable, "-c", MEAREC, theirs, trains, output, str(folder), f"{duration}"]
    script.append("int16" if integers else "float32")
    return {"lfp": [*convolve, "-o", str(folder / "lfp.h5")], "MEArec": script}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--duration", type=float, default=60.0, help="s")
    parser.add_argument("--channels", type=int, default=384)
    parser.add_argument("--units", type=int, default=100)
    parser.add_argument("--folder", default=None)
    # MEArec's files of 600 s take 104 GB, of integers 52 GB
    parser.add_argument("--programs", nargs="+", default=["lfp", "MEArec"])
    parser.add_argument("--integers", action="store_true", help="samples of 16 bits")
    add_compare(parser)
    args = parser.parse_args()
    print(machine())
    rows: list[list[Any]] = []
    with tempfile.TemporaryDirectory(dir=args.folder) as name:
        folder = Path(name)
        write_library(folder / "theirs.h5", args.units, args.channels)
        programs = commands(folder, args.duration, args.units, integers=args.integers)
        used = {}
        for program in args.programs:
            used[program] = run(programs[program])
            for output in ("lfp.h5", "mearec.h5"):
                (folder / output).unlink(missing_ok=True)
        for program, took in used.items():
            ratio = took["cpu"] / used[args.programs[-1]]["cpu"]
            rows.append([program, took["wall"], took["cpu"], ratio, took["memory"]])
    title = f"{args.duration:g} s of {args.channels} channels, {args.units} units"
    print_table([title, "wall s", "CPU s", "ratio", "resident MB"], rows)
    save("convolve", compare=args.compare)


if __name__ == "__main__":
    main()

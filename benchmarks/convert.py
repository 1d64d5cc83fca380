"""Recordings to the files of other tools: time and memory, against copying the samples with h5py.

Usage: python benchmarks/convert.py [--megabytes 2048] [--formats npy,nwb,...] [--folder /tmp]

Each conversion is a process of its own, `lfp convert`, whose largest resident memory is told. The
plain copy reads and writes the same samples block by block, without checksums and formats.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from common import machine, print_table, save

from lfpcli.io.recording import Signal
from lfpcli.io.writer import RecordingWriter

CHANNELS, DT = 384, 0.0625
ROWS = 16_000
FORMATS = ("npy", "npz", "nwb", "nc", "bdf", "h5")
COPY = """
import sys, h5py
source, target = sys.argv[1:]
with h5py.File(source) as file, h5py.File(target, "w") as out:
    data = file["signals/LFP/data"]
    copy = out.create_dataset("data", data.shape, data.dtype)
    for first in range(0, data.shape[0], 10_000):
        copy[first:first + 10_000] = data[first:first + 10_000]
"""


def make(path: Path, megabytes: int) -> None:
    """Write a recording whose samples take so many megabytes."""
    rng = np.random.default_rng(1)
    positions = np.column_stack([np.zeros((CHANNELS, 2)), 20.0 * np.arange(CHANNELS)])
    signal = Signal(
        data=np.empty((0, CHANNELS)), units="mV", dt=DT, positions=positions, model="line source"
    )
    block = 0.01 * rng.normal(size=(ROWS, CHANNELS))
    with RecordingWriter(path, {"program": "lfp"}) as writer:
        track = writer.signal("LFP", signal)[""]
        for _ in range(max(1, round(megabytes * 1e6 / block.nbytes))):
            track.append(block)


def run(command: list[str]) -> dict[str, float]:
    """Seconds and megabytes of a process."""
    script = (
        "import resource, subprocess, sys, json, time\n"
        "start = time.perf_counter()\n"
        "code = subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL).returncode\n"
        "used = resource.getrusage(resource.RUSAGE_CHILDREN)\n"
        "wall = time.perf_counter() - start\n"
        "print(json.dumps([code, wall, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024]))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, *command], capture_output=True, text=True, check=True
    )
    code, wall, cpu, memory = json.loads(done.stdout.splitlines()[-1])
    if code:
        raise SystemExit(f"{' '.join(command)}: {done.stderr}")
    return {"wall": wall, "cpu": cpu, "memory": memory}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--megabytes", type=int, default=2048)
    parser.add_argument("--formats", default=",".join(FORMATS))
    parser.add_argument("--folder", default=None)
    args = parser.parse_args()
    print(machine())
    rows: list[list[Any]] = []
    with tempfile.TemporaryDirectory(dir=args.folder) as folder:
        source = Path(folder) / "source.h5"
        make(source, args.megabytes)
        plain = run([sys.executable, "-c", COPY, str(source), f"{folder}/plain.h5"])
        rows.append(["plain h5py", plain["wall"], plain["cpu"], 1.0, plain["memory"]])
        Path(f"{folder}/plain.h5").unlink()
        for name in args.formats.split(","):
            target = Path(folder) / f"target.{name}"
            command = [sys.executable, "-m", "lfpcli", "convert", "-q", str(source), str(target)]
            used = run(command)
            ratio = used["cpu"] / plain["cpu"]
            rows.append([name, used["wall"], used["cpu"], ratio, used["memory"]])
            target.unlink()
    head = [f"{args.megabytes} MB to", "wall s", "CPU s", "ratio", "resident MB"]
    print_table(head, rows)
    save("convert")


if __name__ == "__main__":
    main()

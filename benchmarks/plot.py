"""Pictures of a long recording of many channels: a figure, and a page for a browser.

Usage: python benchmarks/plot.py [--channels 384] [--minutes 10] [--rate 1000] [--recording FILE]

The recording is smoothed noise of a fixed seed at the contacts of a dense probe. Wall
and CPU seconds are those of a process, memory its peak; the page is opened in a browser without a
window where there is one, and has drawn itself after "open s".
"""

from __future__ import annotations

import argparse
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from common import machine, print_table, save

from lfpcli.io.recording import Signal
from lfpcli.io.writer import RecordingWriter

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "plotting"))
from browser import BROWSER, browser

BLOCK = 10_000


def write_recording(path: Path, channels: int, samples: int, rate: float) -> None:
    """Write smoothed noise of every channel in blocks."""
    rng = np.random.default_rng(1)
    places = np.zeros((channels, 3))
    places[:, 0] = 30.0 + 32.0 * (np.arange(channels) % 2)
    places[:, 2] = 20.0 * (np.arange(channels) // 2)
    profile = np.exp(-0.5 * ((places[:, 2] - 900.0) / 400.0) ** 2)
    shape = np.zeros((0, channels), np.float32)
    signal = Signal(shape, "mV", 1e3 / rate, 0.0, positions=places, model="noise")
    with RecordingWriter(path, {"program": "lfp", "command": ["benchmarks/plot.py"]}) as writer:
        track = writer.signal("probe", signal)[""]
        for first in range(0, samples, BLOCK):
            count = min(BLOCK, samples - first)
            common = np.convolve(rng.normal(size=count + 49), np.ones(50) / 50, "valid")
            block = 0.02 * rng.standard_normal((count, channels), np.float32)
            track.append(block + (common[:, None] * profile).astype(np.float32))


def measured(command: list[str]) -> tuple[float, float, float]:
    """Wall and CPU seconds and peak memory, MB, of a command that succeeds."""
    start = time.perf_counter()
    process = subprocess.Popen(command)
    _, status, usage = os.wait4(process.pid, 0)
    wall = time.perf_counter() - start
    process.returncode = status
    if status:
        raise SystemExit(f"{' '.join(command)} failed")
    return wall, usage.ru_utime + usage.ru_stime, _megabytes(usage)


def _megabytes(usage: resource.struct_rusage) -> float:
    # macOS counts bytes
    return usage.ru_maxrss / (1e6 if sys.platform == "darwin" else 1e3)


def opening_seconds(page: Path, folder: Path) -> float:
    """Seconds from the navigation until a page has drawn itself."""
    with browser(folder) as window:
        window.resize(1280, 900)
        window.open(page)
        window.settle()
        return float(window.value("performance.now()")) / 1e3


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--channels", type=int, default=384)
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--rate", type=float, default=1000.0, help="samples a second")
    parser.add_argument("--recording", type=Path, help="kept here, and used where it is there")
    args = parser.parse_args()
    print(machine())
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        recording = args.recording or folder / "long.h5"
        if not recording.exists():
            samples = round(60 * args.minutes * args.rate)
            write_recording(recording, args.channels, samples, args.rate)
        rows = []
        for suffix in ("png", "html"):
            output = folder / f"long.{suffix}"
            command = [sys.executable, "-m", "lfpcli", "plot", str(recording), "-o", str(output)]
            wall, cpu, memory = measured(command)
            opened = float("nan")
            if suffix == "html" and BROWSER:
                opened = opening_seconds(output, folder / "profile")
            size = output.stat().st_size / 1e6
            rows.append([f"lfp plot -o x.{suffix}", wall, cpu, memory, size, opened])
        print_table(["command", "wall s", "CPU s", "peak MB", "file MB", "open s"], rows)
    save("plot")


if __name__ == "__main__":
    main()

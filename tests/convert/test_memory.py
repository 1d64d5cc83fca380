"""Samples pass in blocks: what cannot is refused before it takes memory."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import h5py
import numpy as np
import pytest

from lfpcli.io.recording import Signal, open_recording
from lfpcli.io.writer import RecordingWriter

CHANNELS = 64
SAMPLES = 160_000
DT = 0.0625
# of samples; the programs and their libraries take some 250 MB by themselves
SIZE = 8 * CHANNELS * SAMPLES

# converts under a limit on the memory that the process may map beside what it has at the start
LIMITED = """
import resource, sys, threading, time
from pathlib import Path
from lfpcli.cli.main import main
import lfpcli.io.exchange.samples, lfpcli.tasks.convert.convert, lfpcli.forward.filters
from lfpcli.io.exchange.registry import target_format

name, target = sys.argv[1:3]
target_format(None if not sys.argv[3] else sys.argv[3], target).load()

def resident(key):
    text = Path("/proc/self/status").read_text()
    return int(text.split(key + ":")[1].split()[0]) << 10

before = resident("VmRSS")
Path("/proc/self/clear_refs").write_text("5")
code = main(["convert", "-q", name, target, *sys.argv[4:]])
print(resident("VmHWM") - before)
sys.exit(code)
"""


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A recording of 82 MB of samples."""
    path = tmp_path_factory.mktemp("large") / "large.h5"
    rng = np.random.default_rng(8)
    positions = np.column_stack([np.zeros(CHANNELS), np.zeros(CHANNELS), np.arange(CHANNELS)])
    signal = Signal(
        data=np.empty((0, CHANNELS)), units="mV", dt=DT, positions=positions, model="line source"
    )
    with RecordingWriter(path, {"program": "lfp"}) as writer:
        track = writer.signal("LFP", signal)[""]
        for _ in range(16):
            track.append(0.01 * rng.normal(size=(SAMPLES // 16, CHANNELS)))
    return path


def peak(source: Path, target: Path, to: str = "", *options: str) -> int:
    """Bytes by which a conversion raised the resident memory of its process."""
    done = subprocess.run(
        [sys.executable, "-c", LIMITED, str(source), str(target), to, *options],
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    return int(done.stdout.split()[-1])


@pytest.mark.skipif(not Path("/proc/self/clear_refs").exists(), reason="Linux tells the peak")
@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("o.npy", ()),
        ("o.nwb", ()),
        ("o.bdf", ()),
        ("o_raw.fif", ()),
        ("o.h5", ("--resample", "0.125")),
        pytest.param("o.nix", (), marks=pytest.mark.slow),
        pytest.param("o-ave.fif", (), marks=pytest.mark.slow),
    ],
)
def test_samples_pass_in_blocks(large, tmp_path, monkeypatch, name, options):
    for package, suffix in (
        ("pynwb", ".nwb"),
        ("edfio", ".bdf"),
        ("mne", ".fif"),
        ("neo", ".nix"),
    ):
        if name.endswith(suffix):
            pytest.importorskip(package)
    to = "lfp" if name.endswith(".h5") else ""
    if to:
        # a recording has no library of its own
        more = peak(large, tmp_path / name, "npz", "--to", "lfp", *options)
    else:
        more = peak(large, tmp_path / name, to, *options)
    # blocks, buffers of HDF5 and what the allocator keeps, but never the whole
    assert more < 0.95 * SIZE + (72 << 20)


def test_large_files_of_matlab_are_of_version_7(lfp, large, tmp_path, monkeypatch):
    from lfpcli.io.exchange import matlab

    monkeypatch.setattr(matlab, "LARGEST_IN_MEMORY", SIZE // 2)
    said = lfp("convert", large, tmp_path / "o.mat")
    assert "version 7.3" in said.err
    head = (tmp_path / "o.mat").read_bytes()[:128]
    assert head.startswith(b"MATLAB 7.3 MAT-file")
    assert head[124:] == b"\x00\x02IM"
    with h5py.File(tmp_path / "o.mat") as file, open_recording(large) as recording:
        signal = file["signals/LFP"]
        assert signal.attrs["MATLAB_class"] == b"struct"
        assert signal["data"].attrs["MATLAB_class"] == b"double"
        # MATLAB's first axis is HDF5's last
        assert np.array_equal(signal["data"][:, :1000].T, recording.signal("LFP").data[:1000])
        assert signal["t"].shape == (1, SAMPLES)
        letters = signal["channels"][:].T
        assert "".join(map(chr, letters[12])).strip() == "12"


def test_edf_in_blocks_is_what_edfio_writes(lfp, large, tmp_path, monkeypatch):
    edfio = pytest.importorskip("edfio")
    from lfpcli.io.exchange import edf

    monkeypatch.setattr(edf, "BLOCK_VALUES", 3 * 16000 * CHANNELS)
    for suffix, read in ((".edf", edfio.read_edf), (".bdf", edfio.read_bdf)):
        lfp("convert", "-q", large, tmp_path / f"o{suffix}", "--channels", "0:3")
        file = read(tmp_path / f"o{suffix}")
        with open_recording(large) as recording:
            values = recording.signal("LFP").data[:, :3] * 1e3
        assert len(file.signals) == 3
        for k, signal in enumerate(file.signals):
            whole = type(signal)(
                values[:, k], 16000, physical_range=signal.physical_range, label=str(k)
            )
            assert np.array_equal(whole.digital, signal.digital)


def test_progress_tells_the_share(large, tmp_path):
    from lfpcli.tasks.convert.convert import convert

    told: list[float] = []
    convert(large, tmp_path / "o.nc", progress=told.append)
    assert len(told) > 2
    assert told == sorted(told)
    assert 0 < told[0] < told[-1] == 1.0

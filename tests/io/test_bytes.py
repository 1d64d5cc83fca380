"""The same work writes the same bytes, and damage of them is seen."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from lfpcli.errors import InputError
from lfpcli.geometry import Geometry
from lfpcli.io.provenance import lasting, provenance
from lfpcli.io.recording import Report, Sampled, Signal, open_recording
from lfpcli.io.writer import RecordingWriter


def written(path: Path, blocks: list[int], *, flush: bool = False) -> bytes:
    """A recording of 5000 samples that come in blocks of various lengths."""
    rng = np.random.default_rng(4)
    currents, potentials = rng.normal(size=(5000, 40)), rng.normal(size=(5000, 7))
    with RecordingWriter(path, provenance(["lfp", "sim", "a.toml"])) as writer:
        ends = np.arange(40.0)[:, None] * [1.0, 0.0, 0.0]
        writer.geometry(
            "E", Geometry(start=ends, end=ends + np.array([1.0, 0.0, 0.0]), diam=np.ones(40))
        )
        report = Report(
            np.empty((0, 40)),
            "nA",
            0.1,
            node_ids=np.arange(1),
            pointers=np.array([0, 40]),
            element_ids=np.zeros(40, int),
            element_pos=np.full(40, 0.5),
        )
        imem = writer.report("imem", "E", report)
        signal = writer.signal("shank", Signal(np.empty((0, 7)), "mV", 0.1))[""]
        writer.keep_in_step([imem, signal])
        first = 0
        for length in blocks:
            imem.append(currents[first : first + length])
            signal.append(potentials[first : first + length])
            writer.settle()
            if flush:
                writer.file.flush()
            first += length
        writer.spikes("E", np.array([1.0, 2.0]), np.array([0, 0]))
    assert first == 5000
    with open_recording(path) as recording:
        assert np.array_equal(recording.report("imem", "E").data[:], currents)
        assert np.array_equal(recording.signal("shank").data[:], potentials)
    return path.read_bytes()


def test_bytes_do_not_depend_on_how_samples_come(tmp_path: Path) -> None:
    whole = written(tmp_path / "a.h5", [5000])
    assert written(tmp_path / "b.h5", [1] * 100 + [4900]) == whole
    assert written(tmp_path / "c.h5", [700] * 7 + [100]) == whole


def test_pending_samples_can_be_read(tmp_path: Path) -> None:
    data = np.random.default_rng(1).normal(size=(3000, 30))
    with RecordingWriter(tmp_path / "a.h5", {}) as writer:
        track = writer.dipole("total", Sampled(data[:0, :3], "nA um", 0.1))
        track.append(data[:1500, :3])
        for first, last in ((0, 1500), (900, 1200), (1400, 1500)):
            assert np.array_equal(track.samples(first, last), data[first:last, :3])
        assert len(track) == 1500 and len(track.dataset) == 0
        writer.finish()
        assert len(track.dataset) == 1500


@pytest.mark.parametrize(
    ("command", "kept"),
    [
        ("lfp sim a.toml -o b.h5 -f --seed 3", "lfp sim a.toml --seed 3"),
        ("lfp sim a.toml --output=b.h5 --resume --checkpoint 5", "lfp sim a.toml"),
        ("lfp sim a.toml -fqo b.h5 --tstop 5 -vv", "lfp sim a.toml --tstop 5"),
        ("lfp probe - -ob.h5 --set a.o=-o", "lfp probe - --set a.o=-o"),
        ("lfp sim a.toml --save-network n.h5 --dt 0.1", "lfp sim a.toml --dt 0.1"),
    ],
)
def test_outputs_leave_the_provenance(command: str, kept: str) -> None:
    assert lasting(command.split()) == kept.split()


def test_each_dataset_has_a_checksum(tmp_path: Path) -> None:
    written(tmp_path / "a.h5", [5000])
    bare: list[str] = []

    def look(name: str, node: Any) -> None:
        if isinstance(node, h5py.Dataset) and node.size and not node.fletcher32:
            bare.append(name)

    with h5py.File(tmp_path / "a.h5") as file:
        file.visititems(look)
    assert not bare


def test_flipped_bits_are_seen(tmp_path: Path) -> None:
    """No single flipped bit changes a number that is read, it is told or does not matter."""
    whole = written(tmp_path / "a.h5", [5000])
    rng = np.random.default_rng(7)
    with open_recording(tmp_path / "a.h5") as recording:
        expected = everything(recording)
    told = 0
    for bit in rng.integers(0, 8 * len(whole), 60).tolist():
        content = bytearray(whole)
        content[bit // 8] ^= 1 << bit % 8
        path = tmp_path / "b.h5"
        path.write_bytes(content)
        try:
            with open_recording(path) as recording:
                values = everything(recording)
        except InputError as error:
            assert error.remedy and error.source
            told += 1
            continue
        assert all(np.array_equal(a, b) for a, b in zip(values, expected, strict=True))
    assert told > 30


def everything(recording: Any) -> list[np.ndarray]:
    geometry = recording.geometry("E")
    report, signal = recording.report("imem", "E"), recording.signal("shank")
    return [
        geometry.start,
        geometry.diam,
        report.data[:],
        report.element_pos,
        signal.data[:],
        np.array([report.dt, signal.dt]),
        *recording.spikes("E"),
    ]


def test_two_names_of_an_output(shell: Callable[..., Any], share: Path, tmp_path: Path) -> None:
    model = share / "examples" / "quickstart.toml"
    for name in ("a.h5", "b.h5"):
        shell("sim", model, "-o", tmp_path / name, "-q", "--seed", 1)
    assert (tmp_path / "a.h5").read_bytes() == (tmp_path / "b.h5").read_bytes()

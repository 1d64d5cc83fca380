"""What is fed with damaged files: for each format some sound files, and what reads them."""

from __future__ import annotations

import zipfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from fault_mutators import BYTES, TEXT, Mutator

SHARE = Path(__file__).parent.parent.parent / "share"
Reader = Callable[[Path, Path], int]


@dataclass(frozen=True)
class Format:
    """A format of files.

    Attributes
    ----------
    name : str
        Its name in the table.
    files : mapping of str to bytes
        Sound files, by name.
    readers : sequence of callable
        Each takes the damaged file and an empty folder, and returns an exit code.
    mutators : sequence of callable
        What damages the bytes.
    structured : bool
        Whether the structure of HDF5 is damaged too.
    is_sound : bool
        Whether the readers accept the files as they are, which is seen first.
    """

    name: str
    files: Mapping[str, bytes]
    readers: Sequence[Reader]
    mutators: Sequence[Mutator] = BYTES
    structured: bool = False
    is_sound: bool = True


def command(*words: str) -> Reader:
    """A command line, in which FILE stands for the damaged file, and OUT for an output."""

    def read(path: Path, folder: Path) -> int:
        from lfpcli.cli.main import main

        names = {"FILE": str(path), "OUT": str(folder / "out.h5")}
        return main([names.get(word, word) for word in words])

    return read


def library(read: Callable[[Path], Any]) -> Reader:
    """A function of the library, whose errors are those of a command."""

    def guarded(path: Path, folder: Path) -> int:
        import sys

        from lfpcli.errors import LfpError

        try:
            read(path)
        except LfpError as error:
            print(f"lfp: error: {error}", file=sys.stderr)
            return int(error.code)
        return 0

    return guarded


def formats(folder: Path) -> list[Format]:
    """All formats; their sound files are made in a folder."""
    recording = _recording(folder / "recording.h5")
    contacts = "FILE"
    array = ("--contacts", contacts)
    depths = ("--array", "Neuropixels-128")
    h5 = {recording.name: recording.read_bytes()}
    stick = SHARE / "morphologies" / "ball_and_stick.swc"
    model = _JSON.replace(b"CELL", str(stick).encode())
    return [
        Format(
            "recording",
            h5,
            (
                command("info", "FILE", "--json"),
                command("probe", "FILE", *depths, "-o", "OUT"),
                command("eeg", "FILE", "--position", "0,0,78000", "-o", "OUT"),
                command("diff", "FILE", str(recording)),
            ),
            structured=True,
        ),
        Format("checkpoint", _checkpoint(folder), (library(_read_checkpoint),), structured=True),
        Format("swc", {stick.name: stick.read_bytes()}, _MORPHOLOGY, TEXT),
        Format("asc", {"cell.asc": _ASC}, _MORPHOLOGY, TEXT),
        Format("morphology h5", _morphology_h5(folder), _MORPHOLOGY, structured=True),
        Format("neuroml", {"cell.nml": _NEUROML}, _MORPHOLOGY, TEXT),
        Format("npy", {"a.npy": _npy(folder)}, (command("info", "FILE"), library(_read_npy))),
        Format("npz", _npz(folder), (command("info", "FILE"), library(_read_spikes))),
        Format("spikes h5", h5, (library(_read_spikes),), structured=True),
        Format("spikes text", {"spikes.csv": _SPIKES}, (library(_read_spikes),), TEXT),
        Format("toml", _models(), (library(_read_model),), TEXT),
        Format("json", {"model.json": model}, (library(_read_model),), TEXT),
        Format(
            "contacts",
            {"contacts.csv": b"x,y,z,nx,ny,nz\n" + b"30,0,%d,1,0,0\n" * 4 % (0, 20, 40, 60)},
            (command("probe", str(recording), *array, "-o", "OUT"),),
            TEXT,
        ),
        Format("placements", {"places.csv": _PLACES}, (library(_read_placements),), TEXT),
        Format("mod", {"channel.mod": _MOD}, (library(_read_mod),), TEXT),
        Format("lead field", _lead_field(folder), (library(_read_head),), structured=True),
    ]


_MORPHOLOGY = (command("morph", "FILE", "--json"), command("info", "FILE"))
_ASC = b"""; a cell
("CellBody" (Color Red) (CellBody)
 (-5 -5 0 1) (5 -5 0 1) (5 5 0 1) (-5 5 0 1))
((Dendrite)
 (0 5 0 2) (0 20 0 1.5) (0 40 0 1.2)
 ((0 60 5 1) (0 80 9 0.9) | (0 60 -5 1) (0 90 -9 0.8)))
((Axon) (0 -5 0 1) (0 -90 0 0.5))
"""
_NEUROML = b"""<neuroml xmlns="http://www.neuroml.org/schema/neuroml2" id="n">
<cell id="c"><morphology id="m">
<segment id="0" name="soma"><proximal x="0" y="0" z="0" diameter="10"/>
<distal x="0" y="0" z="10" diameter="10"/></segment>
<segment id="1" name="dend"><parent segment="0"/><distal x="0" y="0" z="90" diameter="1"/></segment>
</morphology></cell></neuroml>
"""
_SPIKES = b"# train, time\n" + b"".join(b"%d,%d.5\n" % (k % 7, 3 * k) for k in range(40))
_PLACES = b"x,y,z,rx,ry,rz\n0,0,0,0,0,0\n10,20,30,90,0,45\n"
_JSON = b"""{"run": {"tstop": 5.0}, "cell": {"c": {"morphology": "CELL"}},
"population": {"E": {"cell": "c", "size": 3}}, "record": {"imem": true},
"probe": [{"name": "shank", "array": "Neuropixels-128", "sigma": 0.3}]}"""
_MOD = b"""NEURON { SUFFIX leak NONSPECIFIC_CURRENT i RANGE g, e }
PARAMETER { g = 0.001 (S/cm2) e = -65 (mV) }
ASSIGNED { v (mV) i (mA/cm2) }
BREAKPOINT { i = g * (v - e) }
"""


def _recording(path: Path) -> Path:
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


def _checkpoint(folder: Path) -> dict[str, bytes]:
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


def _read_checkpoint(path: Path) -> None:
    from lfpcli.io.checkpoint import open_checkpoint_file
    from lfpcli.io.recording import Sampled
    from lfpcli.io.writer import RecordingWriter

    with (
        open_checkpoint_file(path) as checkpoint,
        RecordingWriter(path.with_name("again.h5"), checkpoint.provenance) as writer,
    ):
        state = checkpoint.state(range(5))
        track = writer.dipole("total", Sampled(np.empty((0, 3)), "nA um", 0.1))
        writer.keep_in_step([track])
        checkpoint.replay(writer)
        # what is accepted is what was written
        expected = np.random.default_rng(1).normal(size=(3000, 3))
        assert np.array_equal(track.samples(0, len(track)), expected), "damage was accepted"
        assert state.sample == 2999 and len(state.times) == 5, "damage was accepted"


def _morphology_h5(folder: Path) -> dict[str, bytes]:
    from lfpcli.cli.main import main

    path = folder / "cell.h5"
    assert (
        main(["morph", str(SHARE / "morphologies" / "ball_and_sticks.swc"), "-o", str(path)]) == 0
    )
    return {path.name: path.read_bytes()}


def _npy(folder: Path) -> bytes:
    np.save(folder / "a.npy", np.arange(60.0).reshape(20, 3))
    return (folder / "a.npy").read_bytes()


def _npz(folder: Path) -> dict[str, bytes]:
    arrays = {"times": np.arange(50.0), "ids": np.arange(50) % 5}
    np.savez(folder / "a.npz", **arrays)
    np.savez_compressed(folder / "b.npz", **arrays)
    with zipfile.ZipFile(folder / "b.npz") as archive:
        assert archive.namelist()
    return {name: (folder / name).read_bytes() for name in ("a.npz", "b.npz")}


def _lead_field(folder: Path) -> dict[str, bytes]:
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


def _models() -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted((SHARE / "examples").glob("*.toml"))}


def _read_npy(path: Path) -> None:
    from lfpcli.io.npz import read_npy

    read_npy(path)


def _read_spikes(path: Path) -> None:
    from lfpcli.io.spike_files import read_spikes

    read_spikes(path)


def _read_model(path: Path) -> None:
    from lfpcli.model import load_model

    load_model(path)


def _read_placements(path: Path) -> None:
    from lfpcli.io.placements import read_placements

    read_placements(path)


def _read_mod(path: Path) -> None:
    from lfpcli.runtime.mechanisms.sources import read_mod

    read_mod(path)


def _read_head(path: Path) -> None:
    from lfpcli.io.head_model import load_head_model

    field = load_head_model(path)
    field.get_transformation_matrix(0)

"""What is fed with damaged files: for each format some sound files, and what reads them."""

from __future__ import annotations

import sys
from pathlib import Path

import fault_responses
import fault_samples as samples
import numpy as np
from fault_mutators import TEXT
from fault_readers import Format, Reader, command, library

SHARE = samples.SHARE
# the circuit of the tests of circuits, and what these share with all tests
TESTS = Path(__file__).parent.parent
sys.path += [str(TESTS), str(TESTS / "circuits")]

_MORPHOLOGY = (
    command("morph", "FILE", "--json"),
    command("info", "FILE"),
    command("morph", "FILE", "-o", "OUT", "--force"),
)
_SPIKES = (command("info", "FILE"), command("check", "FILE"))


def formats(folder: Path) -> list[Format]:
    """All formats; their sound files are made in a folder."""
    recording = samples.recording(folder / "recording.h5")
    templates = samples.templates(folder, recording)
    h5 = {recording.name: recording.read_bytes()}
    return [
        *_recordings(folder, recording, h5),
        *fault_responses.recordings_out(folder, recording),
        *fault_responses.responses(folder, recording, templates),
        *fault_responses.media(folder, recording),
        *fault_responses.placed(folder, recording),
        *_morphologies(folder),
        *_arrays(folder, h5),
        *_tables(folder, recording),
        *_foreign(folder, recording),
        *fault_responses.other_tools(folder, recording),
        *_models(),
        *_with_neuron(folder),
    ]


def _output(*words: str) -> Reader:
    return command(*words, "-o", "OUT", "--force", "-q")


def _recordings(folder: Path, recording: Path, h5: dict[str, bytes]) -> list[Format]:
    readers = (
        command("info", "FILE", "--json"),
        _output("probe", "FILE", "--array", "Neuropixels-128"),
        _output("eeg", "FILE", "--position", "0,0,78000"),
        _output("meg", "FILE", "--position", "0,0,78000", "--sensors", "helmet"),
        command("diff", "FILE", str(recording)),
        command("check", "FILE"),
        command("stats", "FILE", "--json"),
        command("convert", "-q", "-f", "FILE", "signals.npz"),
    )
    picture = (command("plot", "FILE", "-o", "picture.png", "-q"),)
    parts = (command("info", "FILE"), command("check", "FILE"))
    return [
        Format("recording", h5, readers, structured=True, weight=0.4),
        Format("pictures", h5, picture, structured=True, weight=0.03),
        Format(
            "checkpoint",
            samples.checkpoint(folder),
            (library(_read_checkpoint), *parts),
            structured=True,
            weight=0.2,
        ),
        Format(
            "lead field",
            samples.lead_field(folder),
            (library(_read_head),),
            structured=True,
            weight=0.1,
        ),
    ]


def _morphologies(folder: Path) -> list[Format]:
    stick = SHARE / "morphologies" / "ball_and_stick.swc"
    return [
        Format("swc", {stick.name: stick.read_bytes()}, _MORPHOLOGY, TEXT),
        Format("asc", {"cell.asc": samples.ASC}, _MORPHOLOGY, TEXT),
        Format(
            "morphology h5", samples.morphology_h5(folder), _MORPHOLOGY, structured=True, weight=0.2
        ),
        Format("neuroml", {"cell.nml": samples.NEUROML}, _MORPHOLOGY, TEXT),
    ]


def _arrays(folder: Path, h5: dict[str, bytes]) -> list[Format]:
    arrays = (command("info", "FILE"), library(_read_npy), command("check", "FILE"))
    archives = (command("info", "FILE"), library(_read_spikes), command("check", "FILE"))
    places = samples.placements(folder)
    spikes = samples.foreign_hdf5(folder)["sonata_spikes.h5"]
    return [
        Format("npy", {"a.npy": samples.npy(folder)}, arrays),
        Format("npz", samples.npz(folder), archives),
        Format("placements", places, (library(_read_placements),), structured=True, weight=0.1),
        Format(
            "spikes h5",
            {**h5, "sonata_spikes.h5": spikes},
            (library(_read_spikes),),
            structured=True,
            weight=0.15,
        ),
    ]


def _tables(folder: Path, recording: Path) -> list[Format]:
    contacts = b"x,y,z,nx,ny,nz\n" + b"30,0,%d,1,0,0\n" * 4 % (0, 20, 40, 60)
    probe = _output("probe", str(recording), "--contacts", "FILE")
    eeg = _output("eeg", str(recording), "--position", "0,0,78000", "--montage", "FILE")
    meg = _output("meg", str(recording), "--position", "0,0,78000", "--sensors", "FILE")
    montage = (SHARE / "examples" / "montage.csv").read_bytes()
    sensors = (SHARE / "examples" / "sensors.csv").read_bytes()
    return [
        Format(
            "contacts",
            {"contacts.csv": contacts, "c.tsv": contacts.replace(b",", b"\t")},
            (probe,),
            TEXT,
        ),
        Format("arrays", {"array.yaml": samples.YAML, "probe.json": samples.PROBE}, (probe,), TEXT),
        Format("montages", {"montage.csv": montage, "montage.elc": samples.ELC}, (eeg,), TEXT),
        Format("sensors", {"sensors.csv": sensors}, (meg,), TEXT),
        Format("places text", {"places.csv": samples.PLACES}, (library(_read_placements),), TEXT),
        Format("spikes text", {"spikes.csv": samples.SPIKES}, (library(_read_spikes),), TEXT),
    ]


def _foreign(folder: Path, recording: Path) -> list[Format]:
    convert = command("convert", "-q", "-f", "FILE", "OUT")
    texts = {"a.gdf": samples.GDF, "dpl.txt": samples.HNN, "netpyne.json": samples.NETPYNE}
    lfpy = command("convert", "-q", "-f", "FILE", "OUT", "--from", "sonata")
    return [
        Format(
            "foreign h5",
            samples.foreign_hdf5(folder),
            (convert, convert, lfpy),
            structured=True,
            weight=0.2,
            is_sound=False,
        ),
        Format("foreign text", texts, (convert,), TEXT),
        Format("nwb", samples.nwb(folder, recording), (convert,), structured=True, weight=0.05),
    ]


def _models() -> list[Format]:
    stick = SHARE / "morphologies" / "ball_and_stick.swc"
    model = samples.JSON.replace(b"CELL", str(stick).encode())
    no_code = command("sim", "FILE", "--dry-run", "--no-code")
    beside = {"cell.swc": stick}
    return [
        Format(
            "toml",
            samples.models(),
            (library(_read_model),),
            TEXT,
            beside={path.name: path for path in (SHARE / "examples").glob("*.csv")},
        ),
        Format(
            "json", {"model.json": model}, (library(_read_model), command("info", "FILE")), TEXT
        ),
        Format("toml, no code", {"m.toml": samples.SMALL}, (no_code,), TEXT, beside=beside),
        Format("mod", {"channel.mod": samples.MOD}, (library(_read_mod),), TEXT),
    ]


def _with_neuron(folder: Path) -> list[Format]:
    """Formats whose readers change NEURON, so that each input has a process of its own."""
    stick = SHARE / "morphologies" / "ball_and_stick.swc"
    circuit = samples.circuit(folder)
    contents = {name: path.read_bytes() for name, path in circuit.items()}
    hdf5 = {name: data for name, data in contents.items() if name.endswith(".h5")}
    config = {name: data for name, data in contents.items() if name == "config.json"}
    tables = {k: v for k, v in contents.items() if k not in hdf5 and k not in config}
    dry = command("sim", "IN:config.json", "--dry-run")
    no_code = command("sim", "IN:config.json", "--dry-run", "--no-code")
    quick = command("sim", "FILE", "--dry-run", "--passive", "--input", "soma:0.005@2")
    hoc = command("sim", "--hoc", "FILE", "--dry-run")
    resumable = samples.resumable(folder)
    checkpoint = {
        name: path.read_bytes() for name, path in resumable.items() if name.endswith("checkpoint")
    }
    resume = ("sim", "IN:m.toml", "--checkpoint", "2", "--resume", "-o", "OUT", "-f", "-q")
    forms = [
        Format(
            "resumed",
            checkpoint,
            (command(*resume),),
            structured=True,
            beside=resumable,
        ),
        Format(
            "toml, dry run",
            {"m.toml": samples.SMALL},
            (command("sim", "FILE", "--dry-run"),),
            TEXT,
            beside={"cell.swc": stick},
        ),
        Format("swc, dry run", {"cell.swc": stick.read_bytes()}, (quick,), TEXT),
        Format("asc, dry run", {"cell.asc": samples.ASC}, (quick,), TEXT),
        Format("neuroml, dry run", {"cell.nml": samples.NEUROML}, (quick,), TEXT),
        Format("morphology h5, dry run", samples.morphology_h5(folder), (quick,), structured=True),
        Format("hoc", {"a.hoc": samples.HOC}, (hoc, command("morph", "FILE")), TEXT),
        Format(
            "sonata json", config, (dry, no_code, command("info", "FILE")), TEXT, beside=circuit
        ),
        Format("sonata h5", hdf5, (dry,), structured=True, beside=circuit),
        Format("sonata tables", tables, (dry,), TEXT, beside=circuit),
    ]
    return [_forked(form) for form in forms]


def _forked(form: Format) -> Format:
    from dataclasses import replace

    return replace(form, forked=True, warm=_warm, weight=0.05)


def _warm() -> None:
    from lfpcli.runtime.neuron import nrn

    nrn()


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

"""What is fed with damaged files of responses to spikes, of media, sweeps and other tools."""

from __future__ import annotations

import contextlib
import os
import sys
from pathlib import Path

import fault_samples as samples
from fault_mutators import TEXT
from fault_readers import Format, Reader, command, library

# what a command says of a file, whatever it is
_TOLD = (command("info", "FILE"), command("info", "FILE", "--json"), command("check", "FILE"))
_OUT = ("-o", "OUT", "--force", "-q")
_WHOLE_TEMPLATES = ("--amplitude", "0,9", "--min-distance", "0", "--seed", "1")


def responses(folder: Path, recording: Path, templates: Path) -> list[Format]:
    """Templates, kernels, spikes, rates: what convolve and spikes read."""
    trains = samples.trains(folder)
    kernels = samples.kernels(folder)
    of_templates = [*_WHOLE_TEMPLATES, "--duration", "0.05", *_OUT]
    of_kernels = ["--duration", "0.05", *_OUT]
    drawn = ("--duration", "0.05", "--seed", "1", *_OUT)
    rated = ("--rates", "FILE", "--size", "3", *drawn)
    templates_in = (
        *_TOLD,
        command("convolve", "FILE", str(trains), *of_templates),
        command("convert", "-q", "-f", "FILE", "OUT", "--to", "mearec"),
        command("plot", "FILE", "-o", "picture.png", "-q"),
    )
    kernels_in = (
        *_TOLD,
        command("convolve", "FILE", str(trains), *of_kernels),
        command("plot", "FILE", "-o", "picture.png", "-q"),
    )
    trains_in = (
        *_TOLD,
        command("convolve", str(templates), "FILE", *of_templates),
        command("convolve", str(kernels), "FILE", *of_kernels),
        command("stats", "FILE", "--json"),
        command("convert", "-q", "-f", "FILE", "spikes.gdf"),
    )
    return [
        Format("templates", _file(templates), templates_in, structured=True, weight=0.2),
        Format("kernels", _file(kernels), kernels_in, structured=True, weight=0.2),
        Format("trains", _file(trains), trains_in, structured=True, weight=0.2),
        Format("rates", {"rates.csv": samples.RATES}, (command("spikes", *rated),), TEXT),
        Format(
            "trains tables",
            {"trains.json": samples.TRAINS, "trains.toml": samples.TRAINS_TOML},
            (command("spikes", "FILE", *drawn),),
            TEXT,
        ),
    ]


def _file(path: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes()}


def media(folder: Path, recording: Path) -> list[Format]:
    """Media of regions, lead fields solved in them, and the folders of sweeps."""
    lead = samples.lead_grids(folder)
    sweep = samples.sweep(folder, recording)
    solved = command("leadfield", "30,0,0", "--medium", "FILE", *_OUT)
    measured = command("probe", str(recording), "--lead-field", "FILE", *_OUT)
    gathered = (
        command("info", "IN:."),
        command("info", "IN:.", "--json"),
        command("convert", "-q", "-f", "IN:.", "table.csv"),
    )
    return [
        Format("media", {"medium.toml": samples.MEDIUM}, (solved,), TEXT, weight=0.02),
        Format("lead grids", _file(lead), (*_TOLD, measured), structured=True, weight=0.2),
        Format(
            "sweeps",
            {name: path.read_bytes() for name, path in sweep.items() if name == "sweep.json"},
            gathered,
            TEXT,
            beside=sweep,
            weight=0.4,
        ),
        Format(
            "runs of sweeps",
            {name: path.read_bytes() for name, path in sweep.items() if name == "0000.h5"},
            gathered,
            structured=True,
            beside=sweep,
            weight=0.1,
        ),
    ]


def recordings_out(folder: Path, recording: Path) -> list[Format]:
    """A damaged recording, to each format of other tools; plots of each kind; a pipe."""
    content = _file(recording)
    light = ("npz", "npy", "csv", "mat", "nc", "sonata", "hybridlfpy", "mearec")
    heavy = ("nwb", "zarr", "edf", "fif", "nix", "spikeinterface")
    pictures = (
        ("--what", "geometry,shank"),
        ("--what", "raster,dipole"),
        ("--html", "page.html"),
        ("--terminal",),
    )
    drawn = []
    for words in pictures:
        output = () if words[0] in ("--html", "--terminal") else ("-o", "picture.svg")
        drawn.append(command("plot", "FILE", *words, *output, "-q"))
    piped = (_piped("info", "-"), _piped("check", "-"), _piped("stats", "-"))
    made = _outputs(light), _outputs(heavy)
    return [
        Format("converted", content, made[0], structured=True, weight=0.3, is_sound=False),
        Format("converted, heavy", content, made[1], structured=True, weight=0.04, is_sound=False),
        Format("plots", content, tuple(drawn), structured=True, weight=0.06, is_sound=False),
        Format("pipes", content, piped, structured=True, weight=0.2),
    ]


def _outputs(names: tuple[str, ...]) -> tuple[Reader, ...]:
    signal = ("--signal", "shank")
    return tuple(
        command("convert", "-q", "-f", "FILE", f"target.{name}", "--to", name, *signal)
        for name in names
    )


def _piped(*words: str) -> Reader:
    """A command that reads the damaged file as its standard input."""
    run = command(*words)

    def read(path: Path, folder: Path) -> int:
        usual, kept = sys.stdin, os.dup(0)
        with path.open("rb") as file:
            os.dup2(file.fileno(), 0)
        try:
            sys.stdin = os.fdopen(os.dup(0), encoding="utf-8")
            return run(path, folder)
        finally:
            with contextlib.suppress(OSError):
                sys.stdin.close()
            sys.stdin = usual
            os.dup2(kept, 0)
            os.close(kept)

    return read


def other_tools(folder: Path, recording: Path) -> list[Format]:
    """Files that other tools write, and this one does not read: refused, not a bug."""
    targets = samples.targets(folder, recording)
    readers = (*_TOLD, command("convert", "-q", "-f", "FILE", "OUT"), command("morph", "FILE"))
    meg = command("meg", str(recording), "--position", "0,0,78000", "--sensors", "FILE", *_OUT)
    fif = samples.sensors_fif(folder)
    forward = samples.forward_fif(folder)
    forms = [
        Format(
            "other tools",
            {name: data for name, data in targets.items() if "/" not in name},
            readers,
            structured=True,
            is_sound=False,
            weight=0.3,
        )
    ]
    stores = samples.files_of(folder / "a.zarr")
    forms.append(
        Format(
            "zarr",
            {name: path.read_bytes() for name, path in stores.items()},
            (command("info", "IN:a.zarr"), command("convert", "-q", "-f", "IN:a.zarr", "OUT")),
            TEXT,
            beside=stores,
            is_sound=False,
            weight=0.2,
        )
    )
    if fif is not None:
        forms.append(Format("sensors fif", _file(fif), (meg,), weight=0.1))
    if forward is not None:
        forms.append(Format("forward fif", _file(forward), (library(_read_forward),), weight=0.1))
    return forms


def _read_forward(path: Path) -> None:
    from lfpcli.io.head_model import load_head_model

    field = load_head_model(path)
    field.get_transformation_matrix(0)


def placed(folder: Path, recording: Path) -> list[Format]:
    """Placements through the command that makes templates at them."""
    words = ("probe", str(recording), "--contacts", "30,0,0", "--placements", "FILE")
    files = {**samples.placements(folder), "places.csv": samples.PLACES}
    reader = command(*words, "--spike-window", "1,2", *_OUT)
    return [
        Format("placed", files, (reader,), structured=True, weight=0.1),
    ]

"""Make signals of responses to a spike and spike trains.

With templates ('lfp probe --placements ... --spike-window') the result is an extracellular
recording with its ground truth: each train of spikes is the unit of a template, and what is asked
for is added: noise, far cells, an LFP. With kernels ('lfp kernel') the signals that the spikes of
populations cause are the result."""

from __future__ import annotations

import argparse
import os
from collections.abc import Mapping
from typing import Any

from lfpcli import vocabulary
from lfpcli.cli import options

EPILOG = """\
examples:
  lfp spikes --poisson 5 --size 20 --duration 60 --refractory 2 -o trains.h5
  lfp convolve templates.h5 trains.h5 --noise white:0.01 --filter 300:6000 -o recording.h5
  lfp convolve pc.h5 bc.h5 trains.h5 --types E=TTPC,STPC --types I=BC -o recording.h5
  lfp convolve kernels.h5 spikes.h5 -o lfp.h5
  lfp convolve microcircuit.toml points.h5 --duration 1 -o lfp.h5
  lfp convolve microcircuit.toml points.h5 --simulate --duration 0.05 -o lfp.h5
  lfp convolve templates.h5 trains.h5 --beneath network.h5:shank --far 100:0.005 -o recording.h5

exit codes: 0 done, 2 usage, 3 bad input, 4 output exists or cannot be written"""

_OF_TEMPLATES = (
    *("name", "types", "amplitude", "min_distance", "taper", "spread", "recovery", "drift"),
    *(
        "jumps",
        "rigidity",
        "noise",
        "noise_from",
        "noise_spectrum",
        "noise_covariance",
        "overlaps",
        "far",
        "beneath",
        "electrode",
        "filter",
        "integers",
        "seed",
    ),
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument(
        "files",
        metavar="FILE",
        nargs="+",
        help="templates, kernels or a model, and last the spikes",
    )
    options.add_output(parser, "recording to write")
    parser.add_argument(
        "--duration", type=options.positive, metavar="S", help="length, s (that of the trains)"
    )
    parser.add_argument("--name", help="name of the signal (recording)")
    options.add_seed(parser)
    parser.add_argument(
        "--simulate",
        action="store_true",
        help="simulate the cells of a model, some at a time: they may have channels and any"
        " synapses",
    )
    _add_units(parser.add_argument_group("units"))
    _add_rest(parser.add_argument_group("what else is in it"))
    group = parser.add_argument_group("samples")
    group.add_argument(
        "--electrode",
        metavar="KEY=VALUE,...",
        help="impedance: resistance, leakage, input (MOhm), capacitance (nF), shunt (pF)",
    )
    group.add_argument("--filter", metavar="LOW:HIGH", help="zero-phase Butterworth filter, Hz")
    size = group.add_mutually_exclusive_group()
    size.add_argument("--float32", action="store_true", help="store samples in single precision")
    size.add_argument("--integers", action="store_true", help="... as integers of 16 bits")


def _add_units(group: Any) -> None:
    group.add_argument(
        "--types",
        action="append",
        default=[],
        metavar="POPULATION=TYPE,...",
        help="cell types of a population's units, parts of their names (any)",
    )
    group.add_argument(
        "--amplitude",
        type=options.pair,
        metavar="LOW,HIGH",
        help="depth of their troughs, mV (from 0.05)",
    )
    group.add_argument(
        "--min-distance",
        type=options.non_negative,
        default=25.0,
        metavar="UM",
        help="least distance between their somata, um (25)",
    )
    group.add_argument(
        "--overlaps",
        metavar="N[:SHARE]",
        help="pairs of units that overlap: the share of a trough on the other's contact (any; 0.9)",
    )
    group.add_argument(
        "--taper",
        type=options.non_negative,
        default=0.5,
        metavar="MS",
        help="ends of templates that are led to zero, ms (0.5)",
    )
    group.add_argument(
        "--spread",
        metavar="SD[:contact]",
        help="spread of amplitudes, of their mean; of each contact on its own",
    )
    group.add_argument(
        "--recovery",
        metavar="DEPTH:MS",
        help="what an amplitude lacks after a spike, and its time constant",
    )
    group.add_argument("--drift", metavar="UM", type=options.positive, help="drift, um a minute")
    group.add_argument(
        "--jumps", metavar="S:UM", help="mean time between jumps, and their largest size"
    )
    group.add_argument(
        "--rigidity",
        default="1",
        metavar="R[:x|y|z]",
        help="1: all units move alike; less: by factors from R to 1, drawn or along an axis (1)",
    )


def _add_rest(group: Any) -> None:
    noise = group.add_mutually_exclusive_group()
    noise.add_argument("--noise", metavar="KIND:RMS[:UM]", help="white, pink or brown noise, mV")
    noise.add_argument(
        "--noise-from", metavar="FILE[:SIGNAL]", help="noise as in a recording, without its spikes"
    )
    noise.add_argument(
        "--noise-spectrum",
        metavar="FILE",
        help="... of a spectrum (.csv: frequency, power in mV2/Hz)",
    )
    group.add_argument(
        "--noise-covariance",
        metavar="FILE",
        help="covariances between contacts of that noise, mV2 (.csv, .npy)",
    )
    group.add_argument("--far", metavar="N:RMS", help="N cells too far to be told apart, mV in all")
    group.add_argument("--beneath", metavar="FILE[:SIGNAL]", help="a signal to add, such as an LFP")


def run(args: argparse.Namespace) -> None:
    """Convolve."""
    from lfpcli.errors import UsageError
    from lfpcli.tasks.convolve.recording import convolve_templates

    if _is_model(args.files[0]):
        _convolve_model(args)
        return
    if args.simulate:
        raise UsageError("--simulate goes with a model", remedy="leave it out")
    if len(args.files) < 2:
        raise UsageError("templates and spikes are needed", remedy="lfp convolve TEMPLATES SPIKES")
    if _are_kernels(args.files):
        _convolve_kernels(args)
        return
    recipe = _recipe(args)
    seed = options.drawn_seed(args) if args.seed is None else args.seed
    with args.console.progress("convolving", 1.0, "") as progress:
        facts = convolve_templates(
            args.files[:-1],
            args.files[-1],
            args.output or "-",
            recipe,
            seed=seed,
            force=args.force,
            float32=args.float32,
            command=args.command_line,
            progress=progress,
        )
    if facts["leads"]:
        _tell(args, facts)


def _tell(args: argparse.Namespace, facts: Mapping[str, Any]) -> None:
    """Say what was convolved."""
    args.console.note(
        f"{facts['units']} units, {facts['spikes']} spikes, {facts['samples']} samples; spikes are"
        f" on {facts['phases']} phases a sample"
    )
    if facts["clipped"]:
        args.console.warn(f"{facts['clipped']} values are beyond the integers and cut off there")


def _are_kernels(files: list[str]) -> bool:
    from lfpcli.io.kernels import FORMAT
    from lfpcli.io.recording import stored_format

    return len(files) == 2 and files[0] != "-" and stored_format(files[0]) == FORMAT


def _is_model(file: str) -> bool:
    return file.endswith((".toml", ".json")) or file.startswith("builtin:")


def _refuse_options(args: argparse.Namespace, instead: str, *, but: str = "") -> None:
    """Refuse options of recordings of templates."""
    from lfpcli.errors import UsageError

    usual = {"min_distance": 25.0, "taper": 0.5, "rigidity": "1"}
    for name in _OF_TEMPLATES:
        if name != but and getattr(args, name) not in (None, False, [], usual.get(name)):
            option = f"--{name.replace('_', '-')}"
            raise UsageError(f"{option} goes with templates, not with {instead}")


def _convolve_model(args: argparse.Namespace) -> None:
    """Sum the signals of the cells of a model."""
    # sums over a cell's modes must not depend on how many threads share them
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    from lfpcli.errors import UsageError
    from lfpcli.model import check_files, load_model
    from lfpcli.tasks.response.impulses import convolve_cells

    if len(args.files) > 2:
        raise UsageError("a model goes with one file of spikes, or with its own")
    _refuse_options(args, "a model", but="seed")
    overrides = [] if args.seed is None else [f"run.seed={args.seed}"]
    model = load_model(args.files[0], overrides=overrides)
    check_files(model)
    with args.console.progress("convolving", 1.0, "") as progress:
        told = convolve_cells(
            model,
            args.files[1] if len(args.files) > 1 else None,
            args.output or "-",
            duration=None if args.duration is None else 1000.0 * args.duration,
            simulated=args.simulate,
            force=args.force,
            float32=args.float32,
            command=args.command_line,
            progress=progress,
        )
    if told.leads:
        args.console.note(f"{told.cells} cells, {told.synapses} synapses, {told.spikes} spikes")


def _convolve_kernels(args: argparse.Namespace) -> None:
    """Convolve kernels; options of recordings are refused."""
    from lfpcli.tasks.convolve.kernel_signals import convolve_kernels

    _refuse_options(args, "kernels")
    with args.console.progress("convolving", 1.0, "") as progress:
        counts = convolve_kernels(
            args.files[0],
            args.files[1],
            args.output or "-",
            duration=None if args.duration is None else 1000.0 * args.duration,
            force=args.force,
            float32=args.float32,
            command=args.command_line,
            progress=progress,
        )
    told = ", ".join(f"{name} {count}" for name, count in counts.items())
    args.console.note(f"spikes: {told}")


def _recipe(args: argparse.Namespace) -> Any:
    from lfpcli.errors import UsageError
    from lfpcli.forward.electrode import parse_electrode
    from lfpcli.forward.treatment import parse_band, parse_noise
    from lfpcli.tasks.convolve.recording import Recipe
    from lfpcli.tasks.convolve.sources import Amplitudes
    from lfpcli.tasks.convolve.units import Choice

    if args.noise_covariance is not None and args.noise_spectrum is None:
        raise UsageError("--noise-covariance goes with --noise-spectrum")
    low, high = args.amplitude or (0.05, float("inf"))
    spread, _, contact = (args.spread or "0").partition(":")
    return Recipe(
        duration=None if args.duration is None else 1000.0 * args.duration,
        choice=Choice(
            amplitude=(low, high),
            min_distance=args.min_distance,
            types=_types(args.types),
            **_overlaps(args.overlaps),
        ),
        taper=args.taper,
        amplitudes=Amplitudes(
            spread=_number(spread, "--spread"),
            per_contact=_is_per_contact(contact),
            recovery=_two(args.recovery, "--recovery") if args.recovery else None,
        ),
        drift=_drift(args),
        noise=parse_noise(args.noise) if args.noise else None,
        noise_from=args.noise_from,
        noise_spectrum=args.noise_spectrum,
        noise_covariance=args.noise_covariance,
        far=_far(args.far) if args.far else None,
        beneath=args.beneath,
        electrode=parse_electrode(args.electrode) if args.electrode else None,
        band=parse_band(args.filter) if args.filter else None,
        integers=args.integers,
        name=args.name or "recording",
    )


def _drift(args: argparse.Namespace) -> Any:
    from lfpcli.errors import UsageError
    from lfpcli.forward.drift import Drift

    interval, jump = _two(args.jumps, "--jumps") if args.jumps else (0.0, 0.0)
    rigidity, sign, axis = args.rigidity.partition(":")
    if sign and axis not in vocabulary.AXES:
        raise UsageError(f"--rigidity ends in ':{axis}'", remedy="write R, or R:z")
    return Drift(
        velocity=args.drift or 0.0,
        jump_interval=1000.0 * interval,
        jump=jump,
        rigidity=_number(rigidity, "--rigidity"),
        gradient=axis or None,
    )


def _types(texts: list[str]) -> dict[str, list[str]]:
    from lfpcli.errors import UsageError

    types: dict[str, list[str]] = {}
    for text in texts:
        population, sign, names = text.partition("=")
        if not sign or not population.strip() or not names.strip():
            raise UsageError(
                f"--types '{text}' is not POPULATION=TYPE", remedy="write --types E=TTPC,STPC"
            )
        types[population.strip()] = [name.strip() for name in names.split(",") if name.strip()]
    return types


def _overlaps(text: str | None) -> dict[str, Any]:
    """Number of overlapping pairs, and the share of a trough that is an overlap."""
    from lfpcli.errors import UsageError

    if text is None:
        return {}
    count, sign, share = text.partition(":")
    if not (count.isascii() and count.isdigit()):
        raise UsageError(f"--overlaps '{text}' is no number of pairs", remedy="write 3, or 3:0.9")
    return {"overlaps": int(count), "overlap": _number(share, "--overlaps") if sign else 0.9}


def _number(text: str, option: str) -> float:
    from lfpcli.errors import UsageError

    try:
        value = float(text)
    except ValueError:
        raise UsageError(f"{option} '{text}' is not a number") from None
    if not 0 <= value < float("inf"):
        raise UsageError(f"{option} '{text}' is not a number from 0 on")
    return value


def _two(text: str, option: str) -> tuple[float, float]:
    from lfpcli.errors import UsageError

    first, sign, second = text.partition(":")
    if not sign:
        raise UsageError(f"{option} '{text}' is not two numbers A:B")
    return _number(first, option), _number(second, option)


def _is_per_contact(text: str) -> bool:
    from lfpcli.errors import UsageError

    if text not in ("", "contact"):
        raise UsageError(f"--spread ends in ':{text}'", remedy="write SD, or SD:contact")
    return text == "contact"


def _far(text: str) -> tuple[int, float]:
    from lfpcli.errors import UsageError

    count, rms = _two(text, "--far")
    if count != int(count) or count < 1:
        raise UsageError(f"--far '{text}' is no number of cells and mV", remedy="write 100:0.005")
    return int(count), rms

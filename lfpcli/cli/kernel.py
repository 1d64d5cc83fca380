"""Compute what one spike of a population adds to the signals of a network, by linear response.

The kernels, convolved with the spikes of the populations ('lfp convolve'), make the signals of the
network without simulating its cells again, or those of a network of point neurons."""

from __future__ import annotations

import argparse

from lfpcli import vocabulary
from lfpcli.cli import options

EPILOG = """\
examples:
  lfp kernel network.toml --rates E=2.5,I=6 -o kernels.h5
  lfp kernel network.toml --pre E --post I --signal shank --from run.h5 -o kernels.h5
  lfp kernel network.toml --check -o kernels.h5
  lfp convolve kernels.h5 spikes.h5 -o lfp.h5

exit codes: 0 done, 2 usage, 3 bad input, 4 output exists or cannot be written,
  5 simulator or mechanism failure
please cite: Hagen et al. 2022, PLoS Comput Biol 18:e1010353 (kernels)"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("model", metavar="MODEL", help="model file of a network")
    options.add_output(parser, "file of kernels to write")
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="KEY=VALUE",
        help="set a key of the model; may be repeated",
    )
    options.add_seed(parser)
    group = parser.add_argument_group("which kernels (all)")
    for option, noun in (
        ("--pre", "of spikes of this population"),
        ("--post", "of currents of this population's cells"),
        ("--signal", "of this signal: a probe, a head, or dipole"),
    ):
        group.add_argument(
            option, action="append", default=[], metavar="NAME", help=f"{noun}; may be repeated"
        )
    group.add_argument(
        "--length",
        type=options.positive,
        default=100.0,
        metavar="MS",
        help="length of a kernel, ms (100)",
    )
    group.add_argument(
        "--cells",
        type=options.positive_int,
        default=16,
        metavar="N",
        help="cells of each population that the response is averaged over (16)",
    )
    group = parser.add_argument_group("working point")
    group.add_argument(
        "--from", dest="from_", metavar="RUN", help="rates and potentials of a run of the model"
    )
    group.add_argument(
        "--check",
        action="store_true",
        help="simulate the network for them, and tell how much of its signals kernels explain",
    )
    group.add_argument("--rates", metavar="NAME=HZ,...", help="rates of populations")
    group.add_argument(
        "--potential", metavar="NAME=MV,...", help="mean potentials of populations, mV (v_init)"
    )
    group.add_argument(
        "--gates",
        choices=vocabulary.GATES,
        default=vocabulary.GATES[0],
        help="what gates of channels do about the working point: follow the potential, or stay"
        " (linear)",
    )


def run(args: argparse.Namespace) -> None:
    """Compute."""
    from lfpcli.errors import UsageError
    from lfpcli.model import check_files, load_model
    from lfpcli.tasks.response.kernels import write_kernels
    from lfpcli.tasks.response.linear_response import Scope
    from lfpcli.tasks.response.working_point import WorkingPoint

    if args.check and args.from_ is not None:
        raise UsageError("both --check and --from are given", remedy="give one of them")
    stated = WorkingPoint(
        rates=_numbers(args.rates, "--rates"), potentials=_numbers(args.potential, "--potential")
    )
    overrides = list(args.set)
    if args.seed is not None:
        overrides.append(f"run.seed={args.seed}")
    model = load_model(args.model, overrides=overrides)
    check_files(model)
    scope = Scope(
        pre=args.pre,
        post=args.post,
        signals=args.signal,
        length=args.length,
        cells=args.cells,
        gates=args.gates,
    )
    with args.console.progress("computing", 1.0, "") as progress:
        facts = write_kernels(
            model,
            args.output or "-",
            scope,
            stated,
            run=args.from_,
            check=args.check,
            force=args.force,
            command=args.command_line,
            progress=progress,
        )
    for note in facts.notes:
        args.console.note(note)
    rates = ", ".join(f"{name} {rate:.3g}" for name, rate in facts.point.rates.items())
    potentials = ", ".join(f"{name} {v:.4g}" for name, v in facts.point.potentials.items())
    args.console.note(f"working point: {rates} Hz; {potentials} mV")
    for name, agreement in facts.explained.items():
        text = (
            f"{name}: kernels and spikes explain {100 * agreement.variance:.1f} % of the variance"
        )
        text += f" (correlation {agreement.correlation:.3f})"
        if agreement.low == agreement.low:
            text += f", {100 * agreement.low:.1f} % below 300 Hz"
        args.console.note(text)


def _numbers(text: str | None, option: str) -> dict[str, float]:
    from lfpcli.errors import UsageError

    numbers: dict[str, float] = {}
    for part in (text or "").split(","):
        if not part.strip():
            continue
        name, sign, value = part.partition("=")
        try:
            numbers[name.strip()] = options.finite(value)
        except argparse.ArgumentTypeError as error:
            raise UsageError(f"{option}: {error}", remedy="write E=2.5,I=6") from None
        if not sign or not name.strip():
            raise UsageError(f"{option} '{part}' is not NAME=NUMBER", remedy="write E=2.5,I=6")
        if option == "--rates" and numbers[name.strip()] < 0:
            raise UsageError(f"{option}: the rate of {name.strip()} is below zero")
    return numbers

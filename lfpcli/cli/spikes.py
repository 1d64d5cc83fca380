"""Draw spike trains: Poisson, gamma and regular ones, with a refractory period, bursts, a rate that
follows time, or correlated among each other; or run a network of point neurons. FILE has several
populations or a network (.toml, .json); without it the options describe one population."""

from __future__ import annotations

import argparse
from typing import Any

from lfpcli.cli import options
from lfpcli.cli.facts import count_text

EPILOG = """\
examples:
  lfp spikes --poisson 20 --size 100 --duration 60 --refractory 2 -o trains.h5
  lfp spikes --gamma 8 --shape 3 --size 10 --duration 60 --population E -o trains.h5
  lfp spikes --poisson 5 --correlation 0.1 --jitter 2 --size 50 --duration 10 -o trains.h5
  lfp spikes --rates rates.csv --size 200 --duration 4 -o - | lfp stats -
  lfp spikes microcircuit_spikes.json --duration 1 --seed 1 -o points.h5

exit codes: 0 done, 2 usage, 3 bad input, 4 output exists or cannot be written"""

_KEYS = (
    *("size", "poisson", "gamma", "regular", "rates", "shape", "refractory", "rate_sd"),
    *("rate_min", "burst", "burst_interval", "correlation", "jitter"),
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("file", metavar="FILE", nargs="?", help="populations, or a network")
    options.add_output(parser, "recording to write")
    process = parser.add_argument_group("process (one of)").add_mutually_exclusive_group()
    process.add_argument(
        "--poisson", type=options.non_negative, metavar="HZ", help="Poisson trains of this rate"
    )
    process.add_argument(
        "--gamma", type=options.non_negative, metavar="HZ", help="gamma-distributed intervals"
    )
    process.add_argument("--regular", type=options.positive, metavar="HZ", help="equal intervals")
    process.add_argument("--rates", metavar="FILE", help="rate in time (.csv: time in ms, rate)")
    group = parser.add_argument_group("trains")
    group.add_argument(
        "--duration", type=options.positive, metavar="S", required=True, help="length, s"
    )
    group.add_argument("--size", type=options.positive_int, metavar="N", help="how many (1)")
    group.add_argument("--population", metavar="NAME", help="what they are called (trains)")
    options.add_seed(group)
    group = parser.add_argument_group("intervals")
    group.add_argument("--shape", type=options.positive, metavar="K", help="of --gamma (2)")
    _number(group, "--refractory", "MS", "dead time after each spike, ms (0)")
    _number(group, "--rate-sd", "HZ", "spread of the rates between trains (0)")
    _number(group, "--rate-min", "HZ", "least of these rates (0.5)")
    _number(group, "--burst", "N", "mean number of spikes of a burst (no bursts)")
    _number(group, "--burst-interval", "MS", "interval in bursts, ms (4)")
    _number(group, "--correlation", "C", "of the counts of each pair of trains, below 1 (0)")
    _number(group, "--jitter", "MS", "spread of common spikes, ms (0)")


def _number(group: Any, option: str, metavar: str, text: str) -> None:
    group.add_argument(option, type=options.non_negative, metavar=metavar, help=text)


def run(args: argparse.Namespace) -> None:
    """Draw, or run a network."""
    from lfpcli.model.point_network import read_point_network
    from lfpcli.tasks.convolve.trains import write_trains

    network = None if args.file is None else read_point_network(args.file)
    if network is not None:
        _run_network(args, network)
        return
    populations = _populations(args)
    seed = options.drawn_seed(args) if args.seed is None else args.seed
    counts = write_trains(
        populations,
        args.output or "-",
        duration=1000.0 * args.duration,
        seed=seed,
        force=args.force,
        command=args.command_line,
    )
    for name, count in counts.items():
        trains = count_text(populations[name].size, "train")
        args.console.note(f"{name}: {trains}, {count_text(count, 'spike')}")


def _run_network(args: argparse.Namespace, network: Any) -> None:
    from lfpcli.tasks.convolve.trains import write_point_spikes

    _refuse_beside_file(args)
    seed = options.drawn_seed(args) if args.seed is None else args.seed
    with args.console.progress("simulating", 1.0, "") as progress:
        counts = write_point_spikes(
            network,
            args.file,
            args.output or "-",
            duration=1000.0 * args.duration,
            seed=seed,
            force=args.force,
            command=args.command_line,
            progress=progress,
        )
    for name, (size, count) in counts.items():
        rate = count / size / args.duration
        spikes = count_text(count, "spike")
        args.console.note(f"{name}: {count_text(size, 'neuron')}, {spikes}, {rate:.3g} Hz")


def _populations(args: argparse.Namespace) -> dict[str, Any]:
    from lfpcli.model.trains import read_populations, stated_population

    if args.file is None:
        stated = {name: getattr(args, name) for name in _KEYS}
        return {args.population or "trains": stated_population(stated)}
    _refuse_beside_file(args)
    return read_populations(args.file)


def _refuse_beside_file(args: argparse.Namespace) -> None:
    from lfpcli.errors import UsageError

    for name in (*_KEYS, "population"):
        if getattr(args, name):
            raise UsageError(
                f"--{name.replace('_', '-')} does not go with a file of populations",
                remedy=f"write '{name}' in a table of {args.file}",
            )

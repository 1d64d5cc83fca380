"""Numbers of what a recording holds: rates and intervals of spikes, their correlation, power
spectra and bands of signals, coherence, spike-triggered means, features of extracellular spikes,
and the current source density that potentials tell of."""

from __future__ import annotations

import argparse
import csv
import io
import sys
from collections.abc import Iterator
from typing import Any

from lfpcli.cli import options
from lfpcli.cli.facts import count_text, lines, table, to_json
from lfpcli.errors import printable

EPILOG = """\
examples:
  lfp stats out.h5
  lfp stats out.h5 --time 50,200 --bin 10 --json
  lfp stats out.h5 --signal LFP --csv
  lfp sim model.toml -o - | lfp stats -

Each number is defined in lfp-stats(1), with its source."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("input", metavar="FILE", help="recording; - is standard input")
    group = parser.add_argument_group("what is counted")
    group.add_argument(
        "--signal",
        action="append",
        metavar="NAME",
        help="this signal; may be repeated (all of them)",
    )
    group.add_argument(
        "--time", type=_pair, metavar="T0,T1", help="from T0 to T1, ms (the whole run)"
    )
    group.add_argument(
        "--bin",
        type=options.positive,
        default=5.0,
        metavar="MS",
        help="bins of spikes, for PSTH, Fano factor and correlation (5)",
    )
    group.add_argument(
        "--window",
        type=_window,
        default=(5.0, 20.0),
        metavar="A,B",
        help="from A before to B after a spike, ms, for triggered means (5,20)",
    )
    group.add_argument(
        "--sigma",
        type=options.positive,
        default=0.3,
        metavar="S/M",
        help="conductivity for the CSD (0.3)",
    )
    group = parser.add_argument_group("output")
    form = group.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="all of it, with spectra and means")
    form.add_argument("--csv", action="store_true", help="one number a line")


def run(args: argparse.Namespace) -> None:
    """Count."""
    from lfpcli.tasks.statistics.statistics import Settings, statistics

    settings = Settings(
        time=args.time,
        bin=args.bin,
        window=args.window,
        sigma=args.sigma,
        signals=args.signal,
    )
    facts = statistics(args.input, settings)
    if args.json:
        print(to_json(facts))
    elif args.csv:
        sys.stdout.write(_csv(facts))
    else:
        print(lines(_lines(facts)))


def _pair(text: str) -> tuple[float, float]:
    values = options.numbers(text)
    if len(values) != 2 or values[0] >= values[1]:
        raise argparse.ArgumentTypeError(f"'{text}' is not two rising times T0,T1")
    return values[0], values[1]


def _window(text: str) -> tuple[float, float]:
    values = options.numbers(text)
    if len(values) != 2 or min(values) < 0:
        raise argparse.ArgumentTypeError(f"'{text}' is not two lengths A,B of 0 ms or more")
    return values[0], values[1]


def _lines(facts: dict[str, Any]) -> Iterator[str]:
    yield f"{facts['file']}: {facts['begin_ms']:g} to {facts['end_ms']:g} ms"
    for name, population in facts["populations"].items():
        cells = count_text(population["cells"], "cell")
        yield f"population {name}: {cells}, {population['cells_firing']} fire, " + count_text(
            population["spikes"], "spike"
        )
        rate, spread = population["rate_hz"], population["rate_sd_hz"]
        yield f"  rate {_number(rate)} Hz a cell, standard deviation {_number(spread)} Hz"
        of_cells = count_text(population["cells_with_intervals"], "cell")
        yield f"  CV {_number(population['cv'])}, LV {_number(population['lv'])}, of {of_cells}"
        bin_ms = population["psth"]["bin_ms"]
        yield (
            f"  Fano factor {_number(population['fano'])}, correlation"
            f" {_number(population['correlation'])}, in bins of {bin_ms:g} ms"
        )
    for name, signal in facts["signals"].items():
        yield f"signal {name}: {count_text(len(signal['channels']), 'channel')}, {signal['units']}"
        yield from table(_channel_rows(signal))
        for population, triggered in signal.get("spikes", {}).items():
            yield from _triggered(population, triggered, signal)


def _channel_rows(signal: dict[str, Any]) -> Iterator[list[str]]:
    bands = list(signal["band_power"])
    positions = signal.get("positions_um")
    depth = [] if positions is None else ["z (um)"]
    yield ["channel", *depth, "mean", "sd", "peak to peak", *bands]
    for k, channel in enumerate(signal["channels"]):
        height = [] if positions is None else [f"{positions[k][2]:g}"]
        values = [signal[key][k] for key in ("mean", "sd", "peak_to_peak")]
        powers = [signal["band_power"][band][k] for band in bands]
        yield [channel, *height, *map(_number, values), *map(_number, powers)]


def _triggered(population: str, facts: dict[str, Any], signal: dict[str, Any]) -> Iterator[str]:
    yield f"  about {count_text(facts['spikes'], 'spike')} of {population}"
    if "features" in facts:
        features = facts["features"]
        channel = signal["channels"][features["channel"]]
        yield (
            f"    at channel {channel}: amplitude {_number(features['amplitude'])}"
            f" {signal['units']}, trough to peak {_number(features['width_ms'])} ms, half width"
            f" {_number(features['half_width_ms'])} ms"
        )


def _csv(facts: dict[str, Any]) -> str:
    """One number a line: whose it is, of which channel, what it is called."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(("subject", "channel", "statistic", "value"))
    for name, population in facts["populations"].items():
        for key, value in population.items():
            if not isinstance(value, dict):
                writer.writerow((printable(name), "", key, _exact(value)))
    for name, signal in facts["signals"].items():
        for k, label in enumerate(signal["channels"]):
            subject = (printable(name), printable(label))
            for key in ("mean", "sd", "peak_to_peak"):
                writer.writerow((*subject, key, _exact(signal[key][k])))
            for band, powers in signal["band_power"].items():
                writer.writerow((*subject, f"power of {band}", _exact(powers[k])))
    return text.getvalue()


def _number(value: float) -> str:
    return "-" if value != value else f"{value:.3g}"


def _exact(value: float) -> str:
    return "" if value != value else f"{value:.17g}"

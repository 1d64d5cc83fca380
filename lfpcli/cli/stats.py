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

from lfpcli import vocabulary
from lfpcli.cli import options
from lfpcli.cli.facts import count_text, data_text, show, table, to_json
from lfpcli.errors import printable

EPILOG = """\
examples:
  lfp stats out.h5
  lfp stats out.h5 --time 10,40 --bin 5 --json
  lfp stats lfp.h5 --signal LFP --csv
  lfp stats out.h5 --layers L5=-100:300,L23=300:700
  lfp stats out.h5 --csd kcsd --json
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
    group.add_argument(
        "--csd",
        choices=vocabulary.CSD_METHODS,
        default=vocabulary.CSD_METHODS[0],
        help="second difference, or inverse (icsd) or kernel (kcsd) method of Elephant (standard)",
    )
    group.add_argument(
        "--csd-diameter",
        type=options.positive,
        default=500.0,
        metavar="UM",
        help="of the cylinders of sources of icsd and kcsd, um (500)",
    )
    group.add_argument(
        "--layers",
        type=options.layers,
        default={},
        metavar="NAME=LOW:HIGH[,...]",
        help="numbers of the cells and channels between two heights z, um, too",
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
        csd=args.csd,
        diameter=args.csd_diameter,
        layers=args.layers,
    )
    facts = statistics(args.input, settings)
    if args.json:
        print(to_json(facts))
    elif args.csv:
        sys.stdout.write(data_text(_csv(facts)))
    else:
        show(_lines(facts))


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
        yield from _population(name, population)
    for name, signal in facts["signals"].items():
        yield f"signal {name}: {count_text(len(signal['channels']), 'channel')}, {signal['units']}"
        yield from table(_channel_rows(signal))
        if "csd" in signal:
            yield from _density(signal["csd"])
        for population, triggered in signal.get("spikes", {}).items():
            yield from _triggered(population, triggered, signal)
    for name, layer in facts.get("layers", {}).items():
        yield f"layer {name}: z from {layer['low_um']:g} to {layer['high_um']:g} um"
        for population, numbers in layer["populations"].items():
            yield from _population(population, numbers, indent="  ")
        yield from table(_layer_rows(layer["signals"])) if layer["signals"] else ()


def _population(name: str, facts: dict[str, Any], indent: str = "") -> Iterator[str]:
    cells, spikes = count_text(facts["cells"], "cell"), count_text(facts["spikes"], "spike")
    yield f"{indent}population {name}: {cells}, {facts['cells_firing']} fire, {spikes}"
    rate, spread = facts["rate_hz"], facts["rate_sd_hz"]
    yield f"{indent}  rate {_number(rate)} Hz a cell, standard deviation {_number(spread)} Hz"
    of_cells = count_text(facts["cells_with_intervals"], "cell")
    yield f"{indent}  CV {_number(facts['cv'])}, LV {_number(facts['lv'])}, of {of_cells}"
    yield (
        f"{indent}  Fano factor {_number(facts['fano'])}, correlation"
        f" {_number(facts['correlation'])}, in bins of {facts['psth']['bin_ms']:g} ms"
    )


def _layer_rows(signals: dict[str, Any]) -> Iterator[list[str]]:
    """Means over the channels of a layer, a row each signal."""
    bands = list(next(iter(signals.values()))["band_power"])
    yield ["signal", "channels", "mean", "sd", "peak to peak", *bands]
    for name, facts in signals.items():
        values = [facts[key] for key in ("mean", "sd", "peak_to_peak")]
        powers = [facts["band_power"][band] for band in bands]
        yield [name, str(facts["channels"]), *map(_number, [*values, *powers])]


def _density(facts: dict[str, Any]) -> Iterator[str]:
    """The CSD, where it is strongest."""
    spread = [float(value) for value in facts["sd_na_per_um3"]]
    best = spread.index(max(spread))
    yield (
        f"  CSD ({facts['method']}): standard deviation {1e6 * spread[best]:.3g} uA/mm3 at most,"
        f" at z = {facts['z_um'][best]:g} um"
    )


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
            f" {_number(features['half_width_ms'])} ms, repolarisation"
            f" {_number(features['repolarisation'])} {signal['units']}/ms"
        )
    if not facts["spikes"]:
        return
    strongest = [f"{band} {_number(max(values))}" for band, values in facts["coherence"].items()]
    yield f"    coherence with the spikes, of the most coherent channel: {', '.join(strongest)}"


def _csv(facts: dict[str, Any]) -> str:
    """One number a line: whose it is, of which channel, what it is called, and where it stands."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(("subject", "channel", "statistic", "at", "value"))
    for name, population in facts["populations"].items():
        for key, position, value in _train_numbers(population):
            writer.writerow((printable(name), "", key, position, _exact(value)))
    for name, signal in facts["signals"].items():
        for channel, key, position, value in _signal_numbers(signal):
            writer.writerow((printable(name), printable(channel), key, position, _exact(value)))
    for name, layer in facts.get("layers", {}).items():
        for population, numbers in layer["populations"].items():
            for key, position, value in _train_numbers(numbers):
                subject = printable(f"{name}: {population}")
                writer.writerow((subject, "", key, position, _exact(value)))
        for signal, means in layer["signals"].items():
            for key, value in {**means, **_powers(means["band_power"])}.items():
                if key != "band_power":
                    writer.writerow((printable(f"{name}: {signal}"), "", key, "", _exact(value)))
    return text.getvalue()


def _powers(bands: dict[str, Any]) -> dict[str, Any]:
    return {f"power of {band}": value for band, value in bands.items()}


def _train_numbers(facts: dict[str, Any]) -> Iterator[tuple[str, str, float]]:
    """Numbers of spikes: what each is called, the begin of its bin, ms, and the number."""
    for key, value in facts.items():
        if not isinstance(value, dict):
            yield key, "", value
    psth = facts["psth"]
    for k, rate in enumerate(psth["rate_hz"]):
        yield "psth_hz", f"{psth['begin_ms'] + k * psth['bin_ms']:.10g}", rate


def _signal_numbers(facts: dict[str, Any]) -> Iterator[tuple[str, str, str, float]]:
    """Numbers of a signal: channel, what each is called, frequency, time or height, the number."""
    for k, channel in enumerate(facts["channels"]):
        for key in ("mean", "sd", "peak_to_peak"):
            yield channel, key, "", facts[key][k]
        for key, powers in _powers(facts["band_power"]).items():
            yield channel, key, "", powers[k]
        spectrum = facts["spectrum"]
        for frequency, density in zip(
            spectrum["frequency_hz"], spectrum["density"][:, k], strict=True
        ):
            yield channel, "spectrum", f"{frequency:.10g}", density
    pairs = facts.get("coherence_with_next", {})
    for band, values in pairs.items():
        for channel, value in zip(facts["channels"], values, strict=False):
            yield channel, f"coherence with next, {band}", "", value
    if "csd" in facts:
        for key in ("mean_na_per_um3", "sd_na_per_um3"):
            for height, value in zip(facts["csd"]["z_um"], facts["csd"][key], strict=True):
                yield "", f"csd {key}", f"{height:.10g}", value
    for population, about in facts.get("spikes", {}).items():
        yield from _spike_numbers(population, about, facts["channels"])


def _spike_numbers(
    population: str, facts: dict[str, Any], channels: list[str]
) -> Iterator[tuple[str, str, str, float]]:
    for band, values in facts["coherence"].items():
        for channel, value in zip(channels, values, strict=True):
            yield channel, f"coherence with {population}, {band}", "", value
    features = dict(facts.get("features", {}))
    channel = channels[features.pop("channel")] if features else ""
    for key, value in features.items():
        yield channel, f"{key} about {population}", "", value
    mean = facts["triggered"]
    for k, row in enumerate(mean["mean"]):
        time = f"{mean['begin_ms'] + k * mean['dt_ms']:.10g}"
        for channel, value in zip(channels, row, strict=True):
            yield channel, f"mean about {population}", time, value


def _number(value: float) -> str:
    return "-" if value != value else f"{value:.3g}"


def _exact(value: float) -> str:
    return "" if value != value else f"{value:.17g}"

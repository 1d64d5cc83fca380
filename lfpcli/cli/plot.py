"""Draw what a recording holds: cells and contacts, spikes, membrane potentials, signals,
current source densities, current dipole moments and topographies of the head; or a morphology."""

from __future__ import annotations

import argparse
from typing import Any

from lfpcli import vocabulary
from lfpcli.cli import options

EPILOG = """\
examples:
  lfp plot lfp.h5 -o lfp.png
  lfp plot lfp.h5 --terminal
  lfp plot lfp.h5 --html page.html
  lfp plot lfp.h5 -o spikes.pdf --what spikes,vmem --time 20,60
  lfp plot lfp.h5 -o lfp.svg --signal shank --channels 0-7 --title "Shank at 30 um"
  lfp plot lfp.h5 -o cells.svg --what vmem --cells 0-3 --style talk
  lfp plot lfp.h5 -o map.png --map xz --at 26
  lfp plot lfp.h5 -o slanted.png --map 1,1,0 --at 26
  lfp plot lfp.h5 -o potentials.gif --map xz --time 24,34
  lfp plot lfp.h5 -o footprint.png --what footprint --cells 0
  lfp plot eeg.h5 -o topography.png --what topography --at 22,25,30
  lfp plot cells.h5 -o shares.png --what signals,shares,spectra
  lfp plot cells.h5 -o layers.png --what shares --layers L5=-100:200,L4=300:450
  lfp plot before.h5 after.h5 -o difference.png
  lfp plot network.h5 -o network.png
  lfp plot cell.swc -o cell.pdf --view yz
  lfp sim model.toml -o - | lfp plot - -o model.png

The same recording and options give the same bytes."""

# options of figures and films, and what they are where nothing is asked for
_OF_FIGURES = {
    "title": None,
    "size": None,
    "dpi": None,
    "style": vocabulary.PLOT_STYLES[0],
    "frames": vocabulary.FILM_FRAMES,
    "fps": vocabulary.FILM_RATE,
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument(
        "input",
        metavar="FILE",
        nargs="+",
        help="recording, templates, network or morphology, - is standard input; or recordings to"
        " draw over each other",
    )
    _add_parts(parser.add_argument_group("what is drawn"))
    _add_map(parser.add_argument_group("cells and potentials at one time"))
    _add_film(parser.add_argument_group("film (-o x.gif, .apng or .mp4)"))
    _add_looks(parser.add_argument_group("how it is drawn"))
    options.add_output(parser, "figure .png, .pdf or .svg, page .html, or film .gif, .apng, .mp4")
    parser.add_argument(
        "--html",
        metavar="FILE",
        help="one page for a browser, which needs nothing else: zoom, values, cells that turn,"
        " provenance and checks; as -o FILE --format html",
    )
    parser.add_argument(
        "--terminal",
        action="store_true",
        help="characters on standard output instead of a figure: traces, images and rasters, as"
        " wide as the terminal; in colours unless NO_COLOR is set or it is none",
    )


def _add_parts(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        "--what",
        dest="parts",
        type=_names,
        metavar="PART[,PART]...",
        help="of geometry, spikes, vmem or another variable, dipole, signals, topography, or"
        " the name of a signal, from top to bottom; all there is by default. Also spectra,"
        " spectrogram, shares (of populations, cells or currents), array (traces at the contacts)"
        " and footprint (mean about spikes, at the contacts)",
    )
    group.add_argument(
        "--signal",
        action="append",
        metavar="NAME",
        help="this signal, beside the cells; may be repeated",
    )
    group.add_argument(
        "--channels",
        type=_names,
        metavar="N[-M][,...]",
        help="channels of the signals, by number from 0, range, or name",
    )
    group.add_argument(
        "--cells",
        type=_names,
        metavar="GID[-GID][,...]",
        help="these cells: their variables and footprint, and drawn whole",
    )
    group.add_argument(
        "--synapses",
        metavar="NETWORK",
        help="mark the synapses of a file of lfp sim --save-network on the cells drawn whole",
    )
    group.add_argument(
        "--layers",
        type=options.layers,
        default={},
        metavar="NAME=LOW:HIGH[,...]",
        help="shares of a signal in the mean of the channels between two heights z, um",
    )
    group.add_argument("--time", type=_span, metavar="T0,T1", help="from T0 to T1, ms")
    group.add_argument(
        "--at",
        type=options.numbers,
        metavar="T[,T...]",
        help="time of maps, painted cells and topographies, ms; that of the strongest values by"
        " default. Of topographies up to six, beside each other",
    )
    group.add_argument(
        "--placement",
        type=int,
        metavar="N",
        help="template of this placement, from 0; the largest by default",
    )


def _add_map(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        "--paint",
        metavar="VARIABLE",
        help="cells in the colours of a recorded variable of all segments, such as vmem, at the"
        " time --at",
    )
    group.add_argument(
        "--map",
        type=_plane,
        metavar="PLANE",
        help="potentials in this plane (xz, yz, xy, or its normal NX,NY,NZ) at the time --at, from"
        " the membrane currents and the conductor of the first probe (or --signal); beside what"
        " --what names",
    )
    group.add_argument(
        "--plane",
        type=options.finite,
        metavar="C",
        help="distance of the plane along its normal, um; that of the somata by default",
    )
    group.add_argument(
        "--extent",
        type=_extent,
        metavar="L,R,B,T",
        help="ends of the map to the left, right, bottom and top, um",
    )
    group.add_argument(
        "--scale",
        choices=vocabulary.MAP_SCALES,
        default=vocabulary.MAP_SCALES[0],
        help="colours: a symmetric logarithm of three decades, or linear (log)",
    )


def _add_film(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        "--frames",
        type=_frames,
        default=vocabulary.FILM_FRAMES,
        metavar="N",
        help="most pictures, evenly spread over the time span (60)",
    )
    group.add_argument(
        "--fps",
        type=_fps,
        default=vocabulary.FILM_RATE,
        metavar="N",
        help="pictures a second (15)",
    )


def _add_looks(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        "--style",
        choices=vocabulary.PLOT_STYLES,
        default=vocabulary.PLOT_STYLES[0],
        help="for two columns of a journal, for a slide, or for a slide on dark ground (paper)",
    )
    group.add_argument(
        "--form",
        choices=vocabulary.SIGNAL_FORMS,
        default=vocabulary.SIGNAL_FORMS[0],
        help="of signals: traces, or an image of time and depth; auto takes the image for a"
        " current source density and above 32 channels",
    )
    group.add_argument(
        "--view",
        choices=vocabulary.VIEWS,
        default=vocabulary.VIEWS[0],
        help="plane of the cells (xz)",
    )
    group.add_argument(
        "--max-cells",
        type=options.positive_int,
        default=20,
        metavar="N",
        help="most cells drawn whole; of the others the soma is marked (20)",
    )
    group.add_argument("--title", metavar="TEXT", help="heading")
    group.add_argument(
        "--size",
        type=_size,
        metavar="W[,H]",
        help="width and height, inches; the height is what the parts need by default",
    )
    group.add_argument(
        "--dpi", type=_dpi, metavar="N", help="pixels per inch (200; 300 for a slide)"
    )
    group.add_argument(
        "--format",
        choices=vocabulary.FIGURE_FORMATS,
        help="by the suffix of -o by default, else png",
    )


def run(args: argparse.Namespace) -> None:
    """Draw."""
    from lfpcli.errors import UsageError
    from lfpcli.tasks.figures.panels import View
    from lfpcli.tasks.figures.plot import plot

    if args.map is None and (args.plane is not None or args.extent is not None):
        raise UsageError(
            "--plane and --extent are of a map", remedy="give --map xz, yz, xy or a normal"
        )
    if args.layers and "shares" not in (args.parts or ()):
        raise UsageError("--layers are of shares", remedy="give --what shares")
    signals = args.signal or []
    times: list[float] = args.at or []
    if len(times) > 1 and (args.map is not None or args.paint is not None):
        raise UsageError("a map and painted cells show one time", remedy="give one --at")
    view = View(
        # beside a map, the signal is that of the map
        beside=signals if args.map is None else (),
        time=args.time,
        at=times[0] if len(times) == 1 else None,
        times=times if len(times) > 1 else (),
        cells=args.cells,
        paint=args.paint,
        synapses=args.synapses,
        layers=args.layers,
        channels=args.channels,
        form=args.form,
        view=args.view,
        max_cells=args.max_cells,
        placement=args.placement,
        map=args.map,
        plane=args.plane,
        extent=args.extent,
        scale=args.scale,
        signal=signals[0] if signals else None,
    )
    if args.html is not None and (args.output or args.format or args.terminal):
        raise UsageError(
            "--html names the output and its format", remedy="leave -o, --format, --terminal out"
        )
    if args.terminal:
        _print_characters(args, view)
        return
    plot(
        args.input,
        args.html or args.output or "-",
        parts=args.parts,
        view=view,
        file_format="html" if args.html else args.format,
        size=args.size,
        style=args.style,
        dpi=args.dpi,
        frames=args.frames,
        fps=args.fps,
        title=args.title,
        force=args.force,
    )


def _print_characters(args: argparse.Namespace, view: Any) -> None:
    """Print the recording as characters."""
    from rich.console import Console

    from lfpcli.errors import UsageError, printable
    from lfpcli.tasks.figures.terminal import terminal_picture

    if args.output or args.format or len(args.input) > 1:
        raise UsageError(
            "--terminal draws one recording on standard output", remedy="leave -o and --format out"
        )
    for option, usual in _OF_FIGURES.items():
        if getattr(args, option) != usual:
            raise UsageError(
                f"characters are drawn without --{option}", remedy=f"leave --{option} out"
            )
    console = Console(highlight=False, soft_wrap=True)
    lines = terminal_picture(
        args.input[0],
        parts=args.parts,
        view=view,
        width=console.width,
        coloured=console.color_system is not None and not console.no_color,
    )
    for line in lines:
        # names of the recording do not steer the terminal
        harmless = line.plain.isprintable()
        console.print(line if harmless else printable(line.plain), markup=False)


def _names(text: str) -> list[str]:
    names = [name.strip() for name in text.split(",")]
    if not all(names):
        raise argparse.ArgumentTypeError(f"'{text}' has an empty name")
    return names


def _span(text: str) -> tuple[float, float]:
    values = options.numbers(text)
    if len(values) != 2 or values[0] >= values[1]:
        raise argparse.ArgumentTypeError(f"'{text}' is not two rising times T0,T1")
    return values[0], values[1]


def _plane(text: str) -> str | tuple[float, float, float]:
    if text in vocabulary.VIEWS:
        return text
    try:
        values = options.numbers(text)
    except argparse.ArgumentTypeError:
        values = []
    if len(values) != 3 or not any(values):
        views = ", ".join(vocabulary.VIEWS)
        raise argparse.ArgumentTypeError(f"'{text}' is neither {views} nor a normal NX,NY,NZ")
    return values[0], values[1], values[2]


def _extent(text: str) -> tuple[float, float, float, float]:
    values = options.numbers(text)
    if len(values) != 4 or values[0] >= values[1] or values[2] >= values[3]:
        raise argparse.ArgumentTypeError(f"'{text}' is not LEFT,RIGHT,BOTTOM,TOP, both rising")
    return values[0], values[1], values[2], values[3]


def _size(text: str) -> tuple[float, float | None]:
    values = options.numbers(text)
    if not 1 <= len(values) <= 2 or not all(1.0 <= v <= 100.0 for v in values):
        raise argparse.ArgumentTypeError(f"'{text}' is not one or two lengths of 1 to 100 inches")
    return values[0], values[1] if len(values) == 2 else None


def _frames(text: str) -> int:
    value = options.positive_int(text)
    if not 2 <= value <= 1000:
        raise argparse.ArgumentTypeError(f"'{text}' is not from 2 to 1000")
    return value


def _fps(text: str) -> float:
    value = options.positive(text)
    if not 1.0 <= value <= 50.0:
        raise argparse.ArgumentTypeError(f"'{text}' is not from 1 to 50")
    return value


def _dpi(text: str) -> float:
    value = options.positive(text)
    if not 10.0 <= value <= 2400.0:
        raise argparse.ArgumentTypeError(f"'{text}' is not from 10 to 2400")
    return value

"""Turn recordings into the files of other tools, and their files into recordings.

The suffix of OUTPUT says the format, or --to does; .h5 is a recording. What FILE is, is told by
what is in it. What a format cannot hold is told on standard error."""

from __future__ import annotations

import argparse
import os

from lfpcli.cli import options

EPILOG = """\
examples:
  lfp convert lfp.h5 lfp.npz
  lfp convert lfp.h5 lfp.csv --signal LFP --time 0,50 --channels 0:4
  lfp convert lfp.h5 lfp.nwb --signal LFP --signal spikes
  lfp convert lfp.h5 sonata/ --to sonata
  lfp convert simulation_config.json run.h5
  lfp convert im.h5 run.h5 --circuit simulation_config.json
  lfp convert spikes.gdf spikes.h5
  lfp convert sweep/ table.csv
  lfp convert --list

exit codes: 0 done, 2 usage, 3 bad input, 4 output exists or cannot be written, 6 a package
  that the format needs is not installed"""


# options of files, which say nothing of the table that a sweep becomes
_OF_FILES = (
    *("--to", "--from", "--signal", "--time", "--channels", "--resample", "--units"),
    *("--dtype", "--dt", "--circuit", "--cell-type"),
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("file", metavar="FILE", nargs="?", help="what to convert, or -")
    parser.add_argument("output", metavar="OUTPUT", nargs="?", help="what to write")
    parser.add_argument("--list", action="store_true", help="list the formats")
    parser.add_argument("--to", metavar="FORMAT", help="format of OUTPUT, see --list")
    parser.add_argument("--from", dest="from_", metavar="FORMAT", help="format of FILE")
    parser.add_argument("-f", "--force", action="store_true", help="overwrite an existing OUTPUT")
    options.add_json(parser)
    group = parser.add_argument_group("what of it")
    group.add_argument(
        "--signal",
        action="append",
        default=[],
        metavar="NAME",
        help="a signal, dipole/GROUP, VARIABLE/POPULATION, or spikes; repeatable (all)",
    )
    group.add_argument("--time", type=options.pair, metavar="FROM,TO", help="span of time, ms")
    group.add_argument(
        "--channels", type=_texts, default=[], metavar="NAME,...", help="channels, or 0:32"
    )
    group.add_argument(
        "--resample", type=options.positive, metavar="MS", help="sampling interval to change to"
    )
    group.add_argument("--units", metavar="UNIT", help="unit to change to, such as uV")
    group.add_argument(
        "--dtype", choices=("float64", "float32"), help="type of the samples (float64)"
    )
    group.add_argument(
        "--dt", type=options.positive, metavar="MS", help="sampling interval that FILE lacks"
    )
    group.add_argument(
        "--circuit",
        metavar="CONFIG",
        help="SONATA configuration of the run that wrote FILE: where its cells are",
    )
    group.add_argument(
        "--cell-type", metavar="NAME", help="what MEArec is to call the cell of templates"
    )


def _texts(text: str) -> list[str]:
    parts = [part.strip() for part in text.split(",") if part.strip()]
    if not parts:
        raise argparse.ArgumentTypeError("no channel is named; give names, or ranges such as 0:32")
    return parts


def run(args: argparse.Namespace) -> None:
    """Convert, or list the formats."""
    from lfpcli.errors import UsageError

    if args.list:
        _list(args.json)
        return
    if args.file is None or args.output is None:
        raise UsageError("FILE and OUTPUT are needed", remedy="lfp convert in.h5 out.npz")
    if args.json:
        raise UsageError("--json goes with --list", remedy="leave it out")
    if os.path.isfile(os.path.join(args.file, "sweep.json")):  # noqa: PTH113, PTH118
        _gather(args)
        return
    from lfpcli.tasks.convert.convert import convert
    from lfpcli.tasks.convert.selection import Selection
    from lfpcli.tasks.convert.unheeded import Formats

    selection = Selection(
        signals=args.signal,
        time=args.time,
        channels=args.channels,
        resample=args.resample,
        units=args.units,
        dtype={"float64": "f8", "float32": "f4"}.get(args.dtype),
    )
    formats = Formats(
        to=args.to, from_=args.from_, dt=args.dt, circuit=args.circuit, cell_type=args.cell_type
    )
    with args.console.progress("converting", 1.0, "") as progress:
        convert(
            args.file,
            args.output,
            selection,
            formats,
            force=args.force,
            command=[word for word in args.command_line if word != args.output],
            progress=progress,
        )


def _gather(args: argparse.Namespace) -> None:
    """Write the runs of a sweep as one table."""
    from pathlib import Path

    from lfpcli.errors import UsageError

    for option in _OF_FILES:
        if getattr(args, option.strip("-").replace("-", "_").replace("from", "from_")):
            raise UsageError(
                f"{option} does not go with the table of a sweep", remedy="leave it out"
            )
    from lfpcli.tasks.sweep.table import write_table

    write_table(Path(args.file), args.output, force=args.force)


def _list(as_json: bool) -> None:
    from lfpcli.cli.facts import table, to_json
    from lfpcli.tasks.convert.convert import known_formats

    known = known_formats()
    if as_json:
        print(to_json(known))
        return
    for direction, title in (("out", "written"), ("in", "read")):
        print(f"{title}:")
        rows = [[each["name"], each["suffixes"], each["keeps"]] for each in known[direction]]
        print("\n".join(table(rows)))

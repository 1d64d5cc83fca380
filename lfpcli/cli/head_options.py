"""What the commands for EEG and MEG share: placing dipoles, and writing the signals."""

from __future__ import annotations

import argparse
from typing import Any

from lfpcli import vocabulary
from lfpcli.cli import options


def add_dipoles(parser: argparse.ArgumentParser, site: str = "") -> None:
    """Declare where the dipoles are and what they are made of."""
    group = parser.add_argument_group("dipoles")
    group.add_argument(
        "--position",
        type=position,
        metavar="X,Y,Z",
        help=f"where in the head they are, um{site}",
    )
    group.add_argument(
        "--direction",
        type=options.triple,
        metavar="X,Y,Z",
        help="where the z axis of the cells points to (along z)",
    )
    group.add_argument(
        "--normal", action="store_true", help="turn it onto the normal of the surface there"
    )
    group.add_argument(
        "--placements",
        metavar="FILE",
        help="a place for each cell: .csv with the columns gid,x,y,z and, where wanted, nx,ny,nz",
    )
    group.add_argument(
        "--per",
        choices=vocabulary.GROUPS,
        default=vocabulary.TOTAL,
        help="keep the shares of populations or cells, too (total)",
    )
    group.add_argument(
        "--multi-dipole",
        action="store_true",
        help="the axial currents, each at its place, instead of one dipole per cell or population;"
        " needs stored membrane currents",
    )


def add_result(parser: argparse.ArgumentParser, name: str) -> None:
    """Declare what is written."""
    options.add_output(parser, "recording with the signal added")
    group = parser.add_argument_group("signal")
    group.add_argument(
        "--name",
        type=signal_name,
        default=name,
        metavar="NAME",
        help=f"name of the signal ({name})",
    )
    group.add_argument("--float32", action="store_true", help="keep samples in single precision")


def placement(args: argparse.Namespace) -> dict[str, Any]:
    """Keys of `InHead` from the options."""
    return {
        "name": args.name,
        "position": args.position,
        "direction": args.direction,
        "normal": args.normal,
        "placements": args.placements,
        "multi_dipole": args.multi_dipole,
        "per": args.per,
    }


def compute(args: argparse.Namespace, table: Any) -> None:
    """Measure, and tell how well dipoles stand for the cells, where asked."""
    from lfpcli.tasks.head.signals import Job, head_signals

    notes: list[str] = []
    with args.console.progress(args.name, 1.0, "") as done:
        job = Job(
            source=args.input,
            target=args.output or vocabulary.STDIN,
            command=args.command_line,
            force=args.force,
            float32=args.float32,
            progress=done,
            note=notes.append,
        )
        ratios = head_signals(table, job, check=bool(args.verbose))
    for note in notes:
        args.console.note(note)
    for population, ratio in ratios.items():
        args.console.detail(
            f"far field of all segments over that of the dipole, {population}: {ratio:.4f}"
        )
    if args.verbose and not ratios:
        args.console.detail("far field not checked: no membrane currents are stored")


def position(text: str) -> list[float] | str:
    """argparse type: three numbers, or the name of a site."""
    return options.triple(text) if "," in text or text[:1].isdigit() else text


def names(text: str) -> list[str]:
    """argparse type: names separated by commas."""
    parts = [part.strip() for part in text.split(",")]
    if not all(parts):
        raise argparse.ArgumentTypeError(f"'{text}' has an empty name")
    return parts


def signal_name(text: str) -> str:
    """argparse type: a name that serves as one in HDF5."""
    if not text or "/" in text or text in (".", "..") or not text.isprintable():
        raise argparse.ArgumentTypeError(f"'{text}' cannot name a signal")
    return text

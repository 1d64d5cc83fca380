"""Options of ``lfp probe`` that write templates of one cell at many places."""

from __future__ import annotations

import argparse
from typing import Any

from lfpcli import vocabulary
from lfpcli.cli import options

_ONLY_WITH = (
    "placement_box",
    "turn",
    "min_distance",
    "path",
    "cell",
    "cell_type",
    "window",
    "spike_window",
    *("path_box", "path_length"),
    *("beta", "spike", "align", "amplitude", "check_shape", "plane"),
)
_NOT_WITH = ("csd", "per", "name", "noise", "keep_currents")


def add(group: Any) -> None:
    """Declare the options of templates."""
    group.add_argument(
        "--placements", metavar="N|FILE", help="write templates: N random places, or those of FILE"
    )
    group.add_argument(
        "--placement-box",
        type=options.box,
        metavar="X0,X1,Y0,Y1,Z0,Z1",
        help="where random somata go, um (the extent of the contacts and 50 um about it)",
    )
    group.add_argument(
        "--beta",
        type=options.pair,
        metavar="A,B",
        help="their x by the beta distribution of A and B over the box (uniform)",
    )
    group.add_argument(
        "--turn",
        metavar="TURN",
        help=f"how they are turned: {', '.join(vocabulary.TURNS)}, tiltN: z within N deg, or as"
        f" MEArec does it: {', '.join(vocabulary.MEAREC_TURNS)} (any)",
    )
    group.add_argument(
        "--min-distance",
        type=options.non_negative,
        metavar="UM",
        help="least distance of the contacts from the surface of the soma, um",
    )
    group.add_argument(
        "--cell",
        type=_cell,
        metavar="GID|all",
        help="the cell, where there are many, or each of them",
    )
    group.add_argument(
        "--cell-type", metavar="NAME", help="what kind of cell it is (its population)"
    )
    group.add_argument(
        "--path",
        type=_path,
        metavar="X,Y,Z:STEPS",
        help="so many places from each one to X,Y,Z um from it, for cells that drift",
    )
    group.add_argument(
        "--path-box",
        type=_path_box,
        metavar="X0,X1,Y0,Y1,Z0,Z1:STEPS",
        help="the same to a place drawn for each in this box from it",
    )
    group.add_argument(
        "--path-length",
        type=options.pair,
        metavar="LOW,HIGH",
        help="length of the paths that are drawn, um",
    )
    when = group.add_mutually_exclusive_group()
    when.add_argument(
        "--window", type=options.pair, metavar="T0,T1", help="the part of the run, ms (all)"
    )
    when.add_argument(
        "--spike-window",
        type=options.pair,
        metavar="BEFORE,AFTER",
        help="that long before and after spikes, ms",
    )
    _add_spikes(group)


def _add_spikes(group: Any) -> None:
    """Declare the options of what spikes are shown, and how."""
    group.add_argument(
        "--spike",
        metavar="WHICH",
        help=f"which spike: {', '.join(vocabulary.SPIKES)}, or a number from 1 on (mean)",
    )
    group.add_argument(
        "--align", choices=("trough",), help="put the deepest trough on the sample of the spike"
    )
    group.add_argument(
        "--amplitude",
        type=options.pair,
        metavar="LOW,HIGH",
        help="draw again where the deepest trough is outside of this range, mV",
    )
    group.add_argument(
        "--check-shape", action="store_true", help="... or smaller than the largest peak"
    )
    group.add_argument(
        "--plane",
        choices=vocabulary.AXES,
        help="contacts lie on an insulating plane normal to this axis",
    )


def _path(text: str) -> tuple[list[float], int]:
    """argparse type: a vector and a number of places, ``x,y,z:n``."""
    vector, sign, count = text.partition(":")
    if not sign or not count.isdigit() or int(count) < 2:
        raise argparse.ArgumentTypeError(f"'{text}' is not X,Y,Z:STEPS with 2 steps or more")
    return options.triple(vector), int(count)


def _path_box(text: str) -> tuple[list[list[float]], int]:
    """argparse type: a box and a number of places, ``x0,x1,y0,y1,z0,z1:n``."""
    box, sign, count = text.partition(":")
    if not sign or not count.isdigit() or int(count) < 2:
        raise argparse.ArgumentTypeError(f"'{text}' is not X0,X1,Y0,Y1,Z0,Z1:STEPS")
    return options.box(box), int(count)


def _cell(text: str) -> int | str:
    """argparse type: a gid, or all cells."""
    return text if text == vocabulary.ALL else options.non_negative_int(text)


def given(args: argparse.Namespace) -> bool:
    """Whether templates are asked for; options of theirs alone are refused where not."""
    if args.placements is None:
        _refuse(args, _ONLY_WITH, "goes with --placements")
    return args.placements is not None


def write_templates(args: argparse.Namespace, spec: Any, treatment: Any) -> None:
    """Write the templates of a probe."""
    from lfpcli.tasks.measure.cell_currents import Cut
    from lfpcli.tasks.measure.spike_shapes import Shapes
    from lfpcli.tasks.measure.spike_templates import Subjects, templates
    from lfpcli.tasks.measure.template_places import Places

    _refuse(args, _NOT_WITH, "does not go with --placements")
    if args.spike_window is None:
        _refuse(args, ("spike", "align"), "goes with --spike-window")
    text = args.placements
    random = text.isascii() and text.isdigit()
    if not random:
        _refuse(args, ("placement_box", "beta", "turn"), "goes with a number of --placements")
    draws = random or args.path_box is not None
    seed = options.drawn_seed(args) if draws and args.seed is None else args.seed
    with args.console.progress("placing", 1.0, "") as progress:
        templates(
            args.files,
            args.output or "-",
            spec,
            places=Places(
                source=int(text) if random else text,
                box=args.placement_box,
                turn=args.turn or "any",
                beta=args.beta,
                min_distance=args.min_distance,
                seed=seed or 0,
                path=_drift_path(args),
            ),
            cut=Cut(args.window, args.spike_window, args.spike or "mean"),
            shapes=Shapes(
                amplitude=args.amplitude,
                troughs=args.check_shape,
                aligned=args.align is not None,
            ),
            subjects=Subjects(gid=args.cell, cell_type=args.cell_type, plane=args.plane),
            force=args.force,
            float32=args.float32,
            treatment=treatment,
            command=args.command_line,
            progress=progress,
        )


def _drift_path(args: argparse.Namespace) -> Any:
    """The paths that are asked for, None where there are none."""
    from lfpcli.errors import UsageError
    from lfpcli.tasks.measure.template_places import Path

    if args.path is not None and args.path_box is not None:
        raise UsageError("both --path and --path-box are given", remedy="give one of them")
    if args.path_box is None:
        if args.path_length is not None:
            raise UsageError("--path-length goes with --path-box")
        return Path(vector=args.path[0], steps=args.path[1]) if args.path else None
    box, steps = args.path_box
    return Path(box=box, steps=steps, lengths=args.path_length or (0.0, float("inf")))


def _refuse(args: argparse.Namespace, names: tuple[str, ...], why: str) -> None:
    from lfpcli.errors import UsageError

    for name in names:
        if getattr(args, name) not in (None, False):
            raise UsageError(f"--{name.replace('_', '-')} {why}")

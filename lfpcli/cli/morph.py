"""Summarise morphologies, change their place and shape, and convert them.

The summary gives sections, segments, lengths and areas per kind, extent, branching, and what
looks wrong. Read are SWC, HDF5 (MorphIO's layout), NeuroML, Neurolucida's .asc, and .hoc, which is
run; written are SWC and HDF5. Sections have NEURON's names and order.

On a terminal the summary is printed. In a pipe, without -o or --json, the cell itself is written
as SWC with the summary as comments, so that the next command can read it.

Positions refer to the middle of the soma: mirror, rotation and distortion are about it, and
--shift X,Y,Z puts it there (0,0,0 centres the cell). A cell without a soma is taken at its root.
Changes apply in the order scale, distort, mirror, rotate, shift, whatever their order here."""

from __future__ import annotations

import argparse

from lfpcli.cli import options
from lfpcli.cli.facts import lines

EPILOG = """\
examples:
  lfp morph builtin:l5_pyramidal
  lfp morph builtin:l5_pyramidal builtin:basket --json
  lfp morph builtin:basket --rotate x=90,z=30 --shift 0,0,100 -o cell.h5
  lfp morph builtin:stick --mirror x | lfp morph - -o mirrored.swc
  lfp morph broken.swc --repair -o mended.swc

exit codes: 0 done, 2 usage, 3 bad input (file and line are named), 4 output exists or cannot
  be written, 5 hoc code fails
cite: Hines and Carnevale (2001), Neuroscientist 7:123, for the d_lambda rule;
  Cannon et al. (1998), J Neurosci Methods 84:49, for SWC"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument(
        "inputs",
        metavar="FILE",
        nargs="+",
        help="morphology, .swc .h5 .asc .hoc .xml .nml; - is standard input",
    )
    parser.add_argument(
        "--repair",
        action="store_true",
        help="mend an SWC file (lines that are no points, decimal commas, repeated ids, lost"
        " parents, loops, several roots, a soma that is an outline or not the root, values that"
        " are not finite, radii, order) and say how",
    )
    parser.add_argument("--cell", metavar="ID", help="which cell of a NeuroML file of several")
    options.add_json(parser)
    group = parser.add_argument_group("place and shape")
    group.add_argument(
        "--rotate", metavar="X=DEG,...", help="turn about fixed axes, x then y then z; or order=zyx"
    )
    group.add_argument(
        "--shift", type=options.triple, metavar="X,Y,Z", help="where the soma goes, um"
    )
    group.add_argument("--mirror", metavar="AXES", help="change the sign along x, y or z")
    group.add_argument(
        "--distort",
        metavar="Z=F[,nu=N]",
        help="squeeze along an axis by the share F, widen across by N F; diameters stay",
    )
    group.add_argument(
        "--scale",
        type=options.positive,
        default=1.0,
        metavar="F",
        help="multiply coordinates and diameters",
    )
    _add_segments(parser)
    options.add_output(parser, "morphology, .swc or .h5, or the summary, .json")


def _add_segments(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("counting of segments")
    for name, letter, default, text in (
        ("--d-lambda", "X", 0.1, "largest length in units of the length constant (0.1)"),
        ("--frequency", "HZ", 100.0, "at which the length constant is taken, Hz (100)"),
        ("--ra", "R", None, "axial resistivity, ohm cm (as the file has it, else 35.4)"),
        ("--cm", "C", None, "membrane capacitance, uF/cm2 (as the file has it, else 1)"),
        ("--max-length", "L", None, "instead: largest length of a segment, um"),
    ):
        group.add_argument(name, type=options.positive, default=default, metavar=letter, help=text)


def run(args: argparse.Namespace) -> None:
    """Summarise, transform, write."""
    from lfpcli.errors import InputError, UsageError
    from lfpcli.io.stream import stdout_is_terminal
    from lfpcli.morphology.measures import Segmentation
    from lfpcli.tasks import morph as task

    rule = Segmentation(
        d_lambda=args.d_lambda,
        frequency=args.frequency,
        Ra=args.ra,
        cm=args.cm,
        max_length=args.max_length,
    )
    cells = []
    refused: list[InputError] = []
    for source in args.inputs:
        try:
            cell = task.read(source, repair=args.repair, cell_id=args.cell)
        except InputError as error:
            if not args.json:
                raise
            # what is wrong is told among the data too, and of all files
            refused.append(error)
            continue
        cells.append(
            task.transform(
                cell,
                scale=args.scale,
                distort=args.distort,
                mirror=args.mirror,
                rotate=args.rotate,
                shift=args.shift,
            )
        )
    if args.output is not None and not refused:
        if args.json and args.output == "-":
            raise UsageError("--json and -o - both ask for standard output", remedy="take one")
        task.save(cells, args.output, rule=rule, force=args.force)
        if not args.json:
            return
    if args.json:
        print(task.summary_json(cells, rule, refused), end="")
    elif args.output is None and len(cells) == 1 and not stdout_is_terminal():
        task.save(cells, "-", rule=rule)
    else:
        print(*(lines(task.summary_lines(task.summarise(c, rule))) for c in cells), sep="\n\n")
    if refused:
        raise refused[0]

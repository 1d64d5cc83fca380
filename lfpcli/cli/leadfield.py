"""Solve a medium of regions for contacts.

The lead fields go into a file, with which lfp probe --lead-field and a [[probe]] with the key
lead_field measure any number of recordings and runs. A medium that a probe states itself is solved
each time."""

from __future__ import annotations

import argparse
import os

from lfpcli.cli import options

EPILOG = """\
examples:
  lfp leadfield medium.toml --name shank -o lead.h5
  lfp leadfield mea.csv --medium slice_medium.toml -o lead.h5
  lfp leadfield 30,0,0 --medium 'regions=[{slab={high=0}, sigma=0}]' -o lead.h5
  lfp probe run.h5 --lead-field lead.h5 -o signals.h5

exit codes: 0 done, 2 usage, 3 bad input, 4 output exists or cannot be written"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument(
        "source",
        metavar="SOURCE",
        type=options.point_or_file,
        help="model file with a probe, array by name, table of x, y, z in um, or x,y,z",
    )
    options.add_output(parser, "lead fields to write", required=True)
    parser.add_argument(
        "--medium", metavar="TABLE", help="regions and background, or a .toml file of them"
    )
    parser.add_argument("--name", metavar="NAME", help="probe of the model")
    options.add_json(parser)


def run(args: argparse.Namespace) -> int:
    """Solve and write."""
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    from lfpcli.cli.facts import lines, table, to_json
    from lfpcli.tasks.measure.lead_fields import make_lead_fields
    from lfpcli.tasks.measure.probe import medium_value

    rows = make_lead_fields(
        args.source,
        args.output,
        medium=None if args.medium is None else medium_value(args.medium),
        name=args.name,
        force=args.force,
        command=args.command_line,
    )
    heads = ["contact", "error", "largest", "cells"]
    if args.json:
        print(to_json([dict(zip(heads, row, strict=True)) for row in rows]))
    elif args.verbose:
        text = [[name, f"{error:.1e}", f"{most:.1e}", str(n)] for name, error, most, n in rows]
        args.console.detail(lines(table([heads, *text])))
    worst = max(error for _, error, _, _ in rows)
    args.console.note(f"{len(rows)} contacts, error at most {worst:.1e} (median about a contact)")
    return 0

"""Solve a medium of regions for contacts, or the mesh of a head for electrodes.

The lead fields go into a file. With those of contacts lfp probe --lead-field and a [[probe]] with
the key lead_field measure any number of recordings and runs; a medium that a probe states itself is
solved each time. Those of a mesh are for lfp eeg --model lead-field --head-model FILE."""

from __future__ import annotations

import argparse
import os

from lfpcli.cli import options

EPILOG = """\
examples:
  lfp leadfield medium.toml --name shank -o lead.h5
  lfp leadfield mea.csv --medium slice_medium.toml -o lead.h5
  lfp leadfield 30,0,0 --medium 'regions=[{slab={high=0}, sigma=0}]' -o lead.h5
  lfp probe out.h5 --lead-field lead.h5 -o signals.h5
  lfp leadfield 0,0,0 --fields comsol.txt --current 1e-9 -o lead.h5
  lfp leadfield --mesh head.msh --sigma tissues.csv --electrodes 10-10 --sources brain -o head.h5

exit codes: 0 done, 2 usage, 3 bad input, 4 output exists or cannot be written"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument(
        "source",
        metavar="SOURCE",
        nargs="?",
        type=options.point_or_file,
        help="model file with a probe, array by name, table of x, y, z in um, or x,y,z",
    )
    options.add_output(parser, "lead fields to write", required=True)
    parser.add_argument(
        "--medium", metavar="TABLE", help="regions and background, or a .toml file of them"
    )
    parser.add_argument("--name", metavar="NAME", help="probe of the model")
    options.add_json(parser)
    fields = parser.add_argument_group("potentials of other solvers")
    fields.add_argument(
        "--fields",
        metavar="FILE",
        nargs="+",
        help="one for each contact: COMSOL's text or Sim4Life's HDF5",
    )
    fields.add_argument(
        "--current",
        type=options.finite,
        metavar="A",
        help="current at the contact, where the files do not tell it",
    )
    group = parser.add_argument_group("mesh of a head")
    group.add_argument("--mesh", metavar="FILE", help="tetrahedra, Gmsh's .msh")
    group.add_argument("--sigma", metavar="FILE", help=".csv of tissues: tag,name,sigma")
    group.add_argument(
        "--electrodes", metavar="NAME|FILE", help="10-20, 10-10, 10-05, mne:NAME, or a file"
    )
    group.add_argument(
        "--sources",
        metavar="TISSUE|FILE",
        help="where dipoles may be: a tissue, or a table in um (brain or grey matter)",
    )
    group.add_argument(
        "--unit", choices=("um", "mm", "cm", "m"), default="mm", help="unit of the mesh (mm)"
    )
    group.add_argument(
        "--project", action="store_true", help="move electrodes of a file onto it from any distance"
    )


def run(args: argparse.Namespace) -> int:
    """Solve and write."""
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    if args.mesh is not None:
        return _mesh(args)
    _check_no_mesh(args)
    if args.fields is not None:
        return _foreign(args)
    from lfpcli.tasks.measure.lead_fields import make_lead_fields
    from lfpcli.tasks.measure.probe import medium_value

    rows = make_lead_fields(
        args.source,
        args.output,
        medium=None if args.medium is None else medium_value(args.medium),
        name=args.name,
        force=args.force,
        command=args.command_line,
        inputs=[] if args.medium is None else [args.medium],
    )
    _tell(args, rows)
    return 0


def _foreign(args: argparse.Namespace) -> int:
    """Put potentials of other solvers onto grids, and write them."""
    from lfpcli.errors import UsageError
    from lfpcli.tasks.measure.lead_fields import make_foreign_fields

    if args.medium is not None or args.name is not None:
        raise UsageError("--fields has its medium", remedy="leave --medium and --name out")
    rows = make_foreign_fields(
        args.source,
        args.fields,
        args.output,
        current=args.current,
        force=args.force,
        command=args.command_line,
    )
    _tell(args, rows)
    return 0


def _tell(args: argparse.Namespace, rows: list[tuple[str, float, float, int]]) -> None:
    """Print the errors about the contacts."""
    from lfpcli.cli.facts import lines, table, to_json

    heads = ["contact", "error", "largest", "cells"]
    if args.json:
        print(to_json([dict(zip(heads, row, strict=True)) for row in rows]))
    elif args.verbose:
        text = [[name, f"{error:.1e}", f"{most:.1e}", str(n)] for name, error, most, n in rows]
        args.console.detail(lines(table([heads, *text])))
    worst = max(error for _, error, _, _ in rows)
    args.console.note(f"{len(rows)} contacts, error at most {worst:.1e} (median about a contact)")


def _check_no_mesh(args: argparse.Namespace) -> None:
    """Reject options of a mesh without one, and no source at all."""
    from lfpcli.errors import UsageError

    if args.source is None:
        raise UsageError("no source is given", remedy="name a model or contacts, or give --mesh")
    for option in ("sigma", "electrodes", "sources"):
        if getattr(args, option) is not None:
            raise UsageError(f"--{option} goes with --mesh", remedy="leave it out")
    if args.current is not None and args.fields is None:
        raise UsageError("--current goes with --fields", remedy="leave it out")
    if args.project or args.unit != "mm":
        raise UsageError("--unit and --project go with --mesh", remedy="leave them out")


def _mesh(args: argparse.Namespace) -> int:
    """Solve a mesh and write."""
    from lfpcli.cli.facts import lines, table, to_json
    from lfpcli.errors import UsageError
    from lfpcli.tasks.head.mesh_fields import MeshJob, make_mesh_fields

    lacking = [name for name in ("sigma", "electrodes") if getattr(args, name) is None]
    if lacking:
        raise UsageError(f"--mesh needs --{lacking[0]}", remedy="see lfp leadfield --help")
    if args.fields is not None or args.current is not None:
        raise UsageError("--mesh is solved here", remedy="leave --fields and --current out")
    if args.source is not None or args.medium is not None or args.name is not None:
        raise UsageError("--mesh goes without contacts and their medium", remedy="leave them out")
    job = MeshJob(
        mesh=args.mesh,
        tissues=args.sigma,
        electrodes=args.electrodes,
        sources=args.sources,
        unit=args.unit,
        project=args.project,
    )
    distances = make_mesh_fields(job, args.output, force=args.force, command=args.command_line)
    if args.json:
        rows = [{"electrode": name, "moved_um": moved} for name, moved in distances.items()]
        print(to_json(rows))
    elif args.verbose:
        text = [[name, f"{moved / 1e3:.2f} mm"] for name, moved in distances.items()]
        args.console.detail(lines(table([["electrode", "moved"], *text])))
    most = max(distances.values())
    args.console.note(f"{len(distances)} electrodes, moved onto the mesh by at most {most:.0f} um")
    return 0

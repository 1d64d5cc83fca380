"""Measure a recording: extracellular potentials or CSD from its membrane currents.

FILE is a recording that holds membrane currents (record.imem = true), or - for standard input.
The output holds all that FILE does, the currents excepted, and the signal.
"""

from __future__ import annotations

import argparse
import os
from typing import Any

from lfpcli import vocabulary
from lfpcli.cli import options, placement_options

EPILOG = """\
examples:
  lfp probe out.h5 --array Neuropixels-128 --shift 30,0,0 --sigma 0.3 -o lfp.h5
  lfp probe out.h5 --contacts contacts.csv --radius 7.5 --normal 0,1,0 -o lfp.h5
  lfp probe out.h5 --csd 'z=[-200,1000], dz=50, radius=150' -o csd.h5
  lfp probe out.h5 --contacts mea.csv --medium 'slice=300, sigma_saline=1.5' -o mea.h5
  lfp probe out.h5 --array Neuropixels-384 --placements 1000 --spike-window 2,5 -o templates.h5
  lfp probe --list

exit codes: 0 done, 2 usage, 3 bad input, 4 output exists or cannot be written
please cite: Holt and Koch 1999, J Comput Neurosci 6:169 (line source);
  Ness et al. 2015, Neuroinformatics 13:403 (slices, anisotropy)"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument(
        "files",
        metavar="FILE",
        nargs="*",
        help="recording, or -; with --placements several, a cell each",
    )
    options.add_output(parser, "recording to write")
    parser.add_argument("--list", action="store_true", help="list the arrays known by name")
    options.add_json(parser)
    targets = parser.add_argument_group("what measures (one of)").add_mutually_exclusive_group()
    targets.add_argument(
        "--array", metavar="NAME", help="array by name or file (.yaml, .json, .csv)"
    )
    targets.add_argument(
        "--contacts",
        type=options.point_or_file,
        metavar="FILE",
        help="table of x, y, z in um (.csv), or x,y,z",
    )
    targets.add_argument(
        "--lead-field", metavar="FILE", help="contacts in their medium, of lfp leadfield"
    )
    targets.add_argument("--csd", metavar="TABLE", help="volumes of CSD, as [[probe]] csd")
    _add_geometry(parser.add_argument_group("contacts"))
    model = parser.add_argument_group("forward model")
    model.add_argument("--method", choices=vocabulary.METHODS, help="kind of source (line)")
    model.add_argument(
        "--sigma", type=options.sigma, metavar="S/M", help="conductivity, one or three (0.3 S/m)"
    )
    model.add_argument(
        "--medium",
        metavar="TABLE",
        help="slice, sphere, half space or regions, or their .toml file",
    )
    model.add_argument(
        "--dispersion",
        metavar="TABLE",
        help="how conductivity depends on frequency, as [[probe]] dispersion",
    )
    model.add_argument(
        "--model",
        metavar="lfpykit:CLASS",
        help="measure with a model of LFPykit, and tell the difference to ours",
    )
    model.add_argument("--per", choices=vocabulary.GROUPS, help="shares to keep too")
    _add_treatment(parser.add_argument_group("signal"))
    placement_options.add(parser.add_argument_group("one cell at many places"))


def _add_geometry(group: Any) -> None:
    group.add_argument("--shift", type=options.triple, metavar="X,Y,Z", help="shift, um")
    group.add_argument(
        "--anchor",
        metavar="[GID:]SECTION",
        help="the shift counts from there: soma, apic[3], 7:dend[0](0.5)",
    )
    group.add_argument(
        "--rotate", metavar="x=A,y=A,z=A", help="rotation about its middle, before the shift, deg"
    )
    group.add_argument(
        "--radius",
        type=options.face,
        metavar="UM",
        help="faces to average over: radius, half a side, or array",
    )
    group.add_argument("--shape", choices=vocabulary.SHAPES, help="shape of the faces")
    group.add_argument("--normal", type=options.triple, metavar="X,Y,Z", help="where they look")
    group.add_argument(
        "--quadrature",
        type=options.positive_int,
        metavar="N",
        help="points in a face, wherever cells are",
    )


def _add_treatment(group: Any) -> None:
    group.add_argument("--name", help="name of the signal (LFP, or CSD)")
    group.add_argument("--noise", metavar="KIND:RMS[:UM]", help="white, pink or brown noise, mV")
    group.add_argument("--filter", metavar="LOW:HIGH", help="zero-phase Butterworth filter, Hz")
    group.add_argument(
        "--resample", type=options.positive, metavar="MS", help="sampling interval of the signal"
    )
    options.add_seed(group)
    group.add_argument("--float32", action="store_true", help="store samples in single precision")
    group.add_argument("--keep-currents", action="store_true", help="copy the currents too")


def run(args: argparse.Namespace) -> int:
    """Measure, or list arrays."""
    # a medium of regions is solved for one contact per thread
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    from lfpcli.errors import UsageError

    if args.list:
        return _list(args.json)
    if not args.files:
        raise UsageError("no recording is given", remedy="name one, or - for standard input")
    if placement_options.given(args):
        if args.model is not None:
            raise UsageError("--model goes with signals, not with templates", remedy="leave it out")
        if args.anchor is not None:
            raise UsageError(
                "--anchor goes with signals; templates place the cell itself", remedy="leave it out"
            )
        placement_options.write_templates(args, _spec(args), _treatment(args))
        return 0
    if len(args.files) > 1:
        raise UsageError("several recordings go with --placements", remedy="measure one at a time")
    from lfpcli.tasks.measure.probe import probe

    with args.console.progress("measuring", 1.0, "") as progress:
        difference = probe(
            args.files[0],
            args.output or "-",
            _spec(args),
            force=args.force,
            float32=args.float32,
            treatment=_treatment(args),
            keep_currents=args.keep_currents,
            other_model=args.model,
            anchor=args.anchor,
            command=args.command_line,
            progress=progress,
            report=args.console.detail,
        )
    if difference is not None:
        args.console.note(str(difference))
    return 0


def _list(as_json: bool) -> int:
    from lfpcli.cli.facts import lines, to_json
    from lfpcli.io.arrays import array_files

    files = {name: str(path) for name, path in sorted(array_files().items())}
    print(to_json(files) if as_json else lines(files))
    return 0


def _spec(args: argparse.Namespace) -> Any:
    from lfpcli.forward.rotations import parse_rotation
    from lfpcli.tasks.measure.probe import inline_table, probe_table

    geometry = ("array", "contacts", "shift", "radius", "shape", "normal", "quadrature")
    names = (*geometry, "lead_field", "method", "sigma", "per")
    return probe_table(
        {
            **{name: getattr(args, name) for name in names},
            "name": args.name or ("LFP" if args.csd is None else "CSD"),
            "rotate": parse_rotation(args.rotate) if args.rotate else None,
            "csd": inline_table(args.csd, "--csd") if args.csd else None,
            "medium": _medium(args.medium),
            "dispersion": inline_table(args.dispersion, "--dispersion")
            if args.dispersion
            else None,
        }
    )


def _medium(text: str | None) -> Any:
    from lfpcli.tasks.measure.probe import medium_value

    return medium_value(text) if text else None


def _treatment(args: argparse.Namespace) -> Any:
    from lfpcli.forward.treatment import Treatment, parse_band, parse_noise

    seed = options.drawn_seed(args) if args.noise and args.seed is None else args.seed
    return Treatment(
        noise=parse_noise(args.noise, seed or 0) if args.noise else None,
        band=parse_band(args.filter) if args.filter else None,
        resample=args.resample,
    )

"""Compare two files, and say where they differ first and by how much.

Recordings and other HDF5 files are compared dataset by dataset and attribute by attribute,
NumPy files array by array, and text (SWC, CSV) word by word, numbers as numbers. Floating-point
numbers a and b are the same where

  |a - b| <= ATOL + RTOL * peak

with the largest absolute value of the dataset (in text: of the column) in either file as the
peak, since potentials cross zero; --relative-to value takes that of the two numbers instead.
NaN equals NaN. Whole numbers and text have to be equal."""

from __future__ import annotations

import argparse

from lfpcli import vocabulary
from lfpcli.cli import options
from lfpcli.errors import printable

EPILOG = """\
examples:
  lfp diff a.h5 b.h5
  lfp diff a.h5 b.h5 --rtol 1e-6 --atol 1e-12
  lfp diff a.h5 b.h5 --exact --ignore '/reports/*'
  lfp sim model.toml -o - | lfp diff expected.h5 - --json

exit codes: 0 same, 1 differs, 2 usage, 3 bad input"""

_MOST_LINES = 20


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("a", metavar="A", help="first file; - is standard input")
    parser.add_argument("b", metavar="B", help="second file; - is standard input")
    group = parser.add_argument_group("comparison")
    group.add_argument(
        "--rtol",
        type=options.non_negative,
        metavar="R",
        help="relative tolerance of floating-point numbers (1e-9)",
    )
    group.add_argument(
        "--atol",
        type=options.non_negative,
        metavar="A",
        help="absolute tolerance, in the unit of the data (0)",
    )
    group.add_argument(
        "--relative-to",
        choices=vocabulary.NORMS,
        help="what R is of: the peak of the dataset, or the larger of the two values (peak)",
    )
    group.add_argument(
        "--exact",
        action="store_true",
        help="bit for bit, types included; comments of text files count too",
    )
    group.add_argument(
        "--ignore",
        action="append",
        default=[],
        metavar="PATTERN",
        help="leave out datasets, /a/b, or attributes, /a/b@name, that match; may be repeated",
    )
    group.add_argument(
        "--provenance", action="store_true", help="compare the provenance of recordings too"
    )
    options.add_json(parser)


def run(args: argparse.Namespace) -> int:
    """Compare and report."""
    from lfpcli.errors import UsageError
    from lfpcli.tasks.files.diff import diff
    from lfpcli.tasks.files.differences import Tolerance

    stated = {
        name: value
        for name in ("rtol", "atol", "relative_to")
        if (value := getattr(args, name)) is not None
    }
    if args.exact and stated:
        raise UsageError(
            f"--exact leaves no room for --{next(iter(stated)).replace('_', '-')}",
            remedy="drop one of them",
        )
    tolerance = Tolerance(exact=args.exact, **stated)
    comparison = diff(args.a, args.b, tolerance, ignore=args.ignore, provenance=args.provenance)
    if args.json:
        print(_as_json(comparison, tolerance))
    elif not args.quiet:
        most = None if args.verbose else _MOST_LINES
        for difference in comparison.differences[:most]:
            print(printable(str(difference)))
        hidden = len(comparison.differences) - _MOST_LINES
        if most and hidden > 0:
            print(f"... and {hidden} more; -v shows all")
    args.console.detail(
        f"{comparison.compared} parts compared, {len(comparison.differences)} differ"
    )
    return 0 if comparison.same else 1


def _as_json(comparison: object, tolerance: object) -> str:
    import dataclasses

    from lfpcli.cli.facts import to_json

    tree = dataclasses.asdict(comparison)  # type: ignore[call-overload]
    differences = []
    for difference in tree.pop("differences"):
        facts = {"path": difference.pop("path"), "what": difference.pop("aspect"), **difference}
        differences.append({name: fact for name, fact in facts.items() if fact is not None})
    return to_json(
        {
            "same": not differences,
            **tree,
            "tolerance": dataclasses.asdict(tolerance),  # type: ignore[call-overload]
            "differences": differences,
        }
    )

"""Say what files are worth: format, checksums, how they came to be, and whether they make sense.

Reads recordings, checkpoints, other HDF5 files, .npy, .npz and morphologies in whole. An error
makes a file worthless as it is; a warning is to be understood before its numbers are used."""

from __future__ import annotations

import argparse

from lfpcli.cli import options
from lfpcli.cli.facts import lines, table, to_json

EPILOG = """\
examples:
  lfp check out.h5
  lfp check *.h5 --json
  lfp sim model.toml -o - | lfp check -

exit codes: 0 sound, warnings included; 1 an error in one of the files; 2 usage"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("files", nargs="+", metavar="FILE", help="files; - is standard input")
    options.add_json(parser)


def run(args: argparse.Namespace) -> int:
    """Check the files and report."""
    import dataclasses

    from lfpcli.tasks.files.check import check

    reports = [check(name) for name in args.files]
    if args.json:
        facts = []
        for report in reports:
            findings = [dataclasses.asdict(finding) for finding in report.findings]
            facts.append({"file": report.file, "sound": report.is_sound, "findings": findings})
        print(to_json(facts))
    else:
        for report in reports:
            print(lines([f"{report.file}: {'sound' if report.is_sound else 'not sound'}"]))
            rows = [(f.state, f.subject, f"{f.text} {f.source}") for f in report.findings]
            if not args.quiet:
                print(lines(table(rows)))
    return int(not all(report.is_sound for report in reports))

"""Say what files are worth: format, checksums, how they came to be, and whether they make sense.

Reads recordings, checkpoints, templates, kernels, lead fields, networks, other HDF5 files, .npy,
.npz, morphologies, models and sweeps in whole. An error makes a file worthless as it is; a warning
is to be understood before its numbers are used."""

from __future__ import annotations

import argparse
from pathlib import Path

from lfpcli.cli import options
from lfpcli.cli.facts import lines, table, to_json

EPILOG = """\
examples:
  lfp check out.h5
  lfp check *.h5 --json
  lfp check sweep/ -q
  lfp sim model.toml -o - | lfp check -

exit codes: 0 sound, warnings included; 1 an error in one of the files; 2 usage"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument(
        "files", nargs="+", metavar="FILE", help="files, sweeps; - is standard input"
    )
    options.add_json(parser)


def run(args: argparse.Namespace) -> int:
    """Check the files and report."""
    import dataclasses

    from lfpcli.tasks.files.check import check
    from lfpcli.tasks.sweep.checking import check_sweep
    from lfpcli.tasks.sweep.index import is_sweep

    reports = []
    for name in args.files:
        reports.append(check_sweep(Path(name)) if is_sweep(name) else check(name))
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

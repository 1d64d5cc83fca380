"""Run a model at many values of its keys, into one indexed folder.

Every combination of the values is one run of lfp sim. The folder gets a recording for each, and
sweep.json, which says what each one is. Runs that are there are not made again, so that a sweep
that was stopped goes on. lfp info and lfp convert gather all runs into one table."""

from __future__ import annotations

import argparse
import os

from lfpcli.cli import options
from lfpcli.cli.parser import Parser

EPILOG = """\
examples:
  lfp sweep model.toml --set input.0.weight=0.001,0.01,0.1 -o sweep/
  lfp sweep model.toml --set run.dt=0.025,0.1 --set run.celsius=6.3,34 -o sweep/ --jobs 2
  lfp sweep model.toml --set input.0.weight=0.001,0.01 -o sweep/ --index $SLURM_ARRAY_TASK_ID
  lfp info sweep/
  lfp convert sweep/ table.csv

exit codes: 0 done, 2 usage, 3 bad input, 4 the folder holds something else, 5 a run failed"""


def add_arguments(parser: Parser) -> None:
    """Declare the arguments."""
    for key in ("tstop", "dt", "celsius", "v_init"):
        parser.others[f"--{key.replace('_', '-')}"] = f"give --set run.{key}=VALUE"
    parser.add_argument("model", metavar="MODEL", help="model file")
    group = parser.add_argument_group("sweep")
    group.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="KEY=VALUE,...",
        help="values of a key of the model, such as run.tstop=50,100; may be repeated",
    )
    options.add_seed(group)
    group.add_argument(
        "--jobs",
        type=options.positive_int,
        default=1,
        metavar="N",
        help="runs at a time (1)",
    )
    group.add_argument(
        "--index",
        type=options.non_negative_int,
        metavar="N",
        help="make run N alone, from 0; for job arrays",
    )
    group.add_argument("--dry-run", action="store_true", help="list the runs and make none")
    group.add_argument("--float32", action="store_true", help="store samples in single precision")
    options.add_json(group)
    group = parser.add_argument_group("output")
    group.add_argument("-o", "--output", metavar="FOLDER", required=True, help="folder of the runs")
    group.add_argument(
        "-f", "--force", action="store_true", help="replace another sweep that is in FOLDER"
    )


def run(args: argparse.Namespace) -> int:
    """Make the runs that are missing."""
    from pathlib import Path

    from lfpcli.cli.facts import count_text
    from lfpcli.tasks.sweep.runs import planned, prepare, run_sweep

    folder = Path(args.output)
    if args.dry_run:
        return _list(args)
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    sweep = prepare(planned(args.model, args.set, seed=args.seed), folder, force=args.force)
    numbers = None if args.index is None else [args.index]
    total = sweep.count if numbers is None else 1
    with args.console.progress("running", float(total), "runs") as progress:
        outcome = run_sweep(
            sweep,
            folder,
            numbers=numbers,
            jobs=args.jobs,
            arguments=["--float32"] if args.float32 else [],
            tell=lambda done, missing: progress(float(total - missing + done)),
        )
    args.console.note(
        f"{count_text(outcome, 'run')} made, {total - outcome} there before: {folder}"
    )
    if args.json:
        from lfpcli.cli.facts import to_json
        from lfpcli.tasks.sweep.table import sweep_facts

        print(to_json(sweep_facts(folder)))
    return 0


def _list(args: argparse.Namespace) -> int:
    """Print the runs of a sweep."""
    from lfpcli.cli.facts import show, table, to_json
    from lfpcli.tasks.sweep.runs import planned

    sweep = planned(args.model, args.set, seed=args.seed)
    if args.json:
        runs = [{"file": sweep.file(k), "set": sweep.overrides(k)} for k in range(sweep.count)]
        print(to_json(runs))
        return 0
    rows = [[str(k), sweep.file(k), *values] for k, values in enumerate(sweep.points)]
    show(table([["run", "file", *sweep.keys], *rows]))
    return 0

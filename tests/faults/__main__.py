"""``python -m tests.faults --campaign N``: damaged files of every format, and what becomes of them;
``--kills N``: runs that are killed at a random moment, and then finished.

The exit code is 0 where each was accepted or refused as it should be. A line that names a seed is
made again by ``--format NAME --seed SEED --campaign 1``. Each format gets its inputs in ten parts;
each part is added to the file of ``--results``, and ``--sum`` prints the table of all that such
files hold.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
from collections import Counter
from dataclasses import replace
from pathlib import Path

HERE = Path(__file__).parent
# the installed package is tested, not the tree beside the tests
sys.path[:] = [entry for entry in sys.path if Path(entry or ".").resolve() != HERE.parent.parent]
sys.path.insert(0, str(HERE))
# threads of BLAS do not survive the birth of a process
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import fault_kills  # noqa: E402
from fault_campaign import HEADINGS, Tally, campaign  # noqa: E402
from fault_formats import formats  # noqa: E402


def main() -> int:
    """Run a campaign and print its table."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description=__doc__)
    parser.add_argument("--campaign", type=int, metavar="N", help="inputs")
    parser.add_argument("--seed", type=int, default=0, help="first seed (0)")
    parser.add_argument("--format", action="append", default=[], metavar="NAME", help="only these")
    parser.add_argument(
        "--even", action="store_true", help="as many of each format, however slowly it is read"
    )
    parser.add_argument(
        "--results", type=Path, metavar="FILE", help="add what is counted to a file"
    )
    parser.add_argument("--sum", type=Path, metavar="FILE", help="the table of such a file")
    parser.add_argument("--processes", type=int, default=1, metavar="N", help="at a time (1)")
    parser.add_argument("--kills", type=int, metavar="N", help="runs to kill at random moments")
    arguments = parser.parse_args()
    if arguments.sum is not None:
        return _print_sum(arguments.sum)
    if arguments.kills is not None:
        return _kill(arguments.kills, arguments.seed, arguments.results)
    with tempfile.TemporaryDirectory(prefix="lfp-faults-", dir=base_folder()) as folder:
        forms = formats(Path(folder))
        if arguments.format:
            forms = [form for form in forms if form.name in arguments.format]
        if arguments.even:
            forms = [replace(form, weight=1.0) for form in forms]
        return _run(forms, arguments, Path(folder))


def base_folder() -> Path | None:
    """Where files go that live for milliseconds, which need no disk."""
    shared = Path("/dev/shm")
    return shared if os.access(shared, os.W_OK) else None


def _run(forms: list, arguments: argparse.Namespace, folder: Path) -> int:  # type: ignore[type-arg]
    tallies: dict[str, Tally] = {form.name: Tally() for form in forms}
    count = arguments.campaign or 1000
    options = {"processes": arguments.processes}
    for name, seeds, tally in campaign(forms, count, arguments.seed, folder, **options):
        tallies[name].add(tally)
        for line in tally.failures:
            print(line, file=sys.stderr, flush=True)
        if arguments.results:
            with arguments.results.open("a") as file:
                facts = {"format": name, "seed": seeds.start, **vars(tally)}
                file.write(json.dumps(facts) + "\n")
    return _print_table(tallies)


def _kill(count: int, first: int, results: Path | None) -> int:
    print(fault_kills.HEADINGS)
    total = fault_kills.Kills()
    with tempfile.TemporaryDirectory(prefix="lfp-kills-", dir=base_folder()) as folder:
        for name, kills in fault_kills.kill_runs(count, first, Path(folder)):
            print(kills.row(name), flush=True)
            total.counts += kills.counts
            total.failures += kills.failures
            if results:
                with results.open("a") as file:
                    file.write(json.dumps({"runs": name, "seed": first, **vars(kills)}) + "\n")
    print(total.row("all"))
    for line in total.failures:
        print(line)
    return int(bool(total.failures))


def _print_sum(results: Path) -> int:
    tallies: dict[str, Tally] = {}
    for line in results.read_text().splitlines():
        facts = json.loads(line)
        name = facts.pop("format")
        facts.pop("seed")
        facts["counts"] = Counter(facts["counts"])
        tallies.setdefault(name, Tally()).add(Tally(**facts))
    return _print_table(tallies)


def _print_table(tallies: dict[str, Tally]) -> int:
    total = Tally()
    print(HEADINGS)
    for name, tally in tallies.items():
        print(tally.row(name))
        total.add(tally)
    print(total.row("all"))
    for line in total.failures:
        print(line)
    return int(bool(total.failures))


if __name__ == "__main__":
    sys.exit(main())

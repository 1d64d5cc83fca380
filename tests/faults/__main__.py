"""``python -m tests.faults --campaign N``: damaged files of every format, and what becomes of them.

The exit code is 0 where each was accepted or refused as it should be. A line that names a seed is
made again by ``--format NAME --seed SEED --campaign 1``.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).parent
# the installed package is tested, not the tree beside the tests
sys.path[:] = [entry for entry in sys.path if Path(entry or ".").resolve() != HERE.parent.parent]
sys.path.insert(0, str(HERE))

from fault_campaign import campaign  # noqa: E402
from fault_formats import formats  # noqa: E402


def main() -> int:
    """Run a campaign and print its table."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description=__doc__)
    parser.add_argument("--campaign", type=int, default=1000, metavar="N", help="inputs (1000)")
    parser.add_argument("--seed", type=int, default=0, help="first seed (0)")
    parser.add_argument("--format", action="append", default=[], metavar="NAME", help="only these")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="lfp-faults-") as folder:
        forms = formats(Path(folder))
        if arguments.format:
            forms = [form for form in forms if form.name in arguments.format]
        lines = list(_shown(campaign(forms, arguments.campaign, arguments.seed, Path(folder))))
    return int(len(lines) > len(forms) + 2)


def _shown(lines: object) -> object:
    for line in lines:  # type: ignore[attr-defined]
        print(line, flush=True)
        yield line


if __name__ == "__main__":
    sys.exit(main())

"""Install the package as a stranger does, and measure: ``python tools/install_table.py PYTHON...``.

The source distribution and the wheel from it are built in isolation. Each Python that is named
installs the source distribution into an empty environment; versions, ``lfp doctor`` and the first
example run in an empty folder. Prints a table and writes benchmarks/results/install.json, with the
version of each package; what pip says goes to files in the folder of ``--logs``.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
RESULT = ROOT / "benchmarks" / "results" / "install.json"
# what is typed in an empty folder after the installation
LINES = (
    "lfp --version -v",
    "lfp doctor",
    "lfp example quickstart",
    "lfp sim quickstart/quickstart.toml -o out.h5",
    "lfp plot out.h5 -o out.png",
)
# seconds are those of a core, which other work on the machine leaves as they are
COLUMNS = ("python", "packages", "megabytes", "installation, s", "first picture, s")


def run(command: list[str], log: Path, **options: Any) -> float:
    """Run a command with its words in a file; return the time of processors that it took, s."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    with log.open("a", encoding="utf-8") as words:
        print("$", *command, file=words, flush=True)
        done = subprocess.run(command, stdout=words, stderr=subprocess.STDOUT, **options)
    if done.returncode:
        sys.exit(f"{' '.join(command)} ended with {done.returncode}, see {log}")
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def size_of(folder: Path) -> float:
    """Size of all files in a folder, MB."""
    return sum(p.lstat().st_size for p in folder.rglob("*") if not p.is_dir()) / 1e6


def distributions(scratch: Path, logs: Path) -> dict[str, float]:
    """Build both from the files that git keeps; return their sizes, MB, by name."""
    source, target = scratch / "source", scratch / "dist"
    source.mkdir()
    with subprocess.Popen(
        ["git", "-C", str(ROOT), "archive", "HEAD"], stdout=subprocess.PIPE
    ) as git:
        subprocess.run(["tar", "-x", "-C", str(source)], stdin=git.stdout, check=True)
    tools = scratch / "tools"
    log = logs / "build.txt"
    run([sys.executable, "-m", "venv", str(tools)], log)
    run([str(tools / "bin/pip"), "install", "build"], log)
    run([str(tools / "bin/python"), "-m", "build", "--outdir", str(target), str(source)], log)
    return {path.name: round(path.stat().st_size / 1e6, 2) for path in sorted(target.iterdir())}


def installed(python: str, scratch: Path, logs: Path) -> dict[str, Any]:
    """Install into an empty environment and run the first lines; return what was measured."""
    version = subprocess.run(
        [python, "-c", "import platform; print(platform.python_version())"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout.strip()
    environment, empty = scratch / f"venv-{version}", scratch / f"empty-{version}"
    empty.mkdir()
    log = logs / f"python-{version}.txt"
    run([python, "-m", "venv", str(environment)], log)
    before = size_of(environment)
    source = next((scratch / "dist").glob("*.tar.gz"))
    seconds = run([str(environment / "bin/pip"), "install", f"{source}[mpi]"], log)
    path = f"{environment / 'bin'}{os.pathsep}{os.environ['PATH']}"
    took = [
        run(["sh", "-c", line], log, cwd=empty, env={**os.environ, "PATH": path}) for line in LINES
    ]
    frozen = subprocess.run(
        [str(environment / "bin/pip"), "freeze"], capture_output=True, text=True, check=True
    ).stdout.split("\n")
    packages = [line for line in frozen if "==" in line]
    return {
        "python": version,
        "megabytes": round(size_of(environment) - before),
        "installation, s": round(seconds),
        "first picture, s": round(sum(took[2:]), 1),
        "packages": packages,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("python", nargs="+", help="interpreters, such as python3.12")
    parser.add_argument(
        "--logs", type=Path, default=Path("install-logs"), help="folder of the logs"
    )
    args = parser.parse_args()
    args.logs.mkdir(parents=True, exist_ok=True)
    logs = args.logs.resolve()
    with tempfile.TemporaryDirectory(prefix="lfp-install-") as folder:
        scratch = Path(folder)
        sizes = distributions(scratch, logs)
        rows = [installed(python, scratch, logs) for python in args.python]
    for name, size in sizes.items():
        print(f"{name}: {size} MB")
    print(*COLUMNS, sep="\t")
    for row in rows:
        shown = {**row, "packages": len(row["packages"])}
        print(*(shown[column] for column in COLUMNS), sep="\t")
    text = json.dumps({"distributions, MB": sizes, "pythons": rows}, indent=1)
    RESULT.write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()

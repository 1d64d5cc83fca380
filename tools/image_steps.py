"""Run the steps of the Dockerfile without a container: ``python tools/image_steps.py [STAGE]...``.

Each RUN of the named stages (all of them, if none are named) runs in a folder of its own with the
files that git keeps, the virtual environment of the image within that folder. Steps for the system
(apt-get, users, owners) are left out, and named.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
# what needs root or belongs to the system of the image
SYSTEM = ("apt-get", "rm -rf /var/lib/apt", "useradd", "chown", "install -d", "mkdir")
ENVIRONMENT = "/opt/lfp"


def steps(text: str) -> list[tuple[str, str]]:
    """Stage and shell command of each part of a RUN, in order.

    Parameters
    ----------
    text : str
        A Dockerfile.
    """
    stage = ""
    parts: list[tuple[str, str]] = []
    for line in re.sub(r"\\\n", " ", text).splitlines():
        word, _, rest = line.strip().partition(" ")
        if word == "FROM":
            stage = rest.split()[-1]
        elif word == "RUN":
            parts += [(stage, part.strip()) for part in rest.split("&&")]
    return parts


def main(stages: list[str]) -> None:
    """Run the steps; the exit status is that of the first that fails."""
    text = (ROOT / "Dockerfile").read_text(encoding="utf-8")
    with tempfile.TemporaryDirectory(prefix="lfp-image-") as folder:
        source = Path(folder, "source")
        source.mkdir()
        archive = ["git", "-C", str(ROOT), "archive", "HEAD"]
        with subprocess.Popen(archive, stdout=subprocess.PIPE) as git:
            subprocess.run(["tar", "-x", "-C", str(source)], stdin=git.stdout, check=True)
        environment = f"{folder}/lfp"
        for stage, command in steps(text):
            if stages and stage not in stages:
                continue
            if command.startswith(SYSTEM):
                print(f"{stage}: left out: {command}", flush=True)
                continue
            line = command.replace(ENVIRONMENT, environment)
            print(f"{stage}: {line}", flush=True)
            began = time.monotonic()
            subprocess.run(["sh", "-ec", line], cwd=source, check=True)
            print(f"{stage}: {time.monotonic() - began:.0f} s", flush=True)
        empty = Path(folder, "data")
        empty.mkdir()
        path = f"{environment}/bin{os.pathsep}{os.environ['PATH']}"
        for line in ("lfp doctor", "lfp sim builtin:quickstart -o out.h5"):
            print(f"run: {line}", flush=True)
            subprocess.run(
                ["sh", "-ec", line], cwd=empty, env={**os.environ, "PATH": path}, check=True
            )


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except subprocess.CalledProcessError as error:
        sys.exit(error.returncode)

"""Temporary files that go even if this process is killed."""

from __future__ import annotations

import contextlib
import subprocess
from collections.abc import Iterator
from pathlib import Path


@contextlib.contextmanager
def removed_if_killed(path: Path) -> Iterator[None]:
    """Have a file removed when this process ends in any way before the context does.

    A launcher kills the processes of a job that lost one of them, and one that waits in MPI cannot
    tidy up. A shell waits for the end of a pipe that ends with this process.

    Parameters
    ----------
    path : Path
        The file; it must have another name by the end if it is to stay.
    """
    command = ["/bin/sh", "-c", 'cat >/dev/null; rm -f -- "$0"', str(path)]
    nowhere = subprocess.DEVNULL
    try:
        watcher = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=nowhere, stderr=nowhere, start_new_session=True
        )
    except OSError:  # without a shell the next run tidies up
        yield
        return
    try:
        yield
    finally:
        watcher.kill()
        watcher.communicate()

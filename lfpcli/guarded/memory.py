"""Whether what a file declares fits into memory, asked before it is read."""

from __future__ import annotations

import os
from pathlib import Path

from lfpcli.errors import InputError


def available_memory() -> int:
    """Bytes that can be had without swapping; a large number where the system does not say."""
    try:
        for line in Path("/proc/meminfo").read_text(encoding="ascii").splitlines():
            if line.startswith("MemAvailable:"):
                return int(line.split()[1]) << 10
        return os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (OSError, ValueError):
        return 1 << 62


def check_memory(count: int, source: str) -> None:
    """Raise `InputError` where `count` bytes do not fit into memory."""
    # a small array needs no look at the system
    if count > 1 << 26 and count > available_memory():
        raise InputError(
            f"needs {count / 1e9:.3g} GB of memory, more than there is",
            source=source,
            remedy="use a part of the data, or a machine with more memory",
        )

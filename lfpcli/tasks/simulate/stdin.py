"""Standard input of a job: the launcher gives it to rank 0, and all ranks need it."""

from __future__ import annotations

import io
import os
import select
import sys
import warnings

from lfpcli.errors import InputError, LfpWarning
from lfpcli.io import stream
from lfpcli.runtime.mpi.job import launched
from lfpcli.runtime.mpi.team import Team

# s; Open MPI 5.0 does not always pass on that its standard input has ended
_QUIET = 5.0
_SILENT = 60.0


def share_standard_input(source: str | os.PathLike[str]) -> None:
    """Where `source` is ``-``, let `sys.stdin` of every rank hold what rank 0 reads.

    Raises
    ------
    InputError
        On rank 0, where standard input is closed or a terminal, or nothing comes.
    """
    if str(source) != stream.STDIN or launched()[0] == 1:
        return
    team = Team()
    data = b""
    if team.leads:
        stream.check_input(source)
        data = _read_all(sys.stdin.fileno())
    sys.stdin = io.TextIOWrapper(io.BytesIO(team.share(data)))


def _read_all(descriptor: int) -> bytes:
    blocks: list[bytes] = []
    while select.select([descriptor], [], [], _QUIET if blocks else _SILENT)[0]:
        block = os.read(descriptor, 1 << 16)
        if not block:
            return b"".join(blocks)
        blocks.append(block)
    if not blocks:
        raise InputError(
            f"nothing came for {_SILENT:g} s, and no end",
            source="standard input",
            remedy="name the model's file: some launchers do not pass on standard input",
        )
    warnings.warn(
        f"the launcher passed on no end of standard input; what came before {_QUIET:g} s of "
        "silence is taken as all",
        LfpWarning,
        stacklevel=2,
    )
    return b"".join(blocks)

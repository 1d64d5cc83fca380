"""What a run is to write, and what its recording tells of how it came to be."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True, kw_only=True)
class CheckpointSettings:
    """Whether and how a run writes checkpoints, or goes on from one.

    Attributes
    ----------
    every : float or None
        ms between checkpoints; None for none.
    resume : bool
        Whether the run goes on from a checkpoint, where there is one.
    verify : bool
        Whether the begin is run before to see that it would go on with the same bits.
    """

    every: float | None = None
    resume: bool = False
    verify: bool = False

    @property
    def touches_files(self) -> bool:
        """Whether a checkpoint is written or looked for."""
        return self.every is not None or self.resume


NO_CHECKPOINTS = CheckpointSettings()


@dataclass(frozen=True, kw_only=True)
class Outputs:
    """Files that a run writes.

    Attributes
    ----------
    path : path-like
        The recording, ``-`` for standard output.
    force : bool
        Whether existing files are replaced.
    float32 : bool
        Whether samples are stored in single precision.
    network : path-like, optional
        Where the network goes, as it was built.
    checkpoints : CheckpointSettings
        Whether checkpoints are written beside the recording, and whether the run goes on from one.
    """

    path: str | os.PathLike[str]
    force: bool = False
    float32: bool = False
    network: str | os.PathLike[str] | None = None
    checkpoints: CheckpointSettings = NO_CHECKPOINTS

    @property
    def targets(self) -> list[str | os.PathLike[str]]:
        """All files that are to be written in the end."""
        return [self.path] if self.network is None else [self.path, self.network]


@dataclass(frozen=True, kw_only=True)
class Origins:
    """What a run was made of.

    Attributes
    ----------
    command : sequence of str
        The command line.
    inputs : mapping of str to str
        Names and digests of the files that were read.
    renamed : mapping of str to str
        Paths of temporary files, which the recording must not name, and what they stand for.
    """

    command: Sequence[str] = ("lfp", "sim")
    inputs: Mapping[str, str] = field(default_factory=dict)
    renamed: Mapping[str, str] = field(default_factory=dict)

"""Probes of a model that stand beside a part of a cell, wherever that cell is built."""

from __future__ import annotations

from dataclasses import replace
from itertools import chain

import numpy as np

from lfpcli.errors import InputError, UsageError, nearest
from lfpcli.model import Model
from lfpcli.model.anchor import Anchor, parsed_anchor
from lfpcli.model.probe import Probe
from lfpcli.runtime.mpi.team import Team
from lfpcli.tasks.measure.anchors import anchor_point, shifted
from lfpcli.tasks.simulate.build import Built


def with_anchors(model: Model, built: Built, team: Team) -> Model:
    """The model with shifts that count from the origin in place of anchors; on all ranks.

    Parameters
    ----------
    model : Model
        The model.
    built : Built
        Its cells on this process.
    team : Team
        The processes.

    Raises
    ------
    InputError
        On all processes, where there is no such cell or section.
    """
    probes = tuple(_placed(probe, built, team) for probe in model.probes)
    return model if probes == model.probes else replace(model, probes=probes)


def _placed(probe: Probe, built: Built, team: Team) -> Probe:
    if probe.anchor is None:
        return probe
    source = probe.source_line
    anchor = parsed_anchor(probe.anchor)
    gids = list(chain.from_iterable(built.layout.cells.values()))
    gid = gids[0] if anchor.gid is None and len(gids) == 1 else anchor.gid
    if gid is None:
        raise InputError(
            f"anchor '{probe.anchor}' names no cell, of which there are {len(gids)}",
            source=source,
            remedy='name it, too: anchor = "GID:SECTION"',
        )
    # the process that has the cell tells the others
    answers = [answer for answer in team.exchange(_seen(built, gid, anchor)) if answer is not None]
    if not answers:
        known = [str(number) for number in gids]
        raise InputError(
            f"anchor '{probe.anchor}': there is no cell {gid}",
            source=source,
            remedy=nearest(str(gid), known, "cell"),
        )
    ((point, message, remedy),) = answers
    if point is None:
        raise InputError(f"anchor '{probe.anchor}': {message}", source=source, remedy=remedy)
    return shifted(probe, point)


def _seen(built: Built, gid: int, anchor: Anchor) -> tuple[np.ndarray | None, str, str] | None:
    """The point of an anchor, or what is wrong and its remedy; None where the cell is elsewhere."""
    for member in built.members:
        if member.gid == gid:
            try:
                rows = np.arange(len(member.geometry))
                return anchor_point(member.geometry, rows, anchor), "", ""
            except UsageError as error:
                return None, error.message, error.remedy or ""
    return None

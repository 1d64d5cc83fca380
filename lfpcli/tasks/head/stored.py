"""What a recording holds that heads are seen by: dipole moments, or membrane currents."""

from __future__ import annotations

import numpy as np

from lfpcli.errors import InputError
from lfpcli.forward.instrument import NO_CELL, Instrument
from lfpcli.forward.sums import LARGEST_MOMENT
from lfpcli.io.recording import Recording, Sampled
from lfpcli.io.shares import gid_of
from lfpcli.runtime.mpi.team import Team
from lfpcli.tasks.measure.probe import currents_of
from lfpcli.tasks.measure.streams import Stream, cells_of, group_names, moments_of


def stored_stream(
    recording: Recording, instrument: Instrument, *, by_cell: bool
) -> tuple[Stream, list[Sampled]]:
    """The signal of an instrument, and what is stored that it is made of.

    Parameters
    ----------
    recording : Recording
        With dipole moments at the level that is needed, or with membrane currents.
    instrument : Instrument
        What measures.
    by_cell : bool
        Whether the cells lie apart, so that moments of many cells are of no use.

    Raises
    ------
    InputError
        Where the recording holds neither.
    """
    level = "cell" if by_cell else instrument.per
    if instrument.moment_matrix is not None:
        groups = moment_groups(recording, level)
        # moments have three columns a cell, currents one for each segment
        if groups:
            return _moment_stream(recording, instrument, groups)
    if not recording.reports.get("imem"):
        raise InputError(
            "recording holds no membrane currents"
            if instrument.moment_matrix is None
            else f"recording holds neither the dipole moment per {level} nor membrane currents",
            source=recording.name,
            remedy="simulate with --set record.imem=true"
            + ("" if instrument.moment_matrix is None else f", or --set record.dipole={level}"),
        )
    members, reports = currents_of(recording)
    gids = [member.gid for member in members]
    stream = Stream(
        instrument,
        cells_of(instrument, members),
        groups=group_names(instrument.per, list(reports), gids),
        count=len(members),
        team=Team(),
    )
    return stream, list(reports.values())


def moment_groups(recording: Recording, level: str) -> list[tuple[str, int]]:
    """Groups of stored moments that together make the whole.

    Returns
    -------
    list of tuple of str and int
        Name of each group, and the gid of its cell, `NO_CELL` where it is that of many.
    """
    names = recording.dipole_groups
    gids: dict[str, int] = {}
    for name in names:
        if recording.dipole(name).share == "cell":
            gids[name] = gid_of(name)
    cells = sorted(gids.items(), key=lambda entry: entry[1])
    if level == "cell":
        return cells
    whole = [(name, NO_CELL) for name in names if name != "total" and name not in gids]
    if level == "total" and "total" in names:
        return [("total", NO_CELL)]
    return whole or cells


def _moment_stream(
    recording: Recording, instrument: Instrument, groups: list[tuple[str, int]]
) -> tuple[Stream, list[Sampled]]:
    population = _population_of(recording) if instrument.per == "population" else {}
    shares = []
    for name, gid in groups:
        by_gid = instrument.per == "cell" and gid != NO_CELL
        shares.append(str(gid) if by_gid else population.get(gid, name))
    stream = Stream(
        instrument,
        moments_of(instrument, [gid for _, gid in groups], shares),
        groups=[] if instrument.per == "total" else list(dict.fromkeys(shares)),
        count=len(groups),
        team=Team(),
        largest=LARGEST_MOMENT,
    )
    return stream, [_moment(recording, name) for name, _ in groups]


def _population_of(recording: Recording) -> dict[int, str]:
    """Name of the population of each gid."""
    owner: dict[int, str] = {}
    for name in recording.populations:
        gids = np.unique(recording.array(f"/geometry/{name}/gid", 1, np.int64))
        owner.update(dict.fromkeys(gids.tolist(), name))
    return owner


def _moment(recording: Recording, name: str) -> Sampled:
    samples = recording.dipole(name)
    if samples.data.shape[1] != 3 or samples.units not in ("nA um", ""):
        raise InputError(
            f"dipole moment has {samples.data.shape[1]} columns in '{samples.units}',"
            " expected 3 in nA um",
            source=recording.source_of(f"/dipole/{name}/data"),
            remedy="see what lfp check says of the file",
        )
    return samples

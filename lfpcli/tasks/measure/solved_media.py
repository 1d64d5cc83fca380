"""Media of regions of a run: solved for the contacts of all probes, by all processes together."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from lfpcli.errors import LfpError, located
from lfpcli.forward.contacts import Contacts
from lfpcli.forward.grid_medium import GridMedium
from lfpcli.model.probe import Probe
from lfpcli.runtime.mpi.team import Team
from lfpcli.tasks.measure.placed_contacts import contacts_of

# contacts whose errors a note tells one by one
_NAMED = 32


def solve_media(probes: Sequence[Probe], team: Team) -> list[str]:
    """Solve the media of probes, which keep what was solved.

    Parameters
    ----------
    probes : sequence of Probe
        The probes of a model.
    team : Team
        The processes.

    Returns
    -------
    list of str
        What a plan tells of them.

    Raises
    ------
    InputError
        On all processes, where a medium cannot be solved.
    """
    notes = []
    for probe in probes:
        if probe.csd is not None or probe.lead_field is not None:
            continue
        with located(probe.source_line):
            # several where parts of it depend on frequency in ways of their own
            for model in probe.spectral.models:
                if not isinstance(model.medium, GridMedium):
                    continue
                contacts = contacts_of(probe)
                solve_together(model.medium, contacts, team)
                notes.append(f"probe {probe.name}: {medium_note(model.medium, contacts)}")
    return notes


def solve_together(medium: GridMedium, contacts: Contacts, team: Team) -> None:
    """Solve a medium for contacts, which are dealt out to the processes.

    Each contact's field is the same wherever it is solved, so that all processes have the same
    bits as one alone.

    Raises
    ------
    InputError
        On all processes, where one of them fails.
    """
    if team.size > 1:
        medium.check_memory(contacts)
        shares = [np.arange(rank, len(contacts), team.size) for rank in range(team.size)]
        for rows, solved in zip(
            shares, team.exchange(_solved(medium, contacts, team)), strict=True
        ):
            if isinstance(solved, LfpError):
                raise solved
            medium.keep(contacts.some(rows), solved)
    medium.solve(contacts)


def _solved(medium: GridMedium, contacts: Contacts, team: Team) -> object:
    """Fields of the contacts of this process, or the error that it met."""
    try:
        return medium.solve(contacts.some(np.arange(team.rank, len(contacts), team.size)))
    except LfpError as error:
        return error


def medium_note(medium: GridMedium, contacts: Contacts) -> str:
    """Tell the error about each contact, the largest where there are many."""
    fields = medium.solve(contacts)
    errors = [one.error for one in fields]
    worst = int(np.argmax(errors))
    text = f"error of the medium at most {errors[worst]:.1e}, of contact {contacts.ids[worst]}"
    if len(fields) <= _NAMED:
        each = zip(contacts.ids, errors, strict=True)
        text += f" ({', '.join(f'{label}: {error:.1e}' for label, error in each)})"
    return f"{text}; {max(one.cells for one in fields):,} cells"

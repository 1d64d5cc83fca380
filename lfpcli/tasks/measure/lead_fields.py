"""Lead fields of contacts in a medium of regions: made once, and measured with."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from lfpcli.errors import InputError, UsageError, located
from lfpcli.forward.contacts import Contacts
from lfpcli.forward.grid_medium import GridMedium
from lfpcli.forward.potentials import PotentialModel
from lfpcli.forward.sampled_field import sampled_field
from lfpcli.io.arrays import load_contacts
from lfpcli.io.atomic import atomic_output, check_recording_output
from lfpcli.io.fem_fields import read_potential
from lfpcli.io.lead_grids import LeadGrids, read_lead_grids, write_lead_grids
from lfpcli.io.provenance import digest, provenance
from lfpcli.model import load_model
from lfpcli.model.medium_checks import check_constant
from lfpcli.model.probe import Probe
from lfpcli.model.regions import Regions
from lfpcli.model.source_text import At, SourceText
from lfpcli.model.tables import plain, read_table
from lfpcli.runtime.mpi.team import Team
from lfpcli.tasks.measure.placed_contacts import contacts_of
from lfpcli.tasks.measure.solved_media import solve_together


def lead_model(probe: Probe) -> tuple[Contacts, PotentialModel]:
    """Contacts of a file of lead fields, and how currents make potentials at them.

    Parameters
    ----------
    probe : Probe
        It has a `lead_field`.

    Raises
    ------
    InputError
        Where the file is none, or what it holds does not go together.
    """
    assert probe.lead_field is not None
    contacts, medium = read_medium(probe.lead_field)
    return contacts, replace(probe.model, medium=medium)


def read_medium(path: Path, name: str | None = None) -> tuple[Contacts, GridMedium]:
    """Contacts of a file of lead fields, and their medium, which is solved.

    Parameters
    ----------
    path : Path
        The file.
    name : str, optional
        What to call it in messages.

    Raises
    ------
    InputError
        Where the file is none, or what it holds does not go together.
    """
    lead = read_lead_grids(path, name)
    if not isinstance(lead.medium, dict):
        raise InputError(
            "tells no medium",
            source=name or str(path),
            remedy="make it with lfp leadfield --medium",
        )
    table = read_table(Regions, lead.medium, At(SourceText(name or str(path))))
    medium: GridMedium = table.medium
    # the fields that were solved once stand in for solving
    medium.keep(lead.contacts, lead.fields)
    return lead.contacts, medium


def make_lead_fields(
    source: str | list[list[float]],
    output: str | os.PathLike[str],
    *,
    medium: Any = None,
    name: str | None = None,
    force: bool = False,
    command: Sequence[str] = ("lfp", "leadfield"),
    inputs: Sequence[str] = (),
) -> list[tuple[str, float, float, int]]:
    """Solve a medium for contacts, by all processes together, and write the lead fields.

    Parameters
    ----------
    source : str or list of one point
        A model with a probe in a medium of regions, an array, a file of contacts, or a point, um.
    output : path-like
        File to write.
    medium : dict, optional
        Keys of the medium; left out, that of the model's probe.
    name : str, optional
        The probe of a model; left out, its only one.
    force : bool
        Whether an existing file is replaced.
    command : sequence of str
        The command line, for the provenance.
    inputs : sequence of str
        Files that were read for the arguments, for the provenance.

    Returns
    -------
    list of tuple
        Name, median and largest error and cells of each contact.

    Raises
    ------
    InputError, UsageError
        Where contacts or medium are not what they should be.
    """
    check_recording_output(output, force=force, noun="a file of lead fields")
    contacts, table = _contacts_and_medium(source, medium, name)
    check_constant(table, At(SourceText("medium")))
    solve_together(table.medium, contacts, Team())
    fields = table.medium.solve(contacts)
    lead = LeadGrids(contacts=contacts, medium=plain(table, Path()), fields=fields)
    return _write(lead, output, sources=(source, *inputs), force=force, command=command)


def make_foreign_fields(
    source: str | list[list[float]],
    files: Sequence[str],
    output: str | os.PathLike[str],
    *,
    current: float | None = None,
    force: bool = False,
    command: Sequence[str] = ("lfp", "leadfield"),
) -> list[tuple[str, float, float, int]]:
    """Write lead fields from potentials that COMSOL or Sim4Life has solved.

    Parameters
    ----------
    source : str or list of one point
        An array, a file of contacts, or a point, um.
    files : sequence of str
        A potential for each contact, in their order, see `lfpcli.io.fem_fields`.
    output : path-like
        File to write.
    current : float, optional
        Current at the contacts, A, where the files do not tell it.
    force : bool
        Whether an existing file is replaced.
    command : sequence of str
        The command line, for the provenance.

    Returns
    -------
    list of tuple
        As of `make_lead_fields`; errors are those of interpolation at the nodes of the files.

    Raises
    ------
    InputError, UsageError
        Where a file is none, does not go with its contact, or there is none for a contact.
    """
    check_recording_output(output, force=force, noun="a file of lead fields")
    contacts = _points(load_contacts(source))
    if len(files) != len(contacts):
        raise UsageError(
            f"there are {len(files)} fields for {len(contacts)} contacts",
            remedy="give one for each contact, in their order",
        )
    fields = []
    for path, position, label in zip(files, contacts.positions, contacts.ids, strict=True):
        known = read_potential(path, current)
        with located(path):
            fields.append(
                sampled_field(
                    known.points, known.values, position, label=str(label), axes=known.axes
                )
            )
    about = [float(field.sigma[0]) for field in fields]
    medium = {"regions": [], "background": float(np.median(about))}
    lead = LeadGrids(contacts=contacts, medium=medium, fields=fields)
    return _write(lead, output, sources=(source, *files), force=force, command=command)


def _write(
    lead: LeadGrids,
    output: str | os.PathLike[str],
    *,
    sources: Sequence[Any],
    force: bool,
    command: Sequence[str],
) -> list[tuple[str, float, float, int]]:
    """Write lead fields, with digests of those sources that are files; errors of each contact."""
    files = [Path(name) for name in sources if isinstance(name, str)]
    digests = {str(path): digest(path) for path in files if path.is_file()}
    with atomic_output(output, force=force) as target:
        write_lead_grids(target, lead, provenance(command, inputs=digests))
    return [
        (str(label), one.error, one.largest_error, one.cells)
        for label, one in zip(lead.contacts.ids, lead.fields, strict=True)
    ]


def _contacts_and_medium(
    source: str | list[list[float]], medium: Any, name: str | None
) -> tuple[Contacts, Regions]:
    table: Any = None
    if medium is not None:
        if not isinstance(medium, dict):
            raise UsageError(
                f"medium '{medium}' is no table of regions",
                remedy="write 'regions=[...]', or name a .toml file",
            )
        table = read_table(Regions, medium, At(SourceText("medium")))
    is_model = isinstance(source, str) and source.endswith((".toml", ".json"))
    if not is_model:
        if table is None:
            raise UsageError("contacts need a medium", remedy="give --medium")
        if name is not None:
            raise UsageError("--name is that of a model's probe", remedy="leave it out")
        return _points(load_contacts(source)), table
    probe = _probe(str(source), name)
    if table is None:
        table = probe.medium
    if not isinstance(table, Regions):
        raise InputError(
            f"probe '{probe.name}' is in no medium of regions",
            source=probe.source_line,
            remedy="give --medium",
        )
    return _points(contacts_of(probe)), table


def _points(contacts: Contacts) -> Contacts:
    """Contacts as points: what regions add is taken at the centre of a face."""
    return Contacts(contacts.positions, name=contacts.name, ids=contacts.ids)


def _probe(source: str, name: str | None) -> Probe:
    probes = [probe for probe in load_model(source).probes if probe.csd is None]
    chosen = [probe for probe in probes if name in (None, probe.name)]
    if len(chosen) != 1:
        names = ", ".join(f"'{probe.name}'" for probe in probes)
        raise InputError(
            f"has {len(chosen)} such probes",
            source=source,
            remedy=f"give --name, one of {names}" if names else "give it a [[probe]]",
        )
    return chosen[0]

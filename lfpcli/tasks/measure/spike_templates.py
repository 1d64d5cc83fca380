"""Templates: what an array measures of one cell at many places, without simulating it again."""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from lfpcli.errors import InputError, LfpWarning, UsageError, located
from lfpcli.forward.contacts import Contacts
from lfpcli.forward.placements import Placements, signal_blocks
from lfpcli.forward.placing import Accept, contacts_inside
from lfpcli.forward.potentials import PotentialModel
from lfpcli.forward.treatment import UNTREATED, Treatment
from lfpcli.geometry import Geometry
from lfpcli.io import stream
from lfpcli.io.atomic import atomic_output, check_recording_output
from lfpcli.io.provenance import digest, provenance
from lfpcli.io.recording import Recording, open_recording
from lfpcli.io.templates import TemplateWriter
from lfpcli.model.probe import Probe
from lfpcli.tasks.measure.cell_currents import WHOLE, Current, Cut, cell_currents
from lfpcli.tasks.measure.instruments import model_name, probe_parameters, single_model
from lfpcli.tasks.measure.placed_contacts import contacts_of
from lfpcli.tasks.measure.probe import currents_of
from lfpcli.tasks.measure.spike_shapes import PLAIN, Shapes, aligned, spike_sample
from lfpcli.tasks.measure.template_places import Places, placements_of
from lfpcli.tasks.measure.weights import weights_model
from lfpcli.vocabulary import ALL, AXES

# um, within which contacts lie in one plane
_FLAT = 1e-6
# placements that one warning names
_NAMED = 3


@dataclass(frozen=True, kw_only=True)
class Subjects:
    """Which cells are measured.

    Attributes
    ----------
    gid : int or 'all', optional
        The cell; needed where a recording holds several.
    cell_type : str, optional
        What kind of cell all are; the name of the population of each by default.
    plane : {'x', 'y', 'z'}, optional
        Axis that is normal to an insulating plane, in which all contacts lie.
    """

    gid: int | str | None = None
    cell_type: str | None = None
    plane: str | None = None


def templates(
    sources: Sequence[str | os.PathLike[str]],
    output: str | os.PathLike[str],
    spec: Probe,
    places: Places,
    cut: Cut = WHOLE,
    *,
    subjects: Subjects | None = None,
    shapes: Shapes = PLAIN,
    force: bool = False,
    float32: bool = False,
    treatment: Treatment = UNTREATED,
    command: Sequence[str] = ("lfp", "probe"),
    progress: Callable[[float], None] = lambda share: None,
) -> None:
    """Write the signals of simulated cells, each at many places.

    Parameters
    ----------
    sources : sequence of path-like
        Recordings with membrane currents; one of them may be ``-``.
    output : path-like
        File of templates to write, or ``-``.
    spec : Probe
        The array and the forward model.
    places : Places
        Where each cell goes.
    cut : Cut
        What part of the run.
    subjects : Subjects, optional
        Which cells; the only one of each recording by default.
    shapes : Shapes
        Which templates are taken, and where their troughs lie.
    force, float32 : bool
        Whether an existing file is replaced, and templates are stored in single precision.
    treatment : Treatment
        Filter and sampling interval; they act on the whole run, which is cut then.
    command : sequence of str
        The command line, for the provenance.
    progress : callable
        Told which share of the work is done.

    Raises
    ------
    InputError
        Where a recording holds no currents or spikes of a cell, or a file is wrong.
    UsageError
        Where the arguments do not go together.
    """
    check_recording_output(output, force=force, noun="a file of templates")
    contacts = _checked_contacts(spec, treatment)
    # the signals are linear in the currents, which are filtered in their place
    treatment = replace(treatment, mixture=spec.mixture)
    cells, inputs, history = _measured_cells(
        sources, cut, treatment, subjects or Subjects(), contacts
    )
    for number, cell in enumerate(cells):
        cell.placements = _placed(cell, places, shapes, contacts, spec=spec, number=number)
    # what came before is told where it is the same for all
    history = history if len(sources) == 1 else None
    record = provenance(command, inputs=inputs, seed=places.seed, history=history)
    with (
        located(spec.source_line),
        atomic_output(output, force=force) as target,
        TemplateWriter(target, record, float32=float32) as writer,
    ):
        _write(writer, spec, cells, contacts, is_aligned=shapes.aligned, progress=progress)
        if places.path is not None:
            steps = places.path.steps
            writer.paths(sum(len(cell.placements) for cell in cells) // steps, steps)


@dataclass(kw_only=True)
class _Measured:
    """A cell, its currents, the recording that they are of, and its places."""

    geometry: Geometry
    currents: Current
    source: str
    placements: Placements = field(default_factory=lambda: Placements(np.zeros((0, 3))))


def _measured_cells(
    sources: Sequence[str | os.PathLike[str]],
    cut: Cut,
    treatment: Treatment,
    subjects: Subjects,
    contacts: Contacts,
) -> tuple[list[_Measured], dict[str, str], Any]:
    """Cells of all sources, digests of these, and the provenance of the last."""
    cells: list[_Measured] = []
    inputs: dict[str, str] = {}
    history: Any = None
    for source in sources:
        with stream.local_file(source) as (path, name), open_recording(path) as recording:
            recording.name = name
            inputs[name], history = digest(path), recording.provenance
            for number in _gids(recording, subjects.gid):
                geometry, currents = cell_currents(recording, cut, treatment, number)
                cells.append(_Measured(geometry=geometry, currents=currents, source=name))
    _check_alike(cells)
    for cell in cells:
        if subjects.plane is not None:
            _double(cell.currents, subjects.plane, contacts)
        if subjects.cell_type is not None:
            cell.currents.facts["cell_type"] = subjects.cell_type
    return cells, inputs, history


def _placed(
    cell: _Measured,
    places: Places,
    shapes: Shapes,
    contacts: Contacts,
    *,
    spec: Probe,
    number: int,
) -> Placements:
    """Where a cell goes; of paths all places, path by path."""
    fit: Accept | None = None
    if shapes.choosy:
        model = single_model(spec)
        fit = _fit(shapes, cell.geometry, contacts, cell.currents, model=model)
    placements = placements_of(places, cell.geometry, contacts, fit=fit, number=number)
    if places.path is None:
        return placements
    return places.path.along(placements, places.seed, number)


def _gids(recording: Recording, gid: int | str | None) -> list[int | None]:
    """The cells of a recording that are meant; None is its only one."""
    if gid != ALL:
        return [None if gid is None else int(gid)]
    return [member.gid for member in currents_of(recording)[0]]


def _check_alike(cells: Sequence[_Measured]) -> None:
    """Raise `InputError` unless all cells are sampled alike."""
    first = cells[0].currents
    for cell in cells[1:]:
        other = cell.currents
        same = len(first.samples) == len(other.samples)
        if not same or (first.dt, first.t_start) != (other.dt, other.t_start):
            raise InputError(
                f"has other samples than {cells[0].source}",
                source=cell.source,
                remedy="simulate with the same dt, and cut with --spike-window",
            )


def _write(
    writer: TemplateWriter,
    spec: Probe,
    cells: Sequence[_Measured],
    contacts: Contacts,
    *,
    is_aligned: bool,
    progress: Callable[[float], None],
) -> None:
    """Compute the templates of all placements of all cells, and write them block by block."""
    placements = Placements(
        np.concatenate([cell.placements.positions for cell in cells]),
        np.concatenate([cell.placements.rotations for cell in cells]),
    )
    currents = cells[0].currents
    sample = 0
    if is_aligned:
        sample = spike_sample(currents.t_start, currents.dt, len(currents.samples))
    facts = {
        "dt": currents.dt,
        "t_start": currents.t_start,
        "model": model_name(spec),
        **probe_parameters(spec, contacts),
        **currents.facts,
    }
    begins = np.cumsum([0, *(len(cell.placements) for cell in cells)])
    inside = [_inside(cell, contacts, first) for cell, first in zip(cells, begins, strict=False)]
    dataset = writer.begin(
        placements, contacts, np.concatenate(inside), samples=len(currents.samples), facts=facts
    )
    if len(cells) > 1:
        counts = np.diff(begins)
        writer.cells(
            np.repeat(
                np.array([str(cell.currents.facts["cell_type"]) for cell in cells], object), counts
            ),
            np.repeat([int(cell.currents.facts["gid"]) for cell in cells], counts),
        )
    for cell, begin in zip(cells, begins, strict=False):
        blocks = signal_blocks(
            cell.geometry,
            contacts,
            cell.currents.samples.T,
            cell.placements,
            model=single_model(spec),
            dtype=writer.dtype.type,
        )
        for first, block in blocks:
            start = begin + first
            dataset[start : start + len(block)] = aligned(block, sample) if is_aligned else block
            progress((start + len(block)) / len(placements))


def _inside(cell: _Measured, contacts: Contacts, first: int) -> np.ndarray:
    """Contacts inside segments at the places of a cell, which are numbered from `first` on."""
    inside = contacts_inside(cell.geometry, contacts, cell.placements)
    _warn_of_inside(inside, cell.geometry, contacts, len(cell.placements))
    inside["placement"] += first
    return inside


def _checked_contacts(spec: Probe, treatment: Treatment) -> Contacts:
    if spec.csd is not None:
        raise UsageError("placements are of an array, not of CSD")
    if treatment.noise:
        raise UsageError(
            "templates have no noise", remedy="leave --noise out, and add it to the recording"
        )
    if spec.lead_field is not None and weights_model(spec.lead_field) is not None:
        raise InputError(
            "has weights of cells where they are, not at other places",
            source=spec.lead_field,
            remedy="name lead fields of lfp leadfield, or state the medium",
        )
    with located(spec.source_line):
        return contacts_of(spec)


def _double(currents: Current, plane: str, contacts: Contacts) -> None:
    """Double the currents: on an insulating plane each source and its image are equally far.

    Raises
    ------
    UsageError
        Where contacts lie off one plane normal to that axis.
    """
    heights = contacts.positions[:, AXES.index(plane)]
    if np.ptp(heights) > _FLAT:
        raise UsageError(
            f"contacts lie at {plane} from {heights.min():g} to {heights.max():g} um, on no plane"
            f" normal to {plane}",
            remedy="choose the axis of the array's plane, or leave out --plane",
        )
    currents.samples = 2.0 * currents.samples
    currents.facts["plane"] = plane


def _fit(
    shapes: Shapes,
    cell: Geometry,
    contacts: Contacts,
    currents: Current,
    *,
    model: PotentialModel,
) -> Accept:
    """Says which placements have templates of the shapes that are wanted."""

    def fit(some: Placements) -> np.ndarray:
        blocks = signal_blocks(cell, contacts, currents.samples.T, some, model=model)
        return np.concatenate([shapes.fit(block) for _, block in blocks])

    return fit


def _warn_of_inside(inside: np.ndarray, cell: Geometry, contacts: Contacts, count: int) -> None:
    if not len(inside):
        return
    shown = "; ".join(
        f"placement {row['placement']}: contact {contacts.ids[row['contact']]} in "
        f"{cell.segment_label(row['segment'])}"
        for row in inside[:_NAMED]
    )
    more = f"; and {len(inside) - _NAMED} more" if len(inside) > _NAMED else ""
    warnings.warn(
        f"contacts inside segments at {len(np.unique(inside['placement']))} of {count} placements "
        f"are taken at the radius: {shown}{more}",
        LfpWarning,
        stacklevel=2,
    )

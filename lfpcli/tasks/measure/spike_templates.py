"""Templates: what an array measures of one cell at many places, without simulating it again."""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from lfpcli.errors import InputError, LfpWarning, UsageError, located
from lfpcli.forward.contacts import Contacts
from lfpcli.forward.placements import Placements, signal_blocks
from lfpcli.forward.placing import (
    Accept,
    box_about,
    contacts_inside,
    near_soma,
    random_placements,
)
from lfpcli.forward.potentials import PotentialModel
from lfpcli.forward.treatment import UNTREATED, Treatment
from lfpcli.geometry import Geometry
from lfpcli.io import stream
from lfpcli.io.atomic import atomic_output, check_output
from lfpcli.io.placements import read_placements
from lfpcli.io.provenance import digest, provenance
from lfpcli.io.recording import open_recording
from lfpcli.io.templates import TemplateWriter
from lfpcli.model.probe import Probe
from lfpcli.tasks.measure.cell_currents import WHOLE, Current, Cut, cell_currents
from lfpcli.tasks.measure.instruments import measured_by, model_name, probe_parameters
from lfpcli.tasks.measure.placed_contacts import contacts_of
from lfpcli.tasks.measure.spike_shapes import PLAIN, Shapes, aligned, spike_sample
from lfpcli.vocabulary import AXES

# um, within which contacts lie in one plane
_FLAT = 1e-6
# placements that one warning names
_NAMED = 3


@dataclass(frozen=True, kw_only=True)
class Path:
    """A straight way that a cell drifts.

    Attributes
    ----------
    vector : sequence of float, shape (3,)
        From its begin to its end, um.
    steps : int
        Number of places on it, both ends included, at least 2.
    """

    vector: Sequence[float]
    steps: int

    def along(self, begins: Placements) -> Placements:
        """All places on the paths that begin at placements, path by path."""
        shares = np.linspace(0.0, 1.0, self.steps)
        moves = shares[:, None] * np.asarray(self.vector, float)
        positions = begins.positions[:, None, :] + moves[None, :, :]
        return Placements(positions.reshape(-1, 3), np.repeat(begins.rotations, self.steps, axis=0))


@dataclass(frozen=True)
class Places:
    """Where the cell goes.

    Attributes
    ----------
    source : int or path-like
        Number of random placements, or a file of placements.
    box : sequence of float, shape (3, 2), optional
        Where random somata go: lower and upper end along x, y and z, um; the extent of the
        contacts with 50 um about it where left out.
    turn : str
        How random placements are turned, see `lfpcli.forward.placing.random_placements`.
    beta : (float, float), optional
        Parameters of the distribution of their x.
    min_distance : float, optional
        Least distance of the contacts from the surface of the soma, um.
    seed : int
        Seed of the random placements.
    path : Path, optional
        Where each placement goes from there, for cells that drift.
    """

    source: int | str | os.PathLike[str]
    box: Sequence[Sequence[float]] | None = None
    turn: str = "any"
    beta: tuple[float, float] | None = None
    min_distance: float | None = None
    seed: int = 0
    path: Path | None = None


def templates(
    source: str | os.PathLike[str],
    output: str | os.PathLike[str],
    spec: Probe,
    places: Places,
    cut: Cut = WHOLE,
    *,
    shapes: Shapes = PLAIN,
    plane: str | None = None,
    gid: int | None = None,
    cell_type: str | None = None,
    force: bool = False,
    float32: bool = False,
    treatment: Treatment = UNTREATED,
    command: Sequence[str] = ("lfp", "probe"),
    progress: Callable[[float], None] = lambda share: None,
) -> None:
    """Write the signals of a simulated cell at many places.

    Parameters
    ----------
    source : path-like
        Recording with membrane currents, or ``-``.
    output : path-like
        File of templates to write, or ``-``.
    spec : Probe
        The array and the forward model.
    places : Places
        Where the cell goes.
    cut : Cut
        What part of the run.
    shapes : Shapes
        Which templates are taken, and where their troughs lie.
    plane : {'x', 'y', 'z'}, optional
        Axis that is normal to an insulating plane, in which all contacts lie.
    gid : int, optional
        The cell; needed where the recording holds several.
    cell_type : str, optional
        What kind of cell it is; the name of its population by default.
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
        Where the recording holds no currents or spikes of the cell, or a file is wrong.
    UsageError
        Where the arguments do not go together.
    """
    check_output(output, force=force)
    contacts = _checked_contacts(spec, treatment)
    with stream.local_file(source) as (path, name), open_recording(path) as recording:
        recording.name = name
        cell, currents = cell_currents(recording, cut, treatment, gid)
        facts = {"inputs": {name: digest(path)}, "history": recording.provenance}
    if plane is not None:
        _double(currents, plane, contacts)
    model = measured_by(spec)[1]
    chosen = placements_of(
        places,
        cell,
        contacts,
        fit=_fit(shapes, cell, contacts, currents, model=model) if shapes.choosy else None,
    )
    steps = 1 if places.path is None else places.path.steps
    if places.path is not None:
        chosen = places.path.along(chosen)
    if cell_type is not None:
        currents.facts["cell_type"] = cell_type
    record = provenance(command, **facts, seed=places.seed)
    with (
        located(spec.source_line),
        atomic_output(output, force=force) as target,
        TemplateWriter(target, record, float32=float32) as writer,
    ):
        _write(
            writer,
            spec,
            cell,
            contacts,
            placements=chosen,
            currents=currents,
            is_aligned=shapes.aligned,
            progress=progress,
        )
        if steps > 1:
            writer.paths(len(chosen) // steps, steps)


def _write(
    writer: TemplateWriter,
    spec: Probe,
    cell: Geometry,
    contacts: Contacts,
    *,
    placements: Placements,
    currents: Current,
    is_aligned: bool,
    progress: Callable[[float], None],
) -> None:
    """Compute the templates of all placements, and write them block by block."""
    inside = contacts_inside(cell, contacts, placements)
    _warn_of_inside(inside, cell, contacts, len(placements))
    facts = {
        "dt": currents.dt,
        "t_start": currents.t_start,
        "model": model_name(spec),
        **probe_parameters(spec, contacts),
        **currents.facts,
    }
    dataset = writer.begin(placements, contacts, inside, samples=len(currents.samples), facts=facts)
    blocks = signal_blocks(
        cell,
        contacts,
        currents.samples.T,
        placements,
        model=measured_by(spec)[1],
        dtype=writer.dtype.type,
    )
    sample = 0
    if is_aligned:
        sample = spike_sample(currents.t_start, currents.dt, len(currents.samples))
    for first, block in blocks:
        if is_aligned:
            block = aligned(block, sample)
        dataset[first : first + len(block)] = block
        progress((first + len(block)) / len(placements))


def _checked_contacts(spec: Probe, treatment: Treatment) -> Contacts:
    if spec.csd is not None:
        raise UsageError("placements are of an array, not of CSD")
    if treatment.noise:
        raise UsageError(
            "templates have no noise", remedy="leave --noise out, and add it to the recording"
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


def placements_of(
    places: Places, cell: Geometry, contacts: Contacts, fit: Accept | None = None
) -> Placements:
    """Draw or read placements that `fit` takes, shape (P,) bool of P placements; see `Places`."""
    least = places.min_distance
    if not isinstance(places.source, int):
        chosen = read_placements(places.source)
        if least is not None:
            _refuse_near(near_soma(cell, contacts, chosen, least), least, places.source)
        if fit is not None:
            _refuse_unfit(fit(chosen), places.source)
        return chosen

    def accept(some: Placements) -> np.ndarray:
        kept = np.ones(len(some), dtype=bool)
        if least is not None:
            kept &= ~near_soma(cell, contacts, some, least)
        # templates are made of those alone that are far enough
        if fit is not None and kept.any():
            kept[kept] = fit(Placements(some.positions[kept], some.rotations[kept]))
        return kept

    return random_placements(
        places.source,
        box_about(contacts) if places.box is None else np.asarray(places.box),
        places.seed,
        turn=places.turn,
        beta=places.beta,
        accept=None if least is None and fit is None else accept,
    )


def _refuse_unfit(fits: np.ndarray, source: str | os.PathLike[str]) -> None:
    if not fits.all():
        raise InputError(
            f"{np.count_nonzero(~fits)} of {len(fits)} placements have templates of another"
            f" amplitude or shape, the first is {np.argmin(fits)}",
            source=source,
            remedy="leave them out of the file, or relax --amplitude and --check-shape",
        )


def _refuse_near(near: np.ndarray, least: float, source: str | os.PathLike[str]) -> None:
    if near.any():
        raise InputError(
            f"{np.count_nonzero(near)} of {len(near)} placements have a contact nearer than "
            f"{least:g} um to the soma, the first is {np.argmax(near)}",
            source=source,
            remedy="move the placements away from the contacts",
        )


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

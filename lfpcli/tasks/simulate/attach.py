"""A model that a script has built in NEURON, for the probes and recorders of a model file."""

from __future__ import annotations

from dataclasses import replace
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np

from lfpcli import vocabulary
from lfpcli.errors import InputError, UsageError
from lfpcli.geometry import is_soma_name
from lfpcli.model import Model
from lfpcli.model.run import Run
from lfpcli.runtime.cell.cell import Cell
from lfpcli.runtime.cell.sections import Discretisation, collect_geometry
from lfpcli.runtime.hoc.attached import AttachedCell, AttachedModel, attach, gids_here
from lfpcli.runtime.hoc.settings import set_settings
from lfpcli.runtime.hoc.templates import hoc_settings
from lfpcli.runtime.mpi.team import Team
from lfpcli.runtime.synapses.bulk import SynapseRows, Synapses, detect_spikes
from lfpcli.tasks.measure.streams import Member
from lfpcli.tasks.simulate.build import Built
from lfpcli.tasks.simulate.layout import Layout
from lfpcli.tasks.simulate.outputs import NO_CHECKPOINTS, Outputs
from lfpcli.tasks.simulate.own_settings import OwnSettings, stated_settings

CELLS = "cells"
ARTIFICIAL = "artificial"
# mV; that of populations, where neither a gid nor a connection of the script says it
_THRESHOLD = -10.0


def build_attached(model: Model, team: Team) -> Built:
    """Run the script of a model and take the cells that it has made on this process.

    Parameters
    ----------
    model : Model
        A model with ``run.attach``.
    team : Team
        The processes; the script runs in each of them.

    Returns
    -------
    Built

    Raises
    ------
    InputError
        Where the script builds what cannot be run, see `lfpcli.runtime.hoc.attached.attach`, or
        its processes have cells without gids, the same gid twice, or unequal settings.
    """
    script = model.run.attach
    assert script is not None
    set_settings(stated_settings(model))
    attached = attach(script)
    left_out = _without_inert(attached, team)
    _check_cells(attached, script, team)
    _check_numbers(attached, script, team)
    settings = _settings(model, attached, script, team)
    if left_out:
        noun = "section is" if left_out == 1 else "sections are"
        settings.notes.append(f"{left_out} {noun} left out, on which nothing is")
    layout = _layout(attached, team)
    cells: list[Cell] = []
    members: list[Member] = []
    thresholds: list[float] = []
    for entry in attached.cells:
        cell = _cell(entry)
        threshold = _THRESHOLD if entry.threshold is None else entry.threshold
        detect_spikes(cell, threshold)
        name = next(n for n, gids in layout.cells.items() if cell.gid in gids)
        cells.append(cell)
        members.append(Member(cell.gid, name, cell.geometry))
        thresholds.append(threshold)
    run = settings.model.run
    if "v_init" not in model.run.stated:
        _keep_potentials(cells, team)
    return Built(
        settings=settings,
        layout=layout,
        synapses=Synapses(cells, [], SynapseRows.joined([]), [], dt=run.interval),
        cells=cells,
        members=members,
        thresholds=thresholds,
        sources=attached.sources,
    )


def with_network_attached(model: Model, team: Team) -> Model:
    """Let a hoc file that gives its cells gids be attached, instead of a kind of cell.

    Parameters
    ----------
    model : Model
        The model; its hoc files are run here, once.
    team : Team
        The processes.

    Returns
    -------
    Model
        The same where no file makes such cells.

    Raises
    ------
    InputError
        Where tables put more onto such cells, or make others beside them.
    """
    set_settings(stated_settings(model))
    for spec in model.cells.values():
        if spec.hoc is None:
            continue
        hoc_settings(spec.hoc)
        if not any(team.exchange(bool(gids_here()))):
            continue
        others = (model.populations, model.connections, model.inputs, model.stimuli, model.fields)
        if len(model.cells) > 1 or spec.mechanism or any(others):
            raise InputError(
                "the hoc file gives its cells gids, so that they are a network of their own",
                source=spec.source_line or spec.hoc,
                remedy=f'attach it with [run] attach = "{spec.hoc.name}" (--attach), without '
                "tables or options that make cells or put something onto them",
            )
        return replace(model, cells={}, run=replace(model.run, attach=spec.hoc))
    return model


def check_attached_outputs(outputs: Outputs) -> None:
    """Raise `UsageError` where something is wanted that the tables of a model alone can tell."""
    if outputs.checkpoints != NO_CHECKPOINTS:
        # what a script has made may have a state that nothing tells of
        raise UsageError(
            "a model that a script builds has no checkpoints",
            remedy="leave out --checkpoint and --resume",
        )
    if outputs.network is not None:
        raise UsageError(
            "the network of a model that a script builds is known to the script alone",
            remedy="leave out --save-network",
        )


def _cell(entry: AttachedCell) -> Cell:
    cell = Cell(entry.sections, names=entry.names, nseg=Discretisation(rule="keep"), gid=entry.gid)
    # a cell of ours begins at the origin; this one stays where the script has put it
    cell.geometry = collect_geometry(cell.sections, cell.names, cell.gid)
    if entry.detector is not None:
        cell.spike_end = entry.detector
        if not any(is_soma_name(name) for name in entry.names):
            # the best that there is for the potential of the cell
            cell.detector_index = _index_of(cell, entry.detector)
    return cell


def _keep_potentials(cells: list[Cell], team: Team) -> None:
    """Let segments begin at the potentials that the script has set, where these are several.

    A potential that is the same everywhere is that of NEURON's own begin, not the script's.
    """
    here = {segment.v for cell in cells for segment in cell.segments}
    everywhere = set().union(*team.exchange(here))
    if len(everywhere) < 2:
        return
    for cell in cells:
        cell.begin_at({k: segment.v for k, segment in enumerate(cell.segments)})


def _index_of(cell: Cell, segment: Any) -> int:
    """Index of the segment of a cell that a place of the script's lies in."""
    section = cell.sections.index(segment.sec)
    inside = np.flatnonzero(cell.geometry.section == section)
    return int(inside[min(int(segment.x * len(inside)), len(inside) - 1)])


def _without_inert(attached: AttachedModel, team: Team) -> int:
    """Leave inert trees out where there are other cells; how many, on all processes."""
    inert = [cell for cell in attached.cells if cell.is_inert]
    counts = team.exchange((len(inert), len(attached.cells)))
    number = int(sum(each for each, _ in counts))
    if number == sum(of for _, of in counts):
        return 0
    attached.cells = [cell for cell in attached.cells if not cell.is_inert]
    return number


def _check_cells(attached: AttachedModel, script: Path, team: Team) -> None:
    # more processes than cells are no error
    if not any(team.exchange(bool(attached.cells))):
        raise InputError(
            "makes no sections that are there when it ends",
            source=script,
            remedy="keep the cells in variables of the script, and build them when it is "
            "imported, not under __name__ == '__main__'",
        )


def _check_numbers(attached: AttachedModel, script: Path, team: Team) -> None:
    """Give cells without a gid one; over several processes all must have one, and once each."""
    nameless = [cell for cell in attached.cells if cell.gid < 0]
    known = [cell.gid for cell in attached.cells if cell.gid >= 0] + attached.sources
    if team.size > 1:
        first = nameless[0].sections[0].name() if nameless else None
        for name in team.exchange(first):
            if name is not None:
                raise InputError(
                    f"the cell of section '{name}' has no gid",
                    source=script,
                    remedy="on several processes give each cell one (pc.set_gid2node, pc.cell) "
                    "and make it on its own process only; or run it on one",
                )
        everywhere = [gid for gids in team.exchange(known) for gid in gids]
        twice = next((gid for gid in everywhere if everywhere.count(gid) > 1), None)
        if twice is not None:
            raise InputError(
                f"gid {twice} is on two processes",
                source=script,
                remedy="make each cell on its own process only (pc.gid_exists)",
            )
    for gid, cell in enumerate(nameless, start=max(known, default=-1) + 1):
        cell.gid = gid


def _layout(attached: AttachedModel, team: Team) -> Layout:
    """Populations of a model: stretches of gids that are cells, and of those that are none."""
    here = [(cell.gid, CELLS) for cell in attached.cells]
    here += [(gid, ARTIFICIAL) for gid in attached.sources]
    everywhere = sorted(entry for entries in team.exchange(here) for entry in entries)
    stretches: list[tuple[str, range]] = []
    for group, entries in groupby(everywhere, key=lambda entry: entry[1]):
        gids = [gid for gid, _ in entries]
        stretches.append((group, range(gids[0], gids[-1] + 1)))
    groups = [group for group, _ in stretches]
    layout = Layout()
    for group, numbers in stretches:
        name = group if groups.count(group) == 1 else f"{group}_{numbers.start}"
        layout.cells[name] = numbers
    return layout


def _settings(model: Model, attached: AttachedModel, script: Path, team: Team) -> OwnSettings:
    """What holds: keys of ``[run]`` that the model states, else what the script has set."""
    facts = attached.settings, attached.atol
    if any(other != facts for other in team.exchange(facts)):
        raise InputError(
            "sets other values on another process",
            source=script,
            remedy="set h.dt, h.tstop, h.v_init, h.celsius and the tolerance alike on all",
        )
    stated = model.run.stated
    taken: dict[str, Any] = {
        name: attached.settings[name]
        for name in ("tstop", "dt", "v_init", "celsius")
        if name in attached.settings and name not in stated
    }
    order = int(attached.settings.get("secondorder", 0))
    if "method" in stated:
        order = 0 if model.run.method == vocabulary.INTEGRATORS[0] else 2
    else:
        taken["method"] = vocabulary.INTEGRATORS[1 if order else 0]
    if attached.atol is not None and "dt" not in stated:
        taken |= {"dt": vocabulary.ADAPTIVE, "method": vocabulary.INTEGRATORS[0]}
        if "atol" not in stated:
            taken["atol"] = attached.atol
    # callbacks, played vectors and objects of the script are known to NEURON alone
    run = replace(model.run, **{"engine": "neuron"} | taken)
    _check_step(run, script)
    listed = ", ".join(f"{name} {value}" for name, value in taken.items())
    notes = [f"as {script.name} sets it: {listed}; keys of [run] would hold instead"]
    return OwnSettings(replace(model, run=run), secondorder=order, notes=notes if taken else [])


def _check_step(run: Run, script: Path) -> None:
    if not 0 < run.interval <= run.tstop:
        raise InputError(
            f"dt = {run.interval:g} ms is no step of a run of {run.tstop:g} ms",
            source=script,
            remedy="set h.dt and h.tstop in it, or give --dt and --tstop",
        )

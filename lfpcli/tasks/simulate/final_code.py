"""Code of the user's own that finishes a cell once synapses and electrodes are on it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from lfpcli.errors import InputError
from lfpcli.model import CellSpec, CodeRef, Model
from lfpcli.runtime.cell.cell import Cell
from lfpcli.runtime.cell.points import TableSynapse
from lfpcli.runtime.hoc.hooks import hook
from lfpcli.runtime.hoc.scope import set_list
from lfpcli.runtime.hoc.settings import set_settings, watched_settings
from lfpcli.runtime.synapses.bulk import Synapses
from lfpcli.runtime.synapses.streams import InstanceWatch
from lfpcli.tasks.simulate.layout import Layout
from lfpcli.tasks.simulate.own_settings import stated_settings


def run_final_code(
    model: Model, layout: Layout, *, cells: Sequence[Cell], synapses: Synapses
) -> Mapping[int, list[Any]]:
    """Run the final code of the cells of this process, cell after cell.

    Parameters
    ----------
    model : Model
        The model, with the settings that its cells' own files have made.
    layout : Layout
        The populations.
    cells : sequence of Cell
        The cells, with their electrodes.
    synapses : Synapses
        Their synapses.

    Returns
    -------
    mapping of int to list
        By gid, the point processes and artificial cells with random streams that the code has made.

    Raises
    ------
    InputError
        Where code changes segments, or settings that hold for the run.
    SimulatorError
        Where it fails.
    """
    specs = {cell.gid: model.cells[layout.cell_name_of(cell.gid)] for cell in cells}
    if not any(spec.final_code for spec in specs.values()):
        return {}
    set_settings(stated_settings(model))
    _tell_synapses(model, cells, synapses)
    instances = {}
    for cell in cells:
        watch = InstanceWatch()
        for code in specs[cell.gid].final_code:
            _run(code, specs[cell.gid], cell)
        instances[cell.gid] = list(watch.fresh())
    return instances


def _tell_synapses(model: Model, cells: Sequence[Cell], synapses: Synapses) -> None:
    """Give each cell the list of its synapses, in the order of the tables."""
    netcons = synapses.netcons_of_points()
    _, first = np.unique(synapses.point, return_index=True)
    connections = len(model.connections)
    # rows of a cell are in the order of tables, point processes in one of segments and types
    for k in np.argsort(first, kind="stable").tolist():
        origin = int(synapses.origin[k])
        is_connection = origin < connections
        cells[synapses.cell[k]].table_synapses.append(
            TableSynapse(
                table="connection" if is_connection else "input",
                number=origin if is_connection else origin - connections,
                mechanism=synapses.synapse_types[synapses.synapse_type[k]].type,
                idx=int(synapses.segment[k]),
                point=synapses.points[k],
                netcons=tuple(netcons[k]),
            )
        )


def _run(code: CodeRef, spec: CellSpec, cell: Cell) -> None:
    """Run one file or function for a cell."""
    set_list("lfp_synapses", [synapse.point for synapse in cell.table_synapses])
    set_list("lfp_electrodes", [electrode.point for electrode in cell.electrodes])
    changed: dict[str, float] = {}
    with watched_settings(changed):
        hook(code.file, code.function, spec.workdir)(cell)
    if changed:
        raise InputError(
            f"final code sets {', '.join(changed)}, which the cells' synapses were made with",
            source=code.file,
            remedy="set it in [run], or in 'code', which runs before",
        )
    if sum(section.nseg for section in cell.sections) != len(cell.segments):
        raise InputError(
            "final code changes the number of segments, on which synapses are",
            source=code.file,
            remedy="change it by 'nseg', or in 'code', which runs before",
        )

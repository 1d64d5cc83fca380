"""Shares of signals by groups of segments that a model names, and by its projections."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from lfpcli.errors import InputError, located, nearest
from lfpcli.geometry import select_sections
from lfpcli.model import Model
from lfpcli.model.group import SOMATA, Group
from lfpcli.runtime.mpi.team import Team
from lfpcli.tasks.measure.streams import Member
from lfpcli.tasks.simulate.build import Built


class Groups:
    """The groups of a model on this process.

    Parameters
    ----------
    model : Model
        The model.
    built : Built
        It in NEURON.
    team : Team
        The processes.

    Attributes
    ----------
    names : list of str
        Names of the groups.

    Raises
    ------
    InputError
        Where a group has no segment on any process.
    """

    def __init__(self, model: Model, built: Built, team: Team) -> None:
        self.names = list(model.groups)
        self._masks: dict[str, np.ndarray] = {}
        for name, group in model.groups.items():
            with located(group.source_line):
                self._masks[name] = _mask(group, built)
            if not sum(team.exchange(int(self._masks[name].sum()))):
                raise InputError(
                    f"group '{name}' has no segment",
                    source=group.source_line,
                    remedy="correct its populations, sections, z_min and z_max",
                )

    def split(self, imem: np.ndarray) -> dict[str, np.ndarray]:
        """Membrane currents of each group.

        Parameters
        ----------
        imem : ndarray, shape (n, N)
            Those of all segments of this process, nA.

        Returns
        -------
        dict of str to ndarray, shape (n, N)
            nA, 0 where a segment is not in the group.
        """
        return {name: np.where(mask, imem, 0.0) for name, mask in self._masks.items()}


def _mask(group: Group, built: Built) -> np.ndarray:
    """Which segments of this process are in a group, shape (N,) bool."""
    for name in group.populations or ():
        if name not in built.layout.cells:
            raise InputError(
                f"no population of cells '{name}'",
                source=group.source_line,
                remedy=nearest(name, built.layout.cells, "population"),
            )
    masks = [np.zeros(0, bool)]
    for member, cell in zip(built.members, built.cells, strict=True):
        index = member.gid - built.layout.cells[member.population].start
        outside = group.populations is not None and member.population not in group.populations
        if outside or (group.cells is not None and index not in group.cells):
            masks.append(np.zeros(len(member.geometry), bool))
        else:
            masks.append(_segments(group, member, cell.detector_index))
    return np.concatenate(masks)


def _segments(group: Group, member: Member, soma: int) -> np.ndarray:
    """Which segments of a cell are in a group that the cell belongs to, shape (N,) bool."""
    geometry = member.geometry
    z = geometry.middle[:, 2]
    if group.depth == SOMATA:
        z = np.full(len(z), z[soma])
    mask = np.ones(len(geometry), bool)
    if group.z_min is not None:
        mask &= z >= group.z_min
    if group.z_max is not None:
        mask &= z < group.z_max
    if group.sections is not None:
        mask &= np.isin(geometry.section, _sections(group.sections, geometry.section_names))
    return mask


def _sections(patterns: tuple[str, ...], names: Sequence[str]) -> np.ndarray:
    """Indices of the sections that patterns name; a cell may have none of them."""
    parts = [np.zeros(0, np.int64)]
    for pattern in patterns:
        try:
            parts.append(select_sections(names, (pattern,)))
        except InputError:
            continue
    return np.unique(np.concatenate(parts))


def projection_labels(model: Model, built: Built) -> dict[str, str]:
    """Names of the projections of the synapses of this process, by NEURON's names of these.

    A connection is named PRE_POST, with a number where there are several, an input by its number,
    and the edges of a circuit as their population.

    Parameters
    ----------
    model : Model
        The model.
    built : Built
        It in NEURON.
    """
    names: list[str] = []
    for table in model.connections:
        name = f"{table.pre}_{table.post}"
        count = sum(known == name or known.rpartition(".")[0] == name for known in names)
        names.append(f"{name}.{count}" if count else name)
    names += [f"input{k}" for k in range(len(model.inputs))]
    names += built.edge_names
    synapses = built.synapses
    labels = {}
    for point, origin in zip(synapses.points, synapses.origin.tolist(), strict=True):
        labels[point.hname()] = names[origin]
    return labels

"""EEG caps and MEG helmets as instruments: from membrane currents or dipole moments to signals."""

from __future__ import annotations

from typing import Any

import numpy as np

from lfpcli.errors import InputError
from lfpcli.forward.arrays import dots
from lfpcli.forward.instrument import Instrument
from lfpcli.forward.transforms import soma_places
from lfpcli.forward.tree_dipoles import tree_dipoles
from lfpcli.geometry import Geometry
from lfpcli.model.head import Eeg, InHead, Meg
from lfpcli.tasks.head.eeg import electrodes_of
from lfpcli.tasks.head.meg import sensors_of
from lfpcli.tasks.head.poses import Poses, poses_of
from lfpcli.tasks.head.sensor_array import Lead, SensorArray

# dipoles whose lead field is held at a time
BLOCK = 20000
# a signal holds channels of one unit; the others get this after its name
_SUFFIX = {"T": "mag", "T/m": "grad", "nA/um": "mag", "nA/um/m": "grad"}


def head_instruments(table: Eeg | Meg, *, other_model: str = "") -> list[Instrument]:
    """What measures the EEG or the MEG of a table: one instrument for each unit of its channels.

    Parameters
    ----------
    table : Eeg or Meg
        An ``[[eeg]]`` or ``[[meg]]`` of a model, or the options of a command.
    other_model : str
        ``lfpykit:CLASS``, which sees the dipoles in place of the model of the table.

    Raises
    ------
    UsageError
        Where options do not go together.
    InputError
        Where the sensors, the head or the positions are not what they should be.
    """
    if isinstance(table, Eeg):
        arrays = [electrodes_of(table, other_model=other_model)]
    else:
        arrays = [*sensors_of(table, other_model=other_model).values()]
    names = [table.name]
    # of one unit alone it keeps the name that the user gave
    if len(arrays) > 1:
        names = [f"{table.name}_{_SUFFIX[array.units]}" for array in arrays]
    model = other_model or table.model
    return [_instrument(n, table, array, model) for n, array in zip(names, arrays, strict=True)]


def _instrument(name: str, table: InHead, array: SensorArray, model: str) -> Instrument:
    poses = poses_of(table, array)
    view = _AxialView(array.lead, poses) if table.multi_dipole else _DipoleView(array.lead, poses)
    return Instrument(
        name=name,
        units=array.units,
        channels=len(array.names),
        matrix=view.matrix,
        moment_matrix=view.moment_matrix if isinstance(view, _DipoleView) else None,
        model=model,
        parameters=array.parameters | _stated(table, poses),
        positions=array.positions,
        names=array.names,
        per=table.per,
    )


def _stated(table: InHead, poses: Poses) -> dict[str, Any]:
    """What the recording tells of the sources."""
    facts: dict[str, Any] = {
        "per": table.per,
        "sources": "axial" if table.multi_dipole else "dipole",
    }
    if not poses.by_cell:
        facts["position"] = poses.positions[0].tolist()
        facts["direction"] = poses.rotations[0][:, 2].tolist()
    return facts


class _DipoleView:
    """Cells seen as one current dipole each, at their place in the head."""

    def __init__(self, lead: Lead, poses: Poses) -> None:
        self._lead, self._poses = lead, poses

    def moment_matrix(self, gids: np.ndarray) -> np.ndarray:
        """Signals of unit dipoles along the axes of the cells `gids` (M,); shape (M, C, 3)."""
        # cells without a placement of their own share a pose, whose lead field is computed once
        used, rows = np.unique(self._poses.rows_of(gids), return_inverse=True)
        seen = self._lead(self._poses.positions[used])
        # rows of the rotation are the axes of the head, columns those of the cell
        turned = dots(seen[:, :, None], self._poses.rotations[used].transpose(0, 2, 1))
        return np.ascontiguousarray(turned.transpose(1, 0, 2)[rows])

    def matrix(self, geometry: Geometry) -> np.ndarray:
        """Signals of unit membrane currents of N segments, shape (C, N)."""
        gids, owner = np.unique(geometry.gid, return_inverse=True)
        moments = self.moment_matrix(gids)
        middle = geometry.middle
        seen = np.empty((moments.shape[1], len(middle)))
        for start in range(0, len(middle), BLOCK):
            part = slice(start, start + BLOCK)
            seen[:, part] = dots(middle[part][:, None], moments[owner[part]]).T
        return seen


class _AxialView:
    """Cells seen as the dipoles of their axial currents, each at its own place."""

    def __init__(self, lead: Lead, poses: Poses) -> None:
        self._lead, self._poses = lead, poses

    def matrix(self, geometry: Geometry) -> np.ndarray:
        """Signals of unit membrane currents of N segments, shape (C, N)."""
        currents, vectors, middles = tree_dipoles(geometry)
        if not len(vectors):
            raise InputError(
                "no segment has a parent: there are no axial currents",
                remedy="use the currents of cells of two segments or more, or a total dipole",
            )
        # each path belongs to the cell of the segment it leads to
        child = np.repeat(np.flatnonzero(geometry.parent >= 0), 2)
        row = self._poses.rows_of(geometry.gid)[child]
        if self._poses.by_cell:
            # with placements the soma of each cell goes to its place, not the origin
            middles = middles - soma_places(geometry)[child]
        parts = []
        for start in range(0, len(vectors), BLOCK):
            part = slice(start, start + BLOCK)
            turn = self._poses.rotations[row[part]]
            spots = self._poses.positions[row[part]] + dots(turn, middles[part][:, None])
            arms = dots(turn, vectors[part][:, None])
            parts.append(dots(self._lead(spots), arms).T)
        # one sparse product for all: it adds the paths of a cell in their order
        return np.ascontiguousarray((currents.T @ np.concatenate(parts)).T)

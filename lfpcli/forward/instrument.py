"""What measures: channels whose samples are linear in the membrane currents of cells."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from lfpcli.forward.dispersion import Mixture
from lfpcli.geometry import Geometry

Transfer = Callable[[Geometry], np.ndarray]
MomentTransfer = Callable[[np.ndarray], np.ndarray]
# what stands for the gid of a moment that belongs to no single cell
NO_CELL = -1


@dataclass(frozen=True, kw_only=True)
class Instrument:
    """Probe, dipole, EEG cap or MEG helmet: what it is called and how it sees currents.

    Attributes
    ----------
    name : str
        Name of the signal.
    units : str
        Unit of the signal.
    channels : int
        Number of channels, C.
    matrix : callable
        Returns the transfer matrix (C, N), in `units` per nA, of a `Geometry` of N segments. The
        geometry may hold many cells, which its `gid` tells apart: a matrix that depends on where
        a cell lies in the head looks there. Each column depends on its own cell alone.
    moment_matrix : callable or None
        Returns the matrices (M, C, 3), in `units` per nA um, that turn stored current dipole
        moments into signals. It takes their gids, shape (M,), `NO_CELL` for the moment of many
        cells. None where an instrument does not see cells as dipoles.
    model : str
        Name of the forward model.
    parameters : mapping
        Its parameters, as the file tells them.
    positions : ndarray, shape (C, 3), or None
        Places of the channels, um.
    names : sequence of str
        Names of the channels; empty where they have none.
    per : {'total', 'population', 'cell', 'current', 'group', 'projection'}
        Whose shares are kept beside the total.
    mixture : Mixture or None
        Where conductivities depend on frequency, what makes the channels that are told of those
        that are measured: those of each real conductivity, one after another.
    """

    name: str
    units: str
    channels: int
    matrix: Transfer
    moment_matrix: MomentTransfer | None = None
    model: str = ""
    parameters: Mapping[str, Any] = field(default_factory=dict)
    positions: np.ndarray | None = None
    names: Sequence[str] = ()
    per: str = "total"
    mixture: Mixture | None = None


def dipole_instrument(per: str = "total") -> Instrument:
    """The current dipole moment, nA um: membrane currents times midpoints.

    Parameters
    ----------
    per : {'total', 'population', 'cell'}
        Whose moments are kept beside the total.
    """
    return Instrument(
        name="dipole",
        units="nA um",
        channels=3,
        matrix=lambda geometry: geometry.middle.T,
        moment_matrix=lambda gids: np.broadcast_to(np.eye(3), (len(gids), 3, 3)),
        per=per,
    )

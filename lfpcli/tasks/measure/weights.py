"""Contacts whose weights for each segment are known, as BlueRecording computes them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from lfpcli.errors import InputError
from lfpcli.forward.contacts import Contacts
from lfpcli.geometry import Geometry
from lfpcli.io.exchange.bluerecording import Weights, read_weights
from lfpcli.io.recording import open_hdf5


@dataclass(frozen=True, kw_only=True, eq=False)
class WeightsModel:
    """Potentials by weights that are known; takes the place of a `PotentialModel`.

    Attributes
    ----------
    weights : Weights
        The weights.
    source : str
        Their file.
    """

    weights: Weights
    source: str
    medium: None = None

    def matrix(self, geometry: Geometry, contacts: Contacts) -> np.ndarray:
        """Potential at each contact per current of each segment.

        Parameters
        ----------
        geometry : Geometry
            N segments, of cells whose numbers the weights know.
        contacts : Contacts
            Those of the weights.

        Returns
        -------
        ndarray, shape (C, N)
            mV/nA.

        Raises
        ------
        InputError
            Where there are no weights of a cell, or for another number of segments.
        """
        result = np.empty((len(contacts), len(geometry)))
        for gid in np.unique(geometry.gid).tolist():
            segments = np.flatnonzero(geometry.gid == gid)
            rows = self.weights.cells.get(gid)
            if rows is None or len(rows) != len(segments):
                raise InputError(
                    f"has weights of {0 if rows is None else len(rows)} segments of cell {gid}, "
                    f"which has {len(segments)}",
                    source=self.source,
                    remedy="compute weights for these cells and segments",
                )
            result[:, segments] = rows.T
        return result


def weights_model(path: Path) -> tuple[Contacts, WeightsModel] | None:
    """Contacts and model of a file of weights; None where it is no such file.

    Raises
    ------
    InputError
        Where it is one, and something is wrong with it.
    """
    with open_hdf5(path) as (file, _):
        if "electrodes" not in file or "positions" in file:
            return None
    weights = read_weights(path)
    contacts = Contacts(weights.positions, name=path.stem, ids=weights.names)
    return contacts, WeightsModel(weights=weights, source=str(path))

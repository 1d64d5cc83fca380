"""Current dipole moment of segments with membrane currents."""

from __future__ import annotations

from typing import Any

import numpy as np

from lfpcli.forward.sources import as_geometry


def dipole_matrix(geometry: Any) -> np.ndarray:
    """Current dipole moment per unit of current from each segment: their midpoints.

    With currents that do not sum to zero, the moment depends on the origin
    (Hagen et al. 2018, Front Neuroinform 12:92).

    Parameters
    ----------
    geometry : Geometry or geometry-like
        N segments, um.

    Returns
    -------
    ndarray, shape (3, N)
        um: nA um per nA.
    """
    return np.ascontiguousarray(as_geometry(geometry).middle.T)

"""How well a dipole stands for a cell: its potential against that of all segments."""

from __future__ import annotations

import numpy as np

from lfpcli.forward import infinite
from lfpcli.forward.arrays import conductivity
from lfpcli.geometry import Geometry


def far_field_ratio(
    geometry: Geometry,
    imem: np.ndarray,
    distance: float = 10000.0,
    sigma: float = 0.3,
) -> float:
    """Ratio of the potential of all segments to that of their dipole, far away.

    Both are root mean squares over time and the six places on the axes that are `distance` away
    from the middle of the currents, in an infinite homogeneous medium. Near 1 the dipole serves
    for EEG and MEG; injected currents, which leave a monopole, and places too near move it away
    from 1 (Hagen et al. 2018, Front Neuroinform 12:92, section 2.3).

    Parameters
    ----------
    geometry : Geometry
        Segments, N of them.
    imem : ndarray, shape (N, T)
        Membrane currents, nA.
    distance : float
        From the centre of the cells, um.
    sigma : float
        Conductivity, S/m.

    Returns
    -------
    float
        The ratio; nan where no current flows.
    """
    middle = geometry.middle
    weight = np.abs(imem).sum(axis=1)
    if not weight.any():
        return float("nan")
    # about the middle of the currents the quadrupole is small
    centre = weight @ middle / weight.sum()
    places = centre + distance * np.vstack([np.eye(3), -np.eye(3)])
    gap = np.linalg.norm(places[:, None] - middle, axis=2)
    points = (1.0 / (4 * np.pi * conductivity(sigma) * gap)) @ imem
    dipole = infinite.lead_field(places, centre, sigma)[:, 0] @ ((middle - centre).T @ imem)
    power = np.sum(dipole**2)
    return float(np.sqrt(np.sum(points**2) / power)) if power > 0 else float("nan")

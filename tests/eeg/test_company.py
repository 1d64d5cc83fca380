"""A dipole's signals are the same bits alone and in any company, as a run on many ranks needs."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from lfpcli.forward import infinite, meg
from lfpcli.forward.four_sphere import FourSphereVolumeConductor
from lfpcli.forward.homogeneous_sphere import HomogeneousSphereVolumeConductor
from lfpcli.forward.montages import montage
from lfpcli.forward.sensors import helmet
from lfpcli.geometry import Geometry
from lfpcli.model.head import Eeg
from lfpcli.tasks.head.instruments import head_instruments

SCALP = 90000.0 * montage("10-20")[1]
INSIDE = np.concatenate([SCALP[:10], 0.8 * SCALP[10:]])
DIPOLES = np.random.default_rng(3).uniform(-45000.0, 45000.0, (301, 3))

Lead = Callable[[np.ndarray], np.ndarray]


@pytest.mark.parametrize(
    "lead",
    [
        FourSphereVolumeConductor(INSIDE).lead_field,
        HomogeneousSphereVolumeConductor(SCALP).lead_field,
        lambda places: infinite.lead_field(SCALP, places),
        lambda places: meg.sensor_field(meg.spherical_field, helmet(planar=True), places),
        lambda places: meg.sensor_field(meg.infinite_field, helmet(planar=True), places),
    ],
    ids=["four-sphere", "homogeneous", "infinite", "MEG sphere", "MEG infinite"],
)
def test_lead_fields(lead: Lead) -> None:
    together = lead(DIPOLES)
    for part in (slice(0, 1), slice(7, 10), slice(100, 277)):
        np.testing.assert_array_equal(lead(DIPOLES[part]), together[:, part])


def cells(gids: list[int]) -> Geometry:
    """Forked sticks, each alike for its gid whatever the others are."""
    parts = []
    for gid in gids:
        start = np.random.default_rng(gid).uniform(-50, 50, (1, 3)) + np.zeros((9, 3))
        start[:, 2] += 30.0 * np.arange(9)
        parent = np.array([-1, 0, 1, 2, 1, 4, 5, 6, 7])
        geometry = Geometry(
            start, start + np.array([3.0, 0.0, 30.0]), np.full(9, 2.0), parent=parent
        )
        geometry.gid[:] = gid
        parts.append(geometry)
    return Geometry.joined(parts)


@pytest.mark.parametrize("multi_dipole", [False, True])
def test_cells(multi_dipole: bool) -> None:
    table = Eeg(name="eeg", position=(0.0, 20000.0, 60000.0), multi_dipole=multi_dipole)
    (instrument,) = head_instruments(table)
    together = instrument.matrix(cells(list(range(40))))
    alone = np.concatenate([instrument.matrix(cells([gid])) for gid in range(40)], axis=1)
    np.testing.assert_array_equal(alone, together)

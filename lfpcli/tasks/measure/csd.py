"""Volumes of current source density as an instrument."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from lfpcli.forward.csd import laminar_matrix, volumetric_matrix
from lfpcli.forward.instrument import Instrument
from lfpcli.geometry import Geometry
from lfpcli.model.csd import Csd


def csd_instrument(name: str, csd: Csd, per: str = "total") -> Instrument:
    """Return the instrument of a probe with volumes of current source density.

    Parameters
    ----------
    name : str
        Name of the signal.
    csd : Csd
        The volumes: discs along z, or a grid of boxes, x slowest and z fastest.
    per : str
        Whose shares are kept beside the total.

    Returns
    -------
    Instrument
        In nA/um3; the positions are the middles of the volumes.
    """
    return _laminar(name, csd, per) if csd.is_laminar else _volumetric(name, csd, per)


def _laminar(name: str, csd: Csd, per: str) -> Instrument:
    assert csd.z is not None and csd.radius is not None
    edges = np.linspace(csd.z[0], csd.z[1], csd.layers + 1)
    x, y = csd.centre or (0.0, 0.0)
    radius = csd.radius

    def matrix(geometry: Geometry) -> np.ndarray:
        # the kernel's cylinders stand on the z axis
        offset = np.array([x, y, 0.0])
        moved = replace(geometry, start=geometry.start - offset, end=geometry.end - offset)
        return laminar_matrix(moved, edges, radius)

    middles = 0.5 * (edges[:-1] + edges[1:])
    return Instrument(
        name=name,
        units="nA/um3",
        channels=csd.layers,
        matrix=matrix,
        model="laminar CSD",
        parameters={"z": list(csd.z), "dz": csd.dz, "radius": radius, "centre": [x, y]},
        positions=np.column_stack([np.full(csd.layers, x), np.full(csd.layers, y), middles]),
        per=per,
    )


def _volumetric(name: str, csd: Csd, per: str) -> Instrument:
    assert csd.origin is not None and csd.size is not None and csd.n is not None
    edges = [
        low + np.linspace(0.0, length, count + 1)
        for low, length, count in zip(csd.origin, csd.size, csd.n, strict=True)
    ]

    def matrix(geometry: Geometry) -> np.ndarray:
        return np.asarray(volumetric_matrix(geometry, *edges).toarray())

    middles = [0.5 * (e[:-1] + e[1:]) for e in edges]
    positions = np.stack(np.meshgrid(*middles, indexing="ij"), axis=-1).reshape(-1, 3)
    return Instrument(
        name=name,
        units="nA/um3",
        channels=len(positions),
        matrix=matrix,
        model="volumetric CSD",
        parameters={"origin": list(csd.origin), "size": list(csd.size), "n": list(csd.n)},
        positions=positions,
        per=per,
    )

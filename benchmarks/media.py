"""Seconds, memory and error of a medium of regions per contact: ``python benchmarks/media.py``.

A slice of 300 um between glass and saline, as regions on grids against its images, for contacts on
the glass, in the middle and near saline; a ball against its series; and a shank, told by itself.
"""

from __future__ import annotations

import resource
import time

import numpy as np

from lfpcli.forward.contacts import Contacts
from lfpcli.forward.grid_medium import GridMedium
from lfpcli.forward.media import Slice, Sphere
from lfpcli.forward.potentials import transfer_matrix
from lfpcli.forward.regions import Ball, Box, Medium, Region
from lfpcli.geometry import Geometry

INF = np.inf
TISSUE, INSULATOR = (0.3,) * 3, (0.0,) * 3
GLASS = Region(shape=Box(low=(-INF,) * 3, high=(INF, INF, 0.0)), sigma=INSULATOR)
LAYER = Region(shape=Box(low=(-INF, -INF, 0.0), high=(INF, INF, 300.0)), sigma=TISSUE)
SHANK = Region(shape=Box(low=(-35, 0, -150), high=(35, 15, INF)), sigma=INSULATOR)
BALL = Region(shape=Ball(centre=(0, 0, 0), radius=200.0), sigma=TISSUE)
SLICE = Medium(background=(1.5,) * 3, regions=(LAYER, GLASS))
CASES = (
    ("glass", SLICE, (0.0, 0.0, 0.0), Slice(thickness=300.0)),
    ("middle", SLICE, (0.0, 0.0, 150.0), Slice(thickness=300.0)),
    ("near saline", SLICE, (0.0, 0.0, 290.0), Slice(thickness=300.0)),
    ("ball", Medium(background=(0.03,) * 3, regions=(BALL,)), (0.0, 40.0, 60.0), Sphere(200.0)),
    ("shank", Medium(regions=(SHANK,)), (0.0, 0.0, 0.0), None),
)


def sources(name: str) -> Geometry:
    """Short segments in the tissue about a contact."""
    rng = np.random.default_rng(1)
    low, high = {
        "ball": ([-100, -100, -100], [100, 100, 100]),
        "shank": ([-200, -200, -200], [200, -5, 200]),
    }.get(name, ([-200, -200, 5], [200, 200, 295]))
    start = rng.uniform(low, high, (1000, 3))
    end = np.clip(start + rng.normal(0.0, 10.0, start.shape), low, high)
    return Geometry(start=start, end=end, diam=np.ones(len(start)))


def main() -> None:
    """Print a table."""
    print("contact      tolerance  seconds    cells      MB     told    median   95 %")
    for name, conductor, place, reference in CASES:
        for tolerance in (1e-2, 3e-3, 1e-3):
            medium = GridMedium(conductor=conductor, tolerance=tolerance)
            contacts, geometry = Contacts(np.array([place])), sources(name)
            begin = time.perf_counter()
            (field,) = medium.solve(contacts)
            seconds = time.perf_counter() - begin
            row = f"{name:12} {tolerance:9.0e} {seconds:8.2f} {field.cells:8} "
            row += f"{field.size / 1e6:7.1f} {field.error:8.1e}"
            if reference is not None:
                exact = transfer_matrix(geometry, contacts, sigma=0.3, medium=reference)
                error = np.abs(transfer_matrix(geometry, contacts, medium=medium) / exact - 1.0)
                row += f" {np.median(error):8.1e} {np.percentile(error, 95):8.1e}"
            print(row, flush=True)
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3
    print(f"peak memory {most:.0f} MB")


if __name__ == "__main__":
    main()

"""Seconds, memory and error of a medium of regions per contact: ``python benchmarks/media.py``.

A slice of 300 um between glass and saline, as regions on grids against its images, for contacts on
the glass, in the middle and near saline; a ball against its series; and a shank, told by itself.
With ``--fem`` the slice also as quadratic tetrahedra of scikit-fem on a graded mesh of bricks, with
the same singular part and boundary; ``--json FILE`` keeps the numbers.
"""

from __future__ import annotations

import argparse
import json
import resource
import time
from pathlib import Path
from typing import Any

import numpy as np

from lfpcli.forward.contact_grid import contact_grid
from lfpcli.forward.contacts import Contacts
from lfpcli.forward.grid_medium import GridMedium
from lfpcli.forward.media import Slice, Sphere
from lfpcli.forward.potentials import transfer_matrix
from lfpcli.forward.regions import SURFACE, Ball, Box, Medium, Region
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


def on_grids(name: str, conductor: Medium, place: Any, reference: Any, tolerance: float) -> dict:
    """Numbers of one contact on grids."""
    medium = GridMedium(conductor=conductor, tolerance=tolerance)
    contacts, geometry = Contacts(np.array([place])), sources(name)
    begin, cpu = time.perf_counter(), time.process_time()
    (field,) = medium.solve(contacts)
    row = {
        "case": name,
        "method": "grids",
        "tolerance": tolerance,
        "seconds": time.perf_counter() - begin,
        "cpu_seconds": time.process_time() - cpu,
        "unknowns": field.cells,
        "stored_mb": field.size / 1e6,
        "told": field.error,
    }
    if reference is not None:
        exact = transfer_matrix(geometry, contacts, sigma=0.3, medium=reference)
        error = np.abs(transfer_matrix(geometry, contacts, medium=medium) / exact - 1.0)
        row |= {"median": float(np.median(error)), "p95": float(np.percentile(error, 95))}
    return row


def by_elements(name: str, conductor: Medium, place: Any, reference: Any) -> dict:
    """Numbers of one contact with scikit-fem's quadratic tetrahedra on the coarsest grid's bricks.

    The remainder obeys div(sigma grad u) = -div((sigma - tissue) grad known), with the condition of
    a point source (Robin) outside, as on grids.
    """
    import skfem
    from scipy import sparse
    from scipy.sparse.linalg import cg

    contact = np.array(place)
    sigma0 = float(conductor.about(contact, SURFACE)[0])
    # on glass the known part is that of half a space of tissue
    tissue = float(conductor.at(contact + np.array([0.0, 0.0, SURFACE]))[0])
    begin, cpu = time.perf_counter(), time.process_time()
    faces = list(contact_grid(conductor, contact, parts=2, reach=5000.0).faces)
    # glass takes no part
    faces[2] = faces[2][faces[2] >= 0]
    mesh = skfem.MeshTet.init_tensor(*faces)
    basis = skfem.CellBasis(mesh, skfem.ElementTetP2(), intorder=4)
    outer = mesh.facets_satisfying(lambda x: x[2] > 1e-6, boundaries_only=True)
    rim = skfem.FacetBasis(mesh, skfem.ElementTetP2(), intorder=4, facets=outer)
    glass = mesh.facets_satisfying(lambda x: np.abs(x[2]) < 1e-6, boundaries_only=True)
    floor = skfem.FacetBasis(mesh, skfem.ElementTetP2(), intorder=4, facets=glass)
    middles = mesh.p[:, mesh.t].mean(axis=1).T
    sigma = conductor.at(middles)[:, 0][:, None]
    rim_sigma = sigma[mesh.f2t[0, outer]]

    def known(x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        away = x - contact.reshape(3, *[1] * (x.ndim - 1))
        r = np.sqrt((away**2).sum(axis=0))
        value = 1.0 / (4 * np.pi * sigma0 * r)
        return value, -value * away / r**2

    @skfem.BilinearForm
    def conduction(u: Any, v: Any, w: Any) -> Any:
        return sigma * (u.grad * v.grad).sum(axis=0)

    @skfem.BilinearForm
    def leaving(u: Any, v: Any, w: Any) -> Any:
        away = w.x - contact.reshape(3, 1, 1)
        return rim_sigma * (away * w.n).sum(axis=0) / (away**2).sum(axis=0) * u * v

    @skfem.LinearForm
    def inner(v: Any, w: Any) -> Any:
        return -(sigma - tissue) * (known(w.x)[1] * v.grad).sum(axis=0)

    @skfem.LinearForm
    def across(v: Any, w: Any) -> Any:
        value, slope = known(w.x)
        away = w.x - contact.reshape(3, 1, 1)
        robin = rim_sigma * (away * w.n).sum(axis=0) / (away**2).sum(axis=0) * value
        return -(tissue * (slope * w.n).sum(axis=0) + robin) * v

    @skfem.LinearForm
    def onto_glass(v: Any, w: Any) -> Any:
        return -tissue * (known(w.x)[1] * w.n).sum(axis=0) * v

    matrix = sparse.csr_array(conduction.assemble(basis) + leaving.assemble(rim))
    load = inner.assemble(basis) + across.assemble(rim)
    if place[2] > SURFACE:
        load += onto_glass.assemble(floor)
    diagonal = sparse.dia_array((1.0 / matrix.diagonal()[None], [0]), shape=matrix.shape)
    solution, info = cg(matrix, load, rtol=1e-8, maxiter=4000, M=diagonal)
    seconds, spent = time.perf_counter() - begin, time.process_time() - cpu
    geometry = sources(name)
    value = basis.probes(geometry.middle.T) @ solution + known(geometry.middle.T)[0]
    points = Geometry(start=geometry.middle, end=geometry.middle.copy(), diam=geometry.diam)
    exact = transfer_matrix(points, contact[None], sigma=0.3, medium=reference)[0]
    error = np.abs(value / exact - 1.0)
    return {
        "case": name,
        "method": "scikit-fem P2",
        "seconds": seconds,
        "cpu_seconds": spent,
        "unknowns": int(matrix.shape[0]),
        "stored_mb": 8e-6 * matrix.shape[0],
        "median": float(np.median(error)),
        "p95": float(np.percentile(error, 95)),
        "converged": info == 0,
    }


def shown(row: dict[str, Any]) -> str:
    """A line of the table."""
    names = (
        "tolerance",
        "seconds",
        "cpu_seconds",
        "unknowns",
        "stored_mb",
        "told",
        "median",
        "p95",
    )
    cells = [f"{row[name]:10.3g}" if name in row else " " * 10 for name in names]
    return f"{row['case']:12} {row['method']:14}" + "".join(cells)


def main() -> None:
    """Print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--fem", action="store_true", help="scikit-fem beside it")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the numbers")
    parser.add_argument("--tolerances", type=float, nargs="+", default=[1e-2, 3e-3, 1e-3])
    arguments = parser.parse_args()
    heads = ("tolerance", "seconds", "cpu s", "unknowns", "MB", "told", "median", "95 %")
    print(f"{'contact':12} {'method':14}" + "".join(f"{head:>10}" for head in heads))
    rows = []
    for name, conductor, place, reference in CASES:
        for tolerance in arguments.tolerances:
            rows.append(on_grids(name, conductor, place, reference, tolerance))
            print(shown(rows[-1]), flush=True)
        if arguments.fem and conductor is SLICE:
            rows.append(by_elements(name, conductor, place, reference))
            print(shown(rows[-1]), flush=True)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3
    print(f"peak memory {peak:.0f} MB")
    if arguments.json is not None:
        arguments.json.write_text(json.dumps({"peak_mb": peak, "contacts": rows}, indent=2) + "\n")


if __name__ == "__main__":
    main()

"""Seconds, memory and error of a medium of regions per contact: ``python benchmarks/media.py``.

A slice of 300 um between glass and saline, as regions on grids against its images, for contacts on
the glass, in the middle and near saline; a ball against its series; and a shank, told by itself.
With ``--fem`` the slice also as quadratic tetrahedra of scikit-fem on a graded mesh of bricks, and,
where it is installed, of NGSolve on a mesh of its own, with the same singular part and boundary;
``--json FILE`` keeps the numbers. Each row is measured in a process of its own, whose largest
memory beyond that of the imports is told.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import multiprocessing
import resource
import time
from pathlib import Path
from typing import Any

import numpy as np
from common import machine

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


def by_ngsolve(name: str, conductor: Medium, place: Any, reference: Any, order: int) -> dict:
    """Numbers of one contact with NGSolve's tetrahedra, factored; equations as `by_elements`."""
    import ngsolve as ng
    from netgen.meshing import MeshingParameters
    from netgen.occ import Box as Brick
    from netgen.occ import Glue, OCCGeometry, Pnt, X, Y, Z

    contact, far = np.array(place), 5000.0
    sigma0 = float(conductor.about(contact, SURFACE)[0])
    tissue = float(conductor.at(contact + np.array([0.0, 0.0, SURFACE]))[0])
    begin, cpu = time.perf_counter(), time.process_time()
    layer = Brick(Pnt(-far, -far, 0), Pnt(far, far, 300))
    sea = Brick(Pnt(-far, -far, 300), Pnt(far, far, far))
    for brick, label in ((layer, "tissue"), (sea, "saline")):
        brick.mat(label)
        for axis in (X, Y):
            brick.faces.Min(axis).name = brick.faces.Max(axis).name = f"outer {label}"
    sea.faces.Max(Z).name = "outer saline"
    layer.faces.Min(Z).name = "glass"
    wishes = MeshingParameters(maxh=1500.0, grading=0.3)
    # cells of the coarsest grid are as fine there
    wishes.RestrictH(x=contact[0], y=contact[1], z=contact[2], h=12.0)
    mesh = ng.Mesh(OCCGeometry(Glue([layer, sea])).GenerateMesh(mp=wishes))
    space = ng.H1(mesh, order=order)
    u, v = space.TnT()
    sigma = mesh.MaterialCF({"tissue": 0.3, "saline": 1.5})
    rim_sigma = mesh.BoundaryCF({"outer tissue": 0.3, "outer saline": 1.5})
    away = ng.CF((ng.x - contact[0], ng.y - contact[1], ng.z - contact[2]))
    square = away * away
    known = 1.0 / (4 * np.pi * sigma0 * ng.sqrt(square))
    slope = -known / square * away
    normal = ng.specialcf.normal(3)
    robin = rim_sigma * (away * normal) / square
    matrix = ng.BilinearForm(space, symmetric=True)
    matrix += sigma * ng.grad(u) * ng.grad(v) * ng.dx
    matrix += robin * u * v * ng.ds("outer.*")
    load = ng.LinearForm(space)
    load += -(1.5 - tissue) * (slope * ng.grad(v)) * ng.dx("saline")
    load += -(tissue * (slope * normal) + robin * known) * v * ng.ds("outer.*")
    if place[2] > SURFACE:
        load += -tissue * (slope * normal) * v * ng.ds("glass")
    matrix.Assemble()
    load.Assemble()
    solution = ng.GridFunction(space)
    solution.vec.data = matrix.mat.Inverse(space.FreeDofs(), "sparsecholesky") * load.vec
    seconds, spent = time.perf_counter() - begin, time.process_time() - cpu
    geometry = sources(name)
    points = Geometry(start=geometry.middle, end=geometry.middle.copy(), diam=geometry.diam)
    exact = transfer_matrix(points, contact[None], sigma=0.3, medium=reference)[0]
    r = np.linalg.norm(geometry.middle - contact, axis=1)
    value = np.array([solution(mesh(*middle)) for middle in geometry.middle.tolist()])
    error = np.abs((value + 1.0 / (4 * np.pi * sigma0 * r)) / exact - 1.0)
    return {
        "case": name,
        "method": f"NGSolve P{order}",
        "seconds": seconds,
        "cpu_seconds": spent,
        "unknowns": int(space.ndof),
        "stored_mb": 8e-6 * space.ndof,
        "median": float(np.median(error)),
        "p95": float(np.percentile(error, 95)),
    }


def measured(job: tuple[str, tuple[Any, ...]]) -> dict[str, Any]:
    """A row, and the memory that it took in this process."""
    function, arguments = job
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    row: dict[str, Any] = globals()[function](*arguments)
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return row | {"memory_mb": (most - before) / 1e3}


def shown(row: dict[str, Any]) -> str:
    """A line of the table."""
    names = (
        "tolerance",
        "seconds",
        "cpu_seconds",
        "unknowns",
        "memory_mb",
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
    heads = ("tolerance", "seconds", "cpu s", "unknowns", "MB", "kept MB", "told", "median", "95 %")
    print(f"{'contact':12} {'method':14}" + "".join(f"{head:>10}" for head in heads))
    rows = []
    fresh = multiprocessing.get_context("spawn")
    for job in jobs(arguments.tolerances, fem=arguments.fem):
        with fresh.Pool(1) as pool:
            rows.append(pool.map(measured, [job])[0])
        print(shown(rows[-1]), flush=True)
    if arguments.json is not None:
        result = {"benchmark": "media", "machine": machine(), "contacts": rows}
        arguments.json.write_text(json.dumps(result, indent=1) + "\n")


def jobs(tolerances: list[float], *, fem: bool) -> list[tuple[str, tuple[Any, ...]]]:
    """Functions by name and their arguments, a row each."""
    chosen: list[tuple[str, tuple[Any, ...]]] = []
    for case in CASES:
        chosen += [("on_grids", (*case, tolerance)) for tolerance in tolerances]
        if fem and case[1] is SLICE:
            chosen.append(("by_elements", case))
            if importlib.util.find_spec("ngsolve") is not None:
                chosen += [("by_ngsolve", (*case, order)) for order in (2, 3)]
    return chosen


if __name__ == "__main__":
    main()

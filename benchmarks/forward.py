"""Transfer matrices of 384 contacts and 20,000 segments: this program against LFPykit, in one run.

Usage: OMP_NUM_THREADS=2 python benchmarks/forward.py [--repeats 5]

LFPykit's slowest models are timed on part of the contacts or segments and scaled up, as its time
is proportional to both. Where both approximate (faces, images), ours is set to an error no
larger than LFPykit's, both against a fine reference.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import lfpykit
import numpy as np
from common import add_compare, in_process, machine, print_table, save

from lfpcli.forward import csd
from lfpcli.forward.contacts import Contacts
from lfpcli.forward.placements import Placements, signal_blocks
from lfpcli.forward.potentials import near_contacts, transfer_matrix
from lfpcli.forward.rotations import random_rotation
from lfpcli.geometry import Geometry
from lfpcli.io.arrays import load_contacts
from lfpcli.kernels.threads import use_instructions

CONTACTS, SEGMENTS, DEPTH = 384, 20_000, 300.0
# floating-point operations per pair in the kernels, a root as one
OPERATIONS = {"line": 64, "point": 27}
SPIKE_SAMPLES = 224


@dataclass
class Row:
    """One line of the table."""

    name: str
    ours: float
    theirs: float
    pairs: int
    our_error: float | str = ""
    their_error: float | str = ""

    def cells(self) -> list[Any]:
        nanoseconds = 1e9 * self.ours / self.pairs
        errors = [self.our_error, self.their_error]
        return [self.name, self.ours, nanoseconds, self.theirs, self.theirs / self.ours, *errors]


def best(call: Callable[[], Any], repeats: int) -> float:
    """Shortest of several times, s."""
    times = []
    for _ in range(repeats):
        begin = time.perf_counter()
        call()
        times.append(time.perf_counter() - begin)
    return min(times)


def tree(count: int = SEGMENTS, seed: int = 1) -> Geometry:
    """Segments of 2 to 20 um in a slice of 300 um."""
    rng = np.random.default_rng(seed)
    middle = rng.uniform([-300, -300, 20], [300, 300, DEPTH - 20], (count, 3))
    along = rng.normal(size=(count, 3))
    along *= rng.uniform(1, 10, (count, 1)) / np.linalg.norm(along, axis=1, keepdims=True)
    return Geometry(middle - along, middle + along, rng.uniform(0.4, 3.0, count))


def part(geometry: Geometry, count: int) -> Geometry:
    """The first segments."""
    return Geometry(geometry.start[:count], geometry.end[:count], geometry.diam[:count])


def as_lfpykit(geometry: Geometry) -> lfpykit.CellGeometry:
    """The same segments for LFPykit."""
    columns = [np.column_stack([geometry.start[:, k], geometry.end[:, k]]) for k in range(3)]
    return lfpykit.CellGeometry(*columns, d=geometry.diam)


def shank() -> Contacts:
    """Neuropixels-384 through the midst of the segments, as faces."""
    return load_contacts("Neuropixels-384", shift=[0.0, 0.0, 150.0])


def grid() -> np.ndarray:
    """24 by 16 contacts on the glass."""
    x, y = np.meshgrid(np.linspace(-280, 280, 24), np.linspace(-280, 280, 16))
    return np.column_stack([x.ravel(), y.ravel(), np.zeros(x.size)])


def lfpykit_time(geometry: Geometry, places: np.ndarray, model: type, **options: Any) -> float:
    """Seconds of LFPykit for all contacts, from those given."""
    x, y, z = places.T
    electrode = model(as_lfpykit(geometry), x=x, y=y, z=z, **options)
    scale = CONTACTS / len(places)
    return best(electrode.get_transformation_matrix, 2 if scale == 1 else 1) * scale


def rms(got: np.ndarray, want: np.ndarray) -> float:
    """Root of the mean square of relative errors."""
    return float(np.sqrt(np.mean((got / want - 1) ** 2)))


def infinite_rows(repeats: int) -> list[Row]:
    """Point, line and anisotropic line sources; into new memory where nothing else is said."""
    geometry, places = tree(), shank().positions
    sigma, out = [0.3, 0.2, 0.4], np.empty((CONTACTS, SEGMENTS))
    rows = []
    for name, ours, theirs in (
        ("point", {"method": "point"}, {"method": "pointsource"}),
        ("line", {}, {"method": "linesource"}),
        ("line, float32", {"dtype": np.float32}, {"method": "linesource"}),
        ("line, anisotropic", {"sigma": sigma}, {"sigma": sigma}),
        ("line, into out=", {"out": out}, {"method": "linesource"}),
        ("line, anisotropic, into out=", {"sigma": sigma, "out": out}, {"sigma": sigma}),
    ):
        our_time = best(lambda o=ours: transfer_matrix(geometry, places, **o), 10 * repeats)
        their_time = lfpykit_time(geometry, places, lfpykit.RecExtElectrode, **theirs)
        rows.append(Row(name, our_time, their_time, CONTACTS * SEGMENTS))
    return rows


def face_rows(repeats: int) -> list[Row]:
    """Discs of 7.5 um, LFPykit with 50 random points."""
    geometry = tree()
    faces = replace(shank(), shape="circle", radius=7.5, half_sides=None)
    few, some = (
        replace(
            faces, positions=faces.positions[:24], normals=faces.normals[:24], tangents=None, ids=()
        ),
        part(geometry, 2000),
    )
    fine = transfer_matrix(some, few, quadrature=2500)
    x, y, z = few.positions.T
    disc = {"N": few.normals, "r": 7.5, "n": 50}
    np.random.seed(1)
    random = lfpykit.RecExtElectrode(as_lfpykit(some), x=x, y=y, z=z, **disc)
    their_error = rms(random.get_transformation_matrix(), fine)
    their_time = lfpykit_time(geometry, few.positions, lfpykit.RecExtElectrode, **disc)
    rows = []
    for count in (4, 64):
        our_time = best(lambda n=count: transfer_matrix(geometry, faces, quadrature=n), repeats)
        error = rms(transfer_matrix(some, few, quadrature=count), fine)
        name = f"disc, {count} points"
        rows.append(
            Row(name, our_time, their_time, CONTACTS * SEGMENTS * count, error, their_error)
        )
    return rows


def slice_rows(repeats: int) -> list[Row]:
    """Lines in a slice, LFPykit with its 20 steps."""
    geometry, places = tree(), grid()
    some, few = part(geometry, 2000), places[::16]
    x, y, z = few.T
    exact = transfer_matrix(some, few, medium={"slice": DEPTH}, tolerance=1e-14)
    reference = lfpykit.RecMEAElectrode(as_lfpykit(some), x=x, y=y, z=z, steps=20)
    their_error = rms(reference.get_transformation_matrix(), exact)
    their_time = lfpykit_time(geometry, few, lfpykit.RecMEAElectrode, steps=20)
    rows = []
    for tolerance in (1e-4, 1e-10):
        options: dict[str, Any] = {"medium": {"slice": DEPTH}, "tolerance": tolerance}
        our_time = best(lambda o=options: transfer_matrix(geometry, places, **o), repeats)
        error = rms(transfer_matrix(some, few, **options), exact)
        name = f"slice, tolerance {tolerance:g}"
        rows.append(Row(name, our_time, their_time, CONTACTS * SEGMENTS, error, their_error))
    return rows


def sphere_row(repeats: int) -> Row:
    """Points in one sphere; LFPykit on few pairs, with the 1000 terms of its default."""
    geometry, places = tree(), shank().positions
    spherical = np.array([[400.0, 500.0], [0.5, 1.5], [0.0, 0.0]])
    few = part(geometry, 20)
    reference = lfpykit.OneSphereVolumeConductor(as_lfpykit(few), spherical, R=5000.0)
    scale = CONTACTS * SEGMENTS / (2 * 20)
    their_time = best(reference.get_transformation_matrix, 1) * scale
    options: dict[str, Any] = {"method": "point", "medium": {"sphere": 5000.0}}
    our_time = best(lambda: transfer_matrix(geometry, places, **options), repeats)
    return Row("sphere, points", our_time, their_time, CONTACTS * SEGMENTS)


def csd_rows(repeats: int) -> list[Row]:
    """30 layers, and 1,000 voxels."""
    geometry = tree()
    edges = np.linspace(0.0, DEPTH, 31)
    layers, radii = np.column_stack([edges[:-1], edges[1:]]), np.full(30, 250.0)
    laminar = lfpykit.LaminarCurrentSourceDensity(as_lfpykit(geometry), layers, radii)
    rows = [
        Row(
            "CSD, 30 layers",
            best(lambda: csd.laminar_matrix(geometry, layers, radii), repeats),
            best(laminar.get_transformation_matrix, 1),
            30 * SEGMENTS,
        )
    ]
    x, z = np.linspace(-310, 310, 11), np.linspace(0, DEPTH, 11)
    some = part(geometry, 500)
    voxels = lfpykit.VolumetricCurrentSourceDensity(as_lfpykit(some), x, x, z)
    their_time = best(voxels.get_transformation_matrix, 1) * SEGMENTS / 500
    our_time = best(lambda: csd.volumetric_matrix(geometry, x, x, z), repeats)
    return [*rows, Row("CSD, 1000 voxels", our_time, their_time, 1000 * SEGMENTS)]


def record_spike(path: str) -> dict[str, Any]:
    """Put TTPC1's segments and the currents of its first spike into a file."""
    from real_cell import load_cell

    cell, _template = load_cell(tstop=80.0)
    cell.simulate(rec_imem=True)
    first = int(np.argmax(cell.somav > 0.0)) - 64
    geometry = cell.geometry
    np.savez(
        path,
        start=geometry.start,
        end=geometry.end,
        diam=geometry.diam,
        currents=cell.imem[:, first : first + SPIKE_SAMPLES],
    )
    return {"segments": len(geometry), "first": first}


def ttpc1_spike() -> tuple[Geometry, np.ndarray]:
    """TTPC1 with its soma at the origin, and its membrane currents in a spike of 7 ms, nA."""
    with tempfile.TemporaryDirectory() as folder:
        path = str(Path(folder, "spike.npz"))
        in_process(__file__, "spike", f"--path={path}")
        with np.load(path) as found:
            currents = found["currents"]
            return Geometry(found["start"], found["end"], found["diam"]), currents


def placement_rows() -> list[Row]:
    """1,000 places of TTPC1, with one spike of 224 samples."""
    cell, currents = ttpc1_spike()
    places, rng = shank().positions, np.random.default_rng(1)
    turns = np.array([random_rotation(rng) for _ in range(1000)])
    where = Placements(rng.uniform(-100, 100, (1000, 3)), turns)
    some = list(zip(where.positions[:5], where.rotations[:5], strict=True))
    ends = [(cell.start @ turn.T + to, cell.end @ turn.T + to) for to, turn in some]

    def theirs() -> None:
        x, y, z = places.T
        for start, end in ends:
            moved = as_lfpykit(Geometry(start, end, cell.diam))
            model = lfpykit.RecExtElectrode(moved, x=x, y=y, z=z)
            model.get_transformation_matrix() @ currents

    their_time = best(theirs, 2) * 1000 / len(ends)
    rows = []
    for name, options in (
        ("1000 placements", {}),
        ("1000 placements, compress 1e-9", {"compress": 1e-9}),
        ("1000 placements, float32", {"compress": 1e-9, "dtype": np.float32}),
    ):

        def ours(o: dict[str, Any] = options) -> None:
            for _ in signal_blocks(cell, places, currents, where, **o):
                pass

        pairs = 1000 * CONTACTS * len(cell)
        rows.append(Row(name, best(ours, 2), their_time, pairs))
    return rows


def roofline(rows: list[Row]) -> list[list[Any]]:
    """Share of the machine's arithmetic and memory that the kernels use."""
    square = np.random.default_rng(1).normal(size=(1500, 1500))
    peak = 2 * 1500**3 / best(lambda: square @ square, 5)
    block = np.zeros(CONTACTS * SEGMENTS)
    store = block.nbytes / best(lambda: block.fill(1.0), 5)
    table = []
    for row in rows:
        if row.name in OPERATIONS:
            rate = row.pairs / row.ours
            arithmetic, memory = rate * OPERATIONS[row.name] / peak, rate * 8 / store
            bound = max(arithmetic, memory)
            table.append([row.name, peak / 1e9, arithmetic, store / 1e9, memory, bound])
    return table


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--repeats",
        type=int,
        default=5,
        help="of the slow models; the quick ones get ten times as many",
    )
    parser.add_argument("--part", choices=["spike"])
    parser.add_argument("--path")
    add_compare(parser)
    args = parser.parse_args()
    if args.part:
        print(json.dumps(record_spike(args.path)))
        return
    repeats = args.repeats
    warnings.simplefilter("ignore")
    rows = [*infinite_rows(repeats), *face_rows(repeats), *slice_rows(repeats)]
    rows += [sphere_row(repeats), *csd_rows(repeats), *placement_rows()]
    print(f"{machine()}, {use_instructions()}\n{CONTACTS} contacts, {SEGMENTS} segments\n")
    head = ["model", "s", "ns/pair", "LFPykit s", "ratio", "error", "LFPykit error"]
    print_table(head, [row.cells() for row in rows])
    near = best(lambda: near_contacts(tree(), shank()), repeats)
    print(f"\ncontacts inside segments: {near:.3g} s\n")
    print_table(
        ["kernel", "peak Gflop/s", "share", "store GB/s", "its share", "of the nearer roof"],
        roofline(rows),
    )
    save("forward", compare=args.compare)


if __name__ == "__main__":
    main()

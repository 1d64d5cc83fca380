"""Meshes of concentric balls, as tetrahedra in layers."""

from __future__ import annotations

from pathlib import Path

import numpy as np

# the three tetrahedra of a prism, whose corners 0 to 2 are below 3 to 5 and ordered by number
_SPLIT = ((0, 1, 2, 5), (0, 1, 5, 4), (0, 4, 5, 3))


def icosphere(rounds: int) -> tuple[np.ndarray, np.ndarray]:
    """Unit vectors (P, 3) and triangles (T, 3) of an icosahedron whose edges are halved."""
    golden = (1 + np.sqrt(5)) / 2
    corners = [[0, a, b * golden] for a in (-1, 1) for b in (-1, 1)]
    points = np.array([np.roll(c, k) for k in range(3) for c in corners], dtype=float)
    points /= np.linalg.norm(points, axis=1, keepdims=True)
    gaps = np.linalg.norm(points[:, None] - points, axis=2)
    near = (gaps > 0) & (gaps < 1.1)
    triangles = []
    for a in range(12):
        for b in range(a + 1, 12):
            for c in range(b + 1, 12):
                if near[a, b] and near[b, c] and near[a, c]:
                    triangles.append((a, b, c))
    for _ in range(rounds):
        middles: dict[tuple[int, int], int] = {}
        whole, finer = points.tolist(), []
        for triangle in triangles:
            ends = []
            for a, b in ((0, 1), (1, 2), (0, 2)):
                pair = tuple(sorted((triangle[a], triangle[b])))
                if pair not in middles:
                    middle = np.add(whole[pair[0]], whole[pair[1]])
                    middles[pair] = len(whole)
                    whole.append((middle / np.linalg.norm(middle)).tolist())
                ends.append(middles[pair])
            ab, bc, ac = ends
            a, b, c = triangle
            finer += [(a, ab, ac), (b, ab, bc), (c, ac, bc), (ab, bc, ac)]
        points, triangles = np.array(whole), finer
    return points, np.sort(np.array(triangles), axis=1)


def balls(radii: list[float], shells: list[float], rounds: int) -> tuple[np.ndarray, ...]:
    """Points (P, 3), tetrahedra (M, 4) and tags (M,), 1 for the innermost shell.

    Parameters
    ----------
    radii : list of float
        Of the layers of points, ascending, those of the shells among them.
    shells : list of float
        Outer radii of the shells.
    rounds : int
        How often the edges of the icosahedra are halved.
    """
    unit, triangles = icosphere(rounds)
    count = len(unit)
    points = np.concatenate([np.zeros((1, 3)), *(r * unit for r in radii)])
    blocks = [np.column_stack([np.zeros(len(triangles), int), triangles + 1])]
    tags = [np.ones(len(triangles), int)]
    for layer in range(1, len(radii)):
        prism = np.column_stack(
            [triangles + 1 + (layer - 1) * count, triangles + 1 + layer * count]
        )
        middle = (radii[layer] + radii[layer - 1]) / 2
        tag = 1 + int(np.searchsorted(shells, middle))
        for corners in _SPLIT:
            blocks.append(prism[:, corners])
            tags.append(np.full(len(triangles), tag))
    elements = np.concatenate(blocks)
    edges = points[elements][:, 1:] - points[elements][:, :1]
    inverted = np.linalg.det(edges) < 0
    elements[inverted] = elements[inverted][:, [0, 1, 3, 2]]
    return points, elements, np.concatenate(tags)


def write_mesh(
    path: Path, points: np.ndarray, elements: np.ndarray, tags: np.ndarray, file_format: str
) -> None:
    """Write a .msh file: "2.2" or "4.1", each with "text" or "binary", as in "4.1 text"."""
    version, _, form = file_format.partition(" ")
    if version == "2.2":
        import meshio

        data = {"gmsh:physical": [tags], "gmsh:geometrical": [tags]}
        mesh = meshio.Mesh(points, [("tetra", elements)], cell_data=data)
        meshio.write(path, mesh, file_format="gmsh22", binary=form == "binary")
        return
    writer = Writer(binary=form == "binary")
    head = b"$MeshFormat\n4.1 1 8\n" + np.int32(1).tobytes() + b"\n$EndMeshFormat\n"
    body = head if form == "binary" else b"$MeshFormat\n4.1 0 8\n$EndMeshFormat\n"
    body += b'$PhysicalNames\n1\n3 1 "brain"\n$EndPhysicalNames\n'
    kinds = np.unique(tags)
    body += b"$Entities\n" + writer.sizes(0, 0, 0, len(kinds))
    for kind in kinds:
        body += writer.numbers(kind) + writer.doubles(*([-1.0] * 3 + [1.0] * 3))
        body += writer.sizes(1) + writer.numbers(kind) + writer.sizes(0)
    body += b"\n$EndEntities\n$Nodes\n" + writer.sizes(1, len(points), 1, len(points))
    body += writer.numbers(3, kinds[0], 0) + writer.sizes(len(points))
    body += writer.sizes(*range(1, len(points) + 1)) + writer.doubles(*points.ravel())
    body += b"\n$EndNodes\n$Elements\n" + writer.sizes(len(kinds), len(tags), 1, len(tags))
    number = 1
    for kind in kinds:
        chosen = elements[tags == kind] + 1
        rows = np.column_stack([np.arange(number, number + len(chosen)), chosen])
        number += len(chosen)
        body += writer.numbers(3, kind, 4) + writer.sizes(len(chosen), *rows.ravel())
    path.write_bytes(body + b"\n$EndElements\n")


class Writer:
    """Numbers of Gmsh's format 4.1, as text or binary."""

    def __init__(self, *, binary: bool) -> None:
        self._binary = binary

    def _bytes(self, values: tuple, dtype: type) -> bytes:
        if self._binary:
            return np.array(values, dtype).tobytes()
        return (" ".join(repr(dtype(value).item()) for value in values) + "\n").encode()

    def sizes(self, *values: int) -> bytes:
        return self._bytes(values, np.uint64)

    def numbers(self, *values: int) -> bytes:
        return self._bytes(values, np.int32)

    def doubles(self, *values: float) -> bytes:
        return self._bytes(values, np.float64)

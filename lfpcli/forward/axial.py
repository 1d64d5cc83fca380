"""Axial currents and what follows from them: multi-dipoles, membrane from axial currents.

A cell is a network of resistors between the middles of its segments. Where segments meet, at a
junction without membrane, the currents add to zero, which gives the junction's potential
(Kirchhoff; Hines and Carnevale 1997, Neural Comput 9:1179). Currents are MV over MOhm: nA.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from lfpcli.errors import InputError
from lfpcli.geometry import Geometry

if TYPE_CHECKING:
    from scipy import sparse


@dataclass
class AxialNetwork:
    """How segments are connected inside the cells, and through which resistances.

    Every segment has a proximal end, by which it hangs on its parent, and a distal one. The
    distal end of a segment and the proximal end of the next one in the section are one junction,
    too, so that a section is a chain with `attach` 1. A child on the proximal end of a segment
    hangs on the junction by which that segment hangs on its own parent; the network finds it.

    Attributes
    ----------
    parent : ndarray of int, shape (N,)
        The segment on which each one hangs; -1 for the first segment of a cell.
    attach : ndarray, shape (N,)
        Where on the parent: 0 its proximal end, 1 its distal end, anything between its middle.
        Of no meaning for roots.
    r_proximal, r_distal : ndarray, shape (N,)
        Resistances from a segment's middle to its two ends, MOhm. Inside a section only the sum
        of one segment's `r_distal` and the next one's `r_proximal` matters. `r_distal` is read
        only where something hangs on that end.
    flipped : ndarray of bool, shape (N,), optional
        Segments whose proximal end is `Geometry.end`: those of a section that hangs on its parent
        by its 1-end. None where left out.

    Raises
    ------
    InputError
        Where lengths differ, an index is out of range, connections run in a circle, or a
        resistance is not positive.
    """

    parent: np.ndarray
    attach: np.ndarray
    r_proximal: np.ndarray
    r_distal: np.ndarray
    flipped: np.ndarray | None = None

    def __post_init__(self) -> None:
        self.parent = np.asarray(self.parent, dtype=np.int64)
        for name in ("attach", "r_proximal", "r_distal"):
            setattr(self, name, np.asarray(getattr(self, name), dtype=float))
        if self.flipped is None:
            self.flipped = np.zeros(len(self), dtype=bool)
        for name in ("attach", "r_proximal", "r_distal", "flipped"):
            if np.shape(getattr(self, name)) != (len(self),):
                raise InputError(
                    f"axial network: '{name}' has shape {np.shape(getattr(self, name))}, "
                    f"'parent' {self.parent.shape}"
                )
        self._check_connections()
        self._check_resistances()

    def __len__(self) -> int:
        return len(self.parent)

    @property
    def children(self) -> np.ndarray:
        """Indices of the segments that have a parent, ascending, shape (M,)."""
        return np.flatnonzero(self.parent >= 0)

    def upstream(self) -> tuple[np.ndarray, np.ndarray]:
        """The segment that current into each one comes from, and from where on it.

        As `parent` and `attach`, except that a child on the proximal end of a segment other than
        a root is referred to the segment at the other side of that junction.

        Returns
        -------
        parent : ndarray of int, shape (N,)
            Index of the segment, -1 for a root.
        attach : ndarray, shape (N,)
            Where on it, as a share of its length.
        """
        parent, attach = self.parent.copy(), self.attach.copy()
        while True:
            # what hangs on the very begin of its parent has its current from further up
            passes = (parent >= 0) & (attach == 0)
            passes[passes] = parent[parent[passes]] >= 0
            if not passes.any():
                return parent, attach
            through = parent[passes]
            parent[passes], attach[passes] = parent[through], attach[through]

    def current_matrix(self) -> sparse.csr_array:
        """Matrix from membrane potentials to axial currents.

        Returns
        -------
        scipy.sparse.csr_array, shape (M, N)
            Row k gives the current, nA, that flows into segment `children[k]` from its parent,
            from the potentials of all segments, mV. Rows add to zero.
        """
        children = self.children
        parent, attach = (values[children] for values in self.upstream())
        conductance = 1.0 / self.r_proximal[children]
        middle = (attach > 0) & (attach < 1)
        rows = [np.flatnonzero(middle)]
        columns = [parent[middle]]
        values = [conductance[middle]]
        if not middle.all():
            meeting = np.flatnonzero(~middle)
            at_root = attach[meeting] == 0
            weights, junction = self._junctions(children[meeting], parent[meeting], at_root)
            partners = weights[junction].tocoo()
            other = partners.col != children[meeting][partners.row]
            rows.append(meeting[partners.row[other]])
            columns.append(partners.col[other])
            values.append(partners.data[other] * conductance[rows[1]])
        row, column, value = (np.concatenate(part) for part in (rows, columns, values))
        # rows add up to zero: equal potentials drive nothing
        diagonal = -np.bincount(row, weights=value, minlength=len(children))
        row = np.concatenate([row, np.arange(len(children))])
        column = np.concatenate([column, children])
        entries = (np.concatenate([value, diagonal]), (row, column))
        return _csr(entries, (len(children), len(self)))

    def vmem_to_imem(self) -> sparse.csr_array:
        """Matrix from membrane potentials to membrane currents.

        What flows into a segment along the axis leaves it through the membrane. The current of
        an electrode inside the cell counts as membrane current of its segment, with negative
        sign, unlike in NEURON's ``i_membrane_``, which leaves it out.

        Returns
        -------
        scipy.sparse.csr_array, shape (N, N)
            Membrane currents, nA, outward positive, from potentials, mV.
        """
        children = self.children
        parent = self.upstream()[0][children]
        row = np.concatenate([children, parent])
        column = np.tile(np.arange(len(children)), 2)
        sign = np.repeat([1.0, -1.0], len(children))
        divergence = _csr((sign, (row, column)), (len(self), len(children)))
        return (divergence @ self.current_matrix()).tocsr()

    def _junctions(
        self, child: np.ndarray, parent: np.ndarray, at_root: np.ndarray
    ) -> tuple[sparse.csr_array, np.ndarray]:
        """Weights (junction, segment) of the potentials at junctions, and each child's junction.

        The potential where segments meet is the mean of theirs, weighted by conductances.
        """
        key, first, junction = np.unique(
            parent + len(self) * at_root, return_index=True, return_inverse=True
        )
        owner = parent[first]
        towards = np.where(key >= len(self), self.r_proximal[owner], self.r_distal[owner])
        conductance = np.concatenate([1.0 / self.r_proximal[child], 1.0 / towards])
        row = np.concatenate([junction, np.arange(len(key))])
        column = np.concatenate([child, owner])
        # a junction has no membrane: its potential is the mean by conductance of those around it
        share = conductance / np.bincount(row, weights=conductance)[row]
        return _csr((share, (row, column)), (len(key), len(self))), junction

    def _check_connections(self) -> None:
        n = len(self)
        outside = (self.parent < -1) | (self.parent >= n)
        if outside.any():
            index = int(np.flatnonzero(outside)[0])
            raise InputError(
                f"axial network: parent {self.parent[index]} of segment {index} is not in -1 "
                f"to {n - 1}"
            )
        hanging = self.parent >= 0
        if not np.all((self.attach[hanging] >= 0) & (self.attach[hanging] <= 1)):
            raise InputError("axial network: 'attach' is not between 0 and 1")
        ancestor = self.parent
        # each round doubles the way towards the root; what is still on it then goes round in a
        # circle
        for _ in range(max(n, 1).bit_length() + 1):
            ancestor = np.where(ancestor >= 0, ancestor[ancestor], -1) if n else ancestor
        if np.any(ancestor >= 0):
            raise InputError(
                "axial network: connections run in a circle through segment "
                f"{int(ancestor[ancestor >= 0][0])}"
            )

    def _check_resistances(self) -> None:
        needed = np.zeros(len(self), dtype=bool)
        needed[self.parent[(self.parent >= 0) & (self.attach == 1)]] = True
        for name, used in (("r_proximal", self.parent >= -1), ("r_distal", needed)):
            values = getattr(self, name)
            bad = used & ~(np.isfinite(values) & (values > 0))
            if bad.any():
                index = int(np.flatnonzero(bad)[0])
                raise InputError(
                    f"axial network: '{name}' of segment {index} is {values[index]:g} MOhm, "
                    "expected a positive number"
                )


def axial_currents(network: AxialNetwork, vmem: ArrayLike) -> np.ndarray:
    """Axial current into each segment from its parent.

    Parameters
    ----------
    network : AxialNetwork
        Connections and resistances of N segments.
    vmem : array_like, shape (N, T)
        Membrane potentials, mV.

    Returns
    -------
    ndarray, shape (M, T)
        nA, positive from the parent to the segment; row k belongs to segment
        ``network.children[k]``.

    Raises
    ------
    InputError
        Where `vmem` has another number of rows than the network has segments.
    """
    potentials = np.asarray(vmem, dtype=float)
    if potentials.ndim != 2 or len(potentials) != len(network):
        raise InputError(
            f"membrane potentials have shape {potentials.shape}, expected ({len(network)}, T)"
        )
    # only differences drive currents: without what is common to all, a cell at rest has none,
    # where rounding of some 65 mV times large conductances would leave 1e-11 nA
    return np.asarray(network.current_matrix() @ (potentials - potentials[:1]))


@dataclass
class AxialPaths:
    """The two straight pieces along which each axial current runs.

    Attributes
    ----------
    vectors : ndarray, shape (2 M, 3)
        In pairs: from the parent's middle to the segment's proximal end, and from there to the
        segment's middle, um.
    positions : ndarray, shape (2 M, 3)
        Middles of those pieces, um.
    segment, parent : ndarray of int, shape (2 M,)
        The segment a piece leads to, and the one it comes from.
    """

    vectors: np.ndarray
    positions: np.ndarray
    segment: np.ndarray
    parent: np.ndarray


def axial_paths(network: AxialNetwork, geometry: Geometry) -> AxialPaths:
    """Paths of the axial currents, two for every segment save the roots.

    Parameters
    ----------
    network : AxialNetwork
        Connections of N segments.
    geometry : Geometry
        The same segments.

    Returns
    -------
    AxialPaths

    Raises
    ------
    InputError
        Where geometry and network have different numbers of segments.
    """
    if len(geometry) != len(network):
        raise InputError(f"geometry has {len(geometry)} segments, the axial network {len(network)}")
    children = network.children
    parent = network.upstream()[0][children]
    proximal = np.where(np.asarray(network.flipped)[:, None], geometry.end, geometry.start)
    middle = geometry.middle
    corners = np.stack([middle[parent], proximal[children], middle[children]], axis=1)
    return AxialPaths(
        vectors=np.diff(corners, axis=1).reshape(-1, 3),
        positions=(0.5 * (corners[:, :-1] + corners[:, 1:])).reshape(-1, 3),
        segment=np.repeat(children, 2),
        parent=np.repeat(parent, 2),
    )


def multi_dipoles(
    network: AxialNetwork, geometry: Geometry, vmem: ArrayLike
) -> tuple[np.ndarray, np.ndarray]:
    """Current dipole moment of each piece of axial path.

    A moment is a current times the vector it runs along (Hagen et al. 2018, Front Neuroinform
    12:92, section 2.3); together they make the dipole moment of the cell.

    Parameters
    ----------
    network : AxialNetwork
        Connections and resistances of N segments.
    geometry : Geometry
        The same segments.
    vmem : array_like, shape (N, T)
        Membrane potentials, mV.

    Returns
    -------
    moments : ndarray, shape (2 M, 3, T)
        nA um, in the order of `axial_paths`.
    positions : ndarray, shape (2 M, 3)
        Where they are, um.

    Raises
    ------
    InputError
        Where the shapes do not go together.
    """
    paths = axial_paths(network, geometry)
    currents = np.repeat(axial_currents(network, vmem), 2, axis=0)
    return paths.vectors[:, :, None] * currents[:, None, :], paths.positions


def _csr(entries: Any, shape: tuple[int, int]) -> sparse.csr_array:
    # it takes long to import, and few runs have a use for it
    from scipy.sparse import csr_array

    return csr_array(entries, shape=shape)

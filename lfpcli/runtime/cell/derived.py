"""What follows from the membrane potentials of a cell: axial and membrane currents, dipoles."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from lfpcli.errors import UsageError
from lfpcli.forward.axial import AxialNetwork, axial_currents, axial_paths, multi_dipoles
from lfpcli.geometry import Geometry
from lfpcli.runtime.cell.axial import axial_network
from lfpcli.runtime.engine.record import Recorder


def outside_potentials(cell: Derived) -> Recorder | None:
    """Recorder of the potential outside, mV; None where a section lacks the mechanism for it."""
    if not all(section.has_membrane("extracellular") for section in cell.sections):
        return None
    references = []
    for section in cell.sections:
        references += [segment._ref_vext[0] for segment in section]
    return Recorder([references], [np.arange(len(references))])


class Derived:
    """Methods of a cell that was simulated with `rec_vmem`.

    With an extracellular field they take the potentials inside the cell, which drive axial
    currents: the membrane potential plus the potential outside.
    """

    geometry: Geometry
    sections: list[Any]
    vmem: np.ndarray
    vext: np.ndarray | None
    _network: AxialNetwork | None

    def axial_network(self) -> AxialNetwork:
        """Axial connections and resistances: those of the last run, else those of now.

        NEURON rounds lengths in ``define_shape``, and with them resistances, so that only those
        of the run fit its currents to the last digits.
        """
        if self._network is None:
            return axial_network(self.sections)
        return self._network

    def get_axial_resistance(self) -> np.ndarray:
        """Resistance between each segment's middle and its parent's, shape (N,), MOhm.

        It is that which axial currents meet where nothing else hangs on the junction between the
        two; NaN for roots, and the segment's own half for one that hangs on the middle of its
        parent.
        """
        network = self.axial_network()
        total = np.full(len(network), np.nan)
        child = network.children
        parent, attach = (values[child] for values in network.upstream())
        towards = np.select(
            [attach == 1.0, attach == 0.0], [network.r_distal[parent], network.r_proximal[parent]]
        )
        total[child] = network.r_proximal[child] + towards
        return total

    def get_axial_currents_from_vmem(
        self, timepoints: ArrayLike | None = None
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Axial currents, two for each segment save the roots.

        Parameters
        ----------
        timepoints : array_like of int, optional
            Samples to compute; all where left out.

        Returns
        -------
        currents : ndarray, shape (2 M, T)
            In pairs of the same value, nA: from the parent's middle to the segment's start, and on
            to its middle; positive away from the root.
        vectors : ndarray, shape (3, 2 M)
            What each runs along, um.
        positions : ndarray, shape (2 M, 3)
            The middles of those, um.

        Raises
        ------
        UsageError
            Where the cell was not simulated with `rec_vmem`.
        """
        network = self.axial_network()
        paths = axial_paths(network, self.geometry)
        currents = axial_currents(network, self._inside(timepoints))
        return np.repeat(currents, 2, axis=0), paths.vectors.T, paths.positions

    def get_multi_current_dipole_moments(
        self, timepoints: ArrayLike | None = None
    ) -> tuple[np.ndarray, np.ndarray]:
        """Current dipole moment of each axial current.

        Parameters
        ----------
        timepoints : array_like of int, optional
            Samples to compute; all where left out.

        Returns
        -------
        moments : ndarray, shape (2 M, 3, T)
            nA um.
        positions : ndarray, shape (2 M, 3)
            um.

        Raises
        ------
        UsageError
            Where the cell was not simulated with `rec_vmem`.
        """
        return multi_dipoles(self.axial_network(), self.geometry, self._inside(timepoints))

    def get_transformation_matrix_vmem_to_imem(self) -> np.ndarray:
        """Matrix from potentials inside (mV) to membrane currents (nA), shape (N, N).

        The current of an electrode counts as membrane current of its segment, with negative sign,
        unlike in `imem`, which leaves it out.
        """
        matrix: np.ndarray = self.axial_network().vmem_to_imem().toarray()
        return matrix

    def _inside(self, timepoints: ArrayLike | None) -> np.ndarray:
        if getattr(self, "vmem", None) is None:
            raise UsageError(
                "membrane potentials were not recorded", remedy="simulate with rec_vmem=True"
            )
        inside = self.vmem
        if self.vext is not None:
            inside = self.vmem + self.vext
        if timepoints is None:
            return inside
        return inside[:, np.atleast_1d(timepoints)]

"""Extracellular stimulation of one cell, as methods."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from lfpcli.errors import InputError
from lfpcli.forward.stimulation import stimulation_potential
from lfpcli.geometry import Geometry
from lfpcli.runtime.engine.field import ExtracellularField, Steps


class Stimulated:
    """Methods of a cell that stimulate it from outside.

    Attributes
    ----------
    fields : list of Steps
        Extracellular potentials of its segments, which add; empty it to take them away.
    """

    geometry: Geometry
    segments: list[Any]
    sections: list[Any]
    fields: list[Steps]
    _stimulated: bool

    def insert_v_ext(self, v_ext: ArrayLike, t_ext: ArrayLike) -> None:
        """Let a potential act on the outside of the segments.

        It is added to those that act already. Before the first time it is 0; the last value is
        held. The sections get the extracellular mechanism where they lack it.

        Parameters
        ----------
        v_ext : array_like, shape (N, K)
            mV.
        t_ext : array_like, shape (K,)
            When each column begins to hold, ms, ascending.

        Raises
        ------
        InputError
            Where shapes do not go together, or a value is not finite.
        """
        potentials, times = np.asarray(v_ext, dtype=float), np.asarray(t_ext, dtype=float)
        if times.ndim != 1 or potentials.shape != (len(self.segments), len(times)):
            raise InputError(
                f"v_ext has shape {potentials.shape} and t_ext {times.shape}, expected "
                f"({len(self.segments)}, K) and (K,)",
                remedy="give a potential for each segment and time",
            )
        if not np.all(np.isfinite(potentials)):
            raise InputError("v_ext is not finite", remedy="give finite potentials, mV")
        steps = Steps(times, lambda k: potentials[:, k])
        for section in self.sections:
            section.insert("extracellular")
        self.fields.append(steps)
        self._stimulated = True

    def enable_extracellular_stimulation(
        self, electrodes: Any, currents: ArrayLike, t_ext: ArrayLike, **medium: Any
    ) -> np.ndarray:
        """Let currents of electrodes act on the outside of the segments, where they are now.

        Parameters
        ----------
        electrodes : Contacts or array_like, shape (E, 3)
            um.
        currents : array_like, shape (E, K)
            nA, out of the electrodes.
        t_ext : array_like, shape (K,)
            When each column begins to hold, ms, ascending.
        **medium
            sigma, medium, min_distance and quadrature of
            `lfpcli.forward.stimulation.stimulation_matrix`.

        Returns
        -------
        ndarray, shape (N, K)
            The potential, mV.
        """
        potential = stimulation_potential(self.geometry, electrodes, currents, **medium)
        self.insert_v_ext(potential, t_ext)
        return potential

    def _played_fields(self) -> list[ExtracellularField]:
        """What the run loop plays: also nothing at all, where there was a field before."""
        if not self._stimulated:
            return []
        return [ExtracellularField(self.segments, self.fields)]

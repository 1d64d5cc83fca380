"""A traced cell in memory: its points, and the sections that NEURON makes of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from lfpcli.morphology.points import TracedPoints
from lfpcli.morphology.section import SOMA, Section
from lfpcli.morphology.splitting import split, three_point_sphere


@dataclass(frozen=True, kw_only=True)
class Morphology(TracedPoints):
    """A traced cell; see `TracedPoints` for its points.

    Attributes
    ----------
    repairs : sequence of str
        What was mended while reading.
    """

    repairs: Sequence[str] = ()

    @cached_property
    def sections(self) -> list[Section]:
        """Sections with NEURON's names, in NEURON's order."""
        return split(self)

    @property
    def middle_of_soma(self) -> np.ndarray:
        """Place of the cell, shape (3,), um.

        The mean of the middles between the ends of the soma's sections; the first point where
        there is no soma.
        """
        soma = np.flatnonzero(self.types == SOMA)
        if len(soma) == 1 or three_point_sphere(self):
            return np.array(self.points[soma[0], :3])
        middles = [
            (section.points[0, :3] + section.points[-1, :3]) / 2
            for section in self.sections
            if section.type == SOMA
        ]
        return np.array(np.mean(middles, axis=0) if middles else self.points[0, :3])

    def transformed(self, matrix: np.ndarray, shift: Sequence[float] | None = None) -> Morphology:
        """Apply a linear map about the middle of the soma, then move that middle.

        Parameters
        ----------
        matrix : ndarray, shape (3, 3)
            The map of column vectors; diameters stay.
        shift : sequence of float, optional
            Where the middle of the soma goes, um; it stays where left out.

        Returns
        -------
        Morphology
        """
        middle = self.middle_of_soma
        target = middle if shift is None else np.asarray(shift, dtype=float)
        points = self.points.copy()
        points[:, :3] = (points[:, :3] - middle) @ np.asarray(matrix, dtype=float).T + target
        return replace(self, points=points)

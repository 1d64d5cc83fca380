"""A traced cell in memory: its points, and the sections that NEURON makes of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from lfpcli.morphology.biophysics import Biophysics
from lfpcli.morphology.layout import laid_on_path, laid_out
from lfpcli.morphology.points import TracedPoints
from lfpcli.morphology.section import SOMA, Section
from lfpcli.morphology.splitting import split, three_point_sphere
from lfpcli.morphology.tracing import trace


@dataclass(frozen=True, kw_only=True)
class Morphology(TracedPoints):
    """A traced cell; see `TracedPoints` for its points.

    Attributes
    ----------
    drawn : sequence of Section, or None
        The sections, where the file or the program that the cell comes from has them; else they
        follow from the points.
    repairs : sequence of str
        What was mended while reading.
    notes : sequence of str
        What the file holds and the cell does not.
    placed : bool
        Whether the cell was put where it stands, and is to stay there; else its soma may be moved
        to the origin.
    biophysics : Biophysics, optional
        What its file says of the membrane.
    """

    drawn: Sequence[Section] | None = None
    repairs: Sequence[str] = ()
    notes: Sequence[str] = ()
    placed: bool = False
    biophysics: Biophysics | None = None

    @classmethod
    def from_sections(
        cls, sections: Sequence[Section], *, name: str, notes: Sequence[str] = ()
    ) -> Morphology:
        """Make a cell of sections; its points follow, see `lfpcli.morphology.tracing.trace`.

        Parameters
        ----------
        sections : sequence of Section
            In the order of NEURON.
        name : str
            What to call it in messages.
        notes : sequence of str
            What the file holds and the cell does not.
        """
        traced = trace(laid_on_path(sections), name)
        starts = zip(sections, traced.starts, strict=True)
        return cls(
            types=traced.cell.types,
            points=traced.cell.points,
            parents=traced.cell.parents,
            lines=traced.cell.lines,
            name=name,
            drawn=[replace(section, start=start) for section, start in starts],
            notes=tuple(notes),
        )

    @cached_property
    def sections(self) -> list[Section]:
        """Sections with NEURON's names, in NEURON's order."""
        return list(self.drawn) if self.drawn is not None else split(self)

    @cached_property
    def laid_out(self) -> list[Section]:
        """The sections where NEURON puts them, see `lfpcli.morphology.layout.laid_out`."""
        return laid_out(self.sections)

    @property
    def middle_of_soma(self) -> np.ndarray:
        """Place of the cell, shape (3,), um.

        The mean of the middles between the ends of the soma's sections; the first point where
        there is no soma.
        """
        soma = np.flatnonzero(self.types == SOMA)
        if self.drawn is None and (len(soma) == 1 or three_point_sphere(self)):
            return np.array(self.points[soma[0], :3])
        middles = [
            (section.points[0, :3] + section.points[-1, :3]) / 2
            for section in self.sections
            if section.type == SOMA
        ]
        return np.array(np.mean(middles, axis=0) if middles else self.points[0, :3])

    def transformed(
        self,
        matrix: np.ndarray,
        shift: Sequence[float] | None = None,
        *,
        thickness: float = 1.0,
    ) -> Morphology:
        """Apply a linear map about the middle of the soma, then move that middle.

        Parameters
        ----------
        matrix : ndarray, shape (3, 3)
            The map of column vectors.
        shift : sequence of float, optional
            Where the middle of the soma goes, um; it stays where left out.
        thickness : float
            Factor of the diameters.

        Returns
        -------
        Morphology
        """
        middle = self.middle_of_soma
        target = middle if shift is None else np.asarray(shift, dtype=float)
        turn = np.asarray(matrix, dtype=float).T

        def moved(points: np.ndarray) -> np.ndarray:
            mapped = (points[:, :3] - middle) @ turn + target
            return np.column_stack([mapped, points[:, 3:] * thickness])

        drawn = None
        if self.drawn is not None:
            drawn = []
            for section in self.drawn:
                wire = section.wire
                if wire is not None:
                    x, y, z = moved(np.array([wire]))[0].tolist()
                    wire = (x, y, z)
                cylinders = section.cylinders * thickness
                points = moved(section.points)
                drawn.append(replace(section, points=points, wire=wire, cylinders=cylinders))
        placed = self.placed or shift is not None
        return replace(self, points=moved(self.points), drawn=drawn, placed=placed)

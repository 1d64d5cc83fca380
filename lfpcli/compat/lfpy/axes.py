"""How the sections of a cell hang together, as LFPy tells it."""

from __future__ import annotations

from typing import Any

import numpy as np

from lfpcli.errors import UsageError, nearest
from lfpcli.geometry import Geometry
from lfpcli.runtime.cell.axial import axial_network


class SectionTree:
    """Methods of a cell about parents and children."""

    geometry: Geometry
    sections: list[Any]
    names: list[str]

    @property
    def allseclist(self) -> list[Any]:
        """All sections."""
        return self.sections

    @property
    def somalist(self) -> list[Any]:
        """Sections with soma in their names."""
        if not self.sections:
            return []
        return [s for s, name in zip(self.sections, self.names, strict=True) if "soma" in name]

    @property
    def nsomasec(self) -> int:
        """Number of those."""
        return len(self.somalist)

    def _numbers(self, parent: str) -> tuple[int, list[int]]:
        """Number of a section by its whole name, and those of its children."""
        if parent not in self.names:
            raise UsageError(
                f"there is no section '{parent}'",
                remedy=nearest(str(parent), self.names, "section"),
            )
        number = self.names.index(parent)
        children = self.sections[number].children()
        return number, [k for k, section in enumerate(self.sections) if section in children]

    def get_idx_children(self, parent: str = "soma[0]") -> np.ndarray:
        """Indices of the segments of the children of a section, shape (n,)."""
        _, children = self._numbers(parent)
        return np.flatnonzero(np.isin(self.geometry.section, children))

    def get_idx_parent_children(self, parent: str = "soma[0]") -> np.ndarray:
        """Indices of the segments of a section and of its children, shape (n,)."""
        number, children = self._numbers(parent)
        return np.flatnonzero(np.isin(self.geometry.section, [number, *children]))

    def get_dict_of_children_idx(self) -> dict[str, np.ndarray]:
        """Indices of the first segments of each section's children, shape (n,), by its name."""
        # segments lie section by section
        first = np.searchsorted(self.geometry.section, np.arange(len(self.names)))
        return {name: first[self._numbers(name)[1]] for name in self.names}

    def get_dict_parent_connections(self) -> dict[str, float]:
        """Where on its parent each section hangs, 0 to 1, by its name; roots are left out."""
        connections = {}
        for name, section in zip(self.names, self.sections, strict=True):
            above = section.parentseg()
            if above is not None:
                connections[name] = float(above.x)
        return connections

    def get_axial_resistance(self) -> np.ndarray:
        """NEURON's resistance from each segment to the next node towards the root, (N,), MOhm.

        That is half a segment for the first of a section, whose node is where it hangs.
        """
        axial_network(self.sections)  # raises where a section of the tree is left out
        resistances = []
        for section in self.sections:
            resistances += [segment.ri() for segment in section]
        return np.array(resistances)

"""Potentials of the points where sections meet, before the first step.

NEURON has nodes without membrane at the ends of sections. What sets potentials of segments before a
run leaves them at ``v_init``, and the currents between them and the segments, which belong to no
potential of the model, would be in the first sample.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from lfpcli.runtime.neuron import nrn


@dataclass
class _Junction:
    """A node without membrane: what sets its potential, and what it is joined to."""

    segment: Any
    conductances: list[float] = field(default_factory=list)
    potentials: list[float] = field(default_factory=list)

    def join(self, segment: Any, resistance: float) -> None:
        """Add the middle of a segment, at a resistance in megohm."""
        self.conductances.append(1.0 / resistance)
        self.potentials.append(segment.v)

    def settle(self) -> None:
        """Set the potential at which no current flows into the node or out of it."""
        total = sum(self.conductances)
        parts = zip(self.conductances, self.potentials, strict=True)
        self.segment.v = sum(conductance * v for conductance, v in parts) / total


def settle_junctions(v_init: float) -> None:
    """Give junctions the potentials that those of segments make, where these are not all alike.

    Parameters
    ----------
    v_init : float
        What all nodes began with, mV.
    """
    sections = list(nrn().allsec())
    # nearly all models begin with one potential, and keep their bits
    if all(section.v == v_init for section in sections):
        return
    ends = {section: _Junction(section(_far(section))) for section in sections}
    roots = {s: _Junction(s(1 - _far(s))) for s in sections if s.parentseg() is None}
    for section in sections:
        far, half = _far(section), 0.5 / section.nseg
        last = section(abs(far - half))
        ends[section].join(last, section(far).ri())
        first = section(abs(1 - far - half))
        junction = _beginning(section, ends=ends, roots=roots)
        if junction is not None:
            junction.join(first, first.ri())
    for junction in (*ends.values(), *roots.values()):
        junction.settle()


def _far(section: Any) -> float:
    """The end of a section, 0 or 1, by which it does not hang on its parent."""
    return 1.0 - float(section.orientation())


def _beginning(
    section: Any, *, ends: dict[Any, _Junction], roots: dict[Any, _Junction]
) -> _Junction | None:
    """The junction that a section begins at; None where it begins in the middle of a segment."""
    while True:
        above = section.parentseg()
        if above is None:
            return roots[section]
        if 0.0 < above.x < 1.0:
            return None
        if above.x == _far(above.sec):
            return ends[above.sec]
        # at the near end of its parent, which begins there too
        section = above.sec

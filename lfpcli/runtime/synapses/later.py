"""Weights of synapses that change while a run goes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from lfpcli.errors import SimulatorError
from lfpcli.runtime.neuron import nrn


def set_later_weights(point: Any, changes: Sequence[tuple[float, float]]) -> list[Any]:
    """Let a synapse of the Blue Brain Project change the weights of its connections.

    Parameters
    ----------
    point : HocObject
        The point process.
    changes : sequence of (float, float)
        Times (ms), ascending, and what its conductance is multiplied by from then on.

    Returns
    -------
    list
        NEURON's vectors, which must be kept while the synapse is there.

    Raises
    ------
    SimulatorError
        Where its mechanism has no way to do so.
    """
    mechanism = point.hname().partition("[")[0]
    if not hasattr(point, "setup_delay_vecs"):
        raise SimulatorError(
            f"{mechanism} has no setup_delay_vecs, by which weights change in time",
            remedy="take its newer .mod file, or leave out overrides with a delay",
        )
    h = nrn()
    vectors = [h.Vector(values) for values in zip(*changes, strict=True)]
    point.setup_delay_vecs(*vectors)
    return vectors

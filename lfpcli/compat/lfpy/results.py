"""What a run of cells leaves at point processes, and in files."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from lfpcli.runtime.engine.record import Recorder

# what the names of recorders of point processes begin with
_POINT_CURRENT, _POINT_POTENTIAL = "current of point ", "potential of point "


def point_recorders(processes: Sequence[Any]) -> dict[str, Recorder]:
    """Recorders of the currents and potentials that point processes ask for, one for each."""
    recorders = {}
    for k, process in enumerate(processes):
        index = [np.array([process.idx])]
        if process.record_current:
            recorders[f"{_POINT_CURRENT}{k}"] = Recorder([[process.point._ref_i]], index)
        if process.record_potential:
            segment = process.cell.segments[process.idx]
            recorders[f"{_POINT_POTENTIAL}{k}"] = Recorder([[segment._ref_v]], index)
    return recorders


def leave_at_points(
    kept: Mapping[str, np.ndarray], processes: Sequence[Any]
) -> dict[str, np.ndarray]:
    """Leave what was recorded of point processes, (T, 1), nA and mV, in their `i` and `v`.

    All else is returned.
    """
    others = {}
    for name, samples in kept.items():
        if name.startswith(_POINT_CURRENT):
            processes[int(name.removeprefix(_POINT_CURRENT))].i = samples[:, 0]
        elif name.startswith(_POINT_POTENTIAL):
            processes[int(name.removeprefix(_POINT_POTENTIAL))].v = samples[:, 0]
        else:
            others[name] = samples
    return others


def write_measurements(path: Path, probes: Iterable[Any], dt: float) -> None:
    """Write the measurements of probes to HDF5, one dataset each, with the step of time, ms."""
    from lfpcli.guarded.writing import new_hdf5

    with new_hdf5(path) as file:
        for name, probe in named(probes):
            dataset = file.create_dataset(name, data=probe.data)
            dataset.attrs["dt"] = dt


def named(probes: Iterable[Any]) -> list[tuple[str, Any]]:
    """Probes with the names of their classes, which have a number from the second on."""
    counts: dict[str, int] = {}
    pairs = []
    for probe in probes:
        name = type(probe).__name__
        counts[name] = counts.get(name, 0) + 1
        pairs.append((name if counts[name] == 1 else f"{name}{counts[name]}", probe))
    return pairs

"""LFP and spikes in the JSON that NetPyNE saves."""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from lfpcli.errors import InputError
from lfpcli.io.exchange.contents import Contents, Traces, Trains
from lfpcli.io.exchange.samples import Samples
from lfpcli.io.stream import check_input


@contextlib.contextmanager
def opened(source: str | os.PathLike[str]) -> Iterator[Contents]:
    """Yield the LFP (mV) and the spikes of a simulation that NetPyNE saved as JSON.

    NetPyNE counts the y of electrodes downwards; here y is minus that. Pickled files are not
    read, since reading them runs code.

    Raises
    ------
    InputError
        Where it is no such file.
    """
    path = Path(source)
    check_input(path)
    try:
        tree = json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as error:
        raise InputError(
            "is no JSON", source=path, remedy="save with simConfig.saveJson = True"
        ) from error
    data = tree.get("simData") if isinstance(tree, dict) else None
    settings = tree.get("simConfig", {}) if isinstance(tree, dict) else {}
    if not isinstance(data, dict) or not isinstance(settings, dict):
        raise InputError("has no simData", source=path, remedy="save simData with NetPyNE")
    contents = Contents(source=str(path))
    if data.get("LFP"):
        contents.traces.append(_lfp(data["LFP"], settings, path))
    if data.get("spkt"):
        contents.trains.append(_spikes(data, path))
    if not contents.traces and not contents.trains:
        raise InputError("has neither LFP nor spikes", source=path, remedy="record them")
    yield contents


def _lfp(rows: Any, settings: Mapping[str, Any], path: Path) -> Traces:
    samples = _numbers(rows, 2, path, "simData.LFP")
    interval = _numbers(settings.get("recordStep", 0.1), 0, path, "simConfig.recordStep")
    places = settings.get("recordLFP")
    positions = None
    if places:
        positions = _numbers(places, 2, path, "simConfig.recordLFP") * [1.0, -1.0, 1.0]
    if positions is not None and len(positions) != samples.shape[1]:
        raise InputError(
            f"has {samples.shape[1]} channels and {len(positions)} electrodes",
            source=f"{path}: simConfig.recordLFP",
            remedy="save simConfig and simData of one run",
        )
    return Traces(
        name="LFP",
        samples=Samples(samples),
        units="mV",
        dt=float(interval),
        t_start=0.0,
        channels=[str(k) for k in range(samples.shape[1])],
        positions=positions,
        model="line source",
        parameters={"sigma": 0.3},
    )


def _spikes(data: Mapping[str, Any], path: Path) -> Trains:
    times = _numbers(data["spkt"], 1, path, "simData.spkt")
    node_ids = _numbers(data.get("spkid"), 1, path, "simData.spkid").astype(np.int64)
    if len(times) != len(node_ids):
        raise InputError(
            "spkt and spkid differ in length", source=f"{path}: simData", remedy="save it again"
        )
    order = np.lexsort((node_ids, times))
    return Trains(population="cells", times=times[order], node_ids=node_ids[order])


def _numbers(values: Any, ndim: int, path: Path, key: str) -> np.ndarray:
    try:
        array = np.asarray(values, dtype=float)
    except (TypeError, ValueError) as error:
        raise InputError(
            "is no array of numbers", source=f"{path}: {key}", remedy="save it again"
        ) from error
    if array.ndim != ndim or not np.all(np.isfinite(array)):
        raise InputError(
            f"is no finite array of {ndim} axes", source=f"{path}: {key}", remedy="save it again"
        )
    return array

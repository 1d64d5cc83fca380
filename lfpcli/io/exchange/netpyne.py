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
    """Yield the LFP (mV), dipole moment and spikes of a simulation that NetPyNE saved as JSON.

    Spikes are those of its populations where the file has the network, which tells their gids;
    else of one population, cells. NetPyNE counts the y of electrodes downwards; here y is minus
    that. Pickled files are not read, since reading them runs code.

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
    if data.get("dipoleSum"):
        contents.traces.append(_dipole(data["dipoleSum"], settings, path))
    if data.get("spkt"):
        contents.trains += _spikes(data, _populations(tree, path), path)
    if not contents.traces and not contents.trains:
        raise InputError("has no LFP, dipole or spikes", source=path, remedy="record them")
    yield contents


def _lfp(rows: Any, settings: Mapping[str, Any], path: Path) -> Traces:
    samples = _numbers(rows, 2, path, "simData.LFP")
    places = settings.get("recordLFP")
    positions = None
    if places:
        positions = _numbers(places, 2, path, "simConfig.recordLFP")
        if positions.shape[1] != 3:
            raise InputError(
                f"has {positions.shape[1]} coordinates of an electrode, expected x, y and z",
                source=f"{path}: simConfig.recordLFP",
                remedy="save it again",
            )
        positions = positions * [1.0, -1.0, 1.0]
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
        dt=_interval(settings, path),
        t_start=0.0,
        channels=[str(k) for k in range(samples.shape[1])],
        positions=positions,
        model="line source",
        parameters={"sigma": 0.3},
    )


def _interval(settings: Mapping[str, Any], path: Path) -> float:
    return float(_numbers(settings.get("recordStep", 0.1), 0, path, "simConfig.recordStep"))


def _dipole(rows: Any, settings: Mapping[str, Any], path: Path) -> Traces:
    """The moment of all cells, by LFPykit in nA um; its axes are those of the cells."""
    samples = _numbers(rows, 2, path, "simData.dipoleSum")
    if samples.shape[1] != 3:
        raise InputError(
            f"has {samples.shape[1]} columns, expected x, y and z",
            source=f"{path}: simData.dipoleSum",
            remedy="save it again",
        )
    return Traces(
        name="dipole/total",
        samples=Samples(samples),
        units="nA um",
        dt=_interval(settings, path),
        t_start=0.0,
        channels=["x", "y", "z"],
        model="current dipole moment",
        share="total",
    )


def _populations(tree: Mapping[str, Any], path: Path) -> dict[str, np.ndarray]:
    """Gids of the populations of the network, where it was saved too."""
    network = tree.get("net")
    populations = network.get("pops") if isinstance(network, dict) else None
    gids: dict[str, np.ndarray] = {}
    for name, facts in populations.items() if isinstance(populations, dict) else ():
        listed = facts.get("cellGids") if isinstance(facts, dict) else None
        if listed:
            key = f"net.pops.{name}.cellGids"
            gids[str(name)] = _numbers(listed, 1, path, key).astype(np.int64)
    return gids


def _spikes(
    data: Mapping[str, Any], populations: Mapping[str, np.ndarray], path: Path
) -> list[Trains]:
    times = _numbers(data["spkt"], 1, path, "simData.spkt")
    node_ids = _numbers(data.get("spkid"), 1, path, "simData.spkid").astype(np.int64)
    if len(times) != len(node_ids):
        raise InputError(
            "spkt and spkid differ in length", source=f"{path}: simData", remedy="save it again"
        )
    order = np.lexsort((node_ids, times))
    times, node_ids = times[order], node_ids[order]
    trains = []
    told = np.zeros(len(times), bool)
    for name, gids in populations.items():
        inside = np.isin(node_ids, gids)
        told |= inside
        if np.any(inside):
            trains.append(Trains(population=name, times=times[inside], node_ids=node_ids[inside]))
    if not np.all(told):
        trains.append(Trains(population="cells", times=times[~told], node_ids=node_ids[~told]))
    return trains


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

"""Recordings made of arithmetic, for tests of what reads them."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from lfpcli.geometry import Geometry
from lfpcli.io.recording import Report, Sampled, Signal
from lfpcli.io.writer import RecordingWriter

PROVENANCE = {
    "program": "lfp",
    "version": "0.1.0",
    "command": ["lfp", "sim", "model.toml", "-o", "out.h5"],
    "engine": "neuron",
    "seed": 3,
    "inputs": {"model.toml": "0" * 64},
    "libraries": {"numpy": "2.0.0"},
    "history": [{"program": "lfp", "command": ["lfp", "morph", "cell.swc"]}],
}
DT = 0.1
STEPS = 1001


def tree(rng: np.random.Generator, *, scale: float = 1.0) -> Geometry:
    """A soma, an apical trunk with a tuft, and basal dendrites; segments in depth-first order."""
    start, end, diam, section, parent, x, names = [], [], [], [], [], [], []

    def grow(name, origin, direction, pieces, length, width, taper, above):
        point, names_at = np.array(origin, float), len(names)
        names.append(name)
        for k in range(pieces):
            direction = direction + 0.25 * rng.normal(size=3)
            direction /= np.linalg.norm(direction)
            start.append(point)
            point = point + scale * length / pieces * direction
            end.append(point)
            diam.append(width * (1 - taper * k / pieces))
            section.append(names_at)
            parent.append(above)
            x.append((k + 0.5) / pieces)
            above = len(start) - 1
        return point, direction, above

    up = np.array([0.0, 0.0, 1.0])
    grow("soma[0]", (0, 0, -8), up, 1, 16, 16, 0, -1)
    tip, _, last = grow("apic[0]", (0, 0, 8), up, 20, 400, 3.0, 0.5, 0)
    for k in range(4):
        side = np.array([np.cos(1.6 * k), np.sin(1.6 * k), 0.9])
        grow(f"apic[{k + 1}]", tip, side, 8, 180, 1.4, 0.5, last)
    for k in range(6):
        side = np.array([np.cos(k), np.sin(k), -0.6])
        grow(f"dend[{k}]", 8 * side, side, 8, 160, 1.6, 0.6, 0)
    return Geometry(
        np.array(start),
        np.array(end),
        np.array(diam),
        section=np.array(section),
        parent=np.array(parent),
        x=np.array(x),
        section_names=names,
    )


def times() -> np.ndarray:
    return DT * np.arange(STEPS)


def pulse(at: float, rise: float = 1.0, fall: float = 6.0) -> np.ndarray:
    """A difference of exponentials that begins at `at` ms, with a peak near 1."""
    since = np.maximum(times() - at, 0.0)
    return 1.8 * (np.exp(-since / fall) - np.exp(-since / rise))


def shank(count: int, *, x: float = 30.0, low: float = -200.0, high: float = 500.0) -> np.ndarray:
    positions = np.zeros((count, 3))
    positions[:, 0] = x
    positions[:, 2] = np.linspace(low, high, count)
    return positions


def field(positions: np.ndarray, *, sink: float = 300.0, size: float = 0.05) -> np.ndarray:
    """Potential of a sink at z = `sink` and a source at the soma, mV, shape (T, C)."""
    to_sink = np.linalg.norm(positions - (0.0, 0.0, sink), axis=1) + 20.0
    to_soma = np.linalg.norm(positions, axis=1) + 20.0
    course = pulse(20.0) + 0.7 * pulse(45.0)
    spike = -np.exp(-(((times() - 25.0) / 0.5) ** 2)) + 0.3 * np.exp(-(((times() - 26.5) / 1) ** 2))
    return size * (
        np.outer(course, 20.0 / to_soma - 20.0 / to_sink) + np.outer(spike, 30.0 / to_soma)
    )


def soma_report(gids: np.ndarray, rng: np.random.Generator) -> Report:
    """Somatic membrane potentials with spikes."""
    traces = []
    for _ in gids:
        at = rng.uniform(10, 80)
        trace = -65 + 9 * pulse(at - 4) + 85 * np.exp(-(((times() - at) / 0.5) ** 2))
        traces.append(trace - 6 * pulse(at + 1, 0.8, 8))
    n = len(gids)
    return Report(
        np.stack(traces, axis=1),
        "mV",
        DT,
        0.0,
        gids,
        np.arange(n + 1),
        np.zeros(n),
        np.full(n, 0.5),
    )


def one_cell(path: Path, *, contacts: int = 12, seed: int = 1) -> Path:
    """One cell with a spike, its membrane potential, the potential along a shank, and a dipole."""
    rng = np.random.default_rng(seed)
    positions = shank(contacts)
    with RecordingWriter(path, PROVENANCE) as writer:
        writer.geometry("cell", tree(rng))
        writer.spikes("cell", np.array([25.0, 47.5]), np.array([0, 0]))
        writer.report("vmem", "cell", soma_report(np.array([0]), rng))
        signal = Signal(field(positions), "mV", DT, 0.0, positions, [], "line", {"sigma": 0.3})
        writer.signal("shank", signal)
        moment = np.outer(pulse(20.0) + 0.7 * pulse(45.0), (0.5, -0.2, 8.0))
        writer.dipole("total", Sampled(moment, "nA um", DT))
    return path


def network(path: Path, *, sizes: tuple[int, int] = (80, 20), seed: int = 2) -> Path:
    """Two populations with rasters, potentials, a laminar CSD, and a dense shank."""
    rng = np.random.default_rng(seed)
    first = 0
    with RecordingWriter(path, PROVENANCE) as writer:
        for name, size, scale in zip("EI", sizes, (1.0, 0.5), strict=True):
            gids = np.arange(first, first + size)
            writer.geometry(name, _population(rng, gids, scale))
            count = 12 * size
            bursts = rng.choice([20.0, 50.0, 80.0], count) + rng.normal(0, 4, count)
            writer.spikes(name, bursts.clip(0, 100), rng.choice(gids, count))
            writer.report("vmem", name, soma_report(gids, rng))
            first += size
        depths = shank(15, x=0.0, low=-200.0, high=500.0)
        csd = np.gradient(np.gradient(field(depths, size=2e-4), axis=1), axis=1)
        writer.signal("csd", Signal(csd, "nA/um3", DT, 0.0, depths, [], "laminar CSD"))
        dense = np.repeat(shank(64, low=-400.0, high=700.0), 2, axis=0)
        dense[1::2, 0] += 32.0
        parameters = {"sigma": 0.3, "radius": 6.0}
        signal = Signal(field(dense), "mV", DT, 0.0, dense, [], "line", parameters)
        signal.groups = {"E": 0.8 * field(dense), "I": 0.2 * field(dense)}
        writer.signal("neuropixels", signal)
    return path


def _population(rng: np.random.Generator, gids: np.ndarray, scale: float) -> Geometry:
    one = tree(rng, scale=scale)
    n = len(one)
    shifts = rng.normal(0, (90, 90, 25), (len(gids), 3))
    offsets = n * np.arange(len(gids))[:, None]
    return Geometry(
        (one.start + shifts[:, None]).reshape(-1, 3),
        (one.end + shifts[:, None]).reshape(-1, 3),
        np.tile(one.diam, len(gids)),
        gid=np.repeat(gids, n),
        section=np.tile(one.section, len(gids)),
        parent=np.where(one.parent >= 0, one.parent + offsets, -1).reshape(-1),
        x=np.tile(one.x, len(gids)),
        section_names=one.section_names,
    )


def head(path: Path, *, electrodes: int = 21, seed: int = 4) -> Path:
    """Potentials around a head, of a dipole that lies to the left of its top, and the dipole."""
    inclination = np.arccos(np.linspace(1.0, 0.0, electrodes))
    azimuth = 2.4 * np.arange(electrodes)
    ring = np.sin(inclination)
    places = 9e4 * np.column_stack(
        [ring * np.cos(azimuth), ring * np.sin(azimuth), np.cos(inclination)]
    )
    nearness = 1 / np.linalg.norm(places - (-3e4, 1e4, 6e4), axis=1)
    spread = nearness - nearness.mean()
    data = 1e-3 * np.outer(pulse(20.0) + 0.7 * pulse(45.0), spread / spread.max())
    names = [f"E{k}" for k in range(1, electrodes + 1)]
    parameters = {"montage": "spiral", "radius": 9e4}
    with RecordingWriter(path, PROVENANCE) as writer:
        writer.geometry("cell", tree(np.random.default_rng(seed)))
        signal = Signal(data, "mV", DT, 0.0, places, names, "four-sphere", parameters)
        writer.signal("eeg", signal)
        moment = np.outer(pulse(20.0), (0.5, -0.2, 8.0))
        writer.dipole("total", Sampled(moment, "nA um", DT))
    return path

"""EEG and MEG of 200 dipoles: this program against LFPykit, in one run.

Usage: python benchmarks/eeg_meg.py [--repeats 5]

Four spheres with 64 electrodes on the scalp, and MEG with 102 sensors; lead fields alone, and
signals over 10,000 samples. LFPykit takes dipoles one by one, the signals by its
get_dipole_potential and calculate_H; its time is that of one pass, this program's the shortest
of several. Where only the lead fields came from LFPykit and the signals from one matrix product,
that product, which both would share, would take most of the time and the ratios would be lower.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable

import lfpykit.eegmegcalc as reference
import numpy as np
from common import add_compare, machine, print_table, save

from lfpcli.forward import meg
from lfpcli.forward.four_sphere import FourSphereVolumeConductor
from lfpcli.forward.sensors import Sensors

DIPOLES, ELECTRODES, SENSORS, SAMPLES = 200, 64, 102, 10_000
Row = tuple[str, float, float, float, float]


def on_sphere(count: int, rng: np.random.Generator) -> np.ndarray:
    """Directions, uniform over the sphere."""
    vectors = rng.standard_normal((count, 3))
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def timed(call: Callable[[], np.ndarray], repeats: int = 1) -> tuple[float, np.ndarray]:
    """Shortest time of a call, s, and what it returned."""
    best, result = np.inf, np.empty(0)
    for _ in range(repeats):
        begin = time.perf_counter()
        result = call()
        best = min(best, time.perf_counter() - begin)
    return best, result


def row(name: str, theirs: tuple, ours: tuple) -> Row:
    """A line of the table: times, ratio, and the difference relative to the peak."""
    error = float(np.abs(ours[1] - theirs[1]).max() / np.abs(theirs[1]).max())
    return name, theirs[0], ours[0], theirs[0] / ours[0], error


def signals(matrix: np.ndarray, p: np.ndarray) -> np.ndarray:
    """Signals (C, T) of a lead field (C, D, 3) and moments (D, 3, T)."""
    return matrix.reshape(len(matrix), -1) @ p.reshape(-1, p.shape[-1])


def eeg(repeats: int, places: np.ndarray, p: np.ndarray, rng: np.random.Generator) -> list[Row]:
    """Four spheres."""
    # LFPykit takes an electrode that rounding puts beyond the scalp for an error
    electrodes = 90000.0 * (1 - 1e-15) * on_sphere(ELECTRODES, rng)
    theirs = reference.FourSphereVolumeConductor(electrodes)
    ours = FourSphereVolumeConductor(electrodes)

    def each() -> np.ndarray:
        return np.stack([theirs.get_transformation_matrix(x) for x in places], axis=1)

    slow, fast = timed(each), timed(lambda: ours.lead_field(places), repeats)
    what = f"four spheres, {DIPOLES} dipoles x {ELECTRODES} electrodes"

    def summed() -> np.ndarray:
        return np.sum(
            [theirs.get_dipole_potential(q, x) for x, q in zip(places, p, strict=True)], axis=0
        )

    slow_signals = timed(summed)
    fast_signals = timed(lambda: signals(ours.lead_field(places), p), repeats)
    return [
        row(f"{what}: lead field", slow, fast),
        row(f"{what}, {SAMPLES} samples", slow_signals, fast_signals),
    ]


def magnetic(
    repeats: int, places: np.ndarray, p: np.ndarray, rng: np.random.Generator
) -> list[Row]:
    """Both magnetic models."""
    sensors = 110000.0 * on_sphere(SENSORS, rng)
    three = Sensors(np.repeat(sensors, 3, axis=0), np.tile(np.eye(3), (SENSORS, 1)))
    radial = Sensors(sensors, sensors)
    scale = meg.MU_0 * meg.AMPERE_PER_METRE
    rows = []
    for name, field, theirs in (
        ("Sarvas", meg.spherical_field, reference.SphericallySymmetricVolCondMEG(sensors)),
        ("infinite", meg.infinite_field, reference.InfiniteHomogeneousVolCondMEG(sensors)),
    ):

        def each(model: reference.Model = theirs) -> np.ndarray:
            found = np.stack([model.get_transformation_matrix(x) for x in places])
            return scale * found.transpose(1, 2, 0, 3).reshape(3 * SENSORS, DIPOLES, 3)

        def summed(model: reference.Model = theirs) -> np.ndarray:
            pairs = zip(places, p, strict=True)
            found = np.sum([model.calculate_H(q, x) for x, q in pairs], axis=0)
            return scale * found.reshape(3 * SENSORS, SAMPLES)

        def ours(coils: Sensors, field: meg.Field = field) -> np.ndarray:
            return meg.sensor_field(field, coils, places)

        slow = timed(each)
        components = np.einsum(
            "si,sidj->sdj", radial.orientations, slow[1].reshape(SENSORS, 3, DIPOLES, 3)
        )
        what = f"MEG, {name}, {DIPOLES} dipoles x {SENSORS} sensors"
        fast = timed(lambda: ours(three), repeats)
        rows.append(row(f"{what}: all components", slow, fast))
        fast = timed(lambda: ours(radial), repeats)
        rows.append(row(f"{what}: magnetometers", (slow[0], components), fast))
        slow = timed(summed)
        fast = timed(lambda: signals(ours(three), p), repeats)
        rows.append(row(f"{what}: all components, {SAMPLES} samples", slow, fast))
    return rows


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=5, help="of this program's parts")
    add_compare(parser)
    args = parser.parse_args()
    repeats = args.repeats
    rng = np.random.default_rng(1)
    places = 1000.0 * rng.uniform(30, 78, (DIPOLES, 1)) * on_sphere(DIPOLES, rng)
    p = rng.standard_normal((DIPOLES, 3, SAMPLES))
    print(machine())
    print_table(
        ("what", "LFPykit, s", "lfp, s", "ratio", "difference"),
        eeg(repeats, places, p, rng) + magnetic(repeats, places, p, rng),
    )
    print("difference: largest, relative to the peak; LFPykit ends its series at 2e-8 of the sum")
    save("eeg_meg", compare=args.compare)


if __name__ == "__main__":
    main()

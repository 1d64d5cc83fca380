"""Ground truth in MEArec's recordings: templates, places, turns and drift of units."""

from __future__ import annotations

from collections.abc import Sequence

import h5py
import numpy as np

from lfpcli.errors import InputError
from lfpcli.guarded.hdf5 import number, numbers, texts, whole
from lfpcli.io.exchange.mearec_electrodes import euler_angles, rotations_of
from lfpcli.io.units import Movement, Units

_AGAIN = "make it with gen_recordings"
_MICROVOLT = 1e3
# interval of movements where a file states none, ms
_DRIFT_DT = 10.0
POPULATION = "units"
"""Population of the units of a file."""


def write_truth(file: h5py.File, units: Units, gain: float, *, duration: float) -> None:
    """Write templates, places, troughs and drift, unit by unit.

    Parameters
    ----------
    file : h5py.File
        The file.
    units : Units
        What is true of them, at the sampling interval of the file.
    gain : float
        uV of a step of the samples, 1 where they are no integers: MEArec scales templates too.
    duration : float
        s.
    """
    movement = units.movement
    waveforms = _MICROVOLT * units.waveforms.transpose(0, 2, 1)
    positions = units.positions
    if movement is not None:
        waveforms = _MICROVOLT * movement.waveforms.transpose(0, 1, 3, 2)
        positions = movement.positions
        _write_drift(file, movement, duration)
    file["templates"] = (waveforms / gain).astype("f4")
    file["original_templates"] = waveforms.astype("f4")
    file["template_locations"] = positions
    file["template_rotations"] = euler_angles(units.rotations)
    types = np.array(units.cell_types, dtype=object)
    file.create_dataset("template_celltypes", data=types, dtype=h5py.string_dtype())
    file["template_ids"] = units.templates
    file["voltage_peaks"] = _MICROVOLT * units.troughs


def _write_drift(file: h5py.File, movement: Movement, duration: float) -> None:
    """Write movements as MEArec counts them: um and steps from the middle of the paths."""
    steps = movement.positions.shape[1]
    middle = _shortest(movement.positions) / 2.0
    count = max(round(1000.0 * duration / movement.dt), 1)
    rows = np.minimum(np.arange(count), len(movement.moved) - 1)
    parts = [
        (movement.moved[rows, k], movement.factors[:, k]) for k in range(movement.moved.shape[1])
    ]
    # counted from the middle, a unit with a smaller share lies nearer to the begin than that
    moved, shares = parts[0]
    parts[0] = np.clip(moved - middle, -middle, middle), shares
    if not np.all(shares == 1.0):
        parts.append((np.full(count, -middle), 1.0 - shares))
    width = 2.0 * middle / steps
    for number_of_part, (moved, factors) in enumerate(parts):
        group = file.create_group(f"drift_list/{number_of_part}")
        # the very end would be a step behind the last
        inside = moved * 0.99999
        group["drift_vector_um"] = inside
        group["drift_vector_idxs"] = np.floor(inside / width if width else inside).astype("i2")
        group["drift_times"] = "null"
        group["drift_fs"] = 1000.0 / movement.dt
        group["drift_steps"] = steps
        group["drift_factors"] = factors


def read_truth(file: h5py.File, name: str, ids: Sequence[int], *, dt: float) -> Units:
    """Read what a recording says of its units.

    Parameters
    ----------
    file : h5py.File
        The recording, with templates.
    name : str
        What to call it in messages.
    ids : sequence of int
        Numbers of the units.
    dt : float
        Sampling interval of the recording, ms.

    Raises
    ------
    InputError
        Where the templates do not fit the units.
    """
    templates = whole(numbers(file, "original_templates", name, remedy=_AGAIN), np.float32)
    if templates.ndim not in (3, 4) or len(templates) != len(ids):
        raise InputError(
            f"has shape {templates.shape} for {len(ids)} units",
            source=f"{name}:/original_templates",
            remedy=_AGAIN,
        )
    waveforms = np.swapaxes(templates / _MICROVOLT, -1, -2).astype(np.float32)
    length = templates.shape[-1]
    dt, before = _sampling(file, name, length, dt)
    positions = whole(numbers(file, "template_locations", name, remedy=_AGAIN))
    turns = np.zeros((len(ids), 3))
    if "template_rotations" in file:
        turns = whole(numbers(file, "template_rotations", name, ndim=2))
    rows = np.zeros(len(ids), np.int64)
    if "template_ids" in file:
        rows = whole(numbers(file, "template_ids", name, ndim=1), np.int64)
    movement = None
    first = waveforms
    if templates.ndim == 4:
        movement = _read_drift(file, name, positions, waveforms)
        first, positions = waveforms[:, 0], positions[:, 0]
    types = ["unit"] * len(ids)
    if "template_celltypes" in file:
        types = texts(file, "template_celltypes", name)
    return Units(
        ids=np.array(sorted(ids), np.int64),
        populations=[POPULATION] * len(ids),
        cell_types=types,
        files=np.zeros(len(ids), np.int64),
        templates=rows,
        positions=positions,
        rotations=rotations_of(turns),
        waveforms=first,
        dt=dt,
        before=before,
        movement=movement,
    )


def _sampling(file: h5py.File, name: str, length: int, dt: float) -> tuple[float, float]:
    """Sampling interval of templates, and their time before the spike, ms."""
    if "info/templates/cut_out" not in file:
        return dt, 0.0
    cut = whole(numbers(file, "info/templates/cut_out", name)).ravel()
    if len(cut) != 2 or not cut.sum() > 0:
        raise InputError(
            f"is {cut.tolist()}, expected two times in ms",
            source=f"{name}:/info/templates/cut_out",
            remedy=_AGAIN,
        )
    step = float(cut.sum()) / length
    # templates of a recording at another rate keep their own
    return (dt if abs(step - dt) < 1e-6 * dt else step), float(cut[0])


def _read_drift(
    file: h5py.File, name: str, positions: np.ndarray, waveforms: np.ndarray
) -> Movement:
    """Movements from the begin of the paths, as MEArec adds those of its list."""
    group = file.get("drift_list")
    vectors, factors, dt = [], [], _DRIFT_DT
    for part in sorted(group, key=int) if isinstance(group, h5py.Group) else []:
        path = f"drift_list/{part}"
        if isinstance(file.get(f"{path}/drift_times"), h5py.Dataset):
            times = file[f"{path}/drift_times"]
            if (
                times.ndim
                and len(times)
                and not _even(whole(numbers(file, f"{path}/drift_times", name)))
            ):
                raise InputError(
                    "drifts at uneven times", source=f"{name}:/{path}", remedy="give drift_fs alone"
                )
        dt = 1000.0 / number(file, f"{path}/drift_fs", name, remedy=_AGAIN)
        vectors.append(whole(numbers(file, f"{path}/drift_vector_um", name, ndim=1)))
        factors.append(whole(numbers(file, f"{path}/drift_factors", name, ndim=1)))
    count = max([len(vector) for vector in vectors], default=1)
    middle = np.full(count, _shortest(positions) / 2.0)
    columns = [np.pad(vector, (0, count - len(vector)), mode="edge") for vector in vectors]
    alike = len(columns) == 1 and bool(np.all(factors[0] == 1.0))
    moved = [columns[0] + middle] if alike else [*columns, middle]
    shares = factors if alike else [*factors, np.ones(len(positions))]
    return Movement(
        dt=dt,
        moved=np.column_stack(moved),
        factors=np.column_stack(shares),
        positions=positions,
        waveforms=waveforms,
    )


def _even(times: np.ndarray) -> bool:
    steps = np.diff(times)
    return len(steps) == 0 or bool(np.ptp(steps) <= 1e-6 * abs(steps[0]))


def _shortest(positions: np.ndarray) -> float:
    """Length of the shortest of paths (U, D, 3), um."""
    return float(np.linalg.norm(positions[:, -1] - positions[:, 0], axis=1).min(initial=np.inf))

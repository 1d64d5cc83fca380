"""MNE-Python's files of sources: dipoles (.dip, -dip.fif) and source estimates (-vl.stc)."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import mne
import numpy as np

from lfpcli.errors import LfpWarning, UsageError
from lfpcli.forward.orientation import rotations_onto
from lfpcli.io.exchange.contents import Contents, Target, Traces, ending_in

METRES = 1e-6
# what the text of a dipole is rounded to: ms, and A m
_DIP_TIME, _DIP_MOMENT = 0.1, 1e-12
FIXED = "-dip.fif"
ESTIMATE = "-vl.stc"


def write(contents: Contents, path: Path, target: Target) -> None:
    """Write current dipole moments as dipoles (``.dip``) or as a volume estimate (``-vl.stc``).

    Parameters
    ----------
    contents : Contents
        What to write: dipole moments, others are told of by the formats' table.
    path : Path
        The file.
    target : Target
        Its name and the type of the samples.

    Raises
    ------
    UsageError
        Where there is no dipole moment, or too many for the format.
    """
    moments = moments_of(contents)
    if target.suffix == ".dip":
        _write_dipole(_only(moments), path)
        return
    if not target.name.endswith(ESTIMATE):
        raise UsageError(
            "MNE names source estimates of volumes NAME-vl.stc",
            remedy=f"end the name of the file in {ESTIMATE}",
        )
    estimate = to_source_estimate(moments)
    with ending_in(path, ESTIMATE) as named:
        estimate.save(named, overwrite=True, verbose="error")


def moments_of(contents: Contents) -> list[Traces]:
    """The dipole moments among some contents.

    Raises
    ------
    UsageError
        Where there is none.
    """
    moments = [traces for traces in contents.traces if traces.name.startswith("dipole/")]
    if not moments:
        raise UsageError(
            f"{contents.source} holds no dipole moment",
            remedy="record it with [record] dipole, or choose it: --signal dipole/total",
        )
    return moments


def _only(moments: list[Traces]) -> Traces:
    if len(moments) > 1:
        names = ", ".join(each.name for each in moments[:12])
        raise UsageError(
            f"the format holds one dipole, these are {len(moments)}",
            remedy=f"choose one with --signal: {names}",
        )
    return moments[0]


def to_dipole(traces: Traces) -> Any:
    """Return a moment as ``mne.Dipole``: a place, an amplitude (A m) and a direction a sample.

    The place and the direction of the cell in the head are those of the EEG or MEG that the
    recording holds; else the dipole is at the origin.
    """
    moments, position = in_head(traces)
    amplitude = np.linalg.norm(moments, axis=1)
    length = np.where(amplitude > 0, amplitude, 1.0)[:, None]
    # a dipole of no length has a direction, too
    directions = np.where(amplitude[:, None] > 0, moments / length, [0.0, 0.0, 1.0])
    count = len(moments)
    return mne.Dipole(
        traces.times / 1000.0,
        np.tile(position * METRES, (count, 1)),
        amplitude,
        directions,
        np.full(count, 100.0),
        name=traces.name,
        verbose="error",
    )


def in_head(traces: Traces) -> tuple[np.ndarray, np.ndarray]:
    """A moment in the frame of the head.

    Parameters
    ----------
    traces : Traces
        The moment.

    Returns
    -------
    moments : ndarray, shape (T, 3)
        A m.
    position : ndarray, shape (3,)
        um.
    """
    moments = traces.in_units("A m").samples.array()
    position = traces.parameters.get("position")
    if position is None:
        warnings.warn(
            f"the place of {traces.name} in the head is not told: it is put at the origin",
            LfpWarning,
            stacklevel=2,
        )
        return moments, np.zeros(3)
    direction = np.asarray(traces.parameters.get("direction", [0.0, 0.0, 1.0]), float)
    (rotation,) = rotations_onto(direction[None])
    return moments @ rotation.T, np.asarray(position, float)


def _write_dipole(traces: Traces, path: Path) -> None:
    dipole = to_dipole(traces)
    peak = float(dipole.amplitude.max(initial=0.0))
    if peak < _DIP_MOMENT / 2:
        raise UsageError(
            f"a .dip file rounds amplitudes to {_DIP_MOMENT:g} A m, the peak is {peak:.3g} A m",
            remedy=f"write NAME{ESTIMATE}, or .npz",
        )
    steps = traces.dt / _DIP_TIME
    lost = [f"amplitudes below {_DIP_MOMENT:g} A m (the peak is {peak:.3g} A m)"]
    if abs(steps - round(steps)) > 1e-6 or traces.dt < _DIP_TIME:
        lost.append(f"times finer than {_DIP_TIME:g} ms (dt is {traces.dt:g} ms)")
    warnings.warn(
        f"a .dip file does not hold {' and '.join(lost)}: rounded", LfpWarning, stacklevel=2
    )
    with ending_in(path, ".dip") as named:
        dipole.save(named, overwrite=True, verbose="error")


def to_fixed(traces: Traces) -> Any:
    """Return a moment as ``mne.DipoleFixed``: one direction, that of most of the moment."""
    moments, position = in_head(traces)
    _, _, axes = np.linalg.svd(moments, full_matrices=False)
    direction = axes[0]
    along = moments @ direction
    across = moments - np.outer(along, direction)
    peak = np.abs(along).max(initial=0.0)
    share = np.abs(across).max(initial=0.0) / peak if peak else 0.0
    if share > 1e-6:
        warnings.warn(
            f"a fixed dipole does not hold the moment across its direction, up to {share:.2g} of "
            "its peak: left out",
            LfpWarning,
            stacklevel=2,
        )
    info = mne.create_info(
        [traces.name, "goodness"], 1000.0 / traces.dt, ["dipole", "gof"], verbose="error"
    )
    info["chs"][0]["loc"][:6] = [*(position * METRES), *direction]
    data = np.stack([along, np.ones_like(along)])
    return mne.DipoleFixed(
        info, data, traces.times / 1000.0, 1, 100, comment=traces.name, verbose="error"
    )


def write_fixed(contents: Contents, path: Path) -> None:
    """Write a dipole moment as a fixed dipole, in single precision."""
    dipole = to_fixed(_only(moments_of(contents)))
    with ending_in(path, FIXED) as named:
        dipole.save(named, verbose="error")


def to_source_estimate(moments: list[Traces]) -> Any:
    """Return moments as ``mne.VolSourceEstimate``: a vertex a moment, along its own z axis, A m.

    Raises
    ------
    UsageError
        Where the moments differ in their samples.
    """
    sampling = {(each.dt, each.t_start, each.samples.shape[0]) for each in moments}
    if len(sampling) > 1:
        raise UsageError(
            "the dipole moments differ in their samples", remedy="choose with --signal"
        )
    along: list[np.ndarray] = []
    across = peak = 0.0
    for traces in moments:
        values = traces.in_units("A m").samples.array()
        along.append(values[:, 2])
        peak = max(peak, float(np.abs(values[:, 2]).max(initial=0.0)))
        across = max(across, float(np.abs(values[:, :2]).max(initial=0.0)))
    if across > 1e-9 * peak:
        share = across / peak if peak else np.inf
        warnings.warn(
            f"a source estimate holds the moment along z, not across, up to {share:.2g} of its "
            "peak: left out",
            LfpWarning,
            stacklevel=2,
        )
    first = moments[0]
    return mne.VolSourceEstimate(
        np.array(along),
        [np.arange(len(along))],
        tmin=first.t_start / 1000.0,
        tstep=first.dt / 1000.0,
        subject="simulation",
        verbose="error",
    )

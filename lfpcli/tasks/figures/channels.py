"""Which channels of a signal are drawn, and in which order."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from lfpcli.errors import InputError, UsageError, nearest
from lfpcli.io.recording import Signal
from lfpcli.plotting.traces import depth_labels
from lfpcli.plotting.units import literal, shortened

# more columns of contacts than this are not kept apart in an image
_MOST_COLUMNS = 12
# contacts of a depth, in the mean, from which on an array of more columns is averaged over them
_CROWDED = 2
# letters of a channel's name
_LONGEST = 10
# contacts of one shank are no farther apart across it, and a shank is no wider, um
_SHANK_GAP, _SHANK_WIDTH = 60.0, 100.0


@dataclass(kw_only=True)
class Channels:
    """Channels in the order in which they are drawn, from the lowest to the highest.

    Attributes
    ----------
    index : ndarray of int, shape (K,)
        Their columns in the data.
    depths : ndarray, shape (K,)
        Where they are along the axis that they extend along, um.
    labels : list of str
        What to write beside each.
    axis_label : str
        What the labels are.
    columns : list of str, or None
        The column of the array that each contact is in, where several contacts share a depth.
    listed : bool
        Whether they are in the order of the file instead, under their names or numbers.
    """

    index: np.ndarray
    depths: np.ndarray
    labels: list[str]
    axis_label: str
    columns: list[str] | None = None
    listed: bool = False


@dataclass(kw_only=True)
class Shank:
    """Contacts of one shank, at their depths.

    Attributes
    ----------
    index : ndarray of int, shape (K,)
        Their columns in the data.
    rows : ndarray of int, shape (K,)
        Which of the depths each is at.
    depths : ndarray, shape (R,)
        Depths, rising, um.
    name : str
        Where the shank stands, empty where it is the only one.
    """

    index: np.ndarray
    rows: np.ndarray
    depths: np.ndarray
    name: str = ""

    def averaged(self, values: np.ndarray) -> np.ndarray:
        """Means (M, R) over the contacts of each depth of samples (M, K), in their unit."""
        sums = np.zeros((len(values), len(self.depths)))
        np.add.at(sums.T, self.rows, values.T)
        return sums / np.bincount(self.rows, minlength=len(self.depths))


def depth_axis(positions: np.ndarray) -> int:
    """Axis that contacts (C, 3), um, are ordered along: z, or else where they extend most."""
    reach = np.ptp(positions, axis=0)
    return 2 if reach[2] > 0 or not reach.any() else int(np.argmax(reach))


def plane_of(positions: np.ndarray) -> tuple[int, int]:
    """Axes that contacts (C, 3), um, extend along most, that of the depth second."""
    up = depth_axis(positions)
    across = [axis for axis in range(3) if axis != up]
    return across[int(np.argmax(np.ptp(positions[:, across], axis=0)))], up


def shanks_of(signal: Signal, chosen: np.ndarray) -> list[Shank] | None:
    """Narrow shanks that contacts with several to a depth are on; None where they are on none.

    Parameters
    ----------
    signal : Signal
        With positions, um.
    chosen : ndarray of int, shape (K,)
        Columns of its channels.
    """
    if signal.positions is None or not len(chosen):
        return None
    positions = signal.positions[chosen].round(6)
    axis = depth_axis(positions)
    depths = positions[:, axis]
    if len(np.unique(depths)) == len(depths):
        return None
    across = [k for k in range(3) if k != axis]
    wide = across[int(np.argmax(np.ptp(positions[:, across], axis=0)))]
    order = np.argsort(positions[:, wide], kind="stable")
    gaps = np.diff(positions[order, wide]) > _SHANK_GAP
    owner = np.empty(len(chosen), np.int64)
    owner[order] = np.concatenate([[0], np.cumsum(gaps)])
    shanks = []
    for number in range(int(owner.max()) + 1):
        rows = np.flatnonzero(owner == number)
        if np.any(np.ptp(positions[rows][:, across], axis=0) > _SHANK_WIDTH):
            return None
        levels, level = np.unique(depths[rows], return_inverse=True)
        middle = float(np.mean(positions[rows, wide]))
        name = f"{'xyz'[wide]} = {middle:.4g}" if owner.max() else ""
        shanks.append(Shank(index=chosen[rows], rows=level, depths=levels, name=name))
    return shanks


def rows_of(signal: Signal, channels: Channels) -> list[Shank] | None:
    """The rows of an array of so many columns that these are not kept apart; None of others.

    Parameters
    ----------
    signal : Signal
        With positions, um.
    channels : Channels
        Its channels, in the order of their depths.
    """
    if signal.positions is None or channels.columns is not None:
        return None
    axis = depth_axis(signal.positions[channels.index])
    depths = signal.positions[channels.index, axis].round(6)
    levels, level = np.unique(depths, return_inverse=True)
    if len(channels.index) < _CROWDED * len(levels):
        return None
    return [Shank(index=channels.index, rows=level, depths=levels)]


def check_channels(signal: Signal, group: str) -> None:
    """Raise `InputError` where positions or names are not those of the channels."""
    width = signal.data.shape[1]
    if signal.positions is not None and signal.positions.shape != (width, 3):
        raise InputError(
            f"expected positions of {width} channels, three columns",
            source=group,
            remedy="see what lfp check says of the file",
        )
    if signal.names and len(signal.names) != width:
        raise InputError(
            f"{len(signal.names)} names for {width} channels",
            source=group,
            remedy="see what lfp check says of the file",
        )


def ordered(signal: Signal, chosen: np.ndarray, *, apart: bool) -> Channels:
    """Order channels along z, or else along where they extend most; `apart` column by column.

    Parameters
    ----------
    signal : Signal
        With positions, um, or without.
    chosen : ndarray of int, shape (K,)
        Columns of its channels.
    apart : bool
        Whether the columns of the array are kept apart.
    """
    if signal.positions is None or not len(chosen):
        return as_listed(signal, chosen)
    places = signal.positions[chosen].round(6)
    axis = depth_axis(places)
    columns = _columns(places, axis) if apart else None
    owner = np.zeros(len(chosen)) if columns is None else columns[0]
    order = np.lexsort((-chosen, places[:, axis], owner))
    depths = places[order, axis]
    names = None if columns is None else [columns[1][k] for k in columns[0][order]]
    label, labels = f"{'xyz'[axis]} (µm)", depth_labels(depths)
    if not apart and len(set(labels)) < len(labels):
        # contacts beside each other, such as those of a tetrode, are told by both coordinates
        wide = plane_of(places)[0]
        label = f"{'xyz'[wide]}, {label}"
        beside = depth_labels(places[order, wide])
        labels = [f"{left}, {depth}" for left, depth in zip(beside, labels, strict=True)]
    return Channels(
        index=chosen[order],
        depths=depths,
        labels=labels,
        axis_label=label,
        columns=names,
    )


def as_listed(signal: Signal, chosen: np.ndarray) -> Channels:
    """Channels `chosen`, shape (K,), in the order of the file, the first on top."""
    index = chosen[::-1]
    labels = [str(c) for c in index]
    if signal.names:
        # a page has room for no more beside traces
        labels = [literal(shortened(signal.names[c], _LONGEST)) for c in index]
    label = "" if signal.names else "channel"
    return Channels(
        index=index, depths=-index.astype(float), labels=labels, axis_label=label, listed=True
    )


def _columns(places: np.ndarray, axis: int) -> tuple[np.ndarray, list[str]] | None:
    """Number of the column each contact is in, and their names; None where no two share a depth."""
    if len(np.unique(places[:, axis])) == len(places):
        return None
    across = [k for k in range(3) if k != axis]
    feet, owner = np.unique(places[:, across], axis=0, return_inverse=True)
    if not 1 < len(feet) <= _MOST_COLUMNS:
        return None
    # named by the coordinates in which the columns differ
    varying = [k for k in range(2) if np.ptp(feet[:, k]) > 0]
    names = []
    for foot in feet:
        parts = [f"{'xyz'[across[k]]} = {foot[k]:g}" for k in varying]
        names.append(", ".join(parts))
    return owner.reshape(-1), names


def chosen_channels(wanted: Sequence[str] | None, signal: Signal, name: str) -> np.ndarray:
    """Columns of the channels that were asked for, shape (K,), in the order of the signal."""
    width = signal.data.shape[1]
    if wanted is None:
        return np.arange(width)
    chosen: set[int] = set()
    for token in wanted:
        first, dash, last = token.partition("-")
        if token in signal.names:
            chosen.add(signal.names.index(token))
        elif not first.isdecimal() or (dash and not last.isdecimal()):
            remedy = "channels are numbers or ranges such as 0-7"
            if signal.names and ":" not in token:
                remedy = nearest(token, signal.names, "channel")
            raise UsageError(f"signal '{name}' has no channel '{token}'", remedy=remedy)
        elif not int(first) <= int(last or first) < width:
            raise UsageError(
                f"signal '{name}' has no channel '{token}'", remedy=f"it has 0 to {width - 1}"
            )
        else:
            chosen.update(range(int(first), int(last or first) + 1))
    return np.array(sorted(chosen), int)

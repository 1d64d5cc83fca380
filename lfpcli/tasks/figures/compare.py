"""Several recordings over each other, and how the second differs from the first."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from matplotlib.figure import Figure

from lfpcli.errors import InputError, UsageError, nearest
from lfpcli.io.recording import Recording
from lfpcli.plotting import figure as figures
from lfpcli.plotting.figure import Panel, Size
from lfpcli.plotting.spikes import Train, draw_raster
from lfpcli.plotting.style import COLOURS, palette
from lfpcli.tasks.figures.derived_panels import (
    Compared,
    compared_dipole,
    compared_signal,
    difference_panel,
    overlay_panel,
)
from lfpcli.tasks.figures.heeded import check_comparison
from lfpcli.tasks.figures.panels import View, train, within_recordings
from lfpcli.tasks.figures.parts import Part, held_parts

MOST_RECORDINGS = len(COLOURS)
_COMPARED = ("signal", "dipole", "spikes")


def draw_comparison(
    recordings: Sequence[Recording],
    *,
    parts: Sequence[str] | None = None,
    view: View | None = None,
    size: Size | None = None,
    title: str | None = None,
) -> Figure:
    """Draw what several recordings have in common.

    Signals and dipole moments are drawn over each other; of two recordings with samples at the
    same times the difference is drawn too. Spikes are rasters below each other.

    Parameters
    ----------
    recordings : sequence of Recording
        Two to six of them.
    parts : sequence of str, optional
        ``spikes``, ``signals``, ``dipole``, or the name of a signal; by default all in common.
    view : View, optional
        Time span and channels.
    size : tuple of two floats, optional
        Width and height, inches.
    title : str, optional
        Heading.

    Raises
    ------
    UsageError
        Where there are too many recordings, or they do not all hold what was asked for.
    InputError
        Where they have nothing in common.
    """
    if len(recordings) > MOST_RECORDINGS:
        raise UsageError(f"{len(recordings)} recordings, {MOST_RECORDINGS} can be told apart")
    view = view or View()
    check_comparison(view)
    view = within_recordings(view, recordings)
    labels = _labels([recording.name for recording in recordings])
    stack: list[Panel] = []
    for part in _chosen(recordings, parts, view.beside):
        if part.content == "spikes":
            stack.append(_rasters(recordings, labels, view))
            continue
        if part.content == "signal":
            compared = compared_signal(recordings, part.name, view)
        else:
            compared = compared_dipole(recordings, part.name)
        # named once, above the first of them
        is_named = any(panel.timed and panel.above for panel in stack)
        stack += _panels(compared, labels if not is_named else [], view)
    return figures.compose(stack, size=size, title=title, time=view.time)


def _chosen(
    recordings: Sequence[Recording], parts: Sequence[str] | None, beside: Sequence[str]
) -> list[Part]:
    """Parts that all recordings hold in one shape, of those asked for."""
    common = [
        part
        for part in held_parts(recordings[0])
        if part.content in _COMPARED and all(_alike(recordings, part))
    ]
    if not common:
        raise InputError(
            "recordings have no spikes, signal or dipole moment of one name and number of channels"
            " in common",
            source=", ".join(recording.name for recording in recordings),
            remedy="name recordings of the same model",
        )
    if parts is None and not beside:
        return common
    chosen: list[Part] = []
    for token in (*(parts or ()), *beside):
        matching = [part for part in common if part.answers(token)]
        if not matching:
            known = {part.token for part in common}
            raise UsageError(
                f"recordings have no '{token}' in common", remedy=nearest(token, known, "part")
            )
        chosen += [part for part in matching if part not in chosen]
    return chosen


def _labels(names: Sequence[str]) -> list[str]:
    """What recordings are called: their files without folders, where these tell them apart."""
    short = [Path(name).name for name in names]
    return short if len(set(short)) == len(short) else list(names)


def _differing(labels: Sequence[str]) -> list[str]:
    """The parts of labels in which they differ: there is little room beside a raster."""
    begin = _letters_in_common(labels)
    end = _letters_in_common([label[begin:][::-1] for label in labels])
    parts = [label[begin : len(label) - end] for label in labels]
    return parts if all(parts) else list(labels)


def _letters_in_common(texts: Sequence[str]) -> int:
    """With how many equal letters all texts begin."""
    count = 0
    for letters in zip(*texts, strict=False):
        if len(set(letters)) > 1:
            break
        count += 1
    return count


def _alike(recordings: Sequence[Recording], part: Part) -> list[bool]:
    """Of each recording, whether it holds the part as the first one does."""
    first = recordings[0]
    if part.content == "spikes":
        return [bool(recording.spike_populations) for recording in recordings]
    if part.content == "dipole":
        return [part.name in recording.dipole_groups for recording in recordings]
    wanted = first.signal(part.name)
    alike = []
    for recording in recordings:
        has_it = part.name in recording.signals
        signal = recording.signal(part.name) if has_it else None
        alike.append(
            signal is not None
            and signal.data.shape[1] == wanted.data.shape[1]
            and signal.units == wanted.units
        )
    return alike


def _panels(compared: Compared, labels: Sequence[str], view: View) -> list[Panel]:
    panels = [overlay_panel(compared, labels, view)]
    if len(compared.sampled) == 2:
        difference = difference_panel(compared, view)
        if difference is not None:
            panels.append(difference)
    return panels


def _rasters(recordings: Sequence[Recording], labels: Sequence[str], view: View) -> Panel:
    trains: list[Train] = []
    told = _differing(labels)
    for recording, label, colour in zip(recordings, told, palette().colours, strict=False):
        for name in recording.spike_populations:
            one = train(recording, name, view, colour)
            one.name = label if len(recording.spike_populations) == 1 else f"{label} {one.name}"
            trains.append(one)
    total = sum(one.cells for one in trains)
    return Panel(lambda ax: draw_raster(ax, trains), min(0.4 + 0.02 * total, 2.2))

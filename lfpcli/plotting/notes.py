"""What a picture leaves out, written into it."""

from __future__ import annotations

import textwrap

from matplotlib.axes import Axes

from lfpcli.plotting.style import palette

_SIZE = 6.0
# points between axes and heading: a line of remarks goes between them
_RAISED, _LINE = 13.0, 7.5
# of a line of remarks, inches
LINE_HEIGHT = _LINE / 72
# inches that a character takes of a heading and of a remark
_HEADING, _REMARK = 0.078, 0.047
# mark of the names of the ends of a colour bar
NAMED_END = "end"
# inches right of the axes that are free up there
_BESIDE = 0.6


def add_note(ax: Axes, text: str, *, below: bool = False) -> None:
    """Write a remark above the axes, after those that are there.

    It stands right of the heading where both fit into the line, else, or `below`, below it.
    """
    before = next((t for t in ax.texts if t.get_gid() == "note"), None)
    if before is not None:
        text = f"{before.get_text()}; {text}".replace("\n", " ")
        before.remove()
    heading = ax.get_title("left")
    width = ax.get_window_extent().width / ax.figure.get_dpi()
    fits = not below and _HEADING * len(heading) + _REMARK * len(text) < width
    if not fits:
        # a line may go on above a colour bar, but where this has a name
        beside = 0.0 if any(t.get_gid() == NAMED_END for t in ax.texts) else _BESIDE
        lines = textwrap.wrap(text, max(int((width + beside) / _REMARK), 12))
        text = "\n".join(lines)
        ax.set_title(heading, pad=_RAISED + (len(lines) - 1) * _LINE)
    ax.annotate(
        text,
        (1.0, 1.0) if fits else (0.0, 1.0),
        (0, 4),
        xycoords="axes fraction",
        textcoords="offset points",
        ha="right" if fits else "left",
        fontsize=_SIZE,
        color=palette().ink,
        annotation_clip=False,
        gid="note",
    )


def remark_lines(ax: Axes) -> int:
    """How many lines of remarks stand between axes and their heading."""
    notes = [t for t in ax.texts if t.get_gid() == "note" and t.get_horizontalalignment() == "left"]
    return sum(note.get_text().count("\n") + 1 for note in notes)


def say(ax: Axes, text: str) -> None:
    """Say in empty axes why they are empty."""
    ax.text(0.5, 0.5, text, transform=ax.transAxes, ha="center", va="center", color=palette().ink)

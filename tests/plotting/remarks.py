"""What figures say beside their axes."""

from __future__ import annotations

from matplotlib.axes import Axes


def notes_of(ax: Axes) -> str:
    """The remarks of axes."""
    return next((t.get_text() for t in ax.texts if t.get_gid() == "note"), "").replace("\n", " ")

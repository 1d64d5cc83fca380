"""Figures of recordings for Python and notebooks."""

from __future__ import annotations

import os
from typing import Any

from matplotlib.figure import Figure

from lfpcli.errors import UsageError, nearest
from lfpcli.tasks.figures.panels import View
from lfpcli.tasks.figures.plot import figure_of
from lfpcli.tasks.figures.plot import plot as write_plot

_VIEW = tuple(View.__dataclass_fields__)
_FIGURE = ("size", "title", "style")
_FILE = ("file_format", "dpi", "frames", "fps", "force")


def plot(
    *sources: str | os.PathLike[str],
    parts: Any = None,
    output: str | os.PathLike[str] | None = None,
    **options: Any,
) -> Figure | None:
    """Draw a recording or morphology, or recordings over each other.

    Parameters
    ----------
    *sources : path-like
        Recordings or a morphology.
    parts : str or sequence of str, optional
        What is drawn: ``geometry``, ``spikes``, ``signals``, ``dipole``, the name of a signal ...;
        all there is where left out.
    output : path-like, optional
        A file .png, .pdf, .svg, .html, .gif, .apng or .mp4 to write.
    **options
        ``time`` (two times, ms), ``at`` (ms), ``channels``, ``cells``, ``form``, ``view``,
        ``max_cells``, ``placement``, ``map``, ``paint``; ``style``, ``size`` (inches), ``title``;
        of a file ``dpi``, ``file_format``, ``frames``, ``fps``, ``force``.

    Returns
    -------
    matplotlib.figure.Figure or None
        The figure, which a notebook shows; None where it was written to `output`.

    Raises
    ------
    UsageError
        Where an option is unknown, or there is no source.
    """
    if not sources:
        raise UsageError("there is nothing to draw", remedy="name a recording")
    known = (*_VIEW, *_FIGURE, *_FILE, "parts", "output")
    for name in options:
        if name not in known:
            raise UsageError(f"plot has no option '{name}'", remedy=nearest(name, known, "option"))
    chosen = [parts] if isinstance(parts, str) else parts
    view = View(**{name: options[name] for name in _VIEW if name in options})
    figure = {name: options[name] for name in _FIGURE if name in options}
    file = {name: options[name] for name in _FILE if name in options}
    if output is None:
        if file:
            raise UsageError(f"'{next(iter(file))}' is of a file", remedy="give output=")
        return figure_of(sources, parts=chosen, view=view, **figure)
    write_plot(sources, output, parts=chosen, view=view, **figure, **file)
    return None

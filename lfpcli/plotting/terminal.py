"""Pictures made of characters, for a look at a recording in the terminal.

Traces and rasters are dots of braille characters, 2 by 4 to a character; images are half blocks
in two colours, or shades of grey where there are no colours.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from rich.style import Style
from rich.text import Text

from lfpcli.plotting.style import COLOURS

# dots of a braille character, rows from the top, columns from the left
_DOTS = np.array([[0x01, 0x08], [0x02, 0x10], [0x04, 0x20], [0x40, 0x80]])
_BLANK = 0x2800
_ROWS, _COLUMNS = _DOTS.shape
# from the negative end over zero to the positive end: readable on dark and on light grounds
_ENDS = np.array([[0x00, 0x72, 0xB2], [0x80, 0x80, 0x80], [0xD5, 0x5E, 0x00]], dtype=float)
_POSITIVE, _NEGATIVE = " ░▒▓█", " ·-=≡"
LABEL = 9


def braille(dots: np.ndarray) -> list[str]:
    """Lines of characters from dots, shape (4 H, 2 W) of bool, without unit."""
    height, width = dots.shape[0] // _ROWS, dots.shape[1] // _COLUMNS
    cells = dots.reshape(height, _ROWS, width, _COLUMNS).transpose(0, 2, 1, 3)
    codes = _BLANK + np.where(cells, _DOTS, 0).sum(axis=(2, 3))
    return ["".join(map(chr, row)) for row in codes]


def trace_dots(low: np.ndarray, high: np.ndarray, rows: int) -> np.ndarray:
    """Dots of a trace between its lowest and highest values in each column.

    Parameters
    ----------
    low, high : ndarray, shape (n,)
        0, the bottom, to 1, the top, without unit; what lies beyond is cut off.
    rows : int
        Number of rows of dots.

    Returns
    -------
    ndarray of bool, shape (rows, n)
    """
    # neighbouring columns meet, so that a steep trace stays one line
    joined_low, joined_high = low.copy(), high.copy()
    joined_low[1:] = np.minimum(low[1:], high[:-1])
    joined_high[1:] = np.maximum(high[1:], low[:-1])
    # the middle is between two rows: a trace there must not jump with each rounding error
    top = np.clip(np.floor((1 - joined_high) * (rows - 1) + 0.499), 0, rows - 1)
    bottom = np.clip(np.floor((1 - joined_low) * (rows - 1) + 0.499), 0, rows - 1)
    row = np.arange(rows)[:, None]
    return np.asarray((row >= top) & (row <= bottom))


def trace_span(low: np.ndarray, high: np.ndarray) -> float:
    """Height of the highest of traces whose columns reach from `low` to `high`, both (n, C)."""
    return float((high.max(axis=0) - low.min(axis=0)).max(initial=0.0))


def trace_lines(
    low: np.ndarray,
    high: np.ndarray,
    labels: Sequence[str],
    *,
    height: int = 2,
    colours: Sequence[str] | None = None,
    settled: int = 0,
) -> list[Text]:
    """Traces below each other on one scale, the first on top.

    Parameters
    ----------
    low, high : ndarray, shape (2 W, C)
        Lowest and highest values of each column of dots, in one unit.
    labels : sequence of str
        One for each trace.
    height : int
        Characters that a trace is high.
    colours : sequence of str, optional
        One for each trace.
    settled : int
        Column of dots from which on a start-up is over: what it is beyond the scale is cut off.
    """
    span = trace_span(low[settled:], high[settled:]) or 1.0
    lines = []
    for k, label in enumerate(labels):
        middle = float(low[settled:, k].min()) + float(high[settled:, k].max())
        bottom = 0.5 * (middle - span)
        dots = trace_dots((low[:, k] - bottom) / span, (high[:, k] - bottom) / span, 4 * height)
        style = Style(color=colours[k]) if colours is not None else Style()
        for row, text in enumerate(braille(dots)):
            lines.append(_line(label if row == height // 2 else "", Text(text, style=style)))
    return lines


def raster_lines(
    times: np.ndarray,
    rows: np.ndarray,
    *,
    cells: int,
    span: tuple[float, float],
    width: int,
    label: str,
    colour: str,
    height: int,
) -> list[Text]:
    """Spikes of a population: columns of time, rows of cells or of several cells.

    Parameters
    ----------
    times : ndarray, shape (S,)
        ms.
    rows : ndarray of int, shape (S,)
        The cell of each spike, from 0.
    cells : int
        Number of cells.
    span : tuple of two floats
        Times at the left and the right, ms.
    width, height : int
        Characters.
    label, colour : str
        Name and colour of the population.
    """
    dots = np.zeros((_ROWS * height, _COLUMNS * width), bool)
    across = (times - span[0]) / max(span[1] - span[0], 1e-12) * (dots.shape[1] - 1)
    inside = (across >= 0) & (across <= dots.shape[1] - 1)
    down = np.floor((rows + 0.5) / max(cells, 1) * dots.shape[0]).astype(int)
    dots[down[inside], np.rint(across[inside]).astype(int)] = True
    return [
        _line(label if k == height // 2 else "", Text(text, style=Style(color=colour)))
        for k, text in enumerate(braille(dots))
    ]


def image_lines(
    values: np.ndarray, labels: Sequence[str], *, limit: float, coloured: bool
) -> list[Text]:
    """An image of half blocks, or of shades, symmetric about zero.

    Parameters
    ----------
    values : ndarray, shape (2 H, W)
        From top to bottom, in the unit of `limit`.
    labels : sequence of str
        One for each line of characters, H of them.
    limit : float
        Value of the strongest colour.
    coloured : bool
        Whether there are colours.
    """
    scaled = np.clip(values / (limit or 1.0), -1.0, 1.0)
    lines = []
    for k, label in enumerate(labels):
        upper, lower = scaled[2 * k], scaled[2 * k + 1]
        text = Text()
        if coloured:
            for above, below in zip(_colours(upper), _colours(lower), strict=True):
                text.append("▀", Style(color=above, bgcolor=below))
        else:
            text.append("".join(map(_shade, 0.5 * (upper + lower))))
        lines.append(_line(label, text))
    return lines


def _colours(values: np.ndarray) -> list[str]:
    """Colours of values from -1 to 1, ``#rrggbb``."""
    mixed = np.stack(
        [np.interp(values, [-1.0, 0.0, 1.0], _ENDS[:, channel]) for channel in range(3)], axis=1
    )
    return [f"#{r:02x}{g:02x}{b:02x}" for r, g, b in np.rint(mixed).astype(int)]


def _shade(value: float) -> str:
    """A character for a value from -1 to 1."""
    shades = _POSITIVE if value > 0 else _NEGATIVE
    return shades[min(int(abs(value) * len(shades)), len(shades) - 1)]


def time_axis(span: tuple[float, float], width: int) -> Text:
    """A line with the first and the last time, ms, below pictures of `width` characters."""
    left, right = f"{span[0]:g}", f"{span[1]:g} ms"
    between = max(width - len(left) - len(right), 1)
    return _line("", Text(left + "─" * between + right))


def heading(text: str) -> Text:
    """A heading."""
    return Text(text, style=Style(bold=True))


def population_colour(number: int) -> str:
    """Colour of a population, by its number in the file."""
    return COLOURS[number % len(COLOURS)]


def _line(label: str, body: Text) -> Text:
    shown = label if len(label) < LABEL else f"{label[: LABEL - 2]}…"
    return Text(f"{shown:>{LABEL - 1}} ") + body

"""A recording as one page of HTML: numbers packed for it, and the page around them.

The page asks no network for anything. Its numbers are blocks of base64, of which it decodes those
that it shows; sampled channels are pyramids of envelopes, so that a pixel of any view costs a few
values.
"""

from __future__ import annotations

import base64
import html
import importlib.resources
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

# in the order in which they build upon each other
_SCRIPTS = ("data.js", "tracks.js", "cells.js", "main.js")
# between two levels of a pyramid; levels shorter than this have none above them
_FACTOR, _SHORT = 4, 2048
_STEPS = 32767


@dataclass
class Blocks:
    """Arrays that go into the page, each under a name."""

    arrays: dict[str, np.ndarray] = field(default_factory=dict)

    def add(self, values: np.ndarray, dtype: str) -> str:
        """Keep an array of any shape as little-endian numbers; return the name of its block.

        The page knows its unit from the facts beside it.
        """
        name = f"block{len(self.arrays)}"
        self.arrays[name] = np.ascontiguousarray(values, np.dtype(dtype).newbyteorder("<"))
        return name


def pyramid(
    low: np.ndarray, high: np.ndarray, blocks: Blocks, *, step: int = 1, about: np.ndarray
) -> dict[str, Any]:
    """Pack envelopes at levels that get coarser by four.

    Parameters
    ----------
    low, high : ndarray, shape (M, C)
        Lowest and highest values of stretches of `step` samples; the same where `step` is 1.
    blocks : Blocks
        Where the levels go, as integers of 16 bits, shape (C, M, 2), or (C, M, 1) of samples.
    step : int
        Samples of a stretch.
    about : ndarray, shape (C,)
        The value of each channel that 0 stands for.

    Returns
    -------
    dict
        ``levels``, the finest first; ``scales`` and ``centres``, from integers to values.
    """
    reach = np.maximum(high.max(axis=0) - about, about - low.min(axis=0))
    scales = np.where(reach > 0, reach, 1.0) / _STEPS
    packed = np.stack([low, high], axis=2)[:, :, : 1 if step == 1 else 2]
    packed = np.rint((packed - about[:, None]) / scales[:, None]).astype(np.int16)
    levels = []
    while True:
        count, _, width = packed.shape
        name = blocks.add(packed.transpose(1, 0, 2), "i2")
        levels.append({"step": step, "count": count, "width": width, "block": name})
        if count < _SHORT:
            break
        packed, step = _coarser(packed), step * _FACTOR
    return {"levels": levels, "scales": scales.tolist(), "centres": about.tolist()}


def _coarser(packed: np.ndarray) -> np.ndarray:
    """Envelopes (M, C, 1 or 2) of `_FACTOR` neighbours each, (M', C, 2); the last may be fewer."""
    starts = np.arange(0, len(packed), _FACTOR)
    low = np.minimum.reduceat(packed[:, :, 0], starts, axis=0)
    high = np.maximum.reduceat(packed[:, :, -1], starts, axis=0)
    return np.stack([low, high], axis=2)


def table(heading: str, rows: Sequence[tuple[str, str]], states: Sequence[str] = ()) -> str:
    """A table of two columns as HTML; `states` are classes of its rows."""
    lines = [f"<section><h2>{html.escape(heading)}</h2><table>"]
    for k, (name, text) in enumerate(rows):
        state = f' class="{html.escape(states[k])}"' if states else ""
        lines.append(
            f"<tr{state}><th scope=row>{html.escape(name)}</th><td>{html.escape(text)}</td></tr>"
        )
    lines.append("</table></section>")
    return "\n".join(lines)


def folded(heading: str, text: str) -> str:
    """A long text as HTML that is unfolded where it is asked for."""
    return (
        f"<section><details><summary>{html.escape(heading)}</summary>"
        f"<pre>{html.escape(text)}</pre></details></section>"
    )


def picture(title: str, light: bytes, dark: bytes) -> str:
    """Two SVG texts of one picture as HTML, of which that for the page's ground is shown.

    As images they can neither run scripts nor ask a network for anything.
    """
    lines = ["<figure>"]
    for ground, text in (("light", light), ("dark", dark)):
        data = base64.b64encode(text).decode("ascii")
        source = f'src="data:image/svg+xml;base64,{data}"'
        lines.append(f'<img class="on-{ground}" alt="{html.escape(title)}" {source}>')
    lines.append("</figure>")
    return "\n".join(lines)


def page_text(
    title: str,
    facts: Mapping[str, Any],
    blocks: Blocks,
    tables: Sequence[str],
    pictures: Sequence[str] = (),
) -> Iterator[str]:
    """Yield the page in pieces, so that not all of it is in memory.

    Parameters
    ----------
    title : str
        Its heading.
    facts : mapping
        What the scripts draw; names of blocks stand for arrays.
    blocks : Blocks
        The arrays.
    tables : sequence of str
        HTML below the pictures.
    pictures : sequence of str
        HTML of figures that do not move, see `picture`.
    """
    folder = importlib.resources.files("lfpcli.plotting") / "page"
    parts = {
        "title": html.escape(title),
        "style": (folder / "page.css").read_text(encoding="utf-8"),
        "tables": "\n".join(tables),
        "pictures": "\n".join(pictures),
        "facts": _json(facts),
        "script": "\n".join((folder / name).read_text(encoding="utf-8") for name in _SCRIPTS),
    }
    # names between braces are filled in one by one: what is filled in may hold braces of its own
    for piece in (folder / "page.html").read_text(encoding="utf-8").split("{{"):
        name, braces, rest = piece.partition("}}")
        if not braces:
            yield piece
        elif name == "blocks":
            yield from _block_texts(blocks)
            yield rest
        else:
            yield parts[name] + rest


def _json(facts: Mapping[str, Any]) -> str:
    """JSON that no name in it can end the script with."""
    return json.dumps(facts, separators=(",", ":"), allow_nan=False).replace("<", "\\u003c")


def _block_texts(blocks: Blocks) -> Iterator[str]:
    for name, values in blocks.arrays.items():
        text = base64.b64encode(values.tobytes()).decode("ascii")
        yield f'<script type="application/octet-stream" id="{name}">{text}</script>\n'

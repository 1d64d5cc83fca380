"""What a model would do, as lines for a reader."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from lfpcli.cli.facts import size_text


def look_lines(facts: dict[str, Any]) -> Iterator[str]:
    """Lines of what `lfpcli.tasks.simulate.look.look` tells."""
    populations = ", ".join(f"{name} {size}" for name, size in facts["populations"].items())
    yield f"populations:  {populations}"
    for name in ("segments", "synapses"):
        number = facts[name]
        yield f"{name + ':':14}{'not known' if number is None else number}"
    yield f"steps:        {facts['steps']}"
    yield f"engine:       {facts['engine']}"
    size = facts["file bytes"]
    yield f"file:         {'not known' if size is None else 'about ' + size_text(size)}"
    if facts["probes"]:
        yield f"probes:       {', '.join(facts['probes'])}"
    for code in facts["code"]:
        part = f", {code['part']}" if code["part"] else ""
        yield f"runs code:    {code['file']}{part} ({code['language']}) [{code['key']}]"
    if not facts["code"]:
        yield "runs code:    none"
    yield f"reads:        {', '.join(facts['files']) or 'nothing else'}"
    for note in facts["notes"]:
        yield f"note:         {note}"

"""What a model would do, as lines for a reader."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from lfpcli.cli.facts import size_text


def look_lines(facts: dict[str, Any]) -> Iterator[str]:
    """Lines of what `lfpcli.tasks.simulate.look.look` tells."""
    populations = ", ".join(f"{name} {size}" for name, size in facts["populations"].items())
    yield f"populations:  {populations}"
    yield from _circuit_lines(facts)
    for name in ("segments", "synapses"):
        number = facts[name]
        yield f"{name + ':':14}{'not known' if number is None else number}"
    # a circuit alone has none of these
    for name in ("steps", "engine"):
        if name in facts:
            yield f"{name + ':':14}{facts[name]}"
    size = facts["file bytes"]
    yield f"file:         {'not known' if size is None else 'about ' + size_text(size)}"
    if facts.get("probes"):
        yield f"probes:       {', '.join(facts['probes'])}"
    for code in facts["code"]:
        part = f", {code['part']}" if code["part"] else ""
        yield f"runs code:    {code['file']}{part} ({code['language']}) [{code['key']}]"
    if not facts["code"]:
        yield "runs code:    none"
    yield f"reads:        {', '.join(facts['files']) or 'nothing else'}"
    for note in facts["notes"]:
        yield f"note:         {note}"


def _circuit_lines(facts: dict[str, Any]) -> Iterator[str]:
    """Lines of what a circuit holds; none of another model."""
    for row in facts.get("types", ()):
        names = ("model_type", "model_template", "morphology", "dynamics_params")
        values = " ".join(str(row[name]) for name in names if row[name] is not None)
        yield f"type:         {row['population']} {row['type']}: {row['nodes']} {values}"
    for row in facts.get("connections", ()):
        pair = f"{row['source']} to {row['target']}"
        synapse = "" if row["synapse"] is None else f" {row['synapse']}"
        yield f"edges:        {pair}: {row['edges']} of type {row['type']}{synapse}"
    for part in ("input", "report"):
        for row in facts.get(f"{part}s", ()):
            values = ", ".join(f"{value}" for name, value in row.items() if name != "name")
            yield f"{part + ':':14}{row['name']} ({values})"
    for sentence in facts.get("refused", ()):
        yield f"refused:      {sentence}"

"""Mechanisms that write the concentration of an ion, of which a section should have one."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from lfpcli.runtime.mechanisms.load import loaded_libraries
from lfpcli.runtime.mechanisms.sources import read_mod, without_comments

_USE = re.compile(r"\bUSEION\s+(\w+)([^\n]*(?:\n\s*(?:READ|WRITE)\b[^\n]*)*)")


def written_concentrations(text: str) -> set[str]:
    """Concentrations that the text of a .mod file writes, such as ``cai``."""
    written = set()
    for ion, rest in _USE.findall(without_comments(text)):
        _, _, names = rest.partition("WRITE")
        names = re.split(r"\b(?:READ|VALENCE|REPRESENTS)\b", names)[0]
        written |= {name for name in re.findall(r"\w+", names) if name in (f"{ion}i", f"{ion}o")}
    return written


def conflicting_writers(sections: Sequence[Any], names: Sequence[str]) -> Iterator[str]:
    """Yield a sentence for each concentration that two mechanisms of a section write.

    NEURON lets both do it; what comes of it depends on their order.

    Parameters
    ----------
    sections : sequence of nrn.Section
        The sections of a cell.
    names : sequence of str
        Their names.
    """
    writers: dict[str, set[str]] = {}
    for library in loaded_libraries():
        for mechanism in library.mechanisms:
            writers[mechanism.name] = written_concentrations(read_mod(Path(mechanism.file)).text)
    told: set[tuple[str, ...]] = set()
    for section, name in zip(sections, names, strict=True):
        by_concentration: dict[str, list[str]] = {}
        for mechanism in section(0.5):
            for concentration in writers.get(mechanism.name(), ()):
                by_concentration.setdefault(concentration, []).append(mechanism.name())
        for concentration, mechanisms in sorted(by_concentration.items()):
            key = (concentration, *sorted(mechanisms))
            if len(mechanisms) > 1 and key not in told:
                told.add(key)
                listed = " and ".join(f"'{each}'" for each in mechanisms)
                yield f"{concentration} is written by {listed} in {name}: leave one of them out"

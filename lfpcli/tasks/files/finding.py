"""What a look at a file brings, and the report of all looks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lfpcli.errors import LfpError
from lfpcli.io.provenance import digest


@dataclass
class Finding:
    """One thing that was looked at.

    Attributes
    ----------
    state : {'ok', 'warning', 'error'}
        What came out; an error makes the file worthless as it is.
    subject : str
        What was looked at: format, checksums, provenance, values ...
    text : str
        What was seen.
    source : str
        Dataset, empty for the whole file.
    """

    state: str
    subject: str
    text: str
    source: str = ""


@dataclass
class Report:
    """What a file is worth.

    Attributes
    ----------
    file : str
        Its name.
    findings : list of Finding
        In the order of the looks.
    """

    file: str
    findings: list[Finding] = field(default_factory=list)

    @property
    def is_sound(self) -> bool:
        """Whether nothing is wrong with it; warnings are let be."""
        return all(finding.state != "error" for finding in self.findings)


def error_finding(error: LfpError, subject: str) -> Finding:
    """The finding that an error is."""
    return Finding("error", subject, error.message, error.source or "")


def provenance_finding(record: Mapping[str, Any]) -> Finding:
    """What the chain of commands that made a file is worth.

    Inputs that are there under the name that the command had are compared with their digests.

    Parameters
    ----------
    record : mapping
        See `lfpcli.io.provenance`; an empty one where the file has none.
    """
    if not record:
        return Finding("warning", "provenance", "does not say how it came to be")
    steps = [*record.get("history", []), record]
    unnamed = [step for step in steps if not step.get("command")]
    digests = _digests(steps)
    if unnamed:
        return Finding("warning", "provenance", f"{len(unnamed)} of {len(steps)} steps name none")
    if not all(isinstance(value, str) and len(value) == 64 for _, value in digests):
        return Finding("error", "provenance", "holds a digest that is none")
    present = [(name, value) for name, value in digests if _is_file(name)]
    changed = [name for name, value in present if digest(Path(name)) != value]
    if changed:
        text = f"{len(changed)} of {len(digests)} inputs are others by now: {changed[0]}"
        return Finding("warning", "provenance", text)
    commands = " | ".join(" ".join(map(str, step["command"][:2])) for step in steps)
    there = f", {len(present)} of them here and the same" if present else ""
    return Finding("ok", "provenance", f"{commands}; {len(digests)} inputs with digests{there}")


def _digests(steps: Sequence[Mapping[str, Any]]) -> list[tuple[str, object]]:
    """Names and digests of the inputs of all steps."""
    # of any type: damage may have made a number of one
    digests: list[tuple[str, object]] = []
    for step in steps:
        inputs = step.get("inputs", {})
        digests += inputs.items() if isinstance(inputs, dict) else [("", None)]
    return digests


def _is_file(name: str) -> bool:
    try:
        return Path(name).is_file()
    except (OSError, ValueError):  # what is no name of a file
        return False

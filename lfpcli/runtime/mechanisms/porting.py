"""Mechanisms written for older NEURON, mended in copies: what NEURON 9 and CoreNEURON refuse."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from lfpcli.runtime.mechanisms.c_code import (
    VERBATIM,
    Edit,
    blanked,
    edited,
    verbatim_edits,
    whole_lines,
)
from lfpcli.runtime.mechanisms.check import Finding
from lfpcli.runtime.mechanisms.random_streams import with_random_variables
from lfpcli.runtime.mechanisms.sources import ModFile, neuron_block


@dataclass(frozen=True, kw_only=True)
class Port:
    """A .mod file with what was mended in it.

    Attributes
    ----------
    file : ModFile
        The file as it is.
    text : str
        Its text, mended.
    changes : tuple of str
        What was mended.
    leftovers : tuple of Finding
        What was seen and not mended, at lines of the file as it is.
    """

    file: ModFile
    text: str
    changes: tuple[str, ...] = ()
    leftovers: tuple[Finding, ...] = ()

    def diff(self, target: Path) -> str:
        """Unified difference between the file and its copy; empty where they are equal."""
        lines = difflib.unified_diff(
            self.file.original.splitlines(),
            self.text.splitlines(),
            fromfile=str(self.file.path),
            tofile=str(target),
            lineterm="",
        )
        return "".join(f"{line}\n" for line in lines)

    def source_line(self, line: int | None) -> int | None:
        """Line of the file as it is that a line of the mended text comes from."""
        if line is None:
            return None
        before, after = self.file.original.splitlines(), self.text.splitlines()
        matcher = difflib.SequenceMatcher(None, before, after, autojunk=False)
        for tag, first, last, new_first, new_last in matcher.get_opcodes():
            if new_first < line <= new_last and tag == "equal":
                return first + line - new_first
            if new_first < line <= new_last:
                # of the lines that were replaced, the one that is most like it
                candidates = range(first, max(last, first + 1))
                likeness = [_likeness(before[k], after[line - 1]) for k in candidates]
                return 1 + candidates[likeness.index(max(likeness))]
        return None


def _likeness(one: str, other: str) -> float:
    return difflib.SequenceMatcher(None, one, other, autojunk=False).ratio()


def port(file: ModFile) -> Port:
    """Mend the known patterns of a mechanism.

    Parameters
    ----------
    file : ModFile
        The mechanism.

    Returns
    -------
    Port
        What came of it; `changes` is empty where nothing was known to need it.
    """
    text, changes, unknown = with_random_variables(file.original)
    for find in (verbatim_edits, _argument_edits, _parameter_edits):
        edits = list(find(text))
        changes += [edit.reason for edit in edits if edit.reason]
        text = edited(text, edits)
    path = str(file.path)
    leftovers = [Finding(path, line, reason, "port") for line, reason in unknown]
    return Port(
        file=file,
        text=_without_empty_blocks(text) if changes else text,
        changes=tuple(dict.fromkeys(changes)),
        leftovers=tuple(leftovers),
    )


def portable(files: Sequence[ModFile]) -> list[ModFile]:
    """Those of the files in which something would be mended."""
    return [file for file in files if port(file).changes]


def _argument_edits(text: str) -> Iterator[Edit]:
    """Arguments of SCoP's function that takes none, which C let pass."""
    for match in re.finditer(r"\bscop_random\s*\(\s*([^()\s][^()]*)\)", blanked(text)):
        reason = "scop_random takes no argument"
        yield Edit(match.start(1), match.end(1), "", reason)


def _parameter_edits(text: str) -> Iterator[Edit]:
    """Names declared as PARAMETER, without a value, that the equations assign to.

    CoreNEURON wants what is assigned to among ASSIGNED.
    """
    plain = VERBATIM.sub(lambda match: re.sub(r"[^\n]", " ", match[0]), blanked(text))
    parameters = re.search(r"\bPARAMETER\s*\{([^{}]*)\}", plain)
    assigned = re.search(r"\bASSIGNED\s*\{", plain)
    if parameters is None or assigned is None:
        return
    shared = set(
        re.findall(
            r"\w+", " ".join(re.findall(r"\b(?:RANGE|GLOBAL)\b([^\n]*)", neuron_block(text)))
        )
    )
    equations = plain[: parameters.start()] + plain[parameters.end() :]
    declaration = re.compile(r"^([ \t]*([A-Za-z_]\w*)[ \t]*(?:\([^()\n]*\))?)[ \t]*$", re.M)
    for match in declaration.finditer(parameters[1]):
        name = match[2]
        if name in shared or not re.search(rf"\b{name}\s*=(?!=)", equations):
            continue
        start = parameters.start(1) + match.start()
        first, last = whole_lines(plain, start, start + len(match[1]))
        yield Edit(first, last, "", f"{name}: assigned to, and no parameter")
        yield Edit(assigned.end(), assigned.end(), f"\n{match[1]}", "")


def _without_empty_blocks(text: str) -> str:
    """Take away the VERBATIM blocks of which nothing is left."""
    return re.sub(r"^[ \t]*VERBATIM\s*ENDVERBATIM[ \t]*\n", "", text, flags=re.M)

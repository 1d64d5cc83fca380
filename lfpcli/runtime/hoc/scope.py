"""hoc code for one cell among many: its words for sections mean the sections of that cell."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from lfpcli.runtime.hoc.text import without_strings
from lfpcli.runtime.neuron import nrn

# hoc's usual lists of sections, and the array of sections that each stands for
_LISTS = {"all": None, "somatic": "soma", "basal": "dend", "apical": "apic", "axonal": "axon"}

Change = tuple[int, int, str]


class SectionScope:
    """The sections of one cell, by the names that hoc code uses.

    ``soma``, ``dend[3]``, ``forall``, ``forsec "dend"`` and ``forsec basal`` then touch no other
    cell. The sections may belong to Python, as hoc reaches them through references.

    Parameters
    ----------
    sections : sequence of nrn.Section
        The cell's sections.
    names : sequence of str
        Their names, such as ``dend[3]``.
    """

    def __init__(self, sections: Sequence[Any], names: Sequence[str]) -> None:
        self._members: dict[str, dict[int, Any]] = {}
        self._sections = list(sections)
        for section, name in zip(sections, names, strict=True):
            base, _, number = name.rstrip("]").partition("[")
            self._members.setdefault(base, {})[int(number or 0)] = section

    def install(self) -> None:
        """Let the references point to this cell."""
        h = nrn()
        for base, members in self._members.items():
            references = h.List()
            for number in range(max(members) + 1):
                # a gap in the numbers is filled with the first section, as no code names it
                section = members.get(number, next(iter(members.values())))
                references.append(h.SectionRef(sec=section))
            _set(f"lfp_{base}_", references)
        for name, array in _LISTS.items():
            chosen = self._sections
            if array is not None:
                chosen = list(self._members.get(array, {}).values())
            sections = h.SectionList()
            for section in chosen:
                sections.append(section)
            _set(f"lfp_list_{name}_", sections)

    def changes(self, plain: str) -> list[Change]:
        """What to replace in a hoc file.

        Parameters
        ----------
        plain : str
            Its text with comments blanked out.

        Returns
        -------
        list of (start, end, text)
            Changes that do not overlap.
        """
        everything = "forsec lfp_list_all_"
        bare = without_strings(plain)
        changes = [(*m.span(), everything) for m in re.finditer(r"\bforall\b", bare)]
        for match in re.finditer(r"\bforsec\s+(\w+)\b", bare):
            if match.group(1) in _LISTS:
                changes.append((*match.span(1), f"lfp_list_{match.group(1)}_"))
        for match in re.finditer(r'\bforsec\s+(?=")', plain):
            changes.append((*match.span(), f"{everything} ifsec "))
        bases = "|".join(re.escape(base) for base in self._members)
        for match in re.finditer(rf"(?<![\w.])({bases})\b(?:\s*\[([^\]\n]*)\])?", bare):
            number = match.group(2) or "0"
            changes.append((*match.span(), f"lfp_{match.group(1)}_.o({number}).sec"))
        return changes


def _set(name: str, value: Any) -> None:
    h = nrn()
    if not h.name_declared(name):
        h(f"objref {name}")
    setattr(h, name, value)

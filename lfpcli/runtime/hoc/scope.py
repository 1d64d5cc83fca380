"""hoc code for one cell among many: its words for sections mean the sections of that cell."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any

from lfpcli.runtime.hoc.text import without_strings
from lfpcli.runtime.neuron import nrn

# hoc's usual lists of sections, and the array of sections that each stands for
_LISTS = {"all": None, "somatic": "soma", "basal": "dend", "apical": "apic", "axonal": "axon"}

# connect CHILD(END), PARENT(X), or with X alone onto the section that is accessed
_SECTION = r"[A-Za-z_][\w.]*(?:\s*\[[^\]\n]*\])?(?:\.\w+(?:\s*\[[^\]\n]*\])?)*"
CONNECT = re.compile(
    rf"\bconnect\s+(?P<child>{_SECTION})\s*\((?P<end>[^()\n]*)\)\s*,\s*"
    rf"(?:(?P<parent>{_SECTION})\s*\((?P<x>[^()\n]*)\)|(?P<own>[\d.]+))"
)
"""A statement of hoc that connects sections, with its parts."""

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
    stand_for_created : bool
        Whether they stand for those that the code creates, whose statements are left out.
    """

    def __init__(
        self, sections: Sequence[Any], names: Sequence[str], *, stand_for_created: bool = False
    ) -> None:
        self._stand_for_created = stand_for_created
        self._members: dict[str, dict[int, Any]] = {}
        self._sections = list(sections)
        for section, name in zip(sections, names, strict=True):
            base, _, number = name.rstrip("]").partition("[")
            self._members.setdefault(base, {})[int(number or 0)] = section
        # a cell of a template has no names of its own at the top level: that matches nothing
        bases = "|".join(re.escape(base) for base in self._members) or "(?!)"
        self._names = re.compile(rf"(?<![\w.])({bases})\b(?:\s*\[([^\]\n]*)\])?")

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
        _set("lfp_joiner_", _Joiner())

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
        declarations = []
        if self._stand_for_created:
            statements = re.finditer(r"\bcreate\b[^\n{}]*", without_strings(plain))
            declarations = [match.span() for match in statements]
            plain = _blanked(plain, declarations)
        bare = without_strings(plain)
        changes = [(start, end, "") for start, end in declarations]
        changes += [(*m.span(), everything) for m in re.finditer(r"\bforall\b", bare)]
        for match in re.finditer(r"\bforsec\s+(\w+)\b", bare):
            # code that creates its sections makes its lists of them as well
            if match.group(1) in _LISTS and not self._stand_for_created:
                changes.append((*match.span(1), f"lfp_list_{match.group(1)}_"))
        for match in re.finditer(r'\bforsec\s+(?=")', plain):
            changes.append((*match.span(), f"{everything} ifsec "))
        joints = [(*m.span(), self._joint(m)) for m in re.finditer(CONNECT, bare)]
        changes += joints
        bare = _blanked(bare, [(start, end) for start, end, _ in joints])
        changes += [(*m.span(), _reference(m)) for m in self._names.finditer(bare)]
        return changes

    def _joint(self, match: re.Match[str]) -> str:
        """A statement that connects sections, which takes no references to them, as calls."""
        child = f"{self._named(match['child'])} lfp_joiner_.take({match['end']})"
        if match["parent"]:
            parent = f"{self._named(match['parent'])} lfp_joiner_.join({match['x']})"
            return f"{{ {child} {parent} }}"
        # the parent is the section that is accessed
        return f"{{ lfp_joiner_.take_parent({match['own']}) {child} lfp_joiner_.join_both() }}"

    def _named(self, text: str) -> str:
        return self._names.sub(_reference, text)


class _Joiner:
    """What hoc calls where code connects sections."""

    def __init__(self) -> None:
        self._child: Any = None
        self._parent: Any = None

    def take(self, end: float) -> float:
        """Take the accessed section as the child, by one of its ends."""
        self._child = nrn().cas(), end
        return 1.0

    def take_parent(self, x: float) -> float:
        """Take the accessed section as the parent."""
        self._parent = nrn().cas()(x)
        return 1.0

    def join(self, x: float) -> float:
        """Connect the child to the accessed section."""
        self.take_parent(x)
        return self.join_both()

    def join_both(self) -> float:
        """Connect what was taken."""
        section, end = self._child
        section.connect(self._parent, end)
        return 1.0


def _reference(match: re.Match[str]) -> str:
    return f"lfp_{match[1]}_.o({match[2] or '0'}).sec"


def _blanked(text: str, spans: list[tuple[int, int]]) -> str:
    for start, end in spans:
        text = text[:start] + " " * (end - start) + text[end:]
    return text


def set_list(name: str, members: Iterable[Any]) -> None:
    """Make objects known to hoc code as a list of that name."""
    objects = nrn().List()
    for member in members:
        objects.append(member)
    _set(name, objects)


def _set(name: str, value: Any) -> None:
    h = nrn()
    if not h.name_declared(name):
        h(f"objref {name}")
    setattr(h, name, value)

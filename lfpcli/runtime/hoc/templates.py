"""Cells from hoc templates, such as those of the Blue Brain Project and of Hay et al. 2011."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lfpcli.errors import InputError, SimulatorError, nearest
from lfpcli.runtime.hoc.hoc import call_hoc, run_hoc_file, without_hoc_comments
from lfpcli.runtime.mechanisms.sources import read_text
from lfpcli.runtime.neuron import nrn

# what model files set for the whole of NEURON
SETTINGS = ("celsius", "dt", "tstop", "v_init")
_FOUND: dict[tuple[Path, ...], dict[str, float]] = {}


@dataclass
class TemplateCell:
    """A cell that a hoc template made.

    Attributes
    ----------
    template : hoc.HocObject
        The template's object; the sections live as long as it does.
    sections : list of nrn.Section
        Those in the template's list `all`, in its order, then any others that belong to it.
    names : list of str
        Their names without the template's, such as ``dend[3]``.
    settings : dict
        What the model's files set of `celsius`, `dt`, `tstop` and `v_init`. NEURON's own values
        are what they were before.
    """

    template: Any
    sections: list[Any]
    names: list[str]
    settings: dict[str, float] = field(default_factory=dict)


def load_template(
    file: Path,
    name: str,
    args: Sequence[float | str] = (),
    *,
    workdir: Path | None = None,
    code: Iterable[Path] = (),
    stand_ins: Iterable[str] = (),
) -> TemplateCell:
    """Make a cell from a hoc template.

    The files are read once for many cells. Nothing is written beside them.

    Parameters
    ----------
    file : Path
        The hoc file that defines the template.
    name : str
        The template.
    args : sequence of float or str
        Arguments of its constructor.
    workdir : Path, optional
        Current folder while its files are read and the cell is made; that of `file` by default.
    code : iterable of Path
        hoc files to run before `file`.
    stand_ins : iterable of str
        Point processes that the model's code names and that could not be compiled. Code that makes
        one of them fails; code that only may do so is read without error.

    Returns
    -------
    TemplateCell
        The cell.

    Raises
    ------
    InputError
        Where a file is missing, or does not define the template.
    SimulatorError
        Where NEURON reports an error, or the code deletes sections of other cells.
    """
    folder = file.parent if workdir is None else workdir
    files = [path.absolute() for path in (*code, file)]
    for stand_in in stand_ins:
        _define_stand_in(stand_in)
    # files that were read before set nothing a second time
    found = _FOUND.setdefault((folder, *files), {})
    with _watched_settings(found), _others_spared(file) as check:
        for path in files:
            run_hoc_file(path, folder=folder)
        maker = _template(file, name)
        cell = call_hoc(lambda: maker(*args), file, folder)
        check(cell)
    sections = _sections(cell, file)
    return TemplateCell(cell, sections, [_short_name(s) for s in sections], dict(found))


def template_names(file: Path) -> list[str]:
    """Names of the templates that a hoc file defines."""
    return re.findall(r"\bbegintemplate\s+(\w+)", without_hoc_comments(read_text(file)))


def load_hoc_model(file: Path) -> TemplateCell:
    """Run a hoc file that builds a model, and take all sections that it made.

    Parameters
    ----------
    file : Path
        The hoc file; it runs in its own folder.

    Returns
    -------
    TemplateCell
        Its sections; `template` is None.

    Raises
    ------
    InputError
        Where the file is missing or makes no sections.
    SimulatorError
        Where NEURON reports an error.
    """
    h = nrn()
    before = set(h.allsec())
    settings: dict[str, float] = {}
    with _watched_settings(settings):
        run_hoc_file(file)
    sections = [section for section in h.allsec() if section not in before]
    if not sections:
        raise InputError("makes no sections", source=file, remedy="name a file that builds a cell")
    return TemplateCell(None, sections, [s.name() for s in sections], settings)


def _template(file: Path, name: str) -> Any:
    known = template_names(file)
    if name not in known:
        raise InputError(
            f"defines no template '{name}'", source=file, remedy=nearest(name, known, "template")
        )
    return getattr(nrn(), name)


@contextlib.contextmanager
def _others_spared(file: Path) -> Iterator[Callable[[Any], None]]:
    """Watch the sections that are there; what is yielded takes the new cell and checks them.

    Within a template, ``forall`` visits the object's own sections, so that the usual
    ``forall delete_section()`` harms nobody; at the top level of hoc it would.
    """
    h = nrn()
    first = next(iter(h.allsec()), None)
    last = h.Section(name="lfp_watched")
    before = _roots()

    def check(cell: Any) -> None:
        own = sum(1 for section in _sections(cell, file) if section.parentseg() is None)
        if first is not None and (_deleted(first) or _deleted(last) or _roots() != before + own):
            raise SimulatorError(
                "the template or its code deletes sections of other cells",
                source=file,
                remedy="delete its own sections alone, or run one such cell at a time",
            )

    try:
        yield check
    finally:
        if not _deleted(last):
            h.delete_section(sec=last)


def _roots() -> int:
    """Number of sections without a parent: far fewer than there are sections."""
    roots = nrn().SectionList()
    roots.allroots()
    return sum(1 for _ in roots)


def _deleted(section: Any) -> bool:
    try:
        return section.L is None
    except ReferenceError:
        return True


def _sections(cell: Any, file: Path) -> list[Any]:
    h = nrn()
    sections = dict.fromkeys(getattr(cell, "all", None) or ())
    # the trees of these instead of all sections of a network
    for section in list(sections):
        if not sections[section]:
            sections |= dict.fromkeys(section.wholetree(), True)
    if not sections:
        sections = dict.fromkeys(s for s in h.allsec() if s.cell() == cell)
    if not sections:
        raise InputError(
            "the template makes no sections", source=file, remedy="check its name and arguments"
        )
    return list(sections)


def _short_name(section: Any) -> str:
    return str(section.name()).rpartition(".")[2]


@contextlib.contextmanager
def _watched_settings(found: dict[str, float]) -> Iterator[None]:
    """Collect what code sets of `SETTINGS`, and put the usual values back."""
    h = nrn()
    usual = {name: float(getattr(h, name)) for name in SETTINGS}
    # a value that the last bits tell from the usual one, which code may set as well
    marked = {name: value * (1 + 1e-12) + 1e-300 for name, value in usual.items()}
    try:
        for name, value in marked.items():
            setattr(h, name, value)
        yield
        found |= {n: float(getattr(h, n)) for n in SETTINGS if getattr(h, n) != marked[n]}
    finally:
        for name, value in usual.items():
            setattr(h, name, value)


def _define_stand_in(name: str) -> None:
    h = nrn()
    if not name.isidentifier() or h.name_declared(name):
        return
    reason = f"{name} was left out because it does not compile"
    h(f'begintemplate {name}\nproc init() {{ execerror("{reason}", "") }}\nendtemplate {name}\n')

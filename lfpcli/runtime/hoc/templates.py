"""Cells from hoc templates, such as those of the Blue Brain Project and of Hay et al. 2011."""

from __future__ import annotations

import contextlib
import itertools
import re
import warnings
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lfpcli.errors import InputError, LfpWarning, SimulatorError, nearest
from lfpcli.runtime.cell.sections import is_deleted
from lfpcli.runtime.hoc.hoc import call_hoc, check_measures, run_hoc_file
from lfpcli.runtime.hoc.members import build_again
from lfpcli.runtime.hoc.settings import watched_settings
from lfpcli.runtime.hoc.text import template_bodies, without_hoc_comments, without_strings
from lfpcli.runtime.mechanisms.sources import read_text
from lfpcli.runtime.morphology.build import instantiate
from lfpcli.runtime.morphology.reading import read_morphology
from lfpcli.runtime.neuron import nrn

_SETTINGS: dict[tuple[Path, ...], dict[str, float]] = {}
# the last section that a template made, where it was watched over
_MADE_LAST: list[Any] = []


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
    morphology: Path | None = None,
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
    morphology : Path, optional
        A file that is loaded into the template's object, where its list `all` is empty.

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
    folder = workdir or file.parent
    files = [path.absolute() for path in (*code, file)]
    for stand_in in stand_ins:
        _define_stand_in(stand_in)
    # files that were read before set nothing a second time
    settings = _SETTINGS.setdefault((folder, *files), {})
    with watched_settings(settings), _others_spared(file):
        for path in files:
            run_hoc_file(path, folder=folder)
        maker = _template(file, name)
        cell = call_hoc(lambda: maker(*args), file, folder)
        if morphology is not None:
            _load_into(cell, morphology, file)
    sections = _sections(cell, file)
    check_measures(sections, file)
    _MADE_LAST[:] = sections[-1:]
    return TemplateCell(cell, sections, list(map(_short_name, sections)), dict(settings))


def _load_into(cell: Any, morphology: Path, file: Path) -> None:
    """Load a morphology into a template's object, as LFPy's cells of networks do."""
    sections = getattr(cell, "all", None)
    if sections is None or not hasattr(sections, "wholetree"):
        raise InputError(
            "the template has no public SectionList 'all', which a morphology goes into",
            source=file,
            remedy="declare it, and make it in init(), or leave 'morphology' out",
        )
    if any(True for _ in sections):
        warnings.warn(
            f"the template makes sections of its own; {morphology} is not loaded [{file}]",
            LfpWarning,
            stacklevel=2,
        )
        return
    shape = read_morphology(morphology)
    call_hoc(lambda: instantiate(shape, into=cell), file, file.parent)


def template_names(file: Path) -> list[str]:
    """Names of the templates that a hoc file defines."""
    return list(template_bodies(without_hoc_comments(read_text(file))))


def load_hoc_model(file: Path, root: str | None = None) -> TemplateCell:
    """Run a hoc file that builds a model, and take all sections that it made, or one tree of them.

    Each call without `root` gives a cell of its own.

    Parameters
    ----------
    file : Path
        The hoc file; it runs in its own folder, once for all trees that are taken from it.
    root : str, optional
        Name of the section that a tree begins with, such as ``soma2`` or ``cell[1].soma``; the
        cell is that tree. Left out, all trees are one cell.

    Returns
    -------
    TemplateCell
        Its sections; `template` is None.

    Raises
    ------
    InputError
        Where the file is missing or makes no sections, or there is no such tree or it is taken.
    SimulatorError
        Where NEURON reports an error.
    """
    model = _hoc_cells(file)
    if root is not None:
        return _tree(model, file, _roots(model), root)
    names = [section.name() for section in model.sections]
    sections = model.sections
    if model.is_taken:
        sections = build_again(file, names)
    model.is_taken = True
    return TemplateCell(None, sections, names, model.settings)


def hoc_roots(file: Path) -> list[str]:
    """Names of the sections that the trees of a hoc file begin with; the file runs once."""
    return list(_roots(_hoc_cells(file)))


def hoc_settings(file: Path) -> dict[str, float]:
    """What a hoc file sets of `lfpcli.runtime.hoc.settings.SETTINGS`; the file runs once.

    Where it turns the variable time step on, `VARIABLE_STEP` is among them.
    """
    return dict(_hoc_model(file).settings)


def _hoc_model(file: Path) -> _HocModel:
    file = file.resolve()
    if file not in _HOC_MODELS:
        _HOC_MODELS[file] = _run_hoc_model(file)
    return _HOC_MODELS[file]


def _hoc_cells(file: Path) -> _HocModel:
    model = _hoc_model(file)
    if not model.sections:
        raise InputError("makes no sections", source=file, remedy="name a file that builds a cell")
    return model


def _roots(model: _HocModel) -> dict[str, Any]:
    return {s.name(): s for s in model.sections if s.parentseg() is None}


@dataclass
class _HocModel:
    """What a hoc file has made, and which of its trees are cells already."""

    sections: list[Any]
    settings: dict[str, float]
    taken: set[str] = field(default_factory=set)
    is_taken: bool = False


_HOC_MODELS: dict[Path, _HocModel] = {}


def _run_hoc_model(file: Path) -> _HocModel:
    h = nrn()
    before = set(h.allsec())
    settings: dict[str, float] = {}
    with watched_settings(settings):
        run_hoc_file(file)
    sections = [section for section in h.allsec() if section not in before]
    check_measures(sections, file)
    return _HocModel(sections, settings)


def _tree(model: _HocModel, file: Path, roots: dict[str, Any], root: str) -> TemplateCell:
    """The cell of the tree that begins with a section."""
    if root not in roots:
        raise InputError(
            f"no tree begins with a section '{root}'",
            source=file,
            remedy=f"root is one of {', '.join(roots)}",
        )
    if root in model.taken:
        raise InputError(
            f"the tree of '{root}' is a cell already",
            source=file,
            remedy="take each tree once, or put the cell into a template",
        )
    model.taken.add(root)
    tree = set(roots[root].wholetree())
    sections = [section for section in model.sections if section in tree]
    return TemplateCell(None, sections, [s.name() for s in sections], dict(model.settings))


def _template(file: Path, name: str) -> Any:
    known = template_names(file)
    if name not in known:
        raise InputError(
            f"defines no template '{name}'", source=file, remedy=nearest(name, known, "template")
        )
    return getattr(nrn(), name)


@contextlib.contextmanager
def _others_spared(file: Path) -> Iterator[None]:
    """Raise `SimulatorError` where the sections that are there before do not outlive the context.

    Within a template, ``forall`` visits the object's own sections, so that the usual
    ``forall delete_section()`` harms nobody; at the top level of hoc it would. Two sections stand
    for all others, as many cells are made in turn.
    """
    watched = [section for section in _MADE_LAST if not is_deleted(section)]
    watched += itertools.islice(nrn().allsec(), 1)
    yield
    if any(map(is_deleted, watched)):
        raise SimulatorError(
            "the template or its code deletes sections of other cells",
            source=file,
            remedy="delete its own sections alone, or run one such cell at a time",
        )


def _sections(cell: Any, file: Path) -> list[Any]:
    sections = dict.fromkeys(getattr(cell, "all", None) or _public_sections(cell, file))
    # the trees of these instead of all sections of a network
    for section in list(sections):
        if not sections[section]:
            sections |= dict.fromkeys(section.wholetree(), True)
    if not sections:
        # no name leads to them
        sections = dict.fromkeys(s for s in nrn().allsec() if s.cell() == cell)
    if not sections:
        raise InputError(
            "the template makes no sections", source=file, remedy="check its name and arguments"
        )
    return list(sections)


def _public_sections(cell: Any, file: Path) -> list[Any]:
    """Sections of a template's object that its public names lead to, in the order of the file."""
    sections = []
    code = without_strings(without_hoc_comments(read_text(file)))
    declared = " ".join(re.findall(r"\bcreate\b(.*)", code))
    for name in dict.fromkeys(re.findall(r"\w+", declared)):
        member: Any = getattr(cell, name, None)
        if hasattr(member, "wholetree"):
            sections.append(member)
        elif hasattr(member, "__getitem__"):
            sections += [section for section in member if hasattr(section, "wholetree")]
    return sections


def _short_name(section: Any) -> str:
    return str(section.name()).rpartition(".")[2]


def _define_stand_in(name: str) -> None:
    h = nrn()
    if not name.isidentifier() or h.name_declared(name):
        return
    reason = f"{name} was left out because it does not compile"
    h(f'begintemplate {name}\nproc init() {{ execerror("{reason}", "") }}\nendtemplate {name}\n')

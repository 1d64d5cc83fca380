"""Models that a script of the user's builds in NEURON: its cells and gids, as it made them."""

from __future__ import annotations

import contextlib
import re
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

from lfpcli.errors import InputError, LfpError
from lfpcli.runtime.hoc.hoc import working_folder
from lfpcli.runtime.hoc.hooks import import_file
from lfpcli.runtime.hoc.settings import SETTINGS, VARIABLE_STEP
from lfpcli.runtime.hoc.templates import hoc_settings
from lfpcli.runtime.neuron import context, nrn

# gids beyond the last known one that are looked at: NEURON tells only whether one is there
_BEYOND = 1 << 16
# what `gid_exists` returns of a gid that something on this process sends spikes by
_HAS_SOURCE = 2
# NEURON's own end of a run, ms, and one whose last bits tell that no code has set it
_USUAL_TSTOP = 5.0
_UNSET_TSTOP = _USUAL_TSTOP * (1 + 1e-12)
HOC_SUFFIX = ".hoc"
"""What tells hoc files from scripts of Python."""
_MAIN = "put its run under if __name__ == '__main__'"
_UNNAMED = re.compile(r"__nrnsec_0x[0-9a-f]+$")


@dataclass(kw_only=True)
class AttachedCell:
    """A tree of sections.

    Attributes
    ----------
    gid : int
        Number of the cell; -1 where the script gave it none.
    sections : list of nrn.Section
        Its sections, in the order of NEURON's list.
    names : list of str
        Their names, without that of a template or an object.
    detector : nrn.Segment or None
        Where the script has its spikes detected.
    threshold : float or None
        Potential whose crossing is a spike there, mV.
    is_inert : bool
        Whether it has no gid and nothing is on its sections, so that no current ever flows in it:
        scripts hold artificial cells in such sections.
    """

    gid: int
    sections: list[Any]
    names: list[str]
    detector: Any = None
    threshold: float | None = None
    is_inert: bool = False


@dataclass(kw_only=True)
class AttachedModel:
    """What a script has built on this process.

    Attributes
    ----------
    cells : list of AttachedCell
        The cells, those with gids first and by gid.
    sources : list of int
        Gids that are no cells: artificial cells, and further places on cells.
    settings : dict of str to float
        NEURON's settings as the script left them; `tstop` only where it set it.
    atol : float or None
        Absolute tolerance of the variable time step, where the script switched that on.
    """

    cells: list[AttachedCell]
    sources: list[int] = field(default_factory=list)
    settings: dict[str, float] = field(default_factory=dict)
    atol: float | None = None


def attach(file: Path) -> AttachedModel:
    """Run a script and take what it has built.

    Parameters
    ----------
    file : Path
        A Python file, which runs in its own folder, as a module and not as ``__main__``; or a
        hoc file, which runs once, even where it was run before.

    Returns
    -------
    AttachedModel

    Raises
    ------
    InputError
        Where the file is missing, or runs a simulation itself.
    SimulatorError
        Where its code fails.
    """
    path = file.resolve()
    if not path.is_file():
        raise InputError("no such file", source=file, remedy="check the name and the folder")
    with _not_advanced(file):
        settings = hoc_settings(path) if path.suffix == HOC_SUFFIX else _run_python(path)
    model = _numbered(_trees())
    if settings.pop(VARIABLE_STEP, 0.0):
        model.atol = float(nrn().CVode().atol())
    model.settings = settings
    return model


def _run_python(path: Path) -> dict[str, float]:
    """Run a Python file, and return NEURON's settings as it leaves them."""
    h = nrn()
    if h.tstop == _USUAL_TSTOP:
        h.tstop = _UNSET_TSTOP
    arguments, sys.argv = sys.argv, [str(path)]
    try:
        with working_folder(path.parent):
            import_file(path)
    finally:
        sys.argv = arguments
    settings = {name: float(getattr(h, name)) for name in SETTINGS}
    if settings["tstop"] == _UNSET_TSTOP:
        del settings["tstop"]
    if h.CVode().active():
        settings[VARIABLE_STEP] = 1.0
    return settings


@contextlib.contextmanager
def _not_advanced(file: Path) -> Iterator[None]:
    """Refuse a script that makes time steps itself, by whichever function of NEURON."""
    cvode, pc = nrn().CVode(), context()
    advanced: list[float] = []

    def refuse() -> None:
        # NEURON calls it in a step, before h.t is that of its end; an initialisation is at 0
        if pc.t(0) != 0.0:
            advanced.append(float(pc.t(0)))
            raise RuntimeError("lfp sim runs the simulation, not the script")

    cvode.extra_scatter_gather(0, refuse)
    error: LfpError | None = None
    try:
        yield
    except LfpError as raised:
        error = raised
    finally:
        cvode.extra_scatter_gather_remove(refuse)
    if advanced:
        place = file if error is None or error.source is None else error.source
        raise InputError(
            "the script runs the simulation itself",
            source=place,
            remedy="let it only build the model and set tstop, dt, v_init and celsius; "
            + ("leave its run out" if file.suffix == HOC_SUFFIX else _MAIN),
        ) from error
    if error is not None:
        raise error


def _trees() -> list[list[Any]]:
    """Sections of each tree, in the order of NEURON's list of all sections."""
    trees: dict[Any, list[Any]] = {}
    root_of: dict[Any, Any] = {}
    for section in nrn().allsec():
        path = []
        root = section
        # climb as far as a section whose root is known
        while root not in root_of:
            path.append(root)
            above = root.parentseg()
            if above is None:
                root_of[root] = root
                break
            root = above.sec
        for each in path:
            root_of[each] = root_of[root]
        trees.setdefault(root_of[section], []).append(section)
    return list(trees.values())


def _numbered(trees: list[list[Any]]) -> AttachedModel:
    """Give the trees the gids of the script's own sources of spikes."""
    tree_of = {section: k for k, sections in enumerate(trees) for section in sections}
    cells = [AttachedCell(gid=-1, sections=tree, names=_names(tree)) for tree in trees]
    model = AttachedModel(cells=cells)
    pc = context()
    # a connection to it tells where a gid is detected; it is gone when this returns
    target = nrn().IntFire1()
    for gid in gids_here():
        segment = pc.gid_connect(gid, target).preseg()
        cell = None if segment is None else cells[tree_of[segment.sec]]
        if cell is None or cell.gid >= 0:
            model.sources.append(gid)
            continue
        cell.gid, cell.detector = gid, segment
        cell.threshold = float(pc.threshold(gid))
    own = own_sources(trees)
    for k, cell in enumerate(cells):
        if cell.gid < 0 and k in own:
            cell.detector, cell.threshold = own[k]
        cell.is_inert = cell.gid < 0 and not _has_membrane(cell.sections)
    with_gid = sorted((cell for cell in cells if cell.gid >= 0), key=lambda cell: cell.gid)
    model.cells = with_gid + [cell for cell in cells if cell.gid < 0]
    return model


def _has_membrane(sections: Sequence[Any]) -> bool:
    """Whether there is any mechanism or point process on some sections."""
    for section in sections:
        for segment in section:
            if any(True for _ in segment) or segment.point_processes():
                return True
    return False


def gids_here() -> list[int]:
    """All gids of this process that send spikes, ascending."""
    pc = context()
    known = {int(netcon.srcgid()) for netcon in _netcons()}
    last = max(known, default=-1)
    for gid in count():
        if gid > last + _BEYOND:
            break
        if pc.gid_exists(gid):
            known.add(gid)
            last = max(last, gid)
    return sorted(gid for gid in known if gid >= 0 and pc.gid_exists(gid) >= _HAS_SOURCE)


def _netcons() -> Iterator[Any]:
    everything = nrn().List("NetCon")
    yield from (everything.o(k) for k in range(int(everything.count())))


def own_sources(trees: Sequence[Sequence[Any]]) -> dict[int, tuple[Any, float]]:
    """Where the first connection from each tree of sections has its spikes detected.

    Parameters
    ----------
    trees : sequence of sequence of nrn.Section
        The trees.

    Returns
    -------
    dict of int to (nrn.Segment, float)
        By the number of the tree, the place and the threshold (mV); without trees that no
        connection begins at.
    """
    first: dict[int, tuple[Any, float]] = {}
    tree_of: dict[Any, int] = {}
    for netcon in _netcons():
        segment = netcon.preseg()
        if segment is None:
            continue
        if not tree_of:
            tree_of = {section: k for k, sections in enumerate(trees) for section in sections}
        if segment.sec in tree_of:
            first.setdefault(tree_of[segment.sec], (segment, float(netcon.threshold)))
    return first


def _names(sections: list[Any]) -> list[str]:
    """Names of the sections of a cell, whole where they would not differ without the cell's."""
    whole = [str(section.name()) for section in sections]
    # NEURON calls a section without a name by its address, which differs from run to run
    whole = [f"section[{k}]" if _UNNAMED.match(name) else name for k, name in enumerate(whole)]
    short = [name.rpartition(".")[2] for name in whole]
    return short if len(set(short)) == len(short) else whole

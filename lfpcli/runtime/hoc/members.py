"""The model of a hoc file built more than once: each time with sections and objects of its own.

hoc has one section of each name at its top level, and one object of each variable. A further
member is made by the same code, in which names of sections mean new ones that belong to Python;
what the variables held before is kept alive.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from lfpcli.errors import InputError, SimulatorError
from lfpcli.runtime.cell.points import point_process_names
from lfpcli.runtime.hoc.hoc import known_templates, run_hoc_file
from lfpcli.runtime.hoc.scope import SectionScope
from lfpcli.runtime.hoc.settings import watched_settings
from lfpcli.runtime.neuron import nrn

# classes of NEURON whose objects act on a run, beside point processes
_ACTING = (
    *("NetCon", "Vector", "Random", "List", "SectionList", "SectionRef"),
    *("Matrix", "LinearMechanism", "FInitializeHandler", "StateTransitionEvent"),
)
_KEPT: list[Any] = []


def build_again(file: Path, first: Sequence[str]) -> list[Any]:
    """Run a hoc file that builds a model once more, and return the sections that it made.

    Parameters
    ----------
    file : Path
        The file, which has run before.
    first : sequence of str
        Names of the sections that it made then.

    Returns
    -------
    list of nrn.Section
        In the same order.

    Raises
    ------
    InputError
        Where the code makes others than before.
    SimulatorError
        Where NEURON reports an error.
    """
    h = nrn()
    _keep_objects()
    before = set(h.allsec())
    # those of templates come of themselves
    names = [name for name in first if "." not in name]
    fresh = [h.Section(name=name) for name in names]
    scope = SectionScope(fresh, names, stand_for_created=True)
    try:
        with watched_settings({}):
            run_hoc_file(file, again=True, scope=scope)
    except SimulatorError as error:
        raise InputError(
            f"the hoc file builds its cell once, and cannot a second time: {error.message}",
            source=error.source or file,
            remedy="put the cell into a template, or give size = 1",
        ) from error
    others = [section for section in h.allsec() if section not in before and section not in fresh]
    ours = iter(fresh)
    rest = iter(others)
    sections = [next(rest if "." in name else ours, None) for name in first]
    if None in sections or next(rest, None) is not None:
        raise InputError(
            "the hoc file makes other sections when it runs again",
            source=file,
            remedy="put the cell into a template, or give size = 1",
        )
    return sections


def _keep_objects() -> None:
    """Hold what variables of hoc hold now, which the code gives other objects."""
    for name in (*point_process_names(), *_ACTING, *known_templates()):
        _KEPT.extend(_objects(name))


def _objects(class_name: str) -> Iterator[Any]:
    instances = nrn().List(class_name)
    return (instances.o(k) for k in range(int(instances.count())))

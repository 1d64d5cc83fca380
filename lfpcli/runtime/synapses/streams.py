"""Random streams of mechanisms, each bound to the seed of the run and to its place in the model.

NEURON numbers the streams of RANDOM variables as they are made, so that they would depend on the
number of processes and on what else a process holds. Here each gets three numbers that depend on
the seed, the table of the model, the cell's gid and its place in the cell alone. What the code of a
cell has bound itself stays.
"""

from __future__ import annotations

import zlib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import numpy as np

from lfpcli.errors import SimulatorError
from lfpcli.runtime.cell.points import density_mechanism_names, point_process_names
from lfpcli.runtime.mechanisms.load import loaded_libraries
from lfpcli.runtime.mechanisms.random_streams import StreamVariable, stream_variables
from lfpcli.runtime.neuron import context, nrn

# codes of MechanismType
_DENSITY, _POINT = 0, 1
# the first number of the streams that NEURON gives itself; the second is that of the process, and
# the third counts them
_OF_NEURON = 1


@dataclass(frozen=True, kw_only=True)
class BoundStream:
    """A random stream of one instance of a mechanism.

    Attributes
    ----------
    gid : int
        The cell.
    mechanism, variable : str
        Which, and its RANDOM variable or pointer.
    owner : object
        The point process, artificial cell, or mechanism on a segment.
    ids : tuple of int
        The three numbers of the Random123 stream; those of streams that code has bound are its own.
    is_own : bool
        Whether code of the cell has bound it.
    generator : object
        The generator of hoc that it draws from; None for RANDOM variables, which have their own.
    """

    gid: int
    mechanism: str
    variable: str
    owner: Any
    ids: tuple[int, int, int]
    is_own: bool = False
    generator: Any = None


@dataclass
class StreamBinder:
    """Binds the streams of the cells of this process.

    Parameters
    ----------
    seed : int
        Seed of the run.

    Attributes
    ----------
    bound : list of BoundStream
        All streams so far.
    """

    seed: int
    bound: list[BoundStream] = field(default_factory=list)

    def bind_points(self, purpose: str, table: int, gid: int, points: Iterable[Any]) -> None:
        """Bind the point processes that a table of the model puts into one cell.

        Parameters
        ----------
        purpose : str
            What the table is for.
        table : int
            Its number.
        gid : int
            The cell.
        points : iterable
            The point processes, in an order that does not depend on the process.
        """
        counts: Counter[str] = Counter()
        for point in points:
            mechanism = point.hname().partition("[")[0]
            # each class by itself, so that others that are loaded too change nothing
            number = counts[mechanism]
            counts[mechanism] += 1
            for variable in _variables(mechanism, is_density=False):
                key = f"{purpose}/{mechanism}/{variable.name}"
                ids = (self._word(key, table), gid, number)
                self._bind(variable, point, gid=gid, mechanism=mechanism, ids=ids)

    def bind_density(self, gid: int, sections: Sequence[Any]) -> None:
        """Bind the density mechanisms of a cell.

        Parameters
        ----------
        gid : int
            The cell.
        sections : sequence of nrn.Section
            Its sections.
        """
        for mechanism in density_mechanism_names():
            variables = _variables(mechanism, is_density=True)
            if not variables:
                continue
            segments = (
                s for section in sections if section.has_membrane(mechanism) for s in section
            )
            for number, segment in enumerate(segments):
                owner = getattr(segment, mechanism)
                for variable in variables:
                    key = f"density/{mechanism}/{variable.name}"
                    ids = (self._word(key, 0), gid, number)
                    self._bind(variable, owner, gid=gid, mechanism=mechanism, ids=ids)

    def _word(self, key: str, table: int) -> int:
        words = np.random.SeedSequence([self.seed, zlib.crc32(key.encode()), table])
        return int(words.generate_state(1, np.uint32)[0])

    def _bind(
        self,
        variable: StreamVariable,
        owner: Any,
        *,
        gid: int,
        mechanism: str,
        ids: tuple[int, int, int],
    ) -> None:
        is_own, generator = False, None
        if variable.takes == "variable":
            stream = getattr(owner, variable.name)
            first, second, third = (int(number) for number in stream.get_ids())
            is_own = (first, second) != (_OF_NEURON, int(context().id()))
            if is_own:
                ids = (first, second, third)
            else:
                stream.set_ids(*ids)
                stream.set_seq(0)
        elif _is_set(owner, variable.name):
            is_own = True
        elif variable.takes == "numbers":
            getattr(owner, variable.setter)(*ids)
        else:
            generator = _generator(variable, mechanism, ids)
            getattr(owner, variable.setter)(generator)
        self.bound.append(
            BoundStream(
                gid=gid,
                mechanism=mechanism,
                variable=variable.name,
                owner=owner,
                ids=ids,
                is_own=is_own,
                generator=generator,
            )
        )


def set_stream(point: Any, ids: tuple[int, int, int]) -> None:
    """Give a point process the random stream that three numbers name, as its own code may do.

    Parameters
    ----------
    point : HocObject
        The point process.
    ids : (int, int, int)
        Numbers of a Random123 stream.
    """
    for variable in _variables(point.hname().partition("[")[0], is_density=False):
        if variable.takes == "variable":
            stream = getattr(point, variable.name)
            stream.set_ids(*ids)
            stream.set_seq(0)
        elif variable.takes == "numbers":
            getattr(point, variable.setter)(*ids)
        else:
            generator = nrn().Random()
            generator.Random123(*ids)
            generator.uniform(0, 1)
            getattr(point, variable.setter)(generator)


def has_streams(mechanism: str) -> bool:
    """Whether a point process or artificial cell draws from streams of its own."""
    return bool(_variables(mechanism, is_density=False))


class InstanceWatch:
    """Sees which point processes and artificial cells with streams code makes."""

    def __init__(self) -> None:
        h = nrn()
        self._lists = {
            name: h.List(name)
            for name in point_process_names()
            if _variables(name, is_density=False)
        }
        self._counts = {name: int(instances.count()) for name, instances in self._lists.items()}

    def fresh(self) -> Iterator[Any]:
        """Those that were made since the last call, by class, in the order of their making."""
        for name, instances in self._lists.items():
            count = int(instances.count())
            yield from (instances.o(k) for k in range(self._counts[name], count))
            self._counts[name] = count


def _is_set(owner: Any, pointer: str) -> bool:
    """Whether a pointer points somewhere."""
    try:
        getattr(owner, pointer)
    except (ValueError, RuntimeError, AttributeError):
        return False
    return True


def _generator(variable: StreamVariable, mechanism: str, ids: tuple[int, int, int]) -> Any:
    """A generator of hoc for a mechanism that keeps a pointer to one."""
    makers: dict[str, Callable[[Any], object]] = {
        "random_uniform": lambda generator: generator.uniform(0, 1),
        "random_negexp": lambda generator: generator.negexp(1),
        "random_normal": lambda generator: generator.normal(0, 1),
    }
    if variable.law not in makers:
        raise SimulatorError(
            f"mechanism '{mechanism}' draws from a generator that nothing has set, and which "
            "numbers it wants is not said",
            source=_file_of(mechanism),
            remedy=f"call its {variable.setter}() in the model's code, or declare RANDOM"
            f" {variable.name} in its file",
        )
    generator = nrn().Random()
    generator.Random123(*ids)
    makers[variable.law](generator)
    return generator


def _file_of(mechanism: str) -> str | None:
    for library in loaded_libraries():
        for known in library.mechanisms:
            if known.name == mechanism:
                return known.file
    return None


@cache
def _variables(mechanism: str, *, is_density: bool) -> tuple[StreamVariable, ...]:
    """The streams of a mechanism, as its source that NEURON keeps declares them."""
    types = nrn().MechanismType(_DENSITY if is_density else _POINT)
    types.select(mechanism)
    return stream_variables(types.code() or "")

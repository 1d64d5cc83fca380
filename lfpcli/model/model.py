# ruff: noqa: RUF009 - key() and rest() declare dataclass fields
"""The whole model: its tables, how they refer to each other, and its populations."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from lfpcli import vocabulary
from lfpcli.errors import nearest
from lfpcli.model.cell import CellSpec
from lfpcli.model.circuit import CircuitSpec
from lfpcli.model.group import Group
from lfpcli.model.head import Eeg, Meg
from lfpcli.model.layers import CONNECTIONS
from lfpcli.model.network import Connection, Input, Stimulus
from lfpcli.model.population import Population
from lfpcli.model.probe import Field, Probe
from lfpcli.model.run import Record, Run
from lfpcli.model.source_text import At, SourceText, check_name, shown
from lfpcli.model.tables import Table, key, read_table, table
from lfpcli.model.value_types import ValueType, listing
from lfpcli.vocabulary import RESERVED


def _named(cls: type[Table]) -> ValueType:
    """Make the type of tables of tables, each with a name."""

    def convert(value: dict[str, Any], at: At) -> dict[str, Table]:
        entries = {}
        for name, entry in value.items():
            if not name:
                raise at.table_error("has a table without a name", "give it one, of letters")
            check_name(name, at / name)
            entries[name] = read_table(cls, entry, at / name, name=name)
        return entries

    return ValueType("tables with names", lambda value: isinstance(value, dict), convert)


def _probes(value: list[Any], at: At) -> tuple[Probe, ...]:
    probes = tuple(read_table(Probe, entry, at / k) for k, entry in enumerate(value))
    return tuple(p if p.name else replace(p, name=f"probe{k}") for k, p in enumerate(probes))


def _heads(cls: type[Eeg] | type[Meg], name: str) -> ValueType:
    """Make the type of lists of tables of heads, whose signals are called `name` by default."""

    def convert(value: list[Any], at: At) -> tuple[Eeg | Meg, ...]:
        tables = [read_table(cls, entry, at / k) for k, entry in enumerate(value)]
        named = [entry if entry.name else replace(entry, name=name) for entry in tables]
        for k, entry in enumerate(named):
            check_name(entry.name, at / k / "name")
        return tuple(named)

    return ValueType("a list of tables", lambda value: isinstance(value, list), convert)


# what has cells of its own, as it is written, and what it is
_SHOWN = {"circuit": "[circuit]", "run.attach": "run.attach"}
_OWNER = {"circuit": "circuit", "run.attach": "script"}
PROBES = ValueType("a list of tables", lambda value: isinstance(value, list), _probes)


@dataclass(frozen=True, kw_only=True)
class Model(Table):
    """What to simulate, and what to measure and keep.

    Attributes
    ----------
    path : Path or None
        File it was read from.
    folder : Path
        Folder that its relative paths refer to, absolute.
    """

    run: Run = key(table(Run), Run(), doc="How the model is integrated.")
    cells: dict[str, CellSpec] = key(_named(CellSpec), {}, doc="Kinds of cells.", name="cell")
    populations: dict[str, Population] = key(
        _named(Population),
        {},
        doc="Populations. Left out: one cell of the only kind.",
        name="population",
    )
    circuit: CircuitSpec | None = key(
        table(CircuitSpec, 'a table such as {config = "circuit_config.json"}'),
        None,
        doc="Cells, connections and inputs from a circuit in the SONATA format.",
    )
    connections: tuple[Connection, ...] = key(
        CONNECTIONS, (), doc="Connections between populations.", name="connection"
    )
    inputs: tuple[Input, ...] = key(
        listing(table(Input)), (), doc="Synapses with spike sources of their own.", name="input"
    )
    stimuli: tuple[Stimulus, ...] = key(
        listing(table(Stimulus)), (), doc="Electrodes in cells.", name="stimulus"
    )
    fields: tuple[Field, ...] = key(
        listing(table(Field)), (), doc="Extracellular stimulation.", name="field"
    )
    groups: dict[str, Group] = key(
        _named(Group),
        {},
        doc='Segments whose share of a signal is kept, per = "group".',
        name="group",
    )
    probes: tuple[Probe, ...] = key(PROBES, (), doc="What is measured.", name="probe")
    eegs: tuple[Eeg, ...] = key(
        _heads(Eeg, "eeg"), (), doc="Potentials on heads, as lfp eeg computes them.", name="eeg"
    )
    megs: tuple[Meg, ...] = key(
        _heads(Meg, "meg"), (), doc="Magnetic fields, as lfp meg computes them.", name="meg"
    )
    record: Record = key(table(Record), Record(), doc="What is kept.")
    path: Path | None = field(default=None, compare=False)
    text: SourceText = field(default_factory=SourceText, compare=False, repr=False)

    def __repr__(self) -> str:
        source = str(self.path) if self.path is not None else "tables"
        return f"Model({source}: {', '.join(self.populations or self.cells)})"

    @property
    def heads(self) -> tuple[Eeg | Meg, ...]:
        """What measures on heads."""
        return (*self.eegs, *self.megs)

    @property
    def needs_currents(self) -> bool:
        """Whether something measures membrane currents while the run goes."""
        return bool(self.probes or self.heads) or self.record.dipole != vocabulary.NONE

    @property
    def has_projections(self) -> bool:
        """Whether shares of signals are kept by projection."""
        return any(probe.per == vocabulary.PROJECTION for probe in self.probes)

    @property
    def folder(self) -> Path:
        """Folder that relative paths refer to."""
        return self.text.folder

    def resolved_populations(self) -> dict[str, Population]:
        """Return the populations in the order of their gids.

        Where none has cells and there is one kind of cell, a population of one cell, named after
        the kind, comes first.
        """
        if any(p.has_cells for p in self.populations.values()) or len(self.cells) != 1:
            return self.populations
        (name, cell), *_ = self.cells.items()
        return {
            name: Population(name=name, cell=name, source_line=cell.source_line),
            **self.populations,
        }

    def to_dict(self) -> dict[str, Any]:
        """Return the model, defaults filled in, as a tree of JSON's types.

        Paths beneath `folder` are relative to it. ``load_model(model.to_dict(),
        folder=model.folder)`` gives an equal model.
        """
        return {name: value for name, value in self.as_value(self.folder).items() if value}

    def check(self, at: At) -> None:
        """Raise `InputError` where tables refer to what is not there."""
        self._check_populations(at)
        self._check_targets(at)
        self._check_signals(at)
        self._check_groups(at)
        if not isinstance(self.run.dt, float):
            return
        for connection in self.connections:
            delay = connection.delay.value
            if delay is not None and delay < self.run.dt:
                raise (at / "connection" / connection.number / "delay").error(
                    f"{delay:g} ms is shorter than the time step, {self.run.dt:g} ms"
                )

    def _check_populations(self, at: At) -> None:
        for name, instead in (("circuit", self.circuit), ("run.attach", self.run.attach)):
            if instead is not None:
                self._check_beside(name, at)
                return
        if not self.cells:
            raise at.table_error(
                "the model has no cell", "give a table [cell.NAME] with a morphology or a template"
            )
        for name, population in self.populations.items():
            if name in RESERVED:
                raise (at / "population" / name).table_error(
                    f"'{name}' is what the sum over all cells is called in a recording",
                    "give the population another name",
                )
            for cell_name in population.cell_names:
                if cell_name not in self.cells:
                    raise (at / "population" / name / "cell").error(
                        f"no cell {shown(cell_name)}", nearest(cell_name, self.cells, "cell")
                    )
        if not any(p.has_cells for p in self.populations.values()):
            if len(self.cells) > 1:
                raise at.table_error(
                    f"the model has {len(self.cells)} kinds of cells and no population of them",
                    "give a [population.NAME] with cell and size",
                )
            if clash := set(self.cells) & set(self.populations):
                raise (at / "population" / clash.pop()).table_error("has the name of a cell")

    def _check_beside(self, owner: str, at: At) -> None:
        """Raise `InputError` where tables that go with cells of the file stand beside others'."""
        if self.circuit is not None and self.run.attach is not None:
            raise at.table_error(
                "has a circuit and a script to attach", "take [circuit] or run.attach out"
            )
        beside = {
            "cell": self.cells,
            "population": self.populations,
            "connection": self.connections,
            "input": self.inputs,
            "stimulus": self.stimuli,
            "field": self.fields,
        }
        # what drives and what measures goes beside the cells of a circuit
        allowed = ("input", "stimulus", "field") if owner == "circuit" else ()
        for name, tables in beside.items():
            if tables and name not in allowed:
                raise at.table_error(
                    f"[{name}] does not go with {_SHOWN[owner]}",
                    f"take it out; cells, connections and inputs are those of the {_OWNER[owner]}",
                )

    def _check_targets(self, at: At) -> None:
        if self.circuit is not None:
            # its populations are known once it is read
            return
        known = self.resolved_populations()
        with_cells = {name: p for name, p in known.items() if p.has_cells}
        for connection in self.connections:
            here = at / "connection" / connection.number
            _check_population(connection.pre, known, here / "pre")
            _check_population(connection.post, known, here / "post")
            if known[connection.post].artificial is not None:
                if not connection.is_event:
                    raise (here / "synapse").error(
                        f"'{connection.post}' are artificial cells", 'give {type = "event"}'
                    )
                continue
            if connection.post not in with_cells:
                raise (here / "post").error(f"'{connection.post}' has no cells")
            if connection.is_event:
                raise (here / "synapse").error(
                    f"'{connection.post}' are no artificial cells", "name a point process"
                )
            if connection.is_gap and connection.pre not in with_cells:
                raise (here / "pre").error(f"'{connection.pre}' has no cells to join")
        for here, entry in self._located(at):
            if entry.population is not None:
                _check_population(entry.population, known, here / "population")
                if entry.population not in with_cells:
                    raise (here / "population").error(f"'{entry.population}' has no cells")
            self._check_cells(entry, here, with_cells)

    def _located(self, at: At) -> Iterator[tuple[At, Input | Stimulus]]:
        for k, entry in enumerate(self.inputs):
            yield at / "input" / k, entry
        for k, stimulus in enumerate(self.stimuli):
            yield at / "stimulus" / k, stimulus

    def _check_cells(
        self, entry: Input | Stimulus, at: At, with_cells: dict[str, Population]
    ) -> None:
        if entry.cells is None:
            return
        if entry.population is None and len(with_cells) > 1:
            raise at.table_error("has 'cells' and needs the key 'population'")
        name = entry.population or next(iter(with_cells))
        size = with_cells[name].size
        for k, index in enumerate(entry.cells):
            if size is not None and index >= size:
                raise (at / "cells" / k).error(
                    f"no cell {index} in '{name}', which has {size}, 0 to {size - 1}"
                )

    def _check_groups(self, at: At) -> None:
        """Raise `InputError` where groups or reports name what is not there."""
        if not self.groups:
            for k, probe in enumerate(self.probes):
                if probe.per == vocabulary.NAMED_GROUP:
                    raise (at / "probe" / k / "per").error(
                        "needs groups, and the model names none", "add a table [group.NAME]"
                    )
        if self.circuit is not None or self.run.attach is not None:
            # their populations are known once they are built
            return
        with_cells = {n: p for n, p in self.resolved_populations().items() if p.has_cells}
        for name, group in self.groups.items():
            for k, population in enumerate(group.populations or ()):
                _check_population(population, with_cells, at / "group" / name / "populations" / k)
        for k, report in enumerate(self.record.reports):
            if report.population is not None:
                here = at / "record" / "report" / k / "population"
                _check_population(report.population, with_cells, here)

    def _check_signals(self, at: At) -> None:
        tables = [(at / "probe" / k / "name", probe.name) for k, probe in enumerate(self.probes)]
        tables += [(at / "eeg" / k / "name", eeg.name) for k, eeg in enumerate(self.eegs)]
        tables += [(at / "meg" / k / "name", meg.name) for k, meg in enumerate(self.megs)]
        names: set[str] = set()
        for here, name in tables:
            if name in names:
                raise here.error(f"'{name}' is the name of two signals", "give each its name")
            names.add(name)


def _check_population(name: str, known: dict[str, Population], at: At) -> None:
    if name not in known:
        raise at.error(f"no population {shown(name)}", nearest(name, known, "population"))

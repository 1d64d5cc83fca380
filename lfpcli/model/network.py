# ruff: noqa: RUF009 - key() and rest() declare dataclass fields
"""``[[connection]]``, ``[[input]]`` and ``[[stimulus]]``."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lfpcli.model.distribution import COUNT, Distribution
from lfpcli.model.expression import EXPRESSION, Expression
from lfpcli.model.limits import check_limits
from lfpcli.model.location import LOCATION, Location
from lfpcli.model.sonata_tables import EDGES, EdgesTable
from lfpcli.model.source_text import At
from lfpcli.model.sources import SOURCE, SpikeSource
from lfpcli.model.tables import Table, exactly_one, key, only_with, rest, table
from lfpcli.model.value_types import (
    BOOLEAN,
    PATH,
    TEXT,
    either,
    integer,
    listing,
    number,
)
from lfpcli.model.varied import (
    PARAMETERS_OF_PLACES,
    PARAMETERS_OF_SYNAPSES,
    Column,
    Varied,
    varied_quantity,
)
from lfpcli.vocabulary import EVENT, GAP_JUNCTION, RULES

CELLS = listing(integer(), least=1)
VARIABLES = listing(TEXT)


@dataclass(frozen=True, kw_only=True)
class Rule(Table):
    """Which cells connect."""

    probability: float | Expression | None = key(
        either(number(least=0, most=1), EXPRESSION),
        None,
        doc="Each pair with this probability: a number, or an expression of where the presynaptic "
        "soma is from the postsynaptic one (um): d, the distance, x, y and z, and r, that in the "
        "x-y plane.",
    )
    indegree: int | None = key(
        integer(),
        None,
        doc="Each postsynaptic cell from so many cells, drawn without replacement unless 'replace' "
        "is true.",
    )
    replace: bool = key(
        BOOLEAN, False, doc="Whether indegree draws with replacement, so that pairs may repeat."
    )
    outdegree: int | None = key(
        integer(), None, doc="Each presynaptic cell to so many cells, drawn without replacement."
    )
    total: int | None = key(integer(), None, doc="So many pairs in all, drawn with replacement.")
    all: bool | None = key(BOOLEAN, None, doc="Every pair (true).")
    one_to_one: bool | None = key(
        BOOLEAN,
        None,
        doc="Each cell to that of the same index (true), of populations of the same size.",
    )
    pairs: Path | None = key(
        PATH,
        None,
        doc="The pairs in a .npy or text file: indices in the populations, one pair a row. With a "
        "line of names, pre and post among them, a row is a synapse, whose weight, delay, place "
        "and parameters may come from further columns, {column = NAME}.",
    )
    edges: Path | EdgesTable | None = key(
        EDGES,
        None,
        doc="The edges of a file in the SONATA format, each a synapse or nsyns of them. Weight, "
        "delay, place and parameters may come from its attributes, {column = NAME}; the column "
        "'place' is that of afferent_section_id and afferent_section_pos.",
    )
    density: float | None = key(
        number("1/um2", least=0),
        None,
        doc="So many synapses per membrane area of the segments that 'location' allows, of each "
        "postsynaptic cell, each from a cell drawn with replacement; a broken rest is drawn.",
    )

    @property
    def name(self) -> str:
        """Name of the key that says it."""
        return next(name for name in RULES if getattr(self, name) is not None)

    @property
    def has_rows(self) -> bool:
        """Whether its pairs are the rows of a table, which may have further columns."""
        return self.pairs is not None or self.edges is not None

    @property
    def edges_table(self) -> EdgesTable | None:
        """The edges of a file, where they say which cells connect."""
        return EdgesTable(file=self.edges) if isinstance(self.edges, Path) else self.edges

    def check(self, at: At) -> None:
        """Raise `InputError` unless one rule is given."""
        exactly_one(self, at, RULES)
        if self.replace and self.indegree is None:
            raise (at / "replace").error("belongs to 'indegree', which is not given")
        for name in ("all", "one_to_one"):
            if getattr(self, name) is False:
                raise (at / name).expected("true", False)


@dataclass(frozen=True, kw_only=True)
class SynapseSpec(Table):
    """A kind of synapse."""

    type: str = key(
        TEXT,
        doc="Name of the point process in NEURON, such as Exp2Syn; or gap, a gap junction, whose "
        "weight is its conductance (uS); or event, what leads to artificial cells, which take "
        "weights as they are.",
    )
    params: dict[str, Varied] = rest(
        PARAMETERS_OF_SYNAPSES, doc="Any parameter of the point process, in its own units."
    )

    def check(self, at: At) -> None:
        """Raise `InputError` where a parameter is beyond its limits."""
        check_limits(self.type, self.params, at)


SYNAPSE = table(SynapseSpec, 'a table such as {type = "ExpSyn", tau = 2.0}')


@dataclass(frozen=True, kw_only=True)
class Connection(Table):
    """Synapses from one population to another."""

    pre: str = key(TEXT, doc="Presynaptic population.")
    post: str = key(TEXT, doc="Postsynaptic population.")
    rule: Rule = key(
        table(Rule, "a table such as {probability = 0.1}"),
        doc="Which cells connect: one of probability, indegree, outdegree, total, all, "
        "one_to_one, pairs, edges, density.",
    )
    self: bool = key(
        BOOLEAN, False, doc="Whether a cell may connect to itself (where pre and post are one)."
    )
    synapse: SynapseSpec = key(SYNAPSE, doc="The synapses.")
    weight: Distribution | Expression | Column = key(
        varied_quantity(),
        doc="Weight of an event, uS for conductances. In expressions d, x, y, z and r are where "
        "the presynaptic soma, or the train, is from the postsynaptic one, as in a rule's "
        "probability, and s is the path distance of the synapse from its soma.",
    )
    delay: Distribution | Expression | Column = key(
        varied_quantity("ms", above=0),
        Distribution.constant(1.0),
        doc="Delay; at least the time step. Expressions as of the weight.",
    )
    count: Distribution = key(
        COUNT,
        Distribution.constant(1.0),
        doc="Synapses per connection: a whole number, or a density taken at the integers from min "
        "(1) to max and renormalised.",
    )
    location: Location = key(LOCATION, Location(), doc="Where the synapses are.")
    pre_location: Location | None = key(
        LOCATION,
        None,
        doc="Of gap junctions: where they are on the presynaptic cell; as 'location' if left out.",
    )
    record: tuple[str, ...] = key(
        VARIABLES, (), doc="Variables of each synapse to keep, such as i and g."
    )
    layers: Path | None = key(
        PATH,
        None,
        doc="Instead of pre, post and rule, a layer table: a .csv file with a row for each pair of "
        "populations and layer, under the header pre, post, z_min, z_max (um), synapses, and where "
        "wanted weight and delay. A cell of post gets so many synapses between these depths, each "
        "from a cell of pre drawn with replacement; the other keys hold for all rows.",
    )
    record_cells: tuple[int, ...] | None = key(
        CELLS,
        None,
        doc="Indices of the postsynaptic cells whose synapses 'record' keeps. Left out: all.",
    )
    record_synapses: tuple[int, ...] | None = key(
        CELLS,
        None,
        doc="Numbers of the synapses of this table on each cell that 'record' keeps, from 0, in "
        "the order of the presynaptic cells. Left out: all.",
    )
    number: int = field(default=0, compare=False, repr=False)

    @property
    def is_gap(self) -> bool:
        """Whether it is of gap junctions."""
        return self.synapse.type == GAP_JUNCTION

    @property
    def is_event(self) -> bool:
        """Whether it leads to artificial cells."""
        return self.synapse.type == EVENT

    @property
    def columns(self) -> list[Column]:
        """The columns of the rule's table that its values are read from."""
        values = [self.weight, self.delay, *self.synapse.params.values()]
        columns = [value for value in values if isinstance(value, Column)]
        return [column for column in columns if column.file is None]

    def unheeded(self) -> dict[str, str]:
        """See `Table.unheeded`."""
        if self.is_gap:
            return dict.fromkeys(("delay", "record"), "gap junctions")
        if self.is_event:
            return dict.fromkeys(("location", "record"), "artificial cells")
        return {"count": "rule.density"} if self.rule.density is not None else {}

    def check(self, at: At) -> None:
        """Raise `InputError` where keys do not go together."""
        for name in ("record_cells", "record_synapses"):
            if getattr(self, name) is not None and not self.record:
                raise (at / name).error("belongs to 'record', which is not given")
        for column in self.columns:
            if not self.rule.has_rows:
                raise at.table_error(
                    f"reads column '{column.column}', and its rule has no table",
                    "give rule = {pairs = FILE}, with a line of names",
                )
        if self.location.column is not None and not self.rule.has_rows:
            raise (at / "location").error("is a column, and the rule has no table of pairs")
        if self.rule.density is not None and self.location.form != "random":
            raise (at / "location").error("is one place, which has no density")
        if self.is_event:
            self._check_event(at)
        if self.is_gap:
            self._check_gap(at)
        elif self.pre_location is not None:
            raise (at / "pre_location").error('belongs to synapse = {type = "gap"}')

    def _check_event(self, at: At) -> None:
        if self.synapse.params:
            name = next(iter(self.synapse.params))
            raise (at / "synapse" / name).error("is no key of an event", "give weight and delay")
        if self.rule.density is not None:
            raise (at / "rule").error("artificial cells have no membrane", "use another rule")

    def _check_gap(self, at: At) -> None:
        if self.synapse.params:
            name = next(iter(self.synapse.params))
            raise (at / "synapse" / name).error(
                "is no key of a gap junction", "give the weight, uS"
            )
        if self.location.each is not None or self.rule.density is not None:
            raise at.table_error(
                "gap junctions lie at one place of each cell", "use another rule or location"
            )


@dataclass(frozen=True, kw_only=True)
class Input(Table):
    """Synapses with spike sources of their own."""

    population: str | None = key(TEXT, None, doc="Population that gets them. Left out: all cells.")
    cells: tuple[int, ...] | None = key(
        CELLS, None, doc="Indices of cells in the population. Left out: all."
    )
    synapse: SynapseSpec = key(SYNAPSE, doc="The synapses.")
    weight: Distribution | Expression | Column = key(
        varied_quantity(),
        doc="Weight of an event, uS for conductances. In expressions d is the path "
        "distance of the segment from the soma, x, y and z its place from there as the cell "
        "stands, r the straight distance.",
    )
    count: Distribution = key(
        COUNT, Distribution.constant(1.0), doc="Synapses per cell, as 'count' of a connection."
    )
    density: float | None = key(
        number("1/um2", least=0),
        None,
        doc="Instead of a count: synapses per membrane area of the segments that 'location' "
        "allows; a broken rest is drawn.",
    )
    location: Location = key(LOCATION, Location(), doc="Where the synapses are.")
    source: SpikeSource = key(SOURCE, doc="When events arrive; drawn for each synapse on its own.")
    record: tuple[str, ...] = key(
        VARIABLES, (), doc="Variables of each synapse to keep, such as i and g."
    )
    record_cells: tuple[int, ...] | None = key(
        CELLS, None, doc="Indices of the cells whose synapses 'record' keeps. Left out: all."
    )
    record_synapses: tuple[int, ...] | None = key(
        CELLS,
        None,
        doc="Numbers of the synapses of this table on each cell that 'record' keeps, from 0. Left "
        "out: all.",
    )

    def unheeded(self) -> dict[str, str]:
        """See `Table.unheeded`."""
        return {"count": "'density'"} if self.density is not None else {}

    def check(self, at: At) -> None:
        """Raise `InputError` where cells are named twice, or keys do not go together."""
        check_cells(self.cells, at)
        for name in ("record_cells", "record_synapses"):
            if getattr(self, name) is not None and not self.record:
                raise (at / name).error("belongs to 'record', which is not given")
        if self.density is not None and self.location.form != "random":
            raise (at / "location").error("is one place, which has no density")
        if self.synapse.type in (GAP_JUNCTION, EVENT):
            raise (at / "synapse").error(
                f"{self.synapse.type} connects cells", "use [[connection]]"
            )
        if self.location.column is not None:
            raise (at / "location").error("is a column, which only a connection's rule has")
        for name, value in (("weight", self.weight), *self.synapse.params.items()):
            if isinstance(value, Column):
                raise (at / name).error("is a column, which only a connection's rule has")


@dataclass(frozen=True, kw_only=True)
class Stimulus(Table):
    """An electrode or another point process that needs no events."""

    population: str | None = key(TEXT, None, doc="Population that gets it. Left out: all cells.")
    cells: tuple[int, ...] | None = key(
        CELLS, None, doc="Indices of cells in the population. Left out: all."
    )
    type: str = key(TEXT, doc="Name of the point process in NEURON, such as IClamp.")
    location: Location = key(LOCATION, Location(section="soma", x=0.5), doc="Where it is.")
    record: tuple[str, ...] = key(VARIABLES, (), doc="Variables of it to keep, such as i.")
    series: Path | None = key(
        PATH,
        None,
        doc="A table of times (ms) and values that 'play' follows, linear between them; the last "
        "one holds.",
    )
    play: str | None = key(
        TEXT, None, doc="Parameter that 'series' is played into. Left out: amp, or g of a GClamp."
    )
    params: dict[str, Any] = rest(
        either(PARAMETERS_OF_PLACES, listing(number(), least=1)),
        doc="Any parameter of the point process, in its own units (IClamp: delay and dur in ms, "
        "amp in nA); a list sets an array.",
    )

    @property
    def played(self) -> str:
        """The parameter that a series is played into."""
        return self.play or ("g" if self.type == "GClamp" else "amp")

    def check(self, at: At) -> None:
        """Raise `InputError` where cells are named twice or the place is not a single one."""
        check_cells(self.cells, at)
        check_limits(self.type, self.params, at)
        only_with(self, at, ("play",), "series")
        if self.location.each is not None or self.location.column is not None:
            raise (at / "location").error("an electrode has one place in a cell")
        if self.series is not None and self.played in self.params:
            raise (at / self.played).error("is played from 'series'", "leave it out")


def check_cells(cells: tuple[int, ...] | None, at: At) -> None:
    """Raise `InputError` where an index of a cell comes twice."""
    for k, index in enumerate(cells or ()):
        if index in (cells or ())[:k]:
            raise (at / "cells" / k).error(f"cell {index} is named twice")

# ruff: noqa: RUF009 - key() and rest() declare dataclass fields
"""``[population.NAME]``, ``[[connection]]``, ``[[input]]`` and ``[[stimulus]]``."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lfpcli.model.distribution import COUNT, Distribution, quantity
from lfpcli.model.expression import EXPRESSION, Expression
from lfpcli.model.location import LOCATION, Location
from lfpcli.model.orientation import AXIS, Distortion, Rotation
from lfpcli.model.source_text import At
from lfpcli.model.sources import RATE, SOURCE, SpikeSource
from lfpcli.model.tables import Table, exactly_one, key, only_with, rest, table
from lfpcli.model.value_types import (
    BOOLEAN,
    PATH,
    TEXT,
    ValueType,
    choice,
    either,
    integer,
    listing,
    number,
    vector,
)
from lfpcli.model.varied import (
    PARAMETERS_OF_PLACES,
    PARAMETERS_OF_SYNAPSES,
    Column,
    Varied,
    varied_quantity,
)
from lfpcli.vocabulary import EVENT, GAP_JUNCTION, RULES

LARGEST_SIZE = 2**31 - 1
CELLS = listing(integer(), least=1)
VARIABLES = listing(TEXT)


@dataclass(frozen=True, kw_only=True)
class Place(Table):
    """Where the cells of a population are put."""

    shape: str | None = key(choice("cylinder"), None, doc="Place at random in this shape.")
    radius: float | None = key(
        number("um", least=0), None, doc="Radius of the cylinder, uniform on the disc."
    )
    z: Distribution = key(quantity("um"), Distribution.constant(0.0), doc="Depth of the somata.")
    min_distance: float = key(number("um", least=0), 0.0, doc="Smallest distance between somata.")
    apart_from: tuple[str, ...] = key(
        listing(TEXT),
        (),
        doc="Populations before this one from whose somata min_distance is kept too.",
    )
    positions: Path | tuple[tuple[float, ...], ...] | None = key(
        either(PATH, listing(vector("um"), least=1)),
        None,
        doc="Instead of a shape: the places of the somata, as a list or a .npy or .csv file.",
    )

    def check(self, at: At) -> None:
        """Raise `InputError` unless the places are given in one way."""
        exactly_one(self, at, ("shape", "positions"))
        only_with(self, at, ("radius",), "shape")
        if self.apart_from and not self.min_distance:
            raise (at / "apart_from").error("belongs to 'min_distance', which is not given")
        if self.shape is not None and self.radius is None:
            raise at.table_error("needs the key 'radius' (um)")


def _place(cls: type[Table], example: str) -> ValueType:
    return table(cls, f"a table such as {example}")


@dataclass(frozen=True, kw_only=True)
class ArtificialSpec(Table):
    """A kind of artificial cell."""

    type: str = key(
        TEXT,
        doc="Name of the artificial cell in NEURON: IntFire1, IntFire2, IntFire4, or an "
        "ARTIFICIAL_CELL of the model's mechanisms.",
    )
    params: dict[str, float] = rest(number(), doc="Any parameter of it, in its own units.")


@dataclass(frozen=True, kw_only=True)
class Population(Table):
    """Cells of one kind, or spike trains without cells."""

    name: str
    cell: str | None = key(TEXT, None, doc="Kind of the cells, a [cell.NAME].")
    size: int | None = key(
        integer(1, LARGEST_SIZE),
        None,
        doc="Number of cells or spike trains. Left out: that of 'positions' or of 'ids', or up to "
        "the highest id in the files of spikes, else 1.",
    )
    place: Place | None = key(
        _place(Place, '{shape = "cylinder", radius = 100.0}'),
        None,
        doc="Where the somata go. Left out: at the shift of the kind of cell.",
    )
    rotate: Rotation | None = key(
        _place(Rotation, '{z = "random"}'),
        None,
        doc="Rotation about the soma, after that of the kind of cell.",
    )
    mirror: str | None = key(AXIS, None, doc="Axis along which the cells are mirrored.")
    distort: Distortion | None = key(
        _place(Distortion, "{factor = 0.1}"), None, doc="Stretch of the geometry."
    )
    threshold: float = key(
        number("mV"), -10.0, doc="Potential in the middle of the soma whose crossing is a spike."
    )
    detector: Location | None = key(
        LOCATION,
        None,
        doc="Where spikes are detected, one place. Left out: in the middle of the soma.",
    )
    spikes: Path | tuple[Path, ...] | None = key(
        either(PATH, listing(PATH, least=1)),
        None,
        doc="Instead of cells: spike trains from a file or several, each a SONATA file, an .npz, "
        "or text: columns by their headings (bmtk's timestamps, population and node_ids; gid and "
        "time; a time in s where the heading says so), without headings the id and the time (ms).",
    )
    spikes_population: str | None = key(
        TEXT,
        None,
        doc="Population in the files that name some. Left out: this name, or the only one.",
    )
    first_id: int = key(
        integer(),
        0,
        doc="Id of the first train in the files; ids count on from it. It is not guessed: trains "
        "may be silent.",
    )
    ids: Path | tuple[int, ...] | None = key(
        either(PATH, listing(integer(), least=1)),
        None,
        doc="Instead of first_id: the ids of the trains in the files, in order, as a list or a "
        ".npy or text file; spikes of other ids are left out.",
    )
    rate: SpikeSource | None = key(
        RATE, None, doc="Instead of cells: spike trains drawn from this source, or of a rate in Hz."
    )
    artificial: ArtificialSpec | None = key(
        _place(ArtificialSpec, '{type = "IntFire1", tau = 10.0}'),
        None,
        doc="Instead of cells with segments: artificial cells, which take and send events.",
    )

    @property
    def spike_files(self) -> tuple[Path, ...]:
        """Files of the spikes of a population without cells."""
        if self.spikes is None:
            return ()
        return self.spikes if isinstance(self.spikes, tuple) else (self.spikes,)

    @property
    def has_cells(self) -> bool:
        """Whether it has cells with segments, not spike trains or artificial cells alone."""
        return self.cell is not None

    def __post_init__(self) -> None:
        if self.size is not None:
            return
        positions = self.place.positions if self.place is not None else None
        if isinstance(positions, tuple):
            object.__setattr__(self, "size", len(positions))
        elif positions is None and self.has_cells:
            object.__setattr__(self, "size", 1)

    def check(self, at: At) -> None:
        """Raise `InputError` where cells and spike trains mix, or the size is unclear."""
        exactly_one(self, at, ("cell", "spikes", "rate", "artificial"))
        only_with(self, at, ("place", "rotate", "mirror", "distort", "detector"), "cell")
        if self.detector is not None and self.detector.form not in ("section", "nearest", "index"):
            raise (at / "detector").error(
                "is no single place", 'write NAME(x), such as "axon[0](1)", #INDEX or @x,y,z'
            )
        only_with(self, at, ("spikes_population", "ids"), "spikes")
        if self.first_id and self.spikes is None:
            raise (at / "first_id").error("belongs to 'spikes', which is not given")
        if self.first_id and self.ids is not None:
            raise (at / "ids").error("does not go with 'first_id'")
        if (self.rate or self.artificial) is not None and self.size is None:
            noun = "spike trains" if self.rate is not None else "cells"
            raise at.table_error(f"needs the key 'size', the number of {noun}")
        positions = self.place.positions if self.place is not None else None
        if isinstance(positions, tuple) and len(positions) != self.size:
            raise (at / "size").error(f"is {self.size}, but 'place' has {len(positions)} positions")


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
    pairs: Path | None = key(
        PATH,
        None,
        doc="The pairs in a .npy or text file: indices in the populations, one pair a row. With a "
        "line of names, pre and post among them, a row is a synapse, whose weight, delay, place "
        "and parameters may come from further columns, {column = NAME}.",
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

    def check(self, at: At) -> None:
        """Raise `InputError` unless one rule is given."""
        exactly_one(self, at, RULES)
        if self.replace and self.indegree is None:
            raise (at / "replace").error("belongs to 'indegree', which is not given")
        if self.all is False:
            raise (at / "all").expected("true", self.all)


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


SYNAPSE = table(SynapseSpec, 'a table such as {type = "ExpSyn", tau = 2.0}')


@dataclass(frozen=True, kw_only=True)
class Connection(Table):
    """Synapses from one population to another."""

    pre: str = key(TEXT, doc="Presynaptic population.")
    post: str = key(TEXT, doc="Postsynaptic population.")
    rule: Rule = key(
        _place(Rule, "{probability = 0.1}"),
        doc="Which cells connect: one of probability, indegree, outdegree, total, all, pairs.",
    )
    self: bool = key(
        BOOLEAN, False, doc="Whether a cell may connect to itself (where pre and post are one)."
    )
    synapse: SynapseSpec = key(SYNAPSE, doc="The synapses.")
    weight: Distribution | Expression | Column = key(
        varied_quantity(),
        doc="Weight of an event, uS for conductances. In expressions d, x, y, z and r are where "
        "the presynaptic soma is from the postsynaptic one, as in a rule's probability, and s is "
        "the path distance of the synapse from its soma.",
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

    def check(self, at: At) -> None:
        """Raise `InputError` where keys do not go together."""
        if self.record_cells is not None and not self.record:
            raise (at / "record_cells").error("belongs to 'record', which is not given")
        for column in self.columns:
            if self.rule.pairs is None:
                raise at.table_error(
                    f"reads column '{column.column}', and its rule has no table",
                    "give rule = {pairs = FILE}, with a line of names",
                )
        if self.location.column is not None and self.rule.pairs is None:
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
        for name in ("location", "record"):
            if name in self.stated:
                raise (at / name).error("does not go with artificial cells")
        if self.rule.density is not None:
            raise (at / "rule").error("artificial cells have no membrane", "use another rule")

    def _check_gap(self, at: At) -> None:
        if self.synapse.params:
            name = next(iter(self.synapse.params))
            raise (at / "synapse" / name).error(
                "is no key of a gap junction", "give the weight, uS"
            )
        for name in ("delay", "record"):
            if name in self.stated:
                raise (at / name).error("does not go with gap junctions")
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

    def check(self, at: At) -> None:
        """Raise `InputError` where cells are named twice, or keys do not go together."""
        check_cells(self.cells, at)
        if self.density is not None and "count" in self.stated:
            raise (at / "density").error("does not go with 'count'")
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

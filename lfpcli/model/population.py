# ruff: noqa: RUF009 - key() and rest() declare dataclass fields
"""``[population.NAME]``: cells of one or several kinds, artificial cells, or spike trains."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lfpcli import vocabulary
from lfpcli.model.distribution import Distribution, quantity
from lfpcli.model.limits import check_limits
from lfpcli.model.location import LOCATION, Location
from lfpcli.model.orientation import AXIS, Distortion, Rotation
from lfpcli.model.sonata_tables import NODES, NodesTable
from lfpcli.model.source_text import At
from lfpcli.model.sources import RATE, SpikeSource
from lfpcli.model.tables import Table, exactly_one, key, only_with, rest, table
from lfpcli.model.value_types import (
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

LARGEST_SIZE = 2**31 - 1


@dataclass(frozen=True, kw_only=True)
class Place(Table):
    """Where the cells of a population are put."""

    shape: str | None = key(
        choice(*vocabulary.PLACE_SHAPES),
        None,
        doc="Place at random in a cylinder, or in the rows of a grid, one after the other.",
    )
    radius: float | None = key(
        number("um", least=0), None, doc="Radius of the cylinder, uniform on the disc."
    )
    z: Distribution = key(quantity("um"), Distribution.constant(0.0), doc="Depth of the somata.")
    counts: tuple[int, ...] | None = key(
        listing(integer(1), size=2),
        None,
        doc="Of a grid: how many along x and along y; neighbours in y have neighbouring indices.",
    )
    step: tuple[float, ...] | None = key(
        listing(number("um", above=0), size=2),
        None,
        doc="Of a grid: distances along x and y; 1 and 1 if left out.",
    )
    start: tuple[float, ...] | None = key(
        listing(number("um"), size=2),
        None,
        doc="Of a grid: x and y of the first; 0 and 0 if left out.",
    )
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

    @property
    def size(self) -> int | None:
        """How many places the keys tell; None of those at random, or in a file."""
        if isinstance(self.positions, tuple):
            return len(self.positions)
        return None if self.counts is None else self.counts[0] * self.counts[1]

    def check(self, at: At) -> None:
        """Raise `InputError` unless the places are given in one way."""
        exactly_one(self, at, ("shape", "positions"))
        if self.apart_from and not self.min_distance:
            raise (at / "apart_from").error("belongs to 'min_distance', which is not given")
        of_shapes = {"cylinder": ("radius",), "grid": ("counts", "step", "start")}
        for shape, names in of_shapes.items():
            if self.shape == shape:
                if getattr(self, names[0]) is None:
                    raise at.table_error(f"with shape = \"{shape}\" needs the key '{names[0]}'")
                continue
            for name in names:
                if getattr(self, name) is not None:
                    raise (at / name).error(f'belongs to shape = "{shape}"')
        if self.shape == "grid" and self.min_distance:
            raise (at / "min_distance").error("does not go with a grid", "give its step")


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

    def check(self, at: At) -> None:
        """Raise `InputError` where a parameter is beyond its limits."""
        check_limits(self.type, self.params, at)


def _shares(value: dict[str, Any], at: At) -> dict[str, float]:
    shares = {name: SHARE.read(share, at / name) for name, share in value.items()}
    if not sum(shares.values()) > 0:
        raise at.error("has no share above 0", "give each kind its share of the cells")
    return shares


SHARE = number(least=0)
KINDS = either(
    TEXT,
    listing(TEXT, least=1),
    ValueType(
        "a table of shares such as {a = 0.7, b = 0.3}",
        lambda value: isinstance(value, dict),
        _shares,
    ),
)


@dataclass(frozen=True, kw_only=True)
class Population(Table):
    """Cells of one kind or of several, or spike trains without cells."""

    name: str
    cell: str | tuple[str, ...] | dict[str, float] | None = key(
        KINDS,
        None,
        doc="Kind of the cells, a [cell.NAME]; a list of kinds, which the cells have in turn; or "
        "a table of kinds with their shares, by which that of each cell is drawn.",
    )
    nodes: Path | NodesTable | None = key(
        NODES,
        None,
        doc="Nodes of a file in the SONATA format: a cell each, which stands and is turned as they "
        "say. Edges of such files know the cells by their node ids.",
    )
    size: int | None = key(
        integer(1, LARGEST_SIZE),
        None,
        doc="Number of cells or spike trains. Left out: that of 'positions', 'nodes' or 'ids', or "
        "up to "
        "the highest id in the files of spikes, else 1.",
    )
    place: Place | None = key(
        _place(Place, '{shape = "cylinder", radius = 100.0}'),
        None,
        doc="Where the somata go. Left out: at the shift of the kind of cell. Of spike trains: "
        "where connections take them to come from; left out, they have no places.",
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
    def nodes_table(self) -> NodesTable | None:
        """The nodes of a file that are its cells."""
        return NodesTable(file=self.nodes) if isinstance(self.nodes, Path) else self.nodes

    @property
    def cell_names(self) -> tuple[str, ...]:
        """Its kinds of cells, each once; none where it has no cells with segments."""
        if self.cell is None:
            return ()
        return (self.cell,) if isinstance(self.cell, str) else tuple(dict.fromkeys(self.cell))

    @property
    def has_cells(self) -> bool:
        """Whether it has cells with segments, not spike trains or artificial cells alone."""
        return self.cell is not None

    def __post_init__(self) -> None:
        if self.size is not None:
            return
        place = self.place
        if place is not None and place.size is not None:
            object.__setattr__(self, "size", place.size)
        elif (place is None or place.positions is None) and self.nodes is None and self.has_cells:
            object.__setattr__(self, "size", 1)

    def unheeded(self) -> dict[str, str]:
        """See `Table.unheeded`."""
        owner = next(
            (n for n in ("spikes", "rate", "artificial") if getattr(self, n) is not None), ""
        )
        return {"threshold": f"'{owner}'"} if owner else {}

    def check(self, at: At) -> None:
        """Raise `InputError` where cells and spike trains mix, or the size is unclear."""
        exactly_one(self, at, ("cell", "spikes", "rate", "artificial"))
        only_with(self, at, ("rotate", "mirror", "distort", "detector", "nodes"), "cell")
        if self.place is not None and self.artificial is not None:
            raise (at / "place").error("does not go with 'artificial', whose cells have none")
        for name in ("place", "rotate"):
            if self.nodes is not None and getattr(self, name) is not None:
                raise (at / name).error("does not go with 'nodes', which say it", "leave it out")
        nodes = self.nodes_table
        if nodes is not None and nodes.kinds is not None and isinstance(self.cell, dict):
            raise (at / "cell").error(
                "has shares, but 'nodes' say the kind of each cell", "give a list of kinds"
            )
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
        place = self.place
        if place is not None and place.size not in (None, self.size):
            is_grid = place.counts is not None
            told = (
                f"the grid has {place.size}" if is_grid else f"'place' has {place.size} positions"
            )
            raise (at / "size").error(f"is {self.size}, but {told}")

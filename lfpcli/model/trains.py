# ruff: noqa: RUF009 - key() declares dataclass fields
"""Populations of spike trains without cells, as ``lfp spikes`` draws them."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lfpcli.errors import InputError
from lfpcli.model.source_text import At, SourceText
from lfpcli.model.tables import Table, exactly_one, key, only_with, read_table
from lfpcli.model.text import read_source
from lfpcli.model.value_types import PATH, integer, number

LARGEST_SIZE = 2**31 - 1


@dataclass(frozen=True, kw_only=True)
class TrainPopulation(Table):
    """Trains of one process."""

    size: int = key(integer(1, LARGEST_SIZE), 1, doc="Number of trains.")
    poisson: float | None = key(number("Hz", least=0), None, doc="Rate of Poisson trains.")
    gamma: float | None = key(
        number("Hz", least=0), None, doc="Rate of trains with gamma-distributed intervals."
    )
    regular: float | None = key(
        number("Hz", above=0), None, doc="Rate of trains of equal intervals, each begun anywhere."
    )
    rates: Path | None = key(
        PATH, None, doc="Rate in time: a table (.csv) of the columns time (ms) and rate (Hz)."
    )
    shape: float | None = key(
        number(above=0), None, doc="Shape of the gamma distribution; 1 is Poisson, 2 if left out."
    )
    refractory: float = key(number("ms", least=0), 0.0, doc="Dead time after each spike.")
    rate_sd: float = key(number("Hz", least=0), 0.0, doc="Spread of the rates between trains.")
    rate_min: float = key(number("Hz", least=0), 0.5, doc="Least of these rates.")
    burst: float | None = key(number(least=1), None, doc="Mean number of spikes of a burst.")
    burst_interval: float | None = key(
        number("ms", above=0), None, doc="Interval between spikes of a burst; 4 if left out."
    )
    correlation: float = key(
        number(least=0, below=1), 0.0, doc="Correlation of the counts of each pair of trains."
    )
    jitter: float = key(
        number("ms", least=0), 0.0, doc="Spread of common spikes of correlated trains."
    )

    def check(self, at: At) -> None:
        """Raise `InputError` unless there is one process, with keys that belong to it."""
        exactly_one(self, at, ("poisson", "gamma", "regular", "rates"))
        only_with(self, at, ("burst_interval",), "burst")
        if self.shape is not None and self.gamma is None and self.rates is None:
            raise (at / "shape").error("belongs to 'gamma' or 'rates', which are not given")


def read_populations(source: str | os.PathLike[str]) -> dict[str, TrainPopulation]:
    """Read the tables ``[NAME]`` of a file of populations.

    Parameters
    ----------
    source : path-like
        A TOML or JSON file.

    Raises
    ------
    InputError
        Where there is no such file, or a table is wrong; names file and line.
    """
    tree, text = read_source(source)
    populations: dict[str, TrainPopulation] = {}
    for name, entry in tree.items():
        at = At(text, (name,))
        if not isinstance(entry, dict):
            raise InputError(
                f"'{name}' is no table",
                source=at.source_line,
                remedy="write each population as a table, [E], with size and a rate",
            )
        populations[name] = read_table(TrainPopulation, entry, at)
    if not populations:
        raise InputError(
            "names no population", source=source, remedy="write [E], size = 80, poisson = 5"
        )
    return populations


def stated_population(keys: dict[str, Any]) -> TrainPopulation:
    """A population of keys as its table has them, those that are None left out."""
    stated = {name: value for name, value in keys.items() if value is not None}
    return read_table(TrainPopulation, stated, At(SourceText("command line")))

"""The reference of all keys, written from the tables themselves into the manual page."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import Field
from pathlib import Path
from typing import Any

from lfpcli.model.cell import CellSpec, Mechanism, Nseg
from lfpcli.model.circuit import CircuitSpec
from lfpcli.model.csd import Csd
from lfpcli.model.dispersion import DispersionTable
from lfpcli.model.distribution import Distribution
from lfpcli.model.ephaptic import BundleTable, Ephaptic
from lfpcli.model.filters import Filter, Noise
from lfpcli.model.group import Group, ReportTable
from lfpcli.model.head import Eeg, Meg
from lfpcli.model.location import DepthTerm, Location
from lfpcli.model.media import HalfSpace, Slice, Sphere
from lfpcli.model.model import Model
from lfpcli.model.network import (
    Connection,
    Input,
    Rule,
    Stimulus,
    SynapseSpec,
)
from lfpcli.model.orientation import Distortion, Rotation
from lfpcli.model.population import ArtificialSpec, Place, Population
from lfpcli.model.probe import Field as StimulationField
from lfpcli.model.probe import Probe, Pulses, Wave
from lfpcli.model.regions import BallTable, BoxTable, CylinderTable, Regions, RegionTable, Slab
from lfpcli.model.run import Record, Run
from lfpcli.model.sonata_tables import EdgesTable, NodesTable
from lfpcli.model.sources import SpikeSource
from lfpcli.model.tables import Key, Table, keys_of, plain
from lfpcli.model.varied import Column

TABLES: dict[str, type[Table]] = {
    "model": Model,
    "run": Run,
    "ephaptic": Ephaptic,
    "bundle": BundleTable,
    "cell": CellSpec,
    "nseg": Nseg,
    "rotate": Rotation,
    "distort": Distortion,
    "mechanism": Mechanism,
    "population": Population,
    "place": Place,
    "group": Group,
    "report": ReportTable,
    "nodes": NodesTable,
    "artificial": ArtificialSpec,
    "circuit": CircuitSpec,
    "connection": Connection,
    "rule": Rule,
    "edges": EdgesTable,
    "synapse": SynapseSpec,
    "input": Input,
    "source": SpikeSource,
    "stimulus": Stimulus,
    "location": Location,
    "depth": DepthTerm,
    "distribution": Distribution,
    "column": Column,
    "field": StimulationField,
    "current": Pulses,
    "wave": Wave,
    "probe": Probe,
    "slice": Slice,
    "sphere": Sphere,
    "half_space": HalfSpace,
    "regions": Regions,
    "region": RegionTable,
    "box": BoxTable,
    "slab": Slab,
    "cylinder": CylinderTable,
    "ball": BallTable,
    "dispersion": DispersionTable,
    "csd": Csd,
    "filter": Filter,
    "noise": Noise,
    "eeg": Eeg,
    "meg": Meg,
    "record": Record,
}
"""Tables by the name that marks their place in the page."""

_BLOCK = re.compile(r'(^\.\\" keys: (\w+)\n).*?(^\.\\" end\n)', re.MULTILINE | re.DOTALL)


def refreshed(page: str) -> str:
    r"""Return a manual page with what lies between ``.\" keys: TABLE`` and ``.\" end`` made anew.

    Parameters
    ----------
    page : str
        The page, in roff.

    Returns
    -------
    str
    """
    return _BLOCK.sub(lambda m: m[1] + roff_keys(TABLES[m[2]]) + m[3], page)


def refresh(page: str | Path) -> None:
    """Rewrite the keys of a manual page in its file."""
    path = Path(page)
    path.write_text(refreshed(path.read_text(encoding="utf-8")), encoding="utf-8")


def roff_keys(cls: type[Table]) -> str:
    """Return the keys of a table as a list in roff."""
    return "".join(_roff_key(*row) for row in _own_first(cls))


def _roff_key(name: str, spec: Key, entry: Field[Any]) -> str:
    values = f"{_sentence(spec.value_type.expects)} {_default(spec, entry)}".strip()
    return f".TP\n{_head(name, spec)}\n{values}\n{_escaped(spec.doc)}\n"


def _own_first(cls: type[Table]) -> Iterator[tuple[str, Key, Field[Any]]]:
    """Yield the keys, those of the class before those of its bases, open ones last."""
    rows = list(keys_of(cls))
    declared = [row for row in rows if row[2].name in cls.__annotations__]
    # dataclasses list the fields of bases first, readers want the particular ones
    ordered = declared + [row for row in rows if row not in declared]
    yield from sorted(ordered, key=lambda row: row[1].rest)


def _head(name: str, spec: Key) -> str:
    return ".I any other key" if spec.rest else f".B {name}"


def _default(spec: Key, entry: Field[Any]) -> str:
    if spec.required:
        return "Required."
    if spec.rest:
        return ""
    factory: Any = entry.default_factory
    value = factory() if callable(factory) else entry.default
    if value is None or value in ("", (), {}) or value == _empty(value):
        return "Optional."
    return f"Default {_escaped(_toml(plain(value, Path('/'))))}."


def _empty(value: Any) -> Any:
    """The table with all keys left out that is of the class of a default, else None."""
    return type(value)() if isinstance(value, Table) else None


def _toml(value: Any) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{k} = {_toml(v)}" for k, v in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(_toml(entry) for entry in value) + "]"
    if isinstance(value, float):
        return f"{value:g}"
    return json.dumps(value)


def _sentence(text: str) -> str:
    return _escaped(text[0].upper() + text[1:] + ".")


def _escaped(text: str) -> str:
    """Escape a text for roff: backslashes, minus signs, quotes, a leading control character."""
    text = text.replace("\\", r"\e").replace("-", r"\-").replace("'", r"\(aq")
    # roff takes a line that begins so for a request
    return r"\&" + text if text[:1] in (".", "'") else text

# ruff: noqa: RUF009 - key() and rest() declare dataclass fields
"""``[cell.NAME]``: a kind of cell."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lfpcli import vocabulary
from lfpcli.model.limits import check_limits
from lfpcli.model.orientation import AXIS, Distortion, Rotation
from lfpcli.model.source_text import At
from lfpcli.model.tables import Table, exactly_one, key, only_with, plain, read_table, rest, table
from lfpcli.model.value_types import (
    BOOLEAN,
    PATH,
    TEXT,
    ValueType,
    choice,
    either,
    integer,
    is_number,
    listing,
    number,
    path,
    vector,
)
from lfpcli.model.varied import PARAMETERS_OF_PLACES, Column, Varied


@dataclass(frozen=True)
class CodeRef:
    """A hoc file that is run, or a function of a Python file that is given the Cell."""

    file: Path
    function: str | None = None


@dataclass(frozen=True)
class TemplateRef:
    """A hoc template and the file that defines it."""

    file: Path
    template: str


def _code(value: str, at: At) -> CodeRef:
    name, colon, function = value.rpartition(":")
    if not colon:
        name, function = value, ""
    suffix = Path(name).suffix.lower()
    if suffix == ".hoc" and not colon:
        return CodeRef(PATH.read(name, at))
    if suffix == ".py" and function.isidentifier():
        return CodeRef(PATH.read(name, at), function)
    raise at.expected(CODE.expects, value)


def _template(value: str, at: At) -> TemplateRef:
    name, _, template = value.rpartition(":")
    if not name or not template.isidentifier():
        raise at.expected(TEMPLATE.expects, value)
    return TemplateRef(PATH.read(name, at), template)


CODE = ValueType('"FILE.hoc" or "FILE.py:FUNCTION"', lambda value: isinstance(value, str), _code)
TEMPLATE = ValueType('"FILE.hoc:TEMPLATE"', lambda value: isinstance(value, str), _template)


def _potentials(value: dict[str, Any], at: At) -> dict[str, float]:
    return {name: number("mV").read(entry, at / name) for name, entry in value.items()}


POTENTIALS = ValueType(
    "a table such as {soma = -72.0, apic = -67.0} (mV)",
    lambda value: isinstance(value, dict),
    _potentials,
    "mV",
)

_KEYS_OF_RULES: dict[str, tuple[str, ...]] = {
    "d_lambda": ("d_lambda", "frequency"),
    "length": ("max",),
    "lfpy": ("max",),
    "allen": (),
    "fixed": ("n",),
    "keep": (),
}


@dataclass(frozen=True, kw_only=True)
class Nseg(Table):
    """How many segments the sections get."""

    rule: str = key(
        choice(*vocabulary.NSEG_RULES),
        doc="By the length constant; by a largest length, int(L/max) + 1, or as LFPy and bmtk do "
        "it, 1 + 2 int(L/(2 max)), or as the Allen Institute does it, 1 + 2 int(L/40 um); a fixed "
        "number; or as the file has it.",
    )
    d_lambda: float | None = key(
        number(above=0),
        None,
        doc="Largest length of a segment in units of the length constant; 0.1 if left out.",
    )
    frequency: float | None = key(
        number("Hz", above=0),
        None,
        doc="Frequency at which the length constant is taken; 100 if left out.",
    )
    max: float | None = key(
        number("um", above=0),
        None,
        doc='Largest length of a segment, for rule = "length" and "lfpy".',
    )
    n: int | None = key(
        integer(1, vocabulary.MOST_SEGMENTS),
        None,
        doc='Number of segments of each section, for rule = "fixed".',
    )

    def __post_init__(self) -> None:
        if self.rule == "d_lambda":
            if self.d_lambda is None:
                object.__setattr__(self, "d_lambda", vocabulary.D_LAMBDA)
            if self.frequency is None:
                object.__setattr__(self, "frequency", vocabulary.D_LAMBDA_FREQUENCY)

    def check(self, at: At) -> None:
        """Raise `InputError` where a key does not belong to the rule, or the rule lacks one."""
        wanted = _KEYS_OF_RULES[self.rule]
        for name in ("d_lambda", "frequency", "max", "n"):
            is_there = getattr(self, name) is not None
            if is_there and name not in wanted:
                raise (at / name).error(f'does not go with rule = "{self.rule}"')
            if not is_there and name in wanted:
                raise at.table_error(f"with rule = \"{self.rule}\" needs the key '{name}'")


def _nseg(value: Any, at: At) -> Nseg:
    if isinstance(value, dict):
        return read_table(Nseg, value, at)
    return Nseg(
        rule="fixed",
        n=integer(1, vocabulary.MOST_SEGMENTS).read(value, at),
        source_line=at.source_line,
    )


NSEG = ValueType(
    'a table such as {rule = "d_lambda"}, or a whole number',
    lambda value: isinstance(value, dict) or is_number(value),
    _nseg,
)


@dataclass(frozen=True, kw_only=True)
class Mechanism(Table):
    """A density mechanism in sections of a cell."""

    name: str = key(TEXT, doc="Name of the mechanism in NEURON, such as pas or hh.")
    sections: tuple[str, ...] = key(
        listing(TEXT, least=1),
        (vocabulary.ALL,),
        doc='Sections it goes in: "all", "soma", "dend", "apic", "axon", names, or globs.',
    )
    params: dict[str, Varied] = rest(
        PARAMETERS_OF_PLACES,
        doc="Any parameter of the mechanism, in its own units: a number, {expr = TEXT}, drawn for "
        "each segment of each cell, {dist = NAME, ...}, or a column of a table with a row for "
        "each segment, {column = NAME, file = FILE}.",
    )

    def check(self, at: At) -> None:
        """Raise `InputError` where a column has no table, or a number is beyond its limits."""
        check_limits(self.name, self.params, at)
        for name, value in self.params.items():
            if isinstance(value, Column) and value.file is None:
                raise (at / name).table_error("needs the key 'file', the table of its column")


@dataclass(frozen=True, kw_only=True)
class CellSpec(Table):
    """A kind of cell."""

    name: str
    morphology: Path | None = key(PATH, None, doc="Morphology: .swc, .asc, .hoc, .xml or .h5.")
    repair: bool = key(
        BOOLEAN, False, doc="Whether an SWC morphology is mended as by lfp morph --repair."
    )
    cell_id: str | None = key(TEXT, None, doc="Which cell of a NeuroML file that holds several.")
    template: TemplateRef | None = key(
        TEMPLATE,
        None,
        doc="A hoc template and its file. With a morphology: that is loaded into the template's "
        "object, as LFPy does it, where the template itself makes no sections.",
    )
    hoc: Path | None = key(
        PATH,
        None,
        doc="Instead of a morphology: a hoc file that builds the cell with all that is on it. "
        "Where it builds several, each tree is a cell and a population of its own, NAME_0, NAME_1 "
        "..., which tables of the population NAME go to; or the cell is the tree that 'root' "
        "names. A population of several has the file run for each, with sections of its own.",
    )
    root: str | None = key(
        TEXT,
        None,
        doc="Which cell of a hoc file that makes several: the section that its tree begins with. "
        "The file runs once for all cells that are taken from it.",
    )
    args: tuple[float | str, ...] = key(
        listing(either(number(), TEXT)), (), doc="Arguments of the template."
    )
    code: tuple[CodeRef, ...] = key(
        listing(CODE),
        (),
        doc="Run in this order after loading; a Python function is given the Cell. With a "
        "template, hoc files it needs are run before it.",
    )
    final_code: tuple[CodeRef, ...] = key(
        listing(CODE),
        (),
        doc="Run in this order for each cell once the synapses and electrodes of all tables are "
        "there: a Python function is given the Cell, whose table_synapses and electrodes these "
        "are; hoc finds them in the lists lfp_synapses and lfp_electrodes. Synapses of such a "
        "cell share no point process.",
    )
    workdir: Path | None = key(
        path("a folder"),
        None,
        doc="Current folder while the cell's own hoc loads. Left out: the folder of the "
        "template, else unchanged.",
    )
    allen: Path | None = key(
        PATH, None, doc="A fit_parameters.json of the Allen Cell Types Database."
    )
    neuroml: Path | None = key(
        PATH,
        None,
        doc="A NeuroML file whose biophysics the morphology gets; the axon is replaced as in the "
        "perisomatic models of the Allen Cell Types Database.",
    )
    axon_stub: str | None = key(
        choice(*vocabulary.AXON_STUBS),
        None,
        doc="What replaces the axon with 'allen'. Left out: all-active where the fit has active "
        "channels outside the soma.",
    )
    Ra: float | None = key(
        number("ohm cm", above=0), None, doc="Axial resistivity. Left out: as the file has it."
    )
    cm: float | None = key(
        number("uF/cm2", above=0), None, doc="Membrane capacitance. Left out: as the file has it."
    )
    nseg: Nseg | None = key(
        NSEG,
        None,
        doc="Number of segments of the sections. Left out: by the d_lambda rule; with 'allen' by "
        "the rule of that name; a template and a hoc file keep their own.",
    )
    extracellular: bool = key(
        BOOLEAN, False, doc="Whether NEURON's extracellular mechanism is inserted."
    )
    origin: str | None = key(
        choice(*vocabulary.ORIGINS),
        None,
        doc="Where the cell stands if neither 'shift' nor a place is given: with its soma at "
        "the origin, or where its file has it. Left out: at the origin, unless lfp morph placed "
        "it.",
    )
    shift: tuple[float, ...] = key(vector("um"), (0.0, 0.0, 0.0), doc="Where the soma goes.")
    rotate: Rotation | None = key(
        table(Rotation, "a table such as {x = 90.0}"), None, doc="Rotation about the soma."
    )
    mirror: str | None = key(AXIS, None, doc="Axis along which the cell is mirrored at its soma.")
    distort: Distortion | None = key(
        table(Distortion, "a table such as {factor = 0.1}"),
        None,
        doc="Stretch of the geometry; the cable stays.",
    )
    v_init: dict[str, float] = key(
        POTENTIALS,
        {},
        doc="Potentials (mV) that sections begin with, by name as in 'sections' of a mechanism; "
        "later ones hold. Others begin at run.v_init.",
    )
    mechanism: tuple[Mechanism, ...] = key(
        listing(table(Mechanism)), (), doc="Density mechanisms, inserted in this order."
    )

    def __post_init__(self) -> None:
        if self.nseg is None:
            rule = "d_lambda"
            if self.morphology is None:
                rule = "keep"
            elif self.allen is not None:
                rule = "allen"
            object.__setattr__(self, "nseg", Nseg(rule=rule))

    def check(self, at: At) -> None:
        """Raise `InputError` where the cell has no, or two, geometries."""
        geometries: tuple[str, ...] = ("morphology", "template", "hoc")
        if self.template is not None:
            # a morphology goes into the template's object
            geometries = ("template", "hoc")
        exactly_one(self, at, geometries)
        if self.allen is not None and self.morphology is None:
            raise (at / "allen").error("belongs to 'morphology', which is not given")
        for name in ("repair", "cell_id", "neuroml"):
            if getattr(self, name) and self.morphology is None:
                raise (at / name).error("belongs to 'morphology', which is not given")
        only_with(self, at, ("axon_stub",), "allen")
        only_with(self, at, ("root",), "hoc")
        if self.args and self.template is None:
            raise (at / "args").error("belongs to 'template', which is not given")

    def as_value(self, folder: Path) -> Any:
        """Return the table as a dictionary that loads back to it."""
        values = super().as_value(folder)
        for name in ("code", "final_code"):
            values[name] = [_joined(c.file, c.function, folder) for c in getattr(self, name)]
        if self.template is not None:
            values["template"] = _joined(self.template.file, self.template.template, folder)
        return values


def _joined(file: Path, name: str | None, folder: Path) -> str:
    path = str(plain(file, folder))
    return f"{path}:{name}" if name else path

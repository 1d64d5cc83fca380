# ruff: noqa: RUF009 - key() declares dataclass fields
"""``[run]`` and ``[record]``: how a model is integrated, and what is kept."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from lfpcli import vocabulary
from lfpcli.model.ephaptic import Ephaptic
from lfpcli.model.group import ReportTable
from lfpcli.model.source_text import At, check_name, shown
from lfpcli.model.tables import Table, key, table
from lfpcli.model.value_types import (
    BOOLEAN,
    PATH,
    TEXT,
    choice,
    either,
    integer,
    listing,
    number,
    path,
)

_REPORTS = ("vmem", "imem")
MOST_STEPS = 1e12
"""Time steps beyond which a run is a mistake."""


@dataclass(frozen=True, kw_only=True)
class Run(Table):
    """How the model is integrated."""

    tstop: float = key(number("ms", above=0), vocabulary.TSTOP, doc="End of the simulation.")
    dt: float | str = key(
        either(number("ms", above=0), choice(vocabulary.ADAPTIVE)),
        vocabulary.DT,
        doc='Time step; "adaptive" lets it vary. Left out: as for v_init.',
    )
    method: str = key(
        choice(*vocabulary.INTEGRATORS),
        vocabulary.INTEGRATORS[0],
        doc="Method of the fixed time step, of first or of second order. Left out: as for v_init.",
    )
    tstart: float = key(
        number("ms", most=0), 0.0, doc="Start of the simulation; recording begins at 0."
    )
    v_init: float = key(
        number("mV"),
        vocabulary.V_INIT,
        doc="Membrane potential at the start. Left out: as the cells' own files set it, else this.",
    )
    celsius: float = key(
        number("degrees C", least=-273.15),
        vocabulary.CELSIUS,
        doc="Temperature. Left out: as for v_init.",
    )
    seed: int | None = key(
        integer(), None, doc="Seed of all randomness. Left out: one is drawn, logged and stored."
    )
    engine: str = key(
        choice(*vocabulary.ENGINES),
        vocabulary.ENGINE,
        doc='What integrates; "auto" takes CoreNEURON where the model allows it.',
    )
    init: str = key(
        choice(*vocabulary.INITS),
        vocabulary.INITS[0],
        doc="Whose procedures init() and advance() of NEURON's run system are called: those that "
        'hoc files of the model define, or NEURON\'s own ("standard").',
    )
    mechanisms: tuple[Path, ...] = key(
        listing(path("a file or folder")),
        (),
        doc="Folders of .mod files, or such files, compiled on first use.",
    )
    attach: Path | None = key(
        PATH,
        None,
        doc="Instead of cells: a script, Python or hoc, that builds a model in NEURON. Its cells "
        "and gids stay as it made them; where [run] is silent its h.tstop, h.dt, h.v_init and "
        "h.celsius hold. It must not run the simulation, see lfp-sim(1).",
    )
    skip_broken: bool = key(
        BOOLEAN,
        False,
        doc="Whether mechanisms that do not compile are left out; a cell that uses one fails.",
    )
    merge: bool = key(
        BOOLEAN,
        True,
        doc="Whether linear synapses with equal parameters on one segment share a point process.",
    )
    ephaptic: bool | Ephaptic = key(
        either(BOOLEAN, table(Ephaptic, "a table such as {sigma = 0.3, own = true}")),
        False,
        doc="Whether cells feel the extracellular potential of each other's membrane currents; a "
        "table says in which medium.",
    )
    atol: float = key(number(above=0), 1e-3, doc="Absolute tolerance of the adaptive time step.")
    rtol: float = key(number(least=0), 0.0, doc="Relative tolerance of the adaptive time step.")
    dt_out: float = key(
        number("ms", above=0),
        vocabulary.DT,
        doc="Interval of the samples that a run with adaptive time step is resampled to.",
    )

    @property
    def is_adaptive(self) -> bool:
        """Whether the time step varies."""
        return isinstance(self.dt, str)

    @property
    def interval(self) -> float:
        """Interval between the samples of the output before thinning, ms."""
        return self.dt_out if isinstance(self.dt, str) else self.dt

    @property
    def ephaptic_table(self) -> Ephaptic | None:
        """How cells are coupled through the space between them; None where they are not."""
        if isinstance(self.ephaptic, bool):
            return Ephaptic() if self.ephaptic else None
        return self.ephaptic

    def check(self, at: At) -> None:
        """Raise `InputError` where the step is longer than the run, or has no method."""
        if self.ephaptic and self.is_adaptive:
            raise (at / "ephaptic").error(
                "acts from one step to the next, dt is adaptive", "give dt as a number (ms)"
            )
        if self.is_adaptive and self.method != vocabulary.INTEGRATORS[0]:
            raise (at / "method").error(f"belongs to a fixed time step, dt is {shown(self.dt)}")
        if not (self.tstop - self.tstart) / self.interval <= MOST_STEPS:
            raise at.table_error(f"makes more than {MOST_STEPS:.0e} steps", "check dt and tstop")
        if self.interval > self.tstop:
            name = "dt_out" if self.is_adaptive else "dt"
            raise (at / name).error(
                f"{self.interval:g} ms is longer than the run, tstop = {self.tstop:g} ms"
            )


@dataclass(frozen=True, kw_only=True)
class Record(Table):
    """What is kept besides the signals of probes."""

    spikes: bool = key(BOOLEAN, True, doc="Whether spikes are kept.")
    dipole: str = key(
        choice(*vocabulary.GROUPS, vocabulary.NONE),
        vocabulary.TOTAL,
        doc="Current dipole moments: of all cells together, per population, per cell, or none.",
    )
    vmem: str = key(
        choice(*vocabulary.VMEM),
        vocabulary.VMEM[0],
        doc="Membrane potentials: at the somata, of all segments, or none.",
    )
    imem: bool = key(BOOLEAN, False, doc="Whether the membrane currents of all segments are kept.")
    balance: bool = key(
        BOOLEAN,
        False,
        doc="Whether electrode currents are subtracted at their segments.",
    )
    variables: tuple[str, ...] = key(
        listing(TEXT),
        (),
        doc="Further range variables of NEURON to keep, such as ica and cai; of an array an "
        'element each, such as "ca_cadifus[2]". They are read from memory in each step. With the '
        "variable step, with several threads, and where a mechanism has a block BEFORE STEP or "
        'AFTER SOLVE, each takes a vector of NEURON with engine = "neuron", whose making searches '
        "all before it: 10,000 take 0.2 s, 100,000 take 15 s.",
    )
    reports: tuple[ReportTable, ...] = key(
        listing(table(ReportTable)),
        (),
        doc="Variables of chosen cells and segments.",
        name="report",
    )
    every: int = key(
        integer(1),
        1,
        doc="Keep each n-th sample of reports; signals and dipoles are resampled to that "
        "interval, after a filter that keeps aliases out.",
    )

    def check(self, at: At) -> None:
        """Raise `InputError` where a variable is named twice."""
        for k, name in enumerate(self.variables):
            if name in self.variables[:k]:
                raise (at / "variables" / k).error(f"{shown(name)} is named twice")
        names = list(self.variables)
        for k, report in enumerate(self.report_names):
            if report in (*names, *_REPORTS):
                raise (at / "report" / k / "name").error(
                    f"'{report}' is the name of two reports", "give each its name"
                )
            check_name(report, at / "report" / k / "name")
            names.append(report)

    @property
    def report_names(self) -> list[str]:
        """Names of the reports of chosen cells, in their order."""
        names = []
        for k, report in enumerate(self.reports):
            names.append(report.name or f"{report.variable.partition('[')[0]}_report{k}")
        return names

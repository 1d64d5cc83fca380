"""What files of a cell set for the whole run: NEURON's settings, and procedures of its run system.

The model file wins where it states a key; where it is silent, what the cells' own files set holds.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from lfpcli import vocabulary
from lfpcli.errors import InputError
from lfpcli.model import Model
from lfpcli.runtime.hoc.hoc import OwnProcedure, own_procedures
from lfpcli.runtime.hoc.settings import VARIABLE_STEP, VOLTAGE_CLAMPS
from lfpcli.runtime.mpi.team import Team

# those that a run takes from the cells' files; it ends where the model says
_TAKEN = ("celsius", "v_init", "dt")
# NEURON's first order is 0; of its two second ones, this corrects the ionic currents too
_SECOND_ORDER = 2


@dataclass
class OwnSettings:
    """What holds of the settings of the cells' own files.

    Attributes
    ----------
    model : Model
        The model with them, where it was silent.
    secondorder : int
        NEURON's variable of this name.
    notes : list of str
        What the user should know.
    """

    model: Model
    secondorder: int = 0
    notes: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class CalledProcedures:
    """Which of the models' own procedures of NEURON's run system a run calls.

    Attributes
    ----------
    names : frozenset of str
        Of ``init`` and ``advance``.
    notes : list of str
        What the user should know.
    """

    names: frozenset[str]
    notes: list[str]


def stated_settings(model: Model) -> dict[str, float]:
    """NEURON's settings that the model file states, which model code may read."""
    values = {"tstop": model.run.tstop}
    for name in _TAKEN:
        value = getattr(model.run, name)
        if name in model.run.stated and not isinstance(value, str):
            values[name] = value
    return values


def with_own_settings(
    model: Model, by_cell: Mapping[str, Mapping[str, float]], clamps: Collection[str] = ()
) -> OwnSettings:
    """Fill in what the files of the cells set and the model file does not.

    Parameters
    ----------
    model : Model
        The model.
    by_cell : mapping of str to mapping of str to float
        By kind of cell, what its files set.
    clamps : collection of str
        Voltage clamps and circuits (LinearMechanism) that the cells' own files make.

    Returns
    -------
    OwnSettings

    Raises
    ------
    InputError
        Where files of two kinds of cells set different values and the model is silent, the time
        step that they set is longer than the run, or the model states a method that its clamps
        or fields do not go with.
    """
    result = OwnSettings(model)
    taken: dict[str, Any] = {}
    for name in _TAKEN:
        values = {cell: settings[name] for cell, settings in by_cell.items() if name in settings}
        usual = getattr(model.run, name)
        if name in model.run.stated:
            for cell, value in values.items():
                if value != usual:
                    result.notes.append(
                        f"the own files of '{cell}' set {name} = {value:g}; "
                        f"the model's {_shown(usual)} holds"
                    )
        elif values:
            taken[name] = _agreed(name, values, model)
            if taken[name] != usual:
                cells = ", ".join(f"'{cell}'" for cell in values)
                result.notes.append(
                    f"{name} = {taken[name]:g} as the own files of {cells} set it; "
                    f"run.{name} would hold instead"
                )
    _take_variable_step(result, taken, [c for c, s in by_cell.items() if VARIABLE_STEP in s])
    is_adaptive = model.run.is_adaptive or taken.get("dt") == vocabulary.ADAPTIVE
    if model.run.method != vocabulary.INTEGRATORS[0]:
        result.secondorder = _SECOND_ORDER
    orders = {cell: s["secondorder"] for cell, s in by_cell.items() if "secondorder" in s}
    if orders and "method" in model.run.stated:
        result.notes.append(
            f"the cells' own files set secondorder; the model's method {model.run.method} holds"
        )
    elif orders:
        result.secondorder = int(_agreed("secondorder", orders, model))
        result.notes.append(f"secondorder = {result.secondorder} as the cells' own files set it")
        if result.secondorder == _SECOND_ORDER and not is_adaptive:
            taken["method"] = vocabulary.INTEGRATORS[1]
    if result.secondorder and not is_adaptive:
        reason = _what_oscillates(model, clamps)
        if reason is not None:
            _refuse_if_stated(model, reason)
            result.secondorder = 0
            taken["method"] = vocabulary.INTEGRATORS[0]
            result.notes.append(
                f"method = {taken['method']}: {reason} oscillates with second order"
            )
    if taken:
        result.model = replace(model, run=replace(model.run, **taken))
        _check_step(result.model)
    return result


def _take_variable_step(result: OwnSettings, taken: dict[str, Any], cells: Collection[str]) -> None:
    """Take the variable time step of the files of some cells, where the model states no step."""
    if not cells:
        return
    listed = ", ".join(f"'{cell}'" for cell in cells)
    run = result.model.run
    if run.stated & {"dt", "method"}:
        if not run.is_adaptive:
            result.notes.append(
                f"the own files of {listed} turn the variable time step on; the model's "
                f"dt {_shown(run.dt)} and method hold"
            )
        return
    taken["dt"] = vocabulary.ADAPTIVE
    result.notes.append(
        f"variable time step as the own files of {listed} turn it on; run.dt would hold instead"
    )


def _what_oscillates(model: Model, clamps: Collection[str]) -> str | None:
    """What in a model changes potentials faster than a step, which second order does not damp.

    The potential of a clamped segment swings about the command by as much as it began off it, and
    that of a field's segments after each of its edges, from step to step.
    """
    for stimulus in model.stimuli:
        if stimulus.type in VOLTAGE_CLAMPS:
            return f"a voltage clamp ({stimulus.type})"
    if model.fields:
        return "the extracellular field"
    return f"{sorted(clamps)[0]} in the cells' own files" if clamps else None


def _refuse_if_stated(model: Model, reason: str) -> None:
    if "method" in model.run.stated:
        raise InputError(
            f"method {model.run.method} makes potentials swing from step to step with {reason}",
            source=model.run.source_line or None,
            remedy=f'leave method out, or give "{vocabulary.INTEGRATORS[0]}" and a smaller dt',
        )


def _shown(value: float | str) -> str:
    return value if isinstance(value, str) else f"{value:g}"


def _agreed(name: str, values: Mapping[str, float], model: Model) -> float:
    if len(set(values.values())) > 1:
        listed = ", ".join(f"'{cell}' {value:g}" for cell, value in values.items())
        raise InputError(
            f"the own files of the cells set different {name}: {listed}",
            source=model.run.source_line or None,
            remedy=f"give {name} in [run]",
        )
    return next(iter(values.values()))


def _check_step(model: Model) -> None:
    run = model.run
    if not run.is_adaptive and not 0 < run.interval <= run.tstop:
        raise InputError(
            f"the cells' own files set dt = {run.interval:g} ms, "
            f"which is no step of a run of {run.tstop:g} ms",
            source=run.source_line or None,
            remedy="give dt in [run]",
        )


def called_procedures(model: Model, cells: int, team: Team) -> CalledProcedures:
    """Say which of the models' own procedures of NEURON's run system the run calls.

    Parameters
    ----------
    model : Model
        The model.
    cells : int
        Number of cells, on all processes.
    team : Team
        The processes.

    Raises
    ------
    InputError
        Where such a procedure cannot do what it does in NEURON, and the key ``run.init`` does not
        say that it is left out.
    """
    called: set[str] = set()
    notes = []
    for name in ("init", "advance"):
        definitions = [p for p in own_procedures() if p.name == name]
        if not any(team.exchange(bool(definitions))):
            continue
        listed = " and ".join(str(procedure.file) for procedure in definitions)
        if model.run.init == vocabulary.STANDARD_INIT:
            notes.append(f"{name}() of {listed} is not run, as run.init says")
            continue
        _check_callable(name, definitions, model, cells=cells, team=team)
        called.add(name)
        notes.append(f"{name}() of {listed} runs, as NEURON's run system would call it")
    for procedure in own_procedures():
        if procedure.name not in ("init", "advance"):
            notes.append(f"{procedure.name}() of {procedure.file} is not called")
    return CalledProcedures(frozenset(called), notes)


def _check_callable(
    name: str, definitions: list[OwnProcedure], model: Model, *, cells: int, team: Team
) -> None:
    reason = None
    if team.size > 1:
        reason = "cannot run on several processes"
    elif len(definitions) > 1:
        reason = f"is defined in another way by {definitions[0].file}"
    elif definitions[-1].of_one_cell and cells > 1:
        reason = f"means the sections of one cell, and there are {cells}"
    elif name == "advance" and model.run.is_adaptive:
        reason = "needs a fixed time step"
    if reason:
        source = str(definitions[-1].file) if definitions else None
        raise InputError(
            f"the model's own {name}() {reason}",
            source=source,
            remedy=f'leave it out with init = "{vocabulary.STANDARD_INIT}" in [run]',
        )

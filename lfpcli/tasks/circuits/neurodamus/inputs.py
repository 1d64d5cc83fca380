"""Inputs of simulations of neurodamus: currents, clamps and replayed spikes, and who gets them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from lfpcli.errors import InputError, nearest
from lfpcli.io.sonata.config import CircuitConfig
from lfpcli.tasks.circuits.circuit import Circuit
from lfpcli.tasks.circuits.neurodamus.courses import (
    Course,
    Draws,
    Shots,
    Streams,
    noise,
    ornstein_uhlenbeck,
    pulses,
    ramp,
    shot_noise,
    sine,
)
from lfpcli.tasks.circuits.neurodamus.replays import Replay, read_replays

# point processes of currents: electrodes, and what stands for the input of other cells
ELECTRODE, MEMBRANE = "IClamp", "MembraneClamp"
# the same of conductances
CLAMP, RESISTOR = "SEClamp", "ResistorClamp"
_REPLAY, _CLAMP = "synapse_replay", "seclamp"
_COMMON = ("module", "input_type", "delay", "duration", "node_set", "enabled")
_SHOTS = ("rise_time", "decay_time")
_OF_CONDUCTANCES = ("dt", "random_seed", "reversal")
_PHYSICAL = "represents_physical_electrode"
# keys of each module of currents: those that must be there, and others
_CURRENTS: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "linear": (("amp_start",), ("amp_end",)),
    "relative_linear": (("percent_start",), ("percent_end",)),
    "subthreshold": (("percent_less",), ()),
    "hyperpolarizing": ((), ()),
    "pulse": (("amp_start", "width", "frequency"), ()),
    "sinusoidal": (("amp_start", "frequency"), ("dt",)),
    "noise": (("variance",), ("mean", "mean_percent")),
    "shot_noise": ((*_SHOTS, "rate", "amp_mean", "amp_var"), _OF_CONDUCTANCES),
    "absolute_shot_noise": ((*_SHOTS, "mean", "sigma"), (*_OF_CONDUCTANCES, "relative_skew")),
    "relative_shot_noise": (
        (*_SHOTS, "mean_percent", "sd_percent"),
        (*_OF_CONDUCTANCES, "relative_skew"),
    ),
    "ornstein_uhlenbeck": (("tau", "mean", "sigma"), _OF_CONDUCTANCES),
    "relative_ornstein_uhlenbeck": (("tau", "mean_percent", "sd_percent"), _OF_CONDUCTANCES),
}
# what neurodamus adds to the numbers of inputs and to the seed, to name their streams; inputs of
# one family are counted together
_STREAMS = {"noise": (100, 500, 301), "shot": (2997, 19216, 124), "uhlenbeck": (2997, 291204, 124)}
# intervals of noise where nothing is said, ms
_NOISE_DT, _DT = 0.5, 0.25
MODULES = (*_CURRENTS, _CLAMP, _REPLAY)
"""Modules that are run."""
_THRESHOLD, _HOLDING = "dynamics_params/threshold_current", "dynamics_params/holding_current"
_RESISTANCE = "dynamics_params/input_resistance"


@dataclass(frozen=True, kw_only=True)
class CellFacts:
    """What inputs ask of a cell.

    Attributes
    ----------
    number : int
        Number that neurodamus gives it.
    threshold, holding : float
        Currents that bring it to its threshold and hold it, nA; NaN where the nodes have none.
    resistance : float
        Of its input, megohm; NaN likewise.
    """

    number: int
    threshold: float
    holding: float
    resistance: float


@dataclass(frozen=True, kw_only=True)
class CurrentInput:
    """A current or conductance in the somata of some cells.

    Attributes
    ----------
    name, module : str
        Name and kind of the input.
    nodes : mapping of str to ndarray of int, shape (n,)
        Indices of the cells, by population of those that are simulated.
    mechanism : str
        Point process that injects it.
    entry : mapping
        The numbers that describe it.
    source : str
        What to call it in messages.
    number : int
        Its number among the inputs of its family, which its random streams are named by.
    seed : int
        Seed of random inputs.
    """

    name: str
    module: str
    nodes: Mapping[str, np.ndarray]
    mechanism: str
    entry: Mapping[str, float]
    source: str
    number: int = 0
    seed: int = 0

    @property
    def is_conductance(self) -> bool:
        """Whether it is one, uS, to the potential ``entry["reversal"]``, mV."""
        return self.mechanism in (CLAMP, RESISTOR)

    def courses(
        self, cell: CellFacts, streams: Streams, *, step: float, count: int
    ) -> Iterator[Course]:
        """What goes into each section of the soma of a cell, nA or uS; nothing where there is none.

        Parameters
        ----------
        cell : CellFacts
            The cell.
        streams : callable
            Gives random streams.
        step : float
            Time step of the run, ms.
        count : int
            Sections of the soma.

        Raises
        ------
        InputError
            Where the nodes lack what it is relative to, or its numbers do not fit each other.
        """
        stream = self._stream(cell)
        draws = None
        for _ in range(count):
            # sections share one stream of noise, and have equal ones of all else
            if stream is not None and (draws is None or self.module != "noise"):
                draws = streams(stream)
            course = self._random(cell, draws, step) if draws else self._plain(cell)
            if course is not None:
                yield course

    def _stream(self, cell: CellFacts) -> tuple[int, int, int] | None:
        """Numbers of its random stream; None of what has none."""
        family = _family(self.module)
        if family is None:
            return None
        of_input, seed, of_cell = _STREAMS[family]
        last = self.entry.get("random_seed", cell.number + of_cell)
        return self.number + of_input, self.seed + seed, int(last)

    def _random(self, cell: CellFacts, draws: Draws, step: float) -> Course | None:
        entry = self.entry
        span = {"delay": entry["delay"], "duration": entry["duration"]}
        if self.module == "noise":
            mean, variance = entry.get("mean"), entry["variance"]
            if mean is None:
                threshold = self._known(cell.threshold, _THRESHOLD)
                mean = threshold * entry["mean_percent"] / 100
                variance = threshold * variance / 100
            return noise(mean, variance, draws, dt=_NOISE_DT, step=step, **span)
        dt = entry.get("dt", _DT)
        if self.module.endswith("uhlenbeck"):
            mean, deviation = self._moments(cell, "mean", "sigma")
            return ornstein_uhlenbeck(mean, deviation, draws, tau=entry["tau"], dt=dt, **span)
        shots = self._shots(cell)
        if not shots.rate > 0:
            return None
        try:
            return shot_noise(shots, draws, dt=dt, **span)
        except ValueError as error:
            raise InputError(str(error), source=self.source, remedy="change its seed") from error

    def _shots(self, cell: CellFacts) -> Shots:
        entry = self.entry
        rise, decay = entry["rise_time"], entry["decay_time"]
        if self.module == "shot_noise":
            return Shots(
                rise=rise,
                decay=decay,
                rate=entry["rate"],
                mean=entry["amp_mean"],
                variance=entry["amp_var"],
            )
        mean, deviation = self._moments(cell, "mean", "sigma")
        skew = entry.get("relative_skew", 0.5)
        return Shots.of_signal(mean, deviation, rise=rise, decay=decay, skew=skew)

    def _moments(self, cell: CellFacts, mean: str, deviation: str) -> tuple[float, float]:
        """Mean and deviation of a signal, nA or uS."""
        entry = self.entry
        if not self.module.startswith("relative"):
            return entry[mean], entry[deviation]
        if self.is_conductance:
            unit = 1.0 / self._known(cell.resistance, _RESISTANCE)
        else:
            unit = self._known(cell.threshold, _THRESHOLD)
        return entry["mean_percent"] / 100 * unit, entry["sd_percent"] / 100 * unit

    def _plain(self, cell: CellFacts) -> Course | None:
        entry = self.entry
        span = {"delay": entry["delay"], "duration": entry["duration"]}
        if self.module == "pulse":
            if not (entry["frequency"] > 0 and entry["width"] > 0):
                return None
            return pulses(
                entry["amp_start"], frequency=entry["frequency"], width=entry["width"], **span
            )
        if self.module == "sinusoidal":
            if not entry["frequency"] > 0:
                return None
            dt = entry.get("dt", 0.025)
            return sine(entry["amp_start"], frequency=entry["frequency"], dt=dt, **span)
        first, last = self._ends(cell)
        return ramp(first, last, **span) if first or last else None

    def _ends(self, cell: CellFacts) -> tuple[float, float]:
        """Currents at the begin and end of a ramp, nA."""
        entry = self.entry
        if self.module == "linear":
            return entry["amp_start"], entry.get("amp_end", entry["amp_start"])
        if self.module == "hyperpolarizing":
            holding = self._known(cell.holding, _HOLDING)
            return holding, holding
        threshold = self._known(cell.threshold, _THRESHOLD)
        if self.module == "subthreshold":
            current = threshold * (100 - entry["percent_less"]) / 100
            return current, current
        percent = entry["percent_start"], entry.get("percent_end", entry["percent_start"])
        return threshold * (percent[0] / 100), threshold * (percent[1] / 100)

    def _known(self, value: float, column: str) -> float:
        if np.isnan(value):
            raise InputError(
                f"cells have no {column}", source=self.source, remedy="add the column to the nodes"
            )
        return value


def _family(module: str) -> str | None:
    """Which random inputs a module is counted among; None where it is not random."""
    if module == "noise":
        return "noise"
    if module.endswith("shot_noise"):
        return "shot"
    return "uhlenbeck" if module.endswith("uhlenbeck") else None


@dataclass(frozen=True, kw_only=True)
class VoltageInput:
    """A voltage clamp of the somata of some cells; as `CurrentInput`.

    Attributes
    ----------
    params : mapping of str to float
        Parameters of NEURON's SEClamp.
    """

    name: str
    nodes: Mapping[str, np.ndarray]
    params: Mapping[str, float]


@dataclass(kw_only=True)
class SimulationInputs:
    """The inputs of a configuration, in its order."""

    currents: list[CurrentInput] = field(default_factory=list)
    clamps: list[VoltageInput] = field(default_factory=list)
    replays: list[Replay] = field(default_factory=list)


def point_processes(config: CircuitConfig) -> set[str]:
    """Point processes of inputs that ship with the program."""
    names = set()
    for entry in config.inputs.values():
        if isinstance(entry, dict) and entry.get("module") in _CURRENTS:
            names.add(_mechanism(entry))
    return names


def _mechanism(entry: Mapping[str, Any]) -> str:
    is_electrode = bool(entry.get(_PHYSICAL))
    if entry.get("input_type") == "conductance":
        return CLAMP if is_electrode else RESISTOR
    return ELECTRODE if is_electrode else MEMBRANE


def refused_input(entry: Any, source: str) -> InputError | None:
    """What is wrong with an input that is not run; None where it is run."""
    if not isinstance(entry, dict):
        return InputError("is no object", source=source, remedy="write {...}")
    module = entry.get("module")
    if module not in MODULES:
        return InputError(
            f"module '{module}' is not run",
            source=source,
            remedy=f"modules {', '.join(MODULES)} are; or switch it off: enabled = false",
        )
    return None


def read_inputs(circuit: Circuit) -> SimulationInputs:
    """Read the inputs of a configuration.

    Raises
    ------
    InputError
        Where one is of a module that is not run, or not what it should be.
    """
    inputs = SimulationInputs()
    counts: Counter[str] = Counter()
    for name, entry in circuit.config.inputs.items():
        source = f"{circuit.config.file}: inputs.{name}"
        error = refused_input(entry, source)
        if error is not None:
            raise error
        module = str(entry["module"])
        if module == _REPLAY:
            inputs.replays += read_replays(circuit, entry, source)
        elif module == _CLAMP:
            inputs.clamps.append(_clamp(circuit, name, entry, source))
        else:
            family = _family(module) or ""
            inputs.currents.append(_current(circuit, name, entry, source, number=counts[family]))
            counts[family] += 1
    return inputs


def _current(
    circuit: Circuit, name: str, entry: Mapping[str, Any], source: str, *, number: int
) -> CurrentInput:
    module = str(entry["module"])
    needed, others = _CURRENTS[module]
    numbers = _numbers(entry, (*needed, "delay", "duration"), others, source)
    _check(module, numbers, source)
    mechanism = _mechanism(entry)
    if mechanism in (CLAMP, RESISTOR) and _family(module) not in ("shot", "uhlenbeck"):
        raise InputError(
            f"{module} is no conductance", source=source, remedy='use input_type "current_clamp"'
        )
    return CurrentInput(
        name=name,
        module=module,
        nodes=_cells(circuit, entry, source),
        mechanism=mechanism,
        entry=numbers,
        source=source,
        number=number,
        seed=int(circuit.config.run.get("stimulus_seed", 0)),
    )


def _check(module: str, numbers: Mapping[str, float], source: str) -> None:
    """Raise `InputError` where the numbers of an input do not fit each other."""
    fault = ""
    if module == "noise" and ("mean" in numbers) == ("mean_percent" in numbers):
        fault = "needs mean or mean_percent"
    elif module.endswith("shot_noise") and not 0 < numbers["rise_time"] < numbers["decay_time"]:
        fault = "rise_time is not below decay_time"
    elif not numbers.get("dt", 1.0) > 0:
        fault = "dt is not above 0"
    for key in ("variance", "sigma", "sd_percent", "amp_var"):
        if not numbers.get(key, 1.0) > 0:
            fault = f"{key} is not above 0"
    if not 0 <= numbers.get("relative_skew", 0.5) <= 1:
        fault = "relative_skew is not between 0 and 1"
    if numbers.get("tau", 0.0) < 0:
        fault = "tau is below 0"
    if numbers["duration"] < 0 or numbers["delay"] < 0:
        fault = "delay or duration is below 0"
    if fault:
        raise InputError(f"{module}: {fault}", source=source, remedy="correct the input")


def _clamp(circuit: Circuit, name: str, entry: Mapping[str, Any], source: str) -> VoltageInput:
    for key in ("duration_levels", "voltage_levels"):
        if entry.get(key):
            raise InputError(f"{key} is not run", source=source, remedy="leave it out")
    rest = {key: value for key, value in entry.items() if not key.endswith("_levels")}
    numbers = _numbers(rest, ("voltage", "duration"), ("series_resistance", "delay"), source)
    params = {
        "rs": numbers.get("series_resistance", 0.01),
        "dur1": numbers["duration"],
        "amp1": numbers["voltage"],
    }
    return VoltageInput(name=name, nodes=_cells(circuit, entry, source), params=params)


def _numbers(
    entry: Mapping[str, Any], needed: tuple[str, ...], others: tuple[str, ...], source: str
) -> dict[str, float]:
    """The numbers of an input."""
    known = (*_COMMON, _PHYSICAL, *needed, *others)
    for key in entry:
        if key not in known:
            raise InputError(
                f"key '{key}' is not run", source=source, remedy=nearest(key, known, "key")
            )
    numbers = {}
    for key in (*needed, *others):
        if key not in entry and key in others:
            continue
        value = entry.get(key)
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise InputError(f"{key} is {value!r}", source=source, remedy="give a number")
        numbers[key] = float(value)
    return numbers


def _cells(circuit: Circuit, entry: Mapping[str, Any], source: str) -> dict[str, np.ndarray]:
    """Indices of the cells that an input goes to, in the populations that are simulated."""
    if "node_set" not in entry:
        raise InputError("has no node_set", source=source, remedy="name one")
    nodes = circuit.node_set(entry["node_set"], source)
    return {name: index for name, index in nodes.items() if name in circuit.cells}

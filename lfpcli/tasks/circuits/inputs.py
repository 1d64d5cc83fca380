"""What drives a circuit: spikes, clamps and extracellular potentials."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from lfpcli.errors import InputError, LfpWarning
from lfpcli.io.sonata.config import CircuitConfig
from lfpcli.io.sonata.currents import read_current_table, read_sweep, table_options
from lfpcli.tasks.circuits.activity import SynapseActivity, synapse_activity
from lfpcli.tasks.circuits.circuit import Circuit
from lfpcli.tasks.circuits.drives import (
    SpikeInput,
    Streams,
    replayed_spikes,
    unit_spikes,
    virtual_spikes,
)
from lfpcli.tasks.circuits.extracellular import FieldInput, field_input

_CURRENTS = ("current_clamp", "csv", "file", "nwb", "allen")
_SPIKES = ("sonata", "h5", "csv", "nwb")
MODULES: dict[str, tuple[str, ...]] = {
    **dict.fromkeys(_SPIKES, ("spikes",)),
    "ecephys_probe": ("spikes",),
    "IClamp": _CURRENTS,
    "SEClamp": (),
    "xstim": (),
    "comsol": (),
    "replay": (),
    "syn_activity": ("syn_activity",),
}
"""Modules that are simulated, with the types of input that each goes with; any where none is."""

# a stretch of a current is an electrode, and NEURON evaluates each in every step
MOST_PULSES = 2000
_CLAMP_KEYS = ("amp", "delay", "duration")


@dataclass(frozen=True, kw_only=True)
class ClampInput:
    """An electrode in some cells.

    Attributes
    ----------
    name : str
        Name of the input.
    nodes : dict of str to ndarray of int
        Indices of the cells, by population.
    section : str
        Name of the section, such as ``soma[0]``.
    x : float
        Place along it, 0 to 1.
    mechanism : str
        The electrode of NEURON.
    params : mapping of str to float
        Its parameters.
    """

    name: str
    nodes: dict[str, np.ndarray]
    section: str
    x: float
    mechanism: str
    params: Mapping[str, float]


@dataclass(kw_only=True)
class CircuitInputs:
    """The inputs of a configuration.

    Attributes
    ----------
    spikes : list of SpikeInput
        Spikes, in the order in which their edges are made.
    clamps : list of ClampInput
        Electrodes.
    fields : list of FieldInput
        Extracellular potentials.
    activity : SynapseActivity or None
        What the synapses between cells do in place of what the cells tell them.
    """

    spikes: list[SpikeInput] = field(default_factory=list)
    clamps: list[ClampInput] = field(default_factory=list)
    fields: list[FieldInput] = field(default_factory=list)
    activity: SynapseActivity | None = None


def inputs_of(circuit: Circuit, streams: Streams, dt: float) -> CircuitInputs:
    """Read the inputs of a configuration, in its order.

    Parameters
    ----------
    circuit : Circuit
        The circuit.
    streams : callable
        Gives a generator of a purpose and a number.
    dt : float
        Time step, ms.

    Raises
    ------
    InputError
        Where an input is of a kind that is not known, or not what it should be.
    """
    inputs = CircuitInputs()
    units: list[SpikeInput] = []
    for number, (name, entry) in enumerate(circuit.config.inputs.items()):
        source = f"{circuit.config.file}: inputs.{name}"
        error = unknown_input(entry, source)
        if error is not None:
            raise error
        module = entry["module"]
        if module == "ecephys_probe":
            # bmtk makes these edges when the run begins, behind all others
            units += unit_spikes(circuit, entry, source, streams("ecephys", number))
        elif module == "replay":
            inputs.spikes += replayed_spikes(circuit, entry, source)
        elif module in _SPIKES:
            inputs.spikes += virtual_spikes(circuit, entry, source)
        elif module == "IClamp":
            inputs.clamps += _clamps(circuit, name, entry, source)
        elif module == "SEClamp":
            inputs.clamps.append(_voltage_clamp(circuit, name, entry, source=source, dt=dt))
        elif module == "syn_activity":
            if inputs.activity is not None:
                raise InputError(
                    "is a second input of synapses", source=source, remedy="join the two"
                )
            inputs.activity = synapse_activity(circuit, entry, source)
        else:
            inputs.fields.append(field_input(circuit, name, entry, source))
    inputs.spikes += units
    return inputs


def has_module(config: CircuitConfig, *modules: str) -> bool:
    """Whether some input of a configuration is of one of these modules."""
    entries = [entry for entry in config.inputs.values() if isinstance(entry, dict)]
    return any(entry.get("module") in modules for entry in entries)


def unknown_input(entry: Any, source: str) -> InputError | None:
    """What is wrong with an input whose kind is not simulated; None where it is.

    Parameters
    ----------
    entry : object
        The input in the configuration.
    source : str
        What to call that in messages.
    """
    if not isinstance(entry, dict):
        return InputError("is no object", source=source, remedy="write {...}")
    input_type, module = entry.get("input_type"), entry.get("module")
    types = MODULES.get(str(module))
    if types is not None and (not types or input_type in types):
        return None
    return InputError(
        f"input_type '{input_type}' with module '{module}' is not simulated",
        source=source,
        remedy=f"modules {', '.join(MODULES)} are, spikes and currents with their input_type; or "
        "switch it off: enabled = false",
    )


def _clamps(circuit: Circuit, name: str, entry: Mapping[str, Any], source: str) -> list[ClampInput]:
    """One electrode a pulse, where amp, delay and duration are lists."""
    if entry["input_type"] != "current_clamp":
        pulses = _pulses_of_file(circuit, entry, source)
        columns = [list(column) for column in zip(*pulses, strict=True)]
    else:
        columns = [_list(entry.get(key), key, source) for key in _CLAMP_KEYS]
    if not columns:
        return []
    count = max(map(len, columns))
    if any(len(column) not in (1, count) for column in columns):
        raise InputError(
            "amp, delay and duration differ in length", source=source, remedy="give as many of each"
        )
    clamps = []
    for k in range(count):
        amp, delay, duration = (column[k if len(column) > 1 else 0] for column in columns)
        params = {"amp": amp, "delay": delay, "dur": duration}
        clamps.append(
            _clamp(circuit, name, entry, source=source, mechanism="IClamp", params=params)
        )
    return clamps


def _pulses_of_file(
    circuit: Circuit, entry: Mapping[str, Any], source: str
) -> list[tuple[float, float, float]]:
    """Amplitudes, delays and durations of a current that a file holds."""
    file = entry.get("file", entry.get("input_file"))
    if not isinstance(file, str):
        raise InputError("names no file", source=source, remedy="add the key 'file'")
    path = circuit.config.path(file)
    if entry["input_type"] in ("csv", "file"):
        current = read_current_table(path, **table_options(entry))
    else:
        window = None
        if entry.get("sweep_window") is not None:
            first, *others = _list(entry["sweep_window"], "sweep_window", source)
            if len(others) != 1 or not 0 <= first < others[0]:
                raise InputError(
                    "sweep_window is no span", source=source, remedy="give [begin, end] in ms"
                )
            window = (first, others[0])
        sample = entry.get("downsample")
        current = read_sweep(
            path,
            str(entry.get("sweep_id")),
            delay=_list(entry.get("delay", 0.0), "delay", source)[0],
            downsample=None if sample is None else _list(sample, "downsample", source)[0],
            window=window,
        )
    pulses = current.pulses()
    if len(pulses) > MOST_PULSES:
        raise InputError(
            f"changes its current {len(pulses)} times, more than the {MOST_PULSES} that are taken",
            source=path,
            remedy="use downsample, or a shorter stretch of it",
        )
    return pulses


def _voltage_clamp(
    circuit: Circuit, name: str, entry: Mapping[str, Any], *, source: str, dt: float
) -> ClampInput:
    if "amps" in entry or "durations" in entry:
        return _stepped_clamp(circuit, name, entry, source)
    amp, delay, duration = (_list(entry.get(key), key, source)[0] for key in _CLAMP_KEYS)
    resistance = _list(entry.get("resistance", 1.0), "resistance", source)[0]
    if not resistance > 0:
        raise InputError(
            f"resistance is {resistance:g}", source=source, remedy="give it in megohm, above 0"
        )
    # bmtk switches the electrode on behind a step, for the next one
    begin = delay + dt if delay > 0 else 0.0
    params = {"amp": amp, "delay": begin, "dur": delay + duration - begin, "rs": resistance}
    return _clamp(circuit, name, entry, source=source, mechanism="DelayedSEClamp", params=params)


def _stepped_clamp(
    circuit: Circuit, name: str, entry: Mapping[str, Any], source: str
) -> ClampInput:
    """A clamp of up to three potentials, one after the other from 0 on."""
    amps = _list(entry.get("amps"), "amps", source)
    durations = _list(entry.get("durations"), "durations", source)
    if len(amps) > 3 or len(amps) != len(durations):
        raise InputError(
            "SEClamp has up to three amps and as many durations", source=source, remedy="see NEURON"
        )
    params: dict[str, float] = {}
    for k, (amp, duration) in enumerate(zip(amps, durations, strict=True), start=1):
        params |= {f"amp{k}": amp, f"dur{k}": duration}
    if "rs" in entry:
        params["rs"] = _list(entry["rs"], "rs", source)[0]
    return _clamp(circuit, name, entry, source=source, mechanism="SEClamp", params=params)


def _clamp(
    circuit: Circuit,
    name: str,
    entry: Mapping[str, Any],
    *,
    source: str,
    mechanism: str,
    params: Mapping[str, float],
) -> ClampInput:
    section, number = entry.get("section_name", "soma"), entry.get("section_index", 0)
    x = entry.get("section_dist", 0.5)
    is_along = isinstance(x, int | float) and 0 <= x <= 1
    if not isinstance(section, str) or not isinstance(number, int) or not is_along:
        raise InputError(
            f"section {section!r} {number!r} at {x!r} is no place",
            source=source,
            remedy="give section_name, section_index and section_dist from 0 to 1",
        )
    chosen = circuit.node_set(entry.get("node_set", "all"), source)
    nodes = {name: index for name, index in chosen.items() if name in circuit.cells}
    if not nodes:
        warnings.warn(f"clamps no cells [{source}]", LfpWarning, stacklevel=2)
    return ClampInput(
        name=name,
        nodes=nodes,
        section=f"{section}[{number}]",
        x=float(x),
        mechanism=mechanism,
        params=params,
    )


def _list(value: Any, key: str, source: str) -> list[float]:
    """Numbers, from a number, a list, or a text of numbers separated by spaces."""
    entries = value if isinstance(value, list) else [value]
    if isinstance(value, str):
        entries = value.replace(",", " ").split()
    try:
        numbers = [float(entry) for entry in entries]
    except (TypeError, ValueError):
        numbers = [float("nan")]
    if not numbers or not np.all(np.isfinite(numbers)):
        raise InputError(
            f"'{key}' is {value!r}, expected a number or a list of them",
            source=source,
            remedy="in nA, mV and ms",
        )
    return numbers

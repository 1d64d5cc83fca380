"""From the configuration of a simulation of neurodamus to the tables of a model."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from lfpcli.errors import InputError, nearest
from lfpcli.io.sonata.config import CircuitConfig
from lfpcli.tasks.circuits.neurodamus.reports import CURRENT, written_reports
from lfpcli.vocabulary import INTEGRATORS

# what holds where a configuration is silent
_CELSIUS, _V_INIT = 34.0, -80.0
_RUN = (
    "tstart",
    "tstop",
    "dt",
    "random_seed",
    "spike_threshold",
    "integration_method",
    "stimulus_seed",
    "ionchannel_seed",
    "minis_seed",
    "synapse_seed",
    "electrodes_file",
    "run_mode",
)
_CONDITIONS = (
    "celsius",
    "v_init",
    "spike_location",
    "extracellular_calcium",
    "randomize_gaba_rise_time",
    "mechanisms",
)
_METHODS = {"euler": INTEGRATORS[0], "0": INTEGRATORS[0]}
_METHODS |= {"crank_nicolson_ion": INTEGRATORS[1], "2": INTEGRATORS[1]}
_MECHANISMS = ("mod", "mechanisms", "modfiles")


def neurodamus_tree(config: CircuitConfig) -> dict[str, Any]:
    """The tables of a model that simulates a configuration, see `simulation_tree`.

    What it asks for and is not run is refused later, so that `lfp info` can list it all.

    Raises
    ------
    InputError
        Where the length of the run or of its step is no number.
    """
    run: dict[str, Any] = {
        "tstop": _number(config, "tstop"),
        "dt": _number(config, "dt"),
        "celsius": float(config.conditions.get("celsius", _CELSIUS)),
        "v_init": float(config.conditions.get("v_init", _V_INIT)),
    }
    method = _METHODS.get(str(config.run.get("integration_method", "euler")))
    if method is not None:
        run["method"] = method
    if config.simulator == "NEURON":
        run["engine"] = "neuron"
    if "random_seed" in config.run:
        run["seed"] = config.run["random_seed"]
    folders = [str(folder.absolute()) for folder in neurodamus_mechanisms(config)]
    if folders:
        run["mechanisms"] = folders
    circuit: dict[str, Any] = {"config": str(config.file.absolute()), "outputs": True}
    if "spike_threshold" in config.run:
        circuit["threshold"] = config.run["spike_threshold"]
    return {"circuit": circuit, "run": run, "record": _record(config)}


def check_simulation(config: CircuitConfig) -> None:
    """Raise `InputError` where the run or its conditions have keys that are not run."""
    for part, entries, known in (
        ("run", config.run, _RUN),
        ("conditions", config.conditions, _CONDITIONS),
    ):
        for key in entries:
            if key == "modifications" and not entries[key]:
                continue
            if key not in known:
                raise InputError(
                    f"key '{key}' is not run",
                    source=f"{config.file}: {part}",
                    remedy=f"{nearest(key, known, 'key')}, or leave it out",
                )
    method = str(config.run.get("integration_method", "euler"))
    if method not in _METHODS:
        raise InputError(
            f"integration_method '{method}' is not run",
            source=f"{config.file}: run",
            remedy="use euler or crank_nicolson_ion",
        )


def _number(config: CircuitConfig, key: str) -> float:
    value = config.run.get(key)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise InputError(
            f"{key} is {value!r}", source=f"{config.file}: run", remedy="give a number, ms"
        )
    return float(value)


def neurodamus_mechanisms(config: CircuitConfig) -> list[Path]:
    """Folder of the mechanisms' sources: the component, or a usual one beside the circuit."""
    folders = [config.components[key] for key in ("mechanisms_dir",) if key in config.components]
    for pair in config.nodes:
        folders += [pair.folder / name for name in _MECHANISMS]
    for folder in folders:
        if folder.is_dir() and any(folder.glob("*.mod")):
            return [folder]
    return []


def _record(config: CircuitConfig) -> dict[str, Any]:
    """What the run keeps for the reports of a configuration."""
    record: dict[str, Any] = {"vmem": "none", "imem": False, "dipole": "none"}
    variables: dict[str, None] = {}
    for report in written_reports(config):
        record["imem"] |= report.needs_currents
        for variable in report.variables:
            if variable == "v":
                record["vmem"] = "all" if record["vmem"] == "all" else report.extent
            elif variable != CURRENT:
                variables[variable] = None
    if variables:
        record["variables"] = list(variables)
    return record

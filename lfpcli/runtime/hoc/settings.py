"""What model code sets of NEURON's own settings, such as the temperature."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping

from lfpcli.errors import InputError
from lfpcli.runtime.neuron import nrn

# what model files set for the whole of NEURON
SETTINGS = ("celsius", "dt", "secondorder", "tstop", "v_init")
# that CVode.active(1) was called
VARIABLE_STEP = "variable step"
# point processes that hold a potential, and circuits; NEURON's second order does not damp them
VOLTAGE_CLAMPS = ("SEClamp", "VClamp", "DelayedSEClamp")
CIRCUITS = ("LinearMechanism",)


def clamps_there() -> set[str]:
    """Names of the voltage clamps and circuits that there are objects of in this process."""
    h = nrn()
    # one of them is there only where a model uses it
    known = [name for name in (*VOLTAGE_CLAMPS, *CIRCUITS) if hasattr(h, name)]
    return {name for name in known if h.List(name).count()}


def set_settings(values: Mapping[str, float]) -> None:
    """Let model code that reads NEURON's settings see those of the run."""
    h = nrn()
    for name, value in values.items():
        if name == "secondorder":
            # NEURON takes nothing but an int for it
            h.secondorder = int(value)
        else:
            setattr(h, name, value)


@contextlib.contextmanager
def restored_settings() -> Iterator[None]:
    """Put NEURON's settings back in the end, so that one cell's run sets nothing for the next."""
    h = nrn()
    usual = {name: float(getattr(h, name)) for name in SETTINGS}
    try:
        yield
    finally:
        set_settings(usual)


@contextlib.contextmanager
def watched_settings(settings: dict[str, float]) -> Iterator[None]:
    """Collect what code sets of `SETTINGS`, and put the usual values back.

    Parameters
    ----------
    settings : dict of str to float
        Gets them, and `VARIABLE_STEP` where that is on, once the context has ended without an
        error.
    """
    h = nrn()
    usual = {name: float(getattr(h, name)) for name in SETTINGS}
    # a value that the last bits tell from the usual one, which code may set as well; a whole
    # number has no such bits
    marked = {name: value * (1 + 1e-12) + 1e-300 for name, value in usual.items()}
    marked["secondorder"] = usual["secondorder"]
    try:
        set_settings(marked)
        yield
        for name in SETTINGS:
            value = float(getattr(h, name))
            if value != marked[name]:
                settings[name] = value
        if h.CVode().active():
            settings[VARIABLE_STEP] = 1.0
    finally:
        h.CVode().active(False)
        set_settings(usual)


def set_mechanism_globals(values: Mapping[str, float], source: str) -> None:
    """Set variables that all instances of a mechanism share.

    Parameters
    ----------
    values : mapping of str to float
        By name in NEURON, ``NAME_MECHANISM``.
    source : str
        What asks for it, for messages.

    Raises
    ------
    InputError
        Where there is no such variable.
    """
    h = nrn()
    for name, value in values.items():
        if not h.name_declared(name):
            raise InputError(
                f"no mechanism has a variable '{name}' of all its instances",
                source=source,
                remedy="correct its name, or name the .mod files in run.mechanisms",
            )
        setattr(h, name, value)


def signal_weight(mechanism: str) -> int | None:
    """Which weight of a connection tells a synapse of the Blue Brain Project what brings events."""
    name = f"nc_type_param_{mechanism}"
    h = nrn()
    return int(getattr(h, name)) if h.name_declared(name) else None

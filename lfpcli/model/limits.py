"""Parameters of NEURON's mechanisms and our own that have no meaning at or below zero.

NEURON takes them as they come: a time constant of 0 divides by zero, and one below makes what
should decay grow. Of a model's own mechanisms no limits are known.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from lfpcli.errors import InputError
from lfpcli.model.source_text import At

_ABOVE_ZERO = {
    "AlphaSynapse": ("tau",),
    "DelayedSEClamp": ("rs",),
    "Exp2Syn": ("tau1", "tau2"),
    "ExpSyn": ("tau",),
    "IntFire1": ("tau",),
    "IntFire2": ("taum", "taus"),
    "IntFire4": ("taue", "taui1", "taui2", "taum"),
    "OUClamp": ("tau",),
    "OUConductance": ("tau",),
    "SEClamp": ("rs",),
}
_FROM_ZERO = {
    "OUClamp": ("sd",),
    "OUConductance": ("sd",),
    "hh": ("gnabar", "gkbar", "gl"),
    "pas": ("g",),
}


def check_limits(type_name: str, params: Mapping[str, Any], at: At) -> None:
    """Raise `InputError` where a number of a table is beyond what its parameter may be.

    Parameters
    ----------
    type_name : str
        The mechanism or point process.
    params : mapping of str to object
        Its parameters; values that are no numbers are known once they are drawn.
    at : At
        The table.
    """
    for name, value in params.items():
        if isinstance(value, int | float) and _is_beyond(type_name, name, np.array([value])):
            shown = int(value) if value == int(value) else value
            raise (at / name).expected(_expects(type_name, name), shown)


def check_drawn(type_name: str, name: str, values: np.ndarray, source_line: str) -> None:
    """Raise `InputError` where drawn or computed values are beyond what they may be.

    Parameters
    ----------
    type_name, name : str
        The mechanism or point process, and its parameter.
    values : ndarray, shape (n,)
        Its values, in the parameter's own unit.
    source_line : str
        Where they are written.
    """
    if _is_beyond(type_name, name, values):
        raise InputError(
            f"{name} of {type_name} is {values.min():g} at one place, "
            f"expected {_expects(type_name, name)}",
            source=source_line or None,
            remedy="give a distribution its min, or use max(...) in the expression",
        )


def _is_beyond(type_name: str, name: str, values: np.ndarray) -> bool:
    if name in _ABOVE_ZERO.get(type_name, ()):
        return bool(np.any(values <= 0.0))
    return name in _FROM_ZERO.get(type_name, ()) and bool(np.any(values < 0.0))


def _expects(type_name: str, name: str) -> str:
    return "a number > 0" if name in _ABOVE_ZERO.get(type_name, ()) else "a number >= 0"

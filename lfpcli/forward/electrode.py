"""What an electrode and the input of its amplifier make of a potential."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lfpcli.errors import UsageError
from lfpcli.forward.rotations import finite_number, parse_pairs

MEGOHM, NANOFARAD, PICOFARAD = 1e6, 1e-9, 1e-12
_EXAMPLE = "resistance=0.1,capacitance=1,shunt=20"
_KEYS = ("resistance", "capacitance", "leakage", "shunt", "input")


@dataclass(frozen=True, kw_only=True)
class Electrode:
    """A contact with its double layer, and what its amplifier draws.

    The contact has the impedance ``Ze = R + 1 / (1/L + j w C)``, the wire and the input of the
    amplifier to ground the admittance ``Ya = 1/I + j w S``, and the amplifier sees
    ``H = 1 / (1 + Ya Ze)`` of the potential (Robinson, Proc. IEEE 56, 1968).

    Attributes
    ----------
    resistance : float
        R, of the fluid about the contact, MOhm.
    capacitance : float
        C, of the double layer, nF.
    leakage : float
        L, beside it, MOhm.
    shunt : float
        S, of wire and input to ground, pF.
    input : float
        I, of the input, MOhm.

    Raises
    ------
    UsageError
        Where a value is negative, or is zero where it would short the contact.
    """

    resistance: float = 0.0
    capacitance: float = np.inf
    leakage: float = np.inf
    shunt: float = 0.0
    input: float = np.inf

    def __post_init__(self) -> None:
        for key in _KEYS:
            value = getattr(self, key)
            least_is_zero = key in ("resistance", "shunt")
            if not (value >= 0 if least_is_zero else value > 0):
                raise UsageError(
                    f"{key} of an electrode is {value:g}", remedy=f"write --electrode {_EXAMPLE}"
                )

    def polynomials(self) -> tuple[np.ndarray, np.ndarray]:
        """Numerator and denominator of H as polynomials of s = j w.

        Returns
        -------
        above, below : ndarray, shape (n,)
            Coefficients from the highest power down; that of the power k has the unit s^k.
        """
        series, shunt = MEGOHM * self.resistance, PICOFARAD * self.shunt
        drawn = 1.0 / (MEGOHM * self.input)
        loop = np.array([shunt, drawn])
        seen = np.polyadd([1.0], series * loop)
        if np.isinf(self.capacitance):
            # a layer without an impedance of its own
            return np.array([1.0]), np.trim_zeros(seen, "f")
        layer = np.array([NANOFARAD * self.capacitance, 1.0 / (MEGOHM * self.leakage)])
        above, below = layer, np.polyadd(np.polymul(layer, seen), loop)
        if layer[-1] == 0 and below[-1] == 0:
            # nothing leaks: both are s times what counts
            above, below = above[:-1], below[:-1]
        return above, np.trim_zeros(below, "f")

    def transfer(self, frequencies: np.ndarray) -> np.ndarray:
        """H at frequencies, shape (n,), Hz; complex, shape (n,), of unit 1."""
        above, below = self.polynomials()
        speeds = 2j * np.pi * np.asarray(frequencies, float)
        return np.asarray(np.polyval(above, speeds) / np.polyval(below, speeds))


def parse_electrode(text: str) -> Electrode:
    """Read ``resistance=0.1,capacitance=1,shunt=20`` and more; see `Electrode`.

    Raises
    ------
    UsageError
        Where a key is unknown or a value no number.
    """
    values: dict[str, float] = {}
    for key, value in parse_pairs(text, "--electrode", _EXAMPLE):
        if key not in _KEYS:
            raise UsageError(f"--electrode has no '{key}'", remedy=f"keys are {', '.join(_KEYS)}")
        values[key] = finite_number(value, f"{key} of --electrode")
    return Electrode(**values)

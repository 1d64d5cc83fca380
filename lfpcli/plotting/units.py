"""Numbers and units as a figure shows them."""

from __future__ import annotations

import math
from collections.abc import Sequence

CSD_UNIT = "nA/um3"
# unit of a dataset: (what it is shown in, factor), from large to small
_SHOWN: dict[str, tuple[tuple[str, float], ...]] = {
    "mV": (("V", 1e-3), ("mV", 1.0), ("µV", 1e3), ("nV", 1e6), ("pV", 1e9)),
    "V": (("V", 1.0), ("mV", 1e3), ("µV", 1e6), ("nV", 1e9), ("pV", 1e12)),
    "nA": (("µA", 1e-3), ("nA", 1.0), ("pA", 1e3), ("fA", 1e6)),
    "nA um": (("mA µm", 1e-6), ("µA µm", 1e-3), ("nA µm", 1.0), ("pA µm", 1e3)),
    "T": (
        ("T", 1.0),
        ("mT", 1e3),
        ("µT", 1e6),
        ("nT", 1e9),
        ("pT", 1e12),
        ("fT", 1e15),
        ("aT", 1e18),
    ),
    "T/m": (("T/m", 1.0), ("pT/cm", 1e10), ("fT/cm", 1e13), ("aT/cm", 1e16)),
    # 1 nA/um3 is 1e6 uA/mm3, the unit that papers give a current source density in
    "nA/um3": (("mA/mm³", 1e3), ("µA/mm³", 1e6), ("nA/mm³", 1e9), ("pA/mm³", 1e12)),
    "nA/um": (("nA/µm", 1.0), ("pA/µm", 1e3), ("fA/µm", 1e6), ("aA/µm", 1e9)),
}
# a millivolt of membrane is never shown as volts
_SMALLEST = 0.5


def pretty(unit: str) -> str:
    """Write a unit as type-set text: ``um2`` as ``µm²``."""
    text = unit.replace("um", "µm").replace("uA", "µA").replace("uS", "µS").replace("uF", "µF")
    return text.replace("m2", "m²").replace("m3", "m³")


def literal(name: str) -> str:
    """A name from a file as it stands; between dollar signs it would be set as mathematics."""
    return name.replace("$", "\\$")


def shown_unit(unit: str, peak: float) -> tuple[str, float]:
    """Unit in which values up to `peak` read well, and the factor that leads there.

    Parameters
    ----------
    unit : str
        Unit of the data.
    peak : float
        The largest absolute value.

    Returns
    -------
    label : str
        The unit as text.
    factor : float
        Data times factor is in that unit.
    """
    known = _SHOWN.get(unit, ((literal(pretty(unit)), 1.0),))
    for label, factor in known:
        if abs(peak) * factor >= _SMALLEST:
            return label, factor
    # nothing but zeros has no scale of its own
    return known[-1] if peak else (literal(pretty(unit)), 1.0)


def duration(ms: float) -> str:
    """A length of time, ms, with three digits that count: in seconds from one on."""
    return f"{ms / 1e3:.3g} s" if ms >= 1e3 else f"{ms:.3g} ms"


def shortened(text: str, longest: int, begin: int | None = None) -> str:
    """A text of at most `longest` characters: of a longer one `begin` characters, and the end."""
    if len(text) <= longest:
        return text
    if begin is None:
        begin = max(longest - 1, 2) * 2 // 3
    return f"{text[:begin]}…{text[len(text) - (longest - 1 - begin) :]}"


def shortened_apart(texts: Sequence[str], longest: int) -> list[str]:
    """Texts of at most `longest` characters, cut where they stay apart if there is such a cut."""
    usual = [shortened(text, longest) for text in texts]
    if len(set(usual)) == len(set(texts)):
        return usual
    for begin in range(longest - 2, 0, -1):
        cut = [shortened(text, longest, begin) for text in texts]
        if len(set(cut)) == len(set(texts)):
            return cut
    return usual


def two_digits(value: float) -> str:
    """A number with two digits that count, without an exponent where it can be read so."""
    return f"{float(f'{value:.2g}'):g}"


def nice_length(target: float) -> float:
    """Largest of 1, 2, 5 times a power of ten that is not above `target`."""
    if not (target > 0 and math.isfinite(target)):
        return 1.0
    power = 10.0 ** math.floor(math.log10(target))
    return next(step * power for step in (5.0, 2.0, 1.0) if step * power <= target * (1 + 1e-9))

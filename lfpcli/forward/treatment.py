"""What is done to a signal once all of it is there: noise, filter, sampling interval."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, NamedTuple

from lfpcli.errors import UsageError
from lfpcli.forward.dispersion import Mixture

FILTER_ORDER = 3
"""Order of one pass of a Butterworth filter."""


class Band(NamedTuple):
    """A pass band.

    Attributes
    ----------
    low, high : float or None
        Corner frequencies, Hz; None leaves that side open.
    """

    low: float | None
    high: float | None

    def __str__(self) -> str:
        return ":".join("" if corner is None else _text(corner) for corner in self)


@dataclass(frozen=True, kw_only=True)
class Noise:
    """Noise of every contact, see `lfpcli.forward.noise.noise`.

    Attributes
    ----------
    colour : {'white', 'pink', 'brown'}
        Colour.
    rms : float
        Root mean square of each trace, in the unit of the signal.
    length : float or None
        Correlation length, um; None or 0 leaves the contacts independent.
    seed : int
        Seed.
    """

    colour: str
    rms: float
    length: float | None = None
    seed: int = 0

    def __str__(self) -> str:
        numbers = [self.rms] if self.length is None else [self.rms, self.length]
        return ":".join([self.colour, *map(_text, numbers)])


@dataclass(frozen=True, kw_only=True)
class Treatment:
    """What is done, in this order.

    Attributes
    ----------
    mixture : Mixture or None
        How conductivities that depend on frequency filter the signals of real ones, and add them.
    band : Band or None
        What a Butterworth filter without phase lets through.
    order : int
        Order of one pass of the filter.
    resample : float or None
        Sampling interval, ms.
    noise : Noise or None
        What is added to the total. It goes through the same filters, as the noise of an amplifier
        does, and has its root mean square after them.
    """

    mixture: Mixture | None = None
    band: Band | None = None
    order: int = FILTER_ORDER
    resample: float | None = None
    noise: Noise | None = None

    def __bool__(self) -> bool:
        steps = (self.mixture, self.band, self.resample, self.noise)
        return any(step is not None for step in steps)

    @property
    def parameters(self) -> dict[str, Any]:
        """What the recording says of it."""
        parameters: dict[str, Any] = {}
        if self.noise is not None:
            parameters |= {"noise": str(self.noise), "noise_seed": self.noise.seed}
        if self.band is not None:
            parameters |= {"filter": str(self.band), "filter_order": self.order}
        return parameters


UNTREATED = Treatment()


def parse_band(text: str) -> Band:
    """Read the text form of a pass band.

    Parameters
    ----------
    text : str
        ``300:6000`` (band-pass), ``:300`` (low-pass) or ``300:`` (high-pass), Hz.

    Raises
    ------
    UsageError
        Where the text is no band, or its corners are not positive and in order.
    """
    parts = text.split(":")
    if len(parts) != 2 or not any(part.strip() for part in parts):
        raise UsageError(
            f"filter '{text}' is no pass band",
            remedy="write 300:6000 for a band, :300 for low-pass, 300: for high-pass (Hz)",
        )
    low, high = (_corner(part, text) if part.strip() else None for part in parts)
    check_band(low, high)
    return Band(low, high)


def check_band(low: float | None, high: float | None) -> None:
    """Raise a UsageError unless the corners, Hz, bound a band."""
    if low is None and high is None:
        raise UsageError("filter has neither a low nor a high corner")
    if low is not None and high is not None and not low < high:
        raise UsageError(f"filter's low corner {low:g} Hz is not below its high one, {high:g} Hz")


def parse_noise(text: str, seed: int = 0) -> Noise:
    """Read ``KIND:RMS[:LENGTH]``.

    Parameters
    ----------
    text : str
        Colour, root mean square in the signal's unit, correlation length in um.
    seed : int
        Seed.

    Raises
    ------
    UsageError
        Where the text is not of that form.
    """
    colour, *numbers = text.split(":")
    try:
        values = [float(number) for number in numbers]
    except ValueError:
        values = []
    if len(values) not in (1, 2):
        raise UsageError(
            f"noise '{text}' is not of the form KIND:RMS[:LENGTH]", remedy="write white:0.01"
        )
    length = values[1] if len(values) > 1 else None
    return Noise(colour=colour, rms=values[0], length=length, seed=seed)


def _corner(part: str, text: str) -> float:
    try:
        corner = float(part)
    except ValueError:
        raise UsageError(f"'{part.strip()}' in filter '{text}' is no frequency") from None
    if not math.isfinite(corner) or corner <= 0:
        raise UsageError(f"filter '{text}' has the corner {corner:g} Hz, expected more than 0")
    return corner


def _text(number: float) -> str:
    """The shortest text that reads back as the number."""
    return repr(float(number)).removesuffix(".0")

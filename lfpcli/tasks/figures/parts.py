"""What of a recording can be drawn, and which of it is."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass

from lfpcli.errors import InputError, LfpWarning, UsageError, nearest
from lfpcli.io.recording import Recording
from lfpcli.tasks.figures.scalp_panel import has_topography

# of signals, and drawn only where they are asked for
ON_REQUEST = ("spectra", "spectrogram", "shares", "array", "footprint")
_MOST_SIGNALS = 6
_MOST_DIPOLES = 3


@dataclass(frozen=True)
class Part:
    """One thing that a recording holds and a figure shows.

    Attributes
    ----------
    content : str
        geometry, spikes, report, topography, signal or dipole; or one of `ON_REQUEST`.
    name : str
        Name of the variable, the signal or the group of dipoles; empty for the others.
    """

    content: str
    name: str = ""

    @property
    def token(self) -> str:
        """What a user calls it."""
        return self.name if self.content in ("report", "signal") else self.content

    def answers(self, token: str) -> bool:
        """Whether a user who says `token` means this."""
        return token == self.token or (token == "signals" and self.content == "signal")


def chosen_parts(
    recording: Recording, tokens: Sequence[str] | None, beside: Sequence[str] = ()
) -> list[Part]:
    """Parts to draw, in the order asked for.

    Parameters
    ----------
    recording : Recording
        The recording.
    tokens : sequence of str or None
        See `Part.token`, or ``signals`` for all of them; None stands for all there is, but for
        membrane currents and for signals in excess; with `beside`, for the cells, if any.
    beside : sequence of str
        Signals that come after them.

    Raises
    ------
    InputError
        Where the recording holds nothing.
    UsageError
        Where it does not hold what was asked for.
    """
    held = held_parts(recording)
    asked_for = _asked_for_parts(recording)
    if not held:
        raise InputError(
            "recording holds nothing to draw",
            source=recording.name,
            remedy="record something, see [record] in lfp-model(5)",
        )
    if tokens is None and beside:
        tokens = ["geometry"] if recording.populations else []
    if tokens is None:
        # membrane currents are for computing; they are drawn where there is nothing else
        seen = [part for part in held if part != Part("report", "imem")]
        return _without_excess(seen or held)
    chosen: list[Part] = []
    for token in (*tokens, *beside):
        matching = [part for part in (*held, *asked_for) if part.answers(token)]
        if not matching:
            raise UsageError(
                f"recording holds no '{token}' to draw",
                remedy=nearest(token, _known([*held, *asked_for]), "part"),
            )
        chosen += [part for part in matching if part not in chosen]
    return chosen


def held_parts(recording: Recording) -> list[Part]:
    """All that a recording holds, from top to bottom of a figure."""
    held = []
    if recording.populations:
        held.append(Part("geometry"))
    if recording.spike_populations:
        held.append(Part("spikes"))
    held += [Part("report", variable) for variable in recording.reports]
    heads = [name for name in recording.signals if has_topography(recording.signal(name))]
    held += [Part("topography", name) for name in heads]
    held += [Part("signal", name) for name in recording.signals]
    groups = recording.dipole_groups
    shown = ["total"] if "total" in groups else groups[:_MOST_DIPOLES]
    return held + [Part("dipole", group) for group in shown]


def _asked_for_parts(recording: Recording) -> list[Part]:
    """What a figure shows only where it is asked for."""
    asked_for = []
    for name in recording.signals:
        signal = recording.signal(name)
        asked_for += [Part("spectra", name), Part("spectrogram", name)]
        if signal.groups:
            asked_for.append(Part("shares", name))
        if signal.positions is not None and not has_topography(signal):
            asked_for.append(Part("array", name))
            if recording.spike_populations:
                asked_for.append(Part("footprint", name))
    return asked_for


def _known(held: Sequence[Part]) -> set[str]:
    known = {part.token for part in held}
    if any(part.content == "signal" for part in held):
        known.add("signals")
    return known


def _without_excess(parts: list[Part]) -> list[Part]:
    signals = [part.name for part in parts if part.content == "signal"]
    excess = signals[_MOST_SIGNALS:]
    if not excess:
        return parts
    warnings.warn(
        f"{len(signals)} signals; the first {_MOST_SIGNALS} are drawn, choose with --signal",
        LfpWarning,
        stacklevel=2,
    )
    return [p for p in parts if p.content not in ("signal", "topography") or p.name not in excess]

"""Spikes of units, of far cells, and noise, as parts of a recording."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lfpcli.errors import InputError, UsageError
from lfpcli.forward.drift import Drift, distances, factors
from lfpcli.forward.noise_stream import (
    NoiseShape,
    NoiseStream,
    Samples,
    measured_noise,
    stated_noise,
)
from lfpcli.forward.spike_trains import Process, spike_trains
from lfpcli.forward.treatment import Noise
from lfpcli.forward.waveforms import PhasedWaveforms, phased, phases_for, recovery
from lfpcli.io.units import Movement
from lfpcli.seeds import generator
from lfpcli.tasks.convolve.firing import Firing
from lfpcli.tasks.convolve.parts import ContactSpread, Spikes, spikes
from lfpcli.tasks.convolve.units import Candidates
from lfpcli.vocabulary import AXES

# spikes per second of a far cell
_FAR_RATE = 5.0
MOVED = 10.0
"""Interval at which the ground truth tells where units are, ms."""


@dataclass(frozen=True, kw_only=True)
class Amplitudes:
    """How the amplitudes of a unit's spikes vary.

    Attributes
    ----------
    spread : float
        Their standard deviation, of their mean.
    per_contact : bool
        Whether each contact's varies on its own.
    recovery : (float, float) or None
        What an amplitude lacks after a spike, and the time constant of its recovery, ms.
    """

    spread: float = 0.0
    per_contact: bool = False
    recovery: tuple[float, float] | None = None


@dataclass(frozen=True, kw_only=True)
class Near:
    """Spikes of the units.

    Attributes
    ----------
    spikes : Spikes
        Part of the recording.
    trains : dict of str to (ndarray, ndarray)
        Per population, times (n,) as they are in the recording, ms, and ids (n,).
    shown : ndarray of float32, shape (U, L, C)
        Waveform of each unit at the begin of its path, mV.
    before : int
        Samples of a waveform before its spike.
    phases : int
        Phases between samples that spikes have.
    movement : Movement or None
        How they move along their paths.
    """

    spikes: Spikes
    trains: dict[str, tuple[np.ndarray, np.ndarray]]
    shown: np.ndarray
    before: int
    phases: int
    movement: Movement | None = None


def unit_spikes(
    library: Candidates,
    units: np.ndarray,
    firing: Firing,
    *,
    seed: int,
    taper: float,
    amplitudes: Amplitudes,
    drift: Drift,
) -> Near:
    """Put a waveform to each spike of the units.

    Times are rounded to the phases that waveforms have between samples, and the trains returned
    are those times: the recording holds each spike exactly where its ground truth says.

    Parameters
    ----------
    library : Candidates
        The templates.
    units : ndarray of int, shape (U,)
        Candidate of each unit.
    firing : Firing
        Their trains.
    seed : int
        Seed.
    taper : float
        Part of a waveform at either end that is led to zero, ms.
    amplitudes : Amplitudes
        How amplitudes vary.
    drift : Drift
        How units move along their paths.

    Raises
    ------
    UsageError
        Where the templates have no paths to drift along.
    """
    steps = _steps(library, units, drift)
    waveforms = np.concatenate([library.waveforms(unit)[:steps] for unit in units])
    shifted = _phased(library, waveforms, taper)
    times = np.rint(firing.times / library.files[0].dt * shifted.phases).astype(np.int64)
    gains = _gains(amplitudes, firing, seed)
    contacts = None
    if amplitudes.per_contact:
        contacts = ContactSpread(amplitudes.spread, waveforms.shape[2], seed, firing.units)
    movement = None
    if steps > 1:
        paths = _Paths(library=library, units=units, steps=steps)
        paths.check()
        part = _drifting(
            paths,
            firing,
            shifted,
            times=times,
            gains=gains,
            contacts=contacts,
            drift=drift,
            seed=seed,
        )
        movement = paths.movement(drift, shifted, duration=firing.duration, seed=seed)
    else:
        part = spikes(shifted, times=times, numbers=firing.units, gains=gains, contacts=contacts)
    moments = times * (library.files[0].dt / shifted.phases)
    trains = {}
    owners = np.array(firing.populations, object)[firing.units]
    for name in firing.counts:
        members = owners == name
        trains[name] = moments[members], firing.ids[firing.units[members]]
    return Near(
        spikes=part,
        trains=trains,
        shown=shifted.samples[:: shifted.phases * steps],
        before=shifted.before,
        phases=shifted.phases,
        movement=movement,
    )


def _steps(library: Candidates, units: np.ndarray, drift: Drift) -> int:
    """Places along the paths that waveforms are needed at."""
    if not drift:
        return 1
    lengths = {len(library.rows[unit]) for unit in units}
    if min(lengths, default=1) < 2:
        raise UsageError(
            "the templates have no paths to drift along",
            remedy="make them with lfp probe --placements N --path X,Y,Z:STEPS",
        )
    if len(lengths) > 1:
        raise UsageError("the templates' paths differ in their number of steps")
    return lengths.pop()


def _phased(library: Candidates, waveforms: np.ndarray, taper: float) -> PhasedWaveforms:
    first = library.files[0]
    before = -first.t_start / first.dt
    if before < 0 or abs(before - round(before)) > 1e-6:
        raise InputError(
            f"begins {first.t_start:g} ms from the spike, which is no sample before it",
            source=first.name,
            remedy="cut spikes out with lfp probe --spike-window 2,5",
        )
    return phased(
        waveforms,
        before=round(before),
        taper=round(taper / first.dt),
        phases=phases_for(*waveforms.shape),
    )


def _gains(amplitudes: Amplitudes, firing: Firing, seed: int) -> np.ndarray:
    """Factor of each spike, (n, 1), on all of its contacts."""
    count = len(firing.times)
    gains = np.ones((count, 1))
    if amplitudes.spread and not amplitudes.per_contact:
        for unit in range(len(firing.ids)):
            members = np.flatnonzero(firing.units == unit)
            stream = generator(seed, "amplitudes", unit)
            drawn = stream.standard_normal((len(members), 1))
            # an amplitude below zero would turn the spike over
            gains[members] = np.maximum(1.0 + amplitudes.spread * drawn, 0.0)
    if amplitudes.recovery is not None:
        depth, tau = amplitudes.recovery
        gains *= recovery(firing.times, firing.units, depth=depth, tau=tau)[:, None]
    return gains


@dataclass(frozen=True, kw_only=True)
class _Paths:
    """Paths of units, each of so many steps."""

    library: Candidates
    units: np.ndarray
    steps: int

    def check(self) -> None:
        """Raise `InputError` where a path leads nowhere."""
        lengths = self.lengths
        if not lengths.min() > 0:
            unit = self.units[int(np.argmin(lengths))]
            raise InputError(
                f"the path of template {self.library.rows[unit][0]} has no length",
                source=self.library.files[self.library.file[unit]].name,
                remedy="make it again with lfp probe --path X,Y,Z:STEPS",
            )

    @property
    def lengths(self) -> np.ndarray:
        """From end to end, (U,), um."""
        lengths = []
        for unit in self.units:
            somata = self.library.files[self.library.file[unit]].positions
            ends = somata[self.library.rows[unit][[0, -1]]]
            lengths.append(np.linalg.norm(ends[1] - ends[0]))
        return np.array(lengths)

    @property
    def positions(self) -> np.ndarray:
        """Somata along the paths, (U, D, 3), um."""
        places = [
            self.library.files[self.library.file[unit]].positions[self.library.rows[unit]]
            for unit in self.units
        ]
        return np.array(places)

    def factors(self, drift: Drift, seed: int) -> np.ndarray:
        """What each unit makes of the movement, (U,)."""
        if drift.gradient is None:
            return factors(drift, len(self.units), seed)
        heights = self.positions[:, 0, AXES.index(drift.gradient)]
        extent = np.ptp(heights)
        share = (heights - heights.min()) / extent if extent > 0 else np.ones(len(heights))
        return np.asarray(drift.rigidity + (1.0 - drift.rigidity) * share)

    def movement(
        self, drift: Drift, shifted: PhasedWaveforms, *, duration: float, seed: int
    ) -> Movement:
        """The movement of all units, every `MOVED` ms."""
        moments = np.arange(0.0, duration, MOVED)
        moved = distances(drift, moments, self.lengths.min(), duration, seed)
        samples = shifted.samples[:: shifted.phases]
        return Movement(
            dt=MOVED,
            moved=moved[:, None],
            factors=self.factors(drift, seed)[:, None],
            positions=self.positions,
            waveforms=samples.reshape(len(self.units), self.steps, *samples.shape[1:]),
        )


def _drifting(
    paths: _Paths,
    firing: Firing,
    shifted: PhasedWaveforms,
    *,
    times: np.ndarray,
    gains: np.ndarray,
    contacts: ContactSpread | None,
    drift: Drift,
    seed: int,
) -> Spikes:
    """Spikes between places of a path: the waveforms of both, each by its nearness."""
    lengths, steps = paths.lengths, paths.steps
    moved = distances(drift, firing.times, lengths.min(), firing.duration, seed)
    moved = moved * paths.factors(drift, seed)[firing.units]
    place = np.minimum(moved / lengths[firing.units] * (steps - 1), steps - 1.0)
    lower = np.minimum(place.astype(np.int64), steps - 2)
    share = (place - lower)[:, None]
    first = firing.units * steps + lower
    return spikes(
        shifted,
        times=np.concatenate([times, times]),
        numbers=np.concatenate([first, first + 1]),
        gains=np.concatenate([gains * (1.0 - share), gains * share]),
        sources=np.tile(np.arange(len(times)), 2),
        contacts=contacts,
    )


def far_cells(
    library: Candidates, count: int, rms: float, *, duration: float, taper: float, seed: int
) -> Spikes:
    """Spikes of cells that are too far away to be told apart, as a part of given size.

    They fire Poisson trains; by Campbell's theorem the variance of a contact is the rate times the
    integral of its squared waveform, summed over cells, which the amplitudes are scaled by.

    Parameters
    ----------
    library : Candidates
        Of which the weakest are taken.
    count : int
        Number of cells.
    rms : float
        Root mean square, averaged over the contacts, mV.
    duration : float
        ms.
    taper : float
        Part of a waveform at either end that is led to zero, ms.
    seed : int
        Seed.

    Raises
    ------
    UsageError
        Where there are fewer templates.
    """
    if count > len(library.troughs):
        raise UsageError(
            f"{count} far cells of {len(library.troughs)} templates",
            remedy="make more --placements, in a larger --placement-box",
        )
    weakest = np.argsort(library.troughs, kind="stable")[:count]
    waveforms = np.concatenate([library.waveforms(unit)[:1] for unit in weakest])
    shifted = _phased(library, waveforms, taper)
    dt = library.files[0].dt
    length = waveforms.shape[1] * dt
    # they fired before the begin, so that the noise does not rise there
    times, numbers = spike_trains(
        Process(rate=_FAR_RATE), count, duration + 2 * length, seed=seed, number=1 << 20
    )
    plain = shifted.samples[:: shifted.phases].astype(float)
    variance = _FAR_RATE / 1000.0 * dt * np.sum(plain**2, axis=(0, 1))
    size = np.sqrt(variance.mean())
    gain = rms / size if size > 0 else 0.0
    phases = np.rint((times - length) / dt * shifted.phases).astype(np.int64)
    return spikes(shifted, times=phases, numbers=numbers, gains=np.full((len(times), 1), gain))


@dataclass(frozen=True, kw_only=True)
class ShapedNoise:
    """Noise, and its root mean square averaged over the contacts, mV."""

    stream: NoiseStream
    rms: float


def noise_of(
    stated: Noise | None,
    measured: Samples | None,
    contacts: np.ndarray,
    dt: float,
    seed: int,
    spectral: NoiseShape | None = None,
) -> ShapedNoise | None:
    """Noise that is stated or measured, None where neither is.

    Parameters
    ----------
    stated : Noise or None
        By its colour.
    measured : ndarray or dataset, shape (T, C), or None
        A recording with the noise wanted, mV.
    contacts : ndarray, shape (C, 3)
        um.
    dt : float
        Sampling interval, ms.
    seed : int
        Seed.
    spectral : NoiseShape, optional
        Noise of a spectrum that is stated.
    """
    if spectral is not None:
        shape = spectral
    elif measured is not None:
        shape = measured_noise(measured, dt)
    elif stated is not None:
        shape = stated_noise(stated, contacts)
    else:
        return None
    rms = float(np.sqrt(np.mean(np.sum(shape.taps**2, axis=0))))
    return ShapedNoise(stream=NoiseStream(shape, len(contacts), seed), rms=rms)

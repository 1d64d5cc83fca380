"""Extracellular recordings with ground truth: templates, trains and noise."""

from __future__ import annotations

import contextlib
import dataclasses
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from lfpcli.errors import InputError, UsageError
from lfpcli.forward.drift import Drift
from lfpcli.forward.electrode import Electrode
from lfpcli.forward.noise_stream import NoiseShape, Samples, spectral_noise
from lfpcli.forward.treatment import FILTER_ORDER, Band, Noise
from lfpcli.io import stream
from lfpcli.io.atomic import atomic_output, check_recording_output
from lfpcli.io.npz import read_matrix
from lfpcli.io.provenance import digest, provenance
from lfpcli.io.recording import Recording, Signal, open_recording
from lfpcli.io.table import read_columns
from lfpcli.io.templates import open_templates
from lfpcli.io.tracks import Track
from lfpcli.io.trains import DURATION, open_trains
from lfpcli.io.units import GROUP, Units
from lfpcli.io.writer import RecordingWriter
from lfpcli.runtime.mpi.team import Team
from lfpcli.tasks.convolve.firing import Firing, firing_of
from lfpcli.tasks.convolve.parts import Beneath, ElectrodeFilter, Noisy, Part, ZeroPhase
from lfpcli.tasks.convolve.sources import Amplitudes, far_cells, noise_of, unit_spikes
from lfpcli.tasks.convolve.units import Candidates, Choice, candidates, chosen_units

PAGE = 1 << 14
"""Samples that are made at a time; what they round to is part of what a seed means."""
# levels of the integers that samples are rounded to, either side of zero
_LEVELS = (1 << 15) - 1
# standard deviations of noise that integers leave room for
_ROOM = 6.0


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """What a recording is made of.

    Attributes
    ----------
    duration : float or None
        ms; None: to the end of the trains.
    choice : Choice
        Which templates are units.
    taper : float
        Part of a template at either end that is led to zero, ms.
    amplitudes : Amplitudes
        How amplitudes vary from spike to spike.
    drift : Drift
        Movement along the paths of the templates.
    noise : Noise or None
        Noise by its colour.
    noise_from : path-like or None
        A recording whose noise is to be made; ``FILE:SIGNAL`` where it has several.
    noise_spectrum : path-like or None
        A table of the spectrum of noise: frequency, Hz, and power, mV2/Hz, one-sided.
    noise_covariance : path-like or None
        Covariances between contacts, mV2, of that noise.
    far : (int, float) or None
        Number of cells too far to be told apart, and the root mean square of all of them, mV.
    beneath : path-like or None
        A recording whose signal is added; ``FILE:SIGNAL`` where it has several.
    electrode : Electrode or None
        What the potentials go through before the noise is added.
    band : Band or None
        What a filter without phase lets through, of all of it.
    integers : bool
        Whether samples are rounded to integers of 16 bits.
    name : str
        Name of the signal.
    """

    duration: float | None = None
    choice: Choice = field(default_factory=Choice)
    taper: float = 0.5
    amplitudes: Amplitudes = field(default_factory=Amplitudes)
    drift: Drift = field(default_factory=Drift)
    noise: Noise | None = None
    noise_from: str | None = None
    noise_spectrum: str | None = None
    noise_covariance: str | None = None
    far: tuple[int, float] | None = None
    beneath: str | None = None
    electrode: Electrode | None = None
    band: Band | None = None
    integers: bool = False
    name: str = "recording"


def convolve_templates(
    templates: Sequence[str | os.PathLike[str]],
    trains: str | os.PathLike[str],
    output: str | os.PathLike[str],
    recipe: Recipe,
    *,
    seed: int,
    force: bool = False,
    float32: bool = False,
    command: Sequence[str] = ("lfp", "convolve"),
    progress: Callable[[float], None] = lambda share: None,
) -> dict[str, Any]:
    """Write the recording that an array makes of cells that fire given trains.

    Parameters
    ----------
    templates : sequence of path-like
        Files of templates, of the same array.
    trains : path-like
        Recording with spikes, such as `lfp spikes` writes.
    output : path-like
        Recording to write, or ``-``.
    recipe : Recipe
        What it is made of.
    seed : int
        Seed of all draws.
    force, float32 : bool
        Whether an existing file is replaced, and samples are stored in single precision.
    command : sequence of str
        The command line, for the provenance.
    progress : callable
        Told which share of the work is done.

    Returns
    -------
    dict
        What there is to tell: units, spikes, samples, phases, clipped.

    Raises
    ------
    InputError, UsageError
        Where files do not go together, or the recipe cannot be.
    """
    team = Team()
    if team.leads:
        check_recording_output(output, force=force)
    with contextlib.ExitStack() as stack:
        inputs: dict[str, str] = {}
        named = [_noted(path, inputs, stack) for path in templates]
        files = [stack.enter_context(open_templates(path)) for path in named]
        source = stack.enter_context(open_trains(_noted(trains, inputs, stack), str(trains)))
        # drawn by each process where none is given
        seed = int(team.share(seed))
        firing = firing_of(source, recipe.duration)
        library = candidates(files)
        units = chosen_units(library, firing.counts, recipe.choice, seed)
        work = _Work(recipe, library=library, units=units, firing=firing, seed=seed)
        work.gather(inputs, stack)
        record = provenance(command, inputs=inputs, seed=seed, history=source.provenance)
        if not team.leads:
            return work.write(None, team, progress)
        with (
            atomic_output(output, force=force) as target,
            RecordingWriter(target, record, float32=float32) as writer,
        ):
            return work.write(writer, team, progress)


def _noted(
    source: str | os.PathLike[str], inputs: dict[str, str], stack: contextlib.ExitStack
) -> os.PathLike[str]:
    """A local copy of an input, whose digest is kept."""
    path, name = stack.enter_context(stream.local_file(source))
    inputs[name] = digest(path)
    return path


class _Work:
    """The parts of a recording, and how they are written."""

    def __init__(
        self,
        recipe: Recipe,
        library: Candidates,
        units: np.ndarray,
        firing: Firing,
        seed: int,
    ) -> None:
        self.recipe, self.library, self.units = recipe, library, units
        self.firing, self.seed = firing, seed
        self.first = library.files[0]
        self.dt = self.first.dt
        self.samples = round(firing.duration / self.dt)
        if self.samples < 1:
            raise UsageError(
                f"{firing.duration:g} ms hold no sample of {self.dt:g} ms",
                remedy="give a longer --duration",
            )
        self.parts: list[Part] = []
        self.noise: Noisy | None = None
        self.electrode: ElectrodeFilter | None = None
        if recipe.electrode is not None:
            self.electrode = ElectrodeFilter(recipe.electrode, self.dt)
        self.filter: ZeroPhase | None = None
        if recipe.band is not None:
            self.filter = ZeroPhase(recipe.band, self.dt, FILTER_ORDER)

    def gather(self, inputs: dict[str, str], stack: contextlib.ExitStack) -> None:
        """Make the parts, opening the files that they need."""
        recipe = self.recipe
        self.near = unit_spikes(
            self.library,
            self.units,
            self.firing,
            seed=self.seed,
            taper=recipe.taper,
            amplitudes=recipe.amplitudes,
            drift=recipe.drift,
        )
        self.parts.append(self.near.spikes)
        rms = 0.0
        if recipe.far is not None:
            count, rms = recipe.far
            far = far_cells(
                self.library,
                count,
                rms,
                duration=self.firing.duration,
                taper=recipe.taper,
                seed=self.seed,
            )
            self.parts.append(far)
        measured: Samples | None = None
        if recipe.noise_from is not None:
            signal = self._signal(recipe.noise_from, inputs, stack)
            measured = signal.data
            if signal.dt != self.dt:
                raise InputError(
                    f"is sampled every {signal.dt:g} ms, the templates every {self.dt:g} ms",
                    source=recipe.noise_from,
                    remedy="resample it: lfp convert --resample",
                )
        shape = self._spectral_shape(inputs, stack)
        noise = noise_of(recipe.noise, measured, self.first.contacts, self.dt, self.seed, shape)
        if noise is not None:
            self.noise = Noisy(stream=noise.stream)
            rms = float(np.hypot(rms, noise.rms))
        self.rms = rms
        if recipe.beneath is not None:
            signal = self._signal(recipe.beneath, inputs, stack)
            self.parts.append(Beneath(signal, self.dt, self.samples, recipe.beneath))

    def _spectral_shape(
        self, inputs: dict[str, str], stack: contextlib.ExitStack
    ) -> NoiseShape | None:
        """Noise of the spectrum and covariances of files, None where there are none."""
        recipe = self.recipe
        if recipe.noise_spectrum is None:
            return None
        path = _noted(recipe.noise_spectrum, inputs, stack)
        table = read_columns(path, ("frequency", "power"))
        covariance = None
        if recipe.noise_covariance is not None:
            covariance = read_matrix(Path(_noted(recipe.noise_covariance, inputs, stack)))
        return spectral_noise(
            np.array(table["frequency"]),
            np.array(table["power"]),
            covariance,
            contacts=len(self.first.contacts),
            dt=self.dt,
        )

    def _signal(self, text: str, inputs: dict[str, str], stack: contextlib.ExitStack) -> Signal:
        """The signal that ``FILE`` or ``FILE:SIGNAL`` names, of as many channels as contacts."""
        path, _, name = text.rpartition(":")
        if not path or Path(text).exists():
            path, name = text, ""
        recording = stack.enter_context(open_recording(_noted(path, inputs, stack), path))
        signal = _named_signal(recording, name, path)
        channels = signal.data.shape[1]
        if channels != len(self.first.contacts):
            raise InputError(
                f"has {channels} channels, the templates {len(self.first.contacts)} contacts",
                source=text,
                remedy="measure with the same array",
            )
        if signal.units != "mV":
            raise InputError(
                f"is in {signal.units}, expected mV",
                source=text,
                remedy="name a signal of potentials",
            )
        return signal

    def write(
        self, writer: RecordingWriter | None, team: Team, progress: Callable[[float], None]
    ) -> dict[str, Any]:
        """Write the recording and its ground truth, on rank 0; all ranks make pages of it."""
        gain = self._gain() if self.recipe.integers else 0.0
        track = None if writer is None else self._begin(writer, gain)
        clipped = 0
        pages = -(-self.samples // PAGE)
        for first in range(0, pages, team.size):
            page = first + team.rank
            # all pages have one length, so that a sample is the same in a longer recording
            block_of_rank = self._page(page, gain) if page < pages else None
            for block, cut in filter(None, team.collect(block_of_rank)):
                clipped += cut
                if track is not None:
                    track.append(block)
            progress(min(1.0, (first + team.size) / pages))
        return {
            "units": len(self.units),
            "spikes": sum(len(times) for times, _ in self.near.trains.values()),
            "samples": self.samples,
            "phases": self.near.phases,
            "clipped": clipped,
            "leads": team.leads,
        }

    def _begin(self, writer: RecordingWriter, gain: float) -> Track:
        """Write the ground truth, and begin the samples."""
        for name, (times, ids) in self.near.trains.items():
            writer.spikes(name, times, ids)
            group = writer.file[f"spikes/{name}"]
            group.attrs[DURATION] = self.firing.duration
        self._units().write(writer.file.create_group(GROUP))
        if gain:
            writer.store_integers()
        return writer.signal(self.recipe.name, self._heading(gain))[""]

    def _page(self, number: int, gain: float) -> tuple[np.ndarray, int]:
        """Samples of a page, and how many of them integers cut off."""
        first = number * PAGE
        block = self._block(first, first + PAGE)[: self.samples - first]
        if not gain:
            return block, 0
        block = np.rint(block / gain)
        clipped = int(np.count_nonzero(np.abs(block) > _LEVELS))
        return np.clip(block, -_LEVELS, _LEVELS, out=block), clipped

    def _block(self, first: int, last: int) -> np.ndarray:
        """Samples from one up to another: potentials, electrode, noise, filter, in this order."""
        margin = 0 if self.filter is None else self.filter.margin
        reach = 0 if self.electrode is None else self.electrode.margin
        around = margin + reach
        block = np.zeros((last - first + 2 * around, len(self.first.contacts)))
        for part in self.parts:
            part.add(block, first - around)
        if self.electrode is not None:
            block = self.electrode(block)
        if self.noise is not None:
            self.noise.add(block, first - margin)
        return block if self.filter is None else self.filter(block)

    def _gain(self) -> float:
        """mV of a step of integers: room for twice the deepest trough and the noise."""
        deepest = 2.0 * float(np.max(self.library.troughs[self.units], initial=0.0))
        return max(deepest + _ROOM * self.rms, 1e-9) / _LEVELS

    def _heading(self, gain: float) -> Signal:
        recipe = self.recipe
        facts = self.first.facts
        parameters: dict[str, Any] = {"templates": facts.get("model", "")}
        for key in ("sigma", "medium", "array", "shape", "half_sides"):
            if key in facts:
                parameters[key] = facts[key]
        if recipe.band is not None:
            parameters |= {"filter": str(recipe.band), "filter_order": FILTER_ORDER}
        if recipe.noise is not None:
            parameters["noise"] = str(recipe.noise)
        if recipe.electrode is not None:
            parameters["electrode"] = dataclasses.asdict(recipe.electrode)
        if gain:
            parameters["gain"] = gain
        return Signal(
            data=np.zeros((0, len(self.first.contacts))),
            units="mV",
            dt=self.dt,
            positions=self.first.contacts,
            names=self.first.contact_names,
            model="convolved templates",
            parameters=parameters,
        )

    def _units(self) -> Units:
        """What is true of each unit: its template, place, type and waveform."""
        library, units = self.library, self.units
        rows = np.array([library.rows[unit][0] for unit in units], np.int64)
        turns = [
            library.files[file].rotations[row]
            for file, row in zip(library.file[units], rows, strict=True)
        ]
        return Units(
            ids=self.firing.ids,
            populations=self.firing.populations,
            cell_types=[library.cell_types[unit] for unit in units],
            files=library.file[units],
            templates=rows,
            positions=library.positions[units],
            rotations=np.array(turns).reshape(-1, 3, 3),
            waveforms=self.near.shown,
            dt=self.dt,
            before=self.near.before * self.dt,
            movement=self.near.movement,
            overlapping=self._overlapping(),
        )

    def _overlapping(self) -> np.ndarray | None:
        """Rows of the units that overlap, (P, 2), where a number of them was asked for."""
        choice = self.recipe.choice
        if choice.overlaps is None:
            return None
        pairs = [np.zeros((0, 2), np.int64)]
        units = self.units.tolist()
        for row, unit in enumerate(units):
            inside = self.library.overlapping(unit, units[row + 1 :], choice.overlap)
            others = row + 1 + np.flatnonzero(inside)
            pairs.append(np.column_stack([np.full(len(others), row), others]))
        return np.concatenate(pairs)


def _named_signal(recording: Recording, name: str, path: str) -> Signal:
    if name:
        return recording.signal(name)
    if len(recording.signals) != 1:
        raise UsageError(
            f"{path} holds {len(recording.signals)} signals",
            remedy=f"name one: {path}:{(recording.signals or ['SIGNAL'])[0]}",
        )
    return recording.signal(recording.signals[0])

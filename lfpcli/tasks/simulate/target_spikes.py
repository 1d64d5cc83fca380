"""The current that makes a cell fire so many spikes, by tries in processes of their own."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass, field, replace
from pathlib import Path

from lfpcli.errors import UsageError
from lfpcli.io.recording import open_recording
from lfpcli.io.temporary import temporary_folder
from lfpcli.model import Model
from lfpcli.runtime.mpi.team import Team
from lfpcli.tasks.simulate.step_errors import run_apart

# factors of the current after too few and too many spikes, those of MEArec
_MORE, _LESS = 1.75, 0.25
# tries of growing currents after which a count that stays means that the membrane is held up
_PATIENCE = 4
MOST_TRIES = 24
"""Runs after which a search gives up."""
_CLAMP, _AMPLITUDE = "IClamp", "amp"


@dataclass(frozen=True, kw_only=True)
class FoundCurrent:
    """What a search came to.

    Attributes
    ----------
    model : Model
        The model with that current.
    amplitude : float
        nA.
    spikes : int
        What the cell fires by it.
    tries : int
        Number of runs.
    """

    model: Model
    amplitude: float
    spikes: int
    tries: int


def current_for_spikes(model: Model, least: int, most: int) -> FoundCurrent:
    """Search for the current of a clamp by which a cell fires so many spikes.

    The current of the model is tried first; too few spikes multiply it by 1.75 and too many by
    0.25, as in MEArec, until two currents lie about the wanted number, which are halved then. Where
    more current makes no more spikes, less than all before is tried.

    Parameters
    ----------
    model : Model
        A model of one cell with one current clamp.
    least, most : int
        Spikes of the run that will do.

    Raises
    ------
    UsageError
        Where the model is another, or no current does it.
    SimulatorError
        Where a run fails.
    """
    _check(model, least, most)
    if Team().size > 1:
        raise UsageError("--target-spikes works on one process", remedy="run it without mpirun")
    search = _Search(least=least, most=most, amplitude=float(model.stimuli[0].params[_AMPLITUDE]))
    with temporary_folder(Path(tempfile.gettempdir()), "run") as folder:
        for tries in range(1, MOST_TRIES + 1):
            tried = _with_current(model, search.amplitude)
            spikes = _spikes(tried, folder / f"{tries}.h5")
            if least <= spikes <= most:
                return FoundCurrent(
                    model=tried, amplitude=search.amplitude, spikes=spikes, tries=tries
                )
            search.go_on(spikes)
            if search.is_over:
                break
    counts = search.counts
    told = ", ".join(f"{count} at {size:.4g} nA" for size, count in sorted(counts.items())[:6])
    raise UsageError(
        f"no current makes {least} to {most} spikes: {told}",
        remedy="widen the range, or give the clamp another amp, delay or dur",
    )


@dataclass(kw_only=True)
class _Search:
    """Which current comes next.

    A membrane that is held up by its current fires less: where growing currents make no more
    spikes, smaller ones than all before are tried.
    """

    least: int
    most: int
    amplitude: float
    counts: dict[float, int] = field(default_factory=dict)
    is_over: bool = False
    _low: float | None = None
    _high: float | None = None
    _falls: bool = False

    def go_on(self, spikes: int) -> None:
        """Choose the next current after one that has made too many or too few spikes."""
        self.counts[self.amplitude] = spikes
        if spikes > self.most:
            self._high = self.amplitude
        elif self._falls and spikes:
            self.amplitude *= 0.5
            return
        elif self._is_blocked(spikes):
            self._falls, self._low, self._high = True, None, None
            self.amplitude = 0.5 * min(self.counts, key=abs)
            return
        else:
            self._low = self.amplitude
            # no current on the way down made more spikes, and this one makes none
            self.is_over = self._falls and self._high is None
        if self._low is not None and self._high is not None:
            self.amplitude = 0.5 * (self._low + self._high)
        else:
            self.amplitude *= _LESS if self._low is None else _MORE

    def _is_blocked(self, spikes: int) -> bool:
        smaller = [count for size, count in self.counts.items() if abs(size) < abs(self.amplitude)]
        stays = len([count for count in smaller if count == spikes])
        return spikes > 0 and (max(smaller, default=0) > spikes or stays >= _PATIENCE)


def _check(model: Model, least: int, most: int) -> None:
    if not 0 < least <= most:
        raise UsageError(f"{least} to {most} spikes are no range", remedy="write 3,50")
    populations = [p for p in model.resolved_populations().values() if p.has_cells]
    single = len(populations) == 1 and populations[0].size == 1
    if model.circuit is not None or model.run.attach is not None or not single:
        raise UsageError(
            "spikes are looked for in a model of one cell",
            remedy="leave one population of size 1",
        )
    if len(model.stimuli) != 1 or model.stimuli[0].type != _CLAMP:
        raise UsageError(
            f"spikes are looked for with one {_CLAMP}, the model has {len(model.stimuli)} stimuli",
            remedy="give one [[stimulus]], or --stim soma:0.2@10+1000",
        )
    if not float(model.stimuli[0].params.get(_AMPLITUDE, 0.0)):
        raise UsageError(
            f"the {_CLAMP} has no amp to begin with", remedy="give it amp in nA, such as 0.2"
        )


def _with_current(model: Model, amplitude: float) -> Model:
    clamp = model.stimuli[0]
    changed = replace(clamp, params={**clamp.params, _AMPLITUDE: amplitude})
    return replace(model, stimuli=(changed,))


def _spikes(model: Model, path: Path) -> int:
    """Spikes of the cell in a run that keeps nothing else."""
    record = replace(
        model.record,
        spikes=True,
        imem=False,
        balance=False,
        vmem="none",
        dipole="none",
        variables=(),
    )
    run_apart(replace(model, record=record, probes=(), eegs=(), megs=()), path, "a try")
    with open_recording(path) as recording:
        return sum(len(recording.spikes(name)[0]) for name in recording.spike_populations)

"""Membrane currents in parts: capacitive, of each ion and mechanism, of synapses.

A fixed step computes the currents of channels and synapses at its beginning, and their derivatives;
it then solves for the potentials at its end. The membrane current is that of the end: each part is
its current at the beginning plus its derivative times the change of the potential (Hines and
Carnevale 1997, Neural Comput 9:1179). The currents alone, which NEURON's variables hold, are older.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import chain

import numpy as np

from lfpcli.runtime.engine.current_parts import (
    DENSITY,
    IonicCurrent,
    OtherCurrent,
    density_currents,
    ionic_currents,
    synaptic_currents,
)
from lfpcli.runtime.engine.record import Recorder, potentials, variable
from lfpcli.runtime.engine.settings import RunSettings
from lfpcli.runtime.mpi.team import Team
from lfpcli.runtime.protocols import SimulatedCell

CAPACITIVE, ELECTRODE, REST = "icap", "ielectrode", "irest"
# mV; nearer to its reversal potential a current does not tell its conductance
_NEAR = 1e-9


class CurrentParts:
    """Splits the membrane currents of the cells of this process.

    Parameters
    ----------
    cells : sequence of SimulatedCell
        The cells.
    team : Team
        The processes, which all have the same parts.
    balance : bool
        Whether the currents of electrodes are a part.
    labels : mapping of str to str, optional
        See `synaptic_currents`.
    prefix : str
        Begin of the names of its recorders; those of reports have no blanks.

    Attributes
    ----------
    recorders : dict of str to Recorder
        What has to be recorded.
    names : list of str
        Names of the parts.
    """

    def __init__(
        self,
        cells: Sequence[SimulatedCell],
        team: Team,
        *,
        balance: bool,
        labels: Mapping[str, str] | None = None,
        prefix: str = "part ",
    ) -> None:
        self._prefix = prefix
        self._ions = ionic_currents(cells)
        self._others = [*density_currents(cells), *synaptic_currents(cells, labels)]
        sizes = [len(cell.segments) for cell in cells]
        self._first = np.cumsum([0, *sizes])
        segments = list(chain.from_iterable(cell.segments for cell in cells))
        self._areas = DENSITY * np.array([segment.area() for segment in segments], dtype=float)
        self._capacitance = np.array([segment.cm for segment in segments], dtype=float)
        capacitive = variable(cells, "i_cap", required=False)
        self._capacitive = self._columns(capacitive)
        self.recorders: dict[str, Recorder] = {
            f"{self._prefix}v": potentials(cells),
            f"{self._prefix}i_cap": capacitive,
        }
        for ion in self._ions:
            self.recorders[f"{self._prefix}{ion.name}"] = ion.current
            self.recorders[f"{self._prefix}{ion.name} slope"] = ion.slope
        for number, other in enumerate(self._others):
            self.recorders[f"{self._prefix}{number}"] = other.current
        self._guesses = self._guess_of_segments(team)
        self.names = self._agreed_names(team, balance)

    def _columns(self, recorder: Recorder) -> np.ndarray:
        """Segments of the columns of a recorder among all of this process, shape (columns,)."""
        columns = [self._first[k] + index for k, index in enumerate(recorder.index)]
        return np.concatenate([np.zeros(0, np.int64), *columns]).astype(np.int64)

    def _guess_of_segments(self, team: Team) -> np.ndarray:
        """Per segment, which part may be no multiple of v less its reversal potential.

        -1 where there is none, -2 where there are several, whose errors cannot be told apart.
        """
        guesses = np.full(len(self._areas), -1, np.int64)
        names = sorted({other.name for other in self._others if not other.is_ohmic})
        for number, name in enumerate(names):
            for other in self._others:
                if other.name == name and not other.is_ohmic:
                    columns = self._columns(other.current)
                    taken = (guesses[columns] != -1) & (guesses[columns] != number)
                    guesses[columns] = np.where(taken, -2, number)
        self._guess_names = names
        self._has_rest = any(team.exchange(bool(np.any(guesses == -2))))
        return guesses

    def _agreed_names(self, team: Team, balance: bool) -> list[str]:
        local = [ion.name for ion in self._ions] + [other.name for other in self._others]
        everywhere: list[str] = []
        for names in team.exchange(local):
            everywhere += [name for name in names if name not in everywhere]
        synapses = [name for name in ("isyn_e", "isyn_i") if name in everywhere]
        channels = sorted(set(everywhere) - set(synapses))
        electrodes = [ELECTRODE] if balance else []
        rest = [REST] if self._has_rest else []
        return [CAPACITIVE, *channels, *synapses, *electrodes, *rest]

    def split(
        self,
        blocks: Mapping[str, np.ndarray],
        imem: np.ndarray,
        settings: RunSettings,
        *,
        is_first: bool,
    ) -> dict[str, np.ndarray]:
        """Split membrane currents.

        Parameters
        ----------
        blocks : mapping of str to ndarray, shape (n, columns)
            Samples of the recorders.
        imem : ndarray, shape (n, N)
            Membrane currents of all segments, nA, without those of electrodes.
        settings : RunSettings
            Method and step.
        is_first : bool
            Whether the first sample is that of the initial state, which no step has led to.

        Returns
        -------
        dict of str to ndarray, shape (n, N)
            nA by part; they add up to `imem`.
        """
        capacitive = np.zeros(imem.shape)
        density = blocks[f"{self._prefix}i_cap"]
        capacitive[:, self._capacitive] = density * self._areas[self._capacitive]
        change = self._changes(density, imem.shape, settings)
        before = blocks[f"{self._prefix}v"] - change * (2.0 if settings.secondorder else 1.0)
        if is_first:
            change[0] = capacitive[0] = 0.0
        parts = {name: np.zeros(imem.shape) for name in self.names if name != CAPACITIVE}
        for ion in self._ions:
            self._add_ion(parts[ion.name], ion, blocks, change=change, settings=settings)
        unsettled = []
        for number, other in enumerate(self._others):
            samples = blocks[f"{self._prefix}{number}"]
            part = parts[other.name]
            unsettled.append(self._add_other(part, other, samples, change=change, before=before))
        left = imem - capacitive - sum(parts.values())
        if is_first:
            # nothing has been solved for: what charges the membrane is all that is left
            capacitive[0] += left[0]
            left[0] = 0.0
        self._settle(parts, capacitive, left, unsettled)
        return {CAPACITIVE: capacitive, **parts}

    def _changes(
        self, density: np.ndarray, shape: tuple[int, ...], settings: RunSettings
    ) -> np.ndarray:
        """What the step solved for, (n, N) mV: changes of v, with the second order half of them.

        The capacitive current tells them, also in the first sample behind a checkpoint.
        """
        change = np.zeros(shape)
        if settings.adaptive:
            # the variable step computes all currents at the potentials of the sample
            return change
        per_step = 2.0 if settings.secondorder else 1.0
        # uF/cm2 times mV/ms are 1e-3 mA/cm2
        factor = 1e-3 * per_step * self._capacitance[self._capacitive] / settings.dt
        with np.errstate(divide="ignore", invalid="ignore"):
            solved = np.where(factor > 0, density / factor, 0.0)
        change[:, self._capacitive] = solved
        return change

    def _add_ion(
        self,
        part: np.ndarray,
        ion: IonicCurrent,
        blocks: Mapping[str, np.ndarray],
        *,
        change: np.ndarray,
        settings: RunSettings,
    ) -> None:
        columns = self._columns(ion.current)
        samples = blocks[f"{self._prefix}{ion.name}"]
        # with this method NEURON brings the currents of ions forward by itself
        if settings.secondorder != 2:
            samples = samples + blocks[f"{self._prefix}{ion.name} slope"] * change[:, columns]
        part[:, columns] += samples * ion.scale

    def _add_other(
        self,
        part: np.ndarray,
        other: OtherCurrent,
        samples: np.ndarray,
        *,
        change: np.ndarray,
        before: np.ndarray,
    ) -> np.ndarray:
        """Add a current to its part; returns where its derivative is not known, (n, N) bool."""
        columns = self._columns(other.current)
        distance = before[:, columns] - other.reversal
        with np.errstate(divide="ignore", invalid="ignore"):
            slope = np.where(np.abs(distance) > _NEAR, samples / distance, np.nan)
        slope = np.where(np.isnan(other.slope), slope, other.slope)
        values = samples + np.nan_to_num(slope) * change[:, columns]
        # several synapses may share a segment
        np.add.at(part.T, columns, (values * other.scale).T)
        unsettled = np.zeros(part.shape, bool)
        np.logical_or.at(unsettled.T, columns, np.isnan(slope).T)
        return unsettled

    def _settle(
        self,
        parts: dict[str, np.ndarray],
        capacitive: np.ndarray,
        left: np.ndarray,
        unsettled: Sequence[np.ndarray],
    ) -> None:
        """Give what is left of the whole to where it comes from; without guesses it is rounding."""
        for number, name in enumerate(self._guess_names):
            columns = np.flatnonzero(self._guesses == number)
            parts[name][:, columns] += left[:, columns]
            left[:, columns] = 0.0
        if self._has_rest:
            columns = np.flatnonzero(self._guesses == -2)
            parts[REST][:, columns] += left[:, columns]
            left[:, columns] = 0.0
        for other, entries in zip(self._others, unsettled, strict=True):
            parts[other.name][entries] += left[entries]
            left[entries] = 0.0
        capacitive += left

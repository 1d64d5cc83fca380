"""What a run keeps: reports, dipoles and signals, from the recorders to the file."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain

import numpy as np

from lfpcli.errors import located
from lfpcli.forward.instrument import Instrument
from lfpcli.forward.treatment import Treatment
from lfpcli.io.checkpoint import Checkpoint
from lfpcli.io.tracks import PulledTrack, Track
from lfpcli.io.writer import RecordingWriter
from lfpcli.model import Model
from lfpcli.runtime.engine.run import Chunk
from lfpcli.runtime.engine.settings import RunSettings
from lfpcli.runtime.mpi.team import Team
from lfpcli.tasks.measure.streams import Stream, Sums, begin_signal, cells_of, group_names
from lfpcli.tasks.simulate.build import Built
from lfpcli.tasks.simulate.current_parts import ELECTRODE, CurrentParts
from lfpcli.tasks.simulate.groups import Groups, projection_labels
from lfpcli.tasks.simulate.instruments import instruments_of
from lfpcli.tasks.simulate.kept import Errands, KeptShares
from lfpcli.tasks.simulate.recorders import is_ionic, recorders_of
from lfpcli.tasks.simulate.reports import ReportStream
from lfpcli.vocabulary import CURRENT, NAMED_GROUP, PROJECTION


@dataclass(frozen=True, kw_only=True)
class Contracted:
    """What a process has made of a chunk.

    Attributes
    ----------
    samples : int
        Samples of the chunk.
    signals : list of Sums
        Of each signal.
    reports : list of ndarray, shape (rows, columns)
        Of each report, the samples that are kept.
    """

    samples: int
    signals: list[Sums]
    reports: list[np.ndarray]


class Collection:
    """Recorders, reports and signals of the cells of this process.

    Parameters
    ----------
    model : Model
        What is kept.
    built : Built
        The model in NEURON.
    team : Team
        The processes.

    Attributes
    ----------
    recorders : dict of str to Recorder
        What is recorded of the cells of this process.
    columns : int
        Columns of the recorders of all processes.
    errands : Errands
        By which rank 0 gets what other processes hold.
    electrodes : int
        How many currents are injected into the cells of all processes.
    """

    def __init__(self, model: Model, built: Built, team: Team) -> None:
        self._model, self._built, self._team = model, built, team
        self._every, self._balance = model.record.every, model.record.balance
        recorders = recorders_of(model, built, team)
        self.recorders = recorders.everything
        self.electrodes = sum(team.exchange(recorders.electrodes))
        self._settled = recorders.settled
        instruments = instruments_of(model)
        self._parts: CurrentParts | None = None
        if any(instrument.per == CURRENT for instrument in instruments):
            # all processes have the part of electrodes, or none
            balanced = any(team.exchange("electrodes" in self.recorders))
            self._parts = CurrentParts(built.cells, team, balance=balanced)
            self.recorders |= self._parts.recorders
        self._projections: CurrentParts | None = None
        self._projection_names: list[str] = []
        if model.has_projections:
            labels = projection_labels(model, built)
            self._projections = CurrentParts(
                built.cells, team, balance=False, labels=labels, prefix="projection "
            )
            self.recorders |= self._projections.recorders
            labelled = set().union(*team.exchange(set(labels.values())))
            self._projection_names = [n for n in self._projections.names if n in labelled]
        self._groups = Groups(model, built, team) if model.groups else None
        self.errands = Errands(team)
        self._streams = [self._stream(instrument) for instrument in instruments]
        self._keeps_groups = any(instrument.per == NAMED_GROUP for instrument in instruments)
        self._shares = {
            number: KeptShares(stream, self.errands)
            for number, stream in enumerate(self._streams)
            if stream.by_cell
        }
        self._reports = list(
            chain.from_iterable(
                self._report_streams(name, recorders.units[name]) for name in recorders.stored
            )
        )
        # chunks end together on all processes, so that all must know the columns of all
        self.columns = sum(team.exchange(sum(map(len, self.recorders.values()))))
        self._writer: RecordingWriter | None = None
        # until the run is prepared nothing is known of it
        self._settings = RunSettings(tstop=1.0)
        self._signal_tracks: list[dict[str, Track]] = []

    def _stream(self, instrument: Instrument) -> Stream:
        """The signal of an instrument, of the cells of this process."""
        populations = self._built.layout.cells
        gids = list(chain.from_iterable(populations.values()))
        return Stream(
            instrument,
            cells_of(instrument, self._built.members),
            groups=group_names(instrument.per, list(populations), gids),
            count=len(gids),
            team=self._team,
            parts=self._part_names(instrument),
        )

    def _part_names(self, instrument: Instrument) -> Sequence[str]:
        """Names of the parts of the currents whose shares an instrument keeps; none of cells."""
        if self._parts is not None and instrument.per == CURRENT:
            return self._parts.names
        if self._groups is not None and instrument.per == NAMED_GROUP:
            return self._groups.names
        return self._projection_names if instrument.per == PROJECTION else ()

    def _report_streams(self, name: str, units: str) -> list[ReportStream]:
        """Reports of the populations that have the variable."""
        recorder, members = self.recorders[name], self._built.members
        having = {m.population for k, m in enumerate(members) if len(recorder.index[k])}
        # rank 0 makes the dataset, also where it has no cell with the variable
        everywhere = set().union(*self._team.exchange(having))
        return [
            ReportStream(
                name,
                units,
                population,
                recorder=recorder,
                members=members,
                team=self._team,
                errands=self.errands,
            )
            for population in self._built.layout.cells
            if population in everywhere
        ]

    def begin(self, writer: RecordingWriter) -> list[Track]:
        """Begin all datasets, on rank 0 only, and return them."""
        settings = self._settings
        self._writer = writer
        offset = settings.current_offset
        # signals keep every sample while the run goes, as a filter needs them
        self._signal_tracks = []
        for number, stream in enumerate(self._streams):
            shares = self._shares.get(number)
            pulls = None if shares is None else shares.pulls()
            tracks = begin_signal(writer, stream, settings.dt, offset, pulls=pulls)
            if shares is not None:
                shares.begin([t for t in tracks.values() if isinstance(t, PulledTrack)])
            self._signal_tracks.append(tracks)
        reports = []
        for report in self._reports:
            variable = self.recorders[report.variable].variable
            is_late = is_ionic(variable, report.units) and report.variable not in self._settled
            lag = settings.ionic_lag if is_late else None
            t_start = offset if variable == "i_membrane_" else 0.0
            dt = settings.dt * self._every
            reports.append(report.begin(writer, dt, t_start=t_start, lag=lag))
        signals = chain.from_iterable(tracks.values() for tracks in self._signal_tracks)
        return [*signals, *reports]

    @property
    def _kept(self) -> list[KeptShares | ReportStream]:
        """What processes keep until rank 0 writes it."""
        return [*self._shares.values(), *self._reports]

    @property
    def _is_asked(self) -> bool:
        """Whether rank 0 asks other processes for samples as it writes."""
        return self._team.size > 1 and bool(self._kept)

    def resume(self, checkpoint: Checkpoint) -> None:
        """Go on behind the samples of a checkpoint; called on all ranks."""
        if self._writer is not None:
            checkpoint.replay(self._writer)
        written = [kept.written() for kept in self._kept] if self._team.leads else None
        for kept, count in zip(self._kept, self._team.share(written), strict=True):
            kept.resume(checkpoint, count)

    def prepare(self, settings: RunSettings, seed: int) -> None:
        """Take note of how the run goes, and refuse filters that do not fit before it does.

        Parameters
        ----------
        settings : RunSettings
            Method, step and length of the run.
        seed : int
            Its seed.

        Raises
        ------
        LfpError
            Names the line of the probe.
        """
        self._settings = settings
        if not self._is_treated:
            return
        # scipy's filters take long to import, and few runs need them
        from lfpcli.forward.filters import check_treatment
        from lfpcli.tasks.measure.treatment import probe_treatments

        probes = self._model.probes
        treatments = probe_treatments(probes, seed, settings.dt, self._every)
        for probe, treatment in zip(probes, treatments, strict=True):
            with located(probe.source_line):
                check_treatment(treatment, settings.dt, settings.samples)

    @property
    def _is_treated(self) -> bool:
        return self._every > 1 or any(probe.treatment for probe in self._model.probes)

    def finish(self, writer: RecordingWriter, seed: int) -> None:
        """Filter and resample signals and dipoles, and add noise, once all samples are there.

        Parameters
        ----------
        writer : RecordingWriter
            Where they are.
        seed : int
            The run's seed.
        """
        if not self._is_treated:
            return
        from lfpcli.tasks.measure.treatment import probe_treatments, treat_signal

        probes = self._model.probes
        dt = self._settings.dt
        probe_wise = probe_treatments(probes, seed, dt, self._every)
        treatments = {probe.name: probe_wise[number] for number, probe in enumerate(probes)}
        # signals of other instruments, and dipoles, are thinned without aliases too
        thinned = Treatment(resample=self._every * dt if self._every > 1 else None)
        for name, signal in writer.file.get("signals", {}).items():
            treatment = treatments.get(name, thinned)
            if treatment:
                treat_signal(signal, treatment)
        if thinned:
            for moment in writer.file.get("dipole", {}).values():
                treat_signal(moment, thinned)

    def contract(self, chunk: Chunk) -> Contracted:
        """Contract a chunk; no process waits for another, and any thread may call it.

        Parameters
        ----------
        chunk : Chunk
            Samples of the recorders of this process.
        """
        blocks = dict(chunk.blocks)
        parts: dict[str, np.ndarray] = {}
        if self._parts is not None:
            parts = self._split(self._parts, blocks, chunk)
        projections: dict[str, np.ndarray] = {}
        if self._projections is not None:
            split = self._split(self._projections, blocks, chunk)
            projections = {name: split[name] for name in self._projection_names}
        if self._balance and "electrodes" in blocks:
            whole = blocks["imem"]
            blocks["imem"] = self._balanced(whole, blocks["electrodes"])
            if parts:
                parts[ELECTRODE] = blocks["imem"] - whole
        named = {CURRENT: parts, PROJECTION: projections}
        if self._groups is not None and self._keeps_groups:
            named[NAMED_GROUP] = self._groups.split(blocks["imem"])
        signals = []
        for stream in self._streams:
            shares = named[stream.instrument.per] if stream.by_current else None
            signals.append(stream.sums(blocks["imem"], shares))
        kept = slice(-chunk.first % self._every, None, self._every)
        reports = [report.columns_of(blocks[report.variable][kept]) for report in self._reports]
        return Contracted(samples=chunk.samples, signals=signals, reports=reports)

    def _split(
        self, parts: CurrentParts, blocks: dict[str, np.ndarray], chunk: Chunk
    ) -> dict[str, np.ndarray]:
        is_first = chunk.first == 0 and self._settings.warmup == 0
        return parts.split(blocks, blocks["imem"], self._settings, is_first=is_first)

    def gather(self, contracted: Contracted) -> Contracted:
        """Exchange with the other processes what they have made of the same chunk.

        Called on all ranks, in the thread that MPI belongs to.
        """
        streams = zip(self._streams, contracted.signals, strict=True)
        signals = [stream.added(sums) for stream, sums in streams]
        for number, shares in self._shares.items():
            shares.append(signals[number].cells)
        for report, rows in zip(self._reports, contracted.reports, strict=True):
            report.append(rows)
        gathered = Contracted(
            samples=contracted.samples, signals=signals, reports=contracted.reports
        )
        if self._is_asked:
            self.errands.attend(lambda: self._write(gathered))
            self._forget_written()
        return gathered

    def write(self, gathered: Contracted) -> None:
        """Write what was gathered, unless `gather` had to do so; any thread may call it."""
        if not self._is_asked and self._writer is not None:
            self._write(gathered)
            for kept in self._kept:
                kept.forget(kept.written())

    def _write(self, gathered: Contracted) -> None:
        """Append signals, and write all chunks that are whole; on rank 0."""
        assert self._writer is not None
        for k, (stream, sums) in enumerate(zip(self._streams, gathered.signals, strict=True)):
            for name, samples in stream.joined(sums).items():
                self._signal_tracks[k][name].append(samples)
        for shares in self._shares.values():
            shares.advance(gathered.samples)
        for report, rows in zip(self._reports, gathered.reports, strict=True):
            report.advance(len(rows))
        self._writer.settle()

    def _forget_written(self) -> None:
        written = [kept.written() for kept in self._kept] if self._team.leads else None
        for kept, count in zip(self._kept, self._team.share(written), strict=True):
            kept.forget(count)

    def complete(self) -> None:
        """Write all that is left; called on all ranks."""

        def finish() -> None:
            if self._writer is not None:
                self._writer.finish()

        self.errands.attend(finish)

    def _balanced(self, currents: np.ndarray, electrodes: np.ndarray) -> np.ndarray:
        """Membrane currents less the electrode currents at their segments, (n, N) nA."""
        recorder = self.recorders["electrodes"]
        first = np.cumsum([0, *(len(cell.segments) for cell in self._built.cells)])
        column = np.concatenate([first[k] + index for k, index in enumerate(recorder.index)])
        result = np.array(currents)
        # several electrodes may share a segment
        np.subtract.at(result.T, column.astype(np.int64), electrodes.T)
        return result

"""What a run keeps: reports, dipoles and signals, from the recorders to the file."""

from __future__ import annotations

from itertools import chain

import numpy as np

from lfpcli.errors import located
from lfpcli.forward.instrument import Instrument
from lfpcli.forward.treatment import Treatment
from lfpcli.io.writer import RecordingWriter, Track
from lfpcli.model import Model
from lfpcli.runtime.engine.run import Chunk
from lfpcli.runtime.engine.settings import RunSettings
from lfpcli.runtime.mpi.team import Team
from lfpcli.tasks.measure.streams import Stream, begin_signal, cells_of, group_names
from lfpcli.tasks.simulate.build import Built
from lfpcli.tasks.simulate.current_parts import ELECTRODE, CurrentParts
from lfpcli.tasks.simulate.instruments import instruments_of
from lfpcli.tasks.simulate.recorders import is_ionic, recorders_of
from lfpcli.tasks.simulate.reports import ReportStream
from lfpcli.vocabulary import CURRENT


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
    """

    def __init__(self, model: Model, built: Built, team: Team) -> None:
        self._model, self._built, self._team = model, built, team
        self._every, self._balance = model.record.every, model.record.balance
        recorders = recorders_of(model, built, team)
        self.recorders = recorders.everything
        instruments = instruments_of(model)
        self._parts: CurrentParts | None = None
        if any(instrument.per == CURRENT for instrument in instruments):
            # all processes have the part of electrodes, or none
            balanced = any(team.exchange("electrodes" in self.recorders))
            self._parts = CurrentParts(built.cells, team, balance=balanced)
            self.recorders |= self._parts.recorders
        self._streams = [self._stream(instrument) for instrument in instruments]
        self._reports = {
            name: self._report_streams(name, recorders.units[name]) for name in recorders.stored
        }
        # chunks end together on all processes, so that all must know the columns of all
        self.columns = sum(team.exchange(sum(map(len, self.recorders.values()))))
        self._writer: RecordingWriter | None = None
        # until the run is prepared nothing is known of it
        self._settings = RunSettings(tstop=1.0)
        self._signal_tracks: list[dict[str, Track]] = []
        self._report_tracks: dict[tuple[str, str], Track] = {}

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
            parts=self._parts.names if self._parts and instrument.per == CURRENT else (),
        )

    def _report_streams(self, name: str, units: str) -> list[ReportStream]:
        """Reports of the populations that have the variable."""
        recorder, members = self.recorders[name], self._built.members
        having = {m.population for k, m in enumerate(members) if len(recorder.index[k])}
        # rank 0 makes the dataset, also where it has no cell with the variable
        everywhere = set().union(*self._team.exchange(having))
        return [
            ReportStream(
                name, units, population, recorder=recorder, members=members, team=self._team
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
        self._signal_tracks = [begin_signal(writer, s, settings.dt, offset) for s in self._streams]
        self._report_tracks = {}
        for name, streams in self._reports.items():
            for stream in streams:
                self._report_tracks[name, stream.population] = stream.begin(
                    writer,
                    settings.dt * self._every,
                    t_start=offset if name == "imem" else 0.0,
                    lag=settings.ionic_lag if is_ionic(name, stream.units) else None,
                )
        signals = chain.from_iterable(tracks.values() for tracks in self._signal_tracks)
        return [*signals, *self._report_tracks.values()]

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

        writer.finish()
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

    def take(self, chunk: Chunk) -> None:
        """Contract a chunk, gather it and append it to the file."""
        blocks = dict(chunk.blocks)
        parts: dict[str, np.ndarray] = {}
        if self._parts is not None:
            parts = self._parts.split(
                blocks,
                blocks["imem"],
                self._settings,
                is_first=chunk.first == 0 and self._settings.warmup == 0,
            )
        if self._balance and "electrodes" in blocks:
            whole = blocks["imem"]
            blocks["imem"] = self._balanced(whole, blocks["electrodes"])
            if parts:
                parts[ELECTRODE] = blocks["imem"] - whole
        for k, stream in enumerate(self._streams):
            shares = parts if stream.by_current else None
            for name, samples in stream.contract(blocks["imem"], shares).items():
                self._signal_tracks[k][name].append(samples)
        kept = slice(-chunk.first % self._every, None, self._every)
        for name, streams in self._reports.items():
            for report in streams:
                gathered = report.gather(blocks[name][kept])
                if self._team.leads:
                    self._report_tracks[name, report.population].append(gathered)
        if self._writer is not None:
            self._writer.settle()

    def _balanced(self, currents: np.ndarray, electrodes: np.ndarray) -> np.ndarray:
        """Membrane currents less the electrode currents at their segments, (n, N) nA."""
        recorder = self.recorders["electrodes"]
        first = np.cumsum([0, *(len(cell.segments) for cell in self._built.cells)])
        column = np.concatenate([first[k] + index for k, index in enumerate(recorder.index)])
        result = np.array(currents)
        # several electrodes may share a segment
        np.subtract.at(result.T, column.astype(np.int64), electrodes.T)
        return result

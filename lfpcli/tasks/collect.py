"""What a run keeps: reports, dipoles and signals, from the recorders to the file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from lfpcli.io.writer import RecordingWriter, Track
from lfpcli.runtime.cell import Cell
from lfpcli.runtime.record import (
    Recorder,
    electrode_currents,
    membrane_currents,
    potentials,
    variable,
)
from lfpcli.runtime.run import Chunk
from lfpcli.runtime.team import Team
from lfpcli.tasks.reports import ReportStream
from lfpcli.tasks.streams import Measurement, Member, Stream, begin_signal, group_names

# units of recorded variables by the way NEURON names them; the rest is without
_UNITS = {"vmem": "mV", "imem": "nA"}


@dataclass(frozen=True)
class Wanted:
    """What is to be kept of a run.

    Attributes
    ----------
    measurements : sequence of Measurement
        Signals, the dipole moment among them.
    imem : bool
        Whether membrane currents are stored.
    vmem : {'none', 'soma', 'all'}
        Whose potentials are stored.
    variables : sequence of str
        Range variables to store.
    balance : bool
        Whether electrode currents are subtracted at their segments.
    every : int
        Of samples, each how-manieth is stored.
    """

    measurements: Sequence[Measurement] = ()
    imem: bool = False
    vmem: str = "soma"
    variables: Sequence[str] = ()
    balance: bool = False
    every: int = 1


class Collection:
    """Recorders, reports and signals of the cells of this process.

    Parameters
    ----------
    wanted : Wanted
        What is kept.
    cells : sequence of Cell
        The cells.
    members : sequence of Member
        The same cells as signals see them.
    everyone : mapping of str to sequence of int
        All populations with the gids of their cells, on all processes.
    team : Team
        The processes.

    Attributes
    ----------
    recorders : dict of str to Recorder
        What is recorded of the cells of this process.
    columns : int
        Columns of the recorders of all processes.
    """

    def __init__(
        self,
        wanted: Wanted,
        cells: Sequence[Cell],
        members: Sequence[Member],
        everyone: Mapping[str, Sequence[int]],
        team: Team,
    ) -> None:
        self.wanted, self._team = wanted, team
        self.recorders = _recorders(wanted, cells)
        self._cells = cells
        gids = [gid for population in everyone.values() for gid in population]
        self._streams = [
            Stream(m, members, group_names(m.per, list(everyone), gids), len(gids), team)
            for m in wanted.measurements
        ]
        self._reports = {
            name: [
                ReportStream(name, unit_of(name), population, recorder, members, team)
                for population in everyone
            ]
            for name, recorder in self._stored().items()
        }
        self.columns = sum(team.exchange(sum(map(len, self.recorders.values()))))
        self._signal_tracks: list[dict[str, Track]] = []
        self._report_tracks: dict[tuple[str, str], Track] = {}

    def _stored(self) -> dict[str, Recorder]:
        skipped = {"electrodes"} | (set() if self.wanted.imem else {"imem"})
        return {name: r for name, r in self.recorders.items() if name not in skipped}

    def begin(self, writer: RecordingWriter, dt: float) -> None:
        """Begin all datasets; on rank 0 only."""
        interval = dt * self.wanted.every
        self._signal_tracks = [begin_signal(writer, s, interval) for s in self._streams]
        self._report_tracks = {
            (name, stream.population): stream.begin(writer, interval)
            for name, streams in self._reports.items()
            for stream in streams
        }

    def take(self, chunk: Chunk) -> None:
        """Contract a chunk, gather it and append it to the file."""
        kept = slice(-chunk.first % self.wanted.every, None, self.wanted.every)
        blocks = {name: block[kept] for name, block in chunk.blocks.items()}
        if self.wanted.balance and "electrodes" in blocks:
            blocks["imem"] = self._balanced(blocks["imem"], blocks["electrodes"])
        for k, stream in enumerate(self._streams):
            for name, samples in stream.contract(blocks["imem"]).items():
                self._signal_tracks[k][name].append(samples)
        for name, streams in self._reports.items():
            for report in streams:
                gathered = report.gather(blocks[name])
                if self._team.leads:
                    self._report_tracks[name, report.population].append(gathered)

    def _balanced(self, currents: np.ndarray, electrodes: np.ndarray) -> np.ndarray:
        """Membrane currents less the electrode currents at their segments, (n, N) nA."""
        recorder = self.recorders["electrodes"]
        first = np.cumsum([0, *(len(cell.segments) for cell in self._cells)])
        column = np.concatenate([first[k] + index for k, index in enumerate(recorder.index)])
        result = np.array(currents)
        # several electrodes may share a segment
        np.subtract.at(result.T, column.astype(np.int64), electrodes.T)
        return result


def unit_of(name: str) -> str:
    """Unit of a recorded variable as NEURON states it, or the empty string."""
    from lfpcli.runtime.neuron import nrn

    return _UNITS.get(name) or str(nrn().units(name))


def _recorders(wanted: Wanted, cells: Sequence[Cell]) -> dict[str, Recorder]:
    recorders: dict[str, Recorder] = {}
    if wanted.imem or wanted.measurements:
        recorders["imem"] = membrane_currents(cells)
    if wanted.vmem != "none":
        recorders["vmem"] = potentials(cells, wanted.vmem)
    for name in wanted.variables:
        recorders[name] = variable(cells, name)
    if wanted.balance and any(cell.electrodes for cell in cells):
        recorders["electrodes"] = electrode_currents(cells)
    return recorders

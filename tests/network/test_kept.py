"""Samples that processes keep until rank 0 writes them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from lfpcli.forward.instrument import Instrument
from lfpcli.io.recording import open_recording
from lfpcli.io.tracks import PulledTrack
from lfpcli.io.writer import RecordingWriter
from lfpcli.runtime.mpi.team import Team
from lfpcli.tasks.measure.streams import Contributor, Stream, begin_signal
from lfpcli.tasks.simulate import kept
from lfpcli.tasks.simulate.kept import Errands, KeptShares, RowBuffer


def test_rows_are_those_that_came_and_the_first_are_forgotten() -> None:
    rows = np.arange(40.0).reshape(20, 2)
    buffer = RowBuffer()
    for first in range(0, 20, 3):
        buffer.append(rows[first : first + 3])
        assert np.array_equal(buffer.between(first // 2, buffer.stop), rows[first // 2 : first + 3])
        buffer.forget(first // 2)
        assert buffer.first == first // 2
    assert buffer.stop == 20
    buffer.forget(20)
    buffer.restart(7)
    buffer.append(rows[:4])
    assert np.array_equal(buffer.between(8, 10), rows[1:3])


def instrument() -> Instrument:
    return Instrument(
        name="LFP",
        units="mV",
        channels=3,
        matrix=lambda geometry: np.zeros((3, len(geometry))),
        per="cell",
    )


def test_shares_of_cells_are_written_as_they_were_summed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rng = np.random.default_rng(3)
    # two cells at once, of the samples of a chunk
    monkeypatch.setattr(kept, "BLOCK_BYTES", 2 * 1365 * 24)
    team = Team()
    matrices = [rng.normal(size=(2, 3)) for _ in range(5)]
    cells = [Contributor(share=str(gid), matrix=m) for gid, m in enumerate(matrices)]
    # cell 5 is a point neuron
    groups = [str(gid) for gid in range(6)]
    stream = Stream(instrument(), cells, groups=groups, count=6, team=team)
    shares = KeptShares(stream, Errands(team))
    currents = rng.normal(size=(3000, 10))
    path = tmp_path / "a.h5"
    with RecordingWriter(path, {}) as writer:
        tracks = begin_signal(writer, stream, 0.1, pulls=shares.pulls())
        shares.begin([track for track in tracks.values() if isinstance(track, PulledTrack)])
        writer.keep_in_step(tracks.values())
        for first in range(0, 3000, 700):
            sums = stream.sums(currents[first : first + 700])
            shares.append(sums.cells)
            tracks[""].append(stream.joined(stream.added(sums))[""])
            shares.advance(len(sums.cells))
            writer.settle()
            shares.forget(shares.written())
        assert shares.written() == 2 * 1365
    with open_recording(path) as recording:
        signal = recording.signal("LFP")
        for gid, matrix in enumerate(matrices):
            share = currents[:, 2 * gid : 2 * gid + 2] @ matrix
            np.testing.assert_allclose(signal.groups[str(gid)][:], share, rtol=0, atol=1e-13)
        assert not np.any(signal.groups["5"][:])
        np.testing.assert_allclose(
            signal.data[:], sum(signal.groups[g][:] for g in groups), rtol=0, atol=1e-13
        )

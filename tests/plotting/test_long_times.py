"""Long runs are told in seconds."""

from __future__ import annotations

import numpy as np
import pytest

from lfpcli.io.recording import Sampled, open_recording
from lfpcli.io.writer import RecordingWriter
from lfpcli.plotting.style import house_style
from lfpcli.tasks.figures.plot import draw_recording


@pytest.mark.parametrize(
    ("samples", "label", "last"), [(9_000, "time (ms)", "8000"), (90_001, "time (s)", "80")]
)
def test_units_of_time(tmp_path, samples, label, last):
    moment = np.random.default_rng(1).standard_normal((samples, 3))
    with RecordingWriter(tmp_path / "a.h5", {}) as writer:
        writer.dipole("total", Sampled(moment, "nA um", 1.0))
    with house_style(), open_recording(tmp_path / "a.h5") as recording:
        figure = draw_recording(recording)
        figure.canvas.draw()
    (ax,) = figure.axes
    assert ax.get_xlabel() == label
    assert last in [tick.get_text() for tick in ax.get_xticklabels()]

"""A recording with something of everything."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from lfpcli.geometry import Geometry
from lfpcli.io.recording import Report, Sampled, Signal
from lfpcli.io.writer import RecordingWriter

SAMPLES = 1600
DT = 0.0625


@pytest.fixture(scope="module")
def recording(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """100 ms of a signal of 4 contacts with shares, a dipole, a report and spikes."""
    rng = np.random.default_rng(5)
    path = tmp_path_factory.mktemp("convert") / "in.h5"
    start = rng.normal(size=(6, 3)) * 50
    geometry = Geometry(
        start=start,
        end=start + 10.0,
        diam=np.ones(6),
        gid=np.repeat([0, 1], 3),
        section=np.array([0, 1, 1, 0, 1, 1]),
        parent=np.array([-1, 0, 1, -1, 3, 4]),
        x=np.array([0.5, 0.25, 0.75, 0.5, 0.25, 0.75]),
        section_names=["soma[0]", "dend[0]"],
    )
    share = rng.normal(size=(SAMPLES, 4)) * 0.02
    total = share + rng.normal(size=(SAMPLES, 4)) * 0.03
    with RecordingWriter(path, {"program": "lfp", "command": ["lfp", "sim"]}) as writer:
        writer.geometry("E", geometry)
        writer.spikes("E", np.array([3.0, 10.5, 10.5, 40.0]), np.array([0, 1, 0, 1]))
        writer.signal(
            "LFP",
            Signal(
                data=total,
                units="mV",
                dt=DT,
                positions=np.array([[20.0, 0, z] for z in (-50, 0, 50, 100)]),
                names=["a", "b", "c", "d"],
                model="line source",
                parameters={"sigma": 0.3},
                groups={"E": share},
            ),
        )
        writer.dipole("total", Sampled(rng.normal(size=(SAMPLES, 3)), "nA um", DT))
        report = Report(
            data=rng.normal(size=(SAMPLES, 6)),
            units="nA",
            dt=DT,
            node_ids=np.array([0, 1]),
            pointers=np.array([0, 3, 6]),
            element_ids=geometry.section,
            element_pos=geometry.x,
        )
        writer.report("imem", "E", report)
    return path

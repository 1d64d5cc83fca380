"""Templates of Gaussian shape, whose values between samples are known."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from gaussian_templates import BEFORE, DT, SAMPLES, amplitudes, shape

from lfpcli.forward.contacts import Contacts
from lfpcli.forward.placements import Placements
from lfpcli.io.templates import TemplateWriter


@pytest.fixture
def write_templates(tmp_path: Path) -> Callable[..., Path]:
    """Write templates of Gaussian shape; the depths of unit k are row k of `amplitudes`."""

    def write(
        name: str = "templates.h5",
        *,
        units: int = 6,
        contacts: int = 4,
        steps: int = 1,
        **changes: Any,
    ) -> Path:
        count = units * steps
        positions = np.zeros((count, 3))
        positions[:, 0] = 60.0 * np.repeat(np.arange(units), steps)
        positions[:, 2] = 10.0 * np.tile(np.arange(steps), units)
        places = np.column_stack(
            [np.zeros(contacts), np.zeros(contacts), 25.0 * np.arange(contacts)]
        )
        facts = {"dt": DT, "t_start": -BEFORE * DT, "gid": 0, "spikes": 3, "model": "line source"}
        facts.update(changes)
        path = tmp_path / name
        with TemplateWriter(path, {}) as writer:
            data = writer.begin(
                Placements(positions, np.tile(np.eye(3), (count, 1, 1))),
                Contacts(places),
                np.zeros(0, [("placement", int)]),
                samples=SAMPLES,
                facts=facts,
            )
            moments = DT * (np.arange(SAMPLES) - BEFORE)
            depth = np.repeat(amplitudes(units, contacts), steps, axis=0)
            # along a path a cell fades
            depth *= (1.0 - 0.1 * np.tile(np.arange(steps), units))[:, None]
            data[...] = depth[:, :, None] * shape(moments)
            if steps > 1:
                writer.file["units"] = np.repeat(np.arange(units), steps)
                writer.file["steps"] = np.tile(np.arange(steps), units)
        return path

    return write


@pytest.fixture
def write_trains(tmp_path: Path) -> Callable[..., Path]:
    """Write spikes of trains."""
    from lfpcli.io.writer import RecordingWriter

    def write(
        trains: dict[str, list[list[float]]], duration: float = 500.0, name: str = "trains.h5"
    ) -> Path:
        path = tmp_path / name
        first = 0
        with RecordingWriter(path, {}) as writer:
            for population, members in trains.items():
                times = np.concatenate([np.array(train, float) for train in members])
                ids = np.repeat(np.arange(len(members)), [len(train) for train in members])
                writer.spikes(population, times, ids + first)
                writer.file[f"spikes/{population}"].attrs["size"] = len(members)
                writer.file[f"spikes/{population}"].attrs["first_id"] = first
                writer.file[f"spikes/{population}"].attrs["duration"] = duration
                first += len(members)
        return path

    return write

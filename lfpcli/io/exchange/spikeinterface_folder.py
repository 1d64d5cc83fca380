"""SpikeInterface's folders: a recording with its probe, and a sorting."""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np
import probeinterface
import spikeinterface.core as si

from lfpcli.errors import UsageError
from lfpcli.io.exchange.contents import (
    Contents,
    Target,
    Traces,
    check_distinct,
    only_traces,
    plane_axes,
    with_covered_spikes,
)


def write(contents: Contents, path: Path, target: Target) -> None:
    """Write ``recording/`` (binary, uV) and ``sorting/``, which ``spikeinterface.load`` opens.

    Parameters
    ----------
    contents : Contents
        One signal in mV with the places of its contacts, and spikes.
    path : Path
        The folder, which is there and empty.
    target : Target
        The type of the samples.

    Raises
    ------
    UsageError
        Where there is not one signal of potentials.
    """
    rate = None
    if contents.traces:
        traces = only_traces(contents, "SpikeInterface")
        rate = 1000.0 / traces.dt
        contents = with_covered_spikes(contents, traces, "spikeinterface")
        check_distinct(traces, "SpikeInterface")
        _write_recording(traces, path / "recording", target.dtype)
    if contents.trains:
        if rate is None:
            raise UsageError(
                "a sorting needs a sampling rate", remedy="choose a signal with --signal"
            )
        with warnings.catch_warnings():
            # a sorting that was in memory has no file that it could name as its source
            warnings.filterwarnings("ignore", message="The extractor is not serializable")
            _sorting(contents, rate).save(folder=path / "sorting")


def to_recording(traces: Traces) -> si.BaseRecording:
    """Return one signal in memory, in uV, with its probe."""
    values = traces.in_units("uV").samples.array()
    recording = si.NumpyRecording(
        [values], sampling_frequency=1000.0 / traces.dt, channel_ids=traces.channels
    )
    return _with_probe(recording, traces)


def _write_recording(traces: Traces, folder: Path, dtype: str) -> None:
    values = traces.in_units("uV").samples
    rate = 1000.0 / traces.dt
    spool = folder.with_name("traces.raw")
    with spool.open("wb") as file:
        for _, block in values.blocks():
            file.write(np.ascontiguousarray(block, dtype=dtype).tobytes())
    recording = si.BinaryRecordingExtractor(
        [spool],
        sampling_frequency=rate,
        dtype=dtype,
        num_channels=values.shape[1],
        channel_ids=traces.channels,
        gain_to_uV=1.0,
        offset_to_uV=0.0,
    )
    recording = _with_probe(recording, traces)
    recording.save(folder=folder, verbose=False, progress_bar=False)
    spool.unlink()


def _with_probe(recording: si.BaseRecording, traces: Traces) -> si.BaseRecording:
    if traces.positions is None:
        return recording
    # releases before 0.104 return another recording, later ones change this one
    return recording.set_probe(_probe(traces)) or recording


def _probe(traces: Traces) -> probeinterface.Probe:
    """The contacts in their plane where they lie in one along two axes, else in space."""
    assert traces.positions is not None
    axes = plane_axes(traces.positions)
    probe = probeinterface.Probe(ndim=len(axes), si_units="um")
    probe.set_contacts(
        positions=traces.positions[:, axes],
        shapes="circle",
        shape_params={"radius": 5.0},
        # of contacts in space it must be told how their circles lie: across z
        plane_axes=np.tile(np.eye(2, 3), (len(traces.channels), 1, 1)) if len(axes) == 3 else None,
    )
    probe.set_contact_ids(traces.channels)
    probe.set_device_channel_indices(np.arange(len(traces.channels)))
    return probe


def _sorting(contents: Contents, rate: float) -> si.BaseSorting:
    """All units, silent ones too, with their types, places and amplitudes where they are known."""
    frames_of = {}
    start, last = contents.traces[0].t_start, contents.traces[0].samples.shape[0] - 1
    for trains in contents.trains:
        for gid, times in contents.members(trains).items():
            frames = np.round((times - start) * rate / 1000.0).astype(np.int64)
            # a spike after the middle of the last step is on no sample
            frames_of[f"{trains.population}.{gid}"] = np.minimum(frames, last)
    sorting = si.NumpySorting.from_unit_dict([frames_of], sampling_frequency=rate)
    units = contents.units
    if units is None:
        return sorting
    names = [f"{name}.{i}" for name, i in zip(units.populations, units.ids, strict=True)]
    properties = {
        "population": np.array(units.populations),
        "cell_type": np.array(units.cell_types),
        "gt_unit_locations": units.positions,
        "amplitude_uV": 1e3 * units.troughs.max(axis=1),
    }
    order = [names.index(str(name)) for name in sorting.unit_ids if str(name) in names]
    if len(order) == len(names) == len(sorting.unit_ids):
        for key, values in properties.items():
            sorting.set_property(key, values[order])
    return sorting

"""Files of other tools as recordings."""

from __future__ import annotations

import json
from pathlib import Path

import h5py
import numpy as np
import pytest

from lfpcli.io.recording import open_recording


def back(lfp, source: Path, tmp_path: Path, *arguments: object) -> Path:
    target = tmp_path / "back.h5"
    lfp("convert", "-q", "-f", source, target, *arguments)
    return target


def test_what_the_recording_holds_stays(lfp, shell, recording, tmp_path):
    same = back(lfp, recording, tmp_path)
    assert shell("diff", "--exact", recording, same).code == 0


@pytest.mark.parametrize("name", ["a.nwb", "sonata/LFP_ecp.h5"])
def test_round_trips_keep_samples(lfp, recording, tmp_path, name):
    if name.endswith(".nwb"):
        pytest.importorskip("pynwb")
        lfp("convert", "-q", recording, tmp_path / name)
    else:
        lfp("convert", "-q", recording, tmp_path / "sonata", "--to", "sonata")
    target = back(lfp, tmp_path / name, tmp_path)
    with open_recording(recording) as old, open_recording(target) as other:
        got = other.signal("LFP" if name == "a.nwb" else "ecp")
        np.testing.assert_allclose(got.data[:], old.signal("LFP").data[:], rtol=1e-15)
        assert (got.dt, got.t_start, got.units) == (0.0625, 0.0, "mV")


def test_spikes_as_gdf_and_back(lfp, recording, tmp_path):
    lfp("convert", "-q", recording, tmp_path / "E.gdf")
    target = back(lfp, tmp_path / "E.gdf", tmp_path)
    with open_recording(recording) as old, open_recording(target) as other:
        for ours, theirs in zip(old.spikes("E"), other.spikes("E"), strict=True):
            assert np.array_equal(ours, theirs)


def test_bmtk_rows_begin_one_step_late(lfp, tmp_path):
    with h5py.File(tmp_path / "ecp.h5", "w") as file:
        file["ecp/data"] = np.arange(12.0).reshape(6, 2)
        file["ecp/data"].attrs["units"] = "mV"
        file["ecp/time"] = [0.0, 0.6, 0.1]
        file["ecp/channel_id"] = [0, 1]
    with open_recording(back(lfp, tmp_path / "ecp.h5", tmp_path)) as file:
        assert file.signal("ecp").t_start == pytest.approx(0.1)
        assert file.signal("ecp").data.shape == (6, 2)


def test_files_of_lfpy(lfp, tmp_path):
    with h5py.File(tmp_path / "o.h5", "w") as file:
        file["LineSourcePotential"] = np.arange(6.0).reshape(2, 3)
    wrong = lfp("convert", tmp_path / "o.h5", tmp_path / "x.h5", code=2)
    assert "give --dt MS" in wrong.err
    with open_recording(back(lfp, tmp_path / "o.h5", tmp_path, "--dt", "0.1")) as file:
        assert file.signal("LineSourcePotential").data[:].tolist() == [[0, 3], [1, 4], [2, 5]]


def test_hybridlfpy_turns_channels(lfp, tmp_path):
    with h5py.File(tmp_path / "o.h5", "w") as file:
        file["data"] = np.arange(40.0).reshape(2, 20)
        file["srate"] = 1000.0
    with open_recording(back(lfp, tmp_path / "o.h5", tmp_path)) as file:
        signal = file.signal("o")
        assert signal.data.shape == (20, 2)
        assert signal.dt == 1.0


def test_dipoles_of_hnn(lfp, tmp_path):
    rows = [f"{0.025 * k:.4f} {k * 1e-3:.6f} {k * 4e-4:.6f} {k * 6e-4:.6f}" for k in range(40)]
    (tmp_path / "dpl.txt").write_text("\n".join(rows))
    with open_recording(back(lfp, tmp_path / "dpl.txt", tmp_path)) as file:
        moment = file.dipole("total")
        assert moment.dt == pytest.approx(0.025)
        np.testing.assert_allclose(moment.data[:, 2], 1e3 * np.arange(40))
        assert file.dipole_groups == ["L2", "L5", "total"]


def test_netpyne_counts_depth_downwards(lfp, tmp_path):
    tree = {
        "simConfig": {"recordStep": 0.1, "recordLFP": [[1, 20, 3]]},
        "simData": {"LFP": [[1.0], [2.0]], "spkt": [5.0, 1.0], "spkid": [0, 2]},
    }
    (tmp_path / "o.json").write_text(json.dumps(tree))
    with open_recording(back(lfp, tmp_path / "o.json", tmp_path)) as file:
        assert file.signal("LFP").positions.tolist() == [[1.0, -20.0, 3.0]]
        assert file.spikes("cells")[0].tolist() == [1.0, 5.0]


def test_recordings_of_mearec(lfp, tmp_path):
    with h5py.File(tmp_path / "r.h5", "w") as file:
        file.attrs["mearec_version"] = "1.11.0"
        file["recordings"] = np.array([[1, 2], [3, 4], [5, 6]], "i2")
        file["recordings"].attrs["gain_to_uV"] = 0.5
        file["channel_positions"] = [[0.0, 0, 0], [0, 0, 20]]
        file["info/recordings/fs"] = 32000.0
        file["spiketrains/0/times"] = [0.002]
    with open_recording(back(lfp, tmp_path / "r.h5", tmp_path)) as file:
        signal = file.signal("recordings")
        np.testing.assert_allclose(signal.data[:], np.array([[1, 2], [3, 4], [5, 6]]) * 5e-4)
        assert signal.dt == 1 / 32
        assert file.spikes("units")[0].tolist() == [2.0]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (b"{", "is no JSON"),
        (b"0.1 2\n0.2 x\n", "o.txt:2"),
        (b"{}", "has no simData"),
    ],
)
def test_bad_files_are_named(lfp, tmp_path, text, message):
    (tmp_path / "o.txt").write_bytes(text)
    ran = lfp("convert", tmp_path / "o.txt", tmp_path / "x.h5", code=3)
    assert message in ran.err
    assert not (tmp_path / "x.h5").exists()


def test_unknown_hdf5_names_the_formats(lfp, tmp_path):
    with h5py.File(tmp_path / "o.h5", "w") as file:
        file["x"] = 1
    ran = lfp("convert", tmp_path / "o.h5", tmp_path / "x.h5", code=3)
    assert "--from" in ran.err

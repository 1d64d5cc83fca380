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


def test_networks_of_lfpy_number_their_probes(lfp, tmp_path):
    fields = [("imem", float), ("icap", float), ("E", float), ("I", float)]
    table = np.zeros((2, 4), fields)
    for number, (field, _) in enumerate(fields):
        table[field] = np.arange(8.0).reshape(2, 4) + 10 * number
    moment = np.zeros((3, 4), fields)
    moment["imem"], moment["E"] = 5.0, 3.0
    with h5py.File(tmp_path / "OUTPUT.h5", "w") as file:
        file["LineSourcePotential0"] = table
        file["LaminarCurrentSourceDensity0"] = table
        file["CurrentDipoleMoment0"] = moment
    with open_recording(back(lfp, tmp_path / "OUTPUT.h5", tmp_path, "--dt", 0.1)) as file:
        signal = file.signal("LineSourcePotential0")
        assert signal.units == "mV"
        assert signal.groups["E"][:].tolist() == table["E"].T.tolist()
        shares = {"icap": "current", "E": "population", "I": "population"}
        assert signal.shares == shares
        assert file.signal("LaminarCurrentSourceDensity0").units == "nA/um3"
        assert file.dipole_groups == ["E", "I", "total"]
        assert file.dipole("total").data[:].tolist() == [[5.0] * 3] * 4
        assert file.dipole("E").share == "population"


@pytest.mark.parametrize(
    ("name", "units"),
    [
        ("RecExtElectrode", "mV"),
        ("OneSphereVolumeConductor", "mV"),
        ("VolumetricCurrentSourceDensity", "nA/um3"),
    ],
)
def test_units_of_lfpykit(lfp, tmp_path, name, units):
    with h5py.File(tmp_path / "o.h5", "w") as file:
        file[name] = np.arange(6.0).reshape(2, 3)
    with open_recording(back(lfp, tmp_path / "o.h5", tmp_path, "--dt", "0.1")) as file:
        assert file.signal(name).units == units


@pytest.mark.parametrize(
    ("name", "signal", "units"),
    [
        ("EX_population_LaminarCurrentSourceDensity", "", "nA/um3"),
        ("CSDsum", "", "nA/um3"),
        ("LFPsum", "", "mV"),
        ("CurrentDipoleMoment_sum", "total", "nA um"),
        ("EX_population_CurrentDipoleMoment", "EX", "nA um"),
    ],
)
def test_files_of_hybridlfpy_tell_their_unit_by_name(lfp, tmp_path, name, signal, units):
    with h5py.File(tmp_path / f"{name}.h5", "w") as file:
        file["data"] = np.arange(60.0).reshape(3, 20)
        file["srate"] = 1000.0
    with open_recording(back(lfp, tmp_path / f"{name}.h5", tmp_path)) as file:
        sampled = file.dipole(signal) if signal else file.signal(name)
        assert sampled.units == units
        assert sampled.data[1].tolist() == [1.0, 21.0, 41.0]


def test_tables_and_hdf5_of_hnn(lfp, tmp_path):
    rows = [f"{0.025 * k:.3f},{k}e-3,{k}e-4,{9 * k}e-4" for k in range(40)]
    (tmp_path / "dpl.csv").write_text("\n".join(["times,agg,L2,L5", *rows]), encoding="utf-8")
    with h5py.File(tmp_path / "dpl.hdf5", "w") as file:
        file["h5io/key_times"] = 0.025 * np.arange(40)
        for label, factor in (("agg", 1e-3), ("L2", 1e-4), ("L5", 9e-4)):
            file[f"h5io/key_data/key_{label}"] = factor * np.arange(40)
    for name in ("dpl.csv", "dpl.hdf5"):
        with open_recording(back(lfp, tmp_path / name, tmp_path)) as file:
            assert file.dipole("total").dt == pytest.approx(0.025)
            np.testing.assert_allclose(file.dipole("total").data[:, 2], 1e3 * np.arange(40))
            np.testing.assert_allclose(file.dipole("L5").data[:, 2], 9e2 * np.arange(40))


def test_populations_and_dipoles_of_netpyne(lfp, tmp_path):
    tree = {
        "simConfig": {"recordStep": 0.05},
        "net": {"pops": {"E": {"cellGids": [0, 1]}, "I": {"cellGids": [5]}, "N": {"tags": {}}}},
        "simData": {
            "dipoleSum": [[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]],
            "spkt": [5.0, 1.0, 2.0],
            "spkid": [0, 5, 9],
        },
    }
    (tmp_path / "o.json").write_text(json.dumps(tree))
    with open_recording(back(lfp, tmp_path / "o.json", tmp_path)) as file:
        assert file.dipole("total").data[1].tolist() == [4.0, 5.0, 6.0]
        assert file.dipole("total").dt == 0.05
        assert file.spike_populations == ["E", "I", "cells"]
        assert file.spikes("I")[1].tolist() == [5]
        assert file.spikes("cells")[1].tolist() == [9]


def test_spikes_of_sonata_without_populations(lfp, tmp_path):
    with h5py.File(tmp_path / "spikes.h5", "w") as file:
        file["spikes/timestamps"] = [3.0, 1.0]
        file["spikes/gids"] = np.array([7, 2], np.uint64)
    with open_recording(back(lfp, tmp_path / "spikes.h5", tmp_path)) as file:
        assert [values.tolist() for values in file.spikes("cells")] == [[1.0, 3.0], [2, 7]]


def test_reports_keep_the_sections_of_chosen_columns(lfp, recording, tmp_path):
    # columns in another order, of which none is of the first section of its cell
    chosen = "1.dend[0](0.75),0.dend[0](0.25),1.dend[0](0.25)"
    options = ("--to", "sonata", "--signal", "imem/E", "--channels", chosen)
    lfp("convert", "-q", recording, tmp_path / "out", *options)
    with (
        h5py.File(tmp_path / "out" / "imem_E.h5") as file,
        open_recording(recording) as original,
    ):
        mapping = file["report/E/mapping"]
        assert mapping["node_ids"][:].tolist() == [0, 1]
        assert mapping["index_pointers"][:].tolist() == [0, 1, 3]
        assert mapping["element_ids"][:].tolist() == [1, 1, 1]
        assert mapping["element_pos"][:].tolist() == [0.25, 0.75, 0.25]
        samples = original.report("imem", "E").data[:][:, [1, 5, 4]]
        assert np.array_equal(file["report/E/data"][:], samples.astype("f4"))


@pytest.fixture
def nwb_file(tmp_path):
    """An NWB file, and what writes it."""
    pynwb = pytest.importorskip("pynwb")
    from datetime import datetime, timezone

    file = pynwb.NWBFile(
        session_description="x",
        identifier="x",
        session_start_time=datetime(2020, 1, 1, tzinfo=timezone.utc),
    )

    def write():
        with pynwb.NWBHDF5IO(tmp_path / "in.nwb", "w") as stream:
            stream.write(file)
        return tmp_path / "in.nwb"

    return file, write


def electrodes_of(file, count):
    device = file.create_device(name="probe")
    group = file.create_electrode_group(name="g", description="g", location="x", device=device)
    for number in range(count):
        file.add_electrode(group=group, location="x", x=0.0, y=0.0, z=20.0 * number)
    return file.create_electrode_table_region(region=list(range(count)), description="all")


def test_nwb_interfaces_columns_and_gains(lfp, nwb_file, tmp_path):
    from pynwb import TimeSeries
    from pynwb.ecephys import LFP, ElectricalSeries

    file, write = nwb_file
    samples = np.arange(20.0).reshape(10, 2)
    interface = LFP(name="LFP")
    file.add_acquisition(interface)
    series = ElectricalSeries(
        name="lfp",
        data=samples,
        electrodes=electrodes_of(file, 2),
        # clocks jitter
        timestamps=np.arange(10) * 1e-3 + np.array([0, 1e-6] * 5),
        conversion=1e-6,
        channel_conversion=[1.0, 2.0],
    )
    interface.add_electrical_series(series)
    file.add_acquisition(TimeSeries(name="one", data=np.arange(5.0), unit="mV", rate=100.0))
    with open_recording(back(lfp, write(), tmp_path)) as recorded:
        signal = recorded.signal("lfp")
        np.testing.assert_allclose(signal.data[:], samples * [1e-3, 2e-3])
        assert signal.dt == pytest.approx(1.0, abs=1e-3)
        assert signal.positions[:, 2].tolist() == [0.0, 20.0]
        assert recorded.signal("one").data[:].tolist() == [[0], [1], [2], [3], [4]]


@pytest.mark.parametrize(
    ("series", "text"),
    [
        ({"offset": 0.5, "rate": 1000.0}, "has an offset of 0.5"),
        ({"timestamps": [0.0, 0.001, 0.002, 0.007]}, "no even steps"),
    ],
)
def test_nwb_series_that_would_come_out_wrong(lfp, nwb_file, tmp_path, series, text):
    from pynwb import TimeSeries

    file, write = nwb_file
    file.add_acquisition(TimeSeries(name="a", data=np.ones((4, 1)), unit="mV", **series))
    said = lfp("convert", write(), tmp_path / "x.h5", code=3)
    assert text in said.err
    assert not (tmp_path / "x.h5").exists()

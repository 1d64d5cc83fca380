"""Lead fields of SimNIBS: an infinite medium as a head, and files that are none."""

from __future__ import annotations

from pathlib import Path

import eeg_recordings as made
import h5py
import numpy as np
import pytest

from lfpcli.errors import InputError
from lfpcli.io.head_model import load_head_model

ELECTRODES = np.array([[0.0, 0, 90], [60, 0, 60], [0, -60, 60], [-70, 10, 40]])
FIELD = "mesh_leadfield/leadfields/tdcs_leadfield"
SIGMA = 0.3


def electric_field(nodes: np.ndarray) -> np.ndarray:
    """Of 1 A from each electrode but the first to the first, V/m at nodes in mm; (E - 1, S, 3)."""
    fields = []
    for electrode in ELECTRODES:
        away = 1e-3 * (nodes - electrode)
        fields.append(away / np.linalg.norm(away, axis=1)[:, None] ** 3 / (4 * np.pi * SIGMA))
    return np.array([field - fields[0] for field in fields[1:]])


def simnibs(path: Path, *, elements: bool = False, **attributes: object) -> Path:
    nodes = np.random.default_rng(1).uniform(-30, 30, (30, 3))
    corners = np.column_stack(
        [np.arange(1, 28), np.arange(2, 29), np.arange(3, 30), np.full(27, -1)]
    )
    places = nodes[corners[:, :3] - 1].mean(axis=1) if elements else nodes
    with h5py.File(path, "w") as file:
        file["mesh_leadfield/nodes/node_coord"] = nodes
        file["mesh_leadfield/elm/node_number_list"] = corners
        file["mesh_leadfield/elm/elm_type"] = np.full(27, 2)
        file[FIELD] = electric_field(places)
        names = [b"Cz", b"C4", b"Pz", b"T7"]
        known = {"electrode_names": names, "reference_electrode": "Cz", "field": "E"}
        known |= {"electrode_pos": ELECTRODES, "units": "V/m", "current": "1A", **attributes}
        for name, value in known.items():
            if value is not None:
                file[FIELD].attrs[name] = value
    return path


@pytest.mark.parametrize("elements", [False, True])
def test_dipoles_have_their_potentials(tmp_path: Path, elements: bool) -> None:
    head = load_head_model(simnibs(tmp_path / "lead.hdf5", elements=elements))
    assert list(head.names) == ["Cz", "C4", "Pz", "T7"]
    assert head.electrodes == pytest.approx(1e3 * ELECTRODES)
    moment = np.array([1.0, -2.0, 0.5])
    for source in (0, 20):
        away = 1e3 * ELECTRODES - head.positions[source]
        # mV of nA um, um and S/m
        expected = away @ moment / (4 * np.pi * SIGMA * np.linalg.norm(away, axis=1) ** 3)
        found = head.get_transformation_matrix(source) @ moment
        assert found == pytest.approx(expected - expected[0], rel=1e-12)


def test_eeg_of_a_recording(lfp, tmp_path: Path) -> None:
    run = made.recording(tmp_path / "run.h5")
    head = simnibs(tmp_path / "lead.hdf5")
    place = ",".join(f"{c:g}" for c in load_head_model(head).positions[3])
    options = ("--model", "lead-field", "--head-model", head, f"--position={place}")
    lfp("eeg", run.path, *options, "-o", tmp_path / "eeg.h5")
    with h5py.File(tmp_path / "eeg.h5") as file:
        (signal,) = file["signals"].values()
        assert signal["data"].shape[1] == 4 and np.abs(signal["data"][()]).max() > 0


@pytest.mark.parametrize(
    ("attributes", "fault"),
    [
        ({"field": "J"}, "attribute 'field' is 'J', expected 'E'"),
        ({"units": "mV/mm"}, "attribute 'units' is 'mV/mm'"),
        ({"current": "1mA"}, "attribute 'current'"),
        ({"electrode_names": [b"Cz", b"C4"]}, "has 3 fields for 2 electrodes"),
        ({"electrode_pos": None}, "expected one less"),
        ({"reference_electrode": "C4"}, "another reference"),
    ],
)
def test_other_files_are_refused(tmp_path: Path, attributes: dict, fault: str) -> None:
    with pytest.raises(InputError, match=fault):
        load_head_model(simnibs(tmp_path / "lead.hdf5", **attributes))

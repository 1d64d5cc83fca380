"""Cells as users of the library make them: leak, temperature, LFPykit's models."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from lfpcli.io.recording import open_recording


def test_passive_means_the_same_everywhere(
    neuron_process, shell, share: Path, tmp_path: Path
) -> None:
    path = share / "morphologies/ball_and_stick.swc"

    def model(results, path) -> None:
        from lfpcli import Cell

        cells = [Cell(path, passive=p) for p in (True, {"g": 1e-4}, {"g_pas": 1e-4, "e_pas": -60})]
        cells.append(Cell(path, passive=True, v_init=-65.0))
        results["g"] = [cell.sections[0].g_pas for cell in cells]
        results["e"] = [cell.sections[0].e_pas for cell in cells]
        results["v"] = [cell.settings.v_init for cell in cells]

    got = neuron_process(
        model,
        path=str(path),
    )
    assert got["g"].tolist() == [1e-3, 1e-4, 1e-4, 1e-3]
    assert got["e"].tolist() == [-70, -70, -60, -70]
    assert got["v"].tolist() == [-70, -70, -60, -65]
    options = {(): (1e-3, -70), ("g=1e-4,e=-65",): (1e-4, -65), ("g=1e-4",): (1e-4, -70)}
    for k, (values, (g, e)) in enumerate(options.items()):
        out = tmp_path / f"{k}.h5"
        shell("sim", path, "--tstop", 1, "-o", out, "--passive", *values)
        with open_recording(out) as recording:
            model = recording.provenance["model"]
            (pas,) = model["cell"]["cell"]["mechanism"]
            assert (pas["g"], pas["e"], model["run"]["v_init"]) == (g, e, e)
    shell("sim", path, "--tstop", 1, "-o", out, "--force", "--passive", "--v-init", -65)
    with open_recording(out) as recording:
        assert json.loads(json.dumps(recording.provenance["model"]))["run"]["v_init"] == -65


def test_temperature_that_code_sets_holds(neuron_process, share: Path) -> None:
    def model(results, path) -> None:
        from lfpcli import Cell
        from lfpcli.runtime.neuron import nrn

        h = nrn()

        def warm(cell):
            h.celsius, h.v_init = 37, -80

        usual = Cell(path)
        usual.simulate(tstop=1.0, celsius=20.0)
        results["after"] = h.celsius
        cells = [usual, Cell(path, custom_fun=[warm]), Cell(path, custom_fun=[warm], celsius=6.3)]
        results["celsius"] = [cell.settings.celsius for cell in cells]
        results["v_init"] = [cell.settings.v_init for cell in cells]

    got = neuron_process(
        model,
        path=str(share / "morphologies/stick.swc"),
    )
    # one cell's run sets nothing for the next
    assert got["after"] == 6.3
    assert got["celsius"].tolist() == [6.3, 37, 6.3]
    assert got["v_init"].tolist() == [-65, -80, -80]


def deleted(results, keep) -> None:
    from lfpcli import Cell, Synapse
    from lfpcli.errors import SimulatorError
    from lfpcli.runtime.neuron import nrn

    h = nrn()
    kept, somav = [], []
    for _ in range(3):
        h("forall delete_section()")
        soma, dend = h.Section(name="soma"), h.Section(name="dend")
        dend.connect(soma(0.5), 0)
        cell = Cell([soma, dend], passive=True, tstop=10.0)
        synapse = Synapse(cell, 1, "ExpSyn", weight=0.01, tau=5.0, e=0.0)
        synapse.set_spike_times([1.0])
        cell.simulate(rec_imem=True, rec_vmem=True)
        somav.append(cell.somav)
        if keep:
            kept.append(cell)
    results["somav"] = somav
    if keep:
        try:
            kept[0].simulate()
        except SimulatorError as error:
            results["error"] = str(error)


@pytest.mark.parametrize("keep", [False, True])
def test_deleted_sections_do_no_harm(neuron_process, keep: bool) -> None:
    got = neuron_process(deleted, keep=keep)
    assert np.ptp(got["somav"], axis=0).max() == 0
    assert got["somav"].max() > -69.9
    if keep:
        assert "the sections of this cell were deleted" in str(got["error"])


def test_models_of_lfpykit_take_the_cell(neuron_process, share: Path) -> None:
    pytest.importorskip("lfpykit")

    def model(results, path) -> None:
        import warnings

        warnings.simplefilter("ignore")
        import lfpykit

        import lfpcli

        cell = lfpcli.Cell(path, passive=True, tstop=2.0)
        cell.set_pos(0, 0, 100)
        x, zero = np.array([50.0]), np.zeros(1)
        grid = {"x": np.linspace(-9, 9, 2), "y": np.linspace(-9, 9, 2), "z": np.linspace(0, 99, 3)}
        models = [
            lfpykit.LinearModel(cell),
            lfpykit.CurrentDipoleMoment(cell),
            lfpykit.LineSourcePotential(cell, x, zero, zero),
            lfpykit.RecExtElectrode(cell, x=x, y=zero, z=zero),
            lfpykit.LaminarCurrentSourceDensity(
                cell, z=np.array([[0.0, 500.0]]), r=np.array([500.0])
            ),
            lfpykit.VolumetricCurrentSourceDensity(cell, **grid),
        ]
        cell.simulate(models)
        results["dimensions"] = [model.data.ndim for model in models]
        results["shape"] = models[-1].data.shape
        before = cell.z.copy()
        electrode = lfpykit.RecMEAElectrode(
            cell, x=x, y=zero, z=zero, h=3000.0, squeeze_cell_factor=0.1
        )
        cell.simulate([electrode])
        results["squeezed"] = np.ptp(cell.z) / np.ptp(before)
        results["length"] = np.abs(
            cell.length
            - np.hypot(
                np.hypot(*(np.diff(axis)[:, 0] for axis in (cell.x, cell.y))), np.diff(cell.z)[:, 0]
            )
        ).max()

    got = neuron_process(
        model,
        path=str(share / "morphologies/ball_and_stick.swc"),
    )
    assert got["dimensions"].tolist() == [2, 2, 2, 2, 2, 4]
    assert got["shape"].tolist()[:3] == [1, 1, 2]
    assert got["squeezed"] == pytest.approx(0.9)
    assert got["length"] < 1e-9

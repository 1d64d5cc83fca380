"""Scripts of LFPy's users give the same with one import changed."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

ROOT = Path(__file__).parents[2]
MODULES = ("LFPy", "lfpcli.compat.lfpy")
Process = Callable[..., dict[str, np.ndarray]]


def cell_script(results: dict[str, Any], module: str, morphology: str) -> None:
    """A cell with synapses, a clamp, and instruments, as the examples of LFPy have it."""
    import importlib

    import numpy as np

    LFPy = importlib.import_module(module)
    cell = LFPy.Cell(
        morphology=morphology,
        v_init=-65.0,
        cm=1.0,
        Ra=150,
        passive=True,
        passive_parameters={"g_pas": 1 / 30000, "e_pas": -65},
        dt=2**-4,
        tstart=-10,
        tstop=40,
        nsegs_method="lambda_f",
        lambda_f=200.0,
        pt3d=True,
    )
    cell.set_pos(x=10, y=-20, z=5)
    cell.set_rotation(x=0.3, y=1.2, z=-0.4)
    synapse = LFPy.Synapse(
        cell,
        idx=cell.get_closest_idx(z=400),
        syntype="ExpSyn",
        e=0.0,
        tau=2.0,
        weight=0.01,
        record_current=True,
        record_potential=True,
    )
    synapse.set_spike_times(np.array([5.0, 20.0]))
    clamp = LFPy.StimIntElectrode(
        cell, idx=0, pptype="IClamp", amp=0.1, delay=2.0, dur=10.0, record_current=True
    )
    places = {"x": np.array([30.0, 60.0]), "y": np.zeros(2), "z": np.array([0.0, 200.0])}
    probes = [
        LFPy.RecExtElectrode(cell, sigma=0.3, method="linesource", **places),
        LFPy.RecExtElectrode(cell, sigma=[0.3, 0.3, 0.45], method="pointsource", **places),
        LFPy.RecMEAElectrode(cell, h=5000.0, z_shift=-2500.0, method="pointsource", **places),
        LFPy.CurrentDipoleMoment(cell),
    ]
    cell.simulate(
        probes=probes,
        rec_imem=True,
        rec_vmem=True,
        rec_ipas=True,
        rec_icap=True,
        rec_variables=["i_pas"],
    )
    for name in ("x", "y", "z", "d", "area", "length", "tvec", "somav", "imem", "vmem"):
        results[name] = getattr(cell, name)
    results["ipas"], results["icap"] = cell.ipas, cell.icap
    results["i_pas"] = cell.rec_variables["i_pas"]
    results["current"], results["potential"] = synapse.i, synapse.v
    results["clamp"] = clamp.i
    results["place"] = np.array([synapse.x, synapse.y, synapse.z])
    for k, probe in enumerate(probes):
        results[f"probe {k}"] = probe.data
    for k in range(2):
        results[f"points {k}"] = np.column_stack([cell.x3d[k], cell.y3d[k], cell.z3d[k]])
    currents, vectors, positions = cell.get_axial_currents_from_vmem([1, 100, 500])
    results["axial"], results["vectors"], results["positions"] = currents, vectors, positions
    results["matrix"] = cell.get_transformation_matrix_vmem_to_imem()
    results["ri"] = cell.get_axial_resistance()
    results["children"] = cell.get_idx_children("soma[0]")
    results["names"] = cell.get_idx_name(np.arange(3)).astype(str)
    results["distance"] = np.array(cell.get_intersegment_distance(0, 5))
    results["dend"] = cell.get_idx("dend", z_min=-50, z_max=300)


def test_a_cell_is_lfpy_s(neuron_process: Process) -> None:
    morphology = str(ROOT / "share" / "morphologies" / "ball_and_sticks.swc")
    theirs, ours = (neuron_process(cell_script, module=m, morphology=morphology) for m in MODULES)
    assert set(theirs) == set(ours)
    for name, expected in theirs.items():
        values = ours[name]
        assert values.shape == expected.shape, name
        if expected.dtype.kind == "U":
            assert (values == expected).all()
            continue
        # the first sample is balanced here, and only ionic in LFPy
        if name in ("imem", "icap") or name.startswith("probe"):
            values, expected = values[..., 1:], expected[..., 1:]
        scale = max(np.abs(expected).max(), 1e-12)
        # LFPy rounds the ends of segments to 6 decimals of a section's length
        wide = name in ("x", "y", "z", "length", "positions", "vectors", "place", "distance")
        wide |= name.startswith("probe")
        # and reads resistances after define_shape, which rounds lengths to float32
        resistances = name in ("matrix", "ri", "axial")
        bound = 2e-5 if wide else 1e-6 if resistances else 1e-8
        assert np.abs(values - expected).max() <= bound * scale, name


def network_script(results: dict[str, Any], module: str, folder: str, share: str) -> None:
    """Two populations of cells of a template, with a probe."""
    import importlib
    from pathlib import Path

    import h5py
    import numpy as np
    import scipy.stats as st

    LFPy = importlib.import_module(module)
    template = Path(folder, "cell.hoc")
    template.write_text(
        "begintemplate Cell\npublic all, soma, dend\nobjref all\n"
        "create soma[1], dend[1]\nproc init() {\n"
        "soma[0] { pt3dclear() pt3dadd(0, 0, -10, 20) pt3dadd(0, 0, 10, 20) insert hh }\n"
        "dend[0] { pt3dclear() pt3dadd(0, 0, 10, 2) pt3dadd(0, 0, 300, 2) insert pas }\n"
        "connect dend[0](0), soma[0](1)\nall = new SectionList()\n"
        "soma[0] all.append() dend[0] all.append() }\nendtemplate Cell\n"
    )
    np.random.seed(5)
    network = LFPy.Network(dt=0.0625, tstop=60.0, v_init=-65.0, OUTPUTPATH=str(Path(folder, "out")))
    cell = {
        "morphology": share,
        "templatefile": str(template),
        "templatename": "Cell",
        "nsegs_method": "fixed_length",
        "max_nsegs_length": 50.0,
        "delete_sections": False,
    }
    for name in ("E", "I"):
        network.create_population(
            Cell=LFPy.NetworkCell,
            POP_SIZE=3,
            name=name,
            cell_args=cell,
            pop_args={"radius": 50.0, "loc": 0.0, "scale": 10.0},
            rotation_args={"x": 0.0, "y": 0.0},
        )
    for pre in ("E", "I"):
        for post in ("E", "I"):
            counts = network.connect(
                pre=pre,
                post=post,
                connectivity=network.get_connectivity_rand(pre, post, connprob=1.0),
                weightfun=np.random.normal,
                weightargs={"loc": 0.02, "scale": 0.0},
                delayfun=st.norm,
                delayargs={"loc": 2.0, "scale": 1e-9},
                multapsefun=None,
                syn_pos_args={"section": ["soma"], "z_min": -1e6, "z_max": 1e6},
                save_connections=True,
            )
            results[f"counts {pre}{post}"] = np.array(counts)
    start = network.populations["E"].cells[0]
    synapse = LFPy.Synapse(start, idx=0, syntype="ExpSyn", weight=0.05, e=0.0, tau=2.0)
    synapse.set_spike_times(np.array([5.0]))
    dipole = LFPy.CurrentDipoleMoment(cell=None)
    spikes = network.simulate(
        probes=[dipole], rec_imem=True, rec_vmem=True, rec_pop_contributions=True, to_memory=True
    )
    results["fields"] = np.array(dipole.data.dtype.names)
    along_z = dipole.data["imem"][2]
    results["parts"] = along_z - sum(dipole.data[name][2] for name in ("E", "I"))
    results["dipole"] = along_z
    cells = [cell for p in network.populations.values() for cell in p.cells]
    results["vmem"] = np.array([cell.vmem for cell in cells])
    results["somav"] = np.array([cell.somav for cell in cells])
    results["gids"] = np.concatenate(spikes["gids"])
    for k, population in enumerate(spikes["times"]):
        results[f"times {k}"] = np.concatenate([np.ravel(times) for times in population])
    with h5py.File(Path(folder, "out", "synapse_connections.h5")) as file:
        results["sections"] = file["E:I"]["sec"].astype(str)
        results["pairs"] = np.column_stack([file["E:I"]["gid_pre"], file["E:I"]["gid"]])
        results["tau"] = file["synparams/E:I/tau"][()]
        results["mechanism"] = np.array(file["synparams/E:I/mechanism"][()].decode())
    with h5py.File(Path(folder, "out", "cell_positions_and_rotations.h5")) as file:
        results["columns"] = np.array(file["E"].dtype.names)


def test_a_network_is_lfpy_s(neuron_process: Process, tmp_path: Path) -> None:
    results = []
    for module in MODULES:
        folder = tmp_path / module
        folder.mkdir()
        share = str(ROOT / "share" / "morphologies" / "ball_and_stick.swc")
        results.append(
            neuron_process(network_script, module=module, folder=str(folder), share=share)
        )
    theirs, ours = results
    assert set(theirs) == set(ours)
    for name in ("gids", "fields", "sections", "pairs", "mechanism", "tau", "columns"):
        assert (theirs[name] == ours[name]).all(), name
    for name in theirs:
        if name.startswith("counts"):
            assert (theirs[name] == ours[name]).all()
        if name.startswith("times"):
            assert len(ours[name]) >= 3
            np.testing.assert_allclose(ours[name], theirs[name], atol=1e-6)
    np.testing.assert_allclose(ours["vmem"], theirs["vmem"], atol=1e-5)
    # z of the dipole does not depend on where cells are nor on their turns about z
    peak = np.abs(theirs["dipole"]).max()
    np.testing.assert_allclose(ours["dipole"][1:], theirs["dipole"][1:], atol=1e-5 * peak)
    np.testing.assert_allclose(ours["parts"], 0.0, atol=1e-9 * peak)


def places_script(results: dict[str, Any]) -> None:
    """Draws follow NumPy's global generator, as scripts of LFPy expect."""
    import numpy as np

    import lfpcli.compat.lfpy as LFPy

    cell = LFPy.Cell("builtin:ball_and_sticks")
    for k in range(2):
        np.random.seed(3)
        results[f"area {k}"] = cell.get_rand_idx_area_norm(nidx=50)
        results[f"depth {k}"] = cell.get_rand_idx_area_and_distribution_norm(
            nidx=2000, fun="norm", funargs={"loc": 200.0, "scale": 30.0}
        )
        results[f"times {k}"] = LFPy.inputgenerators.get_activation_times_from_distribution(
            1, tstop=100.0, rvs_args={"loc": 0.0, "scale": 5.0}
        )[0]
        results[f"noise {k}"] = LFPy.tools.noise_brown(100, nrows=2, weight=3.0)
    results["z"] = cell.z.mean(axis=-1)


def test_draws_follow_numpys_seed(neuron_process: Process) -> None:
    results = neuron_process(places_script)
    for name in ("area", "depth", "times", "noise"):
        np.testing.assert_array_equal(results[f"{name} 0"], results[f"{name} 1"])
    assert abs(results["z"][results["depth 0"]].mean() - 200.0) < 15.0
    np.testing.assert_allclose(np.sqrt(np.mean(results["noise 0"] ** 2, axis=1)), 3.0)


def errors_script(results: dict[str, Any]) -> None:
    import numpy as np

    import lfpcli.compat.lfpy as LFPy

    def message(call: Any, *args: Any, **kwargs: Any) -> str:
        try:
            call(*args, **kwargs)
        except Exception as error:
            return f"{type(error).__name__} {isinstance(error, ValueError)}: {error}"
        return "no error"

    answers = [
        message(LFPy.Cell, "builtin:ball_and_sticks", nseg_method="lambda_f"),
        message(LFPy.Cell, "builtin:ball_and_sticks", nsegs_method="lamda_f"),
        message(LFPy.Cell, "builtin:ball_and_sticks", tstart=-1.01),
        message(LFPy.Cell, "builtin:ball_and_sticks", custom_code=["channels.py"]),
    ]
    cell = LFPy.Cell("builtin:ball_and_sticks")
    answers += [
        message(LFPy.Synapse, cell, 10_000, "ExpSyn", weight=1.0),
        message(LFPy.Synapse, cell, 0, "ExpSyn"),
        message(LFPy.Synapse, cell, 0, "ExpSyn", weight=1.0, tua=2.0),
        message(LFPy.RecExtElectrode, cell, x=[1.0], y=[0.0], z=[0.0], contact_shpe="square"),
        message(LFPy.Network().create_population, name="E", rotation_args={"z": 1.0}),
        message(cell.simulate, to_file=True),
        message(cell.get_idx_children, "soma"),
    ]
    results["answers"] = np.array(answers)


def test_errors_name_the_nearest(neuron_process: Process) -> None:
    answers = neuron_process(errors_script)["answers"].tolist()
    for answer, part in zip(
        answers,
        [
            "did you mean 'nsegs_method'?",
            "did you mean 'lambda_f'?",
            "no multiple of dt",
            "custom_fun",
            "there is no segment 10000",
            "needs a weight",
            "did you mean 'tau'?",
            "did you mean 'contact_shape'?",
            "rotation_args has z",
            "needs a file_name",
            "did you mean 'soma[0]'?",
        ],
        strict=True,
    ):
        assert part in answer
        assert answer.startswith("UsageError True")


def kept_script(results: dict[str, Any], folder: str) -> None:
    """Cells are run again, pickled, written to files and drawn."""
    import pickle
    from pathlib import Path

    import h5py
    import numpy as np

    import lfpcli.compat.lfpy as LFPy

    cell = LFPy.Cell("builtin:ball_and_sticks", tstop=5.0, pt3d=True, passive=True, v_init=-70.0)
    synapse = LFPy.Synapse(cell, 3, "ExpSyn", weight=0.01)
    synapse.set_spike_times([1.0])
    contact = {"x": [20.0], "y": [0.0], "z": [0.0]}
    probes = [LFPy.RecExtElectrode(cell, **contact), LFPy.RecExtElectrode(cell, **contact)]
    runs = []
    path = Path(folder, "signals.h5")
    for _ in range(2):
        cell.simulate(probes=probes, to_file=True, file_name=path)
        runs.append(cell.somav)
    results["runs"] = np.array(runs)
    with h5py.File(path) as file:
        results["datasets"] = np.array(sorted(file))
        results["same"] = np.array(np.array_equal(file["RecExtElectrode2"], probes[1].data))
    cell.z[0, 0] = -77.0
    results["written"] = np.array([cell.z[0, 0], cell.geometry.start[0, 2]])
    polygons = cell.get_idx_polygons(projection=("x", "z"))
    results["polygons"] = np.array([len(polygons), cell.totnsegs, *polygons[0][0].shape])
    pieces = cell.get_pt3d_polygons(projection=("y", "z"))
    results["pieces"] = np.array([len(pieces), sum(len(x) - 1 for x in cell.x3d)])
    cell.cellpickler(Path(folder, "cell.pkl"))
    with Path(folder, "cell.pkl").open("rb") as file:
        again = pickle.load(file)
    results["again"] = again.somav
    results["place"] = np.array([again.synapses[0].z, np.mean(again.z[3])])


def test_cells_are_run_again_kept_and_drawn(neuron_process: Process, tmp_path: Path) -> None:
    results = neuron_process(kept_script, folder=str(tmp_path))
    np.testing.assert_array_equal(*results["runs"])
    assert results["datasets"].tolist() == ["RecExtElectrode", "RecExtElectrode2"]
    assert results["same"]
    np.testing.assert_array_equal(results["written"], -77.0)
    assert results["polygons"][0] == results["polygons"][1]
    assert results["pieces"][0] == results["pieces"][1]
    np.testing.assert_array_equal(results["again"], results["runs"][1])
    assert results["place"][0] == results["place"][1]


@pytest.mark.slow
def test_lfpys_own_tests_hold() -> None:
    done = subprocess.run(
        [sys.executable, str(ROOT / "tools" / "lfpy_tests.py")],
        capture_output=True,
        text=True,
        check=False,
        timeout=900,
    )
    assert done.returncode == 0, done.stdout[-3000:]

"""Whole runs against LFPy on the same model: potentials, currents, spikes, LFP.

LFPy rounds the ends of segments to 6 decimals of the section's length; its LFP is therefore
compared twice: as it is, and from its currents with the exact geometry.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import lfpykit
import numpy as np
import pytest


def lfpy_run(results, synapses, morphology, tstop, tstart, contacts, active, weight) -> None:
    import warnings

    import LFPy
    import lfpykit

    warnings.simplefilter("ignore")
    cell = LFPy.Cell(
        morphology,
        v_init=-65,
        Ra=150,
        cm=1,
        passive=True,
        dt=2**-4,
        tstop=tstop,
        tstart=tstart,
        passive_parameters={"g_pas": 1e-4, "e_pas": -65},
        nsegs_method="lambda_f",
        lambda_f=100,
        custom_fun=[lambda cell: [s.insert("hh") for s in cell.allseclist if "soma" in s.name()]]
        if active
        else None,
        custom_fun_args=[{}] if active else None,
    )
    for index, times in synapses:
        synapse = LFPy.Synapse(cell, index, syntype="Exp2Syn", weight=weight, tau1=0.2, tau2=2, e=0)
        synapse.set_spike_times(np.array(times))
    x, y, z = np.array(contacts).T
    methods = {"line": "linesource", "point": "pointsource", "soma-point": "root_as_point"}
    probes = {
        name: lfpykit.RecExtElectrode(cell, x=x, y=y, z=z, sigma=0.3, method=method)
        for name, method in methods.items()
    }
    cell.simulate(rec_imem=True, rec_vmem=True, probes=list(probes.values()))
    results.update(imem=cell.imem, vmem=cell.vmem, somav=cell.somav, tvec=cell.tvec, d=cell.d)
    results["names"] = np.array([s.name() for s in cell.allseclist])
    results.update({f"lfp {name}": probe.data for name, probe in probes.items()})


def lfp_run(results, synapses, morphology, tstop, tstart, contacts, active, weight) -> None:
    from lfpcli import Cell, RecExtElectrode, Synapse

    cell = Cell(
        morphology,
        v_init=-65,
        Ra=150,
        cm=1,
        passive={"g": 1e-4, "e": -65},
        dt=2**-4,
        tstop=tstop,
        tstart=tstart,
        custom_fun=[lambda cell: cell.insert("hh", ["soma"])] if active else [],
    )
    for index, times in synapses:
        Synapse(cell, index, "Exp2Syn", weight=weight, tau1=0.2, tau2=2, e=0).set_spike_times(times)
    x, y, z = np.array(contacts).T
    probes = {
        name: RecExtElectrode(cell, x=x, y=y, z=z, sigma=0.3, method=name)
        for name in ("line", "point", "soma-point")
    }
    cell.simulate(list(probes.values()), rec_imem=True, rec_vmem=True)
    results.update(imem=cell.imem, vmem=cell.vmem, somav=cell.somav, tvec=cell.tvec, d=cell.d)
    results.update(x=cell.x, y=cell.y, z=cell.z, names=np.array(cell.names))
    results.update({f"lfp {name}": probe.data for name, probe in probes.items()})


def spike_samples(potential: np.ndarray) -> np.ndarray:
    """Samples at which the potential has crossed -10 mV upwards."""
    above = potential > -10.0
    return np.flatnonzero(above[1:] & ~above[:-1]) + 1


def peak_error(ours: np.ndarray, theirs: np.ndarray) -> float:
    """Largest difference, relative to the peak."""
    return float(np.abs(ours - theirs).max() / np.abs(theirs).max())


def compare(
    run: Callable[..., dict[str, np.ndarray]], methods: tuple[str, ...], **model: object
) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    theirs, ours = run(lfpy_run, **model), run(lfp_run, **model)
    if model["tstart"] == 0.0:
        # the first sample of LFPy's currents holds ionic ones alone, which belong to no potential
        for name in ours.keys() & theirs.keys():
            if name == "imem" or name.startswith("lfp"):
                ours[name], theirs[name] = ours[name][:, 1:], theirs[name][:, 1:]
    np.testing.assert_array_equal(ours["names"], theirs["names"])
    np.testing.assert_allclose(ours["tvec"], theirs["tvec"], atol=1e-9)
    for name in ("vmem", "imem", "somav"):
        assert peak_error(ours[name], theirs[name]) < 1e-8, name
    np.testing.assert_array_equal(spike_samples(ours["somav"]), spike_samples(theirs["somav"]))
    x, y, z = np.array(model["contacts"]).T
    exact = lfpykit.CellGeometry(x=ours["x"], y=ours["y"], z=ours["z"], d=ours["d"])
    kinds = {"line": "linesource", "point": "pointsource", "soma-point": "root_as_point"}
    for method in methods:
        reference = lfpykit.RecExtElectrode(
            exact, x=x, y=y, z=z, sigma=0.3, method=kinds[method]
        ).get_transformation_matrix()
        assert peak_error(ours[f"lfp {method}"], reference @ theirs["imem"]) < 1e-8, method
        assert peak_error(ours[f"lfp {method}"], theirs[f"lfp {method}"]) < 1e-4, method
    return ours, theirs


def test_ball_and_sticks_with_a_synapse(neuron_process, share: Path) -> None:
    contacts = [[25.0, 3.0, z] for z in np.linspace(-120.0, 600.0, 11).tolist()]
    ours, _ = compare(
        neuron_process,
        ("line", "point"),
        morphology=str(share / "morphologies/ball_and_sticks.swc"),
        active=False,
        synapses=[(0, [20.0, 40.0])],
        weight=0.005,
        contacts=contacts,
        tstop=60.0,
        tstart=0.0,
    )
    assert ours["somav"].max() > -60.0
    assert np.abs(ours["imem"].sum(axis=0)).max() < 1e-9 * np.abs(ours["imem"]).max()


@pytest.mark.parametrize(("tstart", "spikes"), [(0.0, True), (-20.0, False)])
def test_allen_cell_with_active_soma(neuron_process, tstart: float, spikes: bool) -> None:
    import bmtk

    folder = Path(bmtk.__file__).parent / "utils/scripts/bionet/morphologies"
    rng = np.random.default_rng(3)
    synapses = [
        (int(rng.integers(0, 130)), np.sort(rng.uniform(tstart, 50.0, 2)).tolist())
        for _ in range(30)
    ]
    contacts = rng.uniform(-150.0, 150.0, (16, 3)).tolist()
    ours, _ = compare(
        neuron_process,
        ("line", "point", "soma-point"),
        morphology=str(folder / "Pvalb_469628681_m.swc"),
        active=True,
        synapses=synapses,
        weight=0.006,
        contacts=contacts,
        tstop=60.0,
        tstart=tstart,
    )
    assert bool(len(spike_samples(ours["somav"]))) == spikes


def test_lfpykit_models_serve_as_probes(neuron_process, share: Path) -> None:
    def model(results, morphology) -> None:
        import lfpykit

        from lfpcli import Cell, LineSourcePotential, Synapse

        cell = Cell(morphology, passive=True, Ra=150, cm=1, tstop=30)
        Synapse(cell, 0, "Exp2Syn", weight=0.005, tau1=0.2, tau2=2, e=0).set_spike_times([5.0])
        place = {
            "x": np.array([30.0, 60.0]),
            "y": np.array([5.0, 5.0]),
            "z": np.array([40.0, 200.0]),
        }
        theirs = lfpykit.LineSourcePotential(cell, **place, sigma=0.3)
        ours = LineSourcePotential(cell, **place, sigma=0.3)
        cell.simulate([theirs, ours])
        results.update(theirs=theirs.data, ours=ours.data)

    found = neuron_process(
        model,
        morphology=str(share / "morphologies/ball_and_sticks.swc"),
    )
    assert np.abs(found["ours"]).max() > 0
    assert peak_error(found["ours"], found["theirs"]) < 1e-10

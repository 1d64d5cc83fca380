"""Currents and dipoles that follow from membrane potentials, against those recorded and LFPy."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

Run = Callable[..., dict[str, np.ndarray]]


def lfp_run(results, morphology, clamp) -> None:
    from lfpcli import Cell, StimIntElectrode, Synapse

    cell = Cell(
        morphology,
        v_init=-65,
        Ra=150,
        cm=1,
        passive={"g": 1e-4, "e": -65},
        dt=2**-4,
        tstop=30.0,
        custom_fun=[lambda cell: cell.insert("hh", ["soma"])],
    )
    for k in (1, cell.totnsegs // 2, cell.totnsegs - 1):
        Synapse(cell, k, "Exp2Syn", weight=0.004, tau1=0.2, tau2=2, e=0).set_spike_times([5.0])
    if clamp:
        StimIntElectrode(cell, 3, "IClamp", amp=0.2, delay=10.0, dur=10.0)
    cell.simulate(rec_imem=True, rec_vmem=True)
    currents, vectors, positions = cell.get_axial_currents_from_vmem()
    moments, places = cell.get_multi_current_dipole_moments(timepoints=[40, 100])
    results.update(currents=currents, vectors=vectors, positions=positions)
    results.update(moments=moments, places=places, imem=cell.imem, vmem=cell.vmem)
    results["from vmem"] = cell.get_transformation_matrix_vmem_to_imem() @ cell.vmem
    results["resistance"] = cell.get_axial_resistance()
    results["dipole"] = cell.geometry.middle.T @ cell.imem
    results["parent"] = cell.axial_network().parent


def lfpy_run(results, morphology) -> None:
    import LFPy

    cell = LFPy.Cell(
        morphology,
        v_init=-65,
        Ra=150,
        cm=1,
        passive=True,
        dt=2**-4,
        tstop=30.0,
        passive_parameters={"g_pas": 1e-4, "e_pas": -65},
        nsegs_method="lambda_f",
        lambda_f=100,
        custom_fun=[lambda cell: [s.insert("hh") for s in cell.allseclist if "soma" in s.name()]],
        custom_fun_args=[{}],
    )
    for k in (1, cell.totnsegs // 2, cell.totnsegs - 1):
        synapse = LFPy.Synapse(cell, k, syntype="Exp2Syn", weight=0.004, tau1=0.2, tau2=2, e=0)
        synapse.set_spike_times(np.array([5.0]))
    cell.simulate(rec_imem=True, rec_vmem=True)
    currents, vectors, positions = cell.get_axial_currents_from_vmem()
    moments, places = cell.get_multi_current_dipole_moments(np.array([40, 100]))
    results.update(currents=currents, vectors=vectors, positions=positions)
    results.update(moments=moments, places=places)
    results["from vmem"] = cell.get_transformation_matrix_vmem_to_imem() @ cell.vmem


def peak_error(ours: np.ndarray, theirs: np.ndarray) -> float:
    return float(np.abs(ours - theirs).max() / np.abs(theirs).max())


@pytest.fixture
def morphology(share: Path) -> str:
    return str(share / "morphologies" / "ball_and_sticks.swc")


def test_derived_currents_are_those_recorded(neuron_process: Run, morphology: str) -> None:
    got = neuron_process(lfp_run, morphology=morphology, clamp=False)
    # the first sample has no capacitive current yet
    assert peak_error(got["from vmem"][:, 1:], got["imem"][:, 1:]) < 1e-10
    total = np.einsum("ik,kt->it", got["vectors"], got["currents"])
    assert peak_error(total[:, 1:], got["dipole"][:, 1:]) < 1e-10
    assert peak_error(got["moments"].sum(axis=0), got["dipole"][:, [40, 100]]) < 1e-10
    np.testing.assert_array_equal(got["places"], got["positions"])
    assert np.ptp(got["vmem"][0]) > 60.0


def test_current_of_a_clamp_leaves_through_its_segment(
    neuron_process: Run, morphology: str
) -> None:
    got = neuron_process(lfp_run, morphology=morphology, clamp=True)
    difference = got["imem"] - got["from vmem"]
    want = np.zeros_like(difference)
    want[3, 161:321] = 0.2
    np.testing.assert_allclose(difference[:, 1:], want[:, 1:], atol=1e-9)


def test_shapes_and_values_are_those_of_lfpy(neuron_process: Run, morphology: str) -> None:
    ours = neuron_process(lfp_run, morphology=morphology, clamp=False)
    theirs = neuron_process(lfpy_run, morphology=morphology)
    for name in ("currents", "vectors", "positions", "moments", "places", "from vmem"):
        assert ours[name].shape == theirs[name].shape, name
        # the ends of its segments are rounded to 6 decimals of the section's length
        assert peak_error(ours[name], theirs[name]) < 1e-5, name


def test_axial_resistance_is_between_neighbouring_middles(
    neuron_process: Run, morphology: str
) -> None:
    def model(results, morphology) -> None:

        from lfpcli import Cell

        cell = Cell(morphology, Ra=150, cm=1)
        results["resistance"] = cell.get_axial_resistance()
        inside = [k for k, s in enumerate(cell.segments) if k and s.sec == cell.segments[k - 1].sec]
        results["inside"] = np.array(inside)
        results["neuron"] = np.array([cell.segments[k].ri() for k in inside])
        results["roots"] = np.flatnonzero(cell.axial_network().parent < 0)

    got = neuron_process(model, morphology=morphology)
    inside = got["inside"]
    np.testing.assert_allclose(got["resistance"][inside], got["neuron"], rtol=1e-12)
    assert np.isnan(got["resistance"][got["roots"]]).all()
    assert np.isfinite(np.delete(got["resistance"], got["roots"])).all()

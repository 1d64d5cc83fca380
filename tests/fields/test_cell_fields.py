"""Stimulation of a cell from outside, against LFPy, NEURON's own playing, and physics."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

Run = Callable[..., dict[str, np.ndarray]]

DEFAULTS = {"dt": 2**-4, "tstop": 20.0, "tstart": 0.0, "active": False, "extracellular": False}


def cell_of(morphology, *, dt, tstop, tstart, active, extracellular):
    from lfpcli import Cell

    return Cell(
        morphology,
        v_init=-65,
        Ra=150,
        cm=1,
        passive={"g": 1e-4, "e": -65},
        dt=dt,
        tstop=tstop,
        tstart=tstart,
        extracellular=extracellular,
        custom_fun=[lambda cell: cell.insert("hh", ["soma"])] if active else [],
    )


def lfpy_run(results, morphology, electrode, pulses, model, begin, dt, tstop, **_) -> None:
    import warnings

    import LFPy

    warnings.simplefilter("ignore")
    cell = LFPy.Cell(
        morphology,
        v_init=-65,
        Ra=150,
        cm=1,
        passive=True,
        dt=dt,
        tstop=tstop,
        passive_parameters={"g_pas": 1e-4, "e_pas": -65},
        nsegs_method="lambda_f",
        lambda_f=100,
        custom_fun=[lambda cell: [s.insert("hh") for s in cell.allseclist if "soma" in s.name()]],
        custom_fun_args=[{}],
        extracellular=True,
    )
    x, y, z = np.array(electrode)[:, None]
    probe = LFPy.RecExtElectrode(cell, x=x, y=y, z=z, sigma=0.3)
    probe.probe.set_current_pulses(el_id=0, **pulses)
    current = np.zeros((1, int(tstop / dt) + 1))
    pulse = np.atleast_2d(probe.probe.currents)[:, :-begin]
    # its samples are on for begin < t <= begin + dur, one step after those of NEURON's electrodes
    current[:, begin - 1 : begin - 1 + pulse.shape[1]] = pulse
    probe.probe.set_currents(current)
    results["current"] = current
    results["v_ext"] = cell.enable_extracellular_stimulation(probe, model=model)
    cell.simulate(rec_imem=True, rec_vmem=True)
    results.update(imem=cell.imem, vmem=cell.vmem, tvec=cell.tvec)


def lfp_run(results, morphology, electrode, pulses, medium, **options) -> None:
    from lfpcli.forward.pulses import PulseTrain

    cell = cell_of(morphology, **options)
    times, currents = PulseTrain(**pulses).steps()
    v_ext = cell.enable_extracellular_stimulation(
        [electrode], currents[None], times, sigma=0.3, medium=medium
    )
    cell.simulate(rec_imem=True, rec_vmem=True)
    results.update(imem=cell.imem, vmem=cell.vmem, tvec=cell.tvec, v_ext=v_ext, vext=cell.vext)


@pytest.fixture
def morphology(share: Path) -> str:
    return str(share / "morphologies" / "ball_and_sticks.swc")


@pytest.mark.parametrize(("theirs", "ours"), [("inf", "infinite"), ("semi", "half-space")])
def test_pulses_of_an_electrode_agree_with_lfpy(
    neuron_process: Run, morphology: str, theirs: str, ours: str
) -> None:
    common = {"morphology": morphology, "electrode": [60.0, -20.0, 30.0]} | DEFAULTS
    common |= {"active": True, "extracellular": True}
    pulse = {"amp1": -2e4, "width1": 1.0, "n_pulses": 2, "interpulse": 5.0}
    pulse |= {"dt": common["dt"], "t_stop": common["tstop"]}
    reference = neuron_process(lfpy_run, **common, pulses=pulse, model=theirs, begin=80)
    got = neuron_process(
        lfp_run,
        **common,
        pulses={"amp": -2e4, "dur": 1.0, "delay": 5.0, "number": 2, "period": 6.0},
        medium=ours,
    )
    edges = (np.flatnonzero(np.diff(reference["current"][0])) + 1) * common["dt"]
    np.testing.assert_allclose(edges, [5.0, 6.0, 11.0, 12.0])
    for name in ("vmem", "imem"):
        error = np.abs(got[name] - reference[name]).max()
        # the ends of its segments are rounded to 6 decimals of the section's length
        assert error < 1e-5 * np.abs(reference[name]).max(), name
    assert np.ptp(got["vmem"][0]) > 5.0


def play(results, morphology, trains, **options) -> None:
    from neuron import h

    from lfpcli.runtime.engine.field import ExtracellularField, Steps
    from lfpcli.runtime.engine.record import membrane_currents, potentials
    from lfpcli.runtime.engine.run import run
    from lfpcli.runtime.engine.settings import RunSettings

    cell = cell_of(morphology, **options)
    rng = np.random.default_rng(3)
    for name, times in trains.items():
        times = np.array(times)
        v_ext = rng.normal(scale=20.0, size=(cell.totnsegs, len(times)))
        settings = RunSettings(options["tstop"], options["dt"])
        vector = h.Vector(times)
        for played in ("neuron", "ours"):
            fields, kept = [], []
            for segment, values in zip(cell.segments, v_ext, strict=True):
                segment.e_extracellular = 0.0
                if played == "neuron":
                    kept.append(h.Vector(values))
                    kept[-1].play(segment._ref_e_extracellular, vector)
            if played == "ours":
                halves = [Steps(times, lambda k, v_ext=v_ext: 0.5 * v_ext[:, k])] * 2
                fields = [ExtracellularField(cell.segments, halves)]
            recorders = {"v": potentials([cell]), "i": membrane_currents([cell])}
            chunks = []
            run([cell], settings, recorders, chunks.append, fields=fields)
            results[f"{played} {name}"] = np.concatenate(
                [np.hstack([chunk.blocks["v"], chunk.blocks["i"]]) for chunk in chunks]
            )
            del kept


@pytest.mark.parametrize("dt", [0.0625, 0.1, 0.025])
def test_steps_are_those_of_a_vector_that_neuron_plays(
    neuron_process: Run, morphology: str, dt: float
) -> None:
    rng = np.random.default_rng(11)
    trains = {
        "on the grid": [0.0, dt, 2 * dt, 40 * dt],
        "off it": [1.01, 2.03, 3.04, 3.07, 6.0],
        "before the begin": [-3.0, -1.0, 0.3, 7.0],
        "each step": list(dt * np.arange(60)),
        "random": sorted(rng.uniform(-1.0, 11.0, 120)),
        "after the end": [500.0],
    }
    trains = {name: [float(t) for t in times] for name, times in trains.items()}
    options = DEFAULTS | {"dt": dt, "tstop": 10.0, "active": True, "extracellular": True}
    got = neuron_process(play, morphology=morphology, trains=trains, **options)
    for name in trains:
        np.testing.assert_array_equal(got[f"ours {name}"], got[f"neuron {name}"])
    assert np.ptp(got["ours random"][:, 0]) > 1.0


def states(results, morphology, times, scale, **options) -> None:
    cell = cell_of(morphology, **options)
    v_ext = np.tile(np.linspace(-10.0, 10.0, cell.totnsegs)[:, None], (1, len(times)))
    v_ext *= np.array(scale)
    cell.insert_v_ext(v_ext, np.array(times))
    cell.simulate(rec_imem=True, rec_vmem=True)
    results.update(vmem=cell.vmem, vext=cell.vext, imem=cell.imem, v_ext=v_ext)
    cell.fields.clear()
    cell.simulate(rec_imem=True, rec_vmem=True)
    results.update({"vmem after": cell.vmem, "vext after": cell.vext})


def test_zero_before_the_first_time_and_held_after_the_last(
    neuron_process: Run, morphology: str
) -> None:
    options = DEFAULTS | {"morphology": morphology}
    got = neuron_process(states, times=[5.0, 8.0], scale=[1.0, -2.0], **options)
    grid = got["v_ext"]
    np.testing.assert_allclose(got["vext"][:, :81], 0.0, atol=1e-7)
    np.testing.assert_allclose(got["vext"][:, 82], grid[:, 0], atol=1e-6)
    np.testing.assert_allclose(got["vext"][:, -1], grid[:, 1], atol=1e-6)
    assert np.abs(got["vmem"] + 65.0).max() > 0.1
    np.testing.assert_allclose(got["vmem after"], -65.0, atol=1e-6)
    np.testing.assert_allclose(got["vext after"], 0.0, atol=1e-6)


def test_times_before_zero_play_in_a_run_that_begins_before(
    neuron_process: Run, morphology: str
) -> None:
    times, scale = [-12.0, -4.0, 2.0], [1.0, 3.0, -1.0]
    options = DEFAULTS | {"morphology": morphology}
    early = neuron_process(states, times=times, scale=scale, **options | {"tstart": -20.0})
    late = neuron_process(
        states, times=[t + 20.0 for t in times], scale=scale, **options | {"tstop": 40.0}
    )
    np.testing.assert_array_equal(early["vmem"], late["vmem"][:, 320:])


def test_a_passive_cable_is_polarised_as_the_field_says(
    neuron_process: Run, morphology: str
) -> None:
    """In a uniform field a cable is depolarised at the end towards the cathode."""

    def model(results, morphology, **options) -> None:
        cell = cell_of(morphology, **options)
        z = cell.geometry.middle[:, 2]
        cell.insert_v_ext(0.01 * z[:, None], [0.0])
        cell.simulate(rec_imem=True, rec_vmem=True)
        results.update(
            vmem=cell.vmem, z=z, imem=cell.imem, i_axial=cell.get_axial_currents_from_vmem()[0]
        )
        results["from vmem"] = cell.get_transformation_matrix_vmem_to_imem() @ (
            cell.vmem + cell.vext
        )
        results["moments"] = cell.get_multi_current_dipole_moments()[0].sum(axis=0)
        results["dipole"] = cell.geometry.middle.T @ cell.imem

    got = neuron_process(model, morphology=morphology, **DEFAULTS | {"tstop": 100.0})
    change = got["vmem"][:, -1] + 65.0
    low, high = np.argmin(got["z"]), np.argmax(got["z"])
    assert change[low] > 0.05
    assert change[high] < -0.05
    peak = np.abs(got["imem"][:, 1:]).max()
    assert np.abs(got["imem"].sum(axis=0)[1:]).max() < 1e-9 * peak
    np.testing.assert_allclose(got["from vmem"][:, 1:], got["imem"][:, 1:], atol=1e-9 * peak)
    dipole = got["dipole"][:, 1:]
    np.testing.assert_allclose(
        got["moments"][:, 1:], dipole, rtol=0, atol=1e-9 * np.abs(dipole).max()
    )


def test_current_of_a_cathode_depolarises_what_is_near(
    neuron_process: Run, morphology: str
) -> None:
    options = DEFAULTS | {"morphology": morphology, "electrode": [30.0, 0.0, 0.0]}
    got = neuron_process(
        lfp_run, **options, medium="infinite", pulses={"amp": -1e4, "delay": 5.0, "dur": 2.0}
    )
    during = got["vmem"][:, 90] + 65.0
    assert during[0] > 0.5
    assert during.min() < -0.05


def test_stimulation_is_reciprocal_to_recording(neuron_process: Run, morphology: str) -> None:
    """The same charge through a contact and through a synapse's segment, the other way round.

    In a passive cell the potential at the contact, from current injected into segment k, is that
    change of the membrane potential of k which a current through the contact makes.
    """

    def model(results, morphology, contact, index, **options) -> None:
        from lfpcli import StimIntElectrode
        from lfpcli.forward.stimulation import stimulation_matrix

        cell = cell_of(morphology, **options)
        lead = stimulation_matrix(cell.geometry, [contact], sigma=0.3)[:, 0]
        clamp = StimIntElectrode(cell, index, "IClamp", amp=1.0, delay=5.0, dur=1e9)
        cell.simulate(rec_imem=True)
        results["recorded"] = lead @ cell.imem - lead[index] * (cell.tvec > 5.0)
        clamp.point.amp = 0.0
        cell.insert_v_ext(lead[:, None], [5.0])
        cell.simulate(rec_vmem=True)
        results["stimulated"] = cell.vmem[index] + 65.0

    options = DEFAULTS | {"extracellular": True}
    got = neuron_process(
        model, morphology=morphology, contact=[40.0, 0.0, 100.0], index=6, **options
    )
    peak = np.abs(got["recorded"]).max()
    assert peak > 1e-3
    np.testing.assert_allclose(got["recorded"], got["stimulated"], atol=1e-6 * peak)


def test_variable_time_step_feels_the_field(neuron_process: Run, morphology: str) -> None:
    def model(results, morphology, adaptive, **options) -> None:
        cell = cell_of(morphology, **options)
        cell.insert_v_ext(
            np.linspace(-10, 10, cell.totnsegs)[:, None] * [[1, -1, 0]], [1.0, 3.03, 6.0]
        )
        cell.simulate(rec_vmem=True, rec_imem=True, adaptive=adaptive, atol=1e-6)
        results.update(vmem=cell.vmem, imem=cell.imem, tvec=cell.tvec)

    options = DEFAULTS | {"morphology": morphology, "tstop": 10.0}
    fine = neuron_process(model, adaptive=False, **options | {"dt": 2**-10})
    got = neuron_process(model, adaptive=True, **options)
    want = fine["vmem"][:, ::64]
    assert got["vmem"].shape == want.shape
    assert np.abs(got["vmem"] - want).max() < 0.02 * np.ptp(want)


def test_arguments_are_checked(neuron_process: Run, morphology: str) -> None:
    def model(results, morphology, **options) -> None:
        from lfpcli.errors import LfpError

        cell = cell_of(morphology, **options)
        n = cell.totnsegs
        wrong = {
            "shape": lambda: cell.insert_v_ext(np.zeros((n + 1, 2)), [0.0, 1.0]),
            "nan": lambda: cell.insert_v_ext(np.full((n, 1), np.nan), [0.0]),
            "order": lambda: cell.insert_v_ext(np.zeros((n, 2)), [1.0, 1.0]),
            "time": lambda: cell.insert_v_ext(np.zeros((n, 1)), [np.inf]),
            "vmem": lambda: cell.get_axial_currents_from_vmem(),
        }
        for name, call in wrong.items():
            try:
                call()
                results[name] = np.array("no error")
            except LfpError as error:
                results[name] = np.array(str(error))

    got = neuron_process(model, morphology=morphology, **DEFAULTS)
    assert "v_ext has shape" in str(got["shape"])
    assert "v_ext is not finite" in str(got["nan"])
    assert "do not ascend at 1 ms" in str(got["order"])
    assert "not finite" in str(got["time"])
    assert "rec_vmem=True" in str(got["vmem"])

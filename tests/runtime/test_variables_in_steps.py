"""Variables that are read from memory in NEURON's steps: the bits of recorded vectors."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from lfpcli.runtime.engine import within_steps

# a STATE that another block changes once all states of a step are there
LATE = """
NEURON { SUFFIX Late RANGE seen NONSPECIFIC_CURRENT i }
ASSIGNED { v (mV) i (mA/cm2) seen (mV) }
INITIAL { seen = 0 }
BEFORE STEP { seen = v }
BREAKPOINT { i = 1e-6*(v + 65) }
"""


def cells_of(morphology):
    from lfpcli import Cell, StimIntElectrode, Synapse

    cells = []
    for gid in range(2):
        cell = Cell(
            morphology,
            passive=True,
            gid=gid,
            custom_fun=[lambda c: c.insert("hh", ["soma"]), lambda c: c.insert("k_ion")],
        )
        StimIntElectrode(cell, 0, "IClamp", amp=1.0 + gid, delay=1.0, dur=3.0)
        # at the end of a step, where the event comes behind the sample
        Synapse(cell, 5, "Exp2Syn", weight=0.004).set_spike_times([3.0, 6.5 + gid])
        Synapse(cell, 5, "Exp2Syn", weight=0.002).set_spike_times([3.0])
        cells.append(cell)
    return cells


def recorders_of(cells):
    from lfpcli.runtime.engine.electrodes import electrode_currents
    from lfpcli.runtime.engine.record import point_variable, potentials, variable

    recorders = {name: variable(cells, name) for name in ("m_hh", "ina", "ek", "i_pas", "i_cap")}
    points = [synapse.point for cell in cells for synapse in cell.synapses]
    at = np.array([0, 0, 1, 1]), np.array([5, 5, 5, 5])
    for name in ("g", "i", "A"):
        recorders[f"{name} of synapses"] = point_variable(2, *at, points, name)
    recorders["electrodes"] = electrode_currents(cells)
    recorders["vmem"] = potentials(cells)
    return recorders


def recorded(cells, recorders, **options):
    """Samples by recorder, and how many vectors of NEURON they took."""
    from lfpcli.runtime.engine import collectors
    from lfpcli.runtime.engine import run as loop
    from lfpcli.runtime.engine.settings import RunSettings

    counted, chunks = [], []

    class Counting(collectors.VectorSet):
        def __init__(self, others, *arguments):
            counted.append(sum(map(len, others.values())))
            super().__init__(others, *arguments)

    usual, collectors.VectorSet = collectors.VectorSet, Counting
    try:
        settings = RunSettings(**{"tstop": 12.0, "dt": 0.05, **options})
        loop.run(cells, settings, recorders, chunks.append)
    finally:
        collectors.VectorSet = usual
    names = list(recorders)
    return {n: np.concatenate([c.blocks[n] for c in chunks]) for n in names}, sum(counted)


@pytest.mark.parametrize("tstart", [0.0, -2.0])
def test_bits_are_those_of_recorded_vectors(neuron_process, share: Path, tstart: float) -> None:
    def model(results, morphology, tstart) -> None:
        from lfpcli.runtime.engine import collectors

        cells = cells_of(morphology)
        recorders = recorders_of(cells)
        samples, vectors = recorded(cells, recorders, tstart=tstart)
        collectors.are_states_final = lambda: False
        usual, usual_vectors = recorded(cells, recorders, tstart=tstart)
        results["vectors"] = np.array([vectors, usual_vectors])
        for name in recorders:
            results[f"same {name}"] = np.array_equal(samples[name], usual[name])
            results[f"spread {name}"] = np.ptp(usual[name])

    found = neuron_process(
        model, morphology=str(share / "morphologies/ball_and_sticks.swc"), tstart=tstart
    )
    assert found["vectors"][0] == 0 and found["vectors"][1] > 50
    names = [name.removeprefix("same ") for name in found if name.startswith("same ")]
    assert len(names) == 10 and all(found[f"same {name}"] for name in names)
    # the reversal potential alone stays as it is
    assert [name for name in names if found[f"spread {name}"] == 0.0] == ["ek"]


def test_errors_in_the_middle_of_a_step_end_the_run(neuron_process, share: Path) -> None:
    def model(results, morphology) -> None:
        from lfpcli.runtime.engine import collectors

        cells = cells_of(morphology)
        usual = collectors.gather

        def failing(addresses, rows, row):
            usual(addresses, rows, row)
            if row == 7:
                raise KeyboardInterrupt

        collectors.gather = failing
        try:
            recorded(cells, recorders_of(cells))
        except KeyboardInterrupt:
            results["raised"] = True
        collectors.gather = usual
        samples, _ = recorded(cells, recorders_of(cells))
        results["again"] = len(samples["ina"])

    found = neuron_process(model, morphology=str(share / "morphologies/ball_and_sticks.swc"))
    assert found["raised"] and found["again"] == 241


def test_blocks_behind_all_states_are_seen_in_the_source(monkeypatch: pytest.MonkeyPatch) -> None:
    sources = {"Late": LATE, "After": "AFTER  SOLVE { x = 1 }", "Plain": "BREAKPOINT { x = 1 }"}
    monkeypatch.setattr(within_steps, "source_of", sources.__getitem__)
    for used, is_final in ((["Plain"], True), (["Late"], False), (["Plain", "After"], False)):
        monkeypatch.setattr(within_steps, "used_mechanisms", lambda used=used: used)
        assert within_steps.are_states_final() is is_final


@pytest.mark.slow
def test_what_changes_behind_all_states_is_recorded_by_vectors(
    neuron_process, share: Path, tmp_path: Path
) -> None:
    (tmp_path / "Late.mod").write_text(LATE)

    def model(results, morphology, source) -> None:
        from pathlib import Path

        from lfpcli.runtime.engine.record import potentials, variable
        from lfpcli.runtime.mechanisms.build import build
        from lfpcli.runtime.mechanisms.load import load

        load(build([Path(source)]))
        cells = cells_of(morphology)
        cells[0].insert("Late", ["soma"])
        recorders = {"seen": variable(cells, "seen_Late"), "v": potentials(cells, "soma")}
        samples, vectors = recorded(cells, recorders)
        results["vectors"] = vectors
        results["seen"], results["v"] = samples["seen"], samples["v"][:, 0]

    found = neuron_process(
        model,
        morphology=str(share / "morphologies/ball_and_sticks.swc"),
        source=str(tmp_path / "Late.mod"),
    )
    assert found["vectors"] > 0
    assert np.array_equal(found["seen"][1:, -1], found["v"][1:])

"""The class Cell: geometry from sections of NEURON, and its errors."""

from __future__ import annotations

from pathlib import Path

import numpy as np


def test_parents_follow_the_way_to_the_root(neuron_process) -> None:
    def model(results) -> None:
        from lfpcli import Cell
        from lfpcli.runtime.neuron import nrn

        h = nrn()
        sections = [h.Section(name=name) for name in ("soma", "middle", "hung", "start")]
        soma, middle, hung, start = sections
        for section in sections:
            section.L, section.diam, section.nseg = 30, 2, 3
        middle.connect(soma(0.5))
        hung.connect(soma(1), 1)
        start.connect(hung(0))
        results["parent"] = Cell(sections, nseg={"rule": "keep"}).geometry.parent

    found = neuron_process(model)
    assert found["parent"].tolist() == [-1, 0, 1, 1, 3, 4, 7, 8, 2, 6, 9, 10]


def test_soma_goes_where_it_is_told_and_turns_stay_about_it(neuron_process, share: Path) -> None:
    def model(results, morphology) -> None:
        from lfpcli import Cell

        cell = Cell(morphology)
        results["origin"] = cell.somapos
        cell.set_pos(10.0, -20.0, 30.0)
        results["moved"], before = cell.somapos, cell.geometry.middle.copy()
        cell.set_rotation(x=0.3, y=-1.2, z=2.0)
        results["turned"] = cell.somapos
        results["far"] = np.abs(cell.geometry.middle - before).max()
        cell.set_rotation(x=-0.3, y=1.2, z=-2.0, order="zyx")
        results["back"] = np.abs(cell.geometry.middle - before).max()
        results["lengths"] = cell.geometry.length.sum()

    found = neuron_process(
        model,
        morphology=str(share / "morphologies/ball_and_sticks.swc"),
    )
    np.testing.assert_allclose(found["origin"], 0.0, atol=1e-12)
    np.testing.assert_allclose(found["moved"], [10.0, -20.0, 30.0], atol=1e-12)
    np.testing.assert_allclose(found["turned"], [10.0, -20.0, 30.0], atol=1e-12)
    assert found["far"] > 10.0
    assert found["back"] < 1e-9


def test_runs_repeat_to_the_bit_and_chunks_do_not_show(neuron_process, share: Path) -> None:
    def model(results, morphology) -> None:
        import lfpcli.runtime.engine.spans as spans
        from lfpcli import Cell, StimIntElectrode, Synapse

        cell = Cell(morphology, passive=True, custom_fun=[lambda c: c.insert("hh", ["soma"])])
        Synapse(cell, 5, "Exp2Syn", weight=0.01, tau1=0.2, tau2=2, e=0).set_spike_times([3.0, 3.03])
        StimIntElectrode(cell, 0, "IClamp", amp=3.0, delay=5.0, dur=3.0)
        keep = {"rec_imem": True, "rec_vmem": True, "rec_variables": ["m_hh"], "tstop": 20.0}
        cell.simulate(**keep)
        first = [cell.imem.copy(), cell.vmem.copy(), cell.variables["m_hh"].copy()]
        cell.simulate(**keep)
        again = [cell.imem, cell.vmem, cell.variables["m_hh"]]
        results["again"] = all(np.array_equal(a, b) for a, b in zip(first, again, strict=True))
        spans.CHUNK_SAMPLES = 16
        cell.simulate(**keep)
        chunked = [cell.imem, cell.vmem, cell.variables["m_hh"]]
        results["chunked"] = all(np.array_equal(a, b) for a, b in zip(first, chunked, strict=True))
        spans.CORE_CHUNK_VALUES = 1
        cell.simulate(engine="coreneuron", **keep)
        results["core"] = np.abs(cell.imem - first[0]).max() / np.abs(first[0]).max()
        results["m"] = np.abs(cell.variables["m_hh"] - first[2]).max()
        results["spike"] = cell.somav.max()

    found = neuron_process(
        model,
        morphology=str(share / "morphologies/ball_and_sticks.swc"),
    )
    assert found["again"]
    assert found["chunked"]
    assert found["core"] < 1e-9
    assert found["m"] < 1e-9
    assert found["spike"] > 0.0


def test_tstop_need_not_be_a_multiple_of_dt(neuron_process, share: Path) -> None:
    def model(results, morphology) -> None:
        from lfpcli import Cell

        cell = Cell(morphology, passive=True)
        cell.simulate(rec_imem=True, dt=0.1, tstop=9.95)
        results["tvec"], results["imem"] = cell.tvec, cell.imem

    found = neuron_process(
        model,
        morphology=str(share / "morphologies/stick.swc"),
    )
    assert found["imem"].shape[1] == len(found["tvec"]) == 100
    np.testing.assert_allclose(found["tvec"][-1], 9.9)


def test_mistakes_are_named(neuron_process, share: Path) -> None:
    def model(results, morphology) -> None:
        from lfpcli import Cell, Synapse
        from lfpcli.errors import LfpError

        cell = Cell(morphology)
        calls = {
            "index": lambda: Synapse(cell, 99999),
            "kind": lambda: Synapse(cell, 0, "ExpSin"),
            "parameter": lambda: Synapse(cell, 0, "ExpSyn", taw=2.0),
            "mechanism": lambda: cell.insert("pass"),
            "range": lambda: cell.insert("pas", gg=1.0),
            "section": lambda: cell.insert("pas", ["dent"]),
            "times": lambda: Synapse(cell, 0).set_spike_times([float("nan")]),
            "rule": lambda: Cell(morphology, nseg={"rule": "lambda"}),
            "tstop": lambda: cell.simulate(tstop=-1.0),
            "events": lambda: Synapse(cell, 0, "IClamp"),
        }
        for name, call in calls.items():
            try:
                call()
            except LfpError as error:
                results[name] = str(error)

    found = neuron_process(
        model,
        morphology=str(share / "morphologies/ball_and_stick.swc"),
    )
    said = {name: str(text) for name, text in found.items()}
    expected = {
        "index": "there is no segment 99999",
        "kind": "did you mean 'ExpSyn'?",
        "parameter": "did you mean 'tau'?",
        "mechanism": "did you mean 'pas'?",
        "range": "pas has no parameter 'gg'",
        "section": "did you mean 'dend'?",
        "times": "not finite",
        "rule": "did you mean 'd_lambda'?",
        "tstop": "tstop is -1 ms",
        "events": "takes no events",
    }
    for name, text in expected.items():
        assert text in said[name], said[name]


def test_coreneuron_takes_as_many_steps_as_are_asked_for(neuron_process, share: Path) -> None:
    def model(results, morphology) -> None:
        import lfpcli.runtime.engine.run as loop
        import lfpcli.runtime.engine.spans as spans
        from lfpcli import Cell, StimIntElectrode
        from lfpcli.runtime.engine.record import potentials
        from lfpcli.runtime.engine.settings import RunSettings

        spans.CORE_CHUNK_VALUES = 5000
        cell = Cell(morphology, passive=True)
        StimIntElectrode(cell, 0, "IClamp", amp=0.1, delay=5.0, dur=1e9)
        # ends of chunks that are no round numbers, beyond 1 s, and steps that no binary number is
        for dt, tstop in ((2**-5, 1100.0), (0.025, 2100.0), (1 / 30, 2700.0)):
            runs = {}
            for engine in ("neuron", "coreneuron"):
                settings = RunSettings(tstop=tstop, dt=dt, engine=engine)
                chunks = []
                loop.run([cell], settings, {"v": potentials([cell], "soma")}, chunks.append)
                runs[engine] = np.concatenate([chunk.blocks["v"] for chunk in chunks])
                lengths = [(chunk.samples, len(chunk.blocks["v"])) for chunk in chunks]
                results[f"{engine} {dt}"] = np.array(lengths)
            results[f"off {dt}"] = np.abs(runs["neuron"] - runs["coreneuron"]).max()

    found = neuron_process(
        model,
        morphology=str(share / "morphologies/stick.swc"),
    )
    for name, value in found.items():
        if name.startswith("off"):
            assert value < 1e-9
        else:
            assert len(value) > 1
            np.testing.assert_array_equal(value[:, 0], value[:, 1])


def test_vectors_are_read_where_they_are_after_they_have_grown(neuron_process, share: Path) -> None:
    def model(results, morphology) -> None:
        from lfpcli import Cell
        from lfpcli.runtime.engine.collectors import VectorSet
        from lfpcli.runtime.engine.record import potentials
        from lfpcli.runtime.neuron import nrn

        cell = Cell(morphology, passive=True)
        h, vectors = nrn(), VectorSet({"v": potentials([cell])}, 3)
        h.finitialize(-65)
        cell.sections[0](0.5).v = -50
        for count in (2, 500, 7):
            for _ in range(count - (count == 2)):
                h.fadvance()
            block = vectors.take()["v"]
            results[f"shape {count}"] = np.array(block.shape)
            results[f"last {count}"] = np.abs(block[-1] - [s.v for s in cell.segments]).max()

    found = neuron_process(
        model,
        morphology=str(share / "morphologies/ball_and_sticks.swc"),
    )
    for count in (2, 500, 7):
        assert found[f"shape {count}"][0] == count
        assert found[f"last {count}"] == 0.0

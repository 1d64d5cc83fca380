"""The Blue Brain Project's layer-5 models that MEArec carries, as they lie in site-packages."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

spec = find_spec("MEArec")
if spec is None or spec.origin is None:
    pytest.skip("MEArec is not installed", allow_module_level=True)
BBP = Path(spec.origin).parent / "cell_models/bbp"
TTPC1, NBC = "L5_TTPC1_cADpyr232_1", "L5_NBC_bAC217_1"
PROTOTYPE, ARGUMENT = "void* nrn_random_arg(int argpos)", "scop_random(1)"


def test_check_tells_why_two_mechanisms_do_not_compile(lfp):
    folder = BBP / TTPC1 / "mechanisms"
    names = ("ProbAMPANMDA_EMS.mod", "ProbGABAAB_EMS.mod")
    ran = lfp("mechs", "--check", *(folder / name for name in names), code=5)
    for name in names:
        lines = (folder / name).read_text().splitlines()
        told = [line for line in ran.out.splitlines() if line.startswith(str(folder / name))]
        numbers = [int(line.removeprefix(f"{folder / name}:").split(":")[0]) for line in told]
        assert [next(p for p in (PROTOTYPE, ARGUMENT) if p in lines[n - 1]) for n in numbers] == [
            PROTOTYPE,
            ARGUMENT,
        ]
    assert "2 files do not compile" in ran.err


def cells_in_both_engines(results, folder, models) -> None:
    from pathlib import Path

    from lfpcli.runtime.engine import coreneuron
    from lfpcli.runtime.hoc.templates import load_template, template_names
    from lfpcli.runtime.mechanisms.build import build
    from lfpcli.runtime.mechanisms.load import load
    from lfpcli.runtime.neuron import context, nrn

    bbp = Path(folder)
    library = build([bbp / name / "mechanisms" for name in models], skip_broken=True)
    results["skipped"] = library.skipped_names
    h, pc = nrn(), context()
    load(library)
    cells = []
    for name in (*models, models[0]):
        file = bbp / name / "template.hoc"
        code = [bbp / name / "constants.hoc"]
        main, stand_ins = template_names(file)[0], library.skipped_names
        cells.append(load_template(file, main, [0], code=code, stand_ins=stand_ins))
    results["sections"] = [len(c.sections) for c in cells]
    results["segments"] = [sum(s.nseg for s in c.sections) for c in cells]
    results["areas"] = [sum(seg.area() for s in c.sections for seg in s) for c in cells]
    results["celsius"] = [c.settings["celsius"] for c in cells]
    results["alive"] = len(list(h.allsec()))
    results["soma"] = cells[0].names[0]
    stimuli = []
    for cell, amp in zip(cells, (0.6466 - 0.2476, 0.1270 - 0.0489, 0.6466 - 0.2476), strict=True):
        clamp = h.IClamp(cell.sections[0](0.5))
        clamp.delay, clamp.dur, clamp.amp = 20, 1000, amp + 0.1
        stimuli.append(clamp)
    h.celsius = 34
    h.CVode().use_fast_imem(True)
    columns = [
        h.Vector().record(ref)
        for s in cells[0].sections
        for seg in s
        for ref in [seg._ref_i_membrane_]
    ]
    potentials = [h.Vector().record(c.sections[0](0.5)._ref_v) for c in cells]
    results["obstacle"] = str(coreneuron.obstacle())
    switch = coreneuron.prepare()
    h.dt = 2.0**-5
    for engine, on in (("neuron", False), ("coreneuron", True)):
        switch.enable = on
        pc.set_maxstep(10)
        h.finitialize(-70)
        h.fcurrent()
        h.frecord_init()
        pc.psolve(100)
        results[engine] = np.array([v.as_numpy().copy() for v in columns])
        results[engine + "_v"] = np.array([v.as_numpy().copy() for v in potentials])


@pytest.mark.slow
def test_a_pyramidal_cell_and_an_interneuron_live_in_one_process(
    neuron_process, tmp_path_factory, monkeypatch
):
    monkeypatch.setenv("LFP_MECH_CACHE", str(tmp_path_factory.getbasetemp() / "bbp-cache"))
    before = sorted(p for p in BBP.rglob("*"))
    got = neuron_process(cells_in_both_engines, folder=str(BBP), models=[TTPC1, NBC])
    assert sorted(p for p in BBP.rglob("*")) == before
    assert sorted(got["skipped"]) == ["ProbAMPANMDA_EMS", "ProbGABAAB_EMS"]
    assert got["sections"].tolist() == [239, 73, 239]
    assert got["segments"].tolist() == [913, 301, 913]
    np.testing.assert_allclose(got["areas"], [48206, 11957, 48206], atol=1)
    assert got["celsius"].tolist() == [34.0] * 3
    assert got["alive"] == 239 + 73 + 239
    assert str(got["soma"]) == "soma[0]"
    assert str(got["obstacle"]) == "None"
    assert np.all(got["neuron_v"].max(axis=1) > 0)
    np.testing.assert_array_equal(got["neuron_v"][0], got["neuron_v"][2])
    peak = np.abs(got["neuron"]).max()
    assert np.abs(got["neuron"] - got["coreneuron"]).max() <= 1e-9 * peak
    np.testing.assert_allclose(got["coreneuron_v"], got["neuron_v"], rtol=0, atol=1e-7)

"""Models of the Allen Cell Types Database: their files, and bmtk's cells beside ours."""

from __future__ import annotations

import json
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
from allen_fit import FIT

from lfpcli.errors import InputError
from lfpcli.runtime.hoc.allen import read_fit


def changed(path, value):
    """The fit with the entry at `path` replaced."""
    fit = json.loads(json.dumps(FIT))
    place = fit
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = value
    return fit


def written(folder, fit):
    file = folder / "fit.json"
    file.write_text(fit if isinstance(fit, str) else json.dumps(fit))
    return file


def test_what_a_file_holds(tmp_path):
    fit = read_fit(written(tmp_path, FIT))
    assert (fit.celsius, fit.v_init, fit.ra, fit.e_pas) == (34.0, -80.0, 100.0, -80.0)
    assert fit.cm == {"soma": 1.5}
    assert [(v.section, v.name, v.mechanism, v.value) for v in fit.genome] == [
        ("soma", "gnabar_hh", "hh", 0.2),
        ("dend", "g_pas", "", 2e-4),
    ]
    assert [(v.name, v.value) for v in fit.erev] == [("ena", 53.0), ("ek", -107.0)]
    assert not fit.all_active
    active = changed(("genome", 1, "mechanism"), "Ih")
    assert read_fit(written(tmp_path, active)).all_active


@pytest.mark.parametrize(
    ("fit", "expected"),
    [
        ("{", "is no JSON"),
        ("[" * 100_000, "is no JSON"),
        ("[]", "the file is no object"),
        ({}, "'passive' is missing"),
        (changed(("passive",), []), "'passive' is missing"),
        (changed(("genome",), None), "'genome' is missing"),
        (changed(("genome", 0), 3), r"genome\[0\] is no object"),
        (changed(("genome", 0, "value"), "nan"), r"genome\[0\].value is 'nan'"),
        (changed(("genome", 0, "value"), True), r"genome\[0\].value is True"),
        (changed(("genome", 0, "section"), "axo"), "did you mean 'axon'"),
        (changed(("genome", 0, "name"), "a b"), r"genome\[0\].name is 'a b'"),
        (changed(("conditions", 0, "celsius"), None), r"conditions\[0\].celsius is None"),
        (changed(("conditions", 0, "erev"), {}), r"'conditions\[0\].erev' is missing or no list"),
    ],
)
def test_files_that_are_wrong_are_told(tmp_path, fit, expected):
    file = written(tmp_path, fit)
    with pytest.raises(InputError, match=expected) as caught:
        read_fit(file)
    assert str(file) in str(caught.value)


def test_the_axon_is_replaced_and_values_are_set(neuron_process, tmp_path):
    written(tmp_path, FIT)
    missing = changed(("genome", 0, "mechanism"), "NaV_nowhere")
    (tmp_path / "missing.json").write_text(json.dumps(missing))
    unknown = changed(("genome", 0, "name"), "gnabra_hh")
    (tmp_path / "unknown.json").write_text(json.dumps(unknown))

    def model(results) -> None:
        from pathlib import Path
        from types import SimpleNamespace

        from lfpcli.errors import SimulatorError
        from lfpcli.runtime.hoc.allen import allen_hook
        from lfpcli.runtime.neuron import nrn

        h = nrn()

        def make():
            names = ["soma[0]", "axon[0]", "axon[1]", "dend[0]"]
            sections = [h.Section(name=n) for n in names]
            for child, parent in ((1, 0), (2, 1), (3, 0)):
                sections[child].connect(sections[parent](1))
            return SimpleNamespace(sections=sections, names=names)

        cell = make()
        allen_hook(Path("fit.json"))(cell)
        soma, dend, one, two = cell.sections
        results["names"] = cell.names
        results["count"] = len(list(h.allsec()))
        results["stub"] = [one.L, one.diam, two.L, two.diam]
        results["joint"] = [one.parentseg().x, two.parentseg().x]
        results["values"] = [
            soma.gnabar_hh,
            soma.ena,
            soma.ek,
            soma.cm,
            dend.cm,
            dend.g_pas,
            two.e_pas,
            two.Ra,
        ]
        for name in ("missing", "unknown"):
            try:
                allen_hook(Path(name + ".json"))(make())
            except SimulatorError as error:
                results[name] = str(error)

    got = neuron_process(model)
    assert list(got["names"]) == ["soma[0]", "dend[0]", "axon[0]", "axon[1]"]
    assert got["count"] == 4
    np.testing.assert_allclose(got["stub"], [30, 1, 30, 1], rtol=1e-6)
    assert got["joint"].tolist() == [0.5, 1.0]
    assert got["values"].tolist() == [0.2, 53.0, -107.0, 1.5, 1.0, 2e-4, -80.0, 100.0]
    assert "unknown mechanism 'NaV_nowhere' in soma" in str(got["missing"])
    assert "did you mean 'gnabar_hh'?" in str(got["unknown"])


def potentials(h, named, amp, celsius, v_init):
    """Potentials of soma, a dendrite and the axon under a current, shape (3, T), mV."""
    for section in named.values():
        section.nseg = 1 + 2 * int(section.L / 40)
    h.celsius = celsius
    stimulus = h.IClamp(named["soma[0]"](0.5))
    stimulus.delay, stimulus.dur, stimulus.amp = 20, 150, amp
    recorded = [h.Vector().record(named[n](0.5)._ref_v) for n in ("soma[0]", "dend[3]", "axon[1]")]
    h.dt, h.steps_per_ms = 0.025, 40
    h.finitialize(v_init)
    context = h.ParallelContext()
    context.set_maxstep(10)
    context.psolve(200)
    return np.array([list(v) for v in recorded])


def bmtk_run(results, swc, parameters, amp, library, active) -> None:
    from neuron import h

    h.load_file("stdrun.hoc")
    h.load_file("import3d.hoc")
    h.nrn_load_dll(library)
    import bmtk.simulator.bionet as bionet
    from bmtk.simulator.bionet.default_setters import cell_models

    h.load_file(1, str(Path(bionet.__file__).parent / "default_templates/Biophys1.hoc"))
    cell = h.Biophys1(swc)
    fit = json.loads(Path(parameters).read_text())
    set_channels = cell_models.aibs_allactive if active else cell_models.aibs_perisomatic
    set_channels(cell, None, fit)
    conditions = fit["conditions"][0]
    named = {s.name().split(".")[1]: s for s in cell.all}
    results["v"] = potentials(h, named, amp, conditions["celsius"], conditions["v_init"])


def lfp_run(results, swc, parameters, amp, mods) -> None:
    from lfpcli.runtime.cell.cell import Cell
    from lfpcli.runtime.hoc.allen import allen_hook
    from lfpcli.runtime.mechanisms.build import build
    from lfpcli.runtime.mechanisms.load import load
    from lfpcli.runtime.neuron import nrn

    h = nrn()
    load(build([mods]))
    cell = Cell(swc, nseg={"rule": "keep"}, custom_fun=[allen_hook(Path(parameters))])
    fit = read_fit(Path(parameters))
    results["active"] = fit.all_active
    named = dict(zip(cell.names, cell.sections, strict=True))
    # bmtk lets NEURON lay the stub of the axon out, which rounds its length to single precision
    h.define_shape()
    results["v"] = potentials(h, named, amp, fit.celsius, fit.v_init)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("swc", "parameters", "active", "amp"),
    [
        ("Scnn1a_473845048_m.swc", "472363762_fit.json", False, 0.25),
        ("Rorb_325404214_m.swc", "318331342_fit.json", True, 1.0),
    ],
)
def test_the_potentials_are_those_of_bmtk(
    neuron_process, tmp_path_factory, monkeypatch, swc, parameters, active, amp
):
    from lfpcli.runtime.mechanisms.build import build

    spec = find_spec("bmtk")
    if spec is None or spec.origin is None:
        pytest.skip("bmtk is not installed")
    folder = Path(spec.origin).parent / "utils/scripts/bionet"
    monkeypatch.setenv("LFP_MECH_CACHE", str(tmp_path_factory.getbasetemp() / "allen-cache"))
    mods = folder / "mechanisms/modfiles"
    given = {
        "swc": str(folder / "morphologies" / swc),
        "parameters": str(folder / "biophysical_neuron_models" / parameters),
        "amp": amp,
    }
    library = str(build([mods]).path)
    reference = neuron_process(bmtk_run, library=library, active=active, **given)
    ours = neuron_process(lfp_run, mods=str(mods), **given)
    assert bool(ours["active"]) == active
    assert ours["v"].shape == reference["v"].shape == (3, 8001)
    assert ours["v"][0].max() > 0
    assert np.abs(ours["v"] - reference["v"]).max() < 1e-6

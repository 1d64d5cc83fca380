"""Loading into NEURON, CoreNEURON with compiled mechanisms, and the command itself."""

from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np
import pytest
from mech_sources import BAD_NAME, LEAK, POINTER, STIMULUS, write


@pytest.fixture(scope="module")
def mods(tmp_path_factory):
    """A folder of mechanisms, compiled in a cache of these tests."""
    folder = tmp_path_factory.mktemp("loading")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LFP_MECH_CACHE", str(folder / "cache"))
        from lfpcli.runtime.mechanisms.build import build

        path = write(folder / "mods", leak=LEAK, stim=STIMULUS, ptr=POINTER)
        build([path])
        yield path


def test_loading_twice_is_harmless_and_nothing_else_is_loaded(mods, neuron_process):
    def model(results, mods) -> None:
        import os
        import shutil
        from pathlib import Path

        from lfpcli.runtime.mechanisms.build import build
        from lfpcli.runtime.mechanisms.load import load, loaded_libraries

        library = build([mods])
        # NEURON loads what it finds in this place by itself
        Path("x86_64").mkdir()
        shutil.copy(library.path, "x86_64/libnrnmech.so")
        os.environ["NRN_NMODL_PATH"] = "."
        from lfpcli.runtime.cell.points import density_mechanism_names
        from lfpcli.runtime.neuron import nrn

        nrn()
        results["before"] = "leaky" in density_mechanism_names()
        load(library)
        load(library)
        results["after"] = "leaky" in density_mechanism_names()
        results["libraries"] = len(loaded_libraries())

    got = neuron_process(
        model,
        mods=str(mods),
    )
    assert not got["before"]
    assert got["after"]
    assert got["libraries"] == 1


def test_names_that_are_taken_are_told(mods, neuron_process):
    def model(results, mods) -> None:
        from dataclasses import replace
        from pathlib import Path

        from lfpcli.errors import SimulatorError
        from lfpcli.runtime.mechanisms.build import build
        from lfpcli.runtime.mechanisms.load import load

        library = build([mods])
        load(library)
        leak = next(m for m in library.mechanisms if m.name == "leaky")
        changed = replace(leak, digest="another", file="changed/leak.mod")
        own = replace(leak, name="hh", digest="another", file="own/hh.mod")
        for name, mechanism in (("same", leak), ("changed", changed), ("own", own)):
            results[name] = "loaded"
            try:
                load(replace(library, folder=Path(name), mechanisms=(mechanism,)))
            except SimulatorError as error:
                results[name] = str(error)

    got = neuron_process(
        model,
        mods=str(mods),
    )
    assert str(got["same"]) == "loaded"
    assert f"'leaky' is loaded already, from {mods}/leak.mod" in str(got["changed"])
    assert "[changed/leak.mod]" in str(got["changed"])
    assert "NEURON has a mechanism 'hh' of its own [own/hh.mod]" in str(got["own"])


def test_a_library_that_does_not_load_is_told(mods, neuron_process, tmp_path):
    (tmp_path / "libnrnmech.so").write_text("no library")

    def model(results, folder) -> None:
        from pathlib import Path

        from lfpcli.errors import SimulatorError
        from lfpcli.runtime.mechanisms.library import Library
        from lfpcli.runtime.mechanisms.load import load

        try:
            load(Library(Path(folder), ()))
        except SimulatorError as error:
            results["error"] = str(error)

    got = neuron_process(
        model,
        folder=str(tmp_path),
    )
    assert "compiled mechanisms do not load" in str(got["error"])
    assert "libnrnmech.so" in str(got["error"])


def test_the_engines_agree_on_a_compiled_mechanism(mods, neuron_process):
    def model(results, mods) -> None:
        from lfpcli.runtime.engine import coreneuron
        from lfpcli.runtime.mechanisms.build import build
        from lfpcli.runtime.mechanisms.load import load
        from lfpcli.runtime.neuron import context, nrn

        load(build([mods]))
        h, pc = nrn(), context()
        soma = h.Section(name="soma")
        soma.L = soma.diam = 20
        soma.insert("hh")
        soma.insert("leaky")
        stimulus = h.Ramp(soma(0.5))
        stimulus.slope = 0.05
        h.CVode().use_fast_imem(True)
        columns = [
            h.Vector().record(r)
            for r in (soma(0.5)._ref_v, soma(0.5)._ref_i_membrane_, stimulus._ref_i)
        ]
        results["obstacle"] = str(coreneuron.obstacle())
        switch = coreneuron.prepare()
        h.dt = 2.0**-5
        for name, on in (("neuron", False), ("coreneuron", True)):
            switch.enable = on
            pc.set_maxstep(10)
            h.finitialize(-65)
            h.fcurrent()
            h.frecord_init()
            for until in (7.0, 20.0):
                pc.psolve(until)
            results[name] = np.array([np.array(c) for c in columns])
        switch.enable = False
        soma.insert("follower")
        results["pointer"] = str(coreneuron.obstacle())
        soma.uninsert("follower")
        clamp = h.VClamp(soma(0.5))
        results["vclamp"] = str(coreneuron.obstacle())
        del clamp
        results["adaptive"] = str(coreneuron.obstacle(adaptive=True))
        soma.insert("extracellular")
        results["extracellular"] = str(coreneuron.obstacle())

    got = neuron_process(
        model,
        mods=str(mods),
    )
    assert got["obstacle"] == "None"
    assert got["neuron"].shape == got["coreneuron"].shape == (3, 641)
    peak = np.abs(got["neuron"]).max(axis=1)
    assert np.all(np.abs(got["neuron"] - got["coreneuron"]).max(axis=1) <= 1e-9 * peak)
    assert got["neuron"][0].max() > 0
    assert "no mechanism 'follower' (POINTER other)" in str(got["pointer"])
    assert "'VClamp'" in str(got["vclamp"])
    assert "variable time step" in str(got["adaptive"])
    assert "extracellular" in str(got["extracellular"])


def test_a_missing_mechanism_names_the_file_that_has_it(mods, neuron_process):
    def model(results, parent) -> None:
        from lfpcli.runtime.mechanisms.near import find_mod_near, missing_mechanism_error

        results["near"] = str(missing_mechanism_error("leaky", "dend[3]", [parent]))
        results["guess"] = str(missing_mechanism_error("hhh", "soma[0]", [parent]))
        results["none"] = find_mod_near("nowhere", [parent]) is None

    got = neuron_process(
        model,
        parent=str(mods.parent),
    )
    assert "unknown mechanism 'leaky' in dend[3]" in str(got["near"])
    assert str(mods / "leak.mod") in str(got["near"])
    assert "did you mean 'hh'?" in str(got["guess"])
    assert got["none"]


def test_the_command_prints_the_library_and_stays_out_of_the_folder(mods, shell, tmp_path):
    ran = shell("mechs", mods, cwd=tmp_path)
    assert ran.out.endswith("libnrnmech.so\n")
    assert Path(ran.out.strip()).is_file()
    assert ran.err == ""
    assert list(tmp_path.iterdir()) == []
    facts = json.loads(shell("mechs", mods, "--json").out)
    assert facts["library"] == ran.out.strip()
    assert facts["refused"] == {"follower": "POINTER other"}
    assert facts["mechanisms"] == ["Ramp", "follower", "leaky"]


def test_nrnivmodl_need_not_be_on_the_path(mods, shell):
    environment = {**os.environ, "PATH": "/usr/bin:/bin"}
    assert shell("mechs", mods, env=environment).err == ""


def test_list_tells_built_in_and_compiled(mods, shell):
    lines = shell("mechs", "--list").out.splitlines()
    rows = {line.split()[0]: line.split(None, 2)[1:] for line in lines}
    assert rows["hh"] == ["density", "built in"]
    assert rows["NetStim"][0] == "artificial"
    assert rows["Ramp"] == ["point", str(mods / "stim.mod")]
    named = json.loads(shell("mechs", mods, "--list", "--json").out)
    assert [m["name"] for m in named] == ["Ramp", "follower", "leaky"]


def test_describe_tells_parameters_ions_and_electrodes(mods, shell):
    facts = json.loads(shell("mechs", "--describe", "leaky", "--json").out)
    assert facts["kind"] == "density"
    assert not facts["electrode_current"]
    assert facts["ions"] == [{"ion": "ca", "reads": ["cai", "eca"], "writes": ["ica"]}]
    assert facts["parameters"] == [
        {"name": "g", "units": "S/cm2", "size": 1, "default": 2e-4},
        {"name": "e", "units": "mV", "size": 1, "default": -61.0},
    ]
    assert facts["globals"] == [{"name": "shift", "units": "mV", "size": 1, "default": 1.5}]
    assert facts["file"] == str(mods / "leak.mod")
    text = shell("mechs", mods, "--describe", "Ramp").out
    assert "electrode current: yes" in text
    assert "0.01 nA/ms" in text
    text = shell("mechs", "--describe", "VClamp").out
    assert "CoreNEURON: no" in text
    assert "built in" in text
    ran = shell("mechs", "--describe", "leeky", code=5)
    assert ran.err.startswith("lfp mechs: error: unknown mechanism 'leeky'; did you mean 'leaky'?")


def test_check_tells_lines_and_ends_with_5(lfp, tmp_path):
    folder = write(tmp_path, bad=BAD_NAME, ptr=POINTER)
    ran = lfp("mechs", folder, "--check", code=5)
    lines = ran.out.splitlines()
    assert lines[0].startswith(f"{folder / 'bad.mod'}:7: error: ")
    assert lines[1].startswith(f"{folder / 'ptr.mod'}:5: not for CoreNEURON: POINTER other")
    assert ran.err.count("\n") == 1
    assert ran.err.startswith("lfp mechs: error: 1 file does not compile")
    ran = lfp("mechs", folder / "ptr.mod", "--check", "--json")
    assert json.loads(ran.out)[0]["engine"] == "coreneuron"
    assert ran.err == ""


@pytest.mark.parametrize(
    ("arguments", "code", "text"),
    [
        ((), 2, "no PATH is given"),
        (("--list", "--clean"), 2, "not allowed with"),
        (("x", "--clean"), 2, "--clean takes no PATH"),
        (("x", "--check", "--skip-broken"), 2, "--skip-broken is for compiling"),
        (("nowhere.mod",), 3, "no such file [nowhere.mod]"),
    ],
)
def test_wrong_uses_are_told(lfp, arguments, code, text):
    ran = lfp("mechs", *arguments, code=code)
    assert text in ran.err
    assert ran.err.count("\n") == 1
    assert ran.out == ""


def test_clean_removes_all_and_nothing_of_others(lfp, tmp_path, monkeypatch):
    cache = tmp_path / "cache"
    monkeypatch.setenv("LFP_MECH_CACHE", str(cache))
    build = cache / "0123"
    build.mkdir(parents=True)
    (build / "manifest.json").write_text(
        '{"digests": {}, "mechanisms": [], "skipped": [], "skipped_names": []}'
    )
    (build / "libnrnmech.so").touch()
    (cache / "0123.lock").touch()
    (cache / "unfinished-0123-x").mkdir()
    (cache / "keep.txt").write_text("not ours")
    ran = lfp("mechs", "--clean")
    assert "removed 1 compiled library" in ran.err
    assert [p.name for p in cache.iterdir()] == ["keep.txt"]

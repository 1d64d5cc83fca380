"""Mechanisms of older NEURON: what is mended, what is said of the rest, and what stays."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

from lfpcli.runtime.mechanisms import tables
from lfpcli.runtime.mechanisms.porting import port
from lfpcli.runtime.mechanisms.sources import read_mod

RELEASE = """\
NEURON {
    POINT_PROCESS Release
    NONSPECIFIC_CURRENT i
    RANGE g, p
    POINTER rng
}
PARAMETER {
    p = 0.5
    half
}
ASSIGNED { v (mV) i (nA) rng }
STATE { g (uS) }
VERBATIM
#include <stdlib.h>
extern double* vector_vec(), hoc_call_func();
double nrn_random_pick(void* r);
void* nrn_random_arg(int argpos);
static double twice(xx, n) double xx; int *n; { return 2*xx*(*n); }
static double* room(m) int m; { double* a; a = malloc(m*sizeof(double)); return a; }
ENDVERBATIM
INITIAL { g = 0 }
BREAKPOINT {
    SOLVE state METHOD cnexp
    half = 0.5
    i = half*g*v
}
DERIVATIVE state { g' = -g/2 }
NET_RECEIVE (w (uS)) {
    if (urand() < p) { g = g + w }
}
PROCEDURE setRNG() {
VERBATIM
    {
        void** pv = (void**)(&_p_rng);
        if (ifarg(1)) {
            *pv = nrn_random_arg(1);
        } else {
            *pv = (void*)0;
        }
    }
ENDVERBATIM
}
FUNCTION urand() {
VERBATIM
    double value;
    if (_p_rng) {
        /* the distribution MUST be set to Random.negexp(1) */
        value = nrn_random_pick(_p_rng);
        return value;
    } else {
ENDVERBATIM
        value = scop_random(1)
VERBATIM
    }
ENDVERBATIM
    urand = value
}
"""
# what the generator draws is nowhere said
UNSAID = """\
NEURON {
    POINT_PROCESS Unsaid
    ELECTRODE_CURRENT i
    POINTER donotuse
}
ASSIGNED { i (nA) donotuse x }
VERBATIM
double nrn_random_pick(void* r);
void* nrn_random_arg(int argpos);
ENDVERBATIM
BREAKPOINT { i = pick() }
FUNCTION pick() {
VERBATIM
    if (_p_donotuse) { _lpick = nrn_random_pick(_p_donotuse); } else { _lpick = 0.; }
ENDVERBATIM
}
PROCEDURE setRandObj() {
VERBATIM
    void** pv = (void**)(&_p_donotuse);
    if (ifarg(1)) { *pv = nrn_random_arg(1); } else { *pv = (void*)0; }
ENDVERBATIM
}
"""
FLUCTUATING = """\
NEURON { POINT_PROCESS Fluct NONSPECIFIC_CURRENT i RANGE g, std }
PARAMETER { std = 0.003 (uS) }
ASSIGNED { v (mV) i (nA) g (uS) }
INITIAL { g = 0 }
BREAKPOINT {
    SOLVE noise
    i = g*v
}
PROCEDURE noise() {
    g = 0.9*g + normrand(0,1) + normrand(2, std*f(1,2)) + exprand(3) + scop_random(1)
}
FUNCTION f(a, b) { f = a + b }
"""
KINETIC_AND_LINEAR = """\
NEURON { SUFFIX both USEION na READ ena WRITE ina RANGE gbar }
PARAMETER { gbar = 0.01 (S/cm2) }
ASSIGNED { v (mV) ena (mV) ina (mA/cm2) a (/ms) b (/ms) }
STATE { c o q }
BREAKPOINT { SOLVE kin METHOD sparse ina = gbar*o*(v-ena) }
INITIAL { rates(v) SOLVE begin }
KINETIC kin {
    rates(v)
    ~ c <-> o (a, b)
    ~ o <-> q (0.3, 0.01)
    CONSERVE c + o + q = 1
}
LINEAR begin {
    ~ o*b - c*a = 0
    ~ o*0.3 - q*0.01 = 0
    ~ c + o + q = 1
}
PROCEDURE rates(v (mV)) { a = 0.5*exp((v+40)/12) b = 0.4*exp(-(v+40)/20) }
"""


def write(folder: Path, **texts: str) -> Path:
    folder.mkdir(parents=True)
    for name, text in texts.items():
        (folder / f"{name}.mod").write_text(text)
    return folder


def test_copies_compile_for_both_engines_and_the_files_stay(lfp, tmp_path):
    mods = write(tmp_path / "mods", release=RELEASE, fluctuating=FLUCTUATING)
    (mods / "plain.mod").write_bytes(b"NEURON { SUFFIX plain }\r\nPARAMETER { a = 1 }\r\n")
    before = {path.name: path.read_bytes() for path in mods.iterdir()}
    assert "lfp mechs --port" in lfp("mechs", "--check", mods, code=5).err
    copies = tmp_path / "copies"
    ran = lfp("mechs", "--port", mods, "-o", copies)
    assert {path.name: path.read_bytes() for path in mods.iterdir()} == before
    assert lfp("mechs", "--check", copies).out == ""
    assert f"--- {mods / 'release.mod'}\n+++ {copies / 'release.mod'}\n" in ran.out
    assert "-void* nrn_random_arg(int argpos);\n" in ran.out
    assert "plain.mod" not in ran.out and "mended 2 of 3" in ran.err
    assert (copies / "plain.mod").read_bytes() == before["plain.mod"]
    text = (copies / "release.mod").read_text()
    assert "RANDOM rng" in text and "urand = random_uniform(rng)" in text
    assert "static double twice(double xx, int *n) { return" in text
    assert "a = (double*) malloc(" in text
    assert "vector_vec" not in text and "VERBATIM\n#include <stdlib.h>\nstatic" in text
    noise = (copies / "fluctuating.mod").read_text()
    assert "0.9*g + random_normal(rng) + ((2) + (std*f(1,2))*random_normal(rng))" in noise
    assert "+ (3)*random_negexp(rng) + random_uniform(rng)" in noise


def test_nothing_is_written_over(lfp, tmp_path):
    mods = write(tmp_path / "mods", release=RELEASE)
    assert "output exists" in lfp("mechs", "--port", mods, "-o", mods, code=4).err
    assert "mkdir -p" in lfp("mechs", "--port", mods, "-o", tmp_path / "no/where", code=4).err
    assert "-o DIR" in lfp("mechs", "--port", mods, code=2).err
    (tmp_path / "empty").mkdir()
    lfp("mechs", "--port", mods, "-o", tmp_path / "empty")
    assert [path.name for path in (tmp_path / "empty").iterdir()] == ["release.mod"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["empty", "mods"]


def test_what_is_not_recognised_is_told_with_its_line(lfp, tmp_path):
    broken = RELEASE.replace("return 2*xx", "return nowhere(xx)")
    mods = write(tmp_path / "mods", unsaid=UNSAID, broken=broken)
    ran = lfp("mechs", "--port", mods, "-o", tmp_path / "new", code=5)
    line = UNSAID.splitlines().index("FUNCTION pick() {") + 1
    assert f"unsaid.mod:{line}: not recognised: what 'pick' draws is not said" in ran.err
    line = next(k for k, text in enumerate(broken.splitlines(), 1) if "nowhere" in text)
    assert f"broken.mod:{line}: error: 'nowhere' was not declared" in ran.err
    assert "1 of the copies still do not compile" in ran.err


def test_a_run_names_the_port(shell, tmp_path, share):
    mods = write(tmp_path / "mods", release=RELEASE)
    ran = shell(
        "sim",
        share / "morphologies/stick.swc",
        "--passive",
        "--tstop",
        "1",
        "--set",
        f'run.mechanisms=["{mods}"]',
        "-o",
        tmp_path / "o.h5",
        code=5,
    )
    assert f"lfp mechs --port {mods} -o NEW" in ran.err and "release.mod:" in ran.err


@pytest.mark.parametrize(
    ("before", "after", "reason"),
    [
        ("normrand(0,1)", "normrand(0, exprand(1))", "another draw as its argument"),
        ("INITIAL {", "INITIAL { set_seed(3)", "set_seed seeds the one stream"),
        ("normrand(0,1)", "poisrand(2)", "poisrand has no counterpart"),
    ],
)
def test_draws_that_have_no_counterpart_are_told(tmp_path, before, after, reason):
    mods = write(tmp_path / "mods", fluct=FLUCTUATING.replace(before, after))
    ported = port(read_mod(mods / "fluct.mod"))
    assert any(reason in finding.text for finding in ported.leftovers)


def test_a_copy_that_is_ported_again_stays(tmp_path):
    mods = write(tmp_path / "mods", release=RELEASE)
    once = port(read_mod(mods / "release.mod"))
    again = write(tmp_path / "again", release=once.text)
    twice = port(read_mod(again / "release.mod"))
    assert once.changes and not twice.changes
    assert twice.text == once.text and twice.diff(again) == ""


def runs_in_both_engines(results, mods, name, morphology) -> None:
    from lfpcli.runtime.mechanisms.build import build
    from lfpcli.runtime.mechanisms.load import load

    library = build([mods])
    results["refused"] = str(library.refused)
    load(library)
    from lfpcli import Cell, StimIntElectrode

    cell = Cell(morphology, passive=True)
    cell.insert(name, gbar=0.02)
    StimIntElectrode(cell, 0, amp=0.1, delay=1.0, dur=10.0)
    for engine in ("neuron", "coreneuron"):
        cell.simulate(tstop=20.0, engine=engine, rec_imem=True)
        results[engine] = cell.imem


def check_that_engines_agree(told: dict[str, np.ndarray]) -> None:
    assert str(told["refused"]) == "{}"
    peak = np.abs(told["neuron"]).max()
    assert peak > 1e-4
    np.testing.assert_allclose(told["coreneuron"], told["neuron"], rtol=0, atol=1e-9 * peak)


def test_a_linear_block_beside_a_kinetic_one_runs_in_coreneuron(neuron_process, tmp_path, share):
    mods = write(tmp_path / "mods", both=KINETIC_AND_LINEAR)
    stick = str(share / "morphologies/stick.swc")
    told = neuron_process(runs_in_both_engines, mods=str(mods), name="both", morphology=stick)
    check_that_engines_agree(told)


def test_allens_nav_runs_in_coreneuron(neuron_process, tmp_path, share):
    """Its KINETIC block runs and its LINEAR one begins; nmodl alone makes no C++ of it."""
    spec = find_spec("bmtk")
    if spec is None or spec.origin is None:
        pytest.skip("bmtk is not installed")
    files = Path(spec.origin).parent / "utils/scripts/bionet/mechanisms/modfiles"
    mods = write(tmp_path / "mods", NaV=(files / "NaV.mod").read_text())
    stick = str(share / "morphologies/stick.swc")
    told = neuron_process(runs_in_both_engines, mods=str(mods), name="NaV", morphology=stick)
    check_that_engines_agree(told)


def test_translations_that_read_the_potential_keep_it():
    text = """
    double* v_unused{};
    double* g_unused{};
    static inline int float_variables_size() {
        return 4;
    }
        inst->v_unused = ml->data+2*pnodecount;
        inst->g_unused = ml->data+3*pnodecount;
        inst->v_unused[id] = v;
    """
    mended = tables.with_variables(text, 3)
    assert "v_unused" not in mended and "return 3;" in mended
    assert "inst->g_unused = ml->data+2*pnodecount;" in mended
    for count in (None, 4, 2):
        assert tables.with_variables(text, count) == text
    reads = f"{text} double w = inst->v_unused[id];"
    assert tables.with_variables(reads, 3) == reads

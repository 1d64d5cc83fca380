"""Mechanisms in vectors: errors of the functions, bits of any number of copies, tables."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

from lfpcli.runtime.mechanisms import toolchain, vectors
from lfpcli.runtime.mechanisms.tables import main, without_branches

HERE = Path(__file__).parent
# largest errors that the manual states, ulp
LIMITS = {"exp": 1.0, "log": 0.85, "pow": 1.2, "pow(x,3)": 2.0, "pow(x,4)": 2.0, "tanh": 2.6}
LIMITS["expm1"] = 2.0
ISA = ("-mfma", "-mavx2 -mfma", "-mavx512f -mavx512dq -mavx512vl -mfma -mprefer-vector-width=512")

needs_compiler = pytest.mark.skipif(shutil.which("g++") is None, reason="needs g++")


def compiled(source: str, folder: Path, instructions: str, compiler: str = "g++") -> Path:
    """Compile a program with the header."""
    target = folder / f"program{len(list(folder.iterdir()))}"
    command = [compiler, "-std=c++17", *toolchain.PORTABLE_FLAGS, *instructions.split()]
    command += [f"-I{vectors.HEADER.parent}", str(HERE / source), "-o", str(target)]
    command += ["-lquadmath"] if source == "accuracy.cpp" else []
    subprocess.run(command, check=True)
    return target


def usable() -> list[str]:
    """Instructions that this machine has, by what the build would use."""
    chosen = vectors.instruction_flags()
    return [flags for flags in ISA if set(flags.split()) <= set(chosen)]


@needs_compiler
def test_functions_are_as_exact_as_said_and_vectors_have_the_bits_of_single_calls(
    tmp_path: Path,
) -> None:
    if not usable():
        pytest.skip("no fused multiply-adds")
    done = subprocess.run(
        [compiled("accuracy.cpp", tmp_path, usable()[-1])], capture_output=True, check=False
    )
    table = done.stdout.decode()
    rows = re.findall(r"^(\S+).*: max ([\d.]+) ulp .*differ: (\d+)$", table, re.MULTILINE)
    assert len(rows) > 15
    for name, error, differing in rows:
        assert float(error) < LIMITS[name], table
        assert int(differing) == 0, table
    assert "specials wrong: 0; loops whose bits differ: 0" in table
    assert done.returncode == 0


@needs_compiler
def test_bits_are_those_of_any_instructions_and_compiler(tmp_path: Path) -> None:
    if not usable():
        pytest.skip("no fused multiply-adds")
    there = [name for name in ("g++", "clang++") if shutil.which(name)]
    for flags in usable():
        for compiler in there:
            program = compiled("bits.cpp", tmp_path, flags, compiler)
            done = subprocess.run([program], capture_output=True, check=True)
            assert done.stdout == b"59e21faf2f6e6b4e\n", (compiler, flags)


@needs_compiler
def test_where_it_would_be_wrong_or_slow_the_header_does_nothing(tmp_path: Path) -> None:
    source = tmp_path / "empty.cpp"
    source.write_text("#ifdef LFP_MATH_FN\n#error active\n#endif\nint main() {}\n")
    command = ["g++", "-fsyntax-only", f"--include={vectors.HEADER}", str(source)]
    for flags, is_active in (([], False), (["-mfma"], True), (["-mfma", "-ffast-math"], False)):
        done = subprocess.run([*command, *flags], capture_output=True, check=False)
        assert (done.returncode != 0) == is_active, flags


def copies(results, count, engines, morphology, mods) -> None:
    import hashlib

    from lfpcli.runtime.mechanisms.build import build
    from lfpcli.runtime.mechanisms.load import load

    load(build([mods]))
    import lfpcli.runtime.engine.run as loop
    from lfpcli import Cell, StimIntElectrode, Synapse
    from lfpcli.runtime.engine.record import membrane_currents, potentials
    from lfpcli.runtime.engine.settings import RunSettings

    cells = []
    for gid in range(count):
        cell = Cell(
            morphology,
            passive=True,
            gid=gid,
            nseg={"rule": "length", "max": 23.0},
            custom_fun=[lambda c: c.insert("hh"), lambda c: c.insert("chan", ["dend"])],
        )
        StimIntElectrode(cell, 0, "IClamp", amp=1.5, delay=1.0, dur=30.0)
        Synapse(cell, 5, "Exp2Syn", weight=0.004, tau1=0.2, tau2=2.0).set_spike_times([3.0, 6.5])
        cells.append(cell)
    recorders = {"imem": membrane_currents(cells), "vmem": potentials(cells)}
    for engine in engines:
        chunks = []
        loop.run(cells, RunSettings(tstop=12.0, dt=2**-5, engine=engine), recorders, chunks.append)
        hashes = set()
        for gid in range(count):
            bits = hashlib.sha256()
            for name, recorder in recorders.items():
                span = slice(recorder.offsets[gid], recorder.offsets[gid + 1])
                block = np.concatenate([chunk.blocks[name][:, span] for chunk in chunks])
                bits.update(np.ascontiguousarray(block).tobytes())
            hashes.add(bits.hexdigest())
        results[engine] = sorted(hashes)
        results[f"imem {engine}"] = np.concatenate([chunk.blocks["imem"] for chunk in chunks])


# what channels are made of: exp, log, pow with whole and other exponents, tanh, a table
CHANNEL = """
NEURON { SUFFIX chan USEION k READ ek WRITE ik RANGE gbar }
PARAMETER { gbar = 0.01 (S/cm2) celsius (degC) }
ASSIGNED { v (mV) ek (mV) ik (mA/cm2) ninf ntau (ms) hinf q }
STATE { n h }
INITIAL { q = pow(2.3, (celsius - 23)/10) rates(v) slow(v) n = ninf h = hinf }
BREAKPOINT { SOLVE states METHOD cnexp ik = gbar*n^4*pow(h, 1.5)*(v - ek)*(1.5 + tanh(v/50)) }
DERIVATIVE states { rates(v) slow(v) n' = (ninf - n)/ntau h' = (hinf - h)/30 }
PROCEDURE rates(v (mV)) { LOCAL x
    x = (v + 30)/9
    if (fabs(x) < 1e-6) { x = 1e-6 }
    ninf = 1/(1 + exp(-x))
    ntau = (1 + log(1 + exp(-x*x)) + x/(1 - exp(-x)))/q
}
PROCEDURE slow(v (mV)) {
    TABLE hinf FROM -100 TO 60 WITH 320
    hinf = 1/(1 + exp((v + 50)/7))
}
"""


def test_a_cell_has_the_same_bits_whatever_else_its_process_holds(
    neuron_process, share: Path, tmp_path: Path
) -> None:
    (tmp_path / "chan.mod").write_text(CHANNEL)
    arguments = {
        "morphology": str(share / "morphologies/ball_and_sticks.swc"),
        "mods": str(tmp_path / "chan.mod"),
    }
    hashes = set()
    for count in (1, 2, 3, 5, 7):
        engines = ["neuron", "coreneuron"] if count == 1 else ["coreneuron"]
        found = neuron_process(copies, count=count, engines=engines, **arguments)
        hashes |= set(found["coreneuron"].tolist())
        if count == 1:
            one, other = found["imem neuron"], found["imem coreneuron"]
            # the functions differ from the C library's in the last digit
            assert 0 < np.abs(one - other).max() < 1e-9 * np.abs(one).max()
    assert len(hashes) == 1


C_FUNCTION = """
NEURON { SUFFIX tenth NONSPECIFIC_CURRENT i THREADSAFE }
ASSIGNED { v (mV) i (mA/cm2) }
VERBATIM
#ifdef CORENEURON_BUILD
namespace coreneuron { static double log10(double x) { return x; } }
#endif
ENDVERBATIM
BREAKPOINT { i = 1e-6*(v + 65) }
"""


def test_c_code_that_does_not_go_with_the_functions_is_compiled_without_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from lfpcli.runtime.mechanisms.build import build

    monkeypatch.setenv("LFP_MECH_CACHE", str(tmp_path / "cache"))
    (tmp_path / "tenth.mod").write_text(C_FUNCTION)
    library = build([tmp_path / "tenth.mod"])
    assert library.refused == {} and library.core_path is not None


TRANSLATED = """
    inline static int rates_x(int id, int n, Inst* inst, double v, double _lv){
        if (inst->global->usetable == 0) {
            f_rates_x(id, n, inst, v, _lv);
            return 0;
        }
        double xi = inst->global->mfac_rates * (_lv - inst->global->tmin_rates);
        if (isnan(xi)) {
            inst->a[id] = xi;
            return 0;
        }
        if (xi <= 0. || xi >= 200.) {
            int index = (xi <= 0.) ? 0 : 200;
            inst->a[id] = inst->global->t_a[index];
            return 0;
        }
        int i = int(xi);
        double theta = xi - double(i);
        inst->a[id] = inst->global->t_a[i] + theta*(inst->global->t_a[i+1]-inst->global->t_a[i]);
        return 0;
    }
        #pragma omp simd
        #pragma ivdep
        for (int id = 0; id < nodecount; id++) {
            rates_x(id, n, inst, v, v);
        }
"""


def test_tables_are_looked_up_without_branches(tmp_path: Path) -> None:
    (tmp_path / "x.cpp").write_text(TRANSLATED)
    main(["somewhere/x.mod", "-o", str(tmp_path), "host", "--c"])
    text = (tmp_path / "x.cpp").read_text()
    assert "inline static int table_rates_x(int id" in text
    assert text.count("#pragma omp simd") == 2
    assert re.search(
        r"if \(inst->global->usetable\) \{\n.*?table_rates_x\(id.*?\} else \{", text, re.S
    )
    assert "t_a[j]-" in text and "xi < 200. ? xi : 200." in text


@needs_compiler
@pytest.mark.parametrize("level", range(len(vectors._LEVELS)))
def test_loops_over_segments_become_vectors(tmp_path: Path, level: int) -> None:
    tools = toolchain.toolchain()
    if tools.compiler[0] != "g++":
        pytest.skip("g++ tells which loops are vectors")
    vectors.stage_vectors(tmp_path)
    shutil.copy(tools.home / "share/modfile/hh.mod", tmp_path)
    translate = [str(tmp_path / vectors.WRAPPER), "hh.mod", "-o", ".", "host", "--c"]
    environment = vectors.vector_environment(tools.program("nmodl"))
    environment["MODLUNIT"] = str(tools.home / "share/nmodl/nrnunits.lib")
    code, printed = tools.run([*translate, "passes", "--inline"], tmp_path, **environment)
    assert code == 0, printed
    command = [*tools.compiler, *tools.standard("share/coreneuron/nrnivmodl_core_makefile")]
    command += [*toolchain.PORTABLE_FLAGS, *vectors._LEVELS[level][1].split()]
    command += [f"--include={vectors.HEADER.name}", f"-I{tools.home / 'include'}"]
    command += [f"-I{tools.home / 'include/coreneuron/utils/randoms'}"]
    command += ["-S", "hh.cpp", "-fopt-info-vec-optimized"]
    code, printed = tools.run(command, tmp_path)
    assert code == 0, printed
    lines = (tmp_path / "hh.cpp").read_text().splitlines()
    # the loop over currents scatters, for which not all instruction sets have instructions
    first = next(k for k, line in enumerate(lines, 1) if "void nrn_state_hh" in line)
    numbers = re.findall(r"hh\.cpp:(\d+):\d+: optimized: loop vectorized", printed)
    assert any(first < int(number) < first + 30 for number in numbers), printed


def test_what_looks_otherwise_stays_as_it_is() -> None:
    for text in ("", "int main() {}", TRANSLATED.replace("isnan", "std::isnan")):
        assert without_branches(text) == text


def test_the_instructions_are_part_of_the_key(monkeypatch: pytest.MonkeyPatch) -> None:
    keys = set()
    for flags in ((), ("-mavx2", "-mfma")):
        monkeypatch.setattr(toolchain, "instruction_flags", lambda flags=flags: flags)
        keys.add(toolchain.build_key([("a", "1")]))
    monkeypatch.setattr(toolchain, "digests", lambda: ("another header",))
    keys.add(toolchain.build_key([("a", "1")]))
    assert len(keys) == 3

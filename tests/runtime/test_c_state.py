"""What C code of mechanisms has of its process: generators, seeds of the clock, variables."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from lfpcli.errors import LfpWarning, SimulatorError
from lfpcli.runtime.engine import checks
from lfpcli.runtime.engine.c_state import (
    ProcessGenerator,
    c_variable,
    clock_seed,
    process_generator,
)
from lfpcli.runtime.engine.hidden import shared_memory
from lfpcli.runtime.mechanisms.library import Mechanism

HEAD = "NEURON { SUFFIX dice NONSPECIFIC_CURRENT i }\n"
# a draw from a stream of the mechanism's own where there is one
FALLBACK = """
NEURON { ARTIFICIAL_CELL Stim POINTER donotuse }
FUNCTION erand() {
VERBATIM
    if (_p_donotuse) { _lerand = nrn_random_pick((Rand*) _p_donotuse); } else {
ENDVERBATIM
    erand = exprand(1)
VERBATIM
    }
ENDVERBATIM
}
PROCEDURE noiseFromRandom() {
VERBATIM
    void** pv = (void**)(&_p_donotuse); if (ifarg(1)) { *pv = nrn_random_arg(1); }
ENDVERBATIM
}
"""


def in_c(code: str) -> str:
    """A mechanism that draws in C."""
    return f"{HEAD}FUNCTION draw() {{\nVERBATIM\n{code}\nENDVERBATIM\n}}\n"


@pytest.mark.parametrize(
    ("text", "name"),
    [
        (HEAD + "FUNCTION draw() { draw = scop_random() }", "scop_random"),
        (in_c("_ldraw = scop_random();"), "scop_random"),
        (in_c("_ldraw = drand48();"), "drand48"),
        (in_c("_ldraw = rand() / (double) RAND_MAX;"), "rand"),
        (in_c("static std::mt19937 g; _ldraw = g();"), "std::mt19937"),
        (in_c("_ldraw = mcell_ran4(&n, x, 1, 1.);"), "mcell_ran4"),
    ],
)
def test_generators_of_a_process_are_seen(text: str, name: str) -> None:
    generator = process_generator(text)
    assert generator is not None and generator.name == name


@pytest.mark.parametrize(
    "text",
    [
        HEAD + "FUNCTION draw() { draw = random_uniform(rng) }",
        in_c('/* not drand48() */ printf("rand()"); // rand()'),
        HEAD + "VERBATIM\nextern double drand48(void);\nENDVERBATIM\n",
        in_c("_ldraw = my_rand();"),
        FALLBACK,
    ],
)
def test_what_draws_from_no_generator_of_a_process(text: str) -> None:
    assert process_generator(text) is None


def test_a_pointer_that_is_not_set_leaves_the_generator_of_the_process() -> None:
    generator = process_generator(FALLBACK, is_pointer_unset=True)
    assert generator is not None and generator.name == "exprand"


@pytest.mark.parametrize(
    ("code", "name"),
    [
        ("srand(time(NULL));", "time"),
        ("srand48((long) time(0) ^ getpid());", "time"),
        ("std::random_device seed;", "std::random_device"),
        ("srand48(7); x = time(NULL);", None),
        ("srand(_lseed);", None),
    ],
)
def test_seeds_of_the_clock_are_seen(code: str, name: str | None) -> None:
    assert clock_seed(in_c(code)) == name


@pytest.mark.parametrize(
    ("text", "name"),
    [
        (in_c("static int count = 0; count++; _ldraw = count;"), "count"),
        (in_c("static double last[3]; last[1] = v; _ldraw = last[0];"), "last"),
        (HEAD + "VERBATIM\ndouble sum = 0;\nENDVERBATIM\n" + in_c("sum += 1;"), "sum"),
        (in_c("static double state; next(&state);"), "state"),
        # tables of coefficients, functions, what each call has, and names of files
        (in_c("static double cof[2]={76.1, -86.5}; _ldraw = cof[0] + cof[j];"), None),
        (
            HEAD + "VERBATIM\nstatic double f(double x) { double y = x; return y; }\nENDVERBATIM",
            None,
        ),
        (in_c("int k; for (k = 0; k < 3; k++) { _ldraw = k; }"), None),
        (HEAD + "VERBATIM\nchar name[9];\n#define SET(x) x = 1\nENDVERBATIM" + in_c(""), None),
        (HEAD + "VERBATIM\nextern int errors;\nENDVERBATIM" + in_c("errors++;"), None),
    ],
)
def test_variables_that_instances_share_in_c(text: str, name: str | None) -> None:
    assert c_variable(text) == name
    said = shared_memory(text)
    assert (said is None) == (name is None)
    assert said is None or f"remembers '{name}', a variable of its C code" in said


DICE = Mechanism(name="dice", nature="density", file="mods/dice.mod", digest="", electrode=False)


def test_generators_of_c_are_refused_on_several_processes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checks, "launched", lambda: (2, 0))
    generator = ProcessGenerator(name="drand48", is_of_c=True)
    with pytest.raises(SimulatorError, match="'dice' draws from drand48, one stream") as caught:
        checks._set_chance(DICE, generator, 3)
    assert "mods/dice.mod" in str(caught.value) and "RANDOM rng" in str(caught.value)


def test_a_generator_that_nothing_can_seed_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checks, "launched", lambda: (1, 0))
    with pytest.warns(LfpWarning, match="mcell_ran4, one stream of a whole process, which no seed"):
        checks._set_chance(DICE, ProcessGenerator(name="mcell_ran4", is_of_c=True), 3)


def drawn(results: dict[str, Any]) -> None:
    """Numbers of C's generators after seeds."""
    import ctypes

    from lfpcli.runtime.engine.c_state import ProcessGenerator
    from lfpcli.runtime.engine.checks import _set_chance
    from lfpcli.runtime.mechanisms.library import Mechanism
    from lfpcli.runtime.neuron import nrn

    nrn()
    dice = Mechanism(name="dice", nature="density", file="", digest="", electrode=False)
    of_c = ctypes.CDLL(None)
    of_c.drand48.restype = ctypes.c_double
    numbers = []
    for seed in (3, 3, 4):
        _set_chance(dice, ProcessGenerator(name="drand48", is_of_c=True), seed)
        numbers.append([of_c.drand48(), of_c.rand(), of_c.random()])
    results["numbers"] = numbers


def test_the_seed_of_the_run_is_that_of_generators_of_c(neuron_process: Any) -> None:
    numbers = np.asarray(neuron_process(drawn)["numbers"])
    assert np.array_equal(numbers[0], numbers[1])
    assert (numbers[0] != numbers[2]).all()

"""Small mechanisms for tests, and where the tests compile them."""

from __future__ import annotations

from pathlib import Path

LEAK = """\
TITLE a leak that sums up how often it was asked
COMMENT
SUFFIX nonsense, in a comment
ENDCOMMENT
NEURON {
    SUFFIX leaky : the name
    USEION ca READ cai, eca WRITE ica
    NONSPECIFIC_CURRENT i
    RANGE g, e, i
    GLOBAL shift
}
UNITS { (mV) = (millivolt) (S) = (siemens) (mA) = (milliamp) (mM) = (milli/liter) }
PARAMETER {
    g = 2e-4 (S/cm2)
    e = -61 (mV)
    shift = 1.5 (mV)
}
ASSIGNED { v (mV) i (mA/cm2) ica (mA/cm2) eca (mV) cai (mM) }
BREAKPOINT {
    ica = 0
    i = g * (v - e - shift)
}
"""

STIMULUS = """\
NEURON {
    POINT_PROCESS Ramp
    ELECTRODE_CURRENT i
    RANGE slope, i
}
UNITS { (nA) = (nanoamp) }
PARAMETER { slope = 0.01 (nA/ms) }
ASSIGNED { i (nA) }
BREAKPOINT { i = slope * t }
"""

POINTER = """\
NEURON {
    SUFFIX follower
    NONSPECIFIC_CURRENT i
    RANGE g
    POINTER other
}
PARAMETER { g = 1e-5 (S/cm2) }
ASSIGNED { v (mV) i (mA/cm2) other (mV) }
BREAKPOINT { i = g * (v - other) }
"""

BAD_SYNTAX = """\
NEURON {
    SUFFIX badsyntax
    NONSPECIFIC_CURRENT i
}
ASSIGNED { v (mV) i (mA/cm2) }
BREAKPOINT {
    i = 1e-4 * (v -
}
"""

BAD_NAME = """\
NEURON {
    SUFFIX badname
    NONSPECIFIC_CURRENT i
}
ASSIGNED { v (mV) i (mA/cm2) }
BREAKPOINT {
    i = 1e-4 * (v - forgotten)
}
"""

BAD_VERBATIM = """\
NEURON {
    SUFFIX badverbatim
    NONSPECIFIC_CURRENT i
}
VERBATIM
static void* nowhere_declared() { return not_there(3); }
ENDVERBATIM
ASSIGNED { v (mV) i (mA/cm2) }
BREAKPOINT { i = 1e-4 * v }
"""

GLOBAL_WRITTEN = """\
NEURON {
    SUFFIX written
    NONSPECIFIC_CURRENT i
    GLOBAL last
}
ASSIGNED { v (mV) i (mA/cm2) last (mV) }
BREAKPOINT {
    last = v
    i = 1e-5 * (v + 70)
}
"""

FUNCTIONS = """\
NEURON { SUFFIX nothing }
FUNCTION twice(x) { twice = 2 * x }
"""


def write(folder: Path, **texts: str) -> Path:
    """Write .mod files, named as the keywords, into a folder and return it."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in texts.items():
        (folder / f"{name}.mod").write_text(text)
    return folder

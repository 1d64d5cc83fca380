"""What lets the loops of CoreNEURON's mechanisms become vectors: instructions and functions.

``lfp_math.h`` gives the translated mechanisms elementary functions without branches and calls, with
the same bits in vectors of any width and alone. NEURON's own engine gains nothing from it: its code
reaches functions and variables through pointers.
"""

from __future__ import annotations

import hashlib
import platform
import re
import shutil
import sys
from functools import cache
from pathlib import Path

HEADER = Path(__file__).with_name("lfp_math.h")
TABLES = Path(__file__).with_name("tables.py")
WRAPPER = "nmodl-without-branches"

# instructions of a processor as Linux names them, and the compiler's flags: the levels 4 and 3 of
# x86-64, without the names that only compilers of 2021 and later know. GCC's tuning for no
# processor in particular avoids instructions that load from many places, and then leaves a loop
# over segments, which all read the potentials of their nodes, without vectors
_LEVELS = (
    (
        "avx512f avx512bw avx512cd avx512dq avx512vl avx2 fma bmi1 bmi2 f16c movbe",
        "-mavx512f -mavx512bw -mavx512cd -mavx512dq -mavx512vl -mavx2 -mfma -mbmi -mbmi2 -mf16c"
        " -mmovbe -mprefer-vector-width=512 -mtune=skylake-avx512",
    ),
    (
        "avx2 fma bmi1 bmi2 f16c movbe",
        "-mavx2 -mfma -mbmi -mbmi2 -mf16c -mmovbe -mtune=haswell",
    ),
)


@cache
def instruction_flags() -> tuple[str, ...]:
    """Flags for the vector instructions that this machine has beyond those of all its kind.

    They are part of a build's key: folders of builds may be shared by machines of several sorts,
    whose results have the same bits where they have fused multiply-adds, as all of these do.
    """
    path = Path("/proc/cpuinfo")
    if platform.machine() != "x86_64" or not path.exists():
        return ()
    flags = re.search(r"^flags\s*:(.*)$", path.read_text(), re.MULTILINE)
    known = set(flags[1].split()) if flags else set()
    for needed, options in _LEVELS:
        if set(needed.split()) <= known:
            return tuple(options.split())
    return ()


def digests() -> tuple[str, ...]:
    """Digests of what is put into every mechanism, for the key of a build."""
    return tuple(hashlib.sha256(path.read_bytes()).hexdigest() for path in (HEADER, TABLES))


def stage_vectors(folder: Path) -> None:
    """Put the header, and a wrapper of nmodl, where mechanisms are compiled for CoreNEURON.

    Parameters
    ----------
    folder : Path
        The folder of the .mod files.
    """
    folder.mkdir(parents=True, exist_ok=True)
    shutil.copy(HEADER, folder)
    wrapper = folder / WRAPPER
    wrapper.write_text(
        '#!/bin/sh\n"$LFP_NMODL" "$@" || exit\nexec "$LFP_PYTHON" "$LFP_TABLES" "$@"\n'
    )
    wrapper.chmod(0o755)


def vector_environment(nmodl: str) -> dict[str, str]:
    """Environment variables of the wrapper.

    Parameters
    ----------
    nmodl : str
        Path of NEURON's translator.
    """
    return {"LFP_NMODL": nmodl, "LFP_PYTHON": sys.executable, "LFP_TABLES": str(TABLES)}

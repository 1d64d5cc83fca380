"""A cell has the same bits beside any number of others, on any ranks, by any instructions."""

from __future__ import annotations

import hashlib
import itertools
import os
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pytest
from test_mech_vectors import CHANNEL

from lfpcli.runtime.mechanisms import vectors

MODEL = """
[run]
tstop = 6.0
dt = 0.03125
method = "backward-euler"
engine = "coreneuron"
mechanisms = ["chan.mod"]
[cell.c]
morphology = "builtin:ball_and_sticks"
nseg = 7
[[cell.c.mechanism]]
name = "hh"
[[cell.c.mechanism]]
name = "chan"
sections = ["dend"]
[population.p]
cell = "c"
size = {count}
[[stimulus]]
type = "IClamp"
amp = 1.5
delay = 1.0
dur = 4.0
[record]
imem = true
vmem = "all"
"""
# flags that take the instructions of the higher level back
INSTRUCTIONS = {
    "AVX-512": "",
    "AVX2": "-mno-avx512f -mprefer-vector-width=256 -mtune=haswell",
}

pytestmark = pytest.mark.skipif(
    shutil.which("g++") is None or not sys.platform.startswith("linux"), reason="needs g++, Linux"
)


def hashes(out: Path) -> set[str]:
    """Digests of the samples of each cell of a recording."""
    digests = set()
    with h5py.File(out) as file:
        (imem,), (vmem,) = file["reports/imem"].values(), file["reports/vmem"].values()
        pointers = imem["mapping/index_pointers"][()].astype(int)
        for first, last in itertools.pairwise(pointers):
            blocks = [report["data"][:, first:last] for report in (imem, vmem)]
            assert np.ptp(blocks[1]) > 10.0
            digests.add(hashlib.sha256(np.hstack(blocks).tobytes()).hexdigest())
    return digests


@pytest.mark.parametrize(
    "runs",
    [
        {1: (1, 5), 2: (3,)},
        pytest.param({1: (1, 2, 3, 5, 7), 2: (3, 7), 3: (5,)}, marks=pytest.mark.slow),
    ],
)
def test_bits_of_copies_on_ranks_by_both_levels(
    shell: Callable, tmp_path: Path, runs: dict[int, tuple[int, ...]]
) -> None:
    if "-mavx512f" not in vectors.instruction_flags():
        pytest.skip("one level of instructions only")
    (tmp_path / "chan.mod").write_text(CHANNEL)
    root = {"OMPI_ALLOW_RUN_AS_ROOT": "1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1"}
    root["PRTE_MCA_rmaps_default_mapping_policy"] = ":oversubscribe"
    everything = set()
    for level, flags in INSTRUCTIONS.items():
        environment = {**os.environ, **root, "LFP_MECH_CFLAGS": flags}
        for ranks, counts in runs.items():
            for count in counts:
                model = tmp_path / f"{count}.toml"
                model.write_text(MODEL.format(count=count))
                out = tmp_path / f"{level}-{count}-{ranks}.h5"
                shell("sim", model, "--ranks", ranks, "-o", out, env=environment)
                everything |= hashes(out)
    assert len(everything) == 1

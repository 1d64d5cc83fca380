"""Damaged files of every format: read, or refused with a place and a remedy; never a crash."""

from __future__ import annotations

import re
import warnings
from pathlib import Path

import numpy as np
import pytest
from mutations import mutated_bytes, mutated_text, mutated_xml
from random_asc import random_asc
from random_trees import random_swc
from test_morph_neuroml import BIOPHYSICS, HEAD, cell

from lfpcli.errors import InputError, LfpWarning
from lfpcli.io.morphology import write_morphology
from lfpcli.morphology.reading import read_morphology
from lfpcli.tasks.morph import summarise

# 300 of each format, cut into parts so that they run beside each other; the first one always runs
PARTS = 6
EACH = 50
# formats that name a line, and those that name an element or a dataset
PLACE = re.compile(r"damaged\.\w+(:\d+|:[A-Za-z/]\S*.*)?$")


def base(suffix: str, seed: int, folder: Path) -> str | bytes:
    if suffix == "swc":
        return random_swc(seed)
    if suffix == "asc":
        return random_asc(seed)
    if suffix == "nml":
        return f"{HEAD}{cell('c', BIOPHYSICS)}</neuroml>"
    (folder / "whole.swc").write_text(random_swc(seed))
    (folder / "whole.asc").write_text(random_asc(1))
    source = "whole.swc" if seed % 2 else "whole.asc"
    write_morphology(read_morphology(folder / source), folder / "whole.h5", force=True)
    return (folder / "whole.h5").read_bytes()


@pytest.mark.parametrize(
    "part", [0, *(pytest.param(part, marks=pytest.mark.slow) for part in range(1, PARTS))]
)
@pytest.mark.parametrize("suffix", ["swc", "asc", "nml", "h5"])
def test_damaged_files_are_read_or_refused(tmp_path, suffix, part):
    path = tmp_path / f"damaged.{suffix}"
    refused = 0
    for seed in range(part * EACH, (part + 1) * EACH):
        rng = np.random.default_rng(seed)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", LfpWarning)
            content = base(suffix, seed, tmp_path)
            if isinstance(content, bytes):
                path.write_bytes(mutated_bytes(content, rng))
            elif suffix == "nml":
                path.write_text(mutated_xml(content, rng))
            else:
                path.write_text(mutated_text(content, rng))
            try:
                summary = summarise(read_morphology(path))
            except InputError as error:
                assert error.remedy, (seed, error)
                assert PLACE.search(str(error.source)), (seed, error)
                assert "\n" not in str(error), (seed, error)
                refused += 1
                continue
        assert summary["total"]["area_um2"] > 0
        assert np.isfinite(summary["total"]["length_um"])
    assert 0 < refused < EACH

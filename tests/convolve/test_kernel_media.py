"""Kernels in media that are solved on grids, from the medium and from its lead fields."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from test_kernels import NETWORK

REGIONS = "regions = [{slab = {high = -300.0}, sigma = 0.0}], tolerance = 0.05"
CONTACTS = "contacts = [[60.0, 0.0, 450.0], [60.0, 0.0, 0.0]]\n"


def kernels(shell: Callable[..., Any], folder: Path, probe: str) -> np.ndarray:
    """Kernels of the potentials, for other keys of the probe."""
    model, out = folder / "network.toml", folder / "k.h5"
    model.write_text(NETWORK.replace(CONTACTS, probe))
    shell("kernel", model, "--signal", "LFP", "--cells", 1, "--rates", "E=0", "-o", out, "-f")
    with h5py.File(out) as file:
        return file["kernels/LFP/values/0"][()]


def test_kernels_in_media(
    shell: Callable[..., Any], lfp: Callable[..., Any], tmp_path: Path
) -> None:
    image = 'medium = {half_space = -300.0, side = "above"}\n'
    expected = kernels(shell, tmp_path, CONTACTS + image)
    stated = kernels(shell, tmp_path, f"{CONTACTS}medium = {{{REGIONS}}}\n")
    assert stated == pytest.approx(expected, abs=2e-2 * np.abs(expected).max())
    lead = tmp_path / "lead.h5"
    (tmp_path / "c.csv").write_text("x,y,z\n60,0,450\n60,0,0\n")
    lfp("leadfield", tmp_path / "c.csv", "--medium", REGIONS, "-o", lead)
    assert np.array_equal(kernels(shell, tmp_path, 'lead_field = "lead.h5"\n'), stated)
    model = tmp_path / "network.toml"
    model.write_text(
        NETWORK.replace(CONTACTS, CONTACTS + 'dispersion = {tissue = "grey matter"}\n')
    )
    got = shell("kernel", model, "--rates", "E=0", "-o", tmp_path / "none.h5", code=3)
    assert "probe 'LFP' depends on frequency, which a kernel cannot hold" in got.err

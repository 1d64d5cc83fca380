"""The examples that ship run, and show what they are there to show."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import numpy as np

from lfpcli.io.recording import open_recording


def test_quickstart_shows_spikes_potential_and_lfp(shell, share: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.h5"
    shell("sim", share / "examples/quickstart.toml", "-o", out)
    with open_recording(out) as recording:
        times, _ = recording.spikes("pyramidal")
        assert 2 <= len(times) <= 10
        assert recording.report("vmem", "pyramidal").data[:, 0].max() > 0.0
        signal = recording.signal("LFP")
        assert signal.data.shape[1] == 16
        assert 0.02 < np.abs(signal.data[()]).max() < 1.0


def test_an_attached_network_of_netpyne_fires_on_two_processes_too(
    shell, share: Path, tmp_path: Path
) -> None:
    model, one = share / "examples/netparams.toml", tmp_path / "one.h5"
    shell("sim", model, "-o", one, "--tstop", 60, "--seed", 1)
    with open_recording(one) as recording:
        _, gids = recording.spikes("cells")
        assert np.any(gids < 20) and np.any(gids >= 20)
    if shutil.which("mpirun", path=str(Path(sys.executable).parent)) is None:
        return
    two = tmp_path / "two.h5"
    shell("sim", model, "-o", two, "--tstop", 60, "--seed", 1, "--ranks", 2)
    assert shell("diff", "--exact", one, two).code == 0


def test_lines_of_python_in_the_readme_run(neuron_process, share: Path) -> None:
    text = (share.parent / "README.md").read_text()
    code = text.split("```python\n")[1].split("```")[0]
    found = neuron_process(
        f"import os, lfpcli\nos.chdir({str(share.parent)!r})\n{code}\nresults['lfp'] = lfp.data\n"
    )
    assert found["lfp"].shape == (11, 4001)
    assert np.abs(found["lfp"]).max() > 1e-4

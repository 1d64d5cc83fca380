"""Networks by calls, and figures of what they made."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from lfpcli import Network, Population, open_recording, plot
from lfpcli.errors import InputError, OutputError, SimulatorError, UsageError

CELL = {
    "morphology": "builtin:ball_and_stick",
    "mechanism": [{"name": "hh", "sections": ["soma"]}, {"name": "pas", "sections": ["dend"]}],
}
SYNAPSE = {"type": "ExpSyn", "tau": 2.0, "e": 0.0}


def small() -> tuple[Network, Population]:
    network = Network(tstop=8.0, seed=1)
    cells = network.population("E", CELL, size=2)
    network.input(cells, weight=0.05, synapse=SYNAPSE, source={"times": [2.0]})
    network.probe("LFP", contacts=[[30.0, 0.0, 0.0]])
    return network, cells


def test_a_network_runs_any_number_of_times(tmp_path: Path, shell) -> None:
    network, cells = small()
    network.connect(cells, "E", rule={"probability": 1.0}, weight=0.01, synapse=SYNAPSE, delay=1.0)
    network.record(vmem="soma")
    assert (
        repr(network) == "Network(E: 2 cells, 1 of [[connection]], 1 of [[input]], 1 of [[probe]])"
    )
    signals = []
    for name in ("one.h5", "two.h5"):
        path = network.simulate(tmp_path / name)
        with open_recording(path) as recording:
            signals.append(recording.signal("LFP").data[:])
            assert len(recording.spikes("E")[0]) == 2
            assert "E, LFP" in repr(recording)
    np.testing.assert_array_equal(*signals)
    # the file of the same model, run from the shell
    network.save(tmp_path / "network.json")
    shell("sim", tmp_path / "network.json", "-o", tmp_path / "three.h5")
    shell("diff", tmp_path / "one.h5", tmp_path / "three.h5", "--exact")
    with pytest.raises(OutputError, match="output exists"):
        network.simulate(path)


def test_a_wrong_call_leaves_the_network_as_it_was() -> None:
    network, cells = small()
    before = repr(network)
    with pytest.raises(InputError, match="did you mean 'weight'"):
        network.connect(cells, cells, rule={"probability": 1.0}, wieght=1.0, synapse=SYNAPSE)
    with pytest.raises(InputError, match="did you mean 'tstop'"):
        Network(tsop=10.0)
    with pytest.raises(InputError, match="did you mean 'rotate'"):
        network.population("I", CELL, size=2, rotat={"z": "random"})
    with pytest.raises(UsageError, match="population 'E' already"):
        network.population("E", CELL, size=2)
    with pytest.raises(UsageError, match=r"saved as \.json"):
        network.save("network.toml")
    assert repr(network) == before


def test_errors_of_a_run_are_raised(tmp_path: Path) -> None:
    network, cells = small()
    network.stimulus(cells, type="ICalmp", amp=1.0)
    with pytest.raises(SimulatorError, match="did you mean 'IClamp'"):
        network.simulate(tmp_path / "out.h5")
    assert not (tmp_path / "out.h5").exists()


def test_figures_are_shown_or_written(tmp_path: Path) -> None:
    path = small()[0].simulate(tmp_path / "out.h5")
    figure = plot(path, parts="LFP", time=(0.0, 5.0), title="here")
    assert figure is not None
    assert len(figure.axes) == 1
    assert plot(path, output=tmp_path / "out.svg", size=(4.0, 3.0)) is None
    assert (tmp_path / "out.svg").read_text().startswith("<?xml")
    with pytest.raises(UsageError, match="did you mean 'parts'"):
        plot(path, part="LFP")
    with pytest.raises(UsageError, match="'dpi' is of a file"):
        plot(path, dpi=100)
    with pytest.raises(UsageError, match="nothing to draw"):
        plot()

"""Synapses of many kinds in runs that are stopped anywhere and go on: the same bytes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from network_models import needs_mpi, network, ranks, simulated, write
from sources import program
from test_checkpoints import checkpoint, run_until, stopped

MODS = Path(__file__).parent / "synapses"
SYNAPSES = (
    *("StdpArg", "TsoMa", "NmdaArg", "Ticks", "RandRel", "Depress", "ForNet", "Pulse"),
    *("ExpSyn", "Exp2Syn"),
)
DT, TSTOP = 0.0625, 60.0
STOPS = np.random.default_rng(12).permutation(np.arange(1, int(TSTOP / DT) - 1))[:100] * DT

# an element of an array that all instances share, which a look at the source takes to be set
MODE = """
NEURON { SUFFIX Mode NONSPECIFIC_CURRENT i GLOBAL mode RANGE seen }
ASSIGNED { v (mV) i (mA/cm2) mode[2] seen }
INITIAL { mode[1] = 0 seen = 0 }
BREAKPOINT {
    FROM k = 0 TO 0 { mode[k] = v }
    if (v > 0) { mode[1] = 1 }
    seen = mode[1]
    i = 1e-6*mode[1]*(v + 65)
}
"""
# a variable that all instances share, and that each of two conditions sets
SHARED = """
NEURON { SUFFIX Shared NONSPECIFIC_CURRENT i GLOBAL mode RANGE seen }
ASSIGNED { v (mV) i (mA/cm2) mode seen }
INITIAL { mode = 0 seen = 0 }
BREAKPOINT {
    if (v > 0) { mode = 1 }
    if (v < -500) { mode = 0 }
    seen = mode
    i = 1e-6*mode*(v + 65)
}
"""


def plastic_network(engine: str = "neuron") -> dict[str, Any]:
    """Cells with each kind of synapse, from cells, trains and inputs, and a noisy electrode."""
    tree = network()
    tree["run"] |= {"tstop": TSTOP, "engine": engine, "mechanisms": [str(MODS)]}
    tables = []
    for k, name in enumerate(SYNAPSES):
        shared = {"synapse": {"type": name}, "weight": 0.001, "location": {"sections": ["dend"]}}
        tables.append(
            {"pre": "outside", "post": "E", "rule": {"indegree": 2}, "delay": 1.0 + 0.1 * k}
            | shared
        )
        tables.append({"pre": "E", "post": "I", "rule": {"indegree": 3}, "delay": 2.3} | shared)
        tree["input"].append({"count": 2, "source": {"poisson": 60.0}, "population": "I"} | shared)
    tree["connection"] += tables
    tree["cell"]["stick"]["mechanism"].append({"name": "Mean", "sections": ["dend"]})
    tree["stimulus"] = [{"type": "Noise", "population": "E", "std": 0.02}]
    return tree


def remembering(folder: Path, mechanism: str) -> Path:
    """A network whose somata have one of two mechanisms, which are compiled together."""
    (folder / "Mode.mod").write_text(MODE)
    (folder / "Shared.mod").write_text(SHARED)
    tree = network()
    tree["run"] |= {"mechanisms": [str(folder)]}
    tree["cell"]["stick"]["mechanism"].append({"name": mechanism, "sections": ["soma"]})
    return write(folder, tree)


@pytest.fixture(scope="module", params=["neuron", "coreneuron"])
def unbroken(
    tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest
) -> tuple[Path, Path]:
    """A model and the recording of a run of it, with an engine."""
    folder = tmp_path_factory.mktemp(request.param)
    path, out = write(folder, plastic_network(request.param)), folder / "whole.h5"
    simulated(path, out)
    return path, out


def _goes_on(
    shell: Callable[..., Any], unbroken: tuple[Path, Path], out: Path, stop: float
) -> None:
    path, whole = unbroken
    stopped(1, path, out, stop)
    shell("sim", path, "-o", out, "-q", "--resume")
    assert out.read_bytes() == whole.read_bytes()
    out.unlink()


@pytest.mark.parametrize("stop", STOPS[:6])
def test_stopped_anywhere_it_goes_on_to_the_same_bytes(
    shell: Callable[..., Any], tmp_path: Path, unbroken: tuple[Path, Path], stop: float
) -> None:
    _goes_on(shell, unbroken, tmp_path / "out.h5", stop)


def kept_at(samples: list[int], folder: str) -> None:
    """Run a command that ends chunks with each sample, and keep its checkpoints of some."""
    import shutil
    from pathlib import Path

    from lfpcli.cli.main import console_main
    from lfpcli.tasks.simulate.checkpoint import Checkpoints

    is_due, write = Checkpoints.is_due, Checkpoints.write

    def chosen(self, chunk):
        is_due(self, chunk)
        return chunk.first + chunk.samples - 1 in samples

    def kept(self, writer, chunk, spikes):
        write(self, writer, chunk, spikes)
        if writer is not None:
            shutil.copyfile(self.path, Path(folder) / str(chunk.first + chunk.samples - 1))

    Checkpoints.is_due, Checkpoints.write = chosen, kept
    console_main()


@needs_mpi
@pytest.mark.slow
@pytest.mark.parametrize("count", [1, 2, 3])
def test_stopped_at_a_hundred_points(
    tmp_path: Path, unbroken: tuple[Path, Path], count: int
) -> None:
    """Each third of the points on one, two and three ranks, and on with any other number."""
    path, whole = unbroken
    samples = np.rint(STOPS / DT).astype(int).tolist()[count - 1 :: 3]
    out, arguments = tmp_path / "out.h5", ["--checkpoint", DT]
    keeping = program(kept_at, samples, str(tmp_path))
    ranks(count, "sim", path, "-o", out, "-q", *arguments, program=keeping)
    # where the run stops all the time it is the same already
    assert out.read_bytes() == whole.read_bytes()
    for number, sample in enumerate(samples):
        out.unlink()
        (tmp_path / str(sample)).replace(checkpoint(out))
        ranks(1 + number % 3, "sim", path, "-o", out, "-q", "--resume")
        assert out.read_bytes() == whole.read_bytes(), f"stopped at sample {sample}"


@needs_mpi
def test_on_another_number_of_ranks(tmp_path: Path) -> None:
    # RANDOM variables that the model does not seed differ with the number of ranks that begin
    path, out = write(tmp_path, plastic_network()), tmp_path / "out.h5"
    ranks(2, "sim", path, "-o", tmp_path / "whole.h5", "-q")
    stops = program(run_until, 1)
    ranks(2, "sim", path, "-o", out, "-q", "--checkpoint", "17.125", program=stops, code=143)
    assert checkpoint(out).exists()
    ranks(3, "sim", path, "-o", out, "-q", "--resume")
    assert out.read_bytes() == (tmp_path / "whole.h5").read_bytes()


def test_verified_runs_are_the_same_and_what_is_not_kept_is_named(
    shell: Callable[..., Any], tmp_path: Path, unbroken: tuple[Path, Path]
) -> None:
    path, whole = unbroken
    shell("sim", path, "-o", tmp_path / "out.h5", "-q", "--verify-resume")
    assert (tmp_path / "out.h5").read_bytes() == whole.read_bytes()


def test_what_the_state_lacks_is_named(shell: Callable[..., Any], tmp_path: Path) -> None:
    path, out = remembering(tmp_path, "Mode"), tmp_path / "out.h5"
    said = shell("sim", path, "-o", out, "-q", "--verify-resume", code=5).err
    assert "differs from an unbroken one" in said and "Mode" in said
    assert not out.exists()


@needs_mpi
def test_a_variable_set_under_two_conditions_is_refused(tmp_path: Path) -> None:
    path, out = remembering(tmp_path, "Shared"), tmp_path / "out.h5"
    said = ranks(2, "sim", path, "-o", out, "-q", code=5).stderr
    assert "mechanism 'Shared' remembers 'mode'" in said and "declare the variable RANGE" in said
    said = ranks(1, "sim", path, "-o", out, "-q", "--checkpoint", "20", code=5).stderr
    assert "cannot be resumed" in said and "remembers 'mode'" in said
    assert not out.exists()


def test_conditions_on_potentials_are_refused_before_the_run(
    shell: Callable[..., Any], tmp_path: Path
) -> None:
    tree = plastic_network()
    tree["input"].append({"synapse": {"type": "Watch"}, "weight": 0.001, "source": {"times": [5]}})
    path, out = write(tmp_path, tree), tmp_path / "out.h5"
    said = shell("sim", path, "-o", out, "-q", "--checkpoint", "20", code=5).err
    assert "mechanism 'Watch' uses WATCH" in said and "without --checkpoint" in said
    assert not out.exists()


def test_artificial_cells_that_neuron_does_not_save_are_refused_before_the_run(
    shell: Callable[..., Any], tmp_path: Path
) -> None:
    tree = plastic_network()
    tree["population"]["A"] = {"artificial": {"type": "Queue"}, "size": 2}
    events = {"synapse": {"type": "event"}, "weight": 0.7, "delay": 1.0}
    tree["connection"].append({"pre": "outside", "post": "A", "rule": {"indegree": 2}} | events)
    path, out = write(tmp_path, tree), tmp_path / "out.h5"
    said = shell("sim", path, "-o", out, "-q", "--checkpoint", "20", code=5).err
    assert "mechanism 'Queue' is an artificial cell with an array" in said
    # nor does it take back from CoreNEURON what they have sent themselves
    said = shell("sim", path, "-o", out, "-q", "--set", "run.engine=coreneuron", code=5).err
    assert "artificial cells 'Queue' send themselves events" in said
    assert not out.exists()

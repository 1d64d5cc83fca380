"""`[run] ephaptic`: cells that feel each other's currents through the space between them."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from lfpcli.errors import InputError, UsageError
from lfpcli.forward.bundle import Bundle
from lfpcli.geometry import Geometry
from lfpcli.io.recording import open_recording

MPIRUN = shutil.which(
    "mpirun", path=os.pathsep.join([str(Path(sys.executable).parent), *os.get_exec_path()])
)
AS_ROOT = {**os.environ, "OMPI_ALLOW_RUN_AS_ROOT": "1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1"}
STEP, LENGTH, SEGMENTS = 0.01, 2000.0, 80
MODEL = """
[run]
tstop = {tstop}
dt = 0.01
seed = 3
{run}
[cell.a]
Ra = 100.0
morphology = "axon.swc"
nseg = {{rule = "length", max = 25.0}}
[[cell.a.mechanism]]
name = "hh"
[population.A]
cell = "a"
size = 1
[population.B]
cell = "a"
size = {others}
place = {{positions = [[0, 2, 0]]}}
[[stimulus]]
population = "A"
type = "IClamp"
delay = 0.2
dur = 0.5
amp = {amp}
[record]
vmem = "all"
imem = true
"""
SECOND = """
[[stimulus]]
population = "B"
type = "IClamp"
delay = {delay}
dur = 0.5
amp = {amp}
"""
# the conductance of hh at rest, without its gates
PASSIVE = """
[cell.b]
Ra = 100.0
morphology = "axon.swc"
nseg = {rule = "length", max = 25.0}
[[cell.b.mechanism]]
name = "pas"
g = 0.000677
e = -65
[population.B]
cell = "b"
"""
# what a stimulus injects leaves beside it
CLOSED = (-1.0, 1e6)


def bundle(ratio: float, *, own: bool = True, ends: tuple[float, float] = (-100.0, 2200.0)) -> str:
    """A space whose resistance is `ratio` of that inside a fibre of 1 um and 100 ohm cm."""
    area = np.pi / 4 / ratio
    space = f"bundle = {{low = {ends[0]}, high = {ends[1]}, area = {area}}}"
    return f"ephaptic = {{{space}, sigma = 1.0, own = {str(own).lower()}}}"


@pytest.fixture
def simulate(shell, tmp_path: Path) -> Callable[..., dict[str, np.ndarray]]:
    """Run two fibres; returns potentials and currents (T, N) of A and B."""
    (tmp_path / "axon.swc").write_text(
        f"1 1 0 0 0 0.5 -1\n2 2 10 0 0 0.5 1\n3 2 {LENGTH} 0 0 0.5 2\n"
    )

    def run(
        coupling: str,
        *,
        delay: float | None = 0.2,
        tstop: float = 7.0,
        amp: float = 0.5,
        passive: bool = False,
    ) -> dict:
        text = MODEL.format(tstop=tstop, run=coupling, others=1, amp=amp)
        if passive:
            text = text.replace('[population.B]\ncell = "a"\n', PASSIVE)
        if delay is not None:
            text += SECOND.format(delay=delay, amp=amp)
        (tmp_path / "model.toml").write_text(text)
        shell("sim", tmp_path / "model.toml", "-o", tmp_path / "out.h5", "-f")
        with open_recording(tmp_path / "out.h5") as recording:
            names = [(f"{kind}{p}", kind, p) for kind in ("vmem", "imem") for p in "AB"]
            return {name: recording.report(kind, p).data[()] for name, kind, p in names}

    return run


def crossing(vmem: np.ndarray, segment: int) -> float:
    """When the potential of a segment passes -20 mV, ms."""
    trace = vmem[:, segment]
    first = int(np.flatnonzero((trace[:-1] < -20) & (trace[1:] >= -20))[0])
    return STEP * (first + (-20 - trace[first]) / (trace[first + 1] - trace[first]))


def speed(vmem: np.ndarray) -> float:
    near, far = int(0.4 * vmem.shape[1]), int(0.75 * vmem.shape[1])
    gap = (far - near) * LENGTH / vmem.shape[1]
    return gap / (crossing(vmem, far) - crossing(vmem, near))


def test_fibres_that_fire_together_are_slower(simulate) -> None:
    """By the root of 1 + 2 ro / ri: Katz and Schmitt 1940; Barr and Plonsey 1992, eqs. of two
    core conductors that share the space between them."""
    alone = simulate("")
    for ratio in (0.1, 0.25):
        together = simulate(bundle(ratio))
        slower = speed(together["vmemA"]) / speed(alone["vmemA"])
        assert slower == pytest.approx(1.0 / np.sqrt(1.0 + 2.0 * ratio), rel=2e-3)
        assert np.array_equal(together["vmemA"], together["vmemB"])


def test_fibre_that_wakes_its_neighbour(simulate) -> None:
    """Barr and Plonsey 1992, Biophys J 61:1164, abstract: with equal longitudinal conductivities
    inside and between the fibres a neighbour is moved by some 20 mV peak to peak, and fires."""
    moved = simulate(bundle(1.0, ends=CLOSED), delay=None, tstop=4.0, amp=1.0, passive=True)
    assert np.ptp(moved["vmemB"][:, SEGMENTS // 3]) == pytest.approx(20.0, rel=0.05)
    fired = simulate(bundle(1.0, ends=CLOSED), delay=None, tstop=5.0, amp=1.0)
    assert fired["vmemB"][:, SEGMENTS // 2].max() > 30.0


@pytest.mark.slow
def test_closely_coupled_fibres_have_the_published_speeds(simulate) -> None:
    """Of the same paper: 1.66 mm/ms where both fire together, 2.84 where one remains passive. The
    abstract does not tell the space between them; twice the resistance inside gives this pair."""
    together = simulate(bundle(2.0, ends=CLOSED), tstop=13.0, amp=1.5)
    passive = simulate(bundle(2.0, ends=CLOSED), delay=None, amp=1.5, passive=True)
    assert speed(together["vmemA"]) / speed(passive["vmemA"]) == pytest.approx(
        1.66 / 2.84, rel=0.03
    )


def test_charge_is_kept(simulate) -> None:
    found = simulate(bundle(0.2), delay=None, tstop=4.0)
    # what a clamp injects leaves through the membrane, and the coupling adds nothing
    assert np.abs(found["imemB"].sum(axis=1)).max() < 1e-12
    injected = np.where(np.abs(found["imemA"].sum(axis=1)) > 1e-6, 0.5, 0.0)
    assert found["imemA"].sum(axis=1) == pytest.approx(injected, abs=1e-10)
    # a fibre at rest beside one that fires is moved by millivolts, both ways
    moved = found["vmemB"] - found["vmemB"][0]
    assert moved.max() > 1.0 and moved.min() < -1.0


def test_energy_is_balanced(simulate, tmp_path: Path) -> None:
    """What membranes give is lost in the resistances inside and outside, and no more."""
    ratio = 0.2
    found = simulate(bundle(ratio), tstop=5.0, delay=0.3)
    with open_recording(tmp_path / "out.h5") as recording:
        cells = [recording.geometry(population) for population in "AB"]
    space = Bundle(axis=0, ends=(-100.0, 2200.0), area=np.pi / 4 / ratio, sigma=1.0)
    middles = np.concatenate([cell.middle for cell in cells])
    matrix = np.concatenate([space.matrix(cell, middles) for cell in cells], axis=1)
    # reciprocal, and a resistor never gives energy
    assert matrix == pytest.approx(matrix.T, abs=1e-9)
    assert np.linalg.eigvalsh(matrix).min() > -1e-9 * matrix.max()
    # once the electrodes are silent, nA mV
    late = slice(round(0.85 / STEP), None)
    potential = np.concatenate([found["vmemA"], found["vmemB"]], axis=1)[late]
    current = np.concatenate([found["imemA"], found["imemB"]], axis=1)[late]
    outer = current @ matrix.T
    inside = 0.0
    for part in np.split(potential + outer, 2, axis=1):
        places = cells[0].middle[:, 0]
        order = np.argsort(places)
        # 100 ohm cm in a fibre of 1 um
        resistance = np.diff(places[order]) / (np.pi / 4)
        inside = inside + (np.diff(part[:, order], axis=1) ** 2 / resistance).sum(axis=1)
    outside = (outer * current).sum(axis=1)
    given = -(potential * current).sum(axis=1)
    assert outside.min() > -1e-9 and outside.max() > 0.05 * inside.max()
    # up to the step by which ions are late
    assert np.sum(inside + outside) == pytest.approx(np.sum(given), rel=2e-3)
    assert inside + outside == pytest.approx(given, abs=2e-3 * given.max())


def reference(ratio: float, delays: tuple[float, float], tstop: float) -> list[np.ndarray]:
    """Two fibres whose cables share a resistance, solved as one system, implicit in space.

    With the potentials inside minus outside V, -V_x = (ri + ro) I1 + ro I2 for the axial currents,
    so that the membrane currents are the second derivatives of both through the inverse of that
    matrix; nothing of it is one step late.
    """
    count, width = SEGMENTS, LENGTH / SEGMENTS
    inside = 100.0 / 100.0 / (np.pi / 4)  # MOhm per um
    inverse = np.linalg.inv(inside * np.array([[1 + ratio, ratio], [ratio, 1 + ratio]]))
    second = np.diag(np.full(count, -2.0)) + np.eye(count, k=1) + np.eye(count, k=-1)
    second[0, 0] = second[-1, -1] = -1.0
    axial = np.kron(inverse, second / width)  # uS
    area = np.pi * width  # um2
    held = 1e-5 * area / STEP  # uS of 1 uF/cm2
    v = np.full(2 * count, -65.0)
    gates = steady(v)[0]
    traces = [v.copy()]
    starts = np.array([0, count])
    for step in range(1, round(tstop / STEP) + 1):
        time = (step - 0.5) * STEP
        current = np.zeros(2 * count)
        for start, delay in zip(starts, delays, strict=True):
            current[start] = 0.5 if delay <= time < delay + 0.5 else 0.0
        m, h, n = gates
        sodium, potassium = 0.12 * m**3 * h, 0.036 * n**4
        conductance = 1e-2 * area * (sodium + potassium + 0.0003)  # uS
        battery = 1e-2 * area * (sodium * 50.0 - potassium * 77.0 - 0.0003 * 54.3)
        matrix = np.diag(held + conductance) - axial
        v = np.linalg.solve(matrix, held * v + battery + current)
        rest, rate = steady(v)
        gates = rest + (gates - rest) * np.exp(-STEP * rate)
        traces.append(v.copy())
    whole = np.array(traces)
    return [whole[:, :count], whole[:, count:]]


def steady(v: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Steady states of m, h and n of NEURON's hh at 6.3 degrees, and their rates per ms."""

    def ramp(x: np.ndarray, y: float) -> np.ndarray:
        small = np.abs(x / y) < 1e-6
        return np.where(small, y * (1 - x / y / 2), x / np.expm1(np.where(small, 1.0, x / y)))

    opening = [
        0.1 * ramp(-(v + 40), 10.0),
        0.07 * np.exp(-(v + 65) / 20),
        0.01 * ramp(-(v + 55), 10.0),
    ]
    closing = [
        4 * np.exp(-(v + 65) / 18),
        1 / (np.exp(-(v + 35) / 10) + 1),
        0.125 * np.exp(-(v + 65) / 80),
    ]
    rates = np.array(opening) + np.array(closing)
    return np.array(opening) / rates, rates


def test_lag_of_two_impulses_is_that_of_two_core_conductors(simulate) -> None:
    """Impulses started one after the other lock, with the lag that one implicit system has."""
    found = simulate(bundle(0.25), delay=0.3)
    expected = reference(0.25, (0.2, 0.3), 7.0)
    free = simulate("", delay=0.3)
    for share in (0.5, 0.7):
        place = int(share * SEGMENTS)
        lag = crossing(found["vmemB"], place) - crossing(found["vmemA"], place)
        wanted = crossing(expected[1], place) - crossing(expected[0], place)
        assert lag == pytest.approx(wanted, abs=0.004)
        # without coupling, the lag is that of the stimuli
        apart = crossing(free["vmemB"], place) - crossing(free["vmemA"], place)
        assert apart == pytest.approx(0.1, abs=1e-3)
        # what the coupling adds, up to the step by which ions are late
        assert lag - apart == pytest.approx(wanted - apart, rel=0.05) and wanted > 1.4 * apart


def test_no_coupling_changes_no_bit(simulate) -> None:
    plain = simulate('engine = "neuron"', tstop=1.0)
    uncoupled = simulate("ephaptic = {sigma = 1e300}", tstop=1.0)
    assert all(np.array_equal(plain[name], uncoupled[name]) for name in plain)
    coupled = simulate("ephaptic = {sigma = 0.01}", tstop=1.0)
    assert not np.array_equal(plain["vmemB"], coupled["vmemB"])


@pytest.mark.skipif(MPIRUN is None, reason="no mpirun; pip install 'lfpcli[mpi]'")
def test_ranks_have_the_same_bits(simulate, shell, tmp_path: Path) -> None:
    simulate(bundle(1.0, ends=CLOSED), delay=0.3, tstop=2.0)
    command = [MPIRUN, "-n", "2", "--oversubscribe", sys.executable, "-m", "lfpcli", "sim"]
    command += [str(tmp_path / "model.toml"), "-o", str(tmp_path / "two.h5")]
    subprocess.run(command, check=True, capture_output=True, timeout=300, env=AS_ROOT)
    shell("diff", tmp_path / "out.h5", tmp_path / "two.h5", "--exact")


@pytest.mark.parametrize(
    ("run", "code", "fault"),
    [
        (bundle(1.0, own=False), 5, "currents enlarge themselves through the coupling by 1.1 per"),
        (bundle(0.1) + '\nengine = "coreneuron"', 5, "ephaptic coupling acts after each step"),
        (bundle(0.1).replace("2200.0", "1200.0"), 3, "beyond the bundle from -100 to 1200 um"),
        ("ephaptic = {sigma = 0.3, medium = {sphere = 500.0}}", 3, "outside the sphere"),
    ],
)
def test_what_cannot_be_is_told(simulate, shell, tmp_path: Path, run, code, fault) -> None:
    simulate("", tstop=0.1)
    text = (tmp_path / "model.toml").read_text().replace("seed = 3\n", f"seed = 3\n{run}\n")
    (tmp_path / "model.toml").write_text(text)
    done = shell("sim", tmp_path / "model.toml", "-o", tmp_path / "none.h5", code=code)
    assert fault in done.err and not (tmp_path / "none.h5").exists()


def test_checkpoints_are_refused(simulate, shell, tmp_path: Path) -> None:
    simulate("ephaptic = true", tstop=0.1)
    out = tmp_path / "kept.h5"
    done = shell("sim", tmp_path / "model.toml", "-o", out, "--checkpoint", "0.05", code=5)
    assert "ephaptic coupling remembers the last step" in done.err


def test_bundle_is_a_resistor() -> None:
    space = Bundle(axis=0, ends=(0.0, 100.0), area=2.0, sigma=0.5)
    at = np.array([[30.0, 0, 0]])
    source = Geometry(start=at, end=at.copy(), diam=np.ones(1))
    places = np.array([[0.0, 0, 0], [15.0, 9, 9], [30.0, 0, 0], [65.0, 0, 0], [100.0, 0, 0]])
    # two resistors of 30 and 70 MOhm to ground, in parallel
    expected = 21.0 * np.array([0.0, 0.5, 1.0, 0.5, 0.0])
    assert space.matrix(source, places)[:, 0] == pytest.approx(expected)
    with pytest.raises(InputError, match="beyond the bundle"):
        space.matrix(source, places + 1.0)
    with pytest.raises(UsageError, match="ends that ascend"):
        Bundle(axis=0, ends=(1.0, 0.0), area=1.0, sigma=1.0)

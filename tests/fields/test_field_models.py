"""`[[field]]` of a model through `lfp sim`."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from lfpcli.errors import InputError
from lfpcli.forward.dispersion import TISSUES, Mixture, Ratio
from lfpcli.forward.pulses import PulseTrain
from lfpcli.forward.stimulation import stimulation_matrix
from lfpcli.io.recording import open_recording
from lfpcli.io.steps import read_currents, read_potentials
from lfpcli.model.probe import Field, Probe
from lfpcli.model.source_text import At, SourceText
from lfpcli.model.tables import read_table

MODEL = """
[run]
tstop = 12.0
seed = 3
[cell.ball]
morphology = "{share}/morphologies/ball_and_sticks.swc"
[[cell.ball.mechanism]]
name = "pas"
e = -65.0
[population.A]
cell = "ball"
size = 2
place = {{positions = [[0, 0, 0], [80, 10, 40]]}}
rotate = {{z = 30.0}}
[record]
imem = true
vmem = "all"
"""
ELECTRODES = [[40.0, 0.0, 0.0], [0.0, 50.0, 200.0]]
PULSES = "current = {amp = [-2e4, 1e4], delay = 2.0, dur = 1.0, amp2 = [2e4, -1e4]}\n"


@pytest.fixture
def simulate(shell, share: Path, tmp_path: Path) -> Callable[..., tuple]:
    """Run the model with some fields; returns potentials (T, N), currents, geometry, messages."""

    def run(*fields: str, cells: int = 2, **changes: str) -> tuple:
        text = MODEL.format(share=share)
        for old, new in changes.items():
            text = text.replace(old.replace("_", " "), new)
        text += "".join(f"[[field]]\n{field}\n" for field in fields)
        model, out = tmp_path / "model.toml", tmp_path / "out.h5"
        model.write_text(text)
        done = shell("sim", model, "-o", out, "-f")
        with open_recording(out) as recording:
            vmem, imem = (recording.report(n, "A").data[()] for n in ("vmem", "imem"))
            return vmem, imem, recording.geometry("A"), done.err

    return run


def peak_error(got: np.ndarray, want: np.ndarray) -> float:
    return float(np.abs(got - want).max() / np.abs(want).max())


def steps(electrode: int) -> np.ndarray:
    amp = (-2e4, 1e4)[electrode]
    return np.column_stack(PulseTrain(amp, 2.0, 1.0, biphasic=True).steps())


def test_pulses_files_and_potentials_are_the_same_field(simulate, tmp_path: Path) -> None:
    place = f"electrodes = {ELECTRODES}\n"
    pulses, imem, geometry, err = simulate(place + PULSES)
    assert "it has no extracellular mechanism" in err
    assert np.abs(pulses + 65.0).max() > 1.0
    # currents of cells add to zero although a field drives them
    for gid in (0, 1):
        own = imem[1:, geometry.gid == gid]
        assert np.abs(own.sum(axis=1)).max() < 1e-9 * np.abs(own).max()

    times, first, second = np.column_stack([steps(0), steps(1)[:, 1]]).T
    table = np.column_stack([times, first, second])
    np.savetxt(tmp_path / "i.csv", table, delimiter=",", header="t,a,b", comments="")
    np.save(tmp_path / "i.npy", table)
    np.savez(tmp_path / "i.npz", t=times, i=table[:, 1:])
    for name in ("i.csv", "i.npy", "i.npz"):
        from_file = simulate(place + f'current = "{name}"')[0]
        assert peak_error(from_file, pulses) < 1e-14

    v_ext = table[:, 1:] @ stimulation_matrix(geometry, ELECTRODES, sigma=0.3).T
    np.savez(tmp_path / "v.npz", t=times, v=v_ext)
    given = simulate('v_ext = "v.npz"')[0]
    assert peak_error(given + 65.0, pulses + 65.0) < 1e-9


def test_fields_add(simulate) -> None:
    both = simulate(f"electrodes = {ELECTRODES}\n{PULSES}")[0]
    fields = [
        f"electrodes = [{place}]\ncurrent = {{amp = {amp}, amp2 = {-amp}, delay = 2.0, dur = 1.0}}"
        for place, amp in zip(ELECTRODES, (-2e4, 1e4), strict=True)
    ]
    assert peak_error(simulate(*fields)[0] + 65.0, both + 65.0) < 1e-9


def test_medium_and_conductivity(simulate) -> None:
    pulse = "current = {amp = -2e4, delay = 2.0, dur = 1.0}\n"
    place = f"electrodes = [{ELECTRODES[0]}]\n"
    plain, half, better, uneven = (
        simulate(place + pulse + more)[0] + 65.0
        for more in ("", 'medium = "half-space"', "sigma = 0.6", "sigma = [0.3, 0.3, 0.6]")
    )
    # a passive cell is linear
    assert peak_error(half, 2.0 * plain) < 1e-6
    assert peak_error(2.0 * better, plain) < 1e-6
    assert peak_error(uneven, plain) > 0.01


def test_electrodes_of_an_array_with_faces(simulate) -> None:
    shift = "shift = [60.0, 0.0, 0.0]\n"
    pulse = "current = {amp = -500.0, delay = 2.0, dur = 1.0}\n"
    array = 'array = "tetrode-mea-s"\n' + shift
    points = simulate(array + pulse)[0]
    faces = simulate(array + pulse + 'radius = "array"')[0]
    assert 1e-6 < peak_error(faces + 65.0, points + 65.0) < 0.5


def test_a_field_drives_cells_on_their_own_places(simulate) -> None:
    pulse = "current = {amp = -2e4, delay = 2.0, dur = 1.0}\n"
    vmem, _, geometry, _ = simulate(f"electrodes = [{ELECTRODES[0]}]\n{pulse}")
    peaks = [np.abs(vmem[:, geometry.gid == gid] + 65.0).max() for gid in (0, 1)]
    assert abs(peaks[0] - peaks[1]) > 0.01 * max(peaks)


def test_variable_time_step(simulate) -> None:
    field = f"electrodes = [{ELECTRODES[0]}]\ncurrent = {{amp = -2e4, delay = 2.0, dur = 1.0}}\n"
    fixed = simulate(field, tstop="dt = 0.00390625\ntstop")
    varied = simulate(field, tstop='dt = "adaptive"\natol = 1e-5\ndt_out = 0.0625\ntstop')
    assert peak_error(varied[0] + 65.0, fixed[0][::16] + 65.0) < 0.02


@pytest.mark.parametrize(
    ("field", "text"),
    [
        ('v_ext = "none.npz"', "no such file"),
        ('v_ext = "short.npz"', "has potentials of 3 segments, the model has 48"),
        ('electrodes = [[0, 0, 50]]\ncurrent = "two.csv"', "has 2 currents for 1 electrodes"),
        ('array = "tetrode-mea-x"\ncurrent = {amp = 1, dur = 1}', "did you mean"),
        ('array = "tetrode-mea-s"\ncurrent = {amp = [1, 2], dur = 1}', "2 amplitudes for"),
    ],
)
def test_wrong_fields(shell, share: Path, tmp_path: Path, field: str, text: str) -> None:
    np.savez(tmp_path / "short.npz", t=[0.0, 1.0], v=np.zeros((2, 3)))
    (tmp_path / "two.csv").write_text("0,1,2\n1,2,3\n")
    model = tmp_path / "model.toml"
    model.write_text(MODEL.format(share=share) + f"[[field]]\n{field}\n")
    out = tmp_path / "out.h5"
    err = shell("sim", model, "-o", out, code=3).err
    assert text in err
    assert err.strip().splitlines()[-1].startswith("lfp sim: error: ")
    assert not out.exists()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "file is empty"),
        ("t,i\n", "holds no currents"),
        ("t,i\n0,1\n1,x\n", "'x' is no number"),
        ("0,1\n1\n", "1 numbers, expected 2"),
        ("0\n1\n", "1 numbers, expected 2"),
        ("0,nan\n", "values: not all finite"),
        ("0,1\n0,2\n", "times do not ascend: 0 ms follows 0 ms"),
        ("0,1,2\n", "has 2 currents for 1 electrodes"),
    ],
)
def test_wrong_tables_of_currents(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "i.csv"
    path.write_text(text)
    with pytest.raises(InputError, match=re.escape(message)) as caught:
        read_currents(path, 1)
    assert str(path) in str(caught.value)


def test_tables_of_currents_in_other_shapes(tmp_path: Path) -> None:
    path = tmp_path / "i.txt"
    path.write_text("# stimulus\n\ntime; current\n-1.5; 2e3\n0; -1\n")
    times, currents = read_currents(path, 1)
    np.testing.assert_array_equal(times, [-1.5, 0.0])
    np.testing.assert_array_equal(currents, [[2e3], [-1.0]])


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"v": np.zeros((2, 3))}, "has no array 't'"),
        ({"t": np.zeros(2)}, "has no array 'v'"),
        ({"t": np.zeros(3), "v": np.zeros((2, 3))}, "t has shape (3,) and v (2, 3)"),
        ({"t": np.array([2.0, 1.0]), "v": np.zeros((2, 3))}, "1 ms follows 2 ms"),
        ({"t": np.array([1.0, 2.0]), "v": np.full((2, 3), np.nan)}, "v: not all finite"),
        ({"t": np.zeros(1, complex), "v": np.zeros((1, 3))}, "t: not real numbers"),
        ({"t": np.zeros(0), "v": np.zeros((0, 3))}, "holds no times"),
        ({"t": np.array([None]), "v": np.zeros((1, 3))}, "cannot be read"),
    ],
)
def test_wrong_arrays_of_potentials(tmp_path: Path, arrays: dict, message: str) -> None:
    path = tmp_path / "v.npz"
    np.savez(path, **arrays)
    with pytest.raises(InputError, match=re.escape(message)):
        read_potentials(path, 3)


def test_coreneuron_cannot_be_forced(shell, share: Path, tmp_path: Path) -> None:
    model = tmp_path / "model.toml"
    field = f"[[field]]\nelectrodes = {ELECTRODES}\n{PULSES}"
    model.write_text(MODEL.format(share=share) + field)
    err = shell("sim", model, "-o", tmp_path / "o.h5", "--set", "run.engine=coreneuron", code=5).err
    assert "it has no extracellular mechanism" in err


def test_media_are_those_of_probes(simulate, shell, tmp_path: Path) -> None:
    """A slice as images, as regions, and from a file of lead fields; at rest, v is -v_ext's."""
    field = f"electrodes = [[40.0, 0.0, -1000.0]]\n{PULSES.replace('[-2e4, 1e4]', '-2e4')}"
    field = field.replace("[2e4, -1e4]", "2e4")
    images = "medium = {slice = 3000.0, z_shift = -1500.0}\n"
    regions = (
        "medium = {background = 1.5, tolerance = 5e-3, regions = [{slab = {low = -1500.0, "
        "high = 1500.0}, sigma = 0.3}, {slab = {high = -1500.0}, sigma = 0.0}]}\n"
    )
    by_images = simulate(field + images)[0]
    by_regions = simulate(field + regions)[0]
    homogeneous = simulate(field)[0]
    table = regions.removeprefix("medium = {").rstrip().removesuffix("}")
    shell("leadfield", "40,0,-1000", "--medium", table, "-o", tmp_path / "lead.h5")
    current = field.partition("\n")[2]
    by_file = simulate(f'lead_field = "lead.h5"\n{current}')[0]
    assert np.array_equal(by_file, by_regions)
    assert peak_error(by_regions + 65.0, by_images + 65.0) < 5e-3
    assert peak_error(homogeneous + 65.0, by_images + 65.0) > 5e-2


TISSUE = 'dispersion = {tissue = "grey matter", at = 100.0}\n'


def test_dispersion_filters_the_currents(simulate, tmp_path: Path) -> None:
    """As potentials of a file, which are those of the conductivity at 100 Hz filtered."""
    vmem, imem, geometry, _ = simulate(f"electrodes = {ELECTRODES}\n{PULSES}{TISSUE}")
    steps = 0.025 * np.arange(481)
    on, off = (steps > 1.99) & (steps < 2.99), (steps > 2.99) & (steps < 3.99)
    course = np.where(on, 1.0, np.where(off, -1.0, 0.0))
    currents = course[:, None] * np.array([-2e4, 1e4])
    grey = TISSUES["grey matter"]
    ratio = Ratio(dispersion=grey, reference=float(grey.at(np.array([100.0]))[0].real))
    potentials = Mixture(first=ratio).mixed(currents, 0.025) @ (
        stimulation_matrix(geometry, ELECTRODES).T
    )
    np.savez(tmp_path / "v.npz", t=steps, v=potentials)
    by_file, other, _, _ = simulate(f'v_ext = "{tmp_path / "v.npz"}"\n')
    assert peak_error(vmem, by_file) < 1e-7 and peak_error(imem, other) < 1e-6
    # the tissue goes on after the pulse
    late = np.abs(potentials[steps > 5.0]).max() / np.abs(potentials).max()
    assert late > 1e-3


def test_dispersions_of_regions_stimulate_as_they_measure() -> None:
    """Reciprocity at all frequencies: a field and a probe have the same media and filters."""
    grey = {"slab": {"high": -80.0}, "dispersion": {"tissue": "grey matter"}}
    medium = {"regions": [grey], "background": 0.3}
    at = At(SourceText("model"))
    field = read_table(
        Field,
        {"electrodes": [[0, 0, 0]], "current": {"amp": 1.0, "dur": 1.0}, "medium": medium},
        at,
    )
    probe = read_table(Probe, {"contacts": [[0, 0, 0]], "medium": medium}, at)
    first, second = field.spectral, probe.spectral
    assert first.mixture is not None and second.mixture is not None
    assert first.mixture.nodes == second.mixture.nodes
    for one, other in zip(first.models, second.models, strict=True):
        assert one.medium.conductor == other.medium.conductor
    currents = np.random.default_rng(2).standard_normal((60, 1))
    currents[0] = 0.0
    gains = np.arange(1.0, 1.0 + first.mixture.parts)
    signal = first.mixture.mixed(currents * gains, 0.1)
    assert first.mixture.spread(currents, 0.1) @ gains == pytest.approx(signal[:, 0], rel=1e-9)


@pytest.mark.parametrize(
    ("keys", "fault"),
    [
        ({"uniform": [0, 0, 1]}, "does not go with 'uniform'"),
        ({"v_ext": "v.npz"}, "does not go with 'v_ext'"),
        ({"electrodes": [[0, 0, 0]], "current": "c.csv", "sigma": 0.2}, "beside 'sigma'"),
        (
            {"electrodes": [[0, 0, 0]], "current": "c.csv", "medium": {"regions": []}},
            "as the regions have",
        ),
    ],
)
def test_what_a_dispersion_does_not_go_with(keys: dict, fault: str) -> None:
    table = {**keys, "dispersion": {"tissue": "grey matter"}}
    with pytest.raises(InputError, match=fault):
        read_table(Field, table, At(SourceText("model")))

"""Maps of potentials: the forward model's own values, and what is refused."""

from __future__ import annotations

import h5py
import numpy as np
import pytest
import synthetic
from matplotlib.collections import QuadMesh
from remarks import notes_of

from lfpcli.forward.potentials import transfer_matrix
from lfpcli.io.recording import Report, Signal, open_recording
from lfpcli.io.writer import RecordingWriter
from lfpcli.plotting.plane import plane_of
from lfpcli.tasks.figures.map_panel import potential_field, row_of
from lfpcli.tasks.figures.panels import View
from lfpcli.tasks.figures.plot import figure_of

STEPS = 41


@pytest.fixture(scope="module")
def recording(tmp_path_factory):
    """One cell whose currents are strongest at 2 ms, a probe in an anisotropic medium, and EEG."""
    path = tmp_path_factory.mktemp("maps") / "cell.h5"
    rng = np.random.default_rng(4)
    geometry = synthetic.tree(rng)
    currents = rng.normal(size=len(geometry))
    currents -= currents.mean()
    course = np.exp(-0.5 * ((np.arange(STEPS) - 20) / 4) ** 2)
    imem = Report(
        course[:, None] * currents,
        "nA",
        0.1,
        node_ids=np.array([0]),
        pointers=np.array([0, len(geometry)]),
        element_ids=geometry.section,
        element_pos=geometry.x,
    )
    places = np.array([[40.0, 0.0, z] for z in (0.0, 100.0, 200.0)])
    with RecordingWriter(path, synthetic.PROVENANCE) as writer:
        writer.geometry("cell", geometry)
        writer.report("imem", "cell", imem)
        signal = Signal(np.zeros((STEPS, 3)), "mV", 0.1, positions=places, model="point source")
        signal.parameters = {"sigma": [0.2, 0.3, 0.4]}
        writer.signal("probe", signal)
        writer.signal("other", Signal(np.zeros((STEPS, 1)), "mV", 0.1, model="four-sphere"))
    return path


def test_values_are_those_of_the_forward_model(recording):
    view = View(map="yz", plane=25.0, extent=(-100.0, 100.0, 0.0, 300.0))
    with open_recording(recording) as opened:
        field = potential_field(opened, view)
        row = row_of(field, view)
        assert row == 20
        values = field.potentials(np.array([row, 10]))
        geometry = opened.geometry("cell")
        currents = opened.report("imem", "cell").data[[10, 20]]
    j, k = 17, 31
    point = [[25.0, field.axes.right[k], field.axes.up[j]]]
    weights = transfer_matrix(geometry, point, method="point", sigma=[0.2, 0.3, 0.4])
    assert values[:, j, k] == pytest.approx((currents[::-1] @ weights.T)[:, 0], rel=1e-12)


def test_figure(recording):
    figure = figure_of([recording], view=View(map="xz", at=1.0))
    ax = figure.axes[0]
    assert ax.get_title("left").startswith("potential at 1 ms, y = ")
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("x (µm)", "z (µm)")
    (mesh,) = [artist for artist in ax.collections if isinstance(artist, QuadMesh)]
    low, high = mesh.get_clim()
    assert low == -high
    notes = notes_of(ax)
    assert "symmetric logarithm" in notes and "as of probe, σ = 0.2, 0.3, 0.4 S/m" in notes
    assert "clipped at" in notes


def test_synapses_lie_in_the_plane(recording, tmp_path):
    """Of a view from above, x to the right and y upwards; the remarks say whose they are."""
    with h5py.File(tmp_path / "wired.h5", "w") as file:
        file["nodes/cell/0/gid"] = [0]
        file["nodes/cell/node_type_id"] = [0]
        base = "inputs/input.0_to_cell"
        file[f"{base}/target_node_id"] = [0, 0]
        file[f"{base}/target_node_id"].attrs["node_population"] = "cell"
        file[base].attrs["name"] = "input.0"
        for axis, values in (("x", [3.0, 4.0]), ("y", [5.0, 6.0]), ("z", [40.0, 50.0])):
            file[f"{base}/0/afferent_center_{axis}"] = values
    view = View(map="xy", synapses=tmp_path / "wired.h5")
    ax = figure_of([recording], view=view).axes[0]
    assert "circles: 2 synapses of input.0" in notes_of(ax)
    spots = [c.get_offsets().tolist() for c in ax.collections]
    assert [[3.0, 5.0], [4.0, 6.0]] in spots


def test_time_is_looked_for_in_the_span(recording):
    with open_recording(recording) as opened:
        assert row_of(potential_field(opened, View(map="xz")), View(map="xz")) == 20
        later = View(map="xz", time=(3.0, 3.9))
        assert row_of(potential_field(opened, later), later) == 30


def test_map_below_other_panels(recording):
    view = View(map="xy", scale="linear")
    axes = figure_of([recording], parts=["probe"], view=view).axes
    assert len(axes) == 2 and "colours: linear" in notes_of(axes[1])


@pytest.mark.parametrize(
    ("options", "code", "message"),
    [
        (["--map", "xz", "--at", "99"], 2, "no sample at 99 ms; there are some from 0 to 4"),
        (["--map", "xz", "--signal", "other"], 2, "'other' has no contacts in tissue"),
        (["--plane", "3"], 2, "--plane and --extent are of a map"),
        (["--map", "xz", "--extent", "1,0,0,1"], 2, "is not LEFT,RIGHT,BOTTOM,TOP"),
    ],
)
def test_refusals(recording, lfp, tmp_path, options, code, message):
    result = lfp("plot", recording, *options, "-o", tmp_path / "x.png", code=code)
    assert message in result.err and not (tmp_path / "x.png").exists()


def test_without_currents(lfp, tmp_path):
    synthetic.one_cell(tmp_path / "one.h5")
    result = lfp("plot", tmp_path / "one.h5", "--map", "xz", "-o", tmp_path / "x.png", code=3)
    assert "needs membrane currents" in result.err and "record.imem=true" in result.err


def test_slanted_planes(recording, lfp, tmp_path):
    """Of a normal along an axis the plane is that view; of others the points are on it."""
    with open_recording(recording) as opened:
        straight = potential_field(opened, View(map="xz", plane=7.0))
        same = potential_field(opened, View(map=(0.0, 3.0, 0.0), plane=7.0))
        assert np.array_equal(straight.points(), same.points())
        assert (same.axes.names, same.plane.names[1]) == (("x", "z"), "y")
        field = potential_field(opened, View(map=(1.0, 1.0, 0.0), plane=20.0))
        points = field.points()
        assert points @ [1.0, 1.0, 0.0] / np.sqrt(2) == pytest.approx(20.0)
        assert field.axes.names == ("0.71 x − 0.71 y", "z")
        values = field.potentials(np.array([20]))[0]
        geometry, currents = opened.geometry("cell"), opened.report("imem", "cell").data[20]
    weights = transfer_matrix(geometry, points[[0, 777]], method="point", sigma=[0.2, 0.3, 0.4])
    assert values.ravel()[[0, 777]] == pytest.approx(weights @ currents, rel=1e-12)
    out = tmp_path / "a.svg"
    lfp("plot", recording, "--map", "1,1,0", "--plane", "20", "-o", out)
    text = out.read_text(encoding="utf-8")
    assert "0.71 x − 0.71 y (µm)" in text and "0.71 x + 0.71 y = 20 µm" in text
    for normal in ("0,0,0", "1,2", "xx"):
        err = lfp("plot", recording, "--map", normal, "-o", tmp_path / "b.png", code=2).err
        assert "neither xz, yz, xy nor a normal" in err


@pytest.mark.parametrize("normal", [(0.0, 0.0, -2.0), (1.0, -2.0, 0.5), (-1.0, 0.0, 0.0)])
def test_axes_of_a_plane(normal):
    plane = plane_of(normal)
    assert plane.axes @ plane.axes.T == pytest.approx(np.eye(3), abs=1e-15)
    assert plane.axes[1] == pytest.approx(np.array(normal) / np.linalg.norm(normal))
    assert plane.axes[2, 2] >= -1e-15
    points = np.array([[1.0, 2.0, 3.0], [-4.0, 0.5, 9.0]])
    assert plane.placed(plane.seen(points)) == pytest.approx(points)

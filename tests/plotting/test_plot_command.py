"""`lfp plot`, and the figures it makes."""

from __future__ import annotations

import itertools
import shutil

import h5py
import numpy as np
import pytest
import synthetic
from matplotlib.contour import ContourSet
from remarks import notes_of

from lfpcli.errors import UsageError
from lfpcli.geometry import Geometry
from lfpcli.io.recording import Report, Sampled, Signal, open_recording
from lfpcli.io.writer import RecordingWriter
from lfpcli.plotting import figure as figures
from lfpcli.plotting.scale import image_scale, settled_row
from lfpcli.plotting.style import COLOURS, house_style
from lfpcli.tasks.figures.panels import View
from lfpcli.tasks.figures.plot import draw_recording

# of a journal, inches
COLUMN = 3.35


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    path = tmp_path_factory.mktemp("recordings")
    synthetic.one_cell(path / "one.h5")
    synthetic.one_cell(path / "dense.h5", contacts=40)
    synthetic.network(path / "net.h5", sizes=(30, 8))
    synthetic.head(path / "eeg.h5")
    (path / "cell.swc").write_text(
        "1 1 0 0 0 5 -1\n2 3 0 0 40 1 1\n3 3 20 0 80 0.5 2\n4 4 -20 0 90 0.5 2\n"
    )
    return path


@pytest.fixture
def draw(folder):
    def drawn(name, *, parts=None, size=None, **view):
        with house_style(), open_recording(folder / name) as recording:
            figure = draw_recording(recording, parts=parts, view=View(**view), size=size)
            figure.canvas.draw()
            return figure

    return drawn


def titles(figure):
    return [ax.get_title("left") for ax in figure.axes if ax.get_title("left")]


def test_overview_of_one_cell(draw):
    figure = draw("one.h5")
    assert titles(figure) == [
        "spikes (2)",
        "membrane potential (soma)",
        "shank: line, 12 channels",
        "current dipole moment",
    ]
    raster, potential, shank, dipole = figure.axes[1:]
    assert raster.lines[0].get_xdata().tolist() == [25.0, 47.5]
    assert potential.get_ylabel() == "$V_m$ (mV)"
    assert len([line for line in shank.lines if len(line.get_xdata()) > 2]) == 12
    assert shank.get_ylabel() == "z (µm)"
    assert dipole.get_ylabel() == "$p$ (nA µm)"
    assert dipole.get_xlabel() == "time (ms)" and shank.get_xlabel() == ""
    assert dipole.get_xlim() == pytest.approx((0.0, 100.0))


def test_traces_are_ordered_by_depth_and_marked_beside_the_cell(draw):
    figure = draw("one.h5")
    cell, shank = figure.axes[0], figure.axes[3]
    marks = cell.collections[-1]
    depths = marks.get_offsets()[:, 1]
    assert np.all(np.diff(depths) > 0)
    colours = [line.get_color() for line in shank.lines[:12]]
    assert marks.get_facecolors() == pytest.approx(np.array(colours))
    baselines = [line.get_ydata()[0] for line in shank.lines[:12]]
    assert np.all(np.diff(baselines) > 0)


def test_scale_bar_stands_for_what_it_says(draw):
    shank = draw("one.h5").axes[3]
    bar = next(line for line in shank.lines if len(line.get_xdata()) == 2)
    (label,) = (t.get_text() for t in shank.texts)
    number, unit = label.split()
    assert unit == "µV"
    assert np.ptp(bar.get_ydata()) * 1e3 == pytest.approx(float(number), rel=1e-9)


def test_many_channels_become_an_image(draw):
    figure = draw("dense.h5", parts=["shank"])
    (mesh,) = figure.axes[0].collections
    low, high = mesh.get_clim()
    assert low == -high
    assert figure.axes[0].child_axes[0].get_ylabel() == "µV"
    assert len(draw("dense.h5", parts=["shank"], form="traces").axes[0].collections) == 0
    assert len(draw("one.h5", parts=["shank"], form="image").axes[0].collections) == 1


def test_network(draw):
    figure = draw("net.h5")
    assert titles(figure) == [
        "spikes (456)",
        "rates",
        "membrane potential (soma)",
        "csd: laminar CSD, 15 layers",
        "neuropixels: line, 128 channels",
    ]
    raster = figure.axes[1]
    assert [t.get_text() for t in raster.get_yticklabels()] == ["E", "I"]
    assert raster.get_ylabel() == "38 cells"
    assert {line.get_color() for line in raster.lines} == set(COLOURS[:2])
    # two contacts a depth on one shank are one row of the image, at its true depth
    assert "mean of 2 contacts a depth" in notes_of(figure.axes[5])
    assert figure.axes[5].get_ylim() == pytest.approx((-409, 709), abs=60)
    assert figure.axes[4].child_axes[0].get_ylabel() == "µA/mm³"


def test_only_some_cells_are_drawn_whole(draw):
    def segments(max_cells):
        cells = draw("net.h5", parts=["geometry"], max_cells=max_cells).axes[0]
        return sum(len(c.get_paths()) for c in cells.collections if len(c.get_offsets()) < 2)

    assert segments(38) == 38 * 101
    assert 4 * 101 <= segments(5) <= 6 * 101


def test_head(draw):
    figure = draw("eeg.h5")
    assert "eeg: four-sphere, 22.2 ms" in titles(figure)
    assert "eeg: four-sphere, 45.1 ms" in titles(draw("eeg.h5", parts=["topography"], at=45.12))
    butterfly = next(ax for ax in figure.axes if ax.get_title("left").endswith("21 channels"))
    assert len(butterfly.lines) == 21
    assert len(butterfly.get_legend().get_texts()) == 4
    (traces,) = draw("eeg.h5", parts=["eeg"], form="traces").axes
    labels = [t.get_text() for t in traces.get_yticklabels()]
    assert labels == [f"E{k}" for k in range(21, 0, -1)]


@pytest.mark.parametrize("width", [None, COLUMN])
@pytest.mark.parametrize("name", ["one.h5", "dense.h5", "net.h5", "eeg.h5"])
def test_nothing_overlaps_or_leaves_the_page(draw, name, width):
    """Headings, remarks, labels of axes and legends have room of their own."""
    figure = draw(name, size=None if width is None else (width, None))
    assert width in (None, figure.get_size_inches()[0])
    renderer = figure.canvas.get_renderer()
    page = figure.bbox
    boxes = {}
    for k, ax in enumerate(figure.axes):
        words = [ax.title, ax._left_title, ax.xaxis.label, ax.yaxis.label]
        words += [t for t in ax.texts if t.get_gid() in ("note", "remark")]
        for word in words:
            if word.get_text():
                boxes[f"{k} {word.get_text()}"] = word.get_window_extent(renderer)
        if ax.get_legend() is not None:
            boxes[f"{k} legend"] = ax.get_legend().get_window_extent(renderer)
    names = list(boxes)
    for k, first in enumerate(names):
        box = boxes[first]
        assert page.x0 <= box.x0 and box.x1 <= page.x1, first
        assert page.y0 <= box.y0 and box.y1 <= page.y1, first
        for second in names[k + 1 :]:
            assert not box.overlaps(boxes[second]), f"{first} over {second}"


@pytest.mark.parametrize("name", ["one.h5", "net.h5"])
def test_cells_of_a_column_stand_above_the_rest(draw, name):
    """Beside them there would be no room for time courses."""
    figure = draw(name, size=(COLUMN, None))
    cells, *others = figure.axes
    assert cells.get_position().y0 > max(ax.get_position().y1 for ax in others)
    wide = cells.get_position().width * figure.get_size_inches()[0]
    assert wide == pytest.approx(COLUMN - 0.2)
    assert all(ax.get_position().width * COLUMN > 1.5 for ax in others)
    beside = draw(name).axes
    assert beside[0].get_position().x1 < beside[1].get_position().x0


def test_lower_figures_have_fewer_labels(draw):
    for height, most in ((8.0, 12), (2.6, 12), (1.6, 6)):
        ax = draw("one.h5", parts=["shank"], size=(7.2, height)).axes[0]
        labels = [label.get_window_extent() for label in ax.get_yticklabels()]
        assert 2 <= len(labels) <= most
        assert not any(one.overlaps(other) for one, other in itertools.pairwise(labels))


def test_smooth_images_have_lines_that_tell_signs(tmp_path, draw):
    """In grey, a sink is told from a source by dashes; noise has no lines."""
    times, rows = np.linspace(-3, 3, 200), np.arange(30)
    bump = np.outer(np.exp(-(times**2)), np.exp(-(((rows - 22) / 4) ** 2)))
    hollow = np.outer(np.exp(-(times**2)), np.exp(-(((rows - 8) / 4) ** 2)))
    noise = np.random.default_rng(3).standard_normal((200, 30))
    places = np.column_stack([np.zeros((30, 2)), 50.0 * rows])
    with RecordingWriter(tmp_path / "a.h5", {}) as writer:
        writer.signal("smooth", Signal(bump - hollow, "mV", 0.1, positions=places))
        writer.signal("noise", Signal(noise, "mV", 0.1, positions=places))
    styles = {}
    for name in ("smooth", "noise"):
        ax = draw(tmp_path / "a.h5", parts=[name], form="image").axes[0]
        lines = [c for c in ax.collections if isinstance(c, ContourSet)]
        styles[name] = {float(c.levels[0]) < 0: c.linestyles for c in lines}
    assert styles == {"smooth": {True: "--", False: "-"}, "noise": {}}


def noisy(rng, samples=4000, channels=6):
    """Activity that goes on, the stronger the higher the channel."""
    course = np.convolve(rng.standard_normal(samples), np.ones(40) / 40, "same")
    return course[:, None] * np.linspace(0.2, 1.0, channels)


def test_start_up_never_sets_the_scale():
    rng = np.random.default_rng(1)
    values = noisy(rng)
    decay = 20 * np.exp(-np.arange(len(values)) / 60)[:, None]
    assert settled_row(values) == 0
    assert settled_row(values + decay) == 500
    scale = image_scale(values + decay, from_start=True)
    assert scale.limit < 1.2 * np.abs(values).max() and scale.clips
    assert image_scale(values + decay, from_start=False).limit > 3 * scale.limit


def test_response_to_an_early_stimulus_is_shown_whole():
    values = np.zeros((4000, 3))
    values[200:300] = 5.0
    values[300:] = 5.0 * np.exp(-np.arange(3700) / 150)[:, None]
    assert settled_row(values) == 0


def test_start_up_is_cut_and_told(draw, tmp_path):
    values = noisy(np.random.default_rng(2))
    values[:30] += 10.0
    places = np.column_stack([np.full(6, 20.0), np.zeros(6), 100.0 * np.arange(6)])
    with RecordingWriter(tmp_path / "a.h5", {}) as writer:
        writer.signal("lfp", Signal(values, "mV", 0.1, positions=places))
        writer.dipole("total", Sampled(values[:, :3], "nA um", 0.1))
    for part, time in (("lfp", None), ("dipole", None), ("lfp", (0.0, 10.0))):
        ax = draw(tmp_path / "a.h5", parts=[part], time=time).axes[0]
        cut = time is None
        assert ("start-up beyond the scale until" in notes_of(ax)) is cut
        if part == "lfp":
            reach = max(np.nanmax(line.get_ydata()) for line in ax.lines)
            assert bool(reach < 8) is cut


def test_shanks_are_images_of_one_scale(draw, tmp_path):
    rng = np.random.default_rng(3)
    places = [[x, 0.0, 15.0 * k] for x in (0.0, 32.0, 250.0, 282.0) for k in range(40)]
    data = 1e-3 * noisy(rng, channels=160)
    with RecordingWriter(tmp_path / "a.h5", {}) as writer:
        writer.signal("np2", Signal(data, "mV", 0.1, positions=np.array(places)))
    first, second = draw(tmp_path / "a.h5").axes
    assert first.get_title("left") == "np2, 160 channels: shank at x = 16 µm"
    assert second.get_title("left") == "shank at x = 266 µm"
    (a,), (b,) = first.collections, second.collections
    assert a.get_clim() == b.get_clim()
    # 4000 samples, of which each pixel shows the largest of five
    assert a.get_array().shape == (40, 800)
    stretch = data[:5, [7, 47]]
    largest = stretch[np.abs(stretch).argmax(axis=0), [0, 1]].mean()
    assert a.get_array()[7, 0] == pytest.approx(1e6 * largest)


def test_silent_ends_are_left_out_and_told(draw, tmp_path):
    places = np.column_stack([np.zeros((60, 2)), 20.0 * np.arange(60)])
    data = np.zeros((500, 60))
    data[:, 20:40] = np.random.default_rng(1).standard_normal((500, 20))
    with RecordingWriter(tmp_path / "a.h5", {}) as writer:
        writer.signal("lfp", Signal(data, "mV", 0.1, positions=places))
    ax = draw(tmp_path / "a.h5").axes[0]
    assert "40 rows below 3 % left out" in notes_of(ax)
    assert ax.get_ylim() == pytest.approx((390, 790))


def test_parts_time_and_channels_are_chosen(draw):
    figure = draw("one.h5", parts=["shank", "spikes"], time=(20.0, 40.0), channels=["0-2", "5"])
    assert titles(figure) == ["shank: line, 4 channels", "spikes (1)"]
    shank = figure.axes[0]
    assert shank.get_xlim() == (20.0, 40.0)
    times = shank.lines[0].get_xdata()
    assert (times[0], times[-1]) == pytest.approx((20.0, 40.0))


def test_spike_of_one_sample_survives_a_long_recording(folder, tmp_path):
    trace = np.zeros((200_000, 1))
    trace[123_457] = 70.0
    ones = np.ones(1)
    report = Report(trace, "mV", 0.1, 0.0, ones, np.array([0, 1]), ones, 0.5 * ones)
    with RecordingWriter(tmp_path / "long.h5", {}) as writer:
        writer.report("vmem", "cell", report)
    with house_style(), open_recording(tmp_path / "long.h5") as recording:
        line = draw_recording(recording).axes[0].lines[0]
    assert len(line.get_xdata()) < 5000
    peak = int(np.argmax(line.get_ydata()))
    assert line.get_ydata()[peak] == 70.0
    assert line.get_xdata()[peak] == pytest.approx(12_345.7, abs=10.0)


def test_soma_is_found_among_all_segments(folder, tmp_path):
    tree = synthetic.tree(np.random.default_rng(1))
    data = np.tile(np.arange(len(tree), dtype=float), (50, 1))
    order = np.argsort(tree.section == 0, kind="stable")
    report = Report(
        data,
        "mV",
        0.1,
        0.0,
        np.array([0]),
        np.array([0, len(tree)]),
        tree.section[order],
        tree.x[order],
    )
    with RecordingWriter(tmp_path / "all.h5", {}) as writer:
        writer.geometry("cell", tree)
        writer.report("vmem", "cell", report)
    with house_style(), open_recording(tmp_path / "all.h5") as recording:
        line = draw_recording(recording, parts=["vmem"]).axes[0].lines[0]
    assert set(line.get_ydata()) == {len(tree) - 1.0}


@pytest.mark.parametrize("suffix", ["png", "pdf", "svg"])
@pytest.mark.parametrize("name", ["one.h5", "net.h5", "eeg.h5", "cell.swc"])
def test_same_recording_same_bytes(lfp, folder, tmp_path, name, suffix):
    paths = [tmp_path / f"{k}.{suffix}" for k in (1, 2)]
    for path in paths:
        lfp("plot", folder / name, "-o", path, "--dpi", "60")
    first, second = (p.read_bytes() for p in paths)
    assert first == second
    assert first.startswith({"png": b"\x89PNG", "pdf": b"%PDF", "svg": b"<?xml"}[suffix])
    assert b"Date" not in first and b"matplotlib" not in first.lower().replace(b"\n", b"")[:300]


def test_user_settings_have_no_say(shell, folder, tmp_path):
    (tmp_path / "matplotlibrc").write_text("font.size: 30\nbackend: TkAgg\n")
    plain = shell("plot", folder / "one.h5", "-o", "-")
    environment = {"MATPLOTLIBRC": str(tmp_path), "PATH": "/usr/bin:/bin", "HOME": str(tmp_path)}
    assert shell("plot", folder / "one.h5", "-o", "-", env=environment).out == plain.out


def test_standard_input_and_output(shell, folder):
    got = shell("plot", "-", "-o", "-", stdin=(folder / "one.h5").read_bytes())
    assert got.out.startswith("\x89PNG") and got.err == ""
    got = shell("plot", "-", "--format", "svg", stdin=(folder / "cell.swc").read_bytes())
    assert got.out.startswith("<?xml")


def test_size_dpi_and_title(lfp, folder, tmp_path):
    path = tmp_path / "a.png"
    lfp("plot", folder / "one.h5", "-o", path, "--size", "4,3", "--dpi", "50", "--title", "A cell")
    header = path.read_bytes()[16:24]
    assert np.frombuffer(header, ">u4").tolist() == [200, 150]


def test_signal_beside_the_cells(lfp, folder, tmp_path):
    for options in (["--signal", "csd"], ["--signal", "csd", "--signal", "neuropixels"]):
        lfp("plot", folder / "net.h5", "-o", tmp_path / "a.png", "--force", *options)


def test_signal_without_cells_and_of_two_recordings(lfp, folder, tmp_path):
    without = tmp_path / "without.h5"
    shutil.copy(folder / "net.h5", without)
    with h5py.File(without, "r+") as file:
        del file["geometry"], file["reports"]
    for source in ([without], [folder / "net.h5", without]):
        lfp("plot", *source, "--signal", "csd", "-o", tmp_path / "a.png", "--force")
    printed = lfp("plot", folder / "net.h5", "--signal", "csd", "--terminal").out
    assert "csd" in printed


def test_morphology_parts_have_colours(folder):
    from lfpcli.runtime.morphology.reading import read_morphology
    from lfpcli.tasks.figures.panels import morphology_panel

    with house_style():
        panel = morphology_panel(read_morphology(folder / "cell.swc"), View())
        ax = figures.compose([], [panel]).axes[0]
    assert [t.get_text() for t in ax.get_legend().get_texts()] == ["soma", "dend", "apic"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--what", "vmemm"], "recording holds no 'vmemm' to draw; did you mean 'vmem'?"),
        (["--signal", "shonk"], "recording holds no 'shonk' to draw; did you mean 'shank'?"),
        (["--what", "shank", "--channels", "12"], "has no channel '12'; it has 0 to 11"),
        (["--what", "shank", "--channels", "3-99999999999"], "it has 0 to 11"),
        (["--what", "shank", "--channels", "3:9"], "channels are numbers or ranges such as 0-7"),
        (["--what", "shank", "--channels", "a"], "channels are numbers or ranges"),
        (["--channels", "1,,2"], "'1,,2' has an empty name"),
        (["--time", "40,20"], "'40,20' is not two rising times T0,T1"),
        (["--time", "nan,20"], "'nan' is not a finite number"),
        (["--size", "0,5"], "'0,5' is not one or two lengths of 1 to 100"),
        (["--dpi", "1e9"], "'1e9' is not from 10 to 2400"),
        (["--max-cells", "0"], "'0' is not above zero"),
        (["--format", "bmp"], "invalid choice: 'bmp'"),
    ],
)
def test_usage_errors(lfp, folder, arguments, message):
    got = lfp("plot", folder / "one.h5", "-o", "-", *arguments, code=2)
    assert message in got.err and got.err.count("\n") == 1


def test_unknown_suffix(lfp, folder, tmp_path):
    got = lfp("plot", folder / "one.h5", "-o", tmp_path / "a.bmp", code=2)
    assert "name it .png, .pdf, .svg, .html, .gif, .apng or .mp4, or give" in got.err
    lfp("plot", folder / "one.h5", "-o", tmp_path / "a.bmp", "--format", "png")


def test_morphology_holds_geometry_alone(lfp, folder):
    got = lfp("plot", folder / "cell.swc", "-o", "-", "--what", "spikes", code=2)
    assert "a morphology holds no 'spikes' to draw" in got.err


def test_empty_time_span_is_refused(draw):
    with pytest.raises(UsageError, match="no sample lies between 500 and 600 ms"):
        draw("one.h5", parts=["shank"], time=(500.0, 600.0))


def test_a_span_beyond_the_samples_is_cut_and_told(lfp, folder, tmp_path):
    last = 0.0
    with open_recording(folder / "one.h5") as recording:
        shank = recording.signal("shank")
        last = float(shank.times[-1])
    whole = f"0,{last + shank.dt:g}"
    for k, target in enumerate(("a.png", "a.html")):
        got = lfp("plot", folder / "one.h5", "-o", tmp_path / target, "--time", f"10,{last + 50:g}")
        assert f"is cut to 10,{last:g}" in got.err and got.err.count("warning") == 1, k
        quiet = ("-o", tmp_path / target, "--force", "--time", whole)
        assert "cut" not in lfp("plot", folder / "one.h5", *quiet).err
        outside = ("-o", tmp_path / f"none_{target}", "--time", f"{last + 9:g},{last + 50:g}")
        assert "no sample lies between" in lfp("plot", folder / "one.h5", *outside, code=2).err
    two = [folder / "one.h5", folder / "one.h5"]
    assert "is cut to" in lfp("plot", *two, "-o", tmp_path / "b.png", "--time", "-5,20").err
    assert "is cut to" in lfp("plot", folder / "one.h5", "--terminal", "--time", "-5,20").err


def test_signals_in_excess_are_named(lfp, tmp_path):
    with RecordingWriter(tmp_path / "many.h5", {}) as writer:
        for k in range(8):
            writer.signal(f"s{k}", Signal(np.zeros((20, 2)), "mV", 0.1))
    got = lfp("plot", tmp_path / "many.h5", "-o", tmp_path / "a.png")
    assert got.err == (
        "lfp plot: warning: 8 signals; the first 6 are drawn, choose with --signal\n"
    )


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        ("signals/shank/data", np.full((5, 12), np.nan), "holds NaN or infinity"),
        ("signals/shank/data", np.full((5, 12), -1e300), "holds values beyond 1e+100"),
        ("signals/shank/positions", np.zeros((3, 3)), "expected positions of 12 channels"),
        (
            "reports/vmem/cell/mapping/index_pointers",
            np.array([0, 9]),
            "does not share out 1 columns among 1 cells",
        ),
        ("dipole/total/data", np.zeros((5, 2)), "has 2 columns, expected three"),
        ("geometry", None, ""),
    ],
)
def test_damaged_recordings(lfp, folder, tmp_path, path, value, message):
    damaged = tmp_path / "damaged.h5"
    shutil.copy(folder / "one.h5", damaged)
    with h5py.File(damaged, "a") as file:
        kept = dict(file[path].attrs)
        del file[path]
        if value is not None:
            file[path] = value
            file[path].attrs.update(kept)
    got = lfp("plot", damaged, "-o", tmp_path / "a.png", code=3 if message else 0)
    assert message in got.err and got.err.count("\n") == (1 if message else 0)
    assert (tmp_path / "a.png").exists() is not bool(message)


def odd_recordings():
    """Recordings of little or of strange values, each as what writes it."""
    none = np.empty(0, int)
    flat = np.zeros((0, 3))
    signals = {
        "one sample": Signal(np.ones((1, 3)), "mV", 0.1, positions=np.eye(3)),
        "no sample": Signal(flat, "mV", 0.1, positions=np.eye(3)),
        "no channel": Signal(np.zeros((5, 0)), "mV", 0.1, positions=flat),
        "constant": Signal(np.ones((50, 3)), "mV", 0.1),
        "zero": Signal(np.zeros((50, 30)), "mV", 0.1),
        "markup": Signal(np.ones((50, 2)), "$\\nix$", 0.1, 0.0, None, ["$\\a$", "b"], "$_$"),
    }
    cases = {name: lambda w, s=s: w.signal("$\\x$", s) for name, s in signals.items()}
    cases["no cells"] = lambda w: w.geometry("a", Geometry(flat, flat, np.zeros(0)))
    cases["point"] = lambda w: w.geometry("a", Geometry(np.zeros((1, 3)), np.zeros((1, 3)), [1.0]))
    cases["no spikes"] = lambda w: w.spikes("a", np.empty(0), none)
    report = Report(np.zeros((5, 0)), "mV", 0.1, 0.0, none, np.zeros(1, int), none, np.empty(0))
    cases["no columns"] = lambda w: w.report("vmem", "a", report)
    cases["no moment"] = lambda w: w.dipole("total", Sampled(np.zeros((50, 3)), "nA um", 0.1))
    return cases


@pytest.mark.parametrize("name", odd_recordings())
def test_odd_recordings_are_drawn_and_described(lfp, tmp_path, name):
    path = tmp_path / "odd.h5"
    with RecordingWriter(path, {}) as writer:
        odd_recordings()[name](writer)
    options = ["-o", tmp_path / "a.png", "--force", "--title", "$\\no$", "--dpi", "30"]
    with open_recording(path) as recording:
        forms = ("traces", "image") if recording.signals else ("auto",)
    for form in forms:
        lfp("plot", path, *options, "--form", form)
    assert lfp("info", path).out
    lfp("diff", path, path)


def test_recording_of_nothing(lfp, tmp_path):
    with RecordingWriter(tmp_path / "none.h5", {}):
        pass
    got = lfp("plot", tmp_path / "none.h5", "-o", "-", code=3)
    assert "recording holds nothing to draw" in got.err

"""Films, and cells in the colours of a variable."""

from __future__ import annotations

import itertools
import os
import shutil
import stat
import subprocess

import numpy as np
import pytest
import synthetic
from PIL import Image

from lfpcli.errors import InputError, MissingDependencyError, OutputError
from lfpcli.geometry import Geometry
from lfpcli.io.recording import Report, open_recording
from lfpcli.io.writer import RecordingWriter
from lfpcli.plotting.film import write_film
from lfpcli.plotting.style import house_style
from lfpcli.tasks.figures.map_panel import map_scene
from lfpcli.tasks.figures.painted_panel import painted_cells, painted_scene, segment_columns
from lfpcli.tasks.figures.panels import View
from lfpcli.tasks.figures.plot import draw_recording

DT, STEPS = 0.5, 41


def report(tree: Geometry, data: np.ndarray, order: np.ndarray, units: str) -> Report:
    n = len(tree)
    return Report(
        data[:, order],
        units,
        DT,
        0.0,
        np.array([0]),
        np.array([0, n]),
        tree.section[order],
        tree.x[order],
    )


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    """A wave of potential along a cell, its columns in another order than its segments."""
    target = tmp_path_factory.mktemp("films") / "a.h5"
    tree = synthetic.tree(np.random.default_rng(1))
    times = DT * np.arange(STEPS)
    wave = -65 + 40 * np.exp(-(((tree.middle[:, 2] / 60 - times[:, None]) / 3) ** 2))
    currents = np.gradient(np.gradient(wave, axis=1), axis=1) * 1e-3
    currents -= currents.mean(axis=1, keepdims=True)
    order = np.random.default_rng(2).permutation(len(tree))
    with RecordingWriter(target, synthetic.PROVENANCE) as writer:
        writer.geometry("cell", tree)
        writer.report("vmem", "cell", report(tree, wave, order, "mV"))
        writer.report("imem", "cell", report(tree, currents, np.arange(len(tree)), "nA"))
    return target


def test_each_segment_has_its_own_value(path):
    with open_recording(path) as recording:
        painted = painted_cells(recording, "vmem", View())
        middle = 0.5 * (painted.cones.start + painted.cones.end)[:, 2]
        for row in (0, 7, 30):
            wanted = -65 + 40 * np.exp(-(((middle / 60 - DT * row) / 3) ** 2))
            np.testing.assert_allclose(painted.values(row), wanted, rtol=1e-12)


def test_painted_cells_have_a_scale(path):
    with house_style(), open_recording(path) as recording:
        ax = draw_recording(recording, view=View(paint="vmem", at=5.0)).axes[0]
        assert ax.get_title("left") == "membrane potential at 5 ms"
        (cells,) = (c for c in ax.collections if c.get_array() is not None)
        low, high = cells.get_clim()
        assert -66 < low < high < -20
        bar = ax.child_axes[0]
        assert bar.get_title("right") == "mV"
        ax = draw_recording(recording, view=View(paint="imem")).axes[0]
        (cells,) = (c for c in ax.collections if c.get_array() is not None)
        low, high = cells.get_clim()
        assert low == -high


def test_scenes_show_other_times(path):
    with house_style(), open_recording(path) as recording:
        for make in (
            lambda: painted_scene(recording, "vmem", View(time=(2.0, 12.0)), count=5),
            lambda: map_scene(recording, View(map="xz", time=(2.0, 12.0)), count=5),
        ):
            scene = make()
            assert scene.times.tolist() == [2.0, 4.5, 7.0, 9.5, 12.0]


@pytest.mark.parametrize("suffix", ["gif", "apng"])
@pytest.mark.parametrize("options", [["--map", "xz"], ["--paint", "vmem"], []])
def test_films_are_the_same_again(lfp, path, tmp_path, suffix, options):
    films = [tmp_path / f"{k}.{suffix}" for k in (1, 2)]
    for film in films:
        size = ["--frames", "4", "--fps", "10", "--dpi", "40"]
        lfp("plot", path, "-o", film, *options, *size, "--time", "2,12")
    assert films[0].read_bytes() == films[1].read_bytes()
    with Image.open(films[0]) as image:
        assert image.n_frames == 4
        pictures = []
        for number in range(4):
            image.seek(number)
            assert image.info["duration"] == pytest.approx(100)
            pictures.append(np.asarray(image.convert("RGB"), dtype=int))
        assert image.info["loop"] == 0
    assert all(np.abs(a - b).max() > 50 for a, b in itertools.pairwise(pictures))


def test_any_number_of_threads_any_order_of_hashes_any_folder(shell, path, tmp_path):
    """One pixel of a contour would tell the last bit of a sum."""
    films = []
    for number, folder in (("1", tmp_path), ("2", tmp_path / "x")):
        folder.mkdir(exist_ok=True)
        film = folder / f"film{number}.apng"
        words = ("--map", "xz", "--time", "2,12", "--frames", "3", "--dpi", "40")
        environment = {**os.environ, "OMP_NUM_THREADS": number, "PYTHONHASHSEED": number}
        shell("plot", path, "-o", film, *words, cwd=folder, env=environment)
        films.append(film.read_bytes())
    assert films[0] == films[1]


@pytest.mark.parametrize(
    ("options", "code", "text"),
    [
        (["--paint", "ca"], 2, "no 'ca' to paint cells with"),
        (["--time", "5,5.2"], 3, "a film needs two samples or more"),
        (["--what", "geometry"], 2, "without --what"),
        (["--frames", "1"], 2, "'1' is not from 2 to 1000"),
        (["--fps", "100"], 2, "'100' is not from 1 to 50"),
        (["--dpi", "2400", "--frames", "40"], 2, "fewer --frames, a lower --dpi"),
    ],
)
def test_refusals(lfp, path, tmp_path, options, code, text):
    err = lfp("plot", path, "-o", tmp_path / "a.gif", *options, code=code).err
    assert text in err and err.count("\n") == 1 and not list(tmp_path.iterdir())


def test_recordings_without_what_a_film_shows(lfp, tmp_path):
    one = synthetic.one_cell(tmp_path / "one.h5")
    err = lfp("plot", one, "-o", tmp_path / "a.gif", code=3).err
    assert "holds 1 columns, not one of each of" in err and "--set record.vmem=all" in err
    head = synthetic.head(tmp_path / "head.h5")
    err = lfp("plot", head, "-o", tmp_path / "a.gif", code=3).err
    assert "nothing that a film shows" in err and "record.imem=true" in err
    err = lfp("plot", one, one, "-o", tmp_path / "a.png", "--paint", "vmem", code=2).err
    assert "of one recording" in err


def test_columns_must_be_those_of_the_segments(path):
    with open_recording(path) as recording:
        geometry, stored = recording.geometry("cell"), recording.report("vmem", "cell")
        stored.element_pos = stored.element_pos[::-1]
        with pytest.raises(InputError, match="not one of each of"):
            segment_columns(geometry, stored, "a.h5:/reports/vmem/cell")


def frames(count=3, shape=(31, 41)):
    rng = np.random.default_rng(3)
    return (rng.integers(0, 255, (*shape, 3), dtype=np.uint8) for _ in range(count))


def test_mp4_needs_ffmpeg(lfp, path, tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(MissingDependencyError, match="needs the program ffmpeg"):
        write_film(tmp_path / "a.mp4", frames(), "mp4", 10.0)
    err = lfp("plot", path, "-o", tmp_path / "a.mp4", code=6).err
    assert "install it, or name a file .gif or .apng" in err and not list(tmp_path.iterdir())


def test_what_ffmpeg_is_given(tmp_path, monkeypatch):
    """A program of this name that keeps what it gets: pictures of even sides."""
    script = '#!/bin/sh\nfor last; do :; done\necho "$@" > "$last.words"; cat > "$last"\n'
    (tmp_path / "ffmpeg").write_text(script)
    (tmp_path / "ffmpeg").chmod(0o755 | stat.S_IXUSR)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    write_film(tmp_path / "a.mp4", frames(), "mp4", 10.0)
    assert (tmp_path / "a.mp4").stat().st_size == 3 * 30 * 40 * 3
    words = (tmp_path / "a.mp4.words").read_text()
    assert "-s 40x30" in words and "-threads 1" in words and "bitexact" in words
    (tmp_path / "ffmpeg").write_text("#!/bin/sh\ncat > /dev/null; echo no codec >&2; exit 3\n")
    with pytest.raises(OutputError, match="ffmpeg: no codec"):
        write_film(tmp_path / "a.mp4", frames(), "mp4", 10.0)


@pytest.mark.skipif(shutil.which("ffmpeg") is None, reason="no ffmpeg is installed")
def test_mp4_is_the_same_again(tmp_path):
    for name in ("a", "b"):
        write_film(tmp_path / f"{name}.mp4", frames(), "mp4", 10.0)
    first = (tmp_path / "a.mp4").read_bytes()
    assert first == (tmp_path / "b.mp4").read_bytes() and first[4:8] == b"ftyp"
    # decoded again it has as many pictures, of even sides
    words = ["ffmpeg", "-v", "error", "-i", str(tmp_path / "a.mp4")]
    raw = subprocess.run(
        [*words, "-f", "rawvideo", "-pix_fmt", "gray", "-"], capture_output=True, check=True
    )
    assert len(raw.stdout) == 3 * 30 * 40

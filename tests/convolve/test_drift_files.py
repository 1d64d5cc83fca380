"""Drift in files, overlaps, stated noise, and the same bits however a recording is made."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from gaussian_templates import DT
from scipy import signal as processing

from lfpcli.forward.noise_stream import NoiseStream, spectral_noise
from lfpcli.tasks.convolve import recording as recordings

PLAIN = ("--taper", 0, "--seed", 1, "--amplitude", "0,1", "--min-distance", 0)


@pytest.fixture
def drifting(
    lfp: Callable[..., Any],
    write_templates: Callable[..., Path],
    write_trains: Callable[..., Path],
    tmp_path: Path,
) -> Callable[..., Path]:
    """A recording of three units that drift along paths of 40 um."""
    rng = np.random.default_rng(4)
    trains = [np.sort(rng.uniform(20, 480, 30)).tolist() for _ in range(3)]

    def make(*options: object) -> Path:
        path = tmp_path / "drift.h5"
        sources = write_templates(units=3, steps=5), write_trains({"units": trains})
        lfp("convolve", *sources, *PLAIN, "--drift", 6000, *options, "-o", path, "-f")
        return path

    return make


@pytest.mark.parametrize("options", [(), ("--rigidity", 0.4), ("--rigidity", "0.4:z")])
def test_the_truth_tells_where_units_are(drifting: Callable[..., Path], options: Any) -> None:
    with h5py.File(drifting(*options)) as file:
        group = file["units/movement"]
        moved = group["moved"][:] @ group["factors"][:].T
        assert group.attrs["dt"] == 10.0
        assert group["positions"].shape == (3, 5, 3)
        assert np.array_equal(group["waveforms"][:, 0], file["units/waveforms"][:])
        factors = group["factors"][:, 0]
        positions = file["units/positions"][:]
    # 6 mm a minute is 0.1 um a ms, there and back on 40 um
    moments = 10.0 * np.arange(50)
    fold = 40.0 * np.abs((moments / 400.0 + 1.0) % 2.0 - 1.0)
    assert np.allclose(moved, fold[:, None] * factors)
    if not options:
        assert np.all(factors == 1.0)
    elif options[1] == 0.4:
        assert np.all((factors >= 0.4) & (factors <= 1.0)) and len(set(factors)) == 3
    else:
        # all begin at one height: none lies below another
        assert np.ptp(positions[:, 2]) == 0 and np.all(factors == 1.0)


def test_factors_rise_along_an_axis(drifting: Callable[..., Path]) -> None:
    with h5py.File(drifting("--rigidity", "0.4:x")) as file:
        factors = file["units/movement/factors"][:, 0]
        x = file["units/positions"][:, 0]
    assert np.allclose(factors, 0.4 + 0.6 * (x - x.min()) / np.ptp(x))


@pytest.mark.parametrize("options", [(), ("--rigidity", 0.4)])
def test_drift_goes_through_mearecs_files(
    lfp: Callable[..., Any], drifting: Callable[..., Path], tmp_path: Path, options: Any
) -> None:
    mearec = pytest.importorskip("MEArec")
    path = drifting(*options)
    theirs, again = tmp_path / "theirs.h5", tmp_path / "again.h5"
    lfp("convert", "-q", path, theirs, "--to", "mearec")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        loaded = mearec.load_recordings(str(theirs), return_h5_objects=False)
    with h5py.File(path) as file:
        truth = {
            name: file[f"units/movement/{name}"][:]
            for name in file["units/movement"]
            if name != "dt"
        }
    # for each unit, the step of its path that the list of drifts says
    steps = np.zeros((50, 3))
    for drift in loaded.drift_list:
        assert drift["drift_fs"] == 100.0 and drift["drift_steps"] == 5
        steps += np.outer(drift["drift_vector_um"], drift["drift_factors"])
    expected = truth["moved"] @ truth["factors"].T
    assert np.allclose(steps + 20.0, expected, atol=1e-3)
    assert loaded.templates.shape == (3, 5, 4, truth["waveforms"].shape[2])
    assert np.allclose(loaded.template_locations, truth["positions"])
    lfp("convert", "-q", theirs, again)
    with h5py.File(again) as file:
        back = file["units/movement"]
        assert np.allclose(back["moved"][:] @ back["factors"][:].T, expected, atol=1e-3)
        assert np.allclose(back["waveforms"][:], truth["waveforms"], atol=1e-9)
        assert np.allclose(back["positions"][:], truth["positions"])
        assert file["units/waveforms"].shape[0] == 3
        assert file["units"].attrs["before"] == pytest.approx(
            h5py.File(path)["units"].attrs["before"]
        )


def test_drifting_templates_go_through_mearecs_files(
    lfp: Callable[..., Any], write_templates: Callable[..., Path], tmp_path: Path
) -> None:
    mearec = pytest.importorskip("MEArec")
    source = write_templates(units=4, steps=5)
    with h5py.File(source, "r+") as file:
        names = np.repeat(np.array(["L5_TTPC1_a_b_1", "L5_NBC_c_d_1"], object), 10)
        file.create_dataset("cell_types", data=names, dtype=h5py.string_dtype())
    theirs, again = tmp_path / "theirs.h5", tmp_path / "again.h5"
    lfp("convert", "-q", source, theirs, "--to", "mearec")
    loaded = mearec.load_templates(str(theirs), return_h5_objects=False)
    assert loaded.templates.shape[:3] == (4, 5, 4)
    assert loaded.locations.shape == (4, 5, 3)
    assert [str(name) for name in loaded.celltypes] == names[::5].tolist()
    assert loaded.info["params"]["drifting"]
    lfp("convert", "-q", theirs, again)
    with h5py.File(source) as one, h5py.File(again) as other:
        assert other["units"][:].tolist() == one["units"][:].tolist()
        assert np.allclose(other["positions"], one["positions"])
        assert np.allclose(other["templates"], one["templates"][:, :, :-1], atol=1e-7)


def test_units_overlap_as_often_as_asked(
    lfp: Callable[..., Any],
    write_templates: Callable[..., Path],
    write_trains: Callable[..., Path],
    tmp_path: Path,
) -> None:
    source = write_templates(units=16, contacts=8)
    with h5py.File(source, "r+") as file:
        # each unit is deep on one contact, and units 2 k and 2 k + 1 on the same
        depth = np.full((16, 8), 0.01)
        depth[np.arange(16), np.arange(16) // 2] = 0.1
        wave = file["templates"][0, 0] / file["templates"][0, 0].min()
        file["templates"][...] = -depth[:, :, None] * wave
    trains = write_trains({"units": [[50.0]] * 7})
    for wanted in (0, 1, 3):
        out = tmp_path / f"{wanted}.h5"
        lfp("convolve", source, trains, *PLAIN, "--overlaps", wanted, "-o", out)
        with h5py.File(out) as file:
            chosen = file["units/templates"][:]
            pairs = file["units/overlapping"][:]
        same = [
            (i, j) for i in range(7) for j in range(i + 1, 7) if chosen[i] // 2 == chosen[j] // 2
        ]
        assert len(same) == wanted and pairs.tolist() == [list(pair) for pair in same]
    for count, fault in ((4, "units of 'units' can be chosen"), (9, "pairs of units overlap")):
        ran = lfp(
            "convolve", source, trains, *PLAIN, "--overlaps", count, "-o", tmp_path / "o", code=2
        )
        assert fault in ran.err or "pairs of units overlap" in ran.err
    ran = lfp("convolve", source, trains, *PLAIN, "--overlaps", "x", "-o", tmp_path / "o", code=2)
    assert "write 3, or 3:0.9" in ran.err


def test_noise_has_its_spectrum_and_covariance() -> None:
    frequencies = np.array([0.0, 500.0, 2000.0, 16000.0])
    power = np.array([4e-8, 4e-8, 1e-8, 1e-9])
    covariance = np.array([[4e-4, 1e-4, 0.0], [1e-4, 1e-4, 0.0], [0.0, 0.0, 9e-4]])
    plain = NoiseStream(spectral_noise(frequencies, power, None, contacts=3, dt=DT), 3, 5)
    drawn = plain.between(0, 1 << 19)
    measured, density = processing.welch(drawn, fs=1000.0 / DT, nperseg=1024, axis=0)
    wanted = np.interp(measured, frequencies, power)
    inside = (measured > 100) & (measured < 0.9 * measured[-1])
    assert np.allclose(density[inside].mean(axis=1), wanted[inside], rtol=0.08)
    fitted = NoiseStream(spectral_noise(frequencies, power, covariance, contacts=3, dt=DT), 3, 6)
    drawn = fitted.between(0, 1 << 19)
    assert np.allclose(np.cov(drawn.T), covariance, atol=0.05 * 9e-4)


def test_wrong_spectra_and_covariances(
    lfp: Callable[..., Any],
    write_templates: Callable[..., Path],
    write_trains: Callable[..., Path],
    tmp_path: Path,
) -> None:
    sources = write_templates(), write_trains({"units": [[50.0]]})
    table, matrix = tmp_path / "s.csv", tmp_path / "c.csv"
    out = tmp_path / "o.h5"
    good = "frequency,power\n0,1e-9\n1000,1e-9\n"
    for text, numbers, fault in (
        ("frequency,power\n10,1\n5,1\n", "1", "do not ascend"),
        ("frequency,power\n10,-1\n", "1", "below zero"),
        ("frequency\n10\n", "1", "column 'power' is missing"),
        (good, "1,0\n0,1\n", "for 4 contacts"),
        (good, "x\n", "no table of numbers"),
        (good, "\n".join(["1,2,0,0", "2,1,0,0", "0,0,1,0", "0,0,0,1"]), "not symmetric, or below"),
    ):
        table.write_text(text)
        matrix.write_text(numbers)
        words = ("--noise-spectrum", table, "--noise-covariance", matrix)
        assert fault in lfp("convolve", *sources, *PLAIN, *words, "-o", out, code=3).err
        assert not out.exists()
    table.write_text(good)
    matrix.write_text(
        "\n".join(",".join("1e-4" if i == j else "0" for j in range(4)) for i in range(4))
    )
    lfp(
        "convolve",
        *sources,
        *PLAIN,
        "--noise-spectrum",
        table,
        "--noise-covariance",
        matrix,
        "-o",
        out,
    )
    with h5py.File(out) as file:
        assert file["signals/recording/data"][:].std() == pytest.approx(0.01, rel=0.1)
    ran = lfp("convolve", *sources, *PLAIN, "--noise-covariance", matrix, "-o", out, code=2)
    assert "goes with --noise-spectrum" in ran.err


def digest(path: Path) -> str:
    with h5py.File(path) as file:
        return hashlib.sha256(file["signals/recording/data"][:].tobytes()).hexdigest()


def test_threads_ranks_and_length_change_no_bit(
    write_templates: Callable[..., Path], write_trains: Callable[..., Path], tmp_path: Path
) -> None:
    rng = np.random.default_rng(9)
    members = [np.sort(rng.uniform(0, 2000, 80)).tolist() for _ in range(6)]
    templates = write_templates(contacts=70, units=12)
    trains = write_trains({"units": members}, 2000.0)
    options = ("--noise", "pink:0.01:40", "--far", "5:0.002", "--filter", "300:6000")
    extra = ("--electrode", "resistance=0.1,capacitance=1,shunt=20", "--spread", "0.1:contact")
    common = ["convolve", templates, trains, *PLAIN, *options, *extra, "--float32"]
    environment = {"OMPI_ALLOW_RUN_AS_ROOT": "1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1"}
    launcher = Path(sys.executable).parent / "mpirun"
    ways: dict[str, tuple[list[str], dict[str, str]]] = {
        "one thread": ([], {"OMP_NUM_THREADS": "1"}),
        "four threads": ([], {"OMP_NUM_THREADS": "4"}),
    }
    if launcher.exists():
        ways["two ranks"] = ([str(launcher), "--oversubscribe", "-n", "2"], environment)
    digests = {}
    for name, (before, added) in ways.items():
        folder = tmp_path / name
        folder.mkdir()
        words = [*before, sys.executable, "-m", "lfpcli", *map(str, common), "-o", "o.h5"]
        subprocess.run(
            words,
            check=True,
            capture_output=True,
            cwd=folder,
            env={**os.environ, **added},
            timeout=900,
        )
        digests[name] = hashlib.sha256((folder / "o.h5").read_bytes()).hexdigest()
    # files hold the command line, which is the same, so that whole files are
    assert len(set(digests.values())) == 1, digests
    from lfpcli.cli.main import main

    words = [*map(str, common[:-1]), "--duration", "1.3", "-o", str(tmp_path / "short.h5")]
    assert main(words) == 0
    whole = [*map(str, common[:-1]), "-o", str(tmp_path / "long.h5")]
    assert main(whole) == 0
    with h5py.File(tmp_path / "short.h5") as short, h5py.File(tmp_path / "long.h5") as long:
        # a page that the end is not in has the same samples in a longer recording
        whole_page = slice(0, recordings.PAGE)
        begin = short["signals/recording/data"][whole_page]
        assert np.array_equal(begin, long["signals/recording/data"][whole_page])

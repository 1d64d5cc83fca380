"""One truth: lfp morph, lfp sim, the library and NEURON agree on the cell of every format."""

from __future__ import annotations

import json
import warnings
from pathlib import Path

import numpy as np
import pytest
from random_asc import random_asc
from random_trees import random_swc
from test_morph_formats import BRANCH
from test_morph_neuroml import BIOPHYSICS, HEAD, cell

from lfpcli.errors import LfpWarning
from lfpcli.io.morphology import write_morphology
from lfpcli.morphology.reading import read_morphology


def measure(results, paths) -> None:
    """Sections, segments, areas, lengths and first diameters of the sections of each file."""
    import warnings

    warnings.simplefilter("ignore")
    from lfpcli import Cell
    from lfpcli.morphology.measures import (
        Segmentation,
        section_area,
        section_length,
        segment_count,
    )
    from lfpcli.runtime.morphology.reading import read_morphology

    def drawn_ends(section):
        ends = section.points[[0, -1], 3]
        return ends if section.child_x == 0 else ends[::-1]

    def ends(section):
        if section.n3d():
            return section.diam3d(0), section.diam3d(section.n3d() - 1)
        # its ends as the file has them, before it is cut anew
        return diameters[section.name()]

    for number, path in enumerate(paths):
        shape = read_morphology(path)
        rows = [
            (
                segment_count(s, Segmentation()),
                section_area(s),
                section_length(s),
                *(s.cylinders[[0, -1]] if len(s.cylinders) else drawn_ends(s)),
            )
            for s in shape.sections
        ]
        kept = Cell(path, nseg={"rule": "keep"})
        diameters = {
            str(name): (section(0).diam, section(1).diam)
            for name, section in zip(kept.names, kept.sections, strict=True)
        }
        del kept
        made = Cell(path, nseg={"rule": "d_lambda"})
        theirs = [(s.nseg, sum(x.area() for x in s), s.L, *ends(s)) for s in made.sections]
        results[f"morph{number}"], results[f"neuron{number}"] = rows, theirs
        results[f"names{number}"] = np.array([s.name for s in shape.sections])
        results[f"made{number}"] = np.array([str(name) for name in made.names])
        del made


def files(folder: Path, share: Path) -> list[str]:
    """Real and random cells of every format but hoc, which a process takes once."""
    paths = [share / "morphologies" / name for name in ("l5_pyramidal.swc", "basket.swc")]
    for seed in range(8):
        for suffix, text in (("swc", random_swc(seed)), ("asc", random_asc(seed))):
            paths.append(folder / f"{seed}.{suffix}")
            paths[-1].write_text(text)
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", LfpWarning)
                write_morphology(read_morphology(paths[-1]), folder / f"{seed}{suffix}.h5")
            paths.append(folder / f"{seed}{suffix}.h5")
    paths.append(folder / "cell.nml")
    paths[-1].write_text(f"{HEAD}{cell('c', BIOPHYSICS)}</neuroml>")
    return [str(path) for path in paths]


def compare(measured: dict[str, np.ndarray], number: int, path: str) -> None:
    morph, neuron = measured[f"morph{number}"], measured[f"neuron{number}"]
    assert measured[f"names{number}"].tolist() == measured[f"made{number}"].tolist(), path
    assert np.array_equal(morph[:, 0], neuron[:, 0]), path
    assert np.allclose(morph[:, 1:], neuron[:, 1:], rtol=1e-5), path


def test_files_are_the_same_cell_for_all(neuron_process, share, tmp_path):
    paths = files(tmp_path, share)
    measured = neuron_process(measure, paths=paths)
    for number, path in enumerate(paths):
        compare(measured, number, path)


def test_hoc_is_the_same_cell_for_all(neuron_process, tmp_path):
    (tmp_path / "cell.hoc").write_text(BRANCH + "forall { Ra = 80 cm = 0.7 }\n")
    measured = neuron_process(measure, paths=["cell.hoc"])
    compare(measured, 0, "cell.hoc")


# without points, by its far end, with a branch in its middle
REVERSED = """
create soma, near, far, twig
soma { L = 20 diam = 20 nseg = 3 }
near { L = 100 nseg = 5 diam(0:1) = 4:1 }
far { L = 50 diam = 1 }
twig { L = 30 diam = 0.5 }
connect near(0), soma(0.5)
connect far(1), near(1)
connect twig(0), far(0)
"""


def test_sections_that_hang_by_their_far_end_are_converted_whole(shell, tmp_path):
    (tmp_path / "cell.hoc").write_text(REVERSED)
    totals = {}
    for name in ("cell.hoc", "cell.swc", "cell.h5"):
        if name != "cell.hoc":
            err = shell("morph", tmp_path / "cell.hoc", "-o", tmp_path / name).err
            assert "area changes" not in err
        totals[name] = json.loads(shell("morph", tmp_path / name, "--json").out)["total"]
        assert totals[name]["sections"] == 4
        assert totals[name]["length_um"] == pytest.approx(200)
        assert totals[name]["area_um2"] == pytest.approx(totals["cell.hoc"]["area_um2"], rel=1e-4)


@pytest.mark.parametrize("name", ["l5_pyramidal.swc", "cell.asc", "cell.h5", "cell.nml"])
def test_lfp_sim_has_the_cell_of_lfp_morph(lfp, share, tmp_path, name):
    path = tmp_path / name
    if name.endswith(".asc"):
        path.write_text(random_asc(3))
    elif name.endswith(".nml"):
        path.write_text(f"{HEAD}{cell('c', BIOPHYSICS.replace('hh', 'pas'))}</neuroml>")
    elif name.endswith(".h5"):
        lfp("morph", share / "morphologies" / "basket.swc", "-o", path)
    else:
        path = share / "morphologies" / name
    facts = json.loads(lfp("morph", path, "--json").out)["total"]
    lfp("sim", path, "--passive", "--tstop", "1", "--seed", "1", "-o", tmp_path / "out.h5")
    recording = json.loads(lfp("info", tmp_path / "out.h5", "--json").out)
    (population,) = recording["populations"].values()
    for key in ("sections", "segments"):
        assert population[key] == facts[key]
    assert population["area_um2"] == pytest.approx(facts["area_um2"], rel=1e-5)


TAPER = """\
create soma, hill, dend
access soma
soma {{ L = 20 diam = 20 insert pas }}
hill {{ L = {length} nseg = {nseg} }}
hill {{ diam(0:1) = {begin}:{end} }}
dend {{ L = 300 nseg = 3 diam = 2 }}
connect hill(0), soma(0.5)
connect dend(0), soma(1)
forall {{ Ra = 150 cm = 1 }}
"""


@pytest.mark.parametrize("seed", range(4))
def test_tapers_without_points_are_the_same_for_all(neuron_process, tmp_path, seed):
    """Sections without 3-d points are cylinders, segment by segment, however they are drawn."""
    rng = np.random.default_rng(seed)
    begin, end = rng.uniform(2, 12), rng.uniform(0.5, 2)
    sizes = {"length": rng.uniform(8, 30), "nseg": 2 * seed + 1, "begin": begin, "end": end}
    (tmp_path / "cell.hoc").write_text(TAPER.format(**sizes))
    measured = neuron_process(measure, paths=["cell.hoc"])
    compare(measured, 0, "cell.hoc")


@pytest.mark.parametrize("point", ["1e9990, 0, 0, 1", "30, 0, 0, 1e9990"])
def test_points_of_hoc_that_are_no_numbers_are_refused(shell, tmp_path, point):
    path = tmp_path / "cell.hoc"
    path.write_text(f"create soma\naccess soma\npt3dadd(0, 0, 0, 10)\npt3dadd({point})\n")
    err = shell("morph", path, code=3).err
    assert f"section soma has a point or diameter that is no number [{path}]; correct" in err

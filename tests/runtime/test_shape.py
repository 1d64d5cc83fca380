"""Where sections lie, and how many segments they get: as NEURON has it, cell by cell."""

from __future__ import annotations

import numpy as np
import pytest

from lfpcli.errors import UsageError
from lfpcli.runtime.cell.sections import Discretisation


def random_trees(results) -> None:
    """Trees with and without 3-d points, beside what NEURON's define_shape makes of them."""
    from lfpcli.runtime.cell.sections import collect_geometry
    from lfpcli.runtime.neuron import nrn

    h = nrn()
    rng = np.random.default_rng(1)
    off, areas, bent = [], [], 0
    for _ in range(40):
        sections = [h.Section(name=f"s{k}") for k in range(int(rng.integers(2, 14)))]
        for k, section in enumerate(sections):
            section.L, section.nseg = float(rng.uniform(5, 50)), int(rng.integers(1, 6))
            section.diam = 2.0
            if k:
                parent = sections[int(rng.integers(0, k))]
                section.connect(parent(float(rng.choice([0, 0.3, 0.5, 0.7, 1, 1]))), 0)
            if rng.random() < 0.3:
                for point in rng.normal(size=(int(rng.integers(2, 5)), 3)) * 20:
                    h.pt3dadd(*point, 1.5, sec=section)
            elif rng.random() < 0.5:
                for segment in section:
                    segment.diam = float(rng.uniform(1, 3))
        before = [segment.area() for section in sections for segment in section]
        ours = collect_geometry(sections)
        after = [segment.area() for section in sections for segment in section]
        areas.append(before == after == ours.area.tolist())
        bent += sum(section.n3d() == 0 for section in sections)
        h.define_shape()
        theirs = collect_geometry(sections)
        off += [np.abs(ours.start - theirs.start).max(), np.abs(ours.end - theirs.end).max()]
        for section in sections:
            h.delete_section(sec=section)
    results["off"], results["areas"], results["bent"] = off, areas, bent


def test_sections_lie_where_neuron_would_lay_them_out(neuron_process) -> None:
    compared = neuron_process(random_trees)
    assert compared["bent"] > 50
    # NEURON's points have single precision
    assert compared["off"].max() < 1e-3
    assert compared["areas"].all()


def hung_by_the_end(results) -> None:
    from lfpcli.runtime.cell.shape import lines
    from lfpcli.runtime.neuron import nrn

    h = nrn()
    soma, drawn, plain = (h.Section(name=name) for name in ("soma", "drawn", "plain"))
    h.pt3dadd(0, 0, 0, 10, sec=soma)
    h.pt3dadd(10, 0, 0, 10, sec=soma)
    h.pt3dadd(50, 0, 5, 1, sec=drawn)
    h.pt3dadd(20, 0, 5, 1, sec=drawn)
    drawn.connect(soma(1), 1)
    plain.L = 30
    plain.connect(soma(0), 1)
    other = h.Section(name="other")
    results["ends"] = [line.points[[0, -1]] for line in lines([drawn, soma, plain, other])]
    results["untouched"] = drawn.x3d(0), plain.n3d()


def test_a_section_hangs_by_the_end_that_is_joined(neuron_process) -> None:
    got = neuron_process(hung_by_the_end)
    expected = [
        [[40, 0, 0], [10, 0, 0]],
        [[0, 0, 0], [10, 0, 0]],
        [[-30, 0, 0], [0, 0, 0]],
        # what hangs on nothing stands apart
        [[0, 0, 100], [100, 0, 100]],
    ]
    np.testing.assert_allclose(got["ends"], expected, atol=1e-6)
    assert got["untouched"].tolist() == [50, 0]


@pytest.mark.parametrize(
    ("rule", "counts"),
    [
        ({"rule": "allen"}, [1, 1, 3, 3, 7]),
        ({"rule": "lfpy", "max": 20.0}, [1, 1, 3, 3, 7]),
        ({"rule": "lfpy", "max": 7.0}, [1, 5, 5, 11, 17]),
        ({"rule": "length", "max": 20.0}, [1, 2, 3, 4, 7]),
        ({"rule": "fixed", "n": 4}, [4] * 5),
        ({"rule": "keep"}, [2] * 5),
    ],
)
def test_rules_for_segments(rule: dict[str, object], counts: list[int]) -> None:
    class Section:
        def __init__(self, length: float) -> None:
            self.L, self.nseg = length, 2

    sections = [Section(length) for length in (1.0, 39.9, 40.0, 79.0, 120.0)]
    Discretisation(**rule).apply(sections)
    assert [section.nseg for section in sections] == counts


def test_wrong_rules_are_told() -> None:
    with pytest.raises(UsageError, match="did you mean 'allen'"):
        Discretisation(rule="alen")
    with pytest.raises(UsageError, match="the rule 'lfpy' for segments needs 'max'"):
        Discretisation(rule="lfpy")


def test_cells_of_one_shape_share_their_places(neuron_process, share) -> None:
    def model(results, path) -> None:
        from lfpcli import Cell
        from lfpcli.morphology.reading import read_morphology
        from lfpcli.runtime.cell.sections import PlacesOfCells, collect_geometry

        morphology, places = read_morphology(path), PlacesOfCells()
        cells = [Cell(morphology, places=places, gid=k) for k in range(3)]
        lie = [places.of(cell.sections) for cell in cells]
        results["shared"] = lie[0] is lie[1] is lie[2]
        alone = Cell(morphology).geometry
        results["equal"] = [np.array_equal(cell.geometry.end, alone.end) for cell in cells]
        cells[1].sections[-1].nseg += 2
        cells[2].sections[-1].L *= 2
        results["others"] = [places.of(cell.sections) is not lie[0] for cell in cells[1:]]
        changed = collect_geometry(cells[1].sections, places=places)
        results["changed"] = len(changed) - len(alone)

    got = neuron_process(
        model,
        path=str(share / "morphologies/ball_and_sticks.swc"),
    )
    assert got["shared"]
    assert got["equal"].all()
    assert got["others"].all()
    assert got["changed"] == 2

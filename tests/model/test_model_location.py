"""Places on cells: the text form, and the segments they stand for."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest
from model_trees import network, rng
from scipy import stats

from lfpcli.errors import InputError
from lfpcli.geometry import Geometry
from lfpcli.model import Location, load_model, parse_location, resolve, section_mask

NAMES = ("soma[0]", "dend[0]", "dend[1]", "apic[0]", "apic[1]", "apic[10]")
SECTION = np.array([0, 1, 1, 1, 2, 2, 3, 3, 4, 5])
X = np.array([0.5, 1 / 6, 0.5, 5 / 6, 0.25, 0.75, 0.25, 0.75, 0.5, 0.5])
Z = np.array([0.0, -20, -40, -60, 10, 30, 20, 60, 100, 200])


def geometry(prefix: str = "") -> Geometry:
    """A cell of ten segments, their middles on the z axis."""
    middle = np.column_stack([np.zeros(10), np.zeros(10), Z])
    half = np.array([2.0, 0, 0])
    return Geometry(
        middle - half,
        middle + half,
        np.full(10, 2.0),
        area=np.arange(1.0, 11.0),
        section=SECTION,
        x=X,
        section_names=[prefix + name for name in NAMES],
    )


def location(value: Any) -> Location:
    return load_model(network(input__0__location=value)).inputs[0].location


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("soma", Location(sections=("soma",))),
        ("dend*", Location(sections=("dend*",))),
        ("apic[3]", Location(sections=("apic[3]",))),
        ("soma(0.5)", Location(section="soma", x=0.5)),
        (" apic[3] ( 1 ) ", Location(section="apic[3]", x=1.0)),
        ("#17", Location(index=17)),
        ("@1,-2.5,3e2", Location(nearest=(1.0, -2.5, 300.0))),
    ],
)
def test_text_forms(text: str, expected: Location) -> None:
    assert parse_location(text) == expected
    assert location(text) == expected


@pytest.mark.parametrize(
    "text", ["", "#", "#-1", "#1.5", "@1,2", "@1,2,3,4", "@a,b,c", "soma(", "soma()", "(0.5)",
             "soma(2)", "soma(nan)", "soma(0.5)x", "#99999999999999999999", "@inf,0,0", "a(b)"]
)  # fmt: skip
def test_other_texts_are_refused(text: str) -> None:
    with pytest.raises(InputError):
        parse_location(text)


@pytest.mark.parametrize(
    ("patterns", "sections"),
    [
        (["all"], range(6)),
        (["soma"], [0]),
        (["dend"], [1, 2]),
        (["dend[1]"], [2]),
        (["apic[1]"], [4]),
        (["apic[1*]"], [4, 5]),
        (["*[0]"], [0, 1, 3]),
        (["dend[?]", "soma"], [0, 1, 2]),
    ],
)
@pytest.mark.parametrize("prefix", ["", "Pyr[0]."])
def test_patterns_of_sections(patterns: list[str], sections: Any, prefix: str) -> None:
    mask = section_mask(geometry(prefix), patterns)
    assert sorted(set(SECTION[mask])) == list(sections)


@pytest.mark.parametrize(
    ("x", "index"), [(0.0, 1), (0.33, 1), (0.34, 2), (0.5, 2), (0.67, 3), (1.0, 3)]
)
def test_x_of_a_section_is_in_a_segment(x: float, index: int) -> None:
    found = resolve(location({"section": "dend[0]", "x": x}), geometry())
    assert found.indices.tolist() == [index]
    assert found.probabilities.tolist() == [1.0]


def test_x_follows_the_section_whatever_the_order_of_segments() -> None:
    shape = geometry()
    shape.x[1:4] = X[1:4][::-1]
    assert resolve(location("dend[0](0)"), shape).indices.tolist() == [3]


def test_index_and_nearest() -> None:
    assert resolve(location("#9"), geometry()).indices.tolist() == [9]
    assert resolve(location("@0,0,33"), geometry()).indices.tolist() == [5]
    inside = {"nearest": [0, 0, 33], "sections": ["apic"]}
    assert resolve(location(inside), geometry()).indices.tolist() == [6]


def test_chances_are_areas() -> None:
    found = resolve(location({"sections": ["dend"], "z_min": -45.0, "z_max": 10.0}), geometry())
    assert found.indices.tolist() == [1, 2, 4]
    np.testing.assert_allclose(found.probabilities, np.array([2, 3, 5]) / 10, rtol=1e-14)


def test_left_out_sections_are_all() -> None:
    found = resolve(Location(), geometry())
    np.testing.assert_allclose(found.probabilities, np.arange(1, 11) / 55, rtol=1e-14)


def test_depth_profiles_multiply_the_area() -> None:
    depth = [
        {"dist": "norm", "loc": 0.0, "scale": 50.0, "weight": 0.5},
        {"dist": "norm", "loc": 100.0, "scale": 30.0},
    ]
    found = resolve(location({"depth": depth}), geometry())
    profile = 0.5 * stats.norm.pdf(Z, 0, 50) + stats.norm.pdf(Z, 100, 30)
    expected = np.arange(1, 11) * profile
    np.testing.assert_allclose(found.probabilities, expected / expected.sum(), rtol=1e-12)


def test_draws_follow_the_chances() -> None:
    found = resolve(location({"sections": ["dend"]}), geometry())
    drawn = found.draw(rng(), 100_000)
    observed = np.bincount(drawn, minlength=10)[1:6] / 1e5
    np.testing.assert_allclose(observed, np.array([2, 3, 4, 5, 6]) / 20, atol=0.01)
    assert np.array_equal(drawn, found.draw(rng(), 100_000))


def test_segments_without_area_are_never_drawn() -> None:
    shape = geometry()
    shape.area[[0, 9]] = 0.0
    drawn = resolve(Location(), shape).draw(rng(), 10_000)
    assert not np.isin(drawn, [0, 9]).any()


def test_one_candidate_takes_no_randomness() -> None:
    generator = rng()
    before = generator.bit_generator.state
    assert resolve(location("#3"), geometry()).draw(generator, 2).tolist() == [3, 3]
    assert generator.bit_generator.state == before


def test_whole_name_of_a_section_comes_before_what_it_stands_for() -> None:
    shape = geometry()
    shape.section_names = ["soma", "dend", "dend1", *NAMES[3:]]
    assert resolve(location("dend(0.5)"), shape).indices.tolist() == [2]
    assert sorted(set(SECTION[section_mask(shape, ["dend"])])) == [1, 2]


def test_first_of_several_somata_serves() -> None:
    shape = geometry()
    shape.section_names = ["soma[0]", "soma[1]", *NAMES[2:]]
    assert resolve(location("soma(0.5)"), shape).indices.tolist() == [0]


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("apik", "there is no section 'apik' [model]; did you mean 'apic'?"),
        ({"sections": ["soma", "dend[7]"]}, "there is no section 'dend[7]'"),
        ("dend[7](0.5)", "there is no section 'dend[7]'"),
        ("apic(0.5)", "'apic' names 3 sections [model]; name one, such as apic[0]"),
        ("#10", "there is no segment 10 [model]; the cell has 10 segments, 0 to 9"),
        ({"z_min": 500.0}, "no segment of the named sections lies in z_min to z_max"),
        ({"z_min": 500.0}, "the cell's segments lie from -60 to 200 um"),
        ({"depth": [{"dist": "uniform", "loc": 300}]}, "no segment has a chance"),
        (
            {"sections": ["soma"], "depth": [{"dist": "norm", "loc": 1e5}]},
            "no segment has a chance",
        ),
    ],
)
def test_places_that_are_not_there_are_named(value: Any, expected: str) -> None:
    with pytest.raises(InputError, match=re.escape(expected)):
        resolve(location(value), geometry())


def test_errors_name_the_place_given() -> None:
    with pytest.raises(InputError) as caught:
        resolve(parse_location("#10"), geometry(), source_line="--input")
    assert caught.value.source == "--input"

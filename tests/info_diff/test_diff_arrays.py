"""Comparing arrays and texts, value by value."""

from __future__ import annotations

import numpy as np
import pytest

from lfpcli.tasks.files import differences
from lfpcli.tasks.files.differences import Tolerance, compare_arrays, compare_texts

EXACT = Tolerance(exact=True)


def wave(rows=400, columns=3):
    return np.sin(np.arange(rows * columns, dtype=float)).reshape(rows, columns)


def test_equal_arrays_have_no_difference():
    assert compare_arrays("/x", wave(), wave(), Tolerance(rtol=0)) == []
    assert compare_arrays("/x", wave(), wave(), EXACT) == []


def test_first_and_largest_difference():
    a, b = wave(), wave()
    b[7, 1] += 1e-3
    b[90, 2] -= 4e-3
    (found,) = compare_arrays("/x", a, b, Tolerance())
    assert (found.index, found.a, found.b) == ((7, 1), a[7, 1], b[7, 1])
    assert (found.count, found.size) == (2, 1200)
    assert found.largest == pytest.approx(4e-3, rel=1e-9)
    assert found.largest_index == (90, 2)
    peak = max(np.abs(a).max(), np.abs(b).max())
    assert found.relative == pytest.approx(4e-3 / peak, rel=1e-9)
    assert str(found).startswith("/x: 2 of 1200 differ; first at [7, 1]: ")


def test_blocks_give_the_same_as_the_whole(monkeypatch):
    a, b = wave(), wave()
    b[[30, 200, 399], [0, 2, 1]] += (1e-3, 5e-3, 2e-3)
    whole = compare_arrays("/x", a, b, Tolerance())
    monkeypatch.setattr(differences, "_BLOCK_BYTES", 8 * 3 * 7)
    assert compare_arrays("/x", a, b, Tolerance()) == whole
    assert whole[0].count == 3 and whole[0].largest_index == (200, 2)


def test_relative_tolerance_is_of_the_peak():
    a = np.array([1e-12, 100.0])
    b = a + 1e-9
    assert compare_arrays("/x", a, b, Tolerance(rtol=1e-10)) == []
    assert compare_arrays("/x", a, b, Tolerance(rtol=1e-12))


def test_relative_tolerance_of_each_value():
    a = np.array([1e-12, 100.0])
    b = a + 1e-9
    (found,) = compare_arrays("/x", a, b, Tolerance(rtol=1e-10, relative_to="value"))
    assert found.count == 1 and found.index == (0,)


def test_absolute_tolerance_includes_its_bound():
    a, b = np.zeros(3), np.full(3, 0.25)
    assert compare_arrays("/x", a, b, Tolerance(rtol=0, atol=0.25)) == []
    assert compare_arrays("/x", a, b, Tolerance(rtol=0, atol=0.24))


@pytest.mark.parametrize("relative_to", ["peak", "value"])
def test_non_finite_values(relative_to):
    tolerance = Tolerance(rtol=0.5, relative_to=relative_to)
    a = np.array([np.nan, np.inf, -np.inf, 1.0])
    assert compare_arrays("/x", a, a.copy(), tolerance) == []
    for place, value in ((0, 1.0), (1, -np.inf), (1, 1e308), (3, np.nan), (3, np.inf)):
        b = a.copy()
        b[place] = value
        (found,) = compare_arrays("/x", a, b, tolerance)
        assert found.index == (place,) and found.largest == np.inf


def test_whole_numbers_know_no_tolerance():
    a = np.array([10**17, 5])
    assert compare_arrays("/gid", a, a + np.array([1, 0]), Tolerance(atol=10.0))[0].index == (0,)
    assert compare_arrays("/gid", a, a.astype(np.uint64), Tolerance()) == []


def test_exact_tells_bits_and_types_apart():
    a = np.array([0.0, np.nan])
    assert compare_arrays("/x", a, -a, Tolerance(rtol=0)) == []
    assert compare_arrays("/x", a, np.array([-0.0, np.nan]), EXACT)[0].index == (0,)
    assert compare_arrays("/x", a, a.copy(), EXACT) == []
    single = a.astype(np.float32)
    assert compare_arrays("/x", a, single, Tolerance()) == []
    assert compare_arrays("/x", a, single, EXACT)[0].aspect == "type"


def test_shapes_types_and_text():
    assert compare_arrays("/x", wave(3), wave(4), Tolerance())[0].aspect == "shape"
    names = np.array(["a", "b"], dtype=object)
    assert compare_arrays("/x", names, names.copy(), Tolerance()) == []
    found = compare_arrays("/x", names, np.array(["a", "c"], dtype=object), Tolerance())
    assert found[0].index == (1,) and found[0].largest is None
    assert compare_arrays("/x", names, np.zeros(2), Tolerance())[0].aspect == "type"


def test_fields_of_records_are_compared_one_by_one():
    a = np.array([(1, 0.5), (2, 0.5)], dtype=[("id", int), ("v", float)])
    b = a.copy()
    b["v"][1] = 0.7
    assert [d.path for d in compare_arrays("/x", a, b, Tolerance())] == ["/x.v"]


def test_complex_numbers():
    a = np.array([1 + 1j, 2.0])
    (found,) = compare_arrays("/x", a, a + np.array([0, 1e-3j]), Tolerance())
    assert found.largest == pytest.approx(1e-3, rel=1e-9)


def test_texts_compare_numbers_as_numbers():
    a = ["# one", "1 1 0.0 10.0 2.5 1.0 -1", "", "2 3 0 20 5 1 1"]
    b = ["1, 1, 0, 10, 2.50, 1, -1", "2 3 1e-12 20 5 1 1"]
    assert compare_texts(a, b, Tolerance(atol=1e-9)) == ([], 2)
    found, _ = compare_texts(a, b, Tolerance())
    assert [str(d) for d in found] == ["line 4, word 3: 1 of 2 differ; first: 0 in A, 1e-12 in B"]


def test_texts_scale_by_the_peak_of_the_column():
    a = ["1000 1e-3", "2000 2e-3"]
    b = ["1000 1e-3", "2000 2.1e-3"]
    assert compare_texts(a, b, Tolerance(rtol=0.06)) == ([], 2)
    assert compare_texts(a, b, Tolerance(rtol=0.04))[0][0].path == "line 2, word 2"


def test_texts_of_different_length_and_words():
    found, count = compare_texts(["1 soma", "2"], ["1 dend", "2", "3"], Tolerance())
    assert [d.aspect for d in found] == ["number", "values"] and count == 3
    assert compare_texts(["1", "2 3"], ["1", "2"], Tolerance())[0][0].b == "nothing"


def test_exact_texts_are_lines():
    assert compare_texts(["1 2"], ["1  2"], Tolerance()) == ([], 1)
    assert compare_texts(["1 2"], ["1  2"], EXACT)[0]

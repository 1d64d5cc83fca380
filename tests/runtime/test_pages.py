"""Advice to the system about memory, which must never change what is in it."""

from __future__ import annotations

import numpy as np
import pytest

from lfpcli.runtime.engine.pages import gather_pages


@pytest.mark.parametrize("rows, columns", [(1, 10), (3000, 500)])
def test_what_is_in_memory_stays(rows: int, columns: int) -> None:
    block = np.random.default_rng(1).normal(size=(rows, columns))
    before = block.copy()
    places = block.ctypes.data + np.arange(rows, dtype=np.uintp) * np.uintp(block.strides[0])
    gather_pages(places, block.strides[0])
    np.testing.assert_array_equal(block, before)


def test_blocks_far_apart_are_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(name: object) -> None:
        raise AssertionError("asked the system")

    monkeypatch.setattr("ctypes.CDLL", refuse)
    monkeypatch.setattr("sys.platform", "linux")
    near = np.arange(3000, dtype=np.uintp) * np.uintp(8000) + np.uintp(1 << 40)
    with pytest.raises(AssertionError, match="asked the system"):
        gather_pages(near, 8000)
    gather_pages(near * np.uintp(3), 8000)

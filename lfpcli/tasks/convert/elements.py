"""Which segments of a cell the columns of a report are."""

from __future__ import annotations

import numpy as np

from lfpcli.geometry import Geometry

_EDGE = 1e-6


class ElementError(ValueError):
    """Why the columns of a report are no segments of a cell."""


def segments_of(
    shape: Geometry, element_ids: np.ndarray, element_pos: np.ndarray | None
) -> np.ndarray:
    """The segment of each column of a cell, from the section and the place that it has.

    Parameters
    ----------
    shape : Geometry
        The cell alone.
    element_ids : ndarray of int, shape (C,)
        Number of the section of each column, in the order of the cell's sections.
    element_pos : ndarray, shape (C,), or None
        Place along the section, 0 to 1. Where there is none, as in reports of neurodamus, the
        columns of a section are its segments in their order.

    Returns
    -------
    ndarray of int, shape (C,)

    Raises
    ------
    ElementError
        Where a section is not there or has another number of segments.
    """
    counts = np.bincount(shape.section)
    if element_pos is None:
        return _in_order(shape, element_ids, counts)
    wrong = np.flatnonzero((element_ids < 0) | (element_ids >= len(counts)))
    if len(wrong):
        raise ElementError(
            f"section {element_ids[wrong[0]]} is reported, the cell has {len(counts)} sections"
        )
    first = np.zeros(len(counts), np.int64)
    # segments of a section lie one after the other
    starts, at = np.unique(shape.section, return_index=True)
    first[starts] = at
    size = counts[element_ids]
    inner = np.clip((element_pos * size - _EDGE).astype(np.int64), 0, size - 1)
    segments = first[element_ids] + inner
    chosen, times = np.unique(segments, return_counts=True)
    if np.any(times > 1):
        raise ElementError(
            f"several columns lie in {shape.segment_label(int(chosen[np.argmax(times)]))}"
        )
    return np.asarray(segments)


def _in_order(shape: Geometry, element_ids: np.ndarray, counts: np.ndarray) -> np.ndarray:
    ids, reported = np.unique(element_ids, return_counts=True)
    order = np.argsort(element_ids, kind="stable")
    segments = np.empty(len(element_ids), np.int64)
    if len(element_ids) == len(shape) and np.array_equal(reported, counts):
        # the whole cell; ids may have gaps where an axon was cut after sections were counted
        segments[order] = np.arange(len(shape))
        return segments
    if np.array_equal(element_ids, [0]):
        middle = np.flatnonzero(shape.section == 0)
        return middle[[len(middle) // 2]]
    for section, count in zip(ids.tolist(), reported.tolist(), strict=True):
        there = int(counts[section]) if 0 <= section < len(counts) else 0
        if count != there:
            raise ElementError(f"section {section} has {count} columns and {there} segments")
        columns = np.flatnonzero(element_ids == section)
        segments[columns] = np.flatnonzero(shape.section == section)
    return segments

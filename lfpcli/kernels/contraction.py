"""Samples of currents times the transfer matrices of cells, added up over the cells."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from lfpcli.errors import UsageError
from lfpcli.kernels import _contract
from lfpcli.kernels.threads import threads_for

PANEL = _contract.PANEL
# products that take as long as the potential of a pair of contact and segment
_PRODUCTS_OF_PAIR = 16


@dataclass(frozen=True, kw_only=True)
class PackedMatrices:
    """Transfer matrices of cells as the kernel takes them; see `packed`.

    Attributes
    ----------
    columns, widths, groups : ndarray of intp, shape (cells,)
        First column and number of columns of each cell, and which sum it is part of.
    panels : ndarray, 1-d
        The matrices (width, C) one after the other, each cut into panels (width, PANEL) of
        channels, the last one filled up with zeros.
    channels : int
        C.
    """

    columns: np.ndarray
    widths: np.ndarray
    groups: np.ndarray
    panels: np.ndarray
    channels: int


def packed(
    matrices: Sequence[np.ndarray],
    *,
    columns: np.ndarray,
    groups: np.ndarray,
    channels: int,
) -> PackedMatrices:
    """Pack the transfer matrices of cells.

    Parameters
    ----------
    matrices : sequence of ndarray, shape (width, C)
        Per cell, what each of its columns contributes to C channels.
    columns : ndarray of int, shape (cells,)
        First column of each cell among the samples.
    groups : ndarray of int, shape (cells,)
        Which sum each cell is part of.
    channels : int
        C.

    Raises
    ------
    UsageError
        Where shapes do not go together.
    """
    if not len(matrices) == len(columns) == len(groups):
        raise UsageError(
            f"{len(matrices)} matrices, {len(columns)} columns and {len(groups)} groups of cells"
        )
    for matrix in matrices:
        if matrix.ndim != 2 or matrix.shape[1] != channels:
            raise UsageError(f"matrix has shape {matrix.shape}, expected (columns, {channels})")
    return PackedMatrices(
        columns=np.ascontiguousarray(columns, dtype=np.intp),
        widths=np.array([len(matrix) for matrix in matrices], dtype=np.intp),
        groups=np.ascontiguousarray(groups, dtype=np.intp),
        panels=np.concatenate([np.empty(0), *map(_panels, matrices)]),
        channels=channels,
    )


def _panels(matrix: np.ndarray) -> np.ndarray:
    """The columns of a matrix (N, C) in panels, one after the other, filled up with zeros."""
    count, channels = matrix.shape
    panels = -(-channels // PANEL)
    filled = np.zeros((count, panels * PANEL))
    filled[:, :channels] = matrix
    return np.asarray(filled.reshape(count, panels, PANEL).swapaxes(0, 1).ravel())


def contract(
    samples: np.ndarray,
    matrices: PackedMatrices,
    bounds: np.ndarray,
    parts: np.ndarray,
    *,
    threads: int | None = None,
) -> bool:
    """Add what cells contribute to the samples of signals; the bits depend on no other cell.

    Parameters
    ----------
    samples : ndarray of float64, shape (n, N)
        Currents or dipole moments, in any layout.
    matrices : PackedMatrices
        What each column contributes.
    bounds : ndarray, shape (3, C)
        What cuts each channel in two places, and its limit; see `forward.sums`.
    parts : ndarray of float64, shape (groups, 2, n, C), contiguous
        The sums, in the units of the signal; they are added to.
    threads : int, optional
        How many share the samples; as many as are worth it where left out.

    Returns
    -------
    bool
        Whether all contributions lie within their limits; if not, the sums are of no use.

    Raises
    ------
    UsageError
        Where shapes or types do not go together.
    """
    rows, channels = len(samples), matrices.channels
    if samples.ndim != 2 or samples.dtype != np.float64:
        raise UsageError(f"samples are {samples.dtype} of shape {samples.shape}")
    if parts.ndim != 4 or parts.shape[1:] != (2, rows, channels):
        raise UsageError(f"sums have shape {parts.shape}, expected (groups, 2, {rows}, {channels})")
    if parts.dtype != np.float64 or not parts.flags.c_contiguous:
        raise UsageError(f"sums are {parts.dtype}, or not contiguous")
    if bounds.shape != (3, channels):
        raise UsageError(f"bounds have shape {bounds.shape}, expected (3, {channels})")
    if threads is None:
        threads = threads_for(rows * len(matrices.panels) // _PRODUCTS_OF_PAIR)
    try:
        return _contract.contract(
            currents=samples,
            columns=matrices.columns,
            widths=matrices.widths,
            groups=matrices.groups,
            panels=matrices.panels,
            bounds=np.ascontiguousarray(bounds, dtype=np.float64),
            parts=parts,
            threads=threads,
        )
    except IndexError as error:
        raise UsageError(f"samples of shape {samples.shape}: {error}") from error

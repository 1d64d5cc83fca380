"""Currents of cells contracted with their transfer matrices, and added up over the cells."""

from cython.parallel cimport prange

from libc.stdint cimport int64_t


cdef extern from "contract.h" nogil:
    const int LFP_TILE_ROWS
    const int LFP_PANEL
    int lfp_use_level(int wanted)
    void lfp_contract_tile(const double *x, Py_ssize_t row, Py_ssize_t column, Py_ssize_t width,
                           const double *panel, double *out)
    void lfp_add_rows(const double *values, Py_ssize_t rows, Py_ssize_t channels,
                      const double *high, const double *low, const double *limit, double *above,
                      double *below, Py_ssize_t stride, int64_t *count)

cdef enum:
    BLOCK_ROWS = 64
    # a block of panels, and room behind it for what is left of the tile of the last row
    BLOCK_VALUES = 64 * 8 + 3 * 8

PANEL = LFP_PANEL


def use_level(int wanted):
    """Use the vector instructions of a level at most: 0 baseline, 1 AVX2, 2 AVX-512."""
    return lfp_use_level(wanted)


cdef void products(
    const double *block, Py_ssize_t rows, Py_ssize_t down, Py_ssize_t along, Py_ssize_t width,
    const double *panel, double *values
) noexcept nogil:
    """Products of a block of samples with one panel of channels."""
    cdef Py_ssize_t tile, row, tiles = rows // LFP_TILE_ROWS
    for tile in range(tiles):
        row = tile * LFP_TILE_ROWS
        lfp_contract_tile(block + row * down, down, along, width, panel, values + row * LFP_PANEL)
    # the rest one by one, as tiles of four times the same row
    for row in range(tiles * LFP_TILE_ROWS, rows):
        lfp_contract_tile(block + row * down, 0, along, width, panel, values + row * LFP_PANEL)


cdef int64_t add_block(
    const double[:, :] currents, const Py_ssize_t[::1] columns, const Py_ssize_t[::1] widths,
    const Py_ssize_t[::1] groups, const double[::1] panels, const double[:, ::1] bounds,
    double[:, :, :, ::1] parts, Py_ssize_t first
) noexcept nogil:
    """Add what all cells contribute to a block of samples; counts values beyond their limit."""
    cdef Py_ssize_t rows = min(<Py_ssize_t>BLOCK_ROWS, currents.shape[0] - first)
    cdef Py_ssize_t down = currents.strides[0] // <Py_ssize_t>sizeof(double)
    cdef Py_ssize_t along = currents.strides[1] // <Py_ssize_t>sizeof(double)
    cdef Py_ssize_t cell, place = 0, padded = panels_of(parts.shape[3]) * LFP_PANEL
    cdef int64_t beyond = 0
    for cell in range(columns.shape[0]):
        if widths[cell] > 0 and padded > 0:
            add_cell(
                &currents[first, columns[cell]], rows, down, along, widths[cell], &panels[place],
                bounds, parts[groups[cell], 0], parts[groups[cell], 1], first, &beyond
            )
        place += widths[cell] * padded
    return beyond


cdef Py_ssize_t panels_of(Py_ssize_t channels) noexcept nogil:
    return (channels + LFP_PANEL - 1) // LFP_PANEL


cdef void add_cell(
    const double *block, Py_ssize_t rows, Py_ssize_t down, Py_ssize_t along, Py_ssize_t width,
    const double *panels, const double[:, ::1] bounds, double[:, ::1] above,
    double[:, ::1] below, Py_ssize_t first, int64_t *beyond
) noexcept nogil:
    """Add what one cell contributes to a block of samples that begins at row `first`."""
    cdef double values[BLOCK_VALUES]
    cdef Py_ssize_t panel, channel, channels = above.shape[1]
    for panel in range(panels_of(channels)):
        channel = panel * LFP_PANEL
        products(block, rows, down, along, width, panels + channel * width, values)
        lfp_add_rows(
            values, rows, min(<Py_ssize_t>LFP_PANEL, channels - channel), &bounds[0, channel],
            &bounds[1, channel], &bounds[2, channel], &above[first, channel],
            &below[first, channel], channels, beyond
        )


def contract(
    const double[:, :] currents, const Py_ssize_t[::1] columns, const Py_ssize_t[::1] widths,
    const Py_ssize_t[::1] groups, const double[::1] panels, const double[:, ::1] bounds,
    double[:, :, :, ::1] parts, int threads
):
    """Add what cells contribute to the samples of signals; the bits depend on no other cell.

    Parameters
    ----------
    currents : ndarray, shape (n, N)
        Samples of currents, in any layout.
    columns, widths, groups : ndarray of intp, shape (cells,)
        First column and number of columns of each cell, and which sum it is part of.
    panels : ndarray
        The matrices (width, C) of the cells one after the other, each cut into panels
        (width, PANEL) of channels, the last one filled up with zeros.
    bounds : ndarray, shape (3, C)
        What cuts each channel in two places, and its limit; see `forward.sums`.
    parts : ndarray, shape (groups, 2, n, C)
        The sums.
    threads : int
        How many share the samples.

    Returns
    -------
    bool
        Whether all contributions lie within their limits; if not, the sums are of no use.
    """
    cdef Py_ssize_t block, cell, place = 0, padded = panels_of(parts.shape[3]) * LFP_PANEL
    cdef int64_t beyond = 0
    if (
        not columns.shape[0] == widths.shape[0] == groups.shape[0]
        or parts.shape[1] != 2 or parts.shape[2] != currents.shape[0]
        or bounds.shape[0] != 3 or bounds.shape[1] != parts.shape[3]
    ):
        raise IndexError("shapes do not fit together")
    for cell in range(columns.shape[0]):
        if (
            columns[cell] < 0 or widths[cell] < 0 or groups[cell] < 0
            or columns[cell] + widths[cell] > currents.shape[1]
            or groups[cell] >= parts.shape[0]
        ):
            raise IndexError("a cell lies beyond the currents or the sums")
        place += widths[cell] * padded
    if place != panels.shape[0]:
        raise IndexError("panels do not fit the cells")
    for block in prange(
        (currents.shape[0] + BLOCK_ROWS - 1) // BLOCK_ROWS, nogil=True, schedule="static",
        num_threads=threads
    ):
        beyond += add_block(currents, columns, widths, groups, panels, bounds, parts,
                            block * BLOCK_ROWS)
    return beyond == 0

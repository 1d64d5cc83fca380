"""Tiles of a transfer matrix: contacts in parallel, segments in vector lanes."""

from cython.parallel cimport prange

from libc.string cimport memset


cdef extern from "potentials.h" nogil:
    const int LFP_TILE
    const int LFP_LINE_ROWS
    const int LFP_RADIUS2
    const int LFP_POINT_ROWS
    int lfp_max_threads()
    int lfp_use_level(int wanted)
    void lfp_line(const double *table, double px, double py, double pz, double weight,
                  double *total)
    void lfp_point(const double *table, double px, double py, double pz, double weight,
                   double *total)
    void lfp_distance2(const double *table, double px, double py, double pz, double *distance2)

ctypedef fused real:
    float
    double

ctypedef const double[:, ::1] matrix_t
ctypedef const double[:, :, ::1] tensor_t

cdef enum:
    BLOCK_ROWS = 8
    BLOCK_TILES = 16

TILE = LFP_TILE
LINE_ROWS = LFP_LINE_ROWS
POINT_ROWS = LFP_POINT_ROWS


def use_level(int wanted):
    """Use the vector instructions of a level at most: 0 baseline, 1 AVX2, 2 AVX-512."""
    return lfp_use_level(wanted)


def max_threads():
    """Threads that OpenMP would start; 1 in a build without it."""
    return lfp_max_threads()


cdef int fill_tile(
    tensor_t tiles, tensor_t points, matrix_t weights, real[:, ::1] out, Py_ssize_t row,
    Py_ssize_t tile, bint line,
) except -1 nogil:
    """Weighted sum over the points of one row, for one tile of segments."""
    cdef double total[LFP_TILE]
    cdef Py_ssize_t scale = tiles.shape[1] - 1, first = tile * LFP_TILE, k
    cdef const double *table = &tiles[tile, 0, 0]
    memset(total, 0, sizeof(total))
    for k in range(points.shape[1]):
        if weights[row, k] == 0:
            continue
        if line:
            lfp_line(table, points[row, k, 0], points[row, k, 1], points[row, k, 2],
                     weights[row, k], total)
        else:
            lfp_point(table, points[row, k, 0], points[row, k, 1], points[row, k, 2],
                      weights[row, k], total)
    for k in range(min(<Py_ssize_t>LFP_TILE, out.shape[1] - first)):
        out[row, first + k] = <real>(tiles[tile, scale, k] * total[k])
    return 0


cdef int fill_block(
    tensor_t tiles, tensor_t points, matrix_t weights, real[:, ::1] out, Py_ssize_t row,
    Py_ssize_t tile, bint line,
) except -1 nogil:
    """A few rows, so that a tile stays in cache, by a few tiles, so that rows are written on."""
    cdef Py_ssize_t j, i
    for j in range(tile, min(tile + BLOCK_TILES, tiles.shape[0])):
        for i in range(row, min(row + BLOCK_ROWS, points.shape[0])):
            fill_tile(tiles, points, weights, out, i, j, line)
    return 0


def fill(
    tensor_t tiles, tensor_t points, matrix_t weights, real[:, ::1] out, bint line, int threads
):
    """Fill `out` (C, N) with the potentials at C rows of weighted points; see `potentials`."""
    cdef Py_ssize_t down = (points.shape[0] + BLOCK_ROWS - 1) // BLOCK_ROWS
    cdef Py_ssize_t across = (tiles.shape[0] + BLOCK_TILES - 1) // BLOCK_TILES, task
    for task in prange(
        down * across, nogil=True, schedule="dynamic", chunksize=1, num_threads=threads
    ):
        fill_block(tiles, points, weights, out, task // across * BLOCK_ROWS,
                   task % across * BLOCK_TILES, line)


cdef int look_in_tile(
    tensor_t tiles, matrix_t points, Py_ssize_t row, Py_ssize_t tile, unsigned char[:, ::1] found
) except -1 nogil:
    """Set `found` where a segment of the tile is nearer to the point than its radius."""
    cdef double distance2[LFP_TILE]
    cdef Py_ssize_t k
    cdef int count = 0
    lfp_distance2(&tiles[tile, 0, 0], points[row, 0], points[row, 1], points[row, 2], distance2)
    for k in range(LFP_TILE):
        count += distance2[k] < tiles[tile, LFP_RADIUS2, k]
    found[row, tile] = count > 0
    return 0


def near_tiles(tensor_t tiles, matrix_t points, unsigned char[:, ::1] found, int threads):
    """Mark in `found` (P, tiles) the tiles with a segment nearer to the point than its radius."""
    cdef Py_ssize_t rows = points.shape[0], task
    for task in prange(
        rows * tiles.shape[0], nogil=True, schedule="dynamic", chunksize=8, num_threads=threads
    ):
        look_in_tile(tiles, points, task % rows, task // rows, found)

"""Tiles of a transfer matrix: contacts in parallel, segments in vector lanes."""

from cython.parallel cimport prange

from libc.string cimport memset


cdef extern from "potentials.h" nogil:
    const int LFP_TILE
    const int LFP_ALONG
    const int LFP_START
    const int LFP_INVERSE
    const int LFP_RADIUS2
    const int LFP_LINE_ROWS
    const int LFP_POINT_ROWS
    int lfp_max_threads()
    int lfp_use_level(int wanted)
    void lfp_line_tile(const double *start, const double *end, const double *radius,
                       Py_ssize_t count, const double *stretch, double *tile)
    void lfp_point_tile(const double *start, const double *end, const double *radius,
                        Py_ssize_t count, const double *stretch, double *tile)
    void lfp_line(const double *table, double px, double py, double pz, double weight,
                  double *part)
    void lfp_point(const double *table, double px, double py, double pz, double weight,
                   double *part)
    void lfp_add(const double *part, double *total)
    void lfp_distance2(const double *table, double px, double py, double pz, double *distance2)

ctypedef fused real:
    float
    double

ctypedef const double[::1] vector_t
ctypedef const double[:, ::1] matrix_t
ctypedef const double[:, :, ::1] tensor_t

# rows that share a tile while it is in cache, and the blocks that every thread gets at least
cdef enum:
    BLOCK_ROWS = 16
    BLOCKS_PER_THREAD = 6

TILE = LFP_TILE
LINE_ROWS = LFP_LINE_ROWS
POINT_ROWS = LFP_POINT_ROWS
ALONG = LFP_ALONG
START = LFP_START
INVERSE = LFP_INVERSE
RADIUS2 = LFP_RADIUS2


def use_level(int wanted):
    """Use the vector instructions of a level at most: 0 baseline, 1 AVX2, 2 AVX-512."""
    return lfp_use_level(wanted)


def max_threads():
    """Threads that OpenMP would start; 1 in a build without it."""
    return lfp_max_threads()


cdef int make_tile(
    matrix_t start, matrix_t end, vector_t radius, vector_t stretch, double[:, :, ::1] tiles,
    Py_ssize_t tile,
) except -1 nogil:
    cdef Py_ssize_t first = tile * LFP_TILE
    cdef Py_ssize_t count = min(<Py_ssize_t>LFP_TILE, radius.shape[0] - first)
    if tiles.shape[1] == LFP_LINE_ROWS:
        lfp_line_tile(&start[first, 0], &end[first, 0], &radius[first], count, &stretch[0],
                      &tiles[tile, 0, 0])
    else:
        lfp_point_tile(&start[first, 0], &end[first, 0], &radius[first], count, &stretch[0],
                       &tiles[tile, 0, 0])
    return 0


def make(
    matrix_t start, matrix_t end, vector_t radius, vector_t stretch, double[:, :, ::1] tiles,
    int threads,
):
    """Fill `tiles` (T, rows, TILE) with lines, or points in the middle, by the number of rows."""
    cdef Py_ssize_t task
    for task in prange(tiles.shape[0], nogil=True, schedule="static", num_threads=threads):
        make_tile(start, end, radius, stretch, tiles, task)


cdef void sum_points(
    const double *tile, const double *points, const double *weights, Py_ssize_t count, bint line,
    double *total,
) noexcept nogil:
    """Weighted sum over the points of one row, for one tile of segments."""
    cdef double part[LFP_TILE]
    cdef double *here = total
    cdef Py_ssize_t k
    for k in range(count):
        if weights[k] == 0:
            continue
        if line:
            lfp_line(tile, points[3 * k], points[3 * k + 1], points[3 * k + 2], weights[k], here)
        else:
            lfp_point(tile, points[3 * k], points[3 * k + 1], points[3 * k + 2], weights[k], here)
        if here is not total:
            lfp_add(part, total)
        here = part
    if here is total:
        memset(total, 0, LFP_TILE * sizeof(double))


cdef int fill_block(
    tensor_t tiles, tensor_t points, matrix_t weights, real[:, ::1] out, Py_ssize_t row,
    Py_ssize_t tile, Py_ssize_t end, bint line,
) except -1 nogil:
    """A few rows of some tiles; summed where they stay, if a tile is whole and in double."""
    cdef double total[LFP_TILE]
    cdef Py_ssize_t j, i, k, first, count = weights.shape[1]
    for j in range(tile, min(end, tiles.shape[0])):
        first = j * LFP_TILE
        for i in range(row, min(row + BLOCK_ROWS, points.shape[0])):
            if real is double and first + LFP_TILE <= out.shape[1]:
                sum_points(&tiles[j, 0, 0], &points[i, 0, 0], &weights[i, 0], count, line,
                           &out[i, first])
                continue
            sum_points(&tiles[j, 0, 0], &points[i, 0, 0], &weights[i, 0], count, line, total)
            for k in range(min(<Py_ssize_t>LFP_TILE, out.shape[1] - first)):
                out[i, first + k] = <real>total[k]
    return 0


def fill(
    tensor_t tiles, tensor_t points, matrix_t weights, real[:, ::1] out, bint line, int threads
):
    """Fill `out` (C, N) with the potentials at C rows of weighted points; see `potentials`.

    Blocks are as long as the rows where that leaves enough of them, and threads begin far from
    each other, so that no two of them are the first to write on the same large page of memory.
    """
    cdef Py_ssize_t down = (points.shape[0] + BLOCK_ROWS - 1) // BLOCK_ROWS
    cdef Py_ssize_t across = (BLOCKS_PER_THREAD * threads + down - 1) // down
    cdef Py_ssize_t length = max(1, (tiles.shape[0] + across - 1) // across), task, block, share
    across = (tiles.shape[0] + length - 1) // length
    share = (down * across + threads - 1) // threads
    for task in prange(
        share * threads, nogil=True, schedule="dynamic", chunksize=1, num_threads=threads
    ):
        block = task % threads * share + task // threads
        if block < down * across:
            fill_block(tiles, points, weights, out, block // across * BLOCK_ROWS,
                       block % across * length, (block % across + 1) * length, line)


def within(matrix_t start, matrix_t end, vector_t radius, vector_t low, vector_t high,
           unsigned char[::1] found):
    """Mark in `found` (N,) the segments that come nearer than the radius to a box."""
    cdef Py_ssize_t i, k
    for i in range(radius.shape[0]):
        found[i] = 1
        for k in range(3):
            if (
                max(start[i, k], end[i, k]) + radius[i] < low[k]
                or min(start[i, k], end[i, k]) - radius[i] > high[k]
            ):
                found[i] = 0
                break


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

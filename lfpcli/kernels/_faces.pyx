"""Mean potentials over flat faces, pair by pair; `lfpcli.kernels.faces` checks for it."""

from cython.parallel cimport prange


cdef extern from "faces.h" nogil:
    ctypedef struct lfp_source:
        pass
    ctypedef struct lfp_face:
        pass
    void lfp_set_source(lfp_source *source, const double *start, const double *end, double radius,
                        const double *stretch)
    void lfp_set_face(lfp_face *face, const double *centre, const double *first,
                      const double *second, int shape)
    double lfp_face_mean(const lfp_face *face, const lfp_source *source)

ctypedef const double[:, ::1] matrix_t


cdef double mean_of_pair(
    matrix_t start, matrix_t end, const double *radius, matrix_t centre, matrix_t first,
    matrix_t second, const double *stretch, int shape, Py_ssize_t row, Py_ssize_t column
) noexcept nogil:
    cdef lfp_source source
    cdef lfp_face face
    lfp_set_source(&source, &start[column, 0], &end[column, 0], radius[column], stretch)
    lfp_set_face(&face, &centre[row, 0], &first[row, 0], &second[row, 0], shape)
    return lfp_face_mean(&face, &source)


def means(
    matrix_t start, matrix_t end, const double[::1] radius, matrix_t centre, matrix_t first,
    matrix_t second, const double[::1] stretch, int shape, const Py_ssize_t[::1] rows,
    const Py_ssize_t[::1] columns, double[::1] out, int threads
):
    """Fill `out` (K,) with the mean over face `rows[k]` of the potential of segment `columns[k]`."""
    cdef Py_ssize_t k
    for k in prange(
        rows.shape[0], nogil=True, schedule="dynamic", chunksize=4, num_threads=threads
    ):
        out[k] = mean_of_pair(start, end, &radius[0], centre, first, second, &stretch[0], shape,
                              rows[k], columns[k])

"""Waveforms added to a signal wherever a spike is."""

from cython.parallel cimport prange

from libc.stdint cimport int64_t


cdef enum:
    # channels that a thread adds at a time: whole lines of the cache
    PANEL = 64


cdef void add_panel(
    double[:, ::1] signal, const float[:, :, ::1] waveforms, const int64_t[::1] rows,
    const int64_t[::1] begins, const double[:, ::1] gains, Py_ssize_t low, Py_ssize_t high
) noexcept nogil:
    """Add all waveforms to channels from `low` to below `high`."""
    cdef Py_ssize_t event, sample, first, last, channel, column
    cdef Py_ssize_t length = waveforms.shape[1], samples = signal.shape[0]
    cdef bint each = gains.shape[1] > 1
    cdef double gain
    cdef double *target
    cdef const float *source
    cdef const double *factors
    for event in range(rows.shape[0]):
        first = max(<Py_ssize_t>0, <Py_ssize_t>-begins[event])
        last = min(length, samples - <Py_ssize_t>begins[event])
        gain = gains[event, 0]
        factors = &gains[event, 0]
        for sample in range(first, last):
            target = &signal[begins[event] + sample, 0]
            source = &waveforms[rows[event], sample, 0]
            if each:
                for channel in range(low, high):
                    target[channel] += factors[channel] * source[channel]
            else:
                for channel in range(low, high):
                    target[channel] += gain * source[channel]


def add_waveforms(
    double[:, ::1] signal, const float[:, :, ::1] waveforms, const int64_t[::1] rows,
    const int64_t[::1] begins, const double[:, ::1] gains, int threads
):
    """Add waveforms (L, C) to a signal (T, C); `lfpcli.kernels.convolution` checks for it."""
    cdef Py_ssize_t panel, channels = signal.shape[1]
    cdef Py_ssize_t panels = (channels + PANEL - 1) // PANEL
    if signal.shape[0] == 0 or rows.shape[0] == 0:
        return
    for panel in prange(panels, nogil=True, schedule="static", num_threads=threads):
        add_panel(signal, waveforms, rows, begins, gains, panel * PANEL,
                  min(channels, (panel + 1) * PANEL))

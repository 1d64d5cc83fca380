: A sinusoidal current, whose frequency may go from one value to another (a chirp).
NEURON {
    POINT_PROCESS SineClamp
    ELECTRODE_CURRENT i
    RANGE amp, offset, freq, freq_end, phase, delay, dur, i
    THREADSAFE
}
UNITS {
    (nA) = (nanoamp)
    PI = (pi) (1)
}
PARAMETER {
    amp = 0 (nA)
    offset = 0 (nA)
    freq = 10 (hertz)
    : below zero: as freq
    freq_end = -1 (hertz)
    : of the sine at its begin
    phase = 0 (degree)
    delay = 0 (ms)
    dur = 1e9 (ms)
}
ASSIGNED {
    i (nA)
}
BREAKPOINT {
    i = current(t - delay)
}
FUNCTION current(s (ms)) (nA) {
    LOCAL sweep
    if (s < 0 || s >= dur) {
        current = 0
    } else {
        sweep = 0
        if (freq_end >= 0) {
            : the phase is the integral of a frequency that changes linearly
            sweep = 0.5 * (freq_end - freq) * s / dur
        }
        current = offset + amp * sin(2 * PI * (freq + sweep) * s * 0.001 + PI * phase / 180)
    }
}

: A voltage clamp with one electrode that holds one potential for a while, and is away otherwise.
NEURON {
    POINT_PROCESS DelayedSEClamp
    ELECTRODE_CURRENT i
    RANGE amp, delay, dur, rs, i
    THREADSAFE
}
UNITS {
    (nA) = (nanoamp)
    (mV) = (millivolt)
}
PARAMETER {
    amp = 0 (mV)
    delay = 0 (ms)
    dur = 0 (ms)
    rs = 1 (megohm) <1e-9, 1e30>
}
ASSIGNED {
    v (mV)
    i (nA)
}
BREAKPOINT {
    if (t >= delay && t < delay + dur) {
        i = (amp - v) / rs
    } else {
        i = 0
    }
}

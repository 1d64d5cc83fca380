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
    on
}
INITIAL {
    on = 0
}
BREAKPOINT {
    : behind the step, so that i is that of the potential it has led to
    SOLVE current METHOD after_cvode
    on = t >= delay && t < delay + dur
    current()
}
PROCEDURE current() {
    if (on) {
        i = (amp - v) / rs
    } else {
        i = 0
    }
}

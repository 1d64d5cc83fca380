: A resistor to a fixed potential, given in time, whose current counts as one through the membrane.
NEURON {
    POINT_PROCESS ResistorClamp
    NONSPECIFIC_CURRENT i
    RANGE rs, e, until, i
    THREADSAFE
}
UNITS {
    (nA) = (nanoamp)
    (mV) = (millivolt)
}
PARAMETER {
    rs = 1e9 (megohm) <1e-9, 1e9>
    e = 0 (mV)
    until = 1e9 (ms)
}
ASSIGNED {
    v (mV)
    i (nA)
}
BREAKPOINT {
    i = 0
    if (t < until) { i = (v - e) / rs }
}

: A conductance that is given in time.
NEURON {
    POINT_PROCESS GClamp
    NONSPECIFIC_CURRENT i
    RANGE g, e, i
    THREADSAFE
}
UNITS {
    (nA) = (nanoamp)
    (mV) = (millivolt)
    (uS) = (microsiemens)
}
PARAMETER {
    g = 0 (uS)
    e = 0 (mV)
}
ASSIGNED {
    v (mV)
    i (nA)
}
BREAKPOINT {
    i = g * (v - e)
}

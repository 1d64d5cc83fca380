: A current that is given in time, and counts as one through the membrane.
NEURON {
    POINT_PROCESS MembraneClamp
    NONSPECIFIC_CURRENT i
    RANGE amp, i
    THREADSAFE
}
UNITS {
    (nA) = (nanoamp)
}
PARAMETER {
    amp = 0 (nA)
}
ASSIGNED {
    i (nA)
}
BREAKPOINT {
    : membrane currents are positive outward
    i = -amp
}

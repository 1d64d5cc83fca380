: One side of a gap junction: a current from inside of another cell, whose potential comes by
: ParallelContext.target_var. It does not cross the membrane.
NEURON {
    POINT_PROCESS LfpGap
    ELECTRODE_CURRENT i
    RANGE g, vgap, i
    THREADSAFE
}
UNITS {
    (nA) = (nanoamp)
    (mV) = (millivolt)
    (uS) = (microsiemens)
}
PARAMETER {
    g = 0 (uS)
}
ASSIGNED {
    v (mV)
    vgap (mV)
    i (nA)
}
BREAKPOINT {
    i = g * (vgap - v)
}

NEURON {
    POINT_PROCESS Ramp
    ELECTRODE_CURRENT i
    RANGE slope, i
}
UNITS { (nA) = (nanoamp) }
PARAMETER { slope = 0.01 (nA/ms) }
ASSIGNED { i (nA) }
BREAKPOINT { i = slope * t }

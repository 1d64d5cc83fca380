NEURON {
    SUFFIX leaky
    NONSPECIFIC_CURRENT i
    RANGE g, e, i
}
UNITS { (mV) = (millivolt) (S) = (siemens) (mA) = (milliamp) }
PARAMETER {
    g = 2e-4 (S/cm2)
    e = -61 (mV)
}
ASSIGNED { v (mV) i (mA/cm2) }
BREAKPOINT { i = g * (v - e) }

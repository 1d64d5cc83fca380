TITLE potassium channel that calcium opens

COMMENT
Pennefather et al. 1990, as Reuveni, Friedman, Amitai and Gutnick 1993, J Neurosci 13:4609, have it,
at 23 degrees, here shifted by 30.7 degrees (Jones et al. 2009, J Neurophysiol 102:3554).
ENDCOMMENT

NEURON {
    THREADSAFE
    SUFFIX kca
    USEION k READ ek WRITE ik
    USEION ca READ cai
    RANGE gbar
}

UNITS {
    (mA) = (milliamp)
    (mV) = (millivolt)
    (pS) = (picosiemens)
    (um) = (micron)
    (molar) = (1/liter)
    (mM) = (millimolar)
}

PARAMETER {
    gbar = 10 (pS/um2)
    up = 0.01 (/ms/mM)
    down = 0.02 (/ms)
    celsius (degC)
}

ASSIGNED {
    v (mV)
    ek (mV)
    ik (mA/cm2)
    cai (mM)
}

STATE { n }

INITIAL { n = up * cai / (up * cai + down) }

BREAKPOINT {
    SOLVE states METHOD cnexp
    ik = (1e-4) * q() * gbar * n * (v - ek)
}

DERIVATIVE states { n' = q() * (up * cai - (up * cai + down) * n) }

FUNCTION q() { q = 2.3^((celsius - 53.7) / 10) }

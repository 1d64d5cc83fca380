TITLE calcium channel of high threshold

COMMENT
Reuveni, Friedman, Amitai and Gutnick 1993, J Neurosci 13:4609, at 23 degrees, here shifted by 30.7
degrees (Jones et al. 2009, J Neurophysiol 102:3554).
ENDCOMMENT

NEURON {
    THREADSAFE
    SUFFIX ca
    USEION ca READ eca WRITE ica
    RANGE gbar
}

UNITS {
    (mA) = (milliamp)
    (mV) = (millivolt)
    (pS) = (picosiemens)
    (um) = (micron)
}

PARAMETER {
    gbar = 0.1 (pS/um2)
    celsius (degC)
}

ASSIGNED {
    v (mV)
    eca (mV)
    ica (mA/cm2)
}

STATE { m h }

INITIAL {
    m = opening(v) / (opening(v) + closing(v))
    h = freeing(v) / (freeing(v) + blocking(v))
}

BREAKPOINT {
    SOLVE states METHOD cnexp
    ica = (1e-4) * q() * gbar * m * m * h * (v - eca)
}

DERIVATIVE states {
    m' = q() * (opening(v) - (opening(v) + closing(v)) * m)
    h' = q() * (freeing(v) - (freeing(v) + blocking(v)) * h)
}

FUNCTION q() { q = 2.3^((celsius - 53.7) / 10) }

FUNCTION opening(v (mV)) (/ms) { opening = (0.209(/ms)) * ratio(-(v + 27(mV)) / 3.8(mV)) }
FUNCTION closing(v (mV)) (/ms) { closing = (0.94(/ms)) * exp(-(v + 75(mV)) / 17(mV)) }
FUNCTION freeing(v (mV)) (/ms) { freeing = (0.000457(/ms)) * exp(-(v + 13(mV)) / 50(mV)) }
FUNCTION blocking(v (mV)) (/ms) { blocking = (0.0065(/ms)) / (exp(-(v + 15(mV)) / 28(mV)) + 1) }

FUNCTION ratio(x) {
    : x / (exp(x) - 1), which is 1 at 0
    if (fabs(x) < 1e-6) { ratio = 1 - x / 2 } else { ratio = x / (exp(x) - 1) }
}

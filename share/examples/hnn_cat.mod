TITLE calcium current of low threshold, which brings no calcium in

COMMENT
Traub, Buhl, Gloveli and Whittington 2003, J Neurophysiol 89:909.
ENDCOMMENT

NEURON {
    THREADSAFE
    SUFFIX cat
    NONSPECIFIC_CURRENT i
    RANGE gbar
}

UNITS {
    (mA) = (milliamp)
    (mV) = (millivolt)
    (S) = (siemens)
}

PARAMETER {
    gbar = 0 (S/cm2)
    e = 125 (mV)
}

ASSIGNED {
    v (mV)
    i (mA/cm2)
}

STATE { m h }

INITIAL {
    m = 0
    h = available(v)
}

BREAKPOINT {
    SOLVE states METHOD cnexp
    i = gbar * m * m * h * (v - e)
}

DERIVATIVE states {
    m' = (activated(v) - m) / activation(v)
    h' = (available(v) - h) / inactivation(v)
}

FUNCTION activated(v (mV)) { activated = 1 / (1 + exp(-(v + 56(mV)) / 6.2(mV))) }
FUNCTION available(v (mV)) { available = 1 / (1 + exp((v + 80(mV)) / 4(mV))) }

FUNCTION activation(v (mV)) (ms) {
    LOCAL rate
    rate = exp((v + 15.8(mV)) / 18.2(mV)) + exp(-(v + 131(mV)) / 16.7(mV))
    activation = (0.204(ms)) + (0.333(ms)) / rate
}

FUNCTION inactivation(v (mV)) (ms) {
    if (v < -81) {
        inactivation = (0.333(ms)) * exp((v + 466(mV)) / 66.6(mV))
    } else {
        inactivation = (9.32(ms)) + (0.333(ms)) * exp(-(v + 21(mV)) / 10.5(mV))
    }
}

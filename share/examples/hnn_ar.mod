TITLE anomalous rectifier, a mixed cation current that hyperpolarisation opens

COMMENT
Traub, Buhl, Gloveli and Whittington 2003, J Neurophysiol 89:909.
ENDCOMMENT

NEURON {
    THREADSAFE
    SUFFIX ar
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
    e = -35 (mV)
}

ASSIGNED {
    v (mV)
    i (mA/cm2)
}

STATE { m }

INITIAL { m = 0.25 }

BREAKPOINT {
    SOLVE states METHOD cnexp
    i = gbar * m * (v - e)
}

DERIVATIVE states { m' = (activated(v) - m) * rate(v) }

FUNCTION activated(v (mV)) { activated = 1 / (1 + exp((v + 75(mV)) / 5.5(mV))) }

FUNCTION rate(v (mV)) (/ms) {
    rate = (1(/ms)) * (exp(-14.6 - 0.086(/mV) * v) + exp(-1.87 + 0.07(/mV) * v))
}

TITLE slow potassium channel that does not inactivate (M current)

COMMENT
Rates of Mainen and Sejnowski 1996, Nature 382:363, at 23 degrees, here shifted by 30.7 degrees
(Jones et al. 2009, J Neurophysiol 102:3554).
ENDCOMMENT

NEURON {
    THREADSAFE
    SUFFIX km
    USEION k READ ek WRITE ik
    RANGE gbar
}

UNITS {
    (mA) = (milliamp)
    (mV) = (millivolt)
    (pS) = (picosiemens)
    (um) = (micron)
}

PARAMETER {
    gbar = 10 (pS/um2)
    celsius (degC)
}

ASSIGNED {
    v (mV)
    ek (mV)
    ik (mA/cm2)
}

STATE { n }

INITIAL { n = up(v) / (up(v) + down(v)) }

BREAKPOINT {
    SOLVE states METHOD cnexp
    ik = (1e-4) * q() * gbar * n * (v - ek)
}

DERIVATIVE states { n' = q() * (up(v) - (up(v) + down(v)) * n) }

FUNCTION q() { q = 2.3^((celsius - 53.7) / 10) }

: the half of it is open at -30 mV
FUNCTION up(v (mV)) (/ms) { up = (0.009(/ms)) * ratio(-(v + 30(mV)) / 9(mV)) }
FUNCTION down(v (mV)) (/ms) { down = (0.009(/ms)) * ratio((v + 30(mV)) / 9(mV)) }

FUNCTION ratio(x) {
    : x / (exp(x) - 1), which is 1 at 0
    if (fabs(x) < 1e-6) { ratio = 1 - x / 2 } else { ratio = x / (exp(x) - 1) }
}

TITLE sodium and potassium channels of Hodgkin and Huxley with a leak, slowed so that 37 degrees are 6.3

COMMENT
Hodgkin and Huxley 1952, J Physiol 117:500; potentials in the convention of today, rest at -65 mV.
Jones et al. 2009, J Neurophysiol 102:3554, use them at 37 degrees with the rates of 6.3 degrees.
ENDCOMMENT

NEURON {
    THREADSAFE
    SUFFIX hh2
    USEION na READ ena WRITE ina
    USEION k READ ek WRITE ik
    NONSPECIFIC_CURRENT il
    RANGE gnabar, gkbar, gl, el
}

UNITS {
    (mA) = (milliamp)
    (mV) = (millivolt)
    (S) = (siemens)
}

PARAMETER {
    gnabar = 0.12 (S/cm2)
    gkbar = 0.036 (S/cm2)
    gl = 0.0003 (S/cm2)
    el = -54.3 (mV)
    celsius (degC)
}

ASSIGNED {
    v (mV)
    ena (mV)
    ek (mV)
    ina (mA/cm2)
    ik (mA/cm2)
    il (mA/cm2)
}

STATE { m h n }

INITIAL {
    m = opening(v) / (opening(v) + closing(v))
    h = freeing(v) / (freeing(v) + blocking(v))
    n = slow_opening(v) / (slow_opening(v) + slow_closing(v))
}

BREAKPOINT {
    SOLVE states METHOD cnexp
    ina = gnabar * m^3 * h * (v - ena)
    ik = gkbar * n^4 * (v - ek)
    il = gl * (v - el)
}

DERIVATIVE states {
    LOCAL q
    q = 3^((celsius - 37) / 10)
    m' = q * (opening(v) - (opening(v) + closing(v)) * m)
    h' = q * (freeing(v) - (freeing(v) + blocking(v)) * h)
    n' = q * (slow_opening(v) - (slow_opening(v) + slow_closing(v)) * n)
}

FUNCTION opening(v (mV)) (/ms) { opening = (1(/ms)) * ratio(-(v + 40(mV)) / 10(mV)) }
FUNCTION closing(v (mV)) (/ms) { closing = (4(/ms)) * exp(-(v + 65(mV)) / 18(mV)) }
FUNCTION freeing(v (mV)) (/ms) { freeing = (0.07(/ms)) * exp(-(v + 65(mV)) / 20(mV)) }
FUNCTION blocking(v (mV)) (/ms) { blocking = (1(/ms)) / (exp(-(v + 35(mV)) / 10(mV)) + 1) }
FUNCTION slow_opening(v (mV)) (/ms) { slow_opening = (0.1(/ms)) * ratio(-(v + 55(mV)) / 10(mV)) }
FUNCTION slow_closing(v (mV)) (/ms) { slow_closing = (0.125(/ms)) * exp(-(v + 65(mV)) / 80(mV)) }

FUNCTION ratio(x) {
    : x / (exp(x) - 1), which is 1 at 0
    if (fabs(x) < 1e-6) { ratio = 1 - x / 2 } else { ratio = x / (exp(x) - 1) }
}

TITLE calcium under the membrane, which channels bring in and a pump takes away

COMMENT
Destexhe, Babloyantz and Sejnowski 1993, Biophys J 65:1538: a shell that decays to its rest.
ENDCOMMENT

NEURON {
    THREADSAFE
    SUFFIX cad
    USEION ca READ ica WRITE cai
    RANGE taur
}

UNITS {
    (mA) = (milliamp)
    (um) = (micron)
    (molar) = (1/liter)
    (mM) = (millimolar)
    F = (faraday) (coulomb)
}

PARAMETER {
    depth = 0.1 (um)
    rest = 1e-4 (mM)
    taur = 200 (ms)
}

ASSIGNED { ica (mA/cm2) }

STATE { cai (mM) }

INITIAL { cai = rest }

BREAKPOINT { SOLVE states METHOD cnexp }

DERIVATIVE states {
    LOCAL inward
    inward = -(10000) * ica / (2 * F * depth)
    if (inward < 0) { inward = 0 }
    cai' = inward + (rest - cai) / taur
}

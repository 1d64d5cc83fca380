: Short-term depression whose state is ASSIGNED, not RANGE, with an array
NEURON { POINT_PROCESS Depress RANGE tau, e, g, U, trec NONSPECIFIC_CURRENT i }
UNITS { (nA) = (nanoamp) (mV) = (millivolt) (uS) = (microsiemens) }
PARAMETER { tau = 2 (ms) e = 0 (mV) U = 0.5 trec = 200 (ms) }
ASSIGNED { v (mV) i (nA) R[2] last (ms) peak (mV) }
STATE { g (uS) }
INITIAL { g = 0 R[0] = 1 R[1] = 1 last = -1e9 peak = v }
BREAKPOINT {
    SOLVE state METHOD cnexp
    if (v > peak) { peak = v }
    i = g*(v - e)*(1 + 1e-4*peak)
}
DERIVATIVE state { g' = -g/tau }
NET_RECEIVE(w (uS)) {
    R[0] = 1 - (1 - R[0])*exp(-(t - last)/trec)
    R[1] = 1 - (1 - R[1])*exp(-(t - last)/(3*trec))
    last = t
    g = g + w*U*(R[0] + R[1])
    R[0] = R[0] - U*R[0]
    R[1] = R[1] - U*R[1]
}

: Tsodyks and Markram's synapse, its state in arguments of NET_RECEIVE
NEURON { POINT_PROCESS TsoMa RANGE tau, e, g, U, trec, tfac NONSPECIFIC_CURRENT i }
UNITS { (nA) = (nanoamp) (mV) = (millivolt) (uS) = (microsiemens) }
PARAMETER { tau = 2 (ms) e = 0 (mV) U = 0.3 trec = 100 (ms) tfac = 50 (ms) }
ASSIGNED { v (mV) i (nA) }
STATE { g (uS) }
INITIAL { g = 0 }
BREAKPOINT { SOLVE state METHOD cnexp i = g*(v - e) }
DERIVATIVE state { g' = -g/tau }
NET_RECEIVE(w (uS), R, u, last (ms)) {
    INITIAL { R = 1 u = U last = 0 }
    R = 1 - (1 - R*(1 - u))*exp(-(t - last)/trec)
    u = U + u*(1 - U)*exp(-(t - last)/tfac)
    last = t
    g = g + w*R*u
}

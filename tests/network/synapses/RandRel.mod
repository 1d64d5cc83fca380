: Stochastic release from a stream of its own; what is left is neither STATE nor RANGE
NEURON { POINT_PROCESS RandRel RANGE tau, e, g, U, trec NONSPECIFIC_CURRENT i RANDOM draws }
UNITS { (nA) = (nanoamp) (mV) = (millivolt) (uS) = (microsiemens) }
PARAMETER { tau = 2 (ms) e = 0 (mV) U = 0.6 trec = 60 (ms) }
ASSIGNED { v (mV) i (nA) R last (ms) }
STATE { g (uS) }
INITIAL { g = 0 R = 1 last = -1e9 }
BREAKPOINT { SOLVE state METHOD cnexp i = g*(v - e) }
DERIVATIVE state { g' = -g/tau }
NET_RECEIVE(w (uS)) {
    R = 1 - (1 - R)*exp(-(t - last)/trec)
    last = t
    if (random_uniform(draws) < U*R) { g = g + w R = 0 }
}

: Waits for the potential to cross a level
NEURON { POINT_PROCESS Watch RANGE tau, e, g NONSPECIFIC_CURRENT i }
UNITS { (nA) = (nanoamp) (mV) = (millivolt) (uS) = (microsiemens) }
PARAMETER { tau = 2 (ms) e = 0 (mV) }
ASSIGNED { v (mV) i (nA) }
STATE { g (uS) }
INITIAL { g = 0 net_send(0, 1) }
BREAKPOINT { SOLVE state METHOD cnexp i = g*(v - e) }
DERIVATIVE state { g' = -g/tau }
NET_RECEIVE(w (uS)) {
    if (flag == 1) { WATCH (v > -40) 2 } else { g = g + w }
}

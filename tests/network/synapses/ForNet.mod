: Depression of all connections at once by an event of its own, through FOR_NETCONS
NEURON { POINT_PROCESS ForNet RANGE tau, e, i NONSPECIFIC_CURRENT i }
UNITS { (nA) = (nanoamp) (mV) = (millivolt) (uS) = (microsiemens) }
PARAMETER { tau = 3 (ms) e = 0 (mV) }
ASSIGNED { v (mV) i (nA) waits }
STATE { g (uS) }
INITIAL { g = 0 waits = 0 }
BREAKPOINT { SOLVE state METHOD cnexp i = g*(v - e) }
DERIVATIVE state { g' = -g/tau }
NET_RECEIVE(weight (uS), share, last (ms)) {
    INITIAL { share = 1 last = -1e9 }
    if (flag == 0) {
        g = g + weight*share
        last = t
        if (waits == 0) {
            waits = 1
            net_send(4.3, 1)
        }
    } else {
        waits = 0
        FOR_NETCONS(w, s, l) {
            if (t - l < 5) { s = 0.8*s } else { s = s + 0.1*(1 - s) }
        }
    }
}

: A pulse generator that sends itself events from the begin on, and moves them when it is asked
NEURON { POINT_PROCESS Ticks RANGE tau, e, g, interval NONSPECIFIC_CURRENT i }
UNITS { (nA) = (nanoamp) (mV) = (millivolt) (uS) = (microsiemens) }
PARAMETER { tau = 2 (ms) e = 0 (mV) interval = 7.3 (ms) }
ASSIGNED { v (mV) i (nA) next (ms) ticks size (uS) }
STATE { g (uS) }
INITIAL { g = 0 ticks = 0 size = 0 next = interval net_send(interval, 1) }
BREAKPOINT { SOLVE state METHOD cnexp i = g*(v - e) }
DERIVATIVE state { g' = -g/tau }
NET_RECEIVE(w (uS)) {
    if (flag == 1) {
        ticks = ticks + 1
        g = g + size*(1 + 0.1*ticks)
        next = t + interval
        net_send(interval, 1)
    } else {
        size = w
        if (next - t > 2) { next = t + 1.7 net_move(next) }
    }
}

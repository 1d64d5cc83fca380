: NMDA receptors that are open for a while after each event, counted in arguments of NET_RECEIVE
NEURON { POINT_PROCESS NmdaArg RANGE e, g, open NONSPECIFIC_CURRENT i }
UNITS { (nA) = (nanoamp) (mV) = (millivolt) (uS) = (microsiemens) }
PARAMETER { e = 0 (mV) open = 6 (ms) }
ASSIGNED { v (mV) i (nA) total (uS) }
STATE { r (uS) }
INITIAL { r = 0 total = 0 }
BREAKPOINT {
    SOLVE state METHOD cnexp
    i = r*(v - e)/(1 + exp(-0.062*v)/3.57)
}
DERIVATIVE state { r' = (total - r)/3 }
NET_RECEIVE(w (uS), count, begin (ms)) {
    INITIAL { count = 0 begin = -1e9 }
    if (flag == 0) {
        count = count + 1
        if (count == 1) { begin = t total = total + w }
        net_send(open, 5)
    } else {
        count = count - 1
        if (count == 0) { total = total - w*(1 + 1e-3*exp(-(t - begin)/50)) }
    }
}

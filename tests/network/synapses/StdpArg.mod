COMMENT
Pair-based plasticity: each connection keeps its weight's change, its trace and the time of its last
event in arguments of NET_RECEIVE; spikes of the cell come as an event of the synapse to itself.
ENDCOMMENT
NEURON { POINT_PROCESS StdpArg RANGE tau, e, g NONSPECIFIC_CURRENT i }
UNITS { (nA) = (nanoamp) (mV) = (millivolt) (uS) = (microsiemens) }
PARAMETER { tau = 2 (ms) e = 0 (mV) }
ASSIGNED { v (mV) i (nA) post (ms) }
STATE { g (uS) }
INITIAL { g = 0 post = -1e9 }
BREAKPOINT { SOLVE state METHOD cnexp i = g*(v - e) }
DERIVATIVE state { g' = -g/tau }
NET_RECEIVE(w (uS), factor, trace, last (ms)) {
    INITIAL { factor = 1 trace = 0 last = -1e9 }
    if (flag == 0) {
        factor = factor*(1 - 0.05*exp(-(t - post)/20))
        trace = 1 + trace*exp(-(t - last)/20)
        last = t
        g = g + w*factor
        net_send(4.3, 7)
    } else {
        post = t
        FOR_NETCONS(w1, factor1, trace1, last1) {
            factor1 = factor1 + 0.03*trace1*exp(-(t - last1)/20)
        }
    }
}

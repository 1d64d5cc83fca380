: The leaky integrator that NEURON calls IntFire1, for both engines: m decays to 0 with tau and jumps
: by the weights of events; beyond 1 it fires, and is held for refrac.
NEURON {
    ARTIFICIAL_CELL LfpIntFire1
    RANGE tau, refrac, m
}
PARAMETER {
    tau = 10 (ms) <1e-9, 1e9>
    refrac = 5 (ms) <0, 1e9>
}
ASSIGNED {
    m (1)
    since (ms)
    until (ms)
    is_held (1)
}
INITIAL {
    m = 0
    since = t
    until = t
    is_held = 0
}
NET_RECEIVE (w) {
    : it is freed by the first event behind its time, and not by one that it sends itself: CoreNEURON
    : crashes where such events of artificial cells are under way as it hands back to NEURON
    if (is_held == 1 && t >= until) {
        is_held = 0
        m = 0
        since = until
    }
    if (is_held == 0) {
        m = m * exp(-(t - since) / tau)
        since = t
        m = m + w
        if (m > 1) {
            is_held = 1
            m = 2
            until = t + refrac
            net_event(t)
        }
    }
}

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
    is_held (1)
}
INITIAL {
    m = 0
    since = t
    is_held = 0
}
NET_RECEIVE (w) {
    if (flag == 1) {
        is_held = 0
        m = 0
        since = t
    } else if (is_held == 0) {
        m = m * exp(-(t - since) / tau)
        since = t
        m = m + w
        if (m > 1) {
            is_held = 1
            m = 2
            net_send(refrac, 1)
            net_event(t)
        }
    }
}

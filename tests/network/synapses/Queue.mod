: an artificial cell with a queue of its own
NEURON { ARTIFICIAL_CELL Queue RANGE m, tau }

PARAMETER { tau = 8 (ms) }
ASSIGNED { m t0 (ms) times[4] (ms) filled busy }
INITIAL { m = 0 t0 = 0 filled = 0 busy = 0 FROM k = 0 TO 3 { times[k] = 0 } }
NET_RECEIVE(w) {
    if (flag == 0) {
        m = m*exp(-(t - t0)/tau) + w
        t0 = t
        if (m > 1 && filled < 4) {
            times[filled] = t
            filled = filled + 1
            m = 0
            if (!busy) { busy = 1 net_send(0.6, 1) }
        }
    } else {
        net_event(t)
        FROM k = 0 TO 2 { times[k] = times[k + 1] }
        filled = filled - 1
        if (filled > 0) { net_send(0.6, 1) } else { busy = 0 }
    }
}

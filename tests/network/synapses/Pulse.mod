: A kinetic receptor: transmitter is there for a while after the last of several events
NEURON { POINT_PROCESS Pulse RANGE e, i, g NONSPECIFIC_CURRENT i }
UNITS { (nA) = (nanoamp) (mV) = (millivolt) (uS) = (microsiemens) }
PARAMETER { e = 0 (mV) bind = 1 (/ms) leave = 0.2 (/ms) desensitise = 0.05 (/ms) }
ASSIGNED { v (mV) i (nA) g (uS) level most (uS) on (/ms) events }
STATE { closed open asleep }
INITIAL { closed = 1 open = 0 asleep = 0 level = 0 most = 0 events = 0 }
BREAKPOINT { SOLVE receptor METHOD sparse g = most*open i = g*(v - e) }
KINETIC receptor {
    on = bind*level
    ~ closed <-> open (on, leave)
    ~ open <-> asleep (desensitise, 0.01)
    CONSERVE closed + open + asleep = 1
}
NET_RECEIVE(weight (uS)) {
    if (flag == 0) {
        most = weight
        events = events + 1
        level = 1
        net_send(1.37, 1)
    } else {
        events = events - 1
        if (events == 0) { level = 0 }
    }
}

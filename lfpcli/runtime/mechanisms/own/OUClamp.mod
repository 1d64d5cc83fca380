: A current that is an Ornstein-Uhlenbeck process, with its exact step (Gillespie 1996, Phys Rev E
: 54:2084); it begins in its stationary distribution.
NEURON {
    POINT_PROCESS OUClamp
    ELECTRODE_CURRENT i
    RANGE mean, sd, tau, delay, dur, i, x
    RANDOM noise
    THREADSAFE
}
UNITS {
    (nA) = (nanoamp)
}
PARAMETER {
    mean = 0 (nA)
    sd = 0 (nA)
    tau = 2 (ms) <1e-9, 1e9>
    delay = 0 (ms)
    dur = 1e9 (ms)
}
ASSIGNED {
    dt (ms)
    i (nA)
    x (1)
}
INITIAL {
    x = random_normal(noise)
}
BREAKPOINT {
    SOLVE draw
    if (t < delay || t >= delay + dur) {
        i = 0
    } else {
        i = mean + sd * x
    }
}
PROCEDURE draw() {
    LOCAL kept
    kept = exp(-dt / tau)
    x = kept * x + sqrt(1 - kept * kept) * random_normal(noise)
}

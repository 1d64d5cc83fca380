: A conductance that is an Ornstein-Uhlenbeck process cut off at zero (Destexhe et al. 2001,
: Neuroscience 107:13), with its exact step; it begins in its stationary distribution.
NEURON {
    POINT_PROCESS OUConductance
    NONSPECIFIC_CURRENT i
    RANGE mean, sd, tau, e, delay, dur, i, g, x
    RANDOM noise
    THREADSAFE
}
UNITS {
    (nA) = (nanoamp)
    (mV) = (millivolt)
    (uS) = (microsiemens)
}
PARAMETER {
    mean = 0 (uS)
    sd = 0 (uS)
    tau = 2 (ms) <1e-9, 1e9>
    e = 0 (mV)
    delay = 0 (ms)
    dur = 1e9 (ms)
}
ASSIGNED {
    dt (ms)
    v (mV)
    i (nA)
    g (uS)
    x (1)
}
INITIAL {
    x = random_normal(noise)
}
BREAKPOINT {
    SOLVE draw
    g = 0
    if (t >= delay && t < delay + dur) {
        g = mean + sd * x
        if (g < 0) {
            g = 0
        }
    }
    i = g * (v - e)
}
PROCEDURE draw() {
    LOCAL kept
    kept = exp(-dt / tau)
    x = kept * x + sqrt(1 - kept * kept) * random_normal(noise)
}

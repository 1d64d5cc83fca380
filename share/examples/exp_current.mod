TITLE current that jumps by the weight of an event and decays

NEURON {
    POINT_PROCESS ExpCurrent
    RANGE tau, i
    NONSPECIFIC_CURRENT i
}

UNITS { (nA) = (nanoamp) }

PARAMETER { tau = 0.5 (ms) <1e-9, 1e9> }

ASSIGNED { i (nA) }

STATE { flow (nA) }

INITIAL { flow = 0 }

BREAKPOINT {
    SOLVE decay METHOD cnexp
    : into the cell where the weight is above zero
    i = -flow
}

DERIVATIVE decay { flow' = -flow / tau }

NET_RECEIVE(weight (nA)) { flow = flow + weight }

: A noisy current that draws in each step, an electrode's
NEURON { POINT_PROCESS Noise RANGE i, std ELECTRODE_CURRENT i RANDOM draws }
UNITS { (nA) = (nanoamp) }
PARAMETER { std = 0.02 (nA) }
ASSIGNED { i (nA) x }
INITIAL { x = 0 i = 0 }
BEFORE BREAKPOINT { x = 0.95*x + random_normal(draws) }
BREAKPOINT { i = std*x }

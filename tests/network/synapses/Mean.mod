: A running mean, and what the last step left, by blocks between steps
NEURON { SUFFIX Mean RANGE g, mean, seen NONSPECIFIC_CURRENT i }
UNITS { (mA) = (milliamp) (mV) = (millivolt) (S) = (siemens) }
PARAMETER { g = 1e-5 (S/cm2) }
ASSIGNED { v (mV) i (mA/cm2) mean (mV) seen (mV) }
INITIAL { mean = v seen = v }
BEFORE STEP { mean = 0.99*mean + 0.01*v }
AFTER SOLVE { seen = v }
BREAKPOINT { i = g*(v - mean)*(1 + 1e-4*seen) }

"""The NEURON runtime: the only room that imports NEURON and mpi4py."""

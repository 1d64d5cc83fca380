"""Mechanisms: sources, compilation, the cache, loading, and what is known of each.

Nothing here imports NEURON before something is loaded or described.
"""

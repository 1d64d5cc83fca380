"""Synapses in bulk, and the spikes that reach them."""

from __future__ import annotations

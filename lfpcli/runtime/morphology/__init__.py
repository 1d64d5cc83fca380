"""Morphologies made into sections of NEURON, and shapes that only NEURON can read."""

from __future__ import annotations

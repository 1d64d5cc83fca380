"""One cell in NEURON: its sections, geometry, and what is attached to it."""

from __future__ import annotations

"""The run: NEURON or CoreNEURON, stepped, recorded, saved."""

from __future__ import annotations

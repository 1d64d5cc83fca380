"""Circuits in the SONATA format: their nodes as cells, their edges as synapses."""

from __future__ import annotations

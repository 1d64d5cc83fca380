"""Circuits in the SONATA format: configuration, type tables, nodes and edges."""

from __future__ import annotations

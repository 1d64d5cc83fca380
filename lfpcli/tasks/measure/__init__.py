"""``lfp probe``: from membrane currents to extracellular signals."""

from __future__ import annotations

"""``lfp sim``: from a model to a recording."""

from __future__ import annotations

"""``lfp eeg`` and ``lfp meg``: from dipoles to signals outside the head."""

from __future__ import annotations

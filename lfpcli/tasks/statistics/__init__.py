"""``lfp stats``: numbers of what a recording holds."""

from __future__ import annotations

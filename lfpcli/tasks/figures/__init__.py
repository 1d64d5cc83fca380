"""``lfp plot``: from recordings to figures."""

from __future__ import annotations

"""What files hold and how they differ: ``lfp info``, ``lfp diff``."""

from __future__ import annotations

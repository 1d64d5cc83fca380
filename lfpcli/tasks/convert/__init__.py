"""Recordings, models and finished runs to the files of other tools, and back: ``lfp convert``."""

from __future__ import annotations

"""Morphologies: trees of points, their readers and writers, checks, repair and measures."""

from __future__ import annotations

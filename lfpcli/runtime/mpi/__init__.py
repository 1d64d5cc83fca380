"""Processes of a job, and what they exchange."""

from __future__ import annotations

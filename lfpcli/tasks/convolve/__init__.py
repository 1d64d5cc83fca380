"""Spikes in, signals out: trains drawn, and responses to a spike convolved with trains."""

__all__: list[str] = []

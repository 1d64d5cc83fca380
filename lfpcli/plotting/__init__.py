"""Figures of recordings; each function takes data and Axes."""

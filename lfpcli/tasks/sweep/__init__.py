"""Sweeps: one model at many values of its keys, in one folder."""

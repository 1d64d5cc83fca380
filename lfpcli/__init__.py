"""Simulate neurons and networks, and what instruments would measure from them.

The names below are loaded when first used, so that ``import lfpcli`` costs nothing.
"""

from __future__ import annotations

import importlib
from typing import Any

__version__ = "0.1.0"

_WHERE = {
    "Cell": "lfpcli.runtime.cell",
    "Synapse": "lfpcli.runtime.points",
    "StimIntElectrode": "lfpcli.runtime.points",
    "Geometry": "lfpcli.geometry",
    "load_model": "lfpcli.model",
    "simulate": "lfpcli.tasks.sim",
    "Recording": "lfpcli.io.recording",
}

__all__ = ["__version__", *_WHERE]


def __getattr__(name: str) -> Any:
    if name not in _WHERE:
        raise AttributeError(f"module 'lfpcli' has no attribute '{name}'")
    return getattr(importlib.import_module(_WHERE[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)

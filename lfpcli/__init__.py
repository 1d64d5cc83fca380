"""Simulate neurons and networks, and what instruments would measure from them.

The names below are loaded when first used, so that ``import lfpcli`` costs nothing.
"""

from __future__ import annotations

import importlib
from typing import Any

__version__ = "0.1.0"

_MODULES = {
    "lfpcli.runtime.cell.cell": ("Cell",),
    "lfpcli.runtime.cell.points": (
        "Synapse",
        "StimIntElectrode",
    ),
    "lfpcli.geometry": ("Geometry",),
    "lfpcli.forward.contacts": ("Contacts",),
    "lfpcli.io.arrays": ("load_contacts",),
    "lfpcli.io.exchange.objects": (
        "to_mne",
        "to_neo",
        "to_pandas",
        "to_spikeinterface",
        "to_xarray",
    ),
    "lfpcli.io.recording": (
        "Recording",
        "open_recording",
    ),
    "lfpcli.model": (
        "Model",
        "load_model",
    ),
    "lfpcli.tasks.simulate.simulation": ("simulate",),
    "lfpcli.tasks.network": (
        "Network",
        "Population",
    ),
    "lfpcli.tasks.figures.face": ("plot",),
    "lfpcli.forward.models": (
        "CurrentDipoleMoment",
        "LaminarCurrentSourceDensity",
        "LinearModel",
        "LineSourcePotential",
        "OneSphereVolumeConductor",
        "PointSourcePotential",
        "RecExtElectrode",
        "RecMEAElectrode",
        "VolumetricCurrentSourceDensity",
    ),
    "lfpcli.forward.infinite": ("InfiniteVolumeConductor",),
    "lfpcli.forward.four_sphere": ("FourSphereVolumeConductor",),
    "lfpcli.forward.homogeneous_sphere": ("HomogeneousSphereVolumeConductor",),
    "lfpcli.forward.meg": (
        "InfiniteHomogeneousVolCondMEG",
        "SphericallySymmetricVolCondMEG",
    ),
}
_MODULE_OF: dict[str, str] = {}
for _module, _names in _MODULES.items():
    _MODULE_OF.update(dict.fromkeys(_names, _module))

__all__ = ["__version__", *_MODULE_OF]


def __getattr__(name: str) -> Any:
    if name not in _MODULE_OF:
        raise AttributeError(f"module 'lfpcli' has no attribute '{name}'")
    return getattr(importlib.import_module(_MODULE_OF[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)

"""LFPy's names over this library: ``import lfpcli.compat.lfpy as LFPy``.

Arguments, attributes, units and shapes are LFPy's; lfp-lfpy(7) lists what differs by design.
Nothing of LFPy or LFPykit is imported.
"""

from lfpcli import __version__
from lfpcli.compat.lfpy import alias_method, eegmegcalc, inputgenerators, lfpcalc, tools
from lfpcli.compat.lfpy.cell import Cell
from lfpcli.compat.lfpy.eegmegcalc import (
    FourSphereVolumeConductor,
    InfiniteHomogeneousVolCondMEG,
    InfiniteVolumeConductor,
    NYHeadModel,
    SphericallySymmetricVolCondMEG,
)
from lfpcli.compat.lfpy.models import (
    CellGeometry,
    CurrentDipoleMoment,
    LaminarCurrentSourceDensity,
    LinearModel,
    LineSourcePotential,
    OneSphereVolumeConductor,
    PointSourcePotential,
    RecExtElectrode,
    RecMEAElectrode,
    VolumetricCurrentSourceDensity,
)
from lfpcli.compat.lfpy.network import Network
from lfpcli.compat.lfpy.pointprocess import PointProcess, StimIntElectrode, Synapse
from lfpcli.compat.lfpy.population import NetworkPopulation
from lfpcli.compat.lfpy.templatecell import NetworkCell, TemplateCell

__all__ = [
    "Cell",
    "CellGeometry",
    "CurrentDipoleMoment",
    "FourSphereVolumeConductor",
    "InfiniteHomogeneousVolCondMEG",
    "InfiniteVolumeConductor",
    "LaminarCurrentSourceDensity",
    "LineSourcePotential",
    "LinearModel",
    "NYHeadModel",
    "Network",
    "NetworkCell",
    "NetworkPopulation",
    "OneSphereVolumeConductor",
    "PointProcess",
    "PointSourcePotential",
    "RecExtElectrode",
    "RecMEAElectrode",
    "SphericallySymmetricVolCondMEG",
    "StimIntElectrode",
    "Synapse",
    "TemplateCell",
    "VolumetricCurrentSourceDensity",
    "__version__",
    "alias_method",
    "eegmegcalc",
    "inputgenerators",
    "lfpcalc",
    "tools",
]

"""What to simulate: models read from TOML or JSON into checked dataclasses."""

from lfpcli.model.candidates import Candidates, resolve, section_mask
from lfpcli.model.cell import CellSpec, CodeRef, Mechanism, Nseg, TemplateRef
from lfpcli.model.csd import Csd
from lfpcli.model.distribution import Distribution
from lfpcli.model.expression import Expression
from lfpcli.model.files import check_files, model_files
from lfpcli.model.filters import Filter
from lfpcli.model.head import Eeg, Meg
from lfpcli.model.load import load_model
from lfpcli.model.location import Location, parse_location
from lfpcli.model.media import HalfSpace, Slice, Sphere
from lfpcli.model.model import Model
from lfpcli.model.network import (
    Connection,
    Input,
    Rule,
    Stimulus,
    SynapseSpec,
)
from lfpcli.model.orientation import Distortion, Rotation
from lfpcli.model.population import Place, Population
from lfpcli.model.probe import Field, Probe, Pulses
from lfpcli.model.run import Record, Run
from lfpcli.model.sources import SpikeSource

__all__ = [
    "Candidates",
    "CellSpec",
    "CodeRef",
    "Connection",
    "Csd",
    "Distortion",
    "Distribution",
    "Eeg",
    "Expression",
    "Field",
    "Filter",
    "HalfSpace",
    "Input",
    "Location",
    "Mechanism",
    "Meg",
    "Model",
    "Nseg",
    "Place",
    "Population",
    "Probe",
    "Pulses",
    "Record",
    "Rotation",
    "Rule",
    "Run",
    "Slice",
    "Sphere",
    "SpikeSource",
    "Stimulus",
    "SynapseSpec",
    "TemplateRef",
    "check_files",
    "load_model",
    "model_files",
    "parse_location",
    "resolve",
    "section_mask",
]

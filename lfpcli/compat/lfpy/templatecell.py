"""Cells of hoc templates with LFPy's arguments."""

from __future__ import annotations

import os
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from lfpcli.compat.lfpy.cell import Cell
from lfpcli.errors import InputError, LfpWarning
from lfpcli.runtime.cell import points
from lfpcli.runtime.hoc.templates import load_template, template_names
from lfpcli.runtime.neuron import nrn


class Connection(points.Connected):
    """A connection of a network to a point process on a cell.

    Attributes
    ----------
    point, netcon : HocObject
        What it reaches, and NEURON's connection.
    segment : int
        Index of the segment.
    """

    def __init__(self, point: Any, netcon: Any, segment: int) -> None:
        self.point, self.netcon, self.segment = point, netcon, segment
        self.watch()


class TemplateCell(Cell):
    """A cell that a hoc template makes.

    Parameters
    ----------
    templatefile : path-like or sequence of path-like
        hoc files, in the order in which they are read; one defines the template.
    templatename : str
        The template.
    templateargs : str, number or sequence of them, optional
        Arguments of its constructor.
    verbose : bool
        Accepted; nothing is printed.
    **args
        As of `Cell`. The `morphology` is loaded into the template's object, where that has no
        sections yet.
    """

    def __init__(
        self,
        templatefile: str | os.PathLike[str] | Sequence[str] = "LFPyCellTemplate.hoc",
        templatename: str = "LFPyCellTemplate",
        templateargs: Any = None,
        verbose: bool = False,
        **args: Any,
    ) -> None:
        self.templatefile = templatefile
        self.templatename = templatename
        self.templateargs = templateargs
        self.template: Any = None
        super().__init__(verbose=verbose, **args)

    def _sections_of(self, morphology: Any) -> Any:
        named = self.templatefile
        listed = [named] if isinstance(named, (str, os.PathLike)) else named
        files = [Path(file) for file in listed]
        last = _defining(files, self.templatename)
        arguments = self.templateargs
        if arguments is None:
            arguments = []
        elif not isinstance(arguments, (list, tuple)):
            arguments = [arguments]
        with warnings.catch_warnings():
            # LFPy's users name a morphology also where the template loads its own
            warnings.filterwarnings("ignore", "the template makes sections", LfpWarning)
            model_cell = load_template(
                last,
                self.templatename,
                arguments,
                code=[file for file in files if file != last],
                morphology=None if morphology is None else Path(morphology),
            )
        self.template = model_cell.template
        return model_cell.sections


class NetworkCell(TemplateCell):
    """A cell of a network; arguments as of `TemplateCell`.

    Attributes
    ----------
    gid : int
        Number of the cell; its population sets it.
    """

    def create_synapse(
        self,
        cell: Any,
        sec: Any,
        x: float = 0.5,
        syntype: Any = None,
        synparams: dict[str, Any] | None = None,
        assert_syn_values: bool = False,
    ) -> Any:
        """Make a point process of NEURON on a section, and keep it.

        Parameters
        ----------
        cell : Cell
            Accepted; the section says where.
        sec : nrn.Section
            The section.
        x : float
            Where on it, 0 to 1.
        syntype : class of NEURON
            ``ExpSyn`` where left out.
        synparams : mapping, optional
            Its parameters; ``tau=2, e=0`` where left out.
        assert_syn_values : bool
            Accepted; NEURON refuses parameters that are unknown.

        Returns
        -------
        HocObject
            The point process.
        """
        maker = nrn().ExpSyn if syntype is None else syntype
        point = maker(sec(x))
        for name, value in (synparams or {"tau": 2.0, "e": 0.0}).items():
            setattr(point, name, value)
        self.netconsynapses.append(point)
        return point

    @property
    def netconsynapses(self) -> list[Any]:
        """Point processes that connections of a network reach."""
        kept: list[Any] = self.__dict__.setdefault("_netconsynapses", [])
        return kept

    @property
    def connections(self) -> list[Connection]:
        """Connections of the network that reach the cell."""
        kept: list[Connection] = self.__dict__.setdefault("_connections", [])
        return kept

    def create_spike_detector(
        self,
        target: Any = None,
        threshold: float = -10.0,
        weight: float = 0.0,
        delay: float = 0.0,
    ) -> Any:
        """Make a NetCon whose source is the potential at the soma.

        Parameters
        ----------
        target : HocObject, optional
            What it activates.
        threshold : float
            mV.
        weight : float
            Of its events, in the unit of the target.
        delay : float
            ms.
        """
        source = self.detector
        detector = nrn().NetCon(source._ref_v, target, sec=source.sec)
        detector.threshold, detector.delay = threshold, delay
        detector.weight[0] = weight
        self.__dict__.setdefault("_detectors", []).append(detector)
        return detector

    def strip_hoc_objects(self) -> None:
        """Let go of NEURON's objects; see `Cell.strip_hoc_objects`."""
        super().strip_hoc_objects()
        for name in ("_netconsynapses", "_connections", "_detectors"):
            self.__dict__.pop(name, None)


def _defining(files: Sequence[Path], name: str) -> Path:
    for file in files:
        if name in template_names(file):
            return file
    names = ", ".join(str(file) for file in files)
    raise InputError(f"no template '{name}'", source=names, remedy="name the file that has it")

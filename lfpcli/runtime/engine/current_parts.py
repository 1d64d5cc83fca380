"""The currents that the membrane current of a segment is the sum of, as NEURON names them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from lfpcli.runtime.engine.electrodes import declared_currents
from lfpcli.runtime.engine.record import Recorder, point_variable, variable
from lfpcli.runtime.neuron import nrn
from lfpcli.runtime.protocols import SimulatedCell

# mA/cm2 times um2 in nA
DENSITY = 1e-2
# mV; synapses with a higher reversal potential excite
EXCITES = -50.0
# mechanisms whose currents without an ion are proportional to v less their reversal potential
_OHMIC = ("pas", "hh", "ExpSyn", "Exp2Syn", "AlphaSynapse")
# names that reversal potentials have where they do not follow that of the current
_REVERSALS = ("e", "erev", "e_rev", "Erev", "E_rev", "E")
NONSPECIFIC = "NONSPECIFIC_CURRENT"


@dataclass(frozen=True, kw_only=True)
class IonicCurrent:
    """The current of one ion, through all channels and synapses that carry it.

    Attributes
    ----------
    name : str
        Its name in NEURON, such as ``ina``.
    current, slope : Recorder
        mA/cm2, and its derivative, mA/cm2/mV, which NEURON takes numerically.
    scale : ndarray, shape (columns,)
        What turns a column into nA.
    """

    name: str
    current: Recorder
    slope: Recorder
    scale: np.ndarray


@dataclass(frozen=True, kw_only=True)
class OtherCurrent:
    """A current that no ion carries: of a mechanism, or of synapses that excite or inhibit.

    Attributes
    ----------
    name : str
        Name of its share of a signal.
    current : Recorder
        mA/cm2 or nA.
    scale : ndarray, shape (columns,)
        What turns a column into nA.
    reversal : ndarray, shape (columns,)
        Reversal potential, mV; NaN where it has none that is known.
    slope : ndarray, shape (columns,)
        Its derivative, in the unit of the current per mV, where that is constant; NaN elsewhere.
    is_ohmic : bool
        Whether it is known to be proportional to v less the reversal potential.
    """

    name: str
    current: Recorder
    scale: np.ndarray
    reversal: np.ndarray
    slope: np.ndarray
    is_ohmic: bool


def ionic_currents(cells: Sequence[SimulatedCell]) -> list[IonicCurrent]:
    """Currents of the ions that the cells have, in the order of their names."""
    names = {name.removesuffix("_ion") for name in _mechanisms(cells) if name.endswith("_ion")}
    currents = []
    for ion in sorted(names):
        name, slope = f"i{ion}", f"di{ion}_dv_"
        current = variable(cells, name, required=False)
        if len(current):
            currents.append(
                IonicCurrent(
                    name=name,
                    current=current,
                    slope=variable(cells, slope, required=False),
                    scale=_areas(cells, current),
                )
            )
    return currents


def density_currents(cells: Sequence[SimulatedCell]) -> list[OtherCurrent]:
    """Currents without an ion of the mechanisms of the cells, in the order of their names."""
    mechanisms = {name for name in _mechanisms(cells) if not name.endswith("_ion")}
    currents = []
    for mechanism in sorted(mechanisms):
        for base in declared_currents(mechanism, NONSPECIFIC, is_density=True):
            name = f"{base}_{mechanism}"
            recorder = variable(cells, name, required=False)
            segments = _segments(cells, recorder)
            reversal = [_reversal(segment, base, f"_{mechanism}") for segment in segments]
            # the leak has no gates, and NEURON's conductance is this one
            slopes = [segment.g_pas if mechanism == "pas" else np.nan for segment in segments]
            currents.append(
                OtherCurrent(
                    name="ipas" if mechanism == "pas" else name,
                    current=recorder,
                    scale=_areas(cells, recorder),
                    reversal=np.array(reversal, dtype=float),
                    slope=np.array(slopes, dtype=float),
                    # channels without an ion, such as Ih, have gates but no block by the potential
                    is_ohmic=mechanism in _OHMIC or not np.isnan(reversal).any(),
                )
            )
    return currents


def synaptic_currents(
    cells: Sequence[SimulatedCell], labels: Mapping[str, str] | None = None
) -> list[OtherCurrent]:
    """Currents without an ion of the point processes of the cells, electrodes excepted.

    Parameters
    ----------
    cells : sequence of Cell
        The cells.
    labels : mapping of str to str, optional
        Names of shares, by NEURON's names of the point processes; others excite or inhibit.
    """
    labels = labels or {}
    points: dict[tuple[str, str, str], list[tuple[int, int, Any, float]]] = {}
    for k, cell in enumerate(cells):
        for index, segment in enumerate(cell.segments):
            for point in segment.point_processes():
                hname = point.hname()
                mechanism = hname.split("[")[0]
                for base in declared_currents(mechanism, NONSPECIFIC, is_density=False):
                    reversal = _reversal(point, base, "")
                    # one without a reversal potential counts as inhibitory
                    share = labels.get(hname, "isyn_e" if reversal > EXCITES else "isyn_i")
                    row = (k, index, point, reversal)
                    points.setdefault((share, mechanism, base), []).append(row)
    currents = []
    for (share, mechanism, base), rows in sorted(points.items(), key=lambda item: item[0]):
        recorder = point_variable(
            cells=len(cells),
            cell=np.array([row[0] for row in rows], np.int64),
            segment=np.array([row[1] for row in rows], np.int64),
            points=[row[2] for row in rows],
            name=base,
        )
        currents.append(
            OtherCurrent(
                name=share,
                current=recorder,
                scale=np.ones(len(rows)),
                reversal=np.array([row[3] for row in rows], dtype=float),
                slope=np.full(len(rows), np.nan),
                is_ohmic=mechanism in _OHMIC,
            )
        )
    return currents


def _mechanisms(cells: Sequence[SimulatedCell]) -> set[str]:
    """Names of the density mechanisms of cells, ions among them."""
    names: set[str] = set()
    for cell in cells:
        for section in {segment.sec for segment in cell.segments}:
            # all segments of a section have the same
            names |= {mechanism.name() for mechanism in section(0.5)}
    return names


def _reversal(owner: Any, base: str, suffix: str) -> float:
    """Reversal potential of a current, NaN where the owner has no variable that looks like it."""
    for name in (f"e{base[1:]}", *_REVERSALS):
        for holder in (owner, nrn()) if suffix else (owner,):
            value = getattr(holder, f"{name}{suffix}", None)
            if isinstance(value, float):
                return value
    return float("nan")


def _segments(cells: Sequence[SimulatedCell], recorder: Recorder) -> list[Any]:
    segments = []
    for cell, index in zip(cells, recorder.index, strict=True):
        segments += [cell.segments[k] for k in index.tolist()]
    return segments


def _areas(cells: Sequence[SimulatedCell], recorder: Recorder) -> np.ndarray:
    """What turns densities of the columns of a recorder into nA, shape (columns,)."""
    return DENSITY * np.array([s.area() for s in _segments(cells, recorder)], dtype=float)

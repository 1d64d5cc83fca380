"""BlueRecording's file of weights: what each contact sees of one nA of each compartment.

neurodamus multiplies membrane currents with them while a circuit runs. Read in BlueRecording's and
neurodamus's source; the layout is SONATA's "electrodes" file.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import h5py
import numpy as np

from lfpcli import __version__
from lfpcli.errors import InputError, UsageError
from lfpcli.guarded.hdf5 import numbers, whole
from lfpcli.guarded.writing import new_hdf5
from lfpcli.io.recording import open_hdf5
from lfpcli.io.text import as_text

_ABSENT = "NA"
_FACTS = ("position", "type", "region", "layer")
# BlueRecording writes none of these: its weights are volts per nA, whatever SONATA says
_UNITS = {"mV/nA": 1.0, "V/nA": 1e3}
_COLUMN = re.compile(r"^\d+_")


@dataclass(frozen=True, kw_only=True)
class Electrode:
    """A contact or another channel.

    Attributes
    ----------
    name : str
        Its name, unlike those of all others.
    type : str
        Name of the forward model.
    units : str
        Unit of its weights.
    position : ndarray, shape (3,)
        Its place, um; NaN where it has none.
    """

    name: str
    type: str
    units: str
    position: np.ndarray


@dataclass(frozen=True, kw_only=True)
class CellRows:
    """Cells of a population.

    Attributes
    ----------
    population : str
        The population.
    node_ids : ndarray of int, shape (n,)
        Ascending.
    offsets : ndarray of int, shape (n + 1,)
        Rows of cell k are ``offsets[k]:offsets[k + 1]``.
    """

    population: str
    node_ids: np.ndarray
    offsets: np.ndarray


class WeightsWriter:
    """Writes a file of weights; a context manager.

    Names of electrodes are numbered, with zeros in front: readers count columns in the order of
    sorted names.

    Parameters
    ----------
    path : Path
        The file.
    electrodes : sequence of Electrode
        The channels, in the order of the columns.
    circuit : str
        Name of the circuit or model.
    """

    def __init__(self, path: Path, electrodes: Sequence[Electrode], circuit: str) -> None:
        self._new = new_hdf5(path)
        self._electrodes, self._circuit = electrodes, circuit

    def __enter__(self) -> WeightsWriter:
        self._file = self._new.__enter__()
        width = len(str(max(len(self._electrodes) - 1, 0)))
        self._names: list[str] = []
        text = h5py.string_dtype()
        for number, electrode in enumerate(self._electrodes):
            name = f"{number:0{width}d}_{electrode.name}".replace("/", ".")
            self._names.append(name)
            group = self._file.create_group(f"electrodes/{name}")
            group["position"] = electrode.position
            group["position"].attrs["units"] = "um"
            group.create_dataset("type", data=electrode.type, dtype=text)
            for key in ("region", "layer"):
                group.create_dataset(key, data=_ABSENT, dtype=text)
        return self

    def __exit__(self, *error: object) -> None:
        self._new.__exit__(*error)  # type: ignore[arg-type]

    def population(self, cells: CellRows) -> h5py.Dataset:
        """Begin a population; its weights, shape (rows, channels + 1), are to be filled.

        The last column is that of the sum of currents, as BlueRecording leaves it.
        """
        name = cells.population
        if name in self._names:
            raise UsageError(
                f"an electrode and a population are both called '{name}'",
                remedy="rename the population",
            )
        group = self._file.create_group(name)
        group["node_ids"] = cells.node_ids.astype(np.uint64)
        group["node_ids"].attrs["circuit"] = self._circuit
        group["node_ids"].attrs["version"] = f"lfp {__version__}"
        group["offsets"] = cells.offsets.astype(np.uint64)
        rows, channels = int(cells.offsets[-1]), len(self._electrodes)
        weights = self._file.create_dataset(
            f"electrodes/{name}/scaling_factors", (rows, channels + 1), "f8", fillvalue=1.0
        )
        units = sorted({electrode.units for electrode in self._electrodes})
        weights.attrs["units"] = "/nA ".join(units) + "/nA"
        for number, electrode in enumerate(self._names):
            self._file[f"electrodes/{electrode}/{name}"] = np.int64(number)
        return weights


def electrode_positions(path: Path) -> np.ndarray:
    """Places of the contacts of a file of weights, in the order of its columns.

    Parameters
    ----------
    path : Path
        The file.

    Returns
    -------
    ndarray, shape (C, 3)
        um.

    Raises
    ------
    InputError
        Where it is no such file.
    """
    with open_hdf5(path) as (file, name):
        root = file.get("electrodes")
        if not isinstance(root, h5py.Group):
            raise InputError("has no electrodes", source=name, remedy="give a file of weights")
        columns: dict[int, np.ndarray] = {}
        for electrode, group in root.items():
            if not isinstance(group, h5py.Group) or "position" not in group:
                # the weights themselves lie beside the contacts
                continue
            base = f"electrodes/{electrode}"
            places = whole(numbers(file, f"{base}/position", name, ndim=1))
            numbered = [key for key in group if key not in _FACTS]
            if len(places) != 3 or not numbered:
                raise InputError(
                    "tells no place and column",
                    source=f"{name}:/{base}",
                    remedy="write the weights again",
                )
            column = whole(numbers(file, f"{base}/{numbered[0]}", name, ndim=0), np.int64)
            columns[int(column)] = places
    return np.array([columns[number] for number in sorted(columns)]).reshape(-1, 3)


@dataclass(frozen=True, kw_only=True, eq=False)
class Weights:
    """Weights of segments in contacts.

    Attributes
    ----------
    names : list of str
        Names of the contacts.
    positions : ndarray, shape (C, 3)
        Their places, um.
    cells : dict of int to ndarray, shape (N, C)
        Of each cell by its number, potential per current of its segments, mV/nA.
    """

    names: list[str]
    positions: np.ndarray
    cells: dict[int, np.ndarray]


def read_weights(path: Path) -> Weights:
    """Read weights in BlueRecording's layout.

    Parameters
    ----------
    path : Path
        The file.

    Raises
    ------
    InputError
        Where it is none, does not tell its unit, or two populations have cells of one number.
    """
    positions = electrode_positions(path)
    if not len(positions) or not np.all(np.isfinite(positions)):
        raise InputError(
            "has channels without a place, which are no contacts",
            source=path,
            remedy="write the weights of contacts alone",
        )
    with open_hdf5(path) as (file, name):
        labels = sorted(key for key, node in file["electrodes"].items() if "position" in node)
        cells = _all_cells(file, name, channels=len(positions))
    if not cells:
        raise InputError("has no cells", source=path, remedy="write the weights again")
    # columns are in the order of the names, before which our own have their number
    names = [_COLUMN.sub("", label) for label in labels]
    return Weights(names=names, positions=positions, cells=cells)


def _all_cells(file: h5py.File, name: str, *, channels: int) -> dict[int, np.ndarray]:
    """Weights of the cells of all populations by their numbers, (N, channels) each, mV/nA."""
    cells: dict[int, np.ndarray] = {}
    populations = [key for key in file if isinstance(file.get(f"{key}/node_ids"), h5py.Dataset)]
    for population in populations:
        of_population = _cells_of(file, population, name, channels=channels)
        if cells.keys() & of_population.keys():
            raise InputError(
                "has cells of several populations with one number",
                source=f"{name}:/{population}",
                remedy="write the weights of each population into a file of its own",
            )
        cells |= of_population
    return cells


def _cells_of(
    file: h5py.File, population: str, name: str, *, channels: int
) -> dict[int, np.ndarray]:
    """Weights of the cells of a population."""
    stored = numbers(file, f"electrodes/{population}/scaling_factors", name, ndim=2)
    source = f"{name}:/electrodes/{population}/scaling_factors"
    units = as_text(stored.attrs.get("units", ""))
    if units not in _UNITS:
        raise InputError(
            f"has the unit '{units}'" if units else "has no attribute units",
            source=source,
            remedy="set it to mV/nA or, as BlueRecording computes them, V/nA",
        )
    ids = whole(numbers(file, f"{population}/node_ids", name, ndim=1), np.int64)
    offsets = whole(numbers(file, f"{population}/offsets", name, ndim=1), np.int64)
    weights = _UNITS[units] * whole(stored)[:, :channels]
    if (
        len(offsets) != len(ids) + 1
        or offsets[0] != 0
        or np.any(np.diff(offsets) < 0)
        or weights.shape != (offsets[-1], channels)
    ):
        raise InputError(
            f"has shape {stored.shape} for {len(ids)} cells and {channels} contacts",
            source=source,
            remedy="write the weights again",
        )
    ends = zip(offsets[:-1].tolist(), offsets[1:].tolist(), strict=True)
    return {int(gid): weights[a:b] for gid, (a, b) in zip(ids.tolist(), ends, strict=True)}

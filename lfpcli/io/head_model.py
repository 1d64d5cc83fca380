"""Head models from files: lead fields in HDF5, the New York head, MNE's forward solutions."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import ArrayLike

from lfpcli.errors import InputError, UsageError, nearest
from lfpcli.forward.arrays import moment
from lfpcli.forward.lead_field import LeadField
from lfpcli.forward.orientation import rotations_onto
from lfpcli.guarded.hdf5 import CheckedDataset, numbers, open_hdf5, texts, whole
from lfpcli.io import stream
from lfpcli.io.mne import mne_lead_field
from lfpcli.io.montage import UM
from lfpcli.io.provenance import digest
from lfpcli.io.simnibs import MESH, simnibs_lead_field
from lfpcli.io.text import as_text
from lfpcli.vocabulary import LEAD_FORMAT, NEW_YORK_HEAD

# to mV, T or T/m, per nA um
LEAD_FIELD_UNITS = {
    "mV/(nA um)": ("mV", 1.0),
    "uV/(nA m)": ("mV", 1e-9),
    "V/(A m)": ("mV", 1e-12),
    "T/(nA um)": ("T", 1.0),
    "fT/(nA m)": ("T", 1e-21),
    "T/(A m)": ("T", 1e-15),
    "T/m/(nA um)": ("T/m", 1.0),
    "T/m/(A m)": ("T/m", 1e-15),
}
UNITS_OF = {"eeg": {"mV"}, "meg": {"T", "T/m"}}
# Naess et al. 2021, NeuroImage 225:117467; um, in the axes of the New York head
NY_SITES = {
    "calcarine_sulcus": (5000.0, -86000.0, 2000.0),
    "motorsensory_cortex": (18000.0, 8000.0, 71000.0),
    "parietal_lobe": (54000.0, -48000.0, 55900.0),
    "occipital_lobe": (-24700.0, -103300.0, -1460.0),
}
_EXPECTED = "expected a lead field, the New York head, SimNIBS' or MNE's -fwd.fif; see lfp-eeg(1)"


def cached_file() -> Path:
    """Where the New York head is looked for when it is asked for by name."""
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "lfp" / "sa_nyhead.mat"


def head_model_file(source: str | os.PathLike[str]) -> Path:
    """The file of a head model: a path, or ``NYhead`` for the cached and checked copy.

    Raises
    ------
    InputError
        Where the cache has no copy, no checksum beside it, or another one.
    """
    if str(source) != NEW_YORK_HEAD or Path(source).exists():
        return Path(source)
    path = cached_file()
    sums = path.with_name(path.name + ".sha256")
    if not path.is_file() or not sums.is_file():
        raise InputError(
            "the New York head is not in the cache, and nothing is downloaded",
            source=path if not path.is_file() else sums,
            remedy=f"copy sa_nyhead.mat to {path}, then: sha256sum < {path} > {sums}",
        )
    # as sha256sum writes it: the digest, and a name that does not count
    wanted = sums.read_text(encoding="ascii", errors="replace").split()
    if not wanted or digest(path) != wanted[0].lower():
        raise InputError(
            "checksum of the cached head model is wrong",
            source=path,
            remedy="copy it to the cache again",
        )
    return path


def load_head_model(source: str | os.PathLike[str], modality: str = "eeg") -> LeadField:
    """Read a head model; of an HDF5 file the lead field itself stays there until it is used.

    Parameters
    ----------
    source : path-like
        HDF5 with ``/leadfield``; the New York head's .mat; MNE's ``-fwd.fif``; or ``NYhead``.
    modality : {'eeg', 'meg'}
        Which signals are wanted.

    Raises
    ------
    InputError
        Where the file has another layout, other shapes, or unknown units.
    MissingDependencyError
        Where MNE is needed and not there.
    """
    # the fields of whole heads have hundreds of MB, of which a dipole needs a few rows
    path = head_model_file(source)
    if path.name.lower().endswith((".fif", ".fif.gz")):
        return mne_lead_field(path, modality)
    stream.check_input(path)
    with open_hdf5(path, remedy=_EXPECTED) as file:
        if as_text(file.attrs.get("format", "")) == LEAD_FORMAT:
            raise InputError(
                "holds lead fields of contacts, no head",
                source=path,
                remedy="measure with lfp probe --lead-field, or solve a head: lfp leadfield --mesh",
            )
        if MESH in file:
            lead_field = simnibs_lead_field(file, path)
        else:
            lead_field = _new_york(file, path) if "sa" in file else _plain(file, path)
    units = set(lead_field.channel_units)
    if not units <= UNITS_OF[modality]:
        raise InputError(
            f"lead field is in {', '.join(sorted(units))} per nA um, no {modality.upper()}",
            source=path,
            remedy="name a file of that modality",
        )
    return lead_field


class _Stored:
    """A dataset (S, 3, E) in a file, or one (3, S, E) read as such; a lead field may be large."""

    def __init__(self, path: Path, name: str, *, components_first: bool = False) -> None:
        self._path, self._name = path, name
        self._components_first = components_first

    def __getitem__(self, sources: np.ndarray) -> np.ndarray:
        with open_hdf5(self._path, remedy=_EXPECTED) as file:
            stored = CheckedDataset(file[self._name], f"{self._path}:{self._name}")
            if self._components_first:
                values = np.asarray(stored[:, sources, :].transpose(1, 0, 2))
            else:
                values = np.asarray(stored[sources])
        if not np.all(np.isfinite(values)):
            raise InputError(
                "holds NaN or infinity", source=stored.source, remedy="write finite numbers"
            )
        return values


def _new_york(file: h5py.File, path: Path) -> LeadField:
    """The ICBM-NY head (Huang, Parra and Haufe 2016, NeuroImage 140:150); lengths in mm."""
    cortex = "sa/cortex75K"
    dataset = _dataset(file, f"{cortex}/V_fem", path, (3, None, None))
    sources, count = dataset.shape[1:]
    mm = UM["mm"]
    electrodes = _dataset(file, "sa/locs_3D", path, (None, count))
    if electrodes.shape[0] < 3:
        raise InputError(
            f"has {electrodes.shape[0]} rows, expected 3 or 6",
            source=f"{path}:locs_3D",
            remedy="get the head again from where it came",
        )
    return LeadField(
        matrix=_Stored(path, dataset.name, components_first=True),
        scale=LEAD_FIELD_UNITS["uV/(nA m)"][1],
        positions=whole(_dataset(file, f"{cortex}/vc", path, (3, sources))).T * mm,
        # the rows after the third are directions, which nothing here needs
        electrodes=whole(electrodes)[:3].T * mm,
        normals=whole(_dataset(file, f"{cortex}/normals", path, (3, sources))).T,
        names=[f"E{k + 1}" for k in range(count)],
        sites=dict(NY_SITES),
    )


def _plain(file: h5py.File, path: Path) -> LeadField:
    """The layout of lfp-eeg(1): /leadfield, /positions, /normals, /electrodes."""
    dataset = _dataset(file, "leadfield", path, (None, 3, None))
    sources, _, count = dataset.shape
    units = _units(dataset, LEAD_FIELD_UNITS, path)
    normals = None
    if "normals" in file:
        normals = whole(_dataset(file, "normals", path, (sources, 3)))
    names = [f"E{k + 1}" for k in range(count)]
    if "electrodes/names" in file:
        names = texts(file, "electrodes/names", str(path), remedy=_EXPECTED)
        if len(names) != count:
            raise InputError(
                f"holds {len(names)} names for {count} electrodes",
                source=f"{path}:/electrodes/names",
                remedy="see lfp-eeg(1) for the layout",
            )
    signal_units, scale = LEAD_FIELD_UNITS[units]
    return LeadField(
        matrix=_Stored(path, dataset.name),
        scale=scale,
        positions=_lengths(_dataset(file, "positions", path, (sources, 3)), path),
        electrodes=_lengths(_dataset(file, "electrodes/positions", path, (count, 3)), path),
        normals=normals,
        names=names,
        units=signal_units,
    )


def _dataset(
    file: h5py.File, name: str, path: Path, shape: tuple[int | None, ...]
) -> CheckedDataset:
    """A dataset whose shape is as expected, None standing for any length."""
    dataset = f"{path}:/{name}"
    node = file.get(name)
    if not isinstance(node, h5py.Dataset):
        raise InputError("head model has no such dataset", source=dataset, remedy="see lfp-eeg(1)")
    checked = numbers(file, name, str(path), remedy="see lfp-eeg(1) for the layout")
    fits = checked.ndim == len(shape) and all(
        want in (None, have) and have > 0 for want, have in zip(shape, checked.shape, strict=True)
    )
    if not fits:
        wanted = ", ".join("any" if n is None else str(n) for n in shape)
        raise InputError(
            f"has shape {checked.shape}, expected ({wanted})",
            source=dataset,
            remedy="see lfp-eeg(1) for the layout",
        )
    return checked


def _units(dataset: CheckedDataset, known: dict[str, Any], path: Path) -> str:
    units = as_text(dataset.attrs.get("units", ""))
    if units not in known:
        raise InputError(
            f"has units '{units}'" if units else "has no attribute 'units'",
            source=f"{path}:{dataset.name}",
            remedy="known units: " + ", ".join(known),
        )
    return units


def _lengths(dataset: CheckedDataset, path: Path) -> np.ndarray:
    return whole(dataset) * UM[_units(dataset, UM, path)]


class NYHeadModel:
    """The New York head, from its file.

    Parameters
    ----------
    nyhead_file : path-like
        ``sa_nyhead.mat`` (MATLAB 7.3), or ``NYhead`` for the checked copy in the cache.

    Attributes
    ----------
    lead_field : LeadField
        Sources, electrodes and normals; um.
    vertex : int
        The source in use; `set_dipole_pos` chooses it.
    """

    def __init__(self, nyhead_file: str | os.PathLike[str] = NEW_YORK_HEAD) -> None:
        self.lead_field = load_head_model(nyhead_file)
        self.set_dipole_pos()

    def set_dipole_pos(self, dipole_pos: str | ArrayLike | None = None) -> None:
        """Choose the source: a named site, a place x, y, z in um, or the motor cortex.

        Raises
        ------
        InputError
            Where the nearest source is more than 2 mm away.
        """
        wanted = "motorsensory_cortex" if dipole_pos is None else dipole_pos
        self.vertex = self.lead_field.nearest(place_of(wanted, self.lead_field.sites))

    def get_transformation_matrix(self) -> np.ndarray:
        """Potentials of unit dipoles at the source, shape (E, 3), mV per nA um."""
        return self.lead_field.get_transformation_matrix(self.vertex)

    def get_dipole_potential(self, p: ArrayLike) -> np.ndarray:
        """Potentials of a dipole p (3, T), nA um, at the source; shape (E, T), mV."""
        return np.asarray(self.get_transformation_matrix() @ moment(p))

    def rotate_dipole_to_surface_normal(self, p: ArrayLike) -> np.ndarray:
        """Dipole moment p (3, T) of a cell along z, turned onto the cortex normal."""
        assert self.lead_field.normals is not None
        return np.asarray(rotations_onto(self.lead_field.normals[self.vertex])[0] @ moment(p))

    def find_closest_electrode(self) -> tuple[float, int]:
        """Distance, um, and index of the electrode nearest to the source."""
        gap = self.lead_field.electrodes - self.lead_field.positions[self.vertex]
        distance = np.linalg.norm(gap, axis=1)
        return float(distance.min()), int(distance.argmin())


def place_of(position: str | ArrayLike, sites: Mapping[str, Sequence[float]]) -> np.ndarray:
    """Place of a named site, or the place itself, shape (3,), um.

    Raises
    ------
    UsageError
        Where no site has that name.
    """
    if not isinstance(position, str):
        return np.asarray(position, dtype=float)
    if position not in sites:
        raise UsageError(
            f"'{position}' is neither a place x,y,z nor a site of this model",
            remedy=nearest(position, sites, "site") if sites else "give the place as x,y,z in um",
        )
    return np.array(sites[position])

"""The formats that recordings are turned into and made from, each with what it can hold."""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

from lfpcli.errors import MissingDependencyError, UsageError, nearest

_ROOM = "lfpcli.io.exchange"

PARTS = {
    "geometry": "the geometry of cells",
    "parameters": "parameters of forward models",
    "signals": "signals",
    "spikes": "spikes",
    "positions": "positions of channels",
    "shares": "shares of populations, cells and currents",
    "dipoles": "dipole moments",
    "names": "names of channels",
    "units": "units",
    "times": "times",
    "start": "the time of the first sample, which is not 0",
    "truth": "the ground truth of units",
    "populations": "names of populations",
}
"""What a recording may hold and a format may lack, in words."""


@dataclass(frozen=True, kw_only=True)
class Format:
    """A format of another tool.

    Attributes
    ----------
    name : str
        What it is called after ``--to`` or ``--from``, and in ``--list``.
    module : str
        The module of this room that writes or reads it.
    suffixes : tuple of str
        File names that ask for it.
    packages : tuple of str
        What must be installed beside this package.
    extra : str
        The extra that installs those, ``pip install 'lfpcli[EXTRA]'``.
    folder : bool
        Whether it is a folder of files.
    keeps : str
        What of a recording it holds.
    lacks : tuple of str
        What it cannot hold, of `PARTS`.
    chooses_type : bool
        Whether samples may be stored in single precision or in double.
    fixed_endings : tuple of str
        Ends of names that ask for a part of the format whose type is fixed all the same.
    """

    name: str
    module: str
    suffixes: tuple[str, ...] = ()
    packages: tuple[str, ...] = ()
    extra: str = ""
    folder: bool = False
    keeps: str = ""
    lacks: tuple[str, ...] = ()
    chooses_type: bool = True
    fixed_endings: tuple[str, ...] = ()

    def load(self) -> ModuleType:
        """Import the module that writes or reads the format.

        Raises
        ------
        MissingDependencyError
            Where a package that it needs is not installed.
        """
        for package in self.packages:
            if importlib.util.find_spec(package) is None:
                raise MissingDependencyError(
                    f"{self.name} needs the package {package}",
                    remedy=f"pip install 'lfpcli[{self.extra}]'",
                )
        return importlib.import_module(f"{_ROOM}.{self.module}")


TARGETS = (
    Format(
        name="npz",
        module="numpy_files",
        suffixes=(".npz",),
        keeps="signals, dipoles, reports, spikes, positions, names",
        lacks=("geometry", "parameters", "truth"),
    ),
    Format(
        name="npy",
        module="numpy_files",
        suffixes=(".npy",),
        keeps="the samples of one signal (T, C)",
        lacks=(
            *("geometry", "parameters", "spikes", "positions", "shares"),
            *("names", "units", "times", "truth"),
        ),
    ),
    Format(
        name="csv",
        module="tables",
        suffixes=(".csv",),
        keeps="one signal as rows of time, channel, value; or spikes as gid, ms",
        lacks=("geometry", "parameters", "positions", "units", "truth"),
    ),
    Format(
        name="tsv",
        module="tables",
        suffixes=(".tsv",),
        keeps="one signal as rows of time, channel, value; or spikes as gid, ms",
        lacks=("geometry", "parameters", "positions", "units", "truth"),
    ),
    Format(
        name="mat",
        module="matlab",
        suffixes=(".mat",),
        keeps="signals, dipoles, reports, spikes, positions, names, units",
        lacks=("geometry", "parameters", "truth"),
    ),
    Format(
        name="nwb",
        module="nwb",
        suffixes=(".nwb",),
        packages=("pynwb",),
        extra="nwb",
        keeps="signals as ElectricalSeries or TimeSeries, electrodes, units, dipoles, reports",
        lacks=("geometry", "shares"),
    ),
    Format(
        name="zarr",
        module="zarr_store",
        suffixes=(".zarr",),
        packages=("zarr",),
        extra="zarr",
        folder=True,
        keeps="signals, shares, dipoles, reports, spikes, with named axes for xarray",
        lacks=("geometry", "truth"),
    ),
    Format(
        name="edf",
        module="edf",
        suffixes=(".edf", ".bdf"),
        packages=("edfio",),
        extra="edf",
        keeps="one signal, in 16 (.edf) or 24 bits (.bdf) over the range of each channel",
        lacks=("geometry", "parameters", "spikes", "positions", "shares", "truth", "start"),
        chooses_type=False,
    ),
    Format(
        name="fif",
        module="fif",
        suffixes=(".fif",),
        packages=("mne",),
        extra="mne",
        keeps="one EEG, MEG or extracellular signal with its sensors, or a fixed dipole",
        lacks=("geometry", "parameters", "spikes", "shares", "truth"),
        fixed_endings=("-ave.fif", "-dip.fif"),
    ),
    Format(
        name="dip",
        module="mne_sources",
        suffixes=(".dip",),
        packages=("mne",),
        extra="mne",
        keeps="one dipole moment, rounded to 0.1 ms and 1e-12 A m",
        lacks=("geometry", "parameters", "spikes", "signals", "truth"),
        chooses_type=False,
    ),
    Format(
        name="stc",
        module="mne_sources",
        suffixes=(".stc",),
        packages=("mne",),
        extra="mne",
        keeps="dipole moments along z, a vertex each, in single precision (NAME-vl.stc)",
        lacks=("geometry", "parameters", "spikes", "signals", "truth"),
        chooses_type=False,
    ),
    Format(
        name="nc",
        module="netcdf",
        suffixes=(".nc",),
        folder=False,
        keeps="signals, shares, dipoles, reports, spikes, with named axes for xarray and netCDF",
        lacks=("geometry", "truth"),
    ),
    Format(
        name="nix",
        module="nix",
        suffixes=(".nix",),
        packages=("neo", "nixio"),
        extra="neo",
        keeps="signals, dipoles, reports, spikes; positions as array annotations",
        lacks=("geometry", "parameters", "shares", "truth"),
        chooses_type=False,
    ),
    Format(
        name="sonata",
        module="sonata_files",
        folder=True,
        keeps="spikes, reports in single precision, potentials as ecp files, contacts",
        lacks=("geometry", "parameters", "dipoles", "shares", "truth"),
        chooses_type=False,
    ),
    Format(
        name="hybridlfpy",
        module="hybridlfpy",
        folder=True,
        keeps="signals of populations and their sum, spikes as gdf",
        lacks=("geometry", "parameters", "positions", "names", "units", "truth", "start"),
    ),
    Format(
        name="spikeinterface",
        module="spikeinterface_folder",
        packages=("spikeinterface",),
        extra="spikeinterface",
        folder=True,
        keeps="one signal with its probe, spikes as a sorting",
        lacks=("geometry", "parameters", "shares", "start"),
    ),
    Format(
        name="mearec",
        module="mearec",
        keeps="one signal with its array, units with templates and places; or templates",
        lacks=("geometry", "parameters", "shares", "names", "start"),
    ),
    Format(
        name="bluerecording",
        module="bluerecording",
        keeps="weights of segments in the channels of a model's probes, EEG and MEG",
    ),
    Format(
        name="gdf",
        module="tables",
        suffixes=(".gdf",),
        keeps="spikes as lines of gid and ms",
        lacks=("geometry", "parameters", "signals", "dipoles", "truth", "populations"),
        chooses_type=False,
    ),
)

SOURCES = (
    Format(name="lfp", module="recordings", keeps="a recording of lfp"),
    Format(name="templates", module="mearec_templates", keeps="templates of lfp, for mearec"),
    Format(
        name="lfpy",
        module="lfpy_files",
        keeps="signals and dipoles that simulate(to_file=True) of LFPy writes",
    ),
    Format(
        name="sonata",
        module="sonata_files",
        keeps="spikes, compartment reports and ecp files of bmtk and neurodamus",
    ),
    Format(
        name="model",
        module="bluerecording",
        keeps="a model of lfp (TOML), for bluerecording and for circuits of sonata",
    ),
    Format(
        name="network",
        module="sonata_circuit",
        keeps="what lfp sim --save-network wrote, for circuits of sonata",
    ),
    Format(
        name="circuit",
        module="sonata_files",
        keeps="a SONATA configuration: spikes and reports of its last run, with its cells",
    ),
    Format(name="mearec", module="mearec", keeps="recordings of MEArec, spikes included"),
    Format(
        name="mearec-templates",
        module="mearec_templates",
        keeps="templates of MEArec, for lfp convolve",
    ),
    Format(name="hybridlfpy", module="hybridlfpy", keeps="signals of hybridLFPy: /data and /srate"),
    Format(name="hnn", module="dipole_tables", keeps="dipoles of hnn-core: .txt, .csv, .hdf5"),
    Format(
        name="netpyne",
        module="netpyne",
        keeps="LFP, dipole and spikes in the JSON that NetPyNE saves",
    ),
    Format(
        name="nwb",
        module="nwb",
        packages=("pynwb",),
        extra="nwb",
        keeps="electrical series and units",
    ),
    Format(name="gdf", module="tables", keeps="spikes as text of gid and ms, or .npz"),
)


def target_format(name: str | None, output: str) -> Format:
    """The format to write: the one that is named, or that the suffix of the output asks for.

    Raises
    ------
    UsageError
        Where there is none of that name or suffix.
    """
    if name is not None:
        return _by_name(name, TARGETS, "format")
    suffix = Path(output).suffix.lower()
    for target in TARGETS:
        if suffix in target.suffixes:
            return target
    known: list[str] = []
    for target in TARGETS:
        known += target.suffixes
    raise UsageError(
        f"no format is known by '{suffix or Path(output).name}'",
        remedy=f"use one of .h5, {', '.join(known)}, or name a format with --to",
    )


def known_by_suffix(name: str) -> str:
    """Name of the format that the suffix of a file asks for, "" where none does."""
    suffix = Path(name).suffix.lower()
    return next((each.name for each in TARGETS if suffix in each.suffixes), "")


def source_format(name: str) -> Format:
    """The format to read, by its name."""
    return _by_name(name, SOURCES, "format")


def _by_name(name: str, formats: tuple[Format, ...], noun: str) -> Format:
    names: Mapping[str, Format] = {each.name: each for each in formats}
    if name not in names:
        raise UsageError(f"unknown format '{name}'", remedy=nearest(name, names, noun))
    return names[name]

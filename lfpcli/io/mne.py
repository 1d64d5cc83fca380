"""MNE-Python, where it is installed: montages, sensors and forward solutions."""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from lfpcli.errors import InputError, LfpError, MissingDependencyError, UsageError, nearest
from lfpcli.forward.lead_field import LeadField
from lfpcli.forward.sensors import Sensors
from lfpcli.guarded.trial import tried
from lfpcli.io import stream

T = TypeVar("T")

UM_PER_METRE = 1e6
# of the 10-05 system; the name changed between versions
TEN_FIVE = ("colin27_1005", "standard_1005")
# T/(A m) to T/(nA um), also per metre, and V/(A m) to mV/(nA um)
PER_NA_UM = {"meg": 1e-15, "eeg": 1e-12}
_UNITS = {"eeg": "mV", "mag": "T", "grad": "T/m"}


def require_mne(purpose: str) -> Any:
    """Return the module `mne`, quiet; a `MissingDependencyError` with pip's line without it."""
    try:
        import mne
    except ImportError as error:
        raise MissingDependencyError(
            f"{purpose} needs MNE-Python, which is not installed",
            remedy="pip install 'lfpcli[mne]'",
        ) from error
    mne.set_log_level("ERROR")
    return mne


def mne_montage(name: str) -> tuple[list[str], np.ndarray]:
    """Electrodes of one of MNE's montages.

    Parameters
    ----------
    name : str
        A name that `mne.channels.make_standard_montage` knows, or ``10-05``.

    Returns
    -------
    names : list of str
    positions : ndarray, shape (C, 3)
        um, in MNE's axes: x to the right, y to the front, z up.
    """
    mne = require_mne(f"montage '{name}'")
    known = mne.channels.get_builtin_montages()
    wanted = next((n for n in TEN_FIVE if n in known), name) if name == "10-05" else name
    try:
        with warnings.catch_warnings():
            # former names, such as standard_1020, are no longer listed, but are still made
            warnings.simplefilter("ignore")
            template = mne.channels.make_standard_montage(wanted)
    except ValueError as error:
        raise UsageError(
            f"MNE has no montage '{wanted}'", remedy=nearest(wanted, known, "montage")
        ) from error
    positions = template.get_positions()["ch_pos"]
    return list(positions), np.array(list(positions.values())) * UM_PER_METRE


def mne_sensors(source: str | os.PathLike[str]) -> Sensors:
    """MEG coils of a measurement file, with MNE's accurate integration points.

    Parameters
    ----------
    source : path-like
        A FIF file with measurement information (raw, epochs, evoked, or info alone).

    Returns
    -------
    Sensors
        In head coordinates where the file has them, else in those of the device; um.
    """
    mne = require_mne(f"reading sensors from '{source}'")
    return _guarded(source, "measurement information", lambda: _sensors(mne, source))


def _guarded(source: str | os.PathLike[str], contents: str, read: Callable[[], T]) -> T:
    """Read a FIF file in a child process first: MNE follows what it says, also in circles.

    Raises
    ------
    InputError
        Where it is not what it should be.
    """
    stream.check_input(source)

    def named() -> T:
        try:
            return read()
        except LfpError:
            raise
        # MNE raises whatever its parsing meets
        except Exception as error:
            raise InputError(
                f"holds no {contents}: {_line(error)}", source=source, remedy="write it with MNE"
            ) from error

    tried(named, str(source), program="MNE", size=Path(source).stat().st_size)
    return named()


def _sensors(mne: Any, source: str | os.PathLike[str]) -> Sensors:
    info = mne.io.read_info(os.fspath(source))
    picks = mne.pick_types(info, meg=True, ref_meg=False)
    if len(picks) == 0:
        raise InputError(
            "has no MEG channels", source=source, remedy="name a file of an MEG recording"
        )
    channels = [info["chs"][pick] for pick in picks]
    planar = [mne.channel_type(info, pick) == "grad" for pick in picks]
    coils = mne.forward._create_meg_coils(channels, "accurate", info["dev_head_t"])
    return Sensors(
        np.concatenate([coil["rmag"] for coil in coils]) * UM_PER_METRE,
        np.concatenate([coil["cosmag"] for coil in coils]),
        np.concatenate([coil["w"] for coil in coils]),
        np.repeat([ch["ch_name"] for ch in channels], [len(coil["w"]) for coil in coils]).tolist(),
        units=["T/m" if grad else "T" for grad in planar],
    )


def mne_lead_field(source: str | os.PathLike[str], modality: str) -> LeadField:
    """Lead field of one of MNE's forward solutions (``-fwd.fif``).

    Parameters
    ----------
    source : path-like
        The file; its source orientations must be free.
    modality : {'eeg', 'meg'}
        Which channels.

    Returns
    -------
    LeadField
        In the coordinates of the solution, um.
    """
    mne = require_mne(f"reading the forward solution '{source}'")
    return _guarded(source, "forward solution of MNE", lambda: _lead_field(mne, source, modality))


def _lead_field(mne: Any, source: str | os.PathLike[str], modality: str) -> LeadField:
    forward = mne.read_forward_solution(os.fspath(source))
    if mne.forward.is_fixed_orient(forward):
        raise InputError(
            "forward solution has fixed orientations",
            source=source,
            remedy="make it with free ones",
        )
    forward = mne.convert_forward_solution(forward, surf_ori=False, force_fixed=False)
    if not any(
        mne.channel_type(forward["info"], k) in _TYPES[modality] for k in range(_size(forward))
    ):
        raise InputError(
            f"forward solution has no {modality.upper()} channels",
            source=source,
            remedy="name the solution of that modality",
        )
    forward = mne.pick_types_forward(forward, meg=modality == "meg", eeg=modality == "eeg")
    names = list(forward["sol"]["row_names"])
    info = forward["info"]
    # by name: nothing promises that the rows are in the order of the channels
    units = [_UNITS[mne.channel_type(info, info["ch_names"].index(name))] for name in names]
    matrix = forward["sol"]["data"]
    return LeadField(
        # MNE's columns: x, y, z of the first source, then of the second
        matrix=matrix.reshape(len(matrix), -1, 3).transpose(1, 2, 0),
        scale=PER_NA_UM[modality],
        positions=forward["source_rr"] * UM_PER_METRE,
        electrodes=_places(mne, forward["info"]) * UM_PER_METRE,
        normals=_normals(forward["src"]),
        names=names,
        units=units,
    )


_TYPES = {"eeg": ("eeg",), "meg": ("mag", "grad")}


def _size(forward: Any) -> int:
    return len(forward["info"]["ch_names"])


def _normals(spaces: Any) -> np.ndarray | None:
    """Normals of the cortex, which only surfaces have."""
    if any(space["type"] != "surf" for space in spaces):
        return None
    return np.concatenate([space["nn"][space["vertno"]] for space in spaces])


def _places(mne: Any, info: Any) -> np.ndarray:
    """Places of the channels in head coordinates, m; coils are stored in those of the device."""
    places = np.array([channel["loc"][:3] for channel in info["chs"]])
    in_head = [mne.channel_type(info, k) == "eeg" for k in range(len(places))]
    if info["dev_head_t"] is None or all(in_head):
        return places
    moved = mne.transforms.apply_trans(info["dev_head_t"], places)
    return np.where(np.array(in_head)[:, None], places, moved)


def _line(error: Exception) -> str:
    return " ".join(str(error).split())[:200]

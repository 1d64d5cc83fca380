"""Options of a conversion that would change nothing, which are refused."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from lfpcli.errors import UsageError
from lfpcli.io.exchange.contents import Contents
from lfpcli.io.exchange.registry import Format
from lfpcli.tasks.convert.selection import Selection

# what is no recording heeds these options alone
_CIRCUITS: tuple[str, ...] = ()
_WEIGHTS = ("--signal", "--channels")
_SAMPLES = ("--channels", "--resample", "--units", "--dtype")


@dataclass(frozen=True, kw_only=True)
class Formats:
    """What is known of the formats beside the names of the files.

    Attributes
    ----------
    to, from_ : str, optional
        Names of the formats, where suffix and contents do not tell them.
    dt : float, optional
        Sampling interval of files that do not tell it, ms.
    circuit : path-like, optional
        Configuration of the circuit whose reports or spikes are read.
    cell_type : str, optional
        Name of the cell of templates; the name of the file by default.
    """

    to: str | None = None
    from_: str | None = None
    dt: float | None = None
    circuit: str | os.PathLike[str] | None = None
    cell_type: str | None = None


def check_options(
    reader: Format,
    target: Format | None,
    selection: Selection,
    formats: Formats,
    *,
    output: str = "",
) -> None:
    """Refuse options that mean nothing to what is read and written.

    Parameters
    ----------
    reader : Format
        What is read.
    target : Format or None
        What is written; None for a recording.
    selection : Selection
        What of it.
    formats : Formats
        What the names of the files do not tell.
    output : str
        Name of what is written.

    Raises
    ------
    UsageError
        Names the first such option.
    """
    stated = _stated(selection, formats)
    if reader.name == "templates":
        _only(stated, ("--cell-type",), "templates")
    elif reader.name == "mearec-templates":
        _only(stated, (), "templates")
    elif target is not None and target.name == "bluerecording":
        _only(stated, _WEIGHTS, "weights")
    elif reader.name in ("model", "network"):
        _only(stated, _CIRCUITS, "circuits")
    else:
        _check_samples(reader, target, stated, output)


def _stated(selection: Selection, formats: Formats) -> dict[str, Any]:
    values = {
        "--signal": selection.signals or None,
        "--time": selection.time,
        "--channels": selection.channels or None,
        "--resample": selection.resample,
        "--units": selection.units,
        "--dtype": selection.dtype,
        "--dt": formats.dt,
        "--circuit": formats.circuit,
        "--cell-type": formats.cell_type,
    }
    return {option: value for option, value in values.items() if value is not None}


def _only(stated: Mapping[str, Any], heeded: tuple[str, ...], noun: str) -> None:
    for option in stated:
        if option not in heeded:
            raise UsageError(f"{option} does not go with {noun}", remedy="leave it out")


def _check_samples(
    reader: Format, target: Format | None, stated: Mapping[str, Any], output: str
) -> None:
    if "--cell-type" in stated:
        raise UsageError("--cell-type goes with templates alone", remedy="leave it out")
    if "--dt" in stated and reader.name != "lfpy":
        raise UsageError(
            f"--dt goes with files of LFPy; what {reader.name} files tell is taken from them",
            remedy="leave it out, or change the interval with --resample",
        )
    if "--dtype" not in stated or target is None:
        return
    fixed = [ending for ending in target.fixed_endings if output.endswith(ending)]
    if fixed or not target.chooses_type:
        label = fixed[0] if fixed else target.name
        raise UsageError(
            f"--dtype does not go with {label}, whose type of numbers is fixed",
            remedy="leave it out",
        )


def check_spikes_alone(chosen: Contents, selection: Selection) -> None:
    """Refuse options about samples where spikes alone were chosen.

    Parameters
    ----------
    chosen : Contents
        What was chosen.
    selection : Selection
        How.

    Raises
    ------
    UsageError
        Names the first such option.
    """
    if chosen.traces or not chosen.trains:
        return
    stated = _stated(selection, Formats())
    for option in _SAMPLES:
        if option in stated:
            raise UsageError(f"{option} does not go with spikes alone", remedy="leave it out")

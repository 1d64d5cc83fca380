"""Read, transform, summarise and write morphologies."""

from __future__ import annotations

import json
import os
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from lfpcli import __version__
from lfpcli.errors import InputError, LfpWarning, UsageError
from lfpcli.forward.rotations import AXES, parse_rotation, rotation_matrix
from lfpcli.forward.transforms import parse_distortion
from lfpcli.io.atomic import atomic_output
from lfpcli.io.morphology import write_morphology
from lfpcli.io.stream import local_file
from lfpcli.morphology import measures as m
from lfpcli.morphology.checks import check
from lfpcli.morphology.faults import FaultyFileError
from lfpcli.morphology.measures import Segmentation
from lfpcli.morphology.section import Section, type_name
from lfpcli.morphology.tree import Morphology
from lfpcli.runtime.morphology.reading import read_morphology


def read(
    source: str | os.PathLike[str], *, repair: bool = False, cell_id: str | None = None
) -> Morphology:
    """Read a morphology; what was mended is warned of.

    Parameters
    ----------
    source : path-like
        A .swc, .h5, .asc, .hoc, .xml or .nml file; ``-`` is standard input.
    repair : bool
        Whether an SWC file is mended.
    cell_id : str, optional
        Which cell of a NeuroML file of several.

    Returns
    -------
    Morphology
    """
    with local_file(source) as (path, name):
        morphology = read_morphology(path, name=name, repair=repair, cell_id=cell_id)
    for note in morphology.repairs:
        warnings.warn(f"{note} [{name}]", LfpWarning, stacklevel=2)
    return morphology


def transform(
    morphology: Morphology,
    *,
    scale: float = 1.0,
    distort: str | None = None,
    mirror: str | None = None,
    rotate: str | None = None,
    shift: Sequence[float] | None = None,
) -> Morphology:
    """Scale, distort, mirror, rotate and place a cell, in this order, about its soma's middle.

    Parameters
    ----------
    morphology : Morphology
        The cell.
    scale : float
        Factor of all coordinates and diameters.
    distort : str, optional
        Such as ``z=0.1,nu=0.3``, see `lfpcli.forward.transforms.distort`.
    mirror : str, optional
        Axes whose coordinates change sign, such as ``x`` or ``xz``.
    rotate : str, optional
        Such as ``x=90,z=30``, degrees, see `lfpcli.forward.rotations.rotation_matrix`.
    shift : sequence of float, optional
        Where the middle of the soma goes, um; it stays where left out.

    Returns
    -------
    Morphology
    """
    matrix = scale * np.eye(3)
    if distort is not None:
        matrix = _distortion(distort) @ matrix
    if mirror is not None:
        if not mirror or set(mirror) - set(AXES):
            raise UsageError(f"mirror '{mirror}' is not made of x, y and z")
        matrix = np.diag([-1.0 if axis in mirror else 1.0 for axis in AXES]) @ matrix
    if rotate is not None:
        matrix = rotation_matrix(parse_rotation(rotate)) @ matrix
    # only a scale changes diameters: turns keep them, and a squeezed branch has as much membrane
    return morphology.transformed(matrix, shift, thickness=scale)


def _distortion(text: str) -> np.ndarray:
    values: dict[str, Any] = parse_distortion(text)
    factor, nu = float(values["factor"]), float(values["nu"])
    if not abs(factor) < 1 or not 0 <= nu <= 0.5:
        raise UsageError(
            f"distortion '{text}' is out of range",
            remedy="the factor lies between -1 and 1, nu from 0 to 0.5",
        )
    scale = np.full(3, 1.0 + nu * factor)
    scale[AXES.index(str(values["axis"]))] = 1.0 - factor
    return np.diag(scale)


def summarise(morphology: Morphology, rule: Segmentation | None = None) -> dict[str, Any]:
    """Return the numbers that describe a cell, fit for JSON.

    Parameters
    ----------
    morphology : Morphology
        The cell.
    rule : Segmentation, optional
        How many segments sections get.

    Returns
    -------
    dict
        Counts, lengths (um), areas (um2) per kind of section and in all, places, checks.
    """
    sections = morphology.sections
    rule = rule or Segmentation()
    codes = sorted({section.type for section in sections})
    positions = np.vstack([section.points[:, :3] for section in morphology.laid_out])
    low, high = positions.min(axis=0).tolist(), positions.max(axis=0).tolist()
    diameter = m.soma_diameter(morphology)
    return {
        "name": morphology.name,
        "points": len(morphology),
        "roots": int(np.count_nonzero(morphology.parents < 0)),
        "kinds": {type_name(code): _of_kind(morphology, [code], rule) for code in codes},
        "total": _of_kind(morphology, codes, rule),
        "bifurcations": m.bifurcation_count(sections),
        "tips": int(np.count_nonzero(m.child_counts(sections) == 0)),
        "max_branch_order": int(m.branch_orders(sections).max()),
        "max_path_length_um": round(float(m.path_distances(sections).max()), 3),
        "extent_um": {axis: [round(low[k], 3), round(high[k], 3)] for k, axis in enumerate(AXES)},
        "soma": {
            "diameter_um": None if diameter is None else round(diameter, 3),
            "middle_um": [round(float(value), 3) for value in morphology.middle_of_soma],
        },
        "segmentation": _rule(rule, sections),
        "checks": check(morphology),
        "repairs": list(morphology.repairs),
        "notes": list(morphology.notes),
    }


def _of_kind(morphology: Morphology, codes: list[int], rule: Segmentation) -> dict[str, Any]:
    chosen = [section for section in morphology.sections if section.type in codes]
    drawn = np.concatenate([section.points[:, 3] for section in chosen])
    return {
        "sections": len(chosen),
        "segments": sum(m.segment_count(section, rule) for section in chosen),
        "length_um": round(sum(m.section_length(section) for section in chosen), 3),
        "area_um2": round(sum(m.section_area(section) for section in chosen), 3),
        "diameter_um": [round(float(drawn.min()), 4), round(float(drawn.max()), 4)],
    }


def _rule(rule: Segmentation, sections: Sequence[Section]) -> dict[str, Any]:
    if rule.max_length is not None:
        return {"rule": "length", "max_um": rule.max_length}
    values = [m.cable(section, rule) for section in sections]
    resistivities, capacitances = zip(*values, strict=True)
    return {
        "rule": "d_lambda",
        "d_lambda": rule.d_lambda,
        "frequency_hz": rule.frequency,
        "Ra_ohm_cm": _common(resistivities),
        "cm_uf_cm2": _common(capacitances),
    }


def _common(values: Sequence[float]) -> float | list[float]:
    """The one value of all sections, or the least and the largest."""
    low, high = min(values), max(values)
    return low if low == high else [low, high]


def save(
    cells: Sequence[Morphology],
    target: str | os.PathLike[str],
    *,
    rule: Segmentation | None = None,
    force: bool = False,
) -> None:
    """Write one cell as .swc or .h5, or the summaries of cells as .json.

    Parameters
    ----------
    cells : sequence of Morphology
        One cell, or for .json any number.
    target : path-like
        File, or ``-`` for SWC on standard output; SWC carries the summary as comments.
    rule : Segmentation, optional
        How many segments sections get in the summary.
    force : bool
        Whether an existing file is replaced.
    """
    if Path(target).suffix.lower() == ".json":
        with atomic_output(target, force=force, binary=False) as path:
            path.write_text(summary_json(cells, rule), encoding="utf-8")
        return
    # SWC has no way to tell where one cell ends
    if len(cells) != 1:
        raise UsageError(
            f"{len(cells)} morphologies do not fit into one file",
            remedy="convert them one by one, or write their summaries to a .json file",
        )
    comments = [f"written by lfp {__version__}", *summary_lines(summarise(cells[0], rule))]
    write_morphology(cells[0], target, comments=comments, force=force)


def summary_json(
    cells: Sequence[Morphology],
    rule: Segmentation | None = None,
    refused: Sequence[InputError] = (),
) -> str:
    """Return the summary of a cell as JSON, or a list of those of several.

    Parameters
    ----------
    cells : sequence of Morphology
        The cells.
    rule : Segmentation, optional
        How many segments sections get.
    refused : sequence of InputError
        What was wrong with files that could not be read; their faults are listed.
    """
    summaries = [summarise(cell, rule) for cell in cells]
    summaries += [_refusal(error) for error in refused]
    return json.dumps(summaries[0] if len(summaries) == 1 else summaries, indent=2) + "\n"


def _refusal(error: InputError) -> dict[str, Any]:
    faults: list[dict[str, Any]] = [{"line": None, "fault": error.message}]
    name = error.source
    if isinstance(error, FaultyFileError):
        name = error.name
        faults = [{"line": fault.line or None, "fault": fault.message} for fault in error.faults]
    return {"name": name, "faults": faults, "remedy": error.remedy}


def summary_lines(summary: dict[str, Any]) -> list[str]:
    """Return a summary as lines of text."""
    lines = [
        f"{summary['name']}: {_count(summary['points'], 'point')}, "
        f"{_count(summary['roots'], 'root')}"
    ]
    lines.append("kind      sections  segments   length/um   area/um2  diameter/um")
    for section_type, row in [*summary["kinds"].items(), ("total", summary["total"])]:
        low, high = row["diameter_um"]
        lines.append(
            f"{section_type:10}{row['sections']:8d}{row['segments']:10d}{row['length_um']:12.1f}"
            f"{row['area_um2']:11.1f}  {low:g} to {high:g}"
        )
    lines.append(f"segments by {_rule_text(summary['segmentation'])}")
    lines.append(
        f"{_count(summary['bifurcations'], 'bifurcation')}, {_count(summary['tips'], 'tip')}, "
        f"highest branch order {summary['max_branch_order']}, "
        f"longest path {summary['max_path_length_um']:.1f} um"
    )
    for axis, (low, high) in summary["extent_um"].items():
        lines.append(f"{axis} from {low:.1f} to {high:.1f} um, {high - low:.1f} um wide")
    x, y, z = summary["soma"]["middle_um"]
    diameter = summary["soma"]["diameter_um"]
    size = "no soma; root" if diameter is None else f"soma of diameter {diameter:.2f} um"
    lines.append(f"{size} at {x:g}, {y:g}, {z:g}")
    lines.extend(f"repair: {note}" for note in summary["repairs"])
    lines.extend(f"note: {note}" for note in summary["notes"])
    lines.extend(f"check: {note}" for note in summary["checks"] or ["nothing stands out"])
    return lines


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def _rule_text(rule: dict[str, Any]) -> str:
    if rule["rule"] == "length":
        return f"length, at most {rule['max_um']:g} um"
    return (
        f"d_lambda {rule['d_lambda']:g} at {rule['frequency_hz']:g} Hz, "
        f"Ra {_span(rule['Ra_ohm_cm'])} ohm cm, cm {_span(rule['cm_uf_cm2'])} uF/cm2"
    )


def _span(value: float | list[float]) -> str:
    if isinstance(value, list):
        low, high = value
        return f"{low:g} to {high:g}"
    return f"{value:g}"

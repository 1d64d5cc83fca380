"""The text of a NeuroML file: its cells, groups of segments, and quantities with units."""

from __future__ import annotations

import math
import os
from pathlib import Path
from xml.etree import ElementTree

from lfpcli.errors import InputError, nearest

LARGEST_FILE = 512 * 2**20
REMEDY = "correct the element, or write the file again"
# dimensions whose values may lie below zero, and those that no cable is without
SIGNED = ("voltage",)
ABOVE_ZERO = ("resistivity", "specific capacitance")
# factors to NEURON's units, by dimension
UNITS = {
    "conductance density": {"S_per_cm2": 1.0, "mS_per_cm2": 1e-3, "S_per_m2": 1e-4},
    "voltage": {"mV": 1.0, "V": 1e3},
    "specific capacitance": {"uF_per_cm2": 1.0, "F_per_m2": 100.0},
    "resistivity": {"ohm_cm": 1.0, "kohm_cm": 1e3, "ohm_m": 100.0},
    "concentration": {"mM": 1.0, "M": 1e3, "mol_per_m3": 1.0, "mol_per_cm3": 1e6},
    "time": {"ms": 1.0, "s": 1e3},
    "length": {"um": 1.0, "cm": 1e4, "m": 1e6},
}


def tag(element: ElementTree.Element) -> str:
    """Name of an element without its namespace."""
    return str(element.tag).rpartition("}")[2]


def read_root(path: str | os.PathLike[str], label: str) -> ElementTree.Element:
    """Return the root of an XML file.

    Parameters
    ----------
    path : path-like
        The file.
    label : str
        What to call it in messages.

    Raises
    ------
    InputError
        Where the file cannot be read or is no XML; the line is named.
    """
    try:
        if Path(path).stat().st_size > LARGEST_FILE:
            raise InputError(
                "is too large for a morphology", source=label, remedy="check what the file is"
            )
        return ElementTree.parse(Path(path)).getroot()
    except ElementTree.ParseError as error:
        line = error.position[0] if hasattr(error, "position") else 1
        raise InputError(
            f"is no valid XML: {error}", source=f"{label}:{line}", remedy=REMEDY
        ) from error
    except (UnicodeError, ValueError, LookupError) as error:
        raise InputError(f"is no valid XML: {error}", source=label, remedy=REMEDY) from error
    except OSError as error:
        raise InputError(
            f"cannot be read: {error.strerror}", source=label, remedy="check its permissions"
        ) from error


def cell_elements(root: ElementTree.Element) -> dict[str, ElementTree.Element]:
    """Return the cells of a file by id: elements named cell, else those that hold segments."""
    cells = [element for element in root.iter() if tag(element) == "cell"]
    if not cells:
        cells = [element for element in root.iter() if _holds(element, "segment")]
    return {
        element.get("id", element.get("name", str(k))): element for k, element in enumerate(cells)
    }


def _holds(element: ElementTree.Element, name: str) -> bool:
    return any(tag(child) == name for child in element)


def chosen_cell(
    root: ElementTree.Element, label: str, cell_id: str | None
) -> ElementTree.Element | None:
    """Return the cell of an id; without one the only cell, None where there is none.

    Parameters
    ----------
    root : Element
        The root of the file.
    label : str
        What to call the file in messages.
    cell_id : str, optional
        Which cell.

    Raises
    ------
    InputError
        Where there is no such cell, or several and none is chosen.
    """
    cells = cell_elements(root)
    if cell_id is not None:
        if cell_id not in cells:
            raise InputError(
                f"holds no cell '{cell_id}'", source=label, remedy=nearest(cell_id, cells, "cell")
            )
        return cells[cell_id]
    if len(cells) > 1:
        listed = ", ".join(list(cells)[:12])
        raise InputError(
            f"holds {len(cells)} cells: {listed}",
            source=label,
            remedy="choose one: --cell ID of lfp morph, the key cell_id of a model",
        )
    return next(iter(cells.values()), None)


def group_members(cell: ElementTree.Element) -> dict[str, set[str]]:
    """Return the ids of the segments of each group, those of included groups too."""
    direct: dict[str, set[str]] = {}
    included: dict[str, set[str]] = {}
    for element in cell.iter():
        if tag(element) == "segmentGroup" and "id" in element.attrib:
            name = element.attrib["id"]
            direct.setdefault(name, set())
            included.setdefault(name, set())
            for child in element:
                if tag(child) == "member":
                    direct[name].add(child.get("segment", ""))
                elif tag(child) == "include":
                    included[name].add(child.get("segmentGroup", ""))
    return {name: _closure(name, direct, included) for name in direct}


def _closure(name: str, direct: dict[str, set[str]], included: dict[str, set[str]]) -> set[str]:
    """Members of a group and of all that it includes, however deep and in whatever circle."""
    members: set[str] = set()
    seen = {name}
    pending = [name]
    while pending:
        group = pending.pop()
        members |= direct.get(group, set())
        for other in included.get(group, set()) - seen:
            seen.add(other)
            pending.append(other)
    return members


def number(text: str, source: str) -> float:
    """Return a finite number; `source` names the element in errors."""
    try:
        # Python's own literals with underscores are none of XML's
        value = float("_" if "_" in text else text)
    except ValueError:
        raise InputError(f"'{text[:40]}' is not a number", source=source, remedy=REMEDY) from None
    if not math.isfinite(value):
        raise InputError(f"'{text[:40]}' is not finite", source=source, remedy=REMEDY)
    return value


def quantity(text: str, dimension: str, source: str) -> float:
    """Return a quantity such as ``0.1 mS_per_cm2`` in NEURON's unit of its dimension.

    Parameters
    ----------
    text : str
        Number and unit.
    dimension : str
        A key of `UNITS`.
    source : str
        The element, for messages.
    """
    units = UNITS[dimension]
    stripped = text.strip()
    for unit, factor in sorted(units.items(), key=lambda item: -len(item[0])):
        if not stripped.endswith(unit):
            continue
        value = number(stripped.removesuffix(unit).strip(), source) * factor
        is_below = value < 0 and dimension not in SIGNED
        if is_below or (value == 0 and dimension in ABOVE_ZERO):
            raise InputError(
                f"{dimension} of '{stripped[:40]}' cannot be", source=source, remedy=REMEDY
            )
        return value
    raise InputError(
        f"'{stripped[:40]}' is no {dimension}", source=source, remedy=f"units: {', '.join(units)}"
    )

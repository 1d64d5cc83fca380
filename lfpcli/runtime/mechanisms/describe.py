"""Facts about mechanisms, asked of NEURON and read in their sources."""

from __future__ import annotations

import re
from typing import Any

from lfpcli.runtime.capture import captured
from lfpcli.runtime.mechanisms.sources import neuron_block
from lfpcli.runtime.neuron import nrn

# codes of MechanismStandard
_PARAMETER, _ASSIGNED, _STATE, _GLOBAL = 1, 2, 3, -1


def builtin_mechanisms() -> list[dict[str, Any]]:
    """Mechanisms that NEURON has now, each with `name` and `kind`, without ions."""
    h = nrn()
    found = []
    for code, kind in ((0, "density"), (1, "point")):
        types = h.MechanismType(code)
        name = h.ref("")
        for k in range(int(types.count())):
            types.select(k)
            types.selected(name)
            artificial = code == 1 and bool(types.is_artificial(k))
            if not str(name[0]).endswith("_ion") and name[0] != "morphology":
                kind_here = "artificial" if artificial else kind
                found.append({"name": str(name[0]), "kind": kind_here})
    return found


def describe(name: str) -> dict[str, Any]:
    """Describe a mechanism that NEURON has.

    Parameters
    ----------
    name : str
        Its name; it must exist.

    Returns
    -------
    dict
        `name`, `kind`, `electrode_current` (bool), `events` (bool: whether it takes events),
        `ions` (each `ion`, `reads`, `writes`), and `parameters`, `globals`, `assigned` and
        `states` (each `name`, `units`, `size`; parameters and globals with `default`).
    """
    h = nrn()
    kinds = {m["name"]: m["kind"] for m in builtin_mechanisms()}
    kind = kinds[name]
    types = h.MechanismType(0 if kind == "density" else 1)
    types.select(name)
    block = neuron_block(types.code() or "")
    return {
        "name": name,
        "kind": kind,
        "electrode_current": bool(re.search(r"\bELECTRODE_CURRENT\b", block)),
        "events": kind != "density" and bool(types.is_netcon_target(int(types.selected()))),
        "ions": _ions(block),
        "parameters": _variables(name, kind, _PARAMETER),
        "globals": _variables(name, kind, _GLOBAL),
        "assigned": _variables(name, kind, _ASSIGNED),
        "states": _variables(name, kind, _STATE),
    }


def has_electrode_current(name: str) -> bool:
    """Whether a point process injects electrode current, which `i_membrane_` leaves out."""
    types = nrn().MechanismType(1)
    types.select(name)
    return bool(re.search(r"\bELECTRODE_CURRENT\b", neuron_block(types.code() or "")))


def _ions(block: str) -> list[dict[str, Any]]:
    ions = []
    for ion, rest in re.findall(r"\bUSEION\s+(\w+)((?:(?!\bUSEION\b).)*)", block, re.DOTALL):
        uses = {
            verb: re.findall(r"\w+", names)
            for verb, names in re.findall(r"\b(READ|WRITE)\s+(\w+(?:\s*,\s*\w+)*)", rest)
        }
        ions.append({"ion": ion, "reads": uses.get("READ", []), "writes": uses.get("WRITE", [])})
    return ions


def _variables(name: str, kind: str, code: int) -> list[dict[str, Any]]:
    h = nrn()
    standard = h.MechanismStandard(name, code)
    reference = h.ref("")
    found = []
    for k in range(int(standard.count())):
        size = int(standard.name(reference, k))
        full = str(reference[0])
        entry: dict[str, Any] = {
            "name": full.removesuffix(f"_{name}"),
            "units": _units(full if kind == "density" or code == _GLOBAL else f"{name}.{full}"),
            "size": size,
        }
        if code == _PARAMETER:
            values = [float(standard.get(full, i)) for i in range(size)]
            entry["default"] = values[0] if size == 1 else values
        elif code == _GLOBAL:
            entry["default"] = _global_value(full, size)
        found.append(entry)
    return found


def _global_value(full: str, size: int) -> float | list[float]:
    value = getattr(nrn(), full)
    return float(value) if size == 1 else [float(value[i]) for i in range(size)]


def _units(symbol: str) -> str:
    # NEURON complains of a symbol without units, which is no error here
    with captured():
        try:
            return str(nrn().units(symbol))
        except RuntimeError:
            return ""

"""Facts about mechanisms, asked of NEURON and read in their sources."""

from __future__ import annotations

import re
from typing import Any

from lfpcli.runtime.capture import captured
from lfpcli.runtime.mechanisms.sources import neuron_block
from lfpcli.runtime.neuron import nrn

# codes of MechanismType
_DENSITY, _POINT = 0, 1
# codes of MechanismStandard
_PARAMETER, _ASSIGNED, _STATE, _GLOBAL = 1, 2, 3, -1


def builtin_mechanisms() -> list[dict[str, Any]]:
    """Mechanisms that NEURON has now, each with `name` and `kind`, without ions."""
    h = nrn()
    reference = h.ref("")
    mechanisms = []
    for code in (_DENSITY, _POINT):
        types = h.MechanismType(code)
        for k in range(int(types.count())):
            types.select(k)
            types.selected(reference)
            name = str(reference[0])
            if name.endswith("_ion") or name == "morphology":
                continue
            nature = "density"
            if code == _POINT:
                # NEURON lists artificial cells, which lie on no segment, among point processes
                nature = "artificial" if types.is_artificial(k) else "point"
            mechanisms.append({"name": name, "kind": nature})
    return mechanisms


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
    natures = {m["name"]: m["kind"] for m in builtin_mechanisms()}
    is_density = natures[name] == "density"
    types = h.MechanismType(_DENSITY if is_density else _POINT)
    types.select(name)
    # NEURON keeps the source text of what was compiled
    block = neuron_block(types.code() or "")
    return {
        "name": name,
        "kind": natures[name],
        "electrode_current": bool(re.search(r"\bELECTRODE_CURRENT\b", block)),
        "events": not is_density and bool(types.is_netcon_target(int(types.selected()))),
        "ions": _ions(block),
        "parameters": _variables(name, _PARAMETER, is_density=is_density),
        "globals": _variables(name, _GLOBAL, is_density=is_density),
        "assigned": _variables(name, _ASSIGNED, is_density=is_density),
        "states": _variables(name, _STATE, is_density=is_density),
    }


def _ions(block: str) -> list[dict[str, Any]]:
    ions = []
    for ion, rest in re.findall(r"\bUSEION\s+(\w+)((?:(?!\bUSEION\b).)*)", block, re.DOTALL):
        uses = {
            verb: re.findall(r"\w+", names)
            for verb, names in re.findall(r"\b(READ|WRITE)\s+(\w+(?:\s*,\s*\w+)*)", rest)
        }
        ions.append({"ion": ion, "reads": uses.get("READ", []), "writes": uses.get("WRITE", [])})
    return ions


def _variables(name: str, code: int, *, is_density: bool) -> list[dict[str, Any]]:
    h = nrn()
    standard = h.MechanismStandard(name, code)
    reference = h.ref("")
    variables = []
    for k in range(int(standard.count())):
        size = int(standard.name(reference, k))
        full = str(reference[0])
        # variables of point processes are known by their class, all others by their suffix
        symbol = full if is_density or code == _GLOBAL else f"{name}.{full}"
        entry: dict[str, Any] = {
            "name": full.removesuffix(f"_{name}"),
            "units": _units(symbol),
            "size": size,
        }
        if code == _PARAMETER:
            values = [float(standard.get(full, i)) for i in range(size)]
            entry["default"] = values[0] if size == 1 else values
        elif code == _GLOBAL:
            entry["default"] = _global_value(full, size)
        variables.append(entry)
    return variables


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

"""Variables of SONATA configurations, which their manifests define and their texts name."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from lfpcli.errors import InputError, nearest

_VARIABLE = re.compile(r"\$\{?([A-Za-z_][A-Za-z0-9_]*)\}?")
# characters of a text: paths have fewer, and variables that repeat others could make it endless
_LONGEST_TEXT = 1 << 14


def resolved(tree: Mapping[str, Any], path: Path) -> dict[str, Any]:
    """A configuration with the variables of its manifest replaced.

    Parameters
    ----------
    tree : mapping
        The configuration as its file has it.
    path : Path
        The file.

    Returns
    -------
    dict
        Without the manifest.

    Raises
    ------
    InputError
        Where a variable is not known, or variables name each other in a circle.
    """
    manifest = tree.get("manifest", {})
    if not isinstance(manifest, dict):
        raise InputError("is no object", source=f"{path}: manifest", remedy="write {...}")
    values = _values(manifest, path)
    rest = {name: node for name, node in tree.items() if name != "manifest"}
    try:
        walked: dict[str, Any] = _walk(rest, values, path)
    except RecursionError:
        raise InputError(
            "is nested too deeply", source=path, remedy="see SONATA's description"
        ) from None
    return walked


def _values(manifest: Mapping[str, Any], path: Path) -> dict[str, Any]:
    """Values of all variables, in which none is named any more."""
    pending = {name.lstrip("$").strip("{}"): value for name, value in manifest.items()}
    values: dict[str, Any] = {
        "configdir": str(path.absolute().parent),
        "workingdir": str(Path.cwd()),
    }
    while pending:
        ready = []
        for name, value in pending.items():
            named = _VARIABLE.findall(value) if isinstance(value, str) else []
            if not any(other in pending for other in named):
                ready.append(name)
        if not ready:
            raise InputError(
                f"variables name each other in a circle: {', '.join(sorted(pending))}",
                source=f"{path}: manifest",
                remedy="give one of them a value of its own",
            )
        for name in ready:
            values[name] = _replaced(pending.pop(name), values, path)
    return values


def _replaced(text: Any, values: Mapping[str, Any], path: Path) -> Any:
    if not isinstance(text, str):
        return text
    for name in _VARIABLE.findall(text):
        if name not in values:
            raise InputError(
                f"variable '${name}' is not in the manifest",
                source=path,
                remedy=nearest(name, values, "variable"),
            )
    whole = _VARIABLE.fullmatch(text)
    if whole:
        # a number or a list stays one
        return values[whole[1]]
    length = len(text) + sum(len(str(values[name])) for name in _VARIABLE.findall(text))
    if length > _LONGEST_TEXT:
        raise InputError(
            f"variables make a text of {length} characters",
            source=path,
            remedy="see its manifest",
        )
    return _VARIABLE.sub(lambda match: str(values[match[1]]), text)


def _walk(node: Any, values: Mapping[str, Any], path: Path) -> Any:
    if isinstance(node, list):
        return [_walk(entry, values, path) for entry in node]
    if isinstance(node, dict):
        return {name: _walk(entry, values, path) for name, entry in node.items()}
    return _replaced(node, values, path)

"""Parameters as attributes of HDF5, and back."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Mapping
from typing import Any

import numpy as np

from lfpcli.io.text import as_text


def as_plain(value: Any) -> Any:
    """An attribute in plain types: texts, numbers, lists, and the trees that texts of JSON are."""
    if isinstance(value, (bytes, str)):
        value = as_text(value)
    # attributes hold no tables: what is nested was written as JSON
    if isinstance(value, str) and value.startswith(("{", "[")):
        with contextlib.suppress(ValueError, RecursionError):
            return json.loads(value)
    return value.tolist() if isinstance(value, (np.ndarray, np.generic)) else value


def as_number(value: Any) -> float:
    """An attribute as a number, NaN where it is none."""
    try:
        return float(value)
    except (TypeError, ValueError):
        return float("nan")


def encode(parameters: Mapping[str, Any]) -> dict[str, Any]:
    """Parameters as HDF5 attributes: numbers and flat lists as they are, trees as JSON."""
    encoded: dict[str, Any] = {}
    for key, value in parameters.items():
        if value is None:
            continue
        if isinstance(value, (dict, list, tuple)) and not _flat(value):
            value = json.dumps(value, default=lambda v: np.asarray(v).tolist())
        encoded[key] = value
    return encoded


def _flat(value: Any) -> bool:
    return (
        not isinstance(value, dict)
        and np.asarray(value, dtype=object).dtype == object
        and all(isinstance(v, (int, float)) for v in value)
    )

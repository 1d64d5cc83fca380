"""The distributions of scipy.stats by name; scipy is loaded when the first one is asked for."""

from __future__ import annotations

import contextlib
import functools
import math
import warnings
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from lfpcli.errors import nearest
from lfpcli.model.place import At


@functools.cache
def family(name: str) -> Any:
    """Return the univariate distribution that scipy.stats has under a name, or None."""
    from scipy import stats

    found = getattr(stats, name, None) if name.isidentifier() else None
    return found if isinstance(found, (stats.rv_continuous, stats.rv_discrete)) else None


def family_names() -> list[str]:
    """Names of the univariate distributions in scipy.stats."""
    from scipy import stats

    return [name for name in dir(stats) if family(name) is not None]


def is_discrete(name: str) -> bool:
    """Whether a distribution is one over the integers."""
    return hasattr(family(name), "pmf")


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Keep overflows and integration warnings of scipy silent; results are checked instead."""
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def check_parameters(name: str, params: Mapping[str, float], at: At) -> None:
    """Raise `InputError` where a distribution's parameter is unknown, missing or out of range.

    Parameters
    ----------
    name : str
        Name of a distribution in scipy.stats.
    params : mapping
        Its parameters.
    at : At
        The table they stand in.
    """
    shapes = [part.strip() for part in (family(name).shapes or "").split(",") if part.strip()]
    allowed = [*shapes, "loc"] if is_discrete(name) else [*shapes, "loc", "scale"]
    for given in params:
        if given not in allowed:
            remedy = nearest(given, allowed, "parameter")
            raise (at / given).error(f"'{name}' has no such parameter", remedy)
    if missing := [shape for shape in shapes if shape not in params]:
        raise at.table_error(f"'{name}' needs the parameter '{missing[0]}'")
    if not math.isfinite(params.get("loc", 0.0)):
        raise (at / "loc").expected("a finite number", params["loc"])
    if not 0 < params.get("scale", 1.0) < math.inf:
        raise (at / "scale").expected("a finite number > 0", params["scale"])
    with quiet():
        ends = family(name)(**params).support()
    if any(math.isnan(end) for end in ends):
        raise at.table_error(f"parameters are outside of what '{name}' allows")

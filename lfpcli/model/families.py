"""The distributions of scipy.stats by name; scipy is loaded when the first one is asked for."""

from __future__ import annotations

import contextlib
import functools
import math
import warnings
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from lfpcli.errors import nearest
from lfpcli.model.source_text import At


@dataclass(frozen=True)
class Normal:
    """The normal distribution, by far the most used, in the ways of scipy.stats.

    scipy.stats takes longer to load than most models to be built, and much longer to draw a few
    values.
    """

    loc: float = 0.0
    scale: float = 1.0

    def pdf(self, x: np.ndarray) -> np.ndarray:
        """Density at values (any shape), per their unit."""
        z = (np.asarray(x, dtype=float) - self.loc) / self.scale
        return np.exp(-0.5 * z * z) / (self.scale * math.sqrt(2 * math.pi))

    def cdf(self, x: float) -> float:
        """Probability of what is not larger."""
        return 0.5 * math.erfc((self.loc - x) / (self.scale * math.sqrt(2.0)))

    def support(self) -> tuple[float, float]:
        """Smallest and largest value."""
        return -math.inf, math.inf

    def rvs(self, size: int, random_state: np.random.Generator) -> np.ndarray:
        """Draw values, shape (size,), in the unit of `loc`; the same as scipy.stats draws."""
        return random_state.standard_normal(size) * self.scale + self.loc


class NormalFamily:
    """What `family` returns of the normal distribution."""

    shapes = None

    def __call__(self, **params: float) -> Normal:
        return Normal(**params)


@functools.cache
def family(name: str) -> Any:
    """Return the univariate distribution that scipy.stats has under a name, or None."""
    # scipy.stats takes half a second to load
    if name == "norm":
        return NormalFamily()
    from scipy import stats

    if not name.isidentifier():
        return None
    entry = getattr(stats, name, None)
    return entry if isinstance(entry, (stats.rv_continuous, stats.rv_discrete)) else None


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
    for parameter in params:
        if parameter not in allowed:
            remedy = nearest(parameter, allowed, "parameter")
            raise (at / parameter).error(f"'{name}' has no such parameter", remedy)
    if missing := [shape for shape in shapes if shape not in params]:
        raise at.table_error(f"'{name}' needs the parameter '{missing[0]}'")
    if not math.isfinite(params.get("loc", 0.0)):
        raise (at / "loc").expected("a finite number", params["loc"])
    if not 0 < params.get("scale", 1.0) < math.inf:
        raise (at / "scale").expected("a finite number > 0", params["scale"])
    with quiet():
        # scipy answers impossible parameters with a support of nan, not with an error
        ends = family(name)(**params).support()
    if any(math.isnan(end) for end in ends):
        raise at.table_error(f"parameters are outside of what '{name}' allows")

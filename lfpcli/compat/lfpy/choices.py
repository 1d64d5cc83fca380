"""Which segments of a cell: by names, depth, nearness, or chance, as LFPy chooses them."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from lfpcli.compat.lfpy.alias_method import alias_method
from lfpcli.errors import InputError, LfpWarning, UsageError, nearest
from lfpcli.geometry import Geometry


class Choices:
    """Methods of a cell that give indices of segments.

    LFPy finds a section by any part of its name: ``dend`` is also ``basal_dend[2]``. Draws come
    from NumPy's global generator, which ``np.random.seed`` sets.
    """

    geometry: Geometry
    names: list[str]
    area: np.ndarray

    @property
    def allsecnames(self) -> list[str]:
        """Names of the sections."""
        return self.names

    def get_idx(
        self,
        section: str | Sequence[str] = "allsec",
        z_min: float = -np.inf,
        z_max: float = np.inf,
    ) -> np.ndarray:
        """Segments of sections, with midpoints between two depths, um.

        Parameters
        ----------
        section : str or sequence of str
            Parts of names; ``allsec`` is all.
        z_min, z_max : float
            Depths, um.

        Returns
        -------
        ndarray of int, shape (n,)

        Warns
        -----
        LfpWarning
            Where no section has such a part in its name; there are no segments then.
        """
        parts = [section] if isinstance(section, str) else list(section)
        named = np.zeros(len(self.names), dtype=bool)
        for part in parts:
            has_it = np.array([part == "allsec" or part in name for name in self.names])
            if not has_it.any() and len(parts) == 1:
                remedy = nearest(part, self.names, "section")
                warnings.warn(
                    f"no section has '{part}' in its name; {remedy}", LfpWarning, stacklevel=2
                )
            named |= has_it
        depth = self.geometry.middle[:, 2]
        # between two depths without these themselves, as in LFPy
        inside = named[self.geometry.section] & (depth > z_min) & (depth < z_max)
        return np.flatnonzero(inside)

    def get_closest_idx(
        self,
        x: float = 0.0,
        y: float = 0.0,
        z: float = 0.0,
        section: str | Sequence[str] = "allsec",
    ) -> int:
        """Segment of sections whose midpoint is nearest to a place, um."""
        candidates = self.get_idx(section)
        distance = np.linalg.norm(self.geometry.middle[candidates] - (x, y, z), axis=1)
        return int(candidates[np.argmin(distance)])

    def get_rand_idx_area_norm(
        self,
        section: str | Sequence[str] = "allsec",
        nidx: int = 1,
        z_min: float = -1e6,
        z_max: float = 1e6,
    ) -> np.ndarray:
        """Draw indices of segments by their area, with replacement, shape (nidx,)."""
        candidates = self._candidates(section, z_min, z_max)
        return alias_method(candidates, self.area[candidates], nidx)

    def get_rand_idx_area_and_distribution_norm(
        self,
        section: str | Sequence[str] = "allsec",
        nidx: int = 1,
        z_min: float = -1e6,
        z_max: float = 1e6,
        fun: Any = None,
        funargs: Any = None,
        funweights: Sequence[float] | None = None,
    ) -> np.ndarray:
        """Draw segments by their area times a density of depth, with replacement.

        Parameters
        ----------
        section : str or sequence of str
            Parts of names; ``allsec`` is all.
        nidx : int
            How many to draw.
        z_min, z_max : float
            Depths, um.
        fun : scipy.stats distribution, or sequence of them
            Densities of depth; the normal one where left out. Names of distributions do, too.
        funargs : mapping, or sequence of mappings
            Arguments of each; ``loc=0, scale=100`` where left out.
        funweights : sequence of float, optional
            Factor of each density; 1 where left out.

        Returns
        -------
        ndarray of int, shape (nidx,)
        """
        candidates, chances = self.chances_of_depth(
            section, z_min, z_max, fun=fun, funargs=funargs, funweights=funweights
        )
        return alias_method(candidates, chances, nidx)

    def chances_of_depth(
        self,
        section: str | Sequence[str] = "allsec",
        z_min: float = -1e6,
        z_max: float = 1e6,
        **densities: Any,
    ) -> tuple[np.ndarray, np.ndarray]:
        """Segments that may be drawn, shape (n,), and area times density of each, (n,), um.

        Parameters are those of `get_rand_idx_area_and_distribution_norm`.

        Raises
        ------
        InputError
            Where there is no such segment, or all densities are 0.
        """
        candidates = self._candidates(section, z_min, z_max)
        chances = self.area[candidates] * mixture(self.geometry.middle[candidates, 2], **densities)
        if not np.sum(chances) > 0:
            raise InputError("the density of depth is 0 at all segments of these sections")
        return candidates, chances

    def _candidates(self, section: str | Sequence[str], z_min: float, z_max: float) -> np.ndarray:
        candidates = self.get_idx(section, z_min, z_max)
        if not len(candidates):
            raise InputError(f"no segment of {section} lies between {z_min:g} and {z_max:g} um")
        return candidates

    def get_rand_prob_area_norm(
        self, section: str | Sequence[str] = "allsec", z_min: float = -1e4, z_max: float = 1e4
    ) -> np.ndarray:
        """Shares of segments in the area of all that are chosen, shape (n,)."""
        return self.get_rand_prob_area_norm_from_idx(self.get_idx(section, z_min, z_max))

    def get_rand_prob_area_norm_from_idx(self, idx: ArrayLike = (0,)) -> np.ndarray:
        """Shares of segments in the area of them all, shape (n,)."""
        areas = self.area[np.asarray(idx)]
        return np.asarray(areas / areas.sum())

    def get_intersegment_vector(self, idx0: int = 0, idx1: int = 0) -> list[float]:
        """Vector from the middle of one segment to that of another, [x, y, z], um."""
        middle = self.geometry.middle
        vector: list[float] = (middle[idx1] - middle[idx0]).tolist()
        return vector

    def get_intersegment_distance(self, idx0: int = 0, idx1: int = 0) -> float:
        """Distance between the middles of two segments, um."""
        return float(np.linalg.norm(self.get_intersegment_vector(idx0, idx1)))

    def get_idx_name(self, idx: ArrayLike = (0,)) -> np.ndarray:
        """Rows of index, name of the section, and place along it, shape (n, 3) of objects."""
        geometry = self.geometry
        indices = np.atleast_1d(np.asarray(idx, dtype=int))
        rows = [(int(k), self.names[geometry.section[k]], float(geometry.x[k])) for k in indices]
        return np.array(rows, dtype=object).reshape(-1, 3)


def mixture(
    depth: np.ndarray,
    *,
    fun: Any = None,
    funargs: Any = None,
    funweights: Sequence[float] | None = None,
) -> np.ndarray:
    """Weighted sum of densities at depths.

    Parameters
    ----------
    depth : ndarray, shape (n,)
        um.
    fun, funargs, funweights
        See `Choices.get_rand_idx_area_and_distribution_norm`.

    Returns
    -------
    ndarray, shape (n,)
        1/um.
    """
    from scipy import stats

    # one density or a list of them, and likewise their arguments and weights
    laws = list(fun) if isinstance(fun, (list, tuple)) else [stats.norm if fun is None else fun]
    usual = {"loc": 0.0, "scale": 100.0}
    arguments: Any = usual if funargs is None else funargs
    if isinstance(arguments, Mapping):
        arguments = [arguments] * len(laws)
    factors = [1.0] * len(laws) if funweights is None else list(np.atleast_1d(funweights))
    if not len(laws) == len(arguments) == len(factors):
        raise UsageError(
            f"there are {len(laws)} densities, {len(arguments)} arguments of them and "
            f"{len(factors)} weights"
        )
    density = np.zeros(len(depth))
    for law, keywords, factor in zip(laws, arguments, factors, strict=True):
        distribution = getattr(stats, law) if isinstance(law, str) else law
        density += factor * distribution.pdf(depth, **keywords)
    return density
